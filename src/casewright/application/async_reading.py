"""`AsyncReadingBus`: the twin of `ReadingBus` for stores that are awaited.

Both have the same statements, which a test compares; what is judged is in `arguments` and `plan`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
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
from casewright.application.async_ports import AsyncListing, AsyncStore, AsyncUnitOfWork, Hosting
from casewright.application.facts import AsyncFactProvider, async_known_facts
from casewright.application.given import Given
from casewright.application.new_ids import Clock, system_clock
from casewright.application.observers import async_notify
from casewright.application.plan import Denied, report_of, seen
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

__all__ = ["AsyncReadingBus", "case_of", "load"]

T = TypeVar("T")

_Answer: TypeAlias = Callable[[AsyncUnitOfWork, Item, AnyDefinition], Awaitable[T]]


class AsyncReadingBus:
    """What `AsyncCommandBus` answers without changing anything. Its arguments are described there."""

    __slots__ = ("_clock", "_facts", "_given", "_hosts", "_observers", "_registry", "_store")

    def __init__(
        self,
        store: AsyncStore,
        definitions: Iterable[TaskDefinition | CaseDefinition],
        *,
        clock: Clock = system_clock,
        observers: Iterable[Observer] = (),
        facts: Mapping[str, AsyncFactProvider] | None = None,
    ) -> None:
        """Keep them; nothing is read yet."""
        self._store = as_store(store)
        self._registry = Registry(definitions)
        self._clock = as_function(clock, "clock")
        self._observers = tuple(as_function(observer, "observers") for observer in several(observers))
        self._facts = as_providers(facts)
        self._given = Given()
        self._hosts = isinstance(store, Hosting) and not self._facts  # a provider may await anything

    async def get(self, item_id: str, *, by: Actor) -> Item:
        """Return an item as it is. See `ReadingBus.get`."""
        item = await self._read(item_id, by, _itself)
        self._given.add(item)
        return item

    async def actions(self, item_id: str, *, by: Actor, at: datetime | None = None) -> tuple[ActionVerdict, ...]:
        """Return for every action and verb whether the actor can do it now, why not, and what it would need.

        See `ReadingBus.actions`.
        """
        moment = as_instant(self._clock() if at is None else at, "at")

        async def answer(uow: AsyncUnitOfWork, item: Item, definition: AnyDefinition) -> tuple[ActionVerdict, ...]:
            facts = await self._known(uow, item, definition.needs(item))
            return definition.actions(item, by=by, at=moment, parent=await case_of(uow, item), facts=facts)

        return await self._read(item_id, by, answer)

    async def history(self, item_id: str, *, by: Actor, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
        """Return the events of an item by version, also of a deleted one. See `ReadingBus.history`."""

        async def answer(uow: AsyncUnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Event, ...]:
            return tuple(await uow.history(item.id, after=after, limit=limit))

        return await self._read(item_id, by, answer, deleted=True)

    async def notes(self, item_id: str, *, by: Actor) -> tuple[Note, ...]:
        """Return the notes of an item, in the order in which they were added. See `ReadingBus.notes`."""
        return await self._read(item_id, by, _notes, deleted=True)

    async def verify(self, item_id: str, *, by: Actor) -> tuple[Finding, ...]:
        """Check that history, row and notes of an item belong together. See `ReadingBus.verify`."""
        return await self._read(item_id, by, _verified, deleted=True)

    async def find(
        self,
        filter: ItemFilter[ItemT],
        *,
        by: Actor,
        order: Order = BY_ID,
        limit: int = 50,
        after: Cursor | None = None,
    ) -> Page[ItemT]:
        """Return the items that a filter asks for and the actor may read (A6). See `ReadingBus.find`."""
        where = self._registry.visible(filter, by)
        check_page(order, limit, after)
        found: Any = await self._hosted(self._found(filter.kind, where, by, order=order, limit=limit + 1, after=after))
        page: Page[ItemT] = page_of(found, order, limit)
        self._given.add(*page.items)
        return page

    async def count(self, filter: ItemFilter[Any], *, by: Actor) -> int:
        """Return how many items a filter asks for that the actor may read (A6). See `ReadingBus.count`."""
        where = self._registry.visible(filter, by)
        return await self._hosted(self._counted(filter.kind, where, by))

    async def _hosted(self, work: Coroutine[Any, Any, T]) -> T:
        """The work of one unit, in one hop where the store can do that."""
        return await (cast("Hosting", self._store).host(work) if self._hosts else work)

    async def _found(self, kind: Kind, where: Scope, by: Actor, **page: Any) -> Sequence[Item]:  # noqa: ANN401 - as for find
        async with self._store.begin(tenant=by.tenant, write=False) as uow:
            return await _listing(uow, where, page["order"]).find(kind, where, **page)

    async def _counted(self, kind: Kind, where: Scope, by: Actor) -> int:
        async with self._store.begin(tenant=by.tenant, write=False) as uow:
            return await _listing(uow, where, BY_ID).count(kind, where)

    async def _known(self, uow: AsyncUnitOfWork, item: Item | None, needs: Needs) -> dict[str, object] | None:
        """The facts that are needed and that somebody here can find out."""
        return await async_known_facts(self._facts, needs, uow, item)

    async def _read(
        self,
        item_id: str,
        by: Actor,
        answer: _Answer[T],
        *,
        deleted: bool = False,
    ) -> T:
        check_actor(by)
        known_id = as_item_id(item_id)
        while True:
            try:
                return await self._hosted(self._answered(known_id, by, answer, deleted=deleted))
            except StaleVersionError:  # a task and its case, of which one was changed while they were read
                continue
            except Denied as denied:
                now = as_instant(self._clock(), "clock")
                told = {"denial": denied.error, "reasons": denied.reasons}
                await async_notify(self._observers, report_of("read", known_id, by, now, **told))
                raise denied.error from None

    async def _answered(
        self,
        item_id: ItemId,
        by: Actor,
        answer: _Answer[T],
        *,
        deleted: bool,
    ) -> T:
        """Ask in one unit of work."""
        async with self._store.begin(tenant=by.tenant, write=False) as uow:
            item, definition = seen(self._registry, await uow.items.get(item_id), item_id, by)
            if item.deleted_at is not None and not deleted:
                raise Denied(NotFoundError(item_id))
            return await answer(uow, item, definition)


async def load(uow: AsyncUnitOfWork, item_id: ItemId, *, lock: bool) -> Item | None:
    """Return an item to decide on; None where there is none."""
    if lock:  # a case before its tasks, as rows are written: else two units would wait for each other
        item = await uow.items.get(item_id)
        if isinstance(item, Task) and item.case_id is not None:
            await uow.items.get(item.case_id, lock=True)
    return await uow.items.get(item_id, lock=lock)


async def case_of(uow: AsyncUnitOfWork, item: Item, *, lock: bool = False) -> Case | None:
    """Return the case that a task belongs to; None where there is none.

    Raises:
        StaleVersionError: Somebody has changed both after the item was read, so that they do not fit each other.
    """
    if not isinstance(item, Task) or item.case_id is None:
        return None
    case = cast("Case | None", await uow.items.get(item.case_id, lock=lock))
    if case is not None and item.open and not case.open_tasks:
        latest = await uow.items.get(item.id)
        if latest is not None and latest.version != item.version:
            raise StaleVersionError(item.id, item.version, latest.version)
    return case


async def _itself(uow: AsyncUnitOfWork, item: Item, definition: AnyDefinition) -> Item:
    return item


async def _notes(uow: AsyncUnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Note, ...]:
    return tuple(await uow.notes(item.id))


async def _verified(uow: AsyncUnitOfWork, item: Item, definition: AnyDefinition) -> tuple[Finding, ...]:
    """What does not hold, of an item that was not changed while it was read: a store may be read committed."""
    while True:
        findings = verify_stored(item, await uow.history(item.id), await uow.notes(item.id))
        latest = await uow.items.get(item.id) if findings else None
        if latest is None or (latest.version, latest.head) == (item.version, item.head):
            return findings
        item = latest


def _listing(uow: AsyncUnitOfWork, where: Scope, order: Order) -> AsyncListing:
    if not isinstance(uow, AsyncListing):
        raise no_listing()
    check_served(uow, where, order)
    return uow
