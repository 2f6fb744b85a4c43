"""A fault at each call of the driver, while a store takes part in a transaction of the caller's (T1, T4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from casewright import Actor
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import Fault
from support.grounds import Ground, SqliteGround
from support.plain_sql import disagreements, plainly, recorded, rows_of
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
        ground: Where.
    """

    def __init__(self, ground: Ground) -> None:
        """Make an empty store, and a table beside it."""
        self.ground = ground
        self.store = SqlAlchemyStore(ground.engine)
        self.store.create_schema()
        self.plain = plainly(ground.place)
        self.plain.execute("CREATE TABLE mine (tenant TEXT)")
        self.tenants = count()

    def close(self) -> None:
        """Give everything back."""
        self.plain.close()
        self.ground.engine.dispose()
        self.ground.sound.dispose()

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
        row = text("INSERT INTO mine VALUES (:tenant)").bindparams(tenant=by.tenant)
        with self.ground.engine.connect() as connection:
            self.ground.begin(connection)
            connection.execute(row)
            raised = self._work(scenario, connection, by, fault)
            try:
                connection.execute(row)
            except (PendingRollbackError, DBAPIError):
                assert raised is not None
                clear_frames(raised.__traceback__)  # so that nothing keeps the connection that was given up
            else:
                connection.commit()
        found = [event for event in recorded(self.plain, by.tenant) if event not in before]
        return Attempt(raised, found, self.mine(by))

    def _work(self, scenario: Scenario, connection: Connection, by: Actor, fault: Fault | None) -> BaseException | None:
        bus = a_bus(SqlAlchemyStore.joining(connection))
        return self.ground.driver.run(lambda: scenario.work(bus, by), fault)

    def mine(self, by: Actor) -> int:
        """Return how many rows of their own the caller has."""
        return len(rows_of(self.plain, "SELECT 1 FROM mine WHERE tenant = :tenant", {"tenant": by.tenant}))

    def sweep(self, scenario: Scenario, *, thoroughly: bool = False) -> None:
        """Do the work once for each call of the driver, which fails."""
        sound = self.attempt(scenario, self.given(scenario))
        calls, kinds = self.ground.driver.calls, self.ground.driver.kinds
        for fault in everything(len(calls), kinds) if thoroughly else each_once(len(calls), kinds):
            by = self.given(scenario)
            attempt = self.attempt(scenario, by, fault)

            assert disagreements(self.plain, by.tenant) == []
            if not isinstance(fault.error, Exception):
                assert attempt.raised is fault.error
            elif type(attempt.raised) is type(sound.raised):
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

    Or when the server had refused something outside the work's savepoint, after which it does nothing more; or when
    SQLAlchemy was interrupted while it read, which it never survives; or when nobody can tell whether the savepoint
    was made.
    """
    untold = calls[fault.place] == "SAVEPOINT casewright" and not fault.kind.of_the_driver
    undoing = "ROLLBACK TO" in calls[: fault.place + 2]
    releasing = calls[fault.place] == "RELEASE SAVEPOINT"
    reading = "SAVEPOINT casewright" not in calls[: fault.place]
    interrupted = reading and not isinstance(fault.error, Exception)
    refused = reading and fault.kind.of_the_driver
    return untold or undoing or releasing or fault.kind.lasting or fault.kind.loses or interrupted or refused


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def caller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Return somebody with a database of each kind."""
    if request.param == "sqlite":
        ground: Ground = SqliteGround.at(tmp_path_factory.mktemp("joined") / "store.db")
    else:
        ground = request.getfixturevalue("postgres_ground")
    with closing(Caller(ground)) as made:
        yield made


@pytest.mark.parametrize("name", MANY)
def test_a_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whichever call fails, the transaction goes on without anything of the command, and with what was its own."""
    caller.sweep(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("caller", ["sqlite"], indirect=True)
def test_each_fault_at_each_call(caller: Caller, name: str) -> None:
    """Whatever fails in whichever call, the transaction goes on without anything of the command (T1, T4)."""
    caller.sweep(SCENARIOS[name], thoroughly=True)


@pytest.mark.large
@pytest.mark.parametrize("caller", ["postgresql"], indirect=True)
def test_each_fault_at_each_call_on_a_server(caller: Caller) -> None:
    """So it does on a server, which refuses more, and ends connections (T1, T4)."""
    caller.sweep(SCENARIOS["CompleteTask"], thoroughly=True)
