"""The contract suites for asynchronous stores: the very same tests, through a portal, and what only they promise."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from casewright.application.async_ports import AsyncStore, AsyncUnitOfWork, Hosting
from casewright.application.hosting import drive
from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item
from casewright.errors import MisuseError
from casewright.testing.contracts.base import Contract, must_raise, needs, told
from casewright.testing.contracts.core import StoreContract
from casewright.testing.contracts.driving import NOTHING_THERE, Changes, all_of, annotated, created, kept, write
from casewright.testing.contracts.keeping import DenialLogContract, ErasureContract
from casewright.testing.contracts.listing import ListingContract
from casewright.testing.contracts.outbox import OutboxContract, outbox
from casewright.testing.portal import Portal, SynchronousStore

__all__ = [
    "AsyncContract",
    "AsyncDenialLogContract",
    "AsyncErasureContract",
    "AsyncListingContract",
    "AsyncOutboxContract",
    "AsyncStoreContract",
    "HostingContract",
]

_METHODS: Final[Mapping[str, Callable[[AsyncUnitOfWork], object]]] = {
    "items.get()": lambda uow: uow.items.get("a"),
    "record()": lambda uow: uow.record(),
    "history()": lambda uow: uow.history("a"),
    "notes()": lambda uow: uow.notes("a"),
    "commit()": lambda uow: uow.commit(),
    "rollback()": lambda uow: uow.rollback(),
}

_TURNS: Final = 12
"""After how many turns of the loop hosted work is cancelled, at most."""

_MOMENTS: Final = 48
"""At how many moments a unit is cancelled; where it takes fewer turns of the loop, after each of them."""

_UNDISTURBED: Final = "whole"
"""The id of the item of the unit that is not cancelled: it shows how many turns one takes."""


class AsyncContract(Contract):
    """What gives the tests of the plain contracts an asynchronous store: give the fixture ``async_store``."""

    @pytest.fixture
    def portal(self) -> Iterator[Portal]:
        """Give the loop on which the store is used. ``async_store`` may take it, to make on it what needs a loop."""
        with Portal() as portal:
            yield portal

    @pytest.fixture
    def store(self, async_store: AsyncStore, portal: Portal) -> Store:
        """Give the store as a plain one."""
        return SynchronousStore(async_store, portal)


@told
class AsyncStoreContract(AsyncContract, StoreContract):
    """What every asynchronous store promises: all of `StoreContract`, and that its tasks may be cancelled.

    A class that inherits it gives the fixture ``async_store``: an `AsyncStore`, new and empty for each test, its schema
    there. Where it must be made on an event loop, take the fixture ``portal`` and return ``portal.run(making())``. Each
    method of a unit is run in a task of its own.
    """

    def test_begin_gives_a_unit_whose_methods_are_awaited(self, async_store: AsyncStore, portal: Portal) -> None:
        """`begin` is no coroutine function, and each method of a unit is one, also where it has nothing to wait for."""

        async def ask() -> None:
            for name, method in _METHODS.items():
                async with async_store.begin(tenant=NO_TENANT) as uow:
                    answer = method(uow)
                    assert asyncio.iscoroutine(answer), f"{name} gives a {type(answer).__name__}, and no coroutine"
                    await answer

        portal.run(ask())

    def test_a_cancelled_task_leaves_nothing(self, async_store: AsyncStore, store: Store, portal: Portal) -> None:
        """A task that is cancelled inside the block ends cancelled and its unit with it; nothing is there (T4, T5)."""

        async def cancelled() -> None:
            entered = asyncio.Event()
            units: list[AsyncUnitOfWork] = []

            async def work() -> None:
                async with async_store.begin(tenant=NO_TENANT) as uow:
                    units.append(uow)
                    await uow.items.get("a", lock=True)
                    await uow.record(*created(TASK, "a"))
                    entered.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(work())
            await entered.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), "a task that was cancelled in the block did not end so"
            with pytest.raises(MisuseError):
                await units[0].commit()

        portal.run(cancelled())
        assert all_of(store, "a") == NOTHING_THERE
        write(store, *created(TASK, "a"))

    @needs("cancelling")
    def test_a_commit_that_is_cancelled_is_done_or_not(
        self, async_store: AsyncStore, store: Store, portal: Portal
    ) -> None:
        """Cancelled after any turn of the loop, a unit leaves all or nothing, and the store goes on (T1, T5)."""
        for number, turns in enumerate(portal.run(_moments(async_store))):
            changes = _two_items(f"{number}")
            seen = portal.run(_cancelled(async_store, changes, turns))
            if seen is None:
                return
            acknowledged, at_once = seen
            ids = [f"a{number}", f"b{number}"]
            found, whole = [all_of(store, item_id) for item_id in ids], [kept(changes, item_id) for item_id in ids]
            assert found in ([NOTHING_THERE] * 2, whole), "half of a unit is written"
            assert found == whole or not acknowledged, "what was acknowledged is not there"
            assert at_once == found[0][0], "a unit went on after its task had ended"
        write(store, *created(TASK, "a"))


async def _written(store: AsyncStore, *changes: Any) -> None:  # noqa: ANN401 - sealed changes
    async with store.begin(tenant=NO_TENANT) as uow:
        await uow.items.get("a")
        await uow.record(*changes)
        await uow.commit()


def _two_items(number: str) -> Changes:
    """Two new items, the first one with a note."""
    (opening,) = created(TASK, f"a{number}")
    return (opening, *annotated(opening.after, number), *created(TASK, f"b{number}"))


async def _moments(store: AsyncStore) -> Sequence[int]:
    """Return after how many turns to cancel: from the first one of a unit to the last, however many it takes."""
    (opening,) = created(TASK, _UNDISTURBED)
    task = asyncio.create_task(_written(store, opening, *annotated(opening.after, _UNDISTURBED)))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    await task
    whole = turns + _MOMENTS // 4  # two items may take more of them than one
    return range(whole) if whole <= _MOMENTS else [whole * place // _MOMENTS for place in range(_MOMENTS)]


async def _cancelled(store: AsyncStore, changes: Changes, turns: int) -> tuple[bool, Item | None] | None:
    """Write the changes in a task that is cancelled after so many turns.

    Returns:
        Whether it had been done by then, and the first item as it is found as soon as the task has ended; None where a
        transaction of the caller's has ended with it, and all that was in it.
    """
    task = asyncio.create_task(_written(store, *changes))
    for _ in range(turns):
        await asyncio.sleep(0)
    asked = task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() is asked, "a task that was cancelled while it wrote did not end so"
    try:
        async with store.begin(tenant=NO_TENANT, write=False) as uow:
            return not asked, await uow.items.get(changes[0].after.id)
    except MisuseError:
        if getattr(store, "joined", False):
            return None
        raise


class AsyncListingContract(AsyncContract, ListingContract):
    """What an asynchronous store promises whose units are an `AsyncListing`: all of `ListingContract`."""


class AsyncErasureContract(AsyncContract, ErasureContract):
    """What an asynchronous store promises that is an `AsyncErasure`: all of `ErasureContract`."""


class AsyncDenialLogContract(AsyncContract, DenialLogContract):
    """What an asynchronous store promises that is an `AsyncDenialLog`: all of `DenialLogContract`."""


@told
class AsyncOutboxContract(AsyncContract, OutboxContract):
    """What an asynchronous store promises whose units are an `AsyncOutbox`: all of `OutboxContract`, also cancelled."""

    def test_a_commit_that_is_cancelled_publishes_what_is_there(
        self, async_store: AsyncStore, store: Store, portal: Portal
    ) -> None:
        """Cancelled after any turn of the loop, a unit leaves a pointer to each event that is there (O1, T1, T5)."""
        expected: list[tuple[str, int]] = []
        for number, turns in enumerate(portal.run(_moments(async_store))):
            changes = _two_items(f"{number}")
            if portal.run(_cancelled(async_store, changes, turns)) is None:
                return
            events = [event for item_id in ("a", "b") for event in all_of(store, f"{item_id}{number}")[1]]
            expected += [(event.item_id, event.version) for event in events]
            with store.begin(tenant=NO_TENANT, write=False) as uow:
                pending = outbox(uow).pending(limit=1000)
            found = [(one.item_id, one.version) for one in pending if one.item_id != _UNDISTURBED]
            assert found == sorted(expected), "events and pointers differ"


@told
class HostingContract(AsyncContract):
    """What a store promises that is `Hosting`. Give the fixture ``async_store``, as for `AsyncStoreContract`."""

    def test_hosted_work_is_run_to_its_end(self, async_store: AsyncStore, store: Store, portal: Portal) -> None:
        """`host` returns what the work returns, and what the work has committed is there."""
        changes = created(TASK, "a")

        async def work() -> str:
            await _written(async_store, *changes)
            return "done"

        assert portal.run(_hosting(async_store).host(work())) == "done"
        assert all_of(store, "a") == kept(changes)

    @pytest.mark.parametrize("kind", [Exception, KeyboardInterrupt, SystemExit])
    def test_what_hosted_work_raises_is_raised(
        self, async_store: AsyncStore, store: Store, portal: Portal, kind: type[BaseException]
    ) -> None:
        """`host` raises the very object that led out of the unit's block, and nothing is there (T4)."""
        raised = kind("on the way")

        async def work() -> None:
            async with async_store.begin(tenant=NO_TENANT) as uow:
                await uow.record(*created(TASK, "a"))
                raise raised

        with pytest.raises(kind) as caught:
            portal.run(_hosting(async_store).host(work()))
        assert caught.value is raised, "the exception is not the one that led out of the block"
        assert all_of(store, "a") == NOTHING_THERE

    def test_in_hosted_work_no_method_suspends(self, async_store: AsyncStore, portal: Portal) -> None:
        """Whatever a unit is asked there, it answers in one go, so that work may be driven where no loop runs."""

        async def work() -> None:
            for name, method in _METHODS.items():
                async with async_store.begin(tenant=NO_TENANT) as uow:
                    answer: Any = method(uow)
                    try:
                        drive(answer)
                    except MisuseError as error:
                        raise AssertionError(f"{name} suspends in hosted work") from error

        portal.run(_hosting(async_store).host(work()))

    def test_hosted_work_that_waits_is_misuse(self, async_store: AsyncStore, store: Store, portal: Portal) -> None:
        """Work that awaits something else is a MisuseError; its unit is rolled back, and the store goes on (T4)."""

        async def work() -> None:
            async with async_store.begin(tenant=NO_TENANT) as uow:
                await uow.record(*created(TASK, "a"))
                await asyncio.sleep(0)
                await uow.commit()

        must_raise(MisuseError, lambda: portal.run(_hosting(async_store).host(work())), "host() of work that waits")
        assert all_of(store, "a") == NOTHING_THERE
        write(store, *created(TASK, "a"))

    @needs("cancelling")
    def test_hosted_work_that_is_cancelled_has_ended(
        self, async_store: AsyncStore, store: Store, portal: Portal
    ) -> None:
        """Cancelled after any turn of the loop, `host` leaves no work behind: it is done or was never begun (T5)."""
        for turns in range(_TURNS):
            (change,) = created(TASK, f"a{turns}")
            work = _written(async_store, change)

            async def cancelled(turns: int = turns, work: Coroutine[Any, Any, None] = work) -> None:
                task = asyncio.create_task(_hosting(async_store).host(work))
                for _ in range(turns + 1):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])

            portal.run(cancelled())
            assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED, "the work is neither done nor closed"
            assert all_of(store, change.after.id) in (NOTHING_THERE, kept([change])), "half of a unit is written"


def _hosting(store: AsyncStore) -> Hosting:
    assert isinstance(store, Hosting), "a store that can host has host()"
    return store
