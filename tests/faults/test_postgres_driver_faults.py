"""A fault at each call of psycopg, in each command, on a real server (T1, T4): a sweep, nothing is left to chance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore
from support.plain_sql import plainly, rows_of
from support.scenarios import SCENARIOS
from support.sizes import SOAK
from support.sweeping import Sweep, check_text, each_once

if TYPE_CHECKING:
    from sqlalchemy import URL

    from support.grounds import PostgresGround

SOME = ["CompleteTask", "create with an id that is taken", "do once"]


@pytest.fixture(scope="module")
def sweep(postgres_ground: PostgresGround) -> Iterator[Sweep]:
    """Return a sweep over a store that has been in use."""
    with closing(Sweep(postgres_ground)) as made:
        yield made


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SOME else pytest.mark.large) for name in SCENARIOS]
)
def test_a_fault_at_each_call(sweep: Sweep, name: str) -> None:
    """Whichever call fails, all is written or nothing, the caller is told, and the next command finds all clean."""
    sweep.over(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", SCENARIOS if SOAK > 1 else SOME[:1])
def test_each_fault_at_each_call(sweep: Sweep, name: str) -> None:
    """Whatever fails in whichever call, all is written or nothing, and whatever was raised comes out (T1, T4)."""
    before = sweep.runs
    sweep.over(SCENARIOS[name], thoroughly=True)
    if name == SOME[0]:
        assert sweep.runs - before >= 300


@pytest.mark.large
@pytest.mark.parametrize("name", ["CompleteTask", "find"])
def test_a_fault_at_each_call_that_sqlalchemy_makes(postgres_ground: PostgresGround, name: str) -> None:
    """The same holds where the statements are sent by SQLAlchemy, so that its events see them (T1, T4)."""
    with closing(Sweep(postgres_ground, sql_events=True)) as sweep:
        sweep.over(SCENARIOS[name])


@pytest.mark.large
@pytest.mark.parametrize("name", ["OpenCase", "get"])
def test_a_fault_at_each_call_of_the_first_command(postgres_ground: PostgresGround, name: str) -> None:
    """The same holds for the first command of a store, which connects and looks at the schema (T1, T4)."""
    with closing(Sweep(postgres_ground, cold=True)) as sweep:
        sweep.over(SCENARIOS[name])


@pytest.mark.large
def test_a_fault_at_each_call_while_the_schema_is_created(
    postgres_ground: PostgresGround, postgres_database: URL
) -> None:
    """All tables are created or none, and creating them again makes it good (T1, T4)."""
    driver, store = postgres_ground.driver, SqlAlchemyStore(postgres_ground.engine)
    with closing(plainly(postgres_database)) as plain:
        plain.execute(DROP)
        assert driver.run(store.create_schema) is None
        tables = rows_of(plain, NAMES)
        assert len(tables) > len(TABLES.all)
        for fault in each_once(len(driver.calls), driver.kinds):
            plain.execute(DROP)
            raised = driver.run(store.create_schema, fault)
            if raised is not fault.error and raised is not None:
                check_text(raised)
            assert rows_of(plain, NAMES) in ([], tables)
            store.create_schema()
            store.ping()
    postgres_ground.engine.dispose()


DROP = "DROP TABLE IF EXISTS casewright_version, " + ", ".join(table.name for table in TABLES.all)
NAMES = "SELECT relname FROM pg_class WHERE relname ~ 'casewright' ORDER BY 1"


def test_a_store_that_does_not_roll_back_is_caught(postgres_database: URL) -> None:
    """The sweep has teeth: where what was written before a fault is kept, it finds half of a command."""
    from support.grounds import PostgresGround
    from support.postgres_faults import PostgresDriver

    driver = PostgresDriver()
    with closing(Sweep(PostgresGround.at(postgres_database, driver))) as sweep:
        driver.careless = True
        with pytest.raises(AssertionError):
            sweep.over(SCENARIOS["CompleteTask"])
        driver.careless = False
