"""64 tasks of one event loop, on each driver: no update is lost, rules over two items hold, actors are right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright import (
    Actor,
    AsyncCommandBus,
    CasewrightError,
    CloseCase,
    CreateTask,
    Edit,
    OpenCase,
    RefusedError,
    Report,
    StaleVersionError,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore
from casewright.testing.portal import Portal
from support.buses import DEFINITIONS, ROOT
from support.cancelling import asked, check_pool, half_written
from support.stores import hasty, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

TASKS: Final = 64


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


@pytest.fixture(scope="module", params=["psycopg", "asyncpg", "sqlite"])
def engine(
    request: pytest.FixtureRequest, portal: Portal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AsyncEngine | Engine]:
    """Yield an engine for each driver, with the tables."""
    if request.param == "sqlite":
        file = hasty(sqlite_engine(tmp_path_factory.mktemp("tasks") / "store.db"))
        portal.run(AsyncSqlAlchemyStore(file).create_schema())
        yield file
        file.dispose()
        return
    made = create_async_engine(
        request.getfixturevalue("postgres_database").set(drivername=f"postgresql+{request.param}")
    )
    portal.run(AsyncSqlAlchemyStore(made).create_schema())
    yield made
    portal.run(made.dispose())


def of(tenant: str, name: str = "root") -> Actor:
    """Return an administrator."""
    return Actor(name, roles=ROOT.roles, tenant=tenant)


@pytest.mark.parametrize("times", [3, pytest.param(60, marks=pytest.mark.large)])
def test_no_update_of_64_tasks_is_lost(engine: AsyncEngine | Engine, portal: Portal, times: int) -> None:
    """The final version counts the acknowledged commands, in one chain; nobody tries more than five times (L1, L4)."""
    by = of(f"lost {engine.driver} {times}")
    reports: list[Report] = []
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS, observers=[reports.append])

    async def edit(number: int) -> int:
        done = 0
        for turn in range(times):
            try:
                await bus.execute(Edit("c", title=f"{number}.{turn}"), by=by)
            except StaleVersionError:
                continue
            done += 1
        return done

    async def race() -> None:
        await bus.execute(OpenCase("c", id="c"), by=by)
        done = sum(await asyncio.gather(*map(edit, range(TASKS))))
        events = await bus.history("c", by=by)
        assert (await bus.get("c", by=by)).version == len(events) == done + 1
        assert await bus.verify("c", by=by) == ()
        attempts = [report.attempts for report in reports]
        assert max(attempts) <= 5
        assert sum(attempts) / len(attempts) <= 2.1
        assert done == TASKS * times
        await check_pool(engine)

    portal.run(race())


@pytest.mark.parametrize("cases", [20, pytest.param(400, marks=pytest.mark.large)])
def test_64_tasks_leave_no_closed_case_with_an_open_task(
    engine: AsyncEngine | Engine, portal: Portal, cases: int
) -> None:
    """Half of the tasks close cases, half open a task in each: no closed case has an open one (L2)."""
    by = of(f"rules {engine.driver} {cases}")
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)
    codes = set[str]()

    async def act(number: int) -> None:
        for case in range(number // 8, cases, 8):
            try:
                if number % 2:
                    await bus.execute(CloseCase(f"c{case}", "r"), by=by)
                else:
                    await bus.execute(CreateTask("t", id=f"c{case}.{number}", case_id=f"c{case}"), by=by)
            except RefusedError as error:
                codes.update(reason.code for reason in error.reasons)
            except CasewrightError as error:
                codes.add(error.code)

    async def race() -> None:
        made = [OpenCase("c", id=f"c{number}", status="UNDER_REVIEW", reason="r") for number in range(cases)]
        await asyncio.gather(*[bus.execute(command, by=by) for command in made])
        await asyncio.gather(*map(act, range(TASKS)))
        assert await half_written(engine, by.tenant) == []
        assert codes  # on each case the two sides have met
        assert codes <= {"open_tasks", "case_closed", "wrong_state", "stale_version"}
        await check_pool(engine)

    portal.run(race())


WHO: ContextVar[str] = ContextVar("who")


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.large)])
def test_the_actor_is_the_one_that_was_passed(engine: AsyncEngine | Engine, portal: Portal, times: int) -> None:
    """64 tasks run commands as 64 people on one bus, and each event names the one who ran it (H3)."""
    tenant = f"actors {engine.driver} {times}"
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)

    async def act(number: int) -> None:
        WHO.set(f"p{number}")
        by = of(tenant, f"p{number}")
        await bus.execute(CreateTask("t", id=f"t{number}"), by=by)
        for turn in range(times - 1):
            await bus.execute(Edit(f"t{number}", title=f"{turn}"), by=by)
            assert WHO.get() == f"p{number}"

    async def race() -> None:
        await asyncio.gather(*map(act, range(TASKS)))
        sql = """
            SELECT count(*), sum(CASE WHEN actor_id = replace(item_id, 't', 'p') THEN 0 ELSE 1 END)
            FROM casewright_event WHERE tenant = :tenant
        """
        ((events, wrong),) = await asked(engine, sql, tenant)
        assert (events, wrong) == (TASKS * times, 0)

    portal.run(race())


@pytest.mark.parametrize("turns", range(0, 40, 4))
def test_a_group_of_20_commands_is_cancelled_as_one(engine: AsyncEngine | Engine, portal: Portal, turns: int) -> None:
    """Where one task of a group fails, its commands are cancelled wherever they are: each is done or not (T1, T5)."""
    by = of(f"group {engine.driver} {turns}")
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)

    async def fail() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        raise LookupError

    async def race() -> None:
        await bus.execute(OpenCase("c", id="c"), by=by)
        with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - the group is what raises
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                for number in range(20):
                    group.create_task(bus.execute(CreateTask("t", id=f"t{number}", case_id="c"), by=by))
        assert caught.group_contains(LookupError)
        assert await half_written(engine, by.tenant) == []
        await check_pool(engine)

    portal.run(race())


@pytest.mark.parametrize("number", range(8))
def test_a_time_limit_around_a_command_leaks_nothing(engine: AsyncEngine | Engine, portal: Portal, number: int) -> None:
    """A command whose time is up raises TimeoutError, is done or not, and the next one works (T5)."""
    by = of(f"limit {engine.driver} {number}")
    bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)

    async def limited() -> Any:
        try:
            async with asyncio.timeout(number / 2000):
                return await bus.execute(OpenCase("c", id="c"), by=by)
        except TimeoutError:
            return None

    async def race() -> None:
        await limited()
        assert await half_written(engine, by.tenant) == []
        await bus.execute(OpenCase("d", id="d"), by=by)
        await check_pool(engine)

    portal.run(race())
