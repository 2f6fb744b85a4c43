"""Asynchronous commands cancelled at each of their awaits, on real drivers: nothing leaks, nothing is half-written."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright import Actor, AsyncCommandBus
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore
from casewright.testing.portal import Portal
from support.buses import DEFINITIONS
from support.cancelling import (
    SCENARIOS,
    AsyncScenario,
    Cancelled,
    check_pool,
    checked_out,
    ended,
    events_of,
    half_written,
)
from support.stores import hasty, sqlite_engine

ROOM: dict[str, Any] = {"pool_size": 2, "max_overflow": 1, "pool_timeout": 5}
TENANTS = count()


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


class Bench:
    """An engine with few connections, and a bus on it.

    Args:
        engine: The engine.
        portal: Its loop.
        hosting: Whether a command is one hop; else each call of a unit is one.
    """

    def __init__(self, engine: AsyncEngine | Engine, portal: Portal, *, hosting: bool) -> None:
        """Make the tables."""
        self.engine = engine
        self.portal = portal
        self._facts = {} if hosting else {"unused": lambda uow, item: None}  # with facts nothing is hosted
        self.bus = self.new_bus()
        portal.run(AsyncSqlAlchemyStore(engine).create_schema())

    def new_bus(self) -> AsyncCommandBus:
        """Return a bus on a store that was not used."""
        return AsyncCommandBus(AsyncSqlAlchemyStore(self.engine), DEFINITIONS, facts=self._facts)

    async def close_connections(self) -> None:
        """Empty the pool, so that the next command connects."""
        if isinstance(self.engine, Engine):
            self.engine.dispose()
        else:
            await self.engine.dispose()

    async def given(self, scenario: AsyncScenario) -> Actor:
        """Return somebody of a new tenant, for whom all is as the scenario wants it."""
        by = Actor("root", roles=["admin"], tenant=f"t{next(TENANTS)}")
        for command in scenario.given:
            await self.bus.execute(command, by=by)
        return by

    async def awaits(self, scenario: AsyncScenario, *, cold: bool) -> int:
        """Return how many awaits there are."""
        how = Cancelled(None)
        by = await self.given(scenario)
        if cold:
            await self.close_connections()
        assert await ended(how, scenario.work(self.new_bus() if cold else self.bus, by)) is None
        return how.awaits

    async def examine(self, scenario: AsyncScenario, how: Cancelled, *, cold: bool = False) -> BaseException | None:
        """Cancel it so, and look at all that was promised."""
        by = await self.given(scenario)
        before = await events_of(self.engine, by.tenant)
        if cold:
            await self.close_connections()
        error = await ended(how, scenario.work(self.new_bus() if cold else self.bus, by))
        assert error is None or isinstance(error, asyncio.CancelledError), repr(error)
        made = await events_of(self.engine, by.tenant) - before
        assert made in ((scenario.events,) if error is None else (0, scenario.events)), how
        assert await half_written(self.engine, by.tenant) == []
        assert checked_out(self.engine) == 0, how
        if made == 0:
            await scenario.work(self.bus, by)
            assert await events_of(self.engine, by.tenant) - before == scenario.events
        return error

    async def over(self, scenario: AsyncScenario, hows: Callable[[int], Iterator[Cancelled]], *, cold: bool) -> None:
        """Cancel it in all these ways."""
        awaits = await self.awaits(scenario, cold=cold)
        found = [await self.examine(scenario, how, cold=cold) for how in hows(awaits)]
        assert any(isinstance(one, asyncio.CancelledError) for one in found)
        gc.collect()  # what is left alone warns of it, and warnings are errors
        await check_pool(self.engine)


WAYS = [
    pytest.param(
        (driver, hosting),
        id=f"{driver}, {'one hop' if hosting else 'many hops'}",
        marks=[pytest.mark.large] if driver == "psycopg" else [],  # it reaches no line that asyncpg does not
    )
    for driver in ("psycopg", "asyncpg", "sqlite")
    for hosting in (True, False)
]


@pytest.fixture(scope="module", params=WAYS)
def bench(request: pytest.FixtureRequest, portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Yield a bench on each driver."""
    driver, hosting = request.param
    if driver == "sqlite":
        file = hasty(sqlite_engine(tmp_path_factory.mktemp("cancelled") / "store.db", **ROOM))
        yield Bench(file, portal, hosting=hosting)
        file.dispose()
        return
    url: URL = request.getfixturevalue("postgres_database")
    engine = create_async_engine(url.set(drivername=f"postgresql+{driver}"), **ROOM)
    yield Bench(engine, portal, hosting=hosting)
    portal.run(engine.dispose())


def each(awaits: int) -> Iterator[Cancelled]:
    """Cancel at each await, before and after what is awaited is done."""
    for at in range(awaits):
        yield Cancelled(at)
        yield Cancelled(at, late=True)


def twice(awaits: int) -> Iterator[Cancelled]:
    """Cancel at each await, and once more while what is left is undone."""
    for at in range(awaits):
        for again in range(3):
            yield Cancelled(at, again=again)
            yield Cancelled(at, late=True, again=again)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_command_cancelled_at_each_await(bench: Bench, name: str) -> None:
    """Cancelled at any await, a command ends cancelled or done, as a whole, and its connection goes back (T1, T5)."""
    bench.portal.run(bench.over(SCENARIOS[name], each, cold=False))


@pytest.mark.parametrize(
    "name", [*list(SCENARIOS)[1:2], *(pytest.param(name, marks=pytest.mark.large) for name in list(SCENARIOS)[2:])]
)
def test_a_command_cancelled_twice(bench: Bench, name: str) -> None:
    """A second cancellation, while the first one is rolled back, leaks nothing either (T4, T5)."""
    bench.portal.run(bench.over(SCENARIOS[name], twice, cold=False))


@pytest.mark.parametrize("name", ["create", "get"])
def test_the_first_command_cancelled_at_each_await(bench: Bench, name: str) -> None:
    """The same holds for the first command of a store, which connects and looks at the schema (T5)."""
    bench.portal.run(bench.over(SCENARIOS[name], each, cold=True))
