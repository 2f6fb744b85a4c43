"""From items, events, notes, pointers and entries to rows: written out, without a mapper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.domain.events import Event
from casewright.domain.items import Item, Note
from casewright.domain.json_values import FrozenMapping, JsonValue, canonical_json
from casewright.domain.values import instant_text

__all__ = ["entry_values", "event_values", "item_values", "note_values", "performer_line", "pointer_values"]


def _names_text(names: tuple[str, ...]) -> str:
    return canonical_json(names) if names else "[]"


def _attributes_text(attributes: FrozenMapping[JsonValue]) -> str:
    return canonical_json(attributes) if attributes else "{}"


def _optional_instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(moment)


def performer_line(action: str, actor_id: str) -> str:
    """Return what is in ``performers`` just where the actor did the action; names hold neither tab nor line feed."""
    return f"\n{action}\t{actor_id}\n"


def _performers_text(performers: tuple[str, ...]) -> str:
    pairs = zip(performers[::2], performers[1::2], strict=True)
    return "\n" + "".join([f"{action}\t{actor_id}\n" for action, actor_id in pairs])


_ITEM_WRITERS: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "category": attrgetter("value"),
    "priority": lambda priority: None if priority is None else priority.value,
    "created_at": instant_text,
    "updated_at": instant_text,
    "due_at": _optional_instant,
    "closed_at": _optional_instant,
    "deleted_at": _optional_instant,
    "tags": _names_text,
    "attributes": _attributes_text,
    "performers": _performers_text,
}


def item_values(names: Sequence[str]) -> Callable[[Item], list[Any]]:
    """Return the function that gives what columns hold for an item.

    Args:
        names: Of columns of the item's table.

    Returns:
        The function, for either kind; a field that only the other kind has is None.
    """
    fields = [(name, _ITEM_WRITERS.get(name)) for name in names]

    def values(item: Item) -> list[Any]:
        return [getattr(item, name, None) if to is None else to(getattr(item, name)) for name, to in fields]

    return values


_PLAIN_EVENT: Final = attrgetter(*[column.name for column in TABLES.event.c][:8])


def event_values(event: Event) -> tuple[Any, ...]:
    """Return what the columns hold for an event."""
    payload = event.payload
    return (
        *_PLAIN_EVENT(event),
        event.category.value,
        event.actor_id,
        event.on_behalf_of,
        instant_text(event.occurred_at),
        _optional_instant(event.recorded_at),
        event.schema,
        event.definition,
        event.lifecycle_version,
        event.correlation_id,
        event.causation_id,
        event.traceparent,
        _names_text(event.changed),
        event.previous,
        event.payload_digest,
        event.digest,
        None if payload is None else payload.text,
        event.salt,
    )


def note_values(note: Note, place: int) -> tuple[Any, ...]:
    """Return what the columns hold for a note; the place is its own among those that are written with it."""
    moment = instant_text(note.created_at)
    return note.tenant, note.id, note.item_id, note.version, place, note.body, note.author_id, moment


def pointer_values(pointer: OutboxPointer) -> tuple[Any, ...]:
    """Return what the first columns hold for a new pointer; the others are for what comes of it later."""
    return pointer.tenant, pointer.item_id, pointer.version, pointer.shard, pointer.attempts


def entry_values(entry: LedgerEntry) -> tuple[Any, ...]:
    """Return what the columns hold for an entry of the ledger."""
    moment = instant_text(entry.recorded_at)
    own = (entry.tenant, entry.actor_id, entry.key, entry.command, entry.fingerprint)
    return *own, entry.item_id, entry.version, int(entry.changed), moment
