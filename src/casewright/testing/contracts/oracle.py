"""The oracle: what is really stored, read without the adapter whose word is to be checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import attrs
import pytest

from casewright.domain.events import Event
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.payloads import Payload
from casewright.domain.values import Category

__all__ = ["Row", "Rows", "instant_of", "stored_event"]

Row: TypeAlias = Mapping[str, Any]
"""One row by the names of the fields of `Task`, `Case`, `Event`, `Note` or `OutboxPointer`; others are passed over.

Instants are aware datetimes, or ISO 8601 text that ends in its offset: as they are stored, not as the adapter would
understand them. ``payload`` is the stored text, ``changed`` a list of names, or such a list as JSON text.
"""


@attrs.frozen(kw_only=True)
class Rows:
    """All that is stored, of all tenants, in any order.

    Attributes:
        items: A row for each item, at least with ``tenant``, ``id``, ``version``, ``status``, ``head``, ``created_at``,
            ``updated_at`` and ``due_at``.
        events: A row for each event, with all fields of `Event`.
        notes: A row for each note, with all fields of `Note`.
        pointers: A row for each pointer that is to be published, at least with ``tenant``, ``item_id`` and ``version``.
            None where the store has no outbox.
        entries: A row for each idempotency key, at least with ``tenant``, ``actor_id``, ``key``, ``fingerprint`` and
            ``version``. None where the store has no ledger.
    """

    items: Sequence[Row]
    events: Sequence[Row]
    notes: Sequence[Row]
    pointers: Sequence[Row] | None
    entries: Sequence[Row] | None = None

    def count(self) -> tuple[int, ...]:
        """Return how many rows there are of each kind."""
        return tuple(len(rows or ()) for rows in (self.items, self.events, self.notes, self.pointers, self.entries))

    def versions(self, of: Iterable[Row] | None) -> dict[tuple[Tenant, ItemId], list[int]]:
        """Return the versions that rows of events or pointers have, by item and in order."""
        found: dict[tuple[Tenant, ItemId], list[int]] = {}
        for row in of or ():
            found.setdefault((row["tenant"], row["item_id"]), []).append(row["version"])
        return {item: sorted(versions) for item, versions in found.items()}


_INSTANTS: Final = ("occurred_at", "recorded_at")


def instant_of(value: object) -> datetime:
    """Return the instant that is stored, in UTC; fail where there is none, or it has lost its offset."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    assert isinstance(moment, datetime), f"an instant is stored as a {type(moment).__name__}"
    assert moment.utcoffset() is not None, "an instant is stored without its offset"
    return moment.astimezone(UTC)


def stored_event(row: Row) -> Event:
    """Return the event that a row stands for, whatever the adapter would make of it."""
    missing = [field.name for field in attrs.fields(Event) if field.name not in row]
    if missing:
        pytest.fail(f"the oracle gives no {', '.join(missing)} of an event")
    said = {field.name: row[field.name] for field in attrs.fields(Event)}
    said |= {name: instant_of(said[name]) for name in _INSTANTS}
    changed, payload = said["changed"], said["payload"]
    said["changed"] = tuple(json.loads(changed) if isinstance(changed, str) else changed)
    said["category"] = Category(said["category"])
    said["payload"] = None if payload is None else Payload.from_text(payload)
    return Event(**said)
