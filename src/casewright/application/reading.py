"""`ReadingBus`: what can be asked of a store, always under the rights of whoever asks.

Each answer is read in one unit of work that only reads. An item that the actor may not see looks like none (A8).
`AsyncReadingBus` has the same statements, which a test compares; what is judged is in `arguments` and `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast

from casewright.application.arguments import (
    BY_ID,
    as_function,
    as_providers,
    as_store,
    check_page,
    check_served,
    no_listing,
    page_of,
)
from casewright.application.facts import FactProvider, known_facts
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
from casewright.domain.filters import Cursor, ItemFilter, Order, Page
from casewright.domain.history import Finding
from casewright.domain.ids import ItemId, as_item_id
from casewright.domain.items import Case, Item, ItemT, Kind, Note, Task
from casewright.domain.steps import Needs
from casewright.domain.terms import Scope
from casewright.domain.transitions import several
from casewright.domain.values import as_instant
from casewright.domain.verdicts import ActionVerdict
from casewright.errors import NotFoundError, StaleVersionError

__all__ = ["ReadingBus", "case_of", "load"]

T = TypeVar("T")

_Answer: TypeAlias = Callable[[UnitOfWork, Item, AnyDefinition], T]


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
        self._store = as_store(store)
        self._registry = Registry(definitions)
        self._clock = as_function(clock, "clock")
        self._observers = tuple(as_function(observer, "observers") for observer in several(observers))
        self._facts = as_providers(facts)
        self._given = Given()

    def get(self, item_id: str, *, by: Actor) -> Item:
        """Return an item as it is.

        Raises:
            NotFoundError: There is none, it was deleted, or the actor may not see it (A8).
            UnknownDefinitionError: No definition here judges it.
        """
        item = self._read(item_id, by, _itself)
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

        def answer(uow: UnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Event, ...]:
            return tuple(uow.history(item.id, after=after, limit=limit))

        return self._read(item_id, by, answer, deleted=True)

    def notes(self, item_id: str, *, by: Actor) -> tuple[Note, ...]:
        """Return the notes of an item in the order in which they were added, also of a deleted one.

        Raises:
            NotFoundError: As for `history`.
            UnknownDefinitionError: As for `get`.
        """
        return self._read(item_id, by, _notes, deleted=True)

    def verify(self, item_id: str, *, by: Actor) -> tuple[Finding, ...]:
        """Check that the history of an item is sound, that its row is what the history makes, and its notes unchanged.

        Returns:
            What does not hold; empty when sound. A cut tail and a full rewrite need an anchor outside (H6).

        Raises:
            NotFoundError: As for `history`.
            UnknownDefinitionError: As for `get`.
        """
        return self._read(item_id, by, _verified, deleted=True)

    def find(
        self,
        filter: ItemFilter[ItemT],
        *,
        by: Actor,
        order: Order = BY_ID,
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
        where = self._registry.visible(filter, by)
        check_page(order, limit, after)
        found: Any = self._found(filter.kind, where, by, order=order, limit=limit + 1, after=after)
        page: Page[ItemT] = page_of(found, order, limit)
        self._given.add(*page.items)
        return page

    def count(self, filter: ItemFilter[Any], *, by: Actor) -> int:
        """Return how many items a filter asks for that the actor may read (A6).

        Raises:
            InvalidInputError: As for `find`.
            MisuseError: As for `find`.
        """
        where = self._registry.visible(filter, by)
        return self._counted(filter.kind, where, by)

    def _found(self, kind: Kind, where: Scope, by: Actor, **page: Any) -> Sequence[Item]:  # noqa: ANN401 - as for find
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            return _listing(uow, where, page["order"]).find(kind, where, **page)

    def _counted(self, kind: Kind, where: Scope, by: Actor) -> int:
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            return _listing(uow, where, BY_ID).count(kind, where)

    def _known(self, uow: UnitOfWork, item: Item | None, needs: Needs) -> dict[str, object] | None:
        """The facts that are needed and that somebody here can find out."""
        return known_facts(self._facts, needs, uow, item)

    def _read(self, item_id: str, by: Actor, answer: _Answer[T], *, deleted: bool = False) -> T:
        check_actor(by)
        known_id = as_item_id(item_id)
        while True:
            try:
                return self._answered(known_id, by, answer, deleted=deleted)
            except StaleVersionError:  # a task and its case, of which one was changed while they were read
                continue
            except Denied as denied:
                now = as_instant(self._clock(), "clock")
                told = {"denial": denied.error, "reasons": denied.reasons}
                notify(self._observers, report_of("read", known_id, by, now, **told))
                raise denied.error from None

    def _answered(self, item_id: ItemId, by: Actor, answer: _Answer[T], *, deleted: bool) -> T:
        """Ask in one unit of work."""
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            item, definition = seen(self._registry, uow.items.get(item_id), item_id, by)
            if item.deleted_at is not None and not deleted:
                raise Denied(NotFoundError(item_id))
            return answer(uow, item, definition)


def load(uow: UnitOfWork, item_id: ItemId, *, lock: bool) -> Item | None:
    """Return an item to decide on; None where there is none."""
    if lock:  # a case before its tasks, as rows are written: else two units would wait for each other
        item = uow.items.get(item_id)
        if isinstance(item, Task) and item.case_id is not None:
            uow.items.get(item.case_id, lock=True)
    return uow.items.get(item_id, lock=lock)


def case_of(uow: UnitOfWork, item: Item, *, lock: bool = False) -> Case | None:
    """Return the case that a task belongs to; None where there is none.

    Raises:
        StaleVersionError: Somebody has changed both after the item was read, so that they do not fit each other.
    """
    if not isinstance(item, Task) or item.case_id is None:
        return None
    case = cast("Case | None", uow.items.get(item.case_id, lock=lock))
    if case is not None and item.open and not case.open_tasks:
        latest = uow.items.get(item.id)
        if latest is not None and latest.version != item.version:
            raise StaleVersionError(item.id, item.version, latest.version)
    return case


def _itself(uow: UnitOfWork, item: Item, definition: AnyDefinition) -> Item:
    return item


def _notes(uow: UnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Note, ...]:
    return tuple(uow.notes(item.id))


def _verified(uow: UnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Finding, ...]:
    """What does not hold, of an item that was not changed while it was read: a store may be read committed."""
    while True:
        findings = verify_stored(item, uow.history(item.id), uow.notes(item.id))
        latest = uow.items.get(item.id) if findings else None
        if latest is None or (latest.version, latest.head) == (item.version, item.head):
            return findings
        item = latest


def _listing(uow: UnitOfWork, where: Scope, order: Order) -> Listing:
    if not isinstance(uow, Listing):
        raise no_listing()
    check_served(uow, where, order)
    return uow
