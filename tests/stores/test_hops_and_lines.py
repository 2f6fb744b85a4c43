"""SQLite in threads, where tasks outnumber threads: nobody hangs, all are served in turn, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, StaticPool

from casewright import (
    TASK,
    AsyncCommandBus,
    AsyncUnitOfWork,
    CreateTask,
    Edit,
    MisuseError,
    StartTask,
    StorageError,
    TaskFilter,
    TransientStorageError,
    guard,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.domain.items import Item
from support.buses import ROOT, guarded
from support.cancelling import checked_out
from support.stores import hasty, sqlite_engine

ANY_THREAD = {"check_same_thread": False}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine for a file with the tables, that gives out at most three connections."""
    engine = hasty(sqlite_engine(tmp_path / "store.db", pool_size=2, max_overflow=1, pool_timeout=60))
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


def with_threads(number: int, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a program on a loop that has so many threads."""

    async def run() -> Any:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(number))
        return await main()

    return asyncio.run(run())


async def until(so: Callable[[], bool]) -> None:
    """Let others go on until it is so."""
    while not so():  # noqa: ASYNC110 - a thread does it, which tells nobody
        await asyncio.sleep(0)


async def slow_fact(uow: AsyncUnitOfWork, item: Any) -> bool:
    """Find out something that takes a hop and a few turns."""
    await uow.items.get("t0")
    await asyncio.sleep(0)
    return True


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


REQUEST: ContextVar[str] = ContextVar("request", default="none")


@pytest.mark.parametrize("one_hop", [True, False])
def test_what_the_work_looks_up_is_of_its_task(engine: Engine, one_hop: bool) -> None:
    """Context variables have in a thread the value that they have in the task, and can be reset where they were set."""
    seen: list[str] = []

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)

        async def work() -> None:
            token = REQUEST.set("inner")
            async with store.begin(tenant="") as uow:
                await uow.items.get("t0")
                seen.append(REQUEST.get())
            REQUEST.reset(token)

        REQUEST.set("outer")
        await (store.host(work()) if one_hop else work())
        seen.append(REQUEST.get())
        await store.host(_looked_up(store, seen))

    asyncio.run(main())
    assert seen == ["inner", "outer", "outer"]


async def _looked_up(store: AsyncSqlAlchemyStore, seen: list[str]) -> None:
    async with store.begin(tenant="", write=False) as uow:
        await uow.items.get("t0")
        seen.append(REQUEST.get())


def test_hosted_work_may_host(engine: Engine) -> None:
    """Work that hosts other work does it in the same hop."""

    async def main() -> int:
        store = AsyncSqlAlchemyStore(engine)
        bus = AsyncCommandBus(store, [TASK])

        async def work() -> int:
            await bus.execute(CreateTask("t"), by=ROOT)
            await store.ping()
            await bus.execute(CreateTask("t"), by=ROOT)
            return await bus.count(TaskFilter(), by=ROOT)

        return await store.host(work())

    assert asyncio.run(main()) == 2


def test_hosted_work_that_asks_nothing_takes_no_hop(engine: Engine) -> None:
    """What needs no thread is done without one, and what it raises is raised."""

    async def answered() -> int:
        return 3

    async def raising() -> None:
        raise LookupError

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        assert await store.host(answered()) == 3
        with pytest.raises(LookupError):
            await store.host(raising())
        with pytest.raises(MisuseError, match="turn of the event loop"):
            await store.host(asyncio.sleep(0))

    asyncio.run(main())


def test_hosted_work_may_begin_with_something_else_than_a_unit(engine: Engine) -> None:
    """Work that asks the store before it enters a unit's block goes on in a thread, too."""

    async def main() -> frozenset[str]:
        store = AsyncSqlAlchemyStore(engine)
        return await store.host(store.present_tables())

    assert "casewright_item" in asyncio.run(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, StopIteration])
@pytest.mark.parametrize("plain", [True, False])
def test_whatever_a_provider_raises_leaves_nothing(engine: Engine, kind: type[BaseException], plain: bool) -> None:
    """Whatever a provider of facts raises leads out, nothing is written, and the connection goes back (T4)."""
    raised = kind("planted")

    def provider(uow: AsyncUnitOfWork, item: Any) -> object:
        raise raised

    async def async_provider(uow: AsyncUnitOfWork, item: Any) -> object:
        raise raised

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        bus = AsyncCommandBus(store, [CAREFUL], facts={"slow": provider if plain else async_provider})
        await bus.execute(CreateTask("t", id="t"), by=ROOT)
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - it is looked at
            await bus.execute(StartTask("t"), by=ROOT)
        found = caught.value
        assert (found.__cause__ if kind is StopIteration else found) is raised  # no coroutine can raise that one
        assert checked_out(engine) == 0
        assert (await bus.execute(Edit("t", title="u"), by=ROOT)).version == 2

    asyncio.run(main())


def test_two_loops_share_one_store(engine: Engine) -> None:
    """Tasks on two event loops, in two threads, may use one store: no update is lost (L1)."""
    store = AsyncSqlAlchemyStore(engine)
    bus = AsyncCommandBus(store, [TASK])

    async def edit(loop: int) -> None:
        await asyncio.gather(*[bus.execute(Edit("t", title=f"{loop}.{n}"), by=ROOT) for n in range(20)])

    asyncio.run(bus.execute(CreateTask("t", id="t"), by=ROOT))
    loops = [Thread(target=lambda number=number: asyncio.run(edit(number))) for number in range(2)]
    for one in loops:
        one.start()
    for one in loops:
        one.join()
    assert asyncio.run(bus.get("t", by=ROOT)).version == 41
    assert checked_out(engine) == 0


def test_without_a_loop_nothing_is_left(engine: Engine) -> None:
    """Where no event loop runs, a command raises RuntimeError and leaves nothing behind."""
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), [TASK])
    work = bus.execute(CreateTask("t"), by=ROOT)
    with pytest.raises(RuntimeError, match="no running event loop"):
        work.send(None)
    assert checked_out(engine) == 0


@pytest.mark.parametrize("pool", [StaticPool, NullPool])
def test_each_pool_is_served(tmp_path: Path, pool: Any) -> None:
    """A memory database with its one connection serves many tasks, and so does a pool that keeps none (L4)."""
    engine = sqlite_engine("" if pool is StaticPool else tmp_path / "store.db", poolclass=pool, connect_args=ANY_THREAD)

    async def main() -> list[int]:
        store = AsyncSqlAlchemyStore(engine)
        await store.create_schema()
        slow = AsyncCommandBus(store, [CAREFUL], facts={"slow": slow_fact}, max_attempts=1)
        quick = AsyncCommandBus(store, [CAREFUL], max_attempts=1)
        await quick.execute_many([CreateTask("t", id=f"t{n}") for n in range(20)], by=ROOT)
        work = [slow.execute(StartTask(f"t{n}"), by=ROOT) for n in range(20)]
        reads = [quick.get(f"t{n}", by=ROOT) for n in range(20)]
        return [item.version for item in await asyncio.gather(*work, *reads)]

    found = with_threads(2, main)
    assert found[:20] == [2] * 20
    engine.dispose()


def test_a_pool_with_a_connection_for_each_thread_is_refused() -> None:
    """An engine for a memory database that each thread would have for itself is refused, and the cure is named."""
    engine = sqlite_engine("")
    with pytest.raises(MisuseError, match="poolclass=StaticPool"):
        AsyncSqlAlchemyStore(engine)
    engine.dispose()


def test_a_broken_guard_in_a_thread_is_told_the_same(engine: Engine) -> None:
    """An error of the store's in a thread is the error that is raised where it is awaited."""
    broken = guard(lambda item, inputs, facts, at: True, code="x", text="x")

    async def main() -> None:
        store = AsyncSqlAlchemyStore(engine)
        bus = AsyncCommandBus(store, [TASK.with_guards({"start": broken})])
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE casewright_note RENAME TO gone")
        with pytest.raises(StorageError, match="create_schema"):
            await bus.execute(CreateTask("t"), by=ROOT)

    asyncio.run(main())
    assert checked_out(engine) == 0
