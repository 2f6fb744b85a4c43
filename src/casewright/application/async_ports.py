"""The ports of a natively asynchronous store: those of `casewright.application.ports`, awaited.

What is promised is word for word the same, so each method says where it is written, and here is only what differs.
`begin` itself is no coroutine function: it makes the unit, and whatever must be awaited before the unit can be used is
awaited where its block is entered, or in the first method that is called. `Joining` is for these stores too.

Whatever a method awaits may be cancelled. Then it raises CancelledError, and its unit ends with the block as after any
other exception (T4, T5). Derive from `casewright.application.async_buffering.AsyncBufferingUnitOfWork`.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from casewright.application.ports import OutboxPointer
from casewright.domain.events import Change, Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind

__all__ = ["AsyncItems", "AsyncListing", "AsyncOutbox", "AsyncStore", "AsyncUnitOfWork", "Hosting"]

T = TypeVar("T")


class AsyncItems(Protocol):
    """The items of one tenant, to be read one by one; see `Items`."""

    async def get(self, id: str, *, lock: bool = False) -> Item | None:
        """Return the item as it is, deleted or not. See `Items.get`."""
        ...


class AsyncUnitOfWork(Protocol):
    """What is read and written together, for one tenant; see `UnitOfWork`.

    Used in an ``async with`` block, by one task at a time. A store must not tie it to the task that began it: its
    methods may be called by one task after the other.
    """

    @property
    def items(self) -> AsyncItems:
        """The items of the tenant."""
        ...

    async def record(self, *changes: Change[Any]) -> None:
        """Take changes to be written, all together or not at all (T1, H2). See `UnitOfWork.record`."""
        ...

    async def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Return the events of an item by version. See `UnitOfWork.history`."""
        ...

    async def notes(self, id: str) -> Sequence[Note]:
        """Return the notes of an item, in the order in which they were added. See `UnitOfWork.notes`."""
        ...

    async def commit(self) -> None:
        """Write all that was recorded, and end the unit. See `UnitOfWork.commit`.

        Where it is cancelled, all of it is written or nothing, and the unit has ended (T1, T5). Which of the two it is,
        only the store knows.
        """
        ...

    async def rollback(self) -> None:
        """Drop all that was recorded, and end the unit. See `UnitOfWork.rollback`."""
        ...

    async def __aenter__(self) -> Self:
        """Return the unit.

        Raises:
            StorageError: As for `Store.begin`: the store cannot be reached, or holds another schema than it should. A
                store may raise it later, in the first method that is called.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back unless the unit has ended, also where a cancelled task leaves the block; pass every exception on.

        Where it is cancelled itself while it rolls back, it gives back all the same what the unit holds (T5).
        """
        ...


class AsyncStore(Protocol):
    """Where items, histories and notes are kept; see `Store`."""

    def begin(self, *, tenant: str, write: bool = True) -> AsyncUnitOfWork:
        """Return a new unit of work, at once and without asking the store: ``async with store.begin(tenant=...)``.

        Args:
            tenant: Whose data it reads and writes; nothing of another tenant is ever seen.
            write: Whether it may record. A unit that only reads sees no more and no less than one that writes.

        Raises:
            InvalidInputError: The tenant is neither empty nor one that a store could hold; see `as_tenant`.
        """
        ...


@runtime_checkable
class Hosting(Protocol):
    """A store that can do the whole work of one unit in one hop: in one thread, in one greenlet.

    A bus has its work hosted where it can, so that a command costs one hop and not one for each thing that it asks.
    """

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work to its end, and return what it returns or raise what it raises: the very object.

        Inside it the methods of the store's own units never suspend, and the work awaits nothing else. So it can be
        driven by `drive`, in a thread where no event loop runs.

        Where this is cancelled, the work has ended nonetheless before CancelledError is raised: it was run to its end,
        or it was closed before it had begun (T5). A coroutine that is left alone warns that it was never awaited, and
        one that is left running holds what its unit holds.

        Args:
            work: What is done. It begins units of this store, and ends them.

        Raises:
            MisuseError: The work awaits something else.
        """
        ...


@runtime_checkable
class AsyncListing(Protocol):
    """A unit of work that can also list items; see `Listing`."""

    terms: frozenset[TermKind]
    """The kinds of terms that it can translate: it is never given others."""

    orders: frozenset[OrderBy]
    """What it can order by, one at least: it is never given another."""

    async def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> Sequence[Item]:
        """Return the items of a kind that are in the scope, in order. See `Listing.find`."""
        ...

    async def count(self, kind: Kind, where: Scope) -> int:
        """Return how many items `find` would give without a limit. See `Listing.count`."""
        ...


@runtime_checkable
class AsyncOutbox(Protocol):
    """A unit of work that also says what is to be published; see `Outbox`."""

    async def pending(self, *, limit: int) -> Sequence[OutboxPointer]:
        """Return pointers to events of the tenant that are not published yet (O1). See `Outbox.pending`."""
        ...
