"""A fault at each call of the driver, in each command (T1, T4): a sweep, so nothing is left to chance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from casewright import MisuseError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.grounds import SqliteGround
from support.plain_sql import rows_of
from support.scenarios import SCENARIOS
from support.sqlite_faults import KINDS, SqliteDriver
from support.sweeping import Sweep, check_text, each_once

SOME = [
    "CompleteTask",
    "create with an id that is taken",
    "be refused",
    "find",
    "do once",
    "create once",
    "change nothing once",
]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """Return a sweep over a store that has been in use."""
    with closing(Sweep(SqliteGround.at(tmp_path_factory.mktemp("faults") / "store.db"))) as made:
        yield made


@pytest.mark.parametrize("name", SOME)
def test_a_fault_at_each_call(sweep: Sweep, name: str) -> None:
    """Whichever call fails, all is written or nothing, its key too; the next command finds all clean (T1, I4)."""
    sweep.over(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_fault_at_each_call(sweep: Sweep, name: str) -> None:
    """Whatever fails in whichever call, all is written or nothing, and whatever was raised comes out (T1, T4)."""
    sweep.over(SCENARIOS[name], thoroughly=True)


@pytest.mark.parametrize("name", [SOME[0], *(pytest.param(name, marks=pytest.mark.large) for name in SOME[1:])])
def test_a_fault_at_each_call_that_sqlalchemy_makes(tmp_path: Path, name: str) -> None:
    """The same holds where the statements are sent by SQLAlchemy, so that its events see them (T1, T4)."""
    with closing(Sweep(SqliteGround.at(tmp_path / "store.db"), sql_events=True)) as sweep:
        sweep.over(SCENARIOS[name])


@pytest.mark.parametrize("name", ["OpenCase", "get"])
def test_a_fault_at_each_call_of_the_first_command(tmp_path: Path, name: str) -> None:
    """The same holds for the first command of a store, which connects and looks at the schema (T1, T4)."""
    with closing(Sweep(SqliteGround.at(tmp_path / "store.db"), cold=True)) as sweep:
        sweep.over(SCENARIOS[name])


def test_a_fault_at_each_call_while_the_schema_is_created(tmp_path: Path) -> None:
    """All tables are created or none, and creating them again makes it good (T1, T4)."""
    driver, names = SqliteDriver(), "SELECT name FROM sqlite_master ORDER BY 1"

    def create(name: str) -> SqlAlchemyStore:
        return SqlAlchemyStore(driver.engine(tmp_path / name))

    whole = create("whole")
    assert driver.run(whole.create_schema) is None
    whole.engine.dispose()
    tables = rows_of(tmp_path / "whole", names)
    for number, fault in enumerate(each_once(len(driver.calls), KINDS)):
        store = create(f"{number}.db")
        raised = driver.run(store.create_schema, fault)
        if raised is not fault.error and raised is not None:
            check_text(raised)
        assert rows_of(tmp_path / f"{number}.db", names) in ([], tables)
        store.create_schema()
        store.ping()
        store.engine.dispose()


def test_a_store_that_does_not_roll_back_is_caught(tmp_path: Path) -> None:
    """The sweep has teeth: where what was written before a fault is kept, it finds half of a command."""
    careless = SqliteDriver({"ROLLBACK": "COMMIT"})
    with closing(Sweep(SqliteGround.at(tmp_path / "store.db", careless))) as sweep, pytest.raises(AssertionError):
        sweep.over(SCENARIOS["CompleteTask"])


def test_a_store_that_does_not_begin_writes_nothing(tmp_path: Path) -> None:
    """Where each statement would be a transaction of its own, none is sent (T1)."""
    careless = SqliteDriver({"BEGIN IMMEDIATE": "SELECT 1"})
    with pytest.raises(MisuseError, match="nothing was written"):
        Sweep(SqliteGround.at(tmp_path / "store.db", careless))
