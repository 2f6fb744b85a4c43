"""`ReadingBus`: what can be asked of a store, always under the rights of whoever asks.

Each answer is read in one unit of work that only reads. An item that the actor may not see looks like none (A8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar, cast

from casewright.application.given import Given
from casewright.application.new_ids import Clock, system_clock
from casewright.application.observers import notify
from casewright.application.plan import Denied, report_of, seen
from casewright.application.ports import Listing, Store, UnitOfWork
from casewright.application.registry import AnyDefinition, Registry
from casewright.application.reports import Observer
from casewright.application.verifying import verify_stored
from casewright.domain.actors import Actor, check_actor
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.events import Event
from casewright.domain.filters import CaseFilter, Cursor, ItemFilter, Order, Page, TaskFilter
from casewright.domain.history import Finding
from casewright.domain.ids import as_item_id
from casewright.domain.items import Case, Item, ItemT, Note, Task
from casewright.domain.steps import Needs
from casewright.domain.terms import Scope
from casewright.domain.transitions import several
from casewright.domain.values import as_instant, as_integer, close_coroutine
from casewright.domain.verdicts import ActionVerdict
from casewright.errors import InvalidInputError, MisuseError, NotFoundError

__all__ = ["MAX_PAGE", "FactProvider", "ReadingBus", "as_function", "case_of"]

T = TypeVar("T")

MAX_PAGE: Final = 1000
"""How many items one page may hold."""

_BY_ID: Final = Order()

FactProvider: TypeAlias = Callable[[UnitOfWork, Any], object]
"""``(unit of work, item) -> fact``: finds out what a guard needs to know beyond the item, inside its transaction. The
item is None where it is about to be created. It reads through this unit and never asks the bus, whose own transaction
would wait for this one. What it raises is passed on, and nothing is written. In a batch that is all or nothing, a list
that would lack what an earlier command did is a MisuseError."""


class ReadingBus:
    """What `CommandBus` answers without changing anything. Its arguments are described there."""

    __slots__ = ("_clock", "_facts", "_given", "_observers", "_registry", "_store")

    def __init__(
        self,
        store: Store,
        definitions: Iterable[TaskDefinition | CaseDefinition],
        *,
        clock: Clock = system_clock,
        observers: Iterable[Observer] = (),
        facts: Mapping[str, FactProvider] | None = None,
    ) -> None:
        """Keep them; nothing is read yet."""
        if not callable(getattr(store, "begin", None)):
            raise MisuseError(f"a {type(store).__name__} is no store", "pass one, such as MemoryStore()")
        self._store = store
        self._registry = Registry(definitions)
        self._clock = as_function(clock, "clock")
        self._observers = tuple(as_function(observer, "observers") for observer in several(observers))
        if facts is not None and not isinstance(facts, Mapping):
            raise MisuseError(f"facts= holds a {type(facts).__name__}", "map the names of facts to functions")
        self._facts = {name: as_function(provider, "facts") for name, provider in (facts or {}).items()}
        self._given = Given()

    def get(self, item_id: str, *, by: Actor) -> Item:
        """Return an item as it is.

        Raises:
            NotFoundError: There is none, it was deleted, or the actor may not see it (A8).
            UnknownDefinitionError: No definition here judges it.
        """
        item = self._read(item_id, by, lambda uow, item, definition: item)
        self._given.add(item)
        return item

    def actions(self, item_id: str, *, by: Actor, at: datetime | None = None) -> tuple[ActionVerdict, ...]:
        """Return for every action and verb whether the actor can do it now, why not, and what it would need.

        Args:
            item_id: The item.
            by: Who asks.
            at: The effective time (aware); now where None.

        Raises:
            NotFoundError: As for `get`.
            UnknownDefinitionError: As for `get`, or the lifecycle that the item is pinned to is not held.
        """
        moment = as_instant(self._clock() if at is None else at, "at")

        def answer(uow: UnitOfWork, item: Item, definition: AnyDefinition) -> tuple[ActionVerdict, ...]:
            facts = self._known(uow, item, definition.needs(item))
            return definition.actions(item, by=by, at=moment, parent=case_of(uow, item), facts=facts)

        return self._read(item_id, by, answer)

    def history(self, item_id: str, *, by: Actor, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
        """Return the events of an item by version, also of a deleted one.

        Args:
            item_id: The item.
            by: Who asks; it needs the right to read the item as it last was.
            after: Only events of a later version.
            limit: At most so many; None for all.

        Raises:
            NotFoundError: There is no such item, or none that the actor may see (A8).
            UnknownDefinitionError: As for `get`.
        """
        return self._read(
            item_id, by, lambda uow, item, _: tuple(uow.history(item.id, after=after, limit=limit)), deleted=True
        )

    def notes(self, item_id: str, *, by: Actor) -> tuple[Note, ...]:
        """Return the notes of an item in the order in which they were added, also of a deleted one.

        Raises:
            NotFoundError: As for `history`.
            UnknownDefinitionError: As for `get`.
        """
        return self._read(item_id, by, lambda uow, item, _: tuple(uow.notes(item.id)), deleted=True)

    def verify(self, item_id: str, *, by: Actor) -> tuple[Finding, ...]:
        """Check that the history of an item is sound, that its row is what the history makes, and its notes unchanged.

        Returns:
            What does not hold; empty when sound. A cut tail and a full rewrite need an anchor outside (H6).

        Raises:
            NotFoundError: As for `history`.
            UnknownDefinitionError: As for `get`.
        """
        return self._read(item_id, by, lambda uow, item, _: _verified(uow, item), deleted=True)

    def find(
        self,
        filter: ItemFilter[ItemT],
        *,
        by: Actor,
        order: Order = _BY_ID,
        limit: int = 50,
        after: Cursor | None = None,
    ) -> Page[ItemT]:
        """Return the items that a filter asks for and the actor may read, page by page (A6).

        Args:
            filter: Which ones: a `TaskFilter` or a `CaseFilter`.
            by: Who asks.
            order: In which order.
            limit: How many a page holds, from 1 to 1,000.
            after: Where the page begins: ``next`` of the page before, in the same order.

        Returns:
            The page; its ``next`` is None on the last one.

        Raises:
            InvalidInputError: A value is of a wrong type or out of range, or the cursor is of another order.
            MisuseError: The store cannot list, or not by these terms or in this order.
        """
        where = self._visible(filter, by)
        if not isinstance(order, Order):
            raise InvalidInputError("order", f"must be an Order, not {type(order).__name__}", 'use Order("created")')
        if not 1 <= as_integer(limit, "limit") <= MAX_PAGE:
            raise InvalidInputError("limit", f"must be from 1 to {MAX_PAGE}", "ask for one page after the other")
        if after is not None and (not isinstance(after, Cursor) or after.order != order):
            raise InvalidInputError("after", "is no cursor of this order", "pass next of the page before")
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            listing = _listing(uow, where, order)
            found: Any = listing.find(filter.kind, where, order=order, limit=limit + 1, after=after)
        self._given.add(*found[:limit])
        more = len(found) > limit
        return Page(tuple(found[:limit]), Cursor(order, order.key(found[limit - 1])) if more else None)

    def count(self, filter: ItemFilter[Any], *, by: Actor) -> int:
        """Return how many items a filter asks for that the actor may read (A6).

        Raises:
            InvalidInputError: As for `find`.
            MisuseError: As for `find`.
        """
        where = self._visible(filter, by)
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            return _listing(uow, where).count(filter.kind, where)

    def _known(self, uow: UnitOfWork, item: Item | None, needs: Needs) -> dict[str, object] | None:
        """The facts that are needed and that somebody here can find out."""
        if not needs.facts:
            return None
        known = {name: self._facts[name](uow, item) for name in sorted(needs.facts) if name in self._facts}
        for name, fact in known.items():
            if close_coroutine(fact):  # a guard would take it for true
                raise MisuseError(f"the provider of the fact {name!r} is an async function", "make it a plain one")
        return known

    def _read(
        self, item_id: str, by: Actor, answer: Callable[[UnitOfWork, Item, AnyDefinition], T], *, deleted: bool = False
    ) -> T:
        check_actor(by)
        known_id = as_item_id(item_id)
        try:
            with self._store.begin(tenant=by.tenant, write=False) as uow:
                item, definition = seen(self._registry, uow.items.get(known_id), known_id, by)
                if item.deleted_at is not None and not deleted:
                    raise Denied(NotFoundError(known_id))
                return answer(uow, item, definition)
        except Denied as denied:
            now = as_instant(self._clock(), "clock")
            told = {"denial": denied.error, "reasons": denied.reasons}
            notify(self._observers, report_of("read", known_id, by, now, **told))
            raise denied.error from None

    def _visible(self, wanted: ItemFilter[Any], by: Actor) -> Scope:
        check_actor(by)
        if not isinstance(wanted, (TaskFilter, CaseFilter)):
            problem = f"must be a TaskFilter or a CaseFilter, not {type(wanted).__name__}"
            raise InvalidInputError("filter", problem, "such as TaskFilter(open=True)")
        return self._registry.visible(wanted, by)


def case_of(uow: UnitOfWork, item: Item, *, lock: bool = False) -> Case | None:
    """Return the case that a task belongs to; None where there is none."""
    case_id = item.case_id if isinstance(item, Task) else None
    return None if case_id is None else cast("Case | None", uow.items.get(case_id, lock=lock))


def _verified(uow: UnitOfWork, item: Item) -> tuple[Finding, ...]:
    """What does not hold, of an item that was not changed while it was read: a store may be read committed."""
    while True:
        findings = verify_stored(item, uow.history(item.id), uow.notes(item.id))
        latest = uow.items.get(item.id) if findings else None
        if latest is None or (latest.version, latest.head) == (item.version, item.head):
            return findings
        item = latest


def _listing(uow: UnitOfWork, where: Scope, order: Order = _BY_ID) -> Listing:
    if not isinstance(uow, Listing):
        raise MisuseError("the store has no Listing, so nothing can be found or counted in it", "use one that has it")
    terms = {term.kind for terms in where.alternatives for term in terms}
    if not terms <= uow.terms:
        raise MisuseError(f"the store serves no terms of kind {', '.join(sorted(terms - uow.terms))}", "use others")
    if order.by not in uow.orders:
        raise MisuseError(f"the store serves no order by {order.by}", f"use {' or '.join(sorted(uow.orders))}")
    return uow


def as_function(value: T, name: str) -> T:
    """Return the value if it can be called.

    Raises:
        MisuseError: It cannot.
    """
    if not callable(value):
        raise MisuseError(f"{name}= holds a {type(value).__name__}, which cannot be called", "pass a function")
    return value
