"""Folding: how events make items. `apply` is the only place where an item changes.

A decision computes the new item with the very function that `fold` replays a history through (E3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from casewright.domain.events import HEADERS, UNPERFORMED, Event
from casewright.domain.ids import ItemId
from casewright.domain.items import Case, Item, Task, WorkItem
from casewright.domain.json_values import EMPTY, FrozenMapping
from casewright.domain.making import Maker
from casewright.domain.values import CLOSED_CATEGORIES, Category, Priority
from casewright.errors import HistoryError, MisuseError

__all__ = ["ERASED_TEXT", "apply", "erased_fields", "evolve", "fold", "merged_tags", "states"]

ERASED_TEXT: Final = "[erased]"

ChangedT = TypeVar("ChangedT", bound=WorkItem)


def apply(before: Item | None, event: Event) -> Item:
    """Return the item as it is after the event: the one function by which items change.

    Args:
        before: The item before it; None for the first event.
        event: The event, sealed or not, erased or not.

    Returns:
        The item after it.
    """
    moment = event.occurred_at
    closed = event.category in CLOSED_CATEGORIES
    fields: dict[str, object] = {
        "status": event.to_status,
        "category": event.category,
        "version": event.version,
        "updated_at": moment,
        "head": event.digest,
    }
    if before is None:
        fields.update(_identity(event))
        fields["closed_at"] = moment if closed else None
    else:
        if closed is not (before.category in CLOSED_CATEGORIES):
            fields["closed_at"] = moment if closed else None
        if event.action not in UNPERFORMED[event.schema]:
            fields["performers"] = _with_performer(before.performers, event)
        elif event.action == "delete":
            fields["deleted_at"] = moment
    if event.payload is None:
        fields.update(_left_by_erasing(before, event))
    elif event.changed:
        _set_fields(fields, event.payload.changes, _BLANKS[event.kind] if before is None else before)
    return evolve(_BLANKS[event.kind] if before is None else before, fields)


def fold(events: Iterable[Event]) -> Item:
    """Return the item that a history makes. Needs no definition (E3).

    Where only erased events set a field, it is ``[erased]`` in title and description, and the default in others.

    Args:
        events: All events of one item, from version 1 on, or up to any later version.

    Returns:
        The item after the last of them.

    Raises:
        HistoryError: There is no event, or one does not follow the one before it, or is no event at all.
    """
    item: Item | None = None
    for state in states(events):
        item = state
    if item is None:
        raise HistoryError("there are no events")
    return item


def states(events: Iterable[Event]) -> Iterator[Item]:
    """Yield the item as each event of a history leaves it; see `fold`.

    Args:
        events: All events of one item, from version 1 on, or up to any later version.

    Raises:
        HistoryError: An event does not follow the one before it, or is no event at all.
    """
    item: Item | None = None
    for position, event in enumerate(_events(events)):
        if event.version != position + 1:
            raise HistoryError(f"version {position + 1} was expected", position)
        if item is not None and (event.item_id, event.tenant, event.kind) != (item.id, item.tenant, item.kind):
            raise HistoryError("it belongs to another item", position)
        if event.schema not in tuple(HEADERS):
            raise HistoryError("its schema is not known to this version, so only its header can be read", position)
        if item is None and event.kind not in tuple(_BLANKS):
            raise HistoryError("it is of no known kind", position)
        try:
            item = apply(item, event)
        except HistoryError as error:
            raise HistoryError(error.problem, position) from None
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
            raise HistoryError("its header or payload holds a value of a wrong type", position) from None
        yield item


def erased_fields(events: Iterable[Event]) -> frozenset[str]:
    """Return the names of the fields that `fold` cannot know because what set them last was erased (H8).

    Args:
        events: All events of one item, in order.

    Returns:
        The names; comparisons of the item with the fold skip them. Attributes and tags are merged, so they stay
        unknown.
    """
    unknown: set[str] = set()
    for event in _events(events):
        if event.erased:
            unknown.update(event.changed)
        else:
            unknown.difference_update(set(event.changed) - {"attributes", "tags"})
    return frozenset(unknown)


# ---------------------------------------------------------------- how fields are set


def _left_by_erasing(before: Item | None, event: Event) -> dict[str, object]:
    """The texts that only erased events have set so far; all else keeps its value, or its default."""
    texts = ("title", "description") if before is None else ("description",)
    return {
        name: ERASED_TEXT for name in texts if name in event.changed and (before is None or before.description is None)
    }


def _events(events: Iterable[Event]) -> Iterator[Event]:
    if not isinstance(events, Iterable):
        raise MisuseError(
            f"a {type(events).__name__} is no sequence of events", "pass the events of one item, in order"
        )
    for position, event in enumerate(events):
        if not isinstance(event, Event):
            raise HistoryError("it is no event", position)
        yield event


def _identity(event: Event) -> dict[str, object]:
    """What the first event says of the item once and for all."""
    return {
        "id": event.item_id,
        "tenant": event.tenant,
        "definition": event.definition,
        "lifecycle_version": event.lifecycle_version,
        "created_by": event.actor_id,
        "created_at": event.occurred_at,
        "performers": _with_performer((), event),
    }


def _with_performer(performers: tuple[str, ...], event: Event) -> tuple[str, ...]:
    action = event.action
    for actor_id in (event.actor_id, event.on_behalf_of):
        if actor_id is not None and not _did(performers, action, actor_id):
            performers = (*performers, action, actor_id)
    return performers


def _did(performers: tuple[str, ...], action: str, actor_id: str) -> bool:
    for place in range(0, len(performers), 2):
        if performers[place] == action and performers[place + 1] == actor_id:
            return True
    return False


def _set_fields(fields: dict[str, object], changes: Mapping[str, Any], before: Item) -> None:
    for name, value in changes.items():
        if name == "attributes":
            merged = {**before.attributes, **value}
            kept = {key: part for key, part in merged.items() if part is not None}
            fields[name] = FrozenMapping(kept) if kept else EMPTY
        elif name == "tags":
            fields[name] = merged_tags(before.tags, value)
        elif name == "due_at":
            fields[name] = None if value is None else datetime.fromisoformat(value)
        elif name == "priority":
            fields[name] = None if value is None else Priority(value)
        elif name in _SETTABLE:
            fields[name] = value


def merged_tags(tags: tuple[str, ...], change: tuple[str, ...] | Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the tags after a change: all of them anew, or some to ``add`` and some to ``remove``."""
    if isinstance(change, tuple):
        return change
    return tuple(sorted({*tags, *change.get("add", ())} - {*change.get("remove", ())}))


_SETTABLE: Final = frozenset({"title", "description", "assignee_id", "case_id", "open_tasks"})


_ITEMS: Final[Mapping[type[WorkItem], Maker[Any]]] = {Task: Maker(Task), Case: Maker(Case)}

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
    copied: ChangedT = _ITEMS[type(item)].copy(item, fields)
    return copied
