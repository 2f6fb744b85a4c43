"""Events: what happened, in two parts, and the one function that turns them into items.

The header is plain data and never upcast; the payload (inputs and field changes, what may be personal) is one canonical
JSON text with a random salt beside it, so that it can be erased without breaking the chain (H8). `apply` is the only
place where an item changes: a decision computes the new item with it, and `fold` replays a history through it (E3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import attrs

from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.domain.items import Case, Item, ItemT, Kind, Note, Task, WorkItem
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, canonical_json, parse_canonical
from casewright.domain.values import CLOSED_CATEGORIES, Category, Priority
from casewright.errors import HistoryError

__all__ = [
    "COUNTER_ACTIONS",
    "ERASED_TEXT",
    "SCHEMA",
    "VERBS",
    "Change",
    "Context",
    "Event",
    "Payload",
    "apply",
    "erased_fields",
    "evolve",
    "fold",
]

SCHEMA: Final = 1
"""The number of the present shape of header and payload."""

VERBS: Final = frozenset(
    {
        "create",
        "read",
        "edit",
        "assign",
        "claim",
        "release",
        "set_due",
        "tag",
        "add_note",
        "correct",
        "delete",
    }
)
"""The internal transitions that every definition has; their names are reserved."""

COUNTER_ACTIONS: Final = frozenset({"task_opened", "task_closed"})
"""The events by which a case counts its open tasks; their names are reserved too."""

ERASED_TEXT: Final = "[erased]"

ChangedT = TypeVar("ChangedT", bound=WorkItem)


@attrs.frozen(kw_only=True)
class Context:
    """Where a change came from, for those who follow it across systems.

    Args:
        correlation_id: One id for all that belongs to one request of a user, or None.
        causation_id: The id of the event or message that caused it, or None.
        traceparent: The W3C trace context, or None.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


class Payload:
    """What an event set and what it was given: one value with two forms, the other made on first use.

    Args:
        inputs: What the action was given, beyond what went into item fields, as frozen JSON values.
        changes: The fields it set, as frozen JSON values: instants as canonical text, attributes merged by key.
    """

    __slots__ = ("_data", "_text")

    _data: FrozenMapping[FrozenMapping[JsonValue]] | None
    _text: str | None

    def __init__(self, *, inputs: FrozenMapping[JsonValue] = EMPTY, changes: FrozenMapping[JsonValue] = EMPTY) -> None:
        """Keep the two mappings."""
        self._data = FrozenMapping({"inputs": inputs, "changes": changes})
        self._text = None

    @classmethod
    def from_text(cls, text: str) -> Payload:
        """Return the payload of a stored text, which is kept untouched and parsed on first use."""
        payload = cls.__new__(cls)
        payload._data = None
        payload._text = text
        return payload

    @property
    def text(self) -> str:
        """The canonical JSON text: what is stored and hashed."""
        if self._text is None:
            self._text = canonical_json(self._data)
        return self._text

    @property
    def data(self) -> Mapping[str, Any]:
        """The parsed mapping, with keys that this version does not know left in.

        Raises:
            HistoryError: The stored text is no JSON object with the two parts.
        """
        if self._data is None:
            data = parse_canonical(self.text)
            parts = (data.get("inputs"), data.get("changes")) if isinstance(data, FrozenMapping) else ()
            if not parts or not all(isinstance(part, FrozenMapping) for part in parts):
                raise HistoryError("a stored payload does not hold inputs and changes")
            self._data = data
        return self._data

    @property
    def inputs(self) -> FrozenMapping[JsonValue]:
        """What the action was given."""
        inputs: FrozenMapping[JsonValue] = self.data["inputs"]
        return inputs

    @property
    def changes(self) -> FrozenMapping[JsonValue]:
        """The fields that were set."""
        changes: FrozenMapping[JsonValue] = self.data["changes"]
        return changes

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same canonical text."""
        return self.text == other.text if isinstance(other, Payload) else NotImplemented

    def __hash__(self) -> int:
        """Return the hash of the canonical text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """Return the names only: what it holds may be personal (S6)."""
        return "Payload(...)"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Pickle and copy as the canonical text."""
        return Payload.from_text, (self.text,)


@attrs.frozen(kw_only=True)
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


def apply(before: Item | None, event: Event) -> Item:
    """Return the item as it is after the event: the one function by which items change.

    Args:
        before: The item before it; None for the first event.
        event: The event, sealed or not, erased or not.

    Returns:
        The item after it.
    """
    moment = event.occurred_at
    fields: dict[str, object] = {
        "status": event.to_status,
        "category": event.category,
        "version": event.version,
        "updated_at": moment,
        "head": event.digest,
    }
    if before is None:
        fields.update(_identity(event))
        fields["closed_at"] = moment if event.category in CLOSED_CATEGORIES else None
    elif (event.category in CLOSED_CATEGORIES) is not (before.category in CLOSED_CATEGORIES):
        fields["closed_at"] = moment if event.category in CLOSED_CATEGORIES else None
    action = event.action
    if action not in VERBS and action not in COUNTER_ACTIONS:
        fields["performers"] = _with_performer(() if before is None else before.performers, event)
    elif action == "delete":
        fields["deleted_at"] = moment
    if event.payload is None:
        fields.update((name, _ERASED.get(name)) for name in event.changed)
    elif event.changed:
        _set_fields(fields, event.payload.changes, EMPTY if before is None else before.attributes)
    return evolve(_BLANKS[event.kind] if before is None else before, fields)


def fold(events: Iterable[Event]) -> Item:
    """Return the item that a history makes. Needs no definition (E3).

    An erased event leaves ``[erased]`` in title and description and the default in other fields that it set.

    Args:
        events: All events of one item, from version 1 on, or up to any later version.

    Returns:
        The item after the last of them.

    Raises:
        HistoryError: There is no event, or one does not follow the one before it.
    """
    item: Item | None = None
    for position, event in enumerate(events):
        if event.version != position + 1:
            raise HistoryError(f"version {position + 1} was expected", position)
        if item is not None and (event.item_id, event.tenant, event.kind) != (item.id, item.tenant, item.kind):
            raise HistoryError("it belongs to another item", position)
        if item is None and event.kind not in _BLANKS:
            raise HistoryError("it is of no known kind", position)
        try:
            item = apply(item, event)
        except HistoryError as error:
            raise HistoryError(error.problem, position) from None
        except (TypeError, ValueError, AttributeError):
            raise HistoryError("its header or payload holds a value of a wrong type", position) from None
    if item is None:
        raise HistoryError("there are no events")
    return item


def erased_fields(events: Iterable[Event]) -> frozenset[str]:
    """Return the names of the fields that `fold` cannot know because what set them last was erased (H8).

    Args:
        events: All events of one item, in order.

    Returns:
        The names; comparisons of the item with the fold skip them. Attributes are merged by key, so they stay unknown.
    """
    unknown: set[str] = set()
    for event in events:
        if event.erased:
            unknown.update(event.changed)
        else:
            unknown.difference_update(set(event.changed) - {"attributes"})
    return frozenset(unknown)


# ---------------------------------------------------------------- how fields are set

_ERASED: Final[Mapping[str, object]] = {
    "title": ERASED_TEXT,
    "description": ERASED_TEXT,
    "tags": (),
    "attributes": EMPTY,
    "open_tasks": 0,
}


def _identity(event: Event) -> dict[str, object]:
    """What the first event says of the item once and for all."""
    ids = [event.actor_id] if event.on_behalf_of is None else [event.actor_id, event.on_behalf_of]
    return {
        "id": event.item_id,
        "tenant": event.tenant,
        "definition": event.definition,
        "lifecycle_version": event.lifecycle_version,
        "created_by": event.actor_id,
        "created_at": event.occurred_at,
        "performers": tuple(part for actor_id in dict.fromkeys(ids) for part in (event.action, actor_id)),
    }


def _with_performer(performers: tuple[str, ...], event: Event) -> tuple[str, ...]:
    action = event.action
    for actor_id in (event.actor_id, event.on_behalf_of):
        if actor_id is not None and not _did(performers, action, actor_id):
            performers = (*performers, action, actor_id)
    return performers


def _did(performers: tuple[str, ...], action: str, actor_id: str) -> bool:
    return any(
        performers[place] == action and performers[place + 1] == actor_id for place in range(0, len(performers), 2)
    )


def _set_fields(fields: dict[str, object], changes: Mapping[str, Any], attributes: Mapping[str, JsonValue]) -> None:
    for name, value in changes.items():
        if name == "attributes":
            merged = {**attributes, **value}
            kept = {key: part for key, part in merged.items() if part is not None}
            fields[name] = FrozenMapping(kept) if kept else EMPTY
        elif name == "due_at":
            fields[name] = None if value is None else datetime.fromisoformat(value)
        elif name == "priority":
            fields[name] = None if value is None else Priority(value)
        elif name in _SETTABLE:
            fields[name] = value


_SETTABLE: Final = frozenset({"title", "description", "assignee_id", "tags", "case_id", "open_tasks"})


class _Layout:
    """How the fields of one class are read and written at once, without the checks of its constructor."""

    __slots__ = ("places", "read", "writers")

    def __init__(self, cls: type[WorkItem]) -> None:
        names = [field.name for field in attrs.fields(cls)]
        self.read = attrgetter(*names)
        self.places = {name: place for place, name in enumerate(names)}
        self.writers = tuple(getattr(cls, name).__set__ for name in names)


_LAYOUTS: Final[Mapping[type[WorkItem], _Layout]] = {Task: _Layout(Task), Case: _Layout(Case)}

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ONCE: Final[Mapping[str, Any]] = {
    "definition": "-",
    "status": "-",
    "category": Category.OPEN,
    "title": "-",
    "created_by": "-",
}
_BLANKS: Final[Mapping[str, Item]] = {
    "task": Task(id=ItemId("-"), created_at=_EPOCH, **_ONCE),  # one literal for both
    "case": Case(id=ItemId("-"), created_at=_EPOCH, **_ONCE),
}


def evolve(item: ChangedT, fields: Mapping[str, object]) -> ChangedT:
    """Return a copy with some fields set, unchecked: only for values that were checked when they came in.

    Args:
        item: A task or a case.
        fields: Names of its fields, with values of the right types; a name it does not have is passed over.

    Returns:
        The copy.
    """
    cls = type(item)
    layout = _LAYOUTS[cls]
    values = list(layout.read(item))
    places = layout.places
    for name, value in fields.items():
        if name in places:
            values[places[name]] = value
    copied = cls.__new__(cls)
    for write, value in zip(layout.writers, values, strict=True):
        write(copied, value)
    return copied
