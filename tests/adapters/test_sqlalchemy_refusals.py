"""What the SQLAlchemy stores refuse before they touch a database, and a row that a database leaves out by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import CreateTask, InvalidInputError, MisuseError, StartTask, StorageError
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.adapters.sqlalchemy.databases import database_of
from support.buses import ROOT, a_bus

NOWHERE = "postgresql+psycopg://nobody@nowhere/nothing"
WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "an asynchronous driver": (
        lambda: SqlAlchemyStore(create_async_engine("postgresql+asyncpg://nowhere/x").sync_engine),
        MisuseError,
        "AsyncSqlAlchemyStore",
    ),
    "aiosqlite": (lambda: AsyncSqlAlchemyStore(create_async_engine("sqlite+aiosqlite://")), MisuseError, "aiosqlite"),
    "no engine": (lambda: AsyncSqlAlchemyStore(any_value(NOWHERE)), InvalidInputError, "AsyncEngine"),
    "no connection": (lambda: AsyncSqlAlchemyStore.joining(any_value(NOWHERE)), InvalidInputError, "AsyncConnection"),
    "a busy timeout for a server": (
        lambda: SqlAlchemyStore(create_engine(NOWHERE), busy_timeout=timedelta(seconds=1)),
        MisuseError,
        "lock_timeout",
    ),
}


def any_value(value: object) -> Any:
    """Return the value, as what nobody looks at."""
    return value


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_a_way_to_a_database_is_refused(name: str) -> None:
    """An engine or a connection that a store cannot use is refused when the store is made, with what to pass."""
    make, error, says = WRONG[name]
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("left_out", ["UPDATE ON casewright_item", "INSERT ON casewright_event"])
def test_a_row_that_is_left_out_is_no_conflict(postgres_database: URL, left_out: str) -> None:
    """A trigger that drops a row is told as what it is, not as a conflict; nothing is there (L1, T1)."""
    engine = create_engine(postgres_database)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    bus, item_id = a_bus(store), left_out
    bus.execute(CreateTask("t", id=item_id), by=ROOT)
    dropping = "CREATE OR REPLACE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    with engine.begin() as connection:
        connection.exec_driver_sql(dropping)
        connection.exec_driver_sql(f"CREATE TRIGGER dropping BEFORE {left_out} FOR EACH ROW EXECUTE FUNCTION drop_it()")
    with pytest.raises(StorageError, match="a row was left out"):
        bus.execute(StartTask(item_id), by=ROOT)
    assert bus.get(item_id, by=ROOT).version == 1
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION drop_it() CASCADE")
    engine.dispose()


def test_a_database_that_says_nothing_cannot_be_reached() -> None:
    """Where no connection could be made and nobody said why, that is all that is told; and nothing is outdated."""
    failures = database_of(create_engine("sqlite://").dialect).failures
    assert "cannot be reached" in failures.unreachable(OSError()).problem
    assert not failures.is_outdated(OSError())
    with pytest.raises(StorageError, match="cannot be reached"), failures:
        raise OSError
