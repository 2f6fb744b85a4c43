"""Sweeps: a piece of work is done once for each call of the driver, which fails then, and all is looked at after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, cycle
from pathlib import Path
from traceback import clear_frames
from typing import Any, Final

from sqlalchemy import create_engine, event

from casewright import Actor, AlreadyExistsError, NotFoundError, RefusedError, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import KINDS, Driver, Fault
from support.plain_sql import disagreements, recorded
from support.scenarios import Scenario
from support.stores import hasty

_OWN: Final[dict[str, Any]] = {"isolation_level": "EXCLUSIVE", "timeout": 0.25}
"""How the caller has set up the connections of the engine: not at all as the store needs them."""

_ANSWERS: Final = (RefusedError, AlreadyExistsError, NotFoundError)
"""What a command may be answered that is asked for again though it was done."""


class Sweep:
    """A database, a driver that fails when told to, and a bus on it.

    Args:
        path: The database file.
        driver: The driver; one that does what it is asked where None.
        cold: Whether each command is the first one of its store, with no connection in the pool.
        **options: For the store.
    """

    def __init__(self, path: Path, driver: Driver | None = None, *, cold: bool = False, **options: Any) -> None:
        """Make an empty store."""
        self._driver = Driver() if driver is None else driver
        self._engine = self._driver.engine(path, **_OWN)
        event.listen(self._engine, "connect", lambda driver, _: setattr(driver, "row_factory", sqlite3.Row))
        self._sound_engine = hasty(create_engine(f"sqlite:///{path}"))
        self._options = {"busy_timeout": timedelta(milliseconds=200), **options}
        self._cold = cold
        self._renew()
        self._sound = a_bus(SqlAlchemyStore(self._sound_engine))
        self._plain = sqlite3.connect(path)
        self._tenants = count()

    def _renew(self) -> None:
        store = SqlAlchemyStore(self._engine, **self._options)
        store.create_schema()
        store.ping()
        self._bus = a_bus(store)

    def close(self) -> None:
        """Give everything back."""
        self._plain.close()
        self._engine.dispose()
        self._sound_engine.dispose()

    def over(self, scenario: Scenario, *, thoroughly: bool = False) -> None:
        """Do the work once for each call of the driver, which fails.

        Args:
            scenario: The work.
            thoroughly: Whether each call fails in every way; else each in one way after the other.
        """
        expected = self._done(scenario, self._given(scenario))
        calls = len(self._driver.calls)
        for fault in everything(calls) if thoroughly else each_once(calls):
            self._examine(scenario, fault, *expected)

    def _given(self, scenario: Scenario) -> Actor:
        """Return somebody of a new tenant, for whom all is as the scenario wants it."""
        by = Actor("root", roles=["admin"], tenant=f"t{next(self._tenants)}")
        for command in scenario.given:
            self._sound.execute(command, by=by)
        return by

    def _done(
        self, scenario: Scenario, by: Actor, fault: Fault | None = None
    ) -> tuple[BaseException | None, list[Any]]:
        """Do the work with a fault in its way; return what it raised and what was recorded."""
        before = recorded(self._plain, by.tenant)
        if self._cold:
            self._engine.dispose()
            self._bus = a_bus(SqlAlchemyStore(self._engine, **self._options))
        raised = self._driver.run(lambda: scenario.work(self._bus, by), fault)
        return raised, [event for event in recorded(self._plain, by.tenant) if event not in before]

    def _examine(self, scenario: Scenario, fault: Fault, refusal: BaseException | None, events: list[Any]) -> None:
        """Do the work with the fault and then without it, and check all that was promised."""
        by = self._given(scenario)
        raised, found = self._done(scenario, by, fault)

        assert found in ([], events)
        assert disagreements(self._plain, by.tenant) == []
        if raised is None or type(raised) is type(refusal):
            assert found == events
        elif fault.kind.of_the_driver:
            check_text(raised)
        else:
            assert raised is fault.error
        if raised is not None and self._options.get("sql_events"):
            # Of an interrupt SQLAlchemy leaves a cursor behind, in the frames of its traceback, which holds the lock.
            clear_frames(raised.__traceback__)
        self._check_pool()

        again, more = self._done(scenario, by)
        if found == []:
            assert (type(again), more) == (type(refusal), events)
        else:
            assert again is None or isinstance(again, _ANSWERS)
        assert disagreements(self._plain, by.tenant) == []

    def _check_pool(self) -> None:
        """Check that no connection is out, and that the next one is clean and as its owner has set it up."""
        pool: Any = self._engine.pool
        assert pool.checkedout() == 0
        with self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            assert not driver.in_transaction
            assert driver.isolation_level == _OWN["isolation_level"]
            assert driver.row_factory is sqlite3.Row
            assert tuple(driver.execute("PRAGMA busy_timeout").fetchone()) == (250,)


def check_text(error: BaseException | None) -> None:
    """Check that it is an error of the store, whose text holds nothing of the driver's in its one line."""
    assert isinstance(error, StorageError)
    assert "SECRET" not in str(error)
    assert len(str(error).splitlines()) == 1


def each_once(calls: int) -> Iterator[Fault]:
    """Return a fault before and one after each of so many calls, in one way after the other."""
    kinds = cycle(KINDS.values())
    for place in range(calls):
        for after in (False, True):
            yield Fault(place, next(kind for kind in kinds if kind.after or not after), after)


def everything(calls: int) -> Iterator[Fault]:
    """Return every fault before and after each of so many calls."""
    for place in range(calls):
        for kind in KINDS.values():
            yield Fault(place, kind, after=False)
            if kind.after:
                yield Fault(place, kind, after=True)
