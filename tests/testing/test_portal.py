"""The portal, and an asynchronous store as a plain one."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from asyncio import CancelledError
from typing import Any, Self

import pytest

from casewright import Listing, MisuseError, Outbox
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.memory.async_store import AsyncMemoryUnitOfWork
from casewright.domain.ids import NO_TENANT
from casewright.testing.portal import Portal, SynchronousStore
from support.async_buses import AwaitedStore


async def where() -> tuple[threading.Thread, asyncio.AbstractEventLoop]:
    """Return where this runs."""
    return threading.current_thread(), asyncio.get_running_loop()


def test_all_that_is_run_runs_on_one_loop_in_a_thread_of_its_own() -> None:
    """What one coroutine makes, the next one can use: they share a loop, which is not the caller's."""
    with Portal() as portal:
        first, second = portal.run(where()), portal.run(where())
        assert first == second
        assert first[0] is not threading.current_thread()
        assert first[0].is_alive()
    assert not first[0].is_alive()
    assert first[1].is_closed()


@pytest.mark.parametrize(
    "kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError, TimeoutError]
)
def test_what_is_raised_there_is_raised_here(kind: type[BaseException]) -> None:
    """The very object comes out, whatever it is, and the loop goes on (T4)."""
    raised = kind("there")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise raised

    with Portal() as portal:
        with pytest.raises(kind) as caught:
            portal.run(fails())
        assert caught.value is raised
        assert portal.run(where())[1].is_running()


def waits(thread: threading.Thread) -> bool:
    """Return whether the thread is in a call that waits for the result of a future."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code.co_name != "result":
        frame = frame.f_back
    return frame is not None


def test_who_is_interrupted_while_waiting_cancels_the_work() -> None:
    """A KeyboardInterrupt that falls into the wait comes out of it, and the task ends cancelled."""
    ended = threading.Event()

    async def forever() -> None:
        try:
            while not waits(threading.main_thread()):  # noqa: ASYNC110 - it tells nobody when it begins to
                await asyncio.sleep(0)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.set()

    with Portal() as portal:
        with pytest.raises(KeyboardInterrupt):
            portal.run(forever())
        assert ended.wait(60)


def test_a_portal_that_closes_cancels_what_is_left() -> None:
    """A task that was left on the loop has ended once the block is left."""
    seen: list[BaseException] = []
    tasks: list[asyncio.Task[None]] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        except CancelledError as error:
            seen.append(error)
            raise

    async def leave_behind() -> None:
        tasks.append(asyncio.create_task(forever()))
        await asyncio.sleep(0)

    with Portal() as portal:
        portal.run(leave_behind())
    assert len(seen) == 1
    assert tasks[0].cancelled()


def test_a_portal_that_is_not_open_or_would_wait_for_itself_is_misuse() -> None:
    """Both are a MisuseError that says what to do, and the coroutine is closed."""
    portal = Portal()
    with pytest.raises(MisuseError, match="not open"):
        portal.run(where())

    async def nested() -> object:
        return portal.run(where())

    with portal, pytest.raises(MisuseError, match="wait for itself"):
        portal.run(nested())
    with pytest.raises(MisuseError, match="not open"):
        portal.run(where())
    portal.__exit__(None, None, None)


def test_a_plain_view_has_the_protocols_of_the_unit() -> None:
    """A bus asks a unit what it is: one that lists is a Listing and an Outbox, another one is neither."""
    with Portal() as portal:
        whole = SynchronousStore(AsyncMemoryStore(), portal).begin(tenant=NO_TENANT)
        assert isinstance(whole, Listing)
        assert isinstance(whole, Outbox)
        assert (whole.terms, whole.orders) == (AsyncMemoryUnitOfWork.terms, AsyncMemoryUnitOfWork.orders)
        listing = SynchronousStore(AwaitedStore(MemoryStore()), portal).begin(tenant=NO_TENANT)
        assert isinstance(listing, Listing)
        assert not isinstance(listing, Outbox)


class Another(AsyncMemoryStore):
    """A store whose units enter their block as another one."""

    def begin(self, *, tenant: str, write: bool = True) -> AsyncMemoryUnitOfWork:
        """Return such a unit."""
        return _EntersAsAnother(self.store, tenant, write=write)


class _EntersAsAnother(AsyncMemoryUnitOfWork):
    async def __aenter__(self) -> Self:
        return type(self)(self._store, self.tenant, write=self._write)


def test_a_plain_view_enters_as_what_the_unit_enters_as() -> None:
    """A unit that is another one in its block is so through a portal too, where the contract finds it."""
    with Portal() as portal:
        unit: Any = SynchronousStore(Another(), portal).begin(tenant=NO_TENANT)
        with unit as entered:
            assert entered is not unit
            assert entered.items.get("a") is None


def test_the_store_behind_a_plain_one_can_be_had() -> None:
    """An oracle of an asynchronous contract is given the plain store, and finds in ``inner`` the one that it knows."""
    store = AsyncMemoryStore()
    with Portal() as portal:
        assert SynchronousStore(store, portal).inner is store
