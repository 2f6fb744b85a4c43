"""Asynchronous buses as plain ones: so that each test of a bus is one of both.

No event loop runs: what a bus awaits here is a turn of the loop and no more, so a coroutine is driven by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from inspect import iscoroutinefunction
from types import TracebackType, coroutine
from typing import Any, Self, TypeVar, cast

from casewright import (
    AsyncCommandBus,
    Change,
    CommandBus,
    Cursor,
    Event,
    Expecting,
    Ledger,
    LedgerEntry,
    Listing,
    Note,
    Order,
    Scope,
    Store,
    drive,
)
from casewright.domain.filters import OrderBy
from casewright.domain.items import Item, Kind
from casewright.domain.terms import TermKind

T = TypeVar("T")


@coroutine
def a_turn() -> Generator[None, None, None]:
    """Suspend once, as whatever asks a database does."""
    yield


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for turns only."""
    for _ in range(10_000):
        try:
            work.send(None)
        except StopIteration as done:
            answer: T = done.value
            return answer
    raise AssertionError("it waits for something else than a turn")


class AwaitedStore:
    """A plain store to be awaited: each method of its units suspends before and after it does something.

    Args:
        inner: The plain store.
    """

    def __init__(self, inner: Any) -> None:
        """Keep it."""
        self.inner = inner
        self.joined = getattr(inner, "joined", False)

    def begin(self, *, tenant: str, write: bool = True) -> AwaitedUnit:
        """Return a unit that has the optional protocols of the plain one."""
        unit = self.inner.begin(tenant=tenant, write=write)
        if isinstance(unit, Ledger):
            return _LedgerUnit(self, unit)
        return _ListingUnit(self, unit) if isinstance(unit, Listing) else AwaitedUnit(self, unit)

    async def turn(self) -> None:
        """Suspend."""
        await a_turn()


class HostingStore(AwaitedStore):
    """A store that does the work of a unit in one hop; where it does, nothing suspends."""

    def __init__(self, inner: Any) -> None:
        """Begin with no hop counted."""
        super().__init__(inner)
        self.hops = 0
        self.outside = 0
        self._inside = False

    async def turn(self) -> None:
        """Suspend where the work is not hosted."""
        if not self._inside:
            self.outside += 1
            await a_turn()

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """See `Hosting.host`."""
        try:
            await a_turn()
        except BaseException:
            work.close()
            raise
        self.hops += 1
        self._inside, outer = True, self._inside
        try:
            return drive(work)
        finally:
            self._inside = outer


class AwaitedUnit:
    """A plain unit to be awaited; a plain provider of facts is given ``inner``."""

    def __init__(self, store: AwaitedStore, inner: Any) -> None:
        """Keep both."""
        self._store = store
        self.inner = inner

    @property
    def items(self) -> Self:
        """See `AsyncUnitOfWork.items`."""
        return self

    async def get(self, id: str, *, lock: bool = False) -> Item | None:
        """See `AsyncItems.get`."""
        item: Item | None = await self._between(lambda: self.inner.items.get(id, lock=lock))
        return item

    async def record(self, *changes: Change[Any]) -> None:
        """See `AsyncUnitOfWork.record`."""
        await self._between(lambda: self.inner.record(*changes))

    async def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """See `AsyncUnitOfWork.history`."""
        events: Sequence[Event] = await self._between(lambda: self.inner.history(id, after=after, limit=limit))
        return events

    async def notes(self, id: str) -> Sequence[Note]:
        """See `AsyncUnitOfWork.notes`."""
        notes: Sequence[Note] = await self._between(lambda: self.inner.notes(id))
        return notes

    async def commit(self) -> None:
        """See `AsyncUnitOfWork.commit`."""
        await self._between(self.inner.commit)

    async def rollback(self) -> None:
        """See `AsyncUnitOfWork.rollback`."""
        await self._between(self.inner.rollback)

    async def __aenter__(self) -> Self:
        """See `AsyncUnitOfWork`."""
        await self._between(self.inner.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `AsyncUnitOfWork`."""
        await self._between(lambda: self.inner.__exit__(kind, error, trace))

    async def _between(self, call: Callable[[], Any]) -> Any:
        await self._store.turn()
        answer = call()
        await self._store.turn()
        return answer


class _ListingUnit(AwaitedUnit):
    @property
    def terms(self) -> frozenset[TermKind]:
        terms: frozenset[TermKind] = self.inner.terms
        return terms

    @property
    def orders(self) -> frozenset[OrderBy]:
        orders: frozenset[OrderBy] = self.inner.orders
        return orders

    async def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> Sequence[Item]:
        items: Sequence[Item] = await self._between(
            lambda: self.inner.find(kind, where, order=order, limit=limit, after=after)
        )
        return items

    async def count(self, kind: Kind, where: Scope) -> int:
        number: int = await self._between(lambda: self.inner.count(kind, where))
        return number


class _LedgerUnit(_ListingUnit):
    async def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        entry: LedgerEntry | None = await self._between(lambda: self.inner.entry(actor_id, key))
        return entry

    async def enter(self, entry: LedgerEntry) -> None:
        await self._between(lambda: self.inner.enter(entry))

    def expect(self, id: str) -> None:
        if isinstance(self.inner, Expecting):
            self.inner.expect(id)


class _PlainBus:
    """An asynchronous bus whose methods come back with the answer."""

    def __init__(self, bus: AsyncCommandBus) -> None:
        self._bus = bus

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._bus, name)
        return (lambda *given, **named: run(found(*given, **named))) if iscoroutinefunction(found) else found


def awaited(store: Store, definitions: Iterable[Any], **more: Any) -> CommandBus:
    """Return an asynchronous bus on the store, all of whose methods suspend, as a plain one."""
    return _plain(AwaitedStore(store), definitions, **more)


def hosted(store: Store, definitions: Iterable[Any], **more: Any) -> CommandBus:
    """Return an asynchronous bus on a store that hosts, as a plain one."""
    return _plain(HostingStore(store), definitions, **more)


def _plain(
    store: AwaitedStore, definitions: Iterable[Any], *, facts: Any = None, pause: Any = None, **more: Any
) -> CommandBus:
    if isinstance(facts, Mapping):
        facts = {name: _awaiting(provider) if callable(provider) else provider for name, provider in facts.items()}
    if callable(pause):
        more["pause"] = _waiting(pause)
    return cast("CommandBus", _PlainBus(AsyncCommandBus(store, definitions, facts=facts, **more)))


def _awaiting(provider: Callable[..., object]) -> Callable[[AwaitedUnit, Any], Coroutine[Any, Any, object]]:
    """An async provider that asks a plain one, which reads through the plain unit."""

    async def asked(uow: AwaitedUnit, item: Any) -> object:
        await a_turn()
        return provider(uow.inner, item)

    return asked


def _waiting(pause: Callable[[float], object]) -> Callable[[float], Coroutine[Any, Any, None]]:
    async def waiting(seconds: float) -> None:
        await a_turn()
        pause(seconds)

    return waiting
