"""SQLite in threads, where tasks outnumber threads: nobody hangs, all are served in turn, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from casewright import (
    TASK,
    AsyncCommandBus,
    CreateTask,
    Edit,
    StartTask,
    TaskFilter,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.domain.items import Item
from support.buses import ROOT, guarded
from support.cancelling import checked_out
from support.stores import hasty, sqlite_engine
from support.threading_loops import slow_fact, until, with_threads


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine for a file with the tables, that gives out at most three connections."""
    engine = hasty(sqlite_engine(tmp_path / "store.db", pool_size=2, max_overflow=1, pool_timeout=60))
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


CAREFUL = guarded(TASK, {"start": ("slow",)})


@pytest.mark.parametrize("threads", [1, 2])
def test_tasks_that_outnumber_threads_never_hang(engine: Engine, threads: int) -> None:
    """40 tasks whose commands take many hops, and 40 that take one, are all done with one or two threads (L4)."""

    async def main() -> list[int]:
        store = AsyncSqlAlchemyStore(engine)
        slow = AsyncCommandBus(store, [CAREFUL], facts={"slow": slow_fact}, max_attempts=1)
        quick = AsyncCommandBus(store, [CAREFUL], max_attempts=1)
        await asyncio.gather(*[quick.execute(CreateTask("t", id=f"t{n}"), by=ROOT) for n in range(80)])
        begun: list[Coroutine[Any, Any, Item]] = [slow.execute(StartTask(f"t{n}"), by=ROOT) for n in range(40)]
        begun += [quick.execute(Edit(f"t{n}", title="u"), by=ROOT) for n in range(40, 80)]
        return [item.version for item in await asyncio.gather(*begun)]

    assert with_threads(threads, main) == [2] * 80
    assert checked_out(engine) == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_readers_that_outnumber_connections_never_hang(engine: Engine, threads: int) -> None:
    """40 questions that take many hops share three connections and few threads: they wait on the loop, not in them."""

    async def main() -> int:
        bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), [CAREFUL], facts={"slow": slow_fact})
        await bus.execute(CreateTask("t", id="t0"), by=ROOT)
        return len(await asyncio.gather(*[bus.actions("t0", by=ROOT) for _ in range(40)]))

    assert with_threads(threads, main) == 40
    assert checked_out(engine) == 0


def test_who_comes_first_is_served_first(engine: Engine) -> None:
    """Tasks that write are served in the order in which they came, hosted or not (L4)."""

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        buses = [AsyncCommandBus(store, [TASK]), AsyncCommandBus(store, [TASK], facts={"unused": slow_fact})]
        await buses[0].count(TaskFilter(), by=ROOT)
        work = [buses[number % 2].execute(CreateTask("t", id=f"t{number}"), by=ROOT) for number in range(20)]
        await asyncio.gather(*work)

    asyncio.run(main())
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM casewright_item ORDER BY rowid").scalars().all()
    assert rows == [f"t{number}" for number in range(20)]


async def _held(store: AsyncSqlAlchemyStore, open: asyncio.Event, close: asyncio.Event) -> None:
    async with store.begin(tenant="") as uow:
        await uow.items.get("t0")
        open.set()
        await close.wait()


@pytest.mark.parametrize("one_hop", [True, False])
def test_a_task_that_waits_for_another_one_ends_at_once_when_cancelled(engine: Engine, one_hop: bool) -> None:
    """A command that is cancelled while another task writes ends at once, and the next one has its turn (T5)."""

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        bus = AsyncCommandBus(store, [TASK], facts={} if one_hop else {"unused": slow_fact})
        open, close = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(_held(store, open, close))
        await open.wait()
        waiting = [asyncio.create_task(bus.execute(CreateTask("t", id=f"t{n}"), by=ROOT)) for n in range(3)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await bus.execute(CreateTask("t", id="never"), by=ROOT)
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
        assert waiting[1].cancelled()
        close.set()
        await holder
        waiting[0].cancel()  # it has been given its turn, and passes it on
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [one.cancelled() for one in waiting] == [True, True, False]
        assert await bus.count(TaskFilter(), by=ROOT) == 1

    asyncio.run(main())
    assert checked_out(engine) == 0


def test_a_unit_that_is_not_ended_is_told_of(engine: Engine) -> None:
    """Who waits for a unit that nobody ends is told after the busy timeout, and is no error once it was forgotten."""

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine, busy_timeout=timedelta(milliseconds=30))
        bus = AsyncCommandBus(store, [TASK], max_attempts=1)
        left = store.begin(tenant="")
        await left.items.get("t0")
        for _ in range(2):
            with pytest.raises(TransientStorageError, match="another task"):
                await bus.execute(CreateTask("t"), by=ROOT)
        del left
        gc.collect()
        await asyncio.sleep(0)
        await bus.execute(CreateTask("t"), by=ROOT)

    asyncio.run(main())
    gc.collect()


def test_a_unit_forgotten_after_its_loop_has_closed_is_no_trouble(engine: Engine) -> None:
    """A unit that outlives its loop gives its connection back, and says nothing."""

    async def main() -> Any:
        left = AsyncSqlAlchemyStore(engine).begin(tenant="")
        await left.items.get("t0")
        return left

    left = asyncio.run(main())
    assert checked_out(engine) == 1
    del left
    gc.collect()
    assert checked_out(engine) == 0


def test_a_unit_ended_where_no_loop_runs_gives_its_connection_back(engine: Engine) -> None:
    """A block that is left when its loop has gone, as by the garbage collector, is rolled back all the same (T4)."""

    async def work() -> None:
        async with AsyncSqlAlchemyStore(engine).begin(tenant="") as uow:
            await uow.items.get("t0")
            opened.set()
            await asyncio.get_running_loop().create_future()

    loop, opened = asyncio.new_event_loop(), asyncio.Event()
    task = loop.create_task(work())
    loop.run_until_complete(opened.wait())
    loop.run_until_complete(loop.shutdown_default_executor())
    assert checked_out(engine) == 1
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    assert task.cancelled()
    assert checked_out(engine) == 0


def test_a_roll_back_that_never_began_is_not_dropped(engine: Engine) -> None:
    """Cancelled again while it waits for a thread to roll back in, a unit gives its connection back (T5)."""
    free = Event()

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        await store.ping()
        loop = asyncio.get_running_loop()
        open = asyncio.Event()
        task = asyncio.create_task(_held(store, open, asyncio.Event()))
        await open.wait()
        blocked = loop.run_in_executor(None, free.wait)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        free.set()
        await asyncio.wait([task])
        await blocked
        assert task.cancelled()
        assert checked_out(engine) == 0
        await AsyncCommandBus(store, [TASK]).execute(CreateTask("t"), by=ROOT)

    with_threads(1, main)


@pytest.mark.parametrize("one_hop", [True, False])
def test_a_command_that_never_began_is_dropped(engine: Engine, one_hop: bool) -> None:
    """Cancelled while it waits for a thread, a command ends at once and is never done (T5)."""
    free = Event()

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        bus = AsyncCommandBus(store, [TASK], facts={} if one_hop else {"unused": slow_fact})
        await store.ping()
        blocked = asyncio.get_running_loop().run_in_executor(None, free.wait)
        task = asyncio.create_task(bus.execute(CreateTask("t"), by=ROOT))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        free.set()
        await blocked
        assert await bus.count(TaskFilter(), by=ROOT) == 0

    with_threads(1, main)
    assert checked_out(engine) == 0


def test_a_command_that_waits_for_another_process_ends_cancelled(engine: Engine) -> None:
    """Cancelled while its thread waits in BEGIN IMMEDIATE, a command ends cancelled when the wait is over (T5)."""

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine, busy_timeout=timedelta(milliseconds=80))
        bus = AsyncCommandBus(store, [TASK])
        await store.ping()
        with engine.connect() as somebody:
            somebody.exec_driver_sql("BEGIN IMMEDIATE")
            task = asyncio.create_task(bus.execute(CreateTask("t"), by=ROOT))
            await until(lambda: checked_out(engine) == 2)
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([task])
        assert task.cancelled()
        assert checked_out(engine) == 0
        await bus.execute(CreateTask("t"), by=ROOT)
        assert await bus.count(TaskFilter(), by=ROOT) == 1

    asyncio.run(main())
