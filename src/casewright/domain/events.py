"""Events: what happened to an item, as a header that is plain data and a payload that can be erased.

The header is never upcast. An event's id is ``<item_id>.<version>``, and its version is the item's version after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Generic

import attrs

from casewright.domain.actors import Actor
from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.domain.items import ItemT, Kind, Note
from casewright.domain.json_values import EMPTY
from casewright.domain.making import Maker
from casewright.domain.payloads import Payload
from casewright.domain.values import MAX_ID, Category, as_name
from casewright.errors import InvalidInputError

__all__ = [
    "COUNTER_ACTIONS",
    "HEADERS",
    "RESERVED",
    "SCHEMA",
    "UNPERFORMED",
    "VERBS",
    "Change",
    "Context",
    "Event",
    "check_context",
    "evolve_event",
    "new_event",
]

MAX_CAUSATION: Final = MAX_ID + 20  # the id of an event is that of its item, a dot and a version

SCHEMA: Final = 1
"""The number of the present shape of header and payload."""

HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    1: (
        *("action", "actor_id", "category", "causation_id", "changed", "correlation_id", "definition", "from_status"),
        *("item_id", "kind", "lifecycle_version", "name", "occurred_at", "on_behalf_of", "payload_digest", "previous"),
        *("recorded_at", "schema", "tenant", "to_status", "traceparent", "version"),
    ),
}
"""What the digest of an event covers, by the number of its shape, in the order of canonical JSON.

No row ever changes: a new field takes a new one.
"""

VERBS: Final[Mapping[str, str]] = {
    "create": "created",
    "read": "",
    "edit": "edited",
    "assign": "assigned",
    "claim": "claimed",
    "release": "released",
    "set_due": "due_set",
    "tag": "tagged",
    "add_note": "note_added",
    "correct": "corrected",
    "delete": "deleted",
}
"""The internal transitions that every definition has, with the past-tense names of their events; reading leaves none.

Their names are reserved.
"""

COUNTER_ACTIONS: Final = frozenset({"task_opened", "task_closed"})
"""The events by which a case counts its open tasks; their names are reserved too."""

RESERVED: Final = COUNTER_ACTIONS.union(VERBS)
"""What no action of a lifecycle may be called."""

UNPERFORMED: Final[Mapping[int, frozenset[str]]] = {
    1: frozenset(
        {
            *("create", "read", "edit", "assign", "claim", "release", "set_due", "tag", "add_note"),
            *("correct", "delete", "task_opened", "task_closed"),
        }
    ),
}
"""The actions that add no performer to an item, by the number of the event's shape.

No row ever changes, lest an action that was a team's own mean less in its history: a new verb takes a new number.
"""


def _correlation_id(value: str | None) -> str | None:
    return None if value is None else as_name(value, "correlation_id", MAX_ID)


def _causation_id(value: str | None) -> str | None:
    return None if value is None else as_name(value, "causation_id", MAX_CAUSATION)


def _traceparent(value: str | None) -> str | None:
    return None if value is None else as_name(value, "traceparent", MAX_ID)


@attrs.frozen(kw_only=True)
class Context:
    """Where a change came from, for those who follow it across systems.

    Args:
        correlation_id: One id for all that belongs to one request of a user, or None.
        causation_id: The id of the event or message that caused it, or None.
        traceparent: The W3C trace context, or None.

    Raises:
        InvalidInputError: A value is blank, not printable or over its limit.
    """

    correlation_id: str | None = attrs.field(default=None, converter=_correlation_id)
    causation_id: str | None = attrs.field(default=None, converter=_causation_id)
    traceparent: str | None = attrs.field(default=None, converter=_traceparent)


def check_context(context: Context | None) -> None:
    """Check that it is a context, or none.

    Raises:
        InvalidInputError: It is something else.
    """
    if context is not None and not isinstance(context, Context):
        raise InvalidInputError("context", f"must be a Context, not {type(context).__name__}")


@attrs.frozen(kw_only=True, weakref_slot=False)
class Event:
    """One thing that happened to one item. Building or evolving one checks nothing: only `verify` does.

    Attributes:
        tenant: Whose data it is.
        item_id: The item it happened to.
        kind: Of which kind the item is.
        version: Its number in the item's history, from 1; also the item's version after it.
        action: The action or verb that was performed.
        name: Its past-tense name for the outside.
        from_status: The status before; None at creation.
        to_status: The status after.
        category: The category of the status after.
        actor_id: Who did it.
        on_behalf_of: The principal the actor stood in for, or None.
        occurred_at: When, effectively (UTC); may go backwards.
        recorded_at: When it was sealed (UTC); None until then.
        schema: The shape of header and payload.
        definition: The definition that judged it.
        lifecycle_version: The version of its lifecycle.
        correlation_id: See `Context`.
        causation_id: See `Context`; of a case's counter event, the id of the task's event.
        traceparent: See `Context`.
        changed: The names of the fields that the payload sets, sorted.
        previous: The digest of the event before; empty for the first one and until sealed.
        payload_digest: The salted hash of the payload; empty until sealed.
        digest: The hash of this header; empty until sealed.
        payload: Inputs and changes; None once erased.
        salt: What the payload was hashed with; None until sealed and once erased.
    """

    tenant: Tenant
    item_id: ItemId
    kind: Kind
    version: int
    action: str
    name: str
    from_status: str | None
    to_status: str
    category: Category
    actor_id: ActorId
    on_behalf_of: ActorId | None
    occurred_at: datetime
    recorded_at: datetime | None = None
    schema: int = SCHEMA
    definition: str
    lifecycle_version: int
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    changed: tuple[str, ...] = ()
    previous: str = ""
    payload_digest: str = ""
    digest: str = ""
    payload: Payload | None
    salt: str | None = None

    @property
    def id(self) -> str:
        """The event's id, ``<item_id>.<version>``."""
        return f"{self.item_id}.{self.version}"

    @property
    def erased(self) -> bool:
        """Whether its payload was erased."""
        return self.payload is None


_EVENTS: Final[Maker[Event]] = Maker(Event)


def evolve_event(event: Event, fields: Mapping[str, object]) -> Event:
    """Return a copy of the event with some fields set.

    Args:
        event: An event.
        fields: Names of its fields, with values of the right types.

    Returns:
        The copy.
    """
    return _EVENTS.copy(event, fields)


def new_event(
    *,
    tenant: Tenant,
    item_id: ItemId,
    kind: Kind,
    version: int,
    action: str,
    name: str,
    from_status: str | None,
    to_status: str,
    category: Category,
    by: Actor,
    at: datetime,
    definition: str,
    lifecycle_version: int,
    payload: Payload,
) -> Event:
    """Return the event by which an action makes or changes an item, with all that `seal` fills left empty.

    Args:
        tenant: Whose data it is.
        item_id: The item.
        kind: Its kind.
        version: The version that the event makes.
        action: What was done.
        name: Its past-tense name.
        from_status: The status before it; None at creation.
        to_status: The status after it.
        category: The category after it.
        by: Who did it.
        at: When, effectively (UTC).
        definition: The name of the definition that judged it.
        lifecycle_version: The version of its lifecycle.
        payload: Inputs and changes.

    Returns:
        The event.
    """
    changes = payload.changes
    # In the order of the fields, since names cost four times as much; None and "" are what `seal` fills.
    what = (tenant, item_id, kind, version, action, name, from_status, to_status, category)
    whence = (by.id, by.on_behalf_of, at, None, SCHEMA, definition, lifecycle_version, None, None, None)
    changed = tuple(sorted(changes)) if changes is not EMPTY else ()
    return _EVENTS.finish(_EVENTS.draft(*what, *whence, changed, "", "", "", payload, None))


@attrs.frozen
class Change(Generic[ItemT]):
    """All that a store writes for one event: the only thing that it is ever given to write (H2).

    Attributes:
        before: The item that the decision saw; None at creation.
        after: The item as it is then.
        event: What happened.
        notes: The notes it adds.
        published: Whether the event is to be published.
        claims: What it takes and frees of uniqueness rules.
    """

    before: ItemT | None
    after: ItemT
    event: Event
    notes: tuple[Note, ...] = ()
    published: bool = True
    claims: tuple[str, ...] = ()
