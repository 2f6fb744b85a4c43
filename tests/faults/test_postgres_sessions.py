"""PostgreSQL, reached in ways that others have chosen: a stricter level, another encoding, a server that is full."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import CreateTask, StartTask, StorageError, TransientStorageError
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore, Tables, check, upgrade
from casewright.adapters.sqlalchemy.databases import database_of
from casewright.testing.portal import Portal, SynchronousStore
from support.buses import ROOT, a_bus

SESSIONS = 6


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_tables_are_made_once_at_any_level(postgres_database: URL, level: str) -> None:
    """Whoever waited for others to make the tables sees that they are there, at the strictest level too (T1)."""
    engine = create_engine(postgres_database, isolation_level=level, pool_size=SESSIONS)
    start = Barrier(SESSIONS, timeout=60)
    for number in range(3):
        tables = Tables(prefix=f"{level[:3].lower()}{number}_")

        def make(tables: Tables = tables) -> None:
            store = SqlAlchemyStore(engine, tables=tables)
            start.wait()
            store.create_schema()
            store.ping()

        with ThreadPoolExecutor(SESSIONS) as pool:
            for made in [pool.submit(make) for _ in range(SESSIONS)]:
                made.result()
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_tables_are_migrated_once_at_any_level(postgres_database: URL, level: str, driver: str) -> None:
    """Whoever waited for others to migrate goes on from what they have made, at the strictest level too (T1)."""
    tables = Tables(prefix=f"{driver[:2]}_{level[:3].lower()}_")
    url, start = postgres_database.set(drivername=f"postgresql+{driver}"), Barrier(SESSIONS, timeout=60)

    async def migrate() -> None:
        engine = create_async_engine(url, isolation_level=level)
        async with engine.begin() as connection:
            start.wait()
            await connection.run_sync(upgrade, tables=tables)
        await engine.dispose()

    with ThreadPoolExecutor(SESSIONS) as pool:
        for made in [pool.submit(asyncio.run, migrate()) for _ in range(SESSIONS)]:
            made.result()
    engine = create_engine(postgres_database)
    with engine.connect() as connection:
        assert check(connection, tables=tables) == ()
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_statements_of_before_a_migration(postgres_database: URL, driver: str) -> None:
    """A statement that was prepared before a column got another type is refused once, and then made anew (T6)."""
    url = postgres_database.set(drivername=f"postgresql+{driver}")
    with Portal() as portal:
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        store = AsyncSqlAlchemyStore(engine, tables=Tables(prefix=f"{driver}_"))
        portal.run(store.create_schema())
        bus = a_bus(SynchronousStore(store, portal))
        bus.execute_many([CreateTask("t", id=f"x{number}") for number in range(10)], by=ROOT)
        for number in range(9):  # psycopg prepares what it sends for the sixth time, and forgets it when it rolls back
            bus.execute(StartTask(f"x{number}"), by=ROOT)
        other = create_engine(postgres_database)
        with other.begin() as connection:
            connection.exec_driver_sql(f'ALTER TABLE {driver}_item ALTER title TYPE varchar(999) COLLATE "C"')
        other.dispose()
        assert bus.execute(StartTask("x9"), by=ROOT).version == 2
        portal.run(engine.dispose())


def test_text_that_a_connection_cannot_carry(postgres_database: URL) -> None:
    """Text that the connection's encoding lacks is a typed error that does not show it, and nothing is written (S2)."""
    engine = create_engine(postgres_database, connect_args={"client_encoding": "latin1"})
    store = SqlAlchemyStore(engine)
    store.create_schema()
    bus = a_bus(store)
    with pytest.raises(StorageError, match="cannot carry all text") as caught:
        bus.execute(CreateTask("\u65e5\u672c", id="a"), by=ROOT)
    assert caught.value.__cause__ is None
    assert bus.execute(CreateTask("\u00e9t\u00e9", id="a"), by=ROOT).title == "\u00e9t\u00e9"
    engine.dispose()


@pytest.fixture
def crowded(postgres_database: URL) -> Iterator[URL]:
    """Yield the URL of a database that lets nobody in for now."""
    name = f'"{postgres_database.database}"'
    admin: Any = psycopg.connect(
        host=str(postgres_database.query["host"]), user="casewright", dbname="postgres", autocommit=True
    )
    role = f"crowd_{postgres_database.database}"
    admin.execute(f"CREATE ROLE {role} LOGIN")
    admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    yield postgres_database.set(drivername="postgresql+asyncpg", username=role)
    admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    admin.execute(f"DROP ROLE {role}")
    admin.close()


def test_a_server_that_is_full_may_have_room_another_time(crowded: URL) -> None:
    """A server that answers that it has no connection left is not one that cannot be reached (T6)."""
    with Portal() as portal:
        engine = create_async_engine(crowded)
        with pytest.raises(TransientStorageError, match="has no connection left"):
            portal.run(AsyncSqlAlchemyStore(engine).ping())
        portal.run(engine.dispose())


@pytest.mark.parametrize("error", [psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError])
def test_what_a_driver_refuses_by_itself_is_not_tried_again(postgres_database: URL, error: type[Exception]) -> None:
    """An error without a word of the server's means that it is gone only where the driver says so (T6)."""
    engine = create_engine(postgres_database)
    with pytest.raises(StorageError) as caught, database_of(engine.dialect).failures:
        raise error("SECRET")
    assert not isinstance(caught.value, TransientStorageError)
    assert "SECRET" not in str(caught.value)
