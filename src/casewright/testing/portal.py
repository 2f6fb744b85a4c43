"""`Portal`: an event loop in a thread of its own, so that plain functions can use what must be awaited.

`SynchronousStore` is an asynchronous store as a plain one, through a portal: so one suite serves both.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from casewright.application.async_ports import AsyncListing, AsyncOutbox, AsyncStore
from casewright.application.denials import Denial
from casewright.application.erasing import Erased
from casewright.application.ledger import AsyncLedger, Expecting, LedgerEntry
from casewright.application.ports import OutboxPointer, UnitOfWork
from casewright.domain.events import Change, Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind
from casewright.errors import MisuseError

__all__ = ["Portal", "SynchronousStore"]

T = TypeVar("T")


class Portal:
    """An event loop in a thread of its own. Used in a ``with`` block; any number of threads may share one.

    What asynchronous drivers make belongs to a loop: make it here (``portal.run(making())``), and use it here.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._stay()), name="casewright-portal", daemon=True)
        self._open = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, in a task of its own, and wait for it.

        What it raises is raised here, whatever it is: the very object. Where the wait is interrupted, the task is
        cancelled.

        Args:
            work: The coroutine.

        Raises:
            MisuseError: The portal is not open; or this is its own thread, which would wait for itself.
        """
        loop = self._loop
        if loop is None or threading.current_thread() is self._thread:
            work.close()
            if loop is None:
                raise MisuseError("a portal was used that is not open", "use it in its block: with Portal() as portal")
            raise MisuseError("a portal was used in its own thread, which would wait for itself", "await the coroutine")
        future = asyncio.run_coroutine_threadsafe(_outcome(work), loop)
        try:
            answer, error = future.result()
        finally:
            future.cancel()
        if error is not None:
            raise error
        return answer

    def __enter__(self) -> Self:
        """Start the loop."""
        self._thread.start()
        self._open.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what is still running, and end the loop and its thread."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    async def _stay(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open.set()
        await self._closing.wait()


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T, None] | tuple[Any, BaseException]:
    """What it returns or raises: raised here, some exceptions would end the loop, and others become another object."""
    try:
        return await work, None
    except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
        return None, error


class SynchronousStore:
    """An asynchronous store as a plain one: each method of its units runs on a portal's loop.

    Args:
        store: The store; what it must make, it has made on that loop. It stays to be had as ``inner``.
        portal: Where it runs.
    """

    def __init__(self, store: AsyncStore, portal: Portal) -> None:
        """Keep both."""
        self.inner = store
        self._portal = portal

    def begin(self, *, tenant: str, write: bool = True) -> UnitOfWork:
        """Return a unit of work that has the optional protocols that the store's own unit has."""

        async def begun() -> Any:  # noqa: ANN401 - what the store gives
            return self.inner.begin(tenant=tenant, write=write)

        return _viewed(self._portal.run(begun()), self._portal)

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove old entries of the ledger, where the store can; see `KeyPurging.purge_keys`."""

        async def purged() -> int:
            store: Any = self.inner
            number: int = await store.purge_keys(before=before, limit=limit)
            return number

        return self._portal.run(purged())

    def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """See `Erasure.erase`."""
        store: Any = self.inner
        erased: Erased = self._portal.run(store.erase(item_id, tenant=tenant, versions=versions))
        return erased

    def add_denial(self, denial: Denial) -> None:
        """See `DenialLog.add_denial`."""
        store: Any = self.inner
        self._portal.run(store.add_denial(denial))

    def denials(self, *, tenant: str, after: str = "", limit: int) -> Sequence[Denial]:
        """See `DenialLog.denials`."""
        store: Any = self.inner
        found: Sequence[Denial] = self._portal.run(store.denials(tenant=tenant, after=after, limit=limit))
        return found


class _View:
    """The core of a unit of work."""

    def __init__(self, unit: Any, portal: Portal) -> None:  # noqa: ANN401 - a unit of the store
        self._unit = unit
        self._portal = portal

    @property
    def items(self) -> Self:
        return self

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        item: Item | None = self._run(lambda: self._unit.items.get(id, lock=lock))
        return item

    def record(self, *changes: Change[Any]) -> None:
        self._run(lambda: self._unit.record(*changes))

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        events: Sequence[Event] = self._run(lambda: self._unit.history(id, after=after, limit=limit))
        return events

    def notes(self, id: str) -> Sequence[Note]:
        notes: Sequence[Note] = self._run(lambda: self._unit.notes(id))
        return notes

    def commit(self) -> None:
        self._run(self._unit.commit)

    def rollback(self) -> None:
        self._run(self._unit.rollback)

    def __enter__(self) -> Self:
        entered = self._run(self._unit.__aenter__)
        return self if entered is self._unit else type(self)(entered, self._portal)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(lambda: self._unit.__aexit__(kind, error, trace))

    def _run(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what a method of the unit gives
        """Call it on the loop as well: a method may do something before it is awaited."""

        async def called() -> object:
            return await call()

        return self._portal.run(called())


class _Listing(_View):
    """See `Listing`."""

    @property
    def terms(self) -> frozenset[TermKind]:
        found: frozenset[TermKind] = self._unit.terms
        return found

    @property
    def orders(self) -> frozenset[OrderBy]:
        found: frozenset[OrderBy] = self._unit.orders
        return found

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> Sequence[Item]:
        ask = partial(self._unit.find, kind, where, order=order, limit=limit, after=after)
        items: Sequence[Item] = self._run(ask)
        return items

    def count(self, kind: Kind, where: Scope) -> int:
        number: int = self._run(lambda: self._unit.count(kind, where))
        return number


class _Outbox(_View):
    """See `Outbox`."""

    def pending(self, *, limit: int) -> Sequence[OutboxPointer]:
        pointers: Sequence[OutboxPointer] = self._run(lambda: self._unit.pending(limit=limit))
        return pointers


class _Ledger(_View):
    """See `Ledger`."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        entry: LedgerEntry | None = self._run(lambda: self._unit.entry(actor_id, key))
        return entry

    def enter(self, entry: LedgerEntry) -> None:
        self._run(lambda: self._unit.enter(entry))


class _Expecting(_View):
    """See `Expecting`."""

    def expect(self, id: str) -> None:
        self._unit.expect(id)


_PARTS: Final = ((AsyncListing, _Listing), (AsyncOutbox, _Outbox), (AsyncLedger, _Ledger), (Expecting, _Expecting))


def _viewed(unit: object, portal: Portal) -> UnitOfWork:
    return _view_of(tuple([part for port, part in _PARTS if isinstance(unit, port)]))(unit, portal)


@cache
def _view_of(parts: tuple[type[_View], ...]) -> type[_View]:
    """The class of views that have just these protocols: a bus asks a unit which ones it has."""
    return type("View", (*parts, _View), {})
