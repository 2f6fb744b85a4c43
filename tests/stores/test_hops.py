"""SQLite in threads: what hosted work may do, and what becomes of it where no loop runs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from threading import Thread
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
    guard,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from support.buses import ROOT, guarded
from support.cancelling import checked_out
from support.stores import hasty, sqlite_engine
from support.threading_loops import slow_fact, with_threads

ANY_THREAD = {"check_same_thread": False}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine for a file with the tables, that gives out at most three connections."""
    engine = hasty(sqlite_engine(tmp_path / "store.db", pool_size=2, max_overflow=1, pool_timeout=60))
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


CAREFUL = guarded(TASK, {"start": ("slow",)})
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
