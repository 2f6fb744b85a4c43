"""A fault at each call of the driver, in each command (T1, T4): a sweep, so nothing is left to chance."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, create_engine

from casewright import COMMANDS, Actor, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import KINDS, Driver, Fault
from support.plain_sql import disagreements, recorded
from support.scenarios import COMMANDS_TRIED, SCENARIOS, Scenario
from support.stores import hasty

OWN: Final[dict[str, Any]] = {"isolation_level": "EXCLUSIVE", "timeout": 0.25}
"""How the caller has set up the connections of the engine: not at all as the store needs them."""

ANSWERS: Final = ("RefusedError", "AlreadyExistsError", "NotFoundError")


class World:
    """A database, a driver that fails when told to, and a bus on it.

    Args:
        path: The database file.
    """

    def __init__(self, path: Path) -> None:
        """Make an empty store."""
        self.driver = Driver()
        self.engine = self.driver.engine(path, **OWN)
        self.bus = a_bus(self._store(self.engine))
        self.healthy = a_bus(self._store(hasty(create_engine(f"sqlite:///{path}"))))
        self.plain = sqlite3.connect(path)
        self.tenants = count()

    def _store(self, engine: Engine) -> SqlAlchemyStore:
        store = SqlAlchemyStore(engine, busy_timeout=timedelta(milliseconds=200))
        store.create_schema()
        store.ping()
        return store

    def given(self, scenario: Scenario) -> Actor:
        """Return somebody of a new tenant, for whom all is as the scenario wants it."""
        by = Actor("root", roles=["admin"], tenant=f"t{next(self.tenants)}")
        for command in scenario.given:
            self.healthy.execute(command, by=by)
        return by

    def done(self, scenario: Scenario, by: Actor, fault: Fault | None = None) -> tuple[BaseException | None, list[Any]]:
        """Do the work with a fault in its way; return what it raised and what was recorded."""
        before = recorded(self.plain, by.tenant)
        raised = self.driver.run(lambda: scenario.work(self.bus, by), fault)
        return raised, [event for event in recorded(self.plain, by.tenant) if event not in before]

    def close(self) -> None:
        """Give everything back."""
        self.plain.close()
        self.engine.dispose()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a world."""
    with closing(World(tmp_path_factory.mktemp("faults") / "store.db")) as made:
        yield made


class Seen:
    """What the work came to without a fault.

    Args:
        world: The world.
        scenario: What to do.
    """

    def __init__(self, world: World, scenario: Scenario) -> None:
        """Do it."""
        self.raised, self.events = world.done(scenario, world.given(scenario))
        self.calls = len(world.driver.calls)

    def faults(self) -> Iterator[tuple[int, bool]]:
        """Return each place where a fault can be, before or after the call."""
        return ((place, after) for place in range(self.calls) for after in (False, True))


def examine(world: World, scenario: Scenario, fault: Fault, expected: Seen) -> None:
    """Do the work once with the fault and once without, and check all that was promised."""
    by = world.given(scenario)
    raised, found = world.done(scenario, by, fault)

    assert found in ([], expected.events)
    assert disagreements(world.plain, by.tenant) == []
    if raised is None or type(raised) is type(expected.raised):
        assert found == expected.events
    elif fault.kind.of_the_driver:
        assert isinstance(raised, StorageError)
        assert "SECRET" not in str(raised)
        assert "\n" not in str(raised)
    else:
        assert raised is fault.error
    check_pool(world.engine)

    again, more = world.done(scenario, by)
    if found == []:
        assert (type(again), more) == (type(expected.raised), expected.events)
    else:
        assert again is None or type(again).__name__ in ANSWERS
    assert disagreements(world.plain, by.tenant) == []


def check_pool(engine: Engine) -> None:
    """Check that no connection is out, and that the next one is clean and as its owner has set it up."""
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined] # a QueuePool
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        assert not driver.in_transaction
        assert driver.isolation_level == OWN["isolation_level"]
        assert driver.execute("PRAGMA busy_timeout").fetchone() == (250,)


def test_every_command_is_among_the_scenarios() -> None:
    """A new command cannot be left out of the sweep."""
    assert set(COMMANDS) == COMMANDS_TRIED


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_each_call(world: World, name: str) -> None:
    """Whichever call fails, all is written or nothing, the caller is told, and the next command finds all clean (T1)."""
    expected = Seen(world, SCENARIOS[name])
    kinds = cycle(KINDS.values())
    for place, after in expected.faults():
        kind = next(kind for kind in kinds if kind.after or not after)
        examine(world, SCENARIOS[name], Fault(place, kind, after), expected)


@pytest.mark.large
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_fault_at_each_call(world: World, name: str) -> None:
    """Whatever fails in whichever call, all is written or nothing, and whatever was raised comes out (T1, T4)."""
    expected = Seen(world, SCENARIOS[name])
    for place, after in expected.faults():
        for kind in KINDS.values():
            if kind.after or not after:
                examine(world, SCENARIOS[name], Fault(place, kind, after), expected)
