"""A fault at each call of the driver, while a store takes part in a transaction of the caller's (T1, T4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from casewright import Actor
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import Driver, Fault
from support.plain_sql import disagreements, recorded
from support.scenarios import SCENARIOS, Scenario
from support.sweeping import check_text, each_once, everything

MANY = ["complete", "create with an id that is taken", "add a note", "several together", "be refused", "find"]


class Caller:
    """Somebody with a transaction of their own.

    Args:
        path: The database file.
    """

    def __init__(self, path: Path) -> None:
        """Make an empty store, and a table beside it."""
        self.driver = Driver()
        self.engine = self.driver.engine(path)
        self.store = SqlAlchemyStore(self.engine)
        self.store.create_schema()
        self.plain = sqlite3.connect(path)
        self.plain.execute("CREATE TABLE mine (tenant TEXT)")
        self.tenants = count()

    def close(self) -> None:
        """Give everything back."""
        self.plain.close()
        self.engine.dispose()

    def given(self, scenario: Scenario) -> Actor:
        """Return somebody of a new tenant, for whom all is as the scenario wants it."""
        by = Actor("root", roles=["admin"], tenant=f"t{next(self.tenants)}")
        bus = a_bus(self.store)
        for command in scenario.given:
            bus.execute(command, by=by)
        return by

    def attempt(self, scenario: Scenario, by: Actor, fault: Fault | None = None) -> tuple[BaseException | None, list[Any]]:
        """Do the work inside a transaction, then commit; return what it raised and what it recorded."""
        before = recorded(self.plain, by.tenant)
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("INSERT INTO mine VALUES (?)", (by.tenant,))
            raised = self._work(scenario, connection, by, fault)
            connection.exec_driver_sql("INSERT INTO mine VALUES (?)", (by.tenant,))
            connection.commit()
        return raised, [event for event in recorded(self.plain, by.tenant) if event not in before]

    def _work(self, scenario: Scenario, connection: Connection, by: Actor, fault: Fault | None) -> BaseException | None:
        bus = a_bus(SqlAlchemyStore.joining(connection))
        return self.driver.run(lambda: scenario.work(bus, by), fault)

    def mine(self, by: Actor) -> int:
        """Return how many rows of their own the caller has."""
        return len(self.plain.execute("SELECT 1 FROM mine WHERE tenant = ?", (by.tenant,)).fetchall())

    def sweep(self, scenario: Scenario, *, thoroughly: bool = False) -> None:
        """Do the work once for each call of the driver, which fails."""
        refusal, events = self.attempt(scenario, self.given(scenario))
        calls = self.driver.calls
        for fault in everything(len(calls)) if thoroughly else each_once(len(calls)):
            by = self.given(scenario)
            raised, found = self.attempt(scenario, by, fault)
            released = "RELEASE casewright" in calls[: fault.place + fault.after]

            assert found == (events if raised is None or type(raised) is type(refusal) or released else [])
            assert disagreements(self.plain, by.tenant) == []
            assert self.mine(by) == 2
            if fault.kind.of_the_driver and raised is not None and type(raised) is not type(refusal):
                check_text(raised)
            elif raised is not None:
                assert raised is fault.error or type(raised) is type(refusal)


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Return somebody with a database."""
    with closing(Caller(tmp_path_factory.mktemp("joined") / "store.db")) as made:
        yield made


@pytest.mark.parametrize("name", MANY)
def test_a_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whichever call fails, the transaction goes on without anything of the command, and keeps what was its own (T1)."""
    caller.sweep(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whatever fails in whichever call, the transaction goes on without anything of the command (T1, T4)."""
    caller.sweep(SCENARIOS[name], thoroughly=True)
