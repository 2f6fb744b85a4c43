"""What the contracts share: changes to record, straight from the definitions with no bus in between, and ways to look.

Everything is done by an administrator, so that the catalog's definitions permit all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from casewright.application.ports import Store, UnitOfWork
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.definitions import Definition
from casewright.domain.events import Change, Context, Event
from casewright.domain.history import seal
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Case, Item, Note
from casewright.domain.json_values import FrozenMapping, canonical_json
from casewright.domain.verdicts import Permitted, Refused
from casewright.errors import CasewrightError, MisuseError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import must_raise

__all__ = [
    "HALF_STALE",
    "MANY",
    "NOTHING_THERE",
    "ODD_TIME",
    "Changes",
    "all_of",
    "annotated",
    "counted_on",
    "created",
    "decided",
    "demand_nothing_is_legal",
    "edited",
    "exact",
    "kept",
    "load",
    "many",
    "mutable_parts",
    "record_and_commit",
    "refused",
    "under_review",
    "write",
]

ErrorT = TypeVar("ErrorT", bound=CasewrightError)

Changes: TypeAlias = tuple[Change[Any], ...]
"""Sealed changes of one decision, or of several."""

NOTHING_THERE: Final[tuple[None, list[Event], list[Note]]] = (None, [], [])
"""What `all_of` returns where there is no item."""

MANY: Final = 1001
"""More of a kind than where a store may think that nobody looks further."""

ODD_TIME: Final = SOME_TIME - timedelta(days=1, microseconds=123_457)
"""Earlier than `SOME_TIME`, and no whole millisecond."""

_ALL_BUT_ROLLBACK: Final[Mapping[str, Callable[[UnitOfWork], object]]] = {
    "items.get()": lambda uow: uow.items.get("a"),
    "items.get() of an id that no item can have": lambda uow: uow.items.get(""),
    "items.get(lock=True)": lambda uow: uow.items.get("a", lock=True),
    "history()": lambda uow: uow.history("a"),
    "notes()": lambda uow: uow.notes("a"),
    "record()": lambda uow: uow.record(*created(TASK, "fresh")),
    "commit()": lambda uow: uow.commit(),
}

_DEFINITIONS: Final[Mapping[str, Definition[Any]]] = {one.name: one for one in (TASK, REGULATORY_CASE)}


def created(
    definition: Definition[Any],
    id: str,
    *,
    tenant: str = "",
    by: Actor | None = None,
    at: datetime = SOME_TIME,
    context: Context | None = None,
    **fields: Any,  # noqa: ANN401 - each is checked by the definition
) -> Changes:
    """Return the sealed changes that create an item: its own, and that of its case where it has one.

    Args:
        definition: ``TASK`` or ``REGULATORY_CASE``.
        id: Its id.
        tenant: Whose it is, where ``by`` is not given.
        by: Who creates it; an administrator where None.
        at: The effective time, and that of recording.
        context: Where it comes from.
        **fields: What else ``create`` takes; ``title`` has a default.
    """
    actor = by or _admin(tenant)
    return _sealed(definition.create(id, by=actor, at=at, **{"title": "A title", **fields}), at, context)


def decided(
    item: Item,
    action: str,
    inputs: Mapping[str, object] | None = None,
    *,
    by: Actor | None = None,
    at: datetime = SOME_TIME,
    parent: Case | None = None,
) -> Changes:
    """Return the sealed changes of an action on an item.

    Args:
        item: The item as it is.
        action: What is done.
        inputs: What it is given.
        by: Who does it; an administrator where None.
        at: The effective time, and that of recording.
        parent: The task's case, where the action moves its counter.
    """
    actor = by or _admin(item.tenant)
    definition: Any = _DEFINITIONS[item.definition]
    return _sealed(definition.decide(item, action, inputs, by=actor, at=at, parent=parent), at, None)


def edited(item: Item, title: str) -> Changes:
    """Return the sealed change that gives an item another title."""
    return decided(item, "edit", {"title": title})


def annotated(item: Item, note_id: str) -> Changes:
    """Return the sealed change that adds a note to an item."""
    return decided(item, "add_note", {"note_id": note_id, "body": "why"})


def counted_on(item: Item) -> Changes:
    """Return the sealed change that adds one to the attribute ``count`` of an item."""
    count = item.attributes["count"]
    assert isinstance(count, int)
    return decided(item, "edit", {"attributes": {"count": count + 1}})


def _admin(tenant: str) -> Actor:
    return Actor("root", roles=["admin"], tenant=tenant)


def _sealed(verdict: Permitted[Any] | Refused, at: datetime, context: Context | None) -> Changes:
    assert isinstance(verdict, Permitted)
    return tuple(seal(change, recorded_at=at, context=context) for change in verdict.changes)


def write(store: Store, *changes: Change[Any], tenant: str = "") -> None:
    """Record the changes in a unit of their own, and commit it."""
    with store.begin(tenant=tenant) as uow:
        record_and_commit(uow, *changes)


def refused(store: Store, error: type[ErrorT], *changes: Change[Any]) -> ErrorT:
    """Record the changes in a unit of their own and commit it; return the error that one of the two raised."""
    with store.begin(tenant=NO_TENANT) as uow:
        return must_raise(error, partial(record_and_commit, uow, *changes), "record() or commit()")


def demand_nothing_is_legal(uow: UnitOfWork, when: str) -> None:
    """Demand that a unit that has ended, or met a conflict, takes nothing, gives nothing and commits nothing."""
    for name, method in _ALL_BUT_ROLLBACK.items():
        must_raise(MisuseError, partial(method, uow), f"{name} {when}")


def record_and_commit(uow: UnitOfWork, *changes: Change[Any]) -> None:
    """Do both: a conflict may come from either."""
    uow.record(*changes)
    uow.commit()


def load(store: Store, id: str) -> Item:
    """Return the item, which must be there."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        item = uow.items.get(id)
    assert item is not None
    return item


def all_of(
    store: Store, id: str, *, tenant: str = "", write: bool = False
) -> tuple[Item | None, list[Event], list[Note]]:
    """Return all that a new unit reads under the id: the item, its history and its notes."""
    with store.begin(tenant=tenant, write=write) as uow:
        return uow.items.get(id), list(uow.history(id)), list(uow.notes(id))


def kept(changes: Sequence[Change[Any]], id: str | None = None) -> tuple[Item | None, list[Event], list[Note]]:
    """Return what `all_of` reads once the changes are committed, under the id or else under that of the last one."""
    item_id = changes[-1].after.id if id is None else id
    own = [change for change in changes if change.after.id == item_id]
    notes = [note for change in own for note in change.notes]
    return own[-1].after if own else None, [change.event for change in own], notes


def under_review(*actions: str) -> Changes:
    """Return the changes that make the case "c", under review, and its task "t"; the last ones are of both, in turn.

    Args:
        *actions: What is done to the task once it is there; each moves the counter of the case.
    """
    changes = list(created(REGULATORY_CASE, "c"))
    changes += decided(changes[-1].after, "submit")
    changes += decided(changes[-1].after, "start_review", {"reviewer_id": "ann"})
    changes += created(TASK, "t", parent=changes[-1].after)
    for action in actions:
        changes += decided(changes[-2].after, action, parent=changes[-1].after)
    return tuple(changes)


def _half_stale(stale: int) -> tuple[Changes, Changes]:
    present = under_review()
    task, case = present[-2].after, present[-1].after
    since = decided((task, case)[stale], "tag", {"add": ["since"]})
    (noted,) = decided(task, "add_note", {"note_id": "n", "body": "why"})
    return (*present, *since), (noted, *decided(noted.after, "complete", parent=case))


HALF_STALE: Final[Mapping[str, Callable[[], tuple[Changes, Changes]]]] = {
    "t": lambda: _half_stale(0),
    "c": lambda: _half_stale(1),
}
"""By the item that has changed since: what is there, and the changes of a task and its case decided before that."""


@cache
def many() -> Changes:
    """Return changes that make `MANY` tasks, the last of which has `MANY` notes."""
    changes = [change for number in range(MANY) for change in created(TASK, f"{number:04}")]
    for number in range(MANY):
        changes += decided(changes[-1].after, "add_note", {"note_id": f"{number}", "body": "why"})
    return tuple(changes)


def exact(record: Item | Event | Note) -> dict[str, str]:
    """Return the fields as texts that tell apart what is equal: True and 1, a category and its name, two zones."""
    fields = ((field.name, getattr(record, field.name)) for field in attrs.fields(type(record)))
    return {
        name: canonical_json(value) if isinstance(value, FrozenMapping) else f"{type(value).__name__} {value!r}"
        for name, value in fields
    }


def mutable_parts(value: object) -> list[type]:
    """Return the types of all that can be changed and is reached from the value (E1)."""
    return [type(part) for part in _parts(value) if isinstance(part, (list, dict, set, bytearray))]


def _parts(value: object) -> Iterator[object]:
    yield value
    inner: Sequence[object] = ()
    cls: Any = type(value)
    if attrs.has(cls):
        inner = [getattr(value, field.name) for field in attrs.fields(cls)]
    elif isinstance(value, FrozenMapping):
        inner = list(value.values())
    elif isinstance(value, tuple):
        inner = value
    for part in inner:
        yield from _parts(part)
