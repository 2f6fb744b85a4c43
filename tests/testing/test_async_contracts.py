"""The contracts of asynchronous stores: a store that hosts keeps them, and planted bugs are caught."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import attrs
import pytest

from casewright import ItemId, MisuseError, TransientStorageError, Writes
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.memory.async_store import AsyncMemoryUnitOfWork
from casewright.adapters.memory.store import _Log
from casewright.domain.items import Item
from casewright.testing.contracts import AsyncLedgerContract, AsyncOutboxContract, AsyncStoreContract, HostingContract
from casewright.testing.portal import Portal, SynchronousStore
from support.async_buses import HostingStore

T = TypeVar("T")


class TestHostingStore(HostingContract):
    """A store that hosts keeps the contract of hosting."""

    @pytest.fixture
    def async_store(self) -> HostingStore:
        """Return an empty store."""
        return HostingStore(MemoryStore())


class AllContracts(AsyncStoreContract, AsyncOutboxContract, AsyncLedgerContract):
    """All contracts that a commit has to keep."""


class _Sabotaged(AsyncMemoryStore):
    unit: type[AsyncMemoryUnitOfWork]

    def begin(self, *, tenant: str, write: bool = True) -> AsyncMemoryUnitOfWork:
        return self.unit(self.store, tenant, write=write)


class CommitsWhenCancelled(AsyncMemoryUnitOfWork):
    """Takes a cancellation for the end of a block that may be committed."""

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Commit."""
        if kind is asyncio.CancelledError:
            await self.commit()
        await super().__aexit__(kind, error, trace)


class SwallowsCancellation(AsyncMemoryUnitOfWork):
    """Lets nobody be cancelled."""

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> Any:
        """Pass over it."""
        await super().__aexit__(kind, error, trace)
        return kind is asyncio.CancelledError


class StaysOpen(AsyncMemoryUnitOfWork):
    """Rolls back only after an Exception, which a cancellation is not."""

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Roll back, sometimes."""
        if kind is None or issubclass(kind, Exception):
            await self.rollback()


class WritesInTwoGoes(AsyncMemoryUnitOfWork):
    """Writes one item after the other, each with what belongs to it, with an await in between."""

    async def _flush(self, writes: Writes) -> None:
        for row in writes.rows:
            events = tuple(event for event in writes.events if event.item_id == row.after.id)
            notes = tuple(note for note in writes.notes if note.item_id == row.after.id)
            pointers = tuple(pointer for pointer in writes.pointers if pointer.item_id == row.after.id)
            await super()._flush(Writes((row,), events, notes, pointers))


class WritesInTwoGoesAtLast(WritesInTwoGoes):
    """Does so after more turns of the loop than most others take."""

    async def _flush(self, writes: Writes) -> None:
        for _ in range(30):
            await asyncio.sleep(0)
        await super()._flush(writes)


class PublishesLater(AsyncMemoryUnitOfWork):
    """Has the pointers at hand once all else is written, and loses them where it is cancelled then."""

    async def _flush(self, writes: Writes) -> None:
        await super()._flush(writes)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            everything = self._store._kept
            everything.update({key: attrs.evolve(everything[key], pointers=_Log()) for key in everything})
            raise


class AcknowledgesTheCancelled(AsyncMemoryUnitOfWork):
    """Passes over a cancellation while it commits, as if all had been written."""

    async def _flush(self, writes: Writes) -> None:
        with suppress(asyncio.CancelledError):
            await super()._flush(writes)


class FindsNothingWhenCancelled(AsyncMemoryUnitOfWork):
    """Takes a cancellation for a question without an answer."""

    async def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        try:
            return await super()._load(item_id, lock=lock)
        except asyncio.CancelledError:
            return None


class TellsAnotherError(AsyncMemoryUnitOfWork):
    """Makes an error of its own of a cancellation."""

    async def _flush(self, writes: Writes) -> None:
        try:
            await super()._flush(writes)
        except asyncio.CancelledError as error:
            raise TransientStorageError("it was interrupted") from error


class GoesOn(AsyncMemoryUnitOfWork):
    """Leaves the commit to a task that goes on when the one that wanted it has ended."""

    async def _flush(self, writes: Writes) -> None:
        self.task = asyncio.create_task(self._slowly(writes))
        await asyncio.shield(self.task)

    async def _slowly(self, writes: Writes) -> None:
        for _ in range(9):
            await asyncio.sleep(0)
        await super()._flush(writes)


class AnswersAtOnce(AsyncMemoryUnitOfWork):
    """Has a method that is no coroutine function."""

    def record(self, *changes: Any) -> Any:
        """Record."""
        self._take_all(changes)
        return _Done()


class _Done:
    def __await__(self) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("unit", "test"),
    [
        (CommitsWhenCancelled, "test_a_cancelled_task_leaves_nothing"),
        (SwallowsCancellation, "test_a_cancelled_task_leaves_nothing"),
        (StaysOpen, "test_a_cancelled_task_leaves_nothing"),
        *(
            (unit, "test_a_commit_that_is_cancelled_is_done_or_not")
            for unit in (
                *(WritesInTwoGoes, WritesInTwoGoesAtLast, AcknowledgesTheCancelled, FindsNothingWhenCancelled),
                *(TellsAnotherError, GoesOn),
            )
        ),
        (PublishesLater, "test_a_commit_that_is_cancelled_publishes_what_is_there"),
        (AnswersAtOnce, "test_begin_gives_a_unit_whose_methods_are_awaited"),
    ],
)
def test_a_planted_bug_of_an_asynchronous_store_is_caught(unit: type[AsyncMemoryUnitOfWork], test: str) -> None:
    """The test that names the promise is red for a store that breaks it, and green for the sound one (T5)."""
    for planted in (unit, AsyncMemoryUnitOfWork):
        store = type("Planted", (_Sabotaged,), {"unit": planted})()
        assert caught(AllContracts, test, store) is (planted is unit)


class EndsWhenCancelled(AsyncMemoryUnitOfWork):
    """Takes part in a transaction that ends where a unit is cancelled while it writes."""

    async def _flush(self, writes: Writes) -> None:
        try:
            await super()._flush(writes)
        except asyncio.CancelledError:
            vars(self._store)["ended"] = True
            raise


class EndingStore(_Sabotaged):
    """A store whose transaction may end.

    Args:
        joined: Whether it says that the transaction is a caller's.
    """

    unit = EndsWhenCancelled

    def __init__(self, *, joined: bool) -> None:
        """Begin empty."""
        super().__init__()
        self.joined = joined

    def begin(self, *, tenant: str, write: bool = True) -> AsyncMemoryUnitOfWork:
        """Refuse once it has ended."""
        if "ended" in vars(self.store):
            raise MisuseError("the transaction has ended", "begin another one")
        return super().begin(tenant=tenant, write=write)


@pytest.mark.parametrize(
    "test",
    [
        "test_a_commit_that_is_cancelled_is_done_or_not",
        "test_a_commit_that_is_cancelled_publishes_what_is_there",
        "test_a_commit_that_is_cancelled_enters_what_is_there",
    ],
)
def test_a_transaction_of_the_callers_may_end_with_a_unit_that_is_cancelled(test: str) -> None:
    """Where the store takes part in one that is all that is asked; a store's own transaction is no excuse (T5)."""
    for joined in (True, False):
        assert caught(AllContracts, test, EndingStore(joined=joined)) is not joined


class Detached(HostingStore):
    """Does the work in a task of its own that goes on when the host is cancelled."""

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Leave it behind."""
        await asyncio.sleep(0)
        self.task = asyncio.ensure_future(super().host(work))
        return await asyncio.shield(self.task)


class Forgetful(HostingStore):
    """Forgets the work where it is cancelled before it begins."""

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Keep it, for nobody."""
        await asyncio.sleep(0)
        return await super().host(work)


class Patient(HostingStore):
    """Waits for whatever the work awaits."""

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Await it."""
        return await work


class Wrapping(HostingStore):
    """Raises an exception of its own for that of the work."""

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Translate."""
        try:
            return await super().host(work)
        except BaseException as error:
            raise type(error)("translated") from error


class Silent(HostingStore):
    """Does the work and returns nothing."""

    async def host(self, work: Coroutine[Any, Any, T]) -> Any:
        """Drop the answer."""
        await super().host(work)


@pytest.mark.parametrize(
    ("store", "test"),
    [
        (Forgetful, "test_hosted_work_that_is_cancelled_has_ended"),
        (Detached, "test_hosted_work_that_is_cancelled_has_ended"),
        (Patient, "test_hosted_work_that_waits_is_misuse"),
        (Patient, "test_in_hosted_work_no_method_suspends"),
        (Wrapping, "test_what_hosted_work_raises_is_raised"),
        (Silent, "test_hosted_work_is_run_to_its_end"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine.*never awaited")  # that is the bug of one of them
def test_a_planted_bug_of_a_store_that_hosts_is_caught(store: Callable[[Any], HostingStore], test: str) -> None:
    """The test that names the promise is red for a store that breaks it, and green for the sound one (T4, T5)."""
    for make in (store, HostingStore):
        assert caught(HostingContract, test, make(MemoryStore())) is (make is store)


def caught(contract: type[Any], test: str, store: Any) -> bool:
    """Return whether a test of a contract is red for the store."""
    more = {"kind": ValueError} if "raises" in test else {}
    function = getattr(contract(), test)
    with Portal() as portal:
        given = {"async_store": store, "store": SynchronousStore(store, portal), "portal": portal, **more}
        wanted = function.__wrapped__.__code__.co_varnames[1 : function.__wrapped__.__code__.co_argcount]
        try:
            function(**{name: given[name] for name in wanted})
        except (AssertionError, MisuseError, pytest.fail.Exception):
            return True
    return False
