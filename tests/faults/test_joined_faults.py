"""A fault at each call of the driver, while a store takes part in a transaction of the caller's (T1, T4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from sqlalchemy.exc import PendingRollbackError

from casewright import Actor
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import Driver, Fault
from support.plain_sql import disagreements, recorded
from support.scenarios import SCENARIOS, Scenario
from support.sweeping import check_text, each_once, everything

if TYPE_CHECKING:
    from sqlalchemy import Connection

MANY = ["CompleteTask", "create with an id that is taken", "AddNote", "several together", "be refused", "find"]


@attrs.frozen
class Attempt:
    """What came of the work inside a transaction.

    Attributes:
        raised: What it raised.
        found: What was recorded.
        mine: How many of the two rows of the caller's own are there.
    """

    raised: BaseException | None
    found: list[Any]
    mine: int


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

    def attempt(self, scenario: Scenario, by: Actor, fault: Fault | None = None) -> Attempt:
        """Do the work inside a transaction, then go on and commit, if that can be done."""
        before = recorded(self.plain, by.tenant)
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("INSERT INTO mine VALUES (?)", (by.tenant,))
            raised = self._work(scenario, connection, by, fault)
            try:
                connection.exec_driver_sql("INSERT INTO mine VALUES (?)", (by.tenant,))
            except PendingRollbackError:
                assert raised is not None
                clear_frames(raised.__traceback__)  # so that nothing keeps the connection that was given up
            else:
                connection.commit()
        found = [event for event in recorded(self.plain, by.tenant) if event not in before]
        return Attempt(raised, found, self.mine(by))

    def _work(self, scenario: Scenario, connection: Connection, by: Actor, fault: Fault | None) -> BaseException | None:
        bus = a_bus(SqlAlchemyStore.joining(connection))
        return self.driver.run(lambda: scenario.work(bus, by), fault)

    def mine(self, by: Actor) -> int:
        """Return how many rows of their own the caller has."""
        return len(self.plain.execute("SELECT 1 FROM mine WHERE tenant = ?", (by.tenant,)).fetchall())

    def sweep(self, scenario: Scenario, *, thoroughly: bool = False) -> None:
        """Do the work once for each call of the driver, which fails."""
        sound = self.attempt(scenario, self.given(scenario))
        calls = self.driver.calls
        for fault in everything(len(calls)) if thoroughly else each_once(len(calls)):
            by = self.given(scenario)
            attempt = self.attempt(scenario, by, fault)

            assert disagreements(self.plain, by.tenant) == []
            if type(attempt.raised) is type(sound.raised):
                assert attempt.found == sound.found
            elif fault.kind.of_the_driver:
                check_text(attempt.raised)
            else:
                assert attempt.raised is fault.error
            if attempt.raised is not None:
                assert attempt.found == (sound.found if "RELEASE SAVEPOINT" in calls[: fault.place] else [])
            assert attempt.mine == 2 or given_up(calls, fault)


def given_up(calls: list[str], fault: Fault) -> bool:
    """Return whether the transaction could not go on: when the work could not be taken out of it again.

    Or when SQLAlchemy was interrupted while it read, which it never survives.
    """
    undoing = "ROLLBACK TO" in calls[: fault.place + 2]
    releasing = calls[fault.place] == "RELEASE SAVEPOINT"
    reading = "SAVEPOINT casewright" not in calls and not isinstance(fault.error, Exception)
    return undoing or releasing or fault.kind.lasting or reading


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Return somebody with a database."""
    with closing(Caller(tmp_path_factory.mktemp("joined") / "store.db")) as made:
        yield made


@pytest.mark.parametrize("name", MANY)
def test_a_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whichever call fails, the transaction goes on without anything of the command, and with what was its own."""
    caller.sweep(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", MANY)
def test_each_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whatever fails in whichever call, the transaction goes on without anything of the command (T1, T4)."""
    caller.sweep(SCENARIOS[name], thoroughly=True)
