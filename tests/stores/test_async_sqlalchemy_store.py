"""The asynchronous SQLAlchemy store keeps every contract, on each driver, on connections of its own and joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from casewright import Store
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore
from casewright.testing.contracts import (
    AsyncLedgerContract,
    AsyncListingContract,
    AsyncOutboxContract,
    AsyncStoreContract,
    Capabilities,
    HostingContract,
    Rows,
)
from casewright.testing.portal import Portal
from support.oracles import sql_rows
from support.stores import emptied, empty, hasty, sqlite_engine, with_tables


class AllContracts(AsyncStoreContract, AsyncListingContract, AsyncOutboxContract, AsyncLedgerContract, HostingContract):
    """Every contract of an asynchronous store at once."""

    look: Callable[[], Rows]

    def oracle(self, store: Store) -> Rows:
        """Return what is in the tables."""
        return self.look()


class OnePortal(AllContracts):
    """The event loop is one for all tests of a module: connections of a pool belong to it."""

    @pytest.fixture
    def portal(self, loop: Portal) -> Portal:
        """Return it."""
        return loop


@pytest.fixture(scope="module")
def loop() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine for a SQLite file with the tables."""
    yield from with_tables(hasty(sqlite_engine(tmp_path_factory.mktemp("store") / "store.db")))


@pytest.fixture(scope="module")
def psycopg(postgres_database: URL, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for a PostgreSQL database with the tables, through psycopg."""
    yield from with_awaited_tables(postgres_database.set(drivername="postgresql+psycopg"), loop)


@pytest.fixture(scope="module")
def asyncpg(postgres_database: URL, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for the same database, through asyncpg."""
    yield from with_awaited_tables(postgres_database.set(drivername="postgresql+asyncpg"), loop)


def with_awaited_tables(url: URL, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine, with the tables made, and dispose of it."""
    engine = create_async_engine(url)
    loop.run(AsyncSqlAlchemyStore(engine).create_schema())
    yield engine
    loop.run(engine.dispose())


def rows_of(engine: Engine) -> Rows:
    """Return what is in the tables of a file."""
    with engine.connect() as connection:
        return sql_rows(connection)


async def awaited_rows(engine: AsyncEngine) -> Rows:
    """Return what is in the tables of a server's database."""
    async with engine.connect() as connection:
        return await connection.run_sync(sql_rows)


async def empty_database(engine: AsyncEngine) -> None:
    """Empty the tables."""
    async with engine.begin() as connection:
        await connection.run_sync(empty)


class TestSqliteInThreads(AllContracts):
    """A SQLite file, each unit in threads (L5)."""

    @pytest.fixture
    def async_store(self, file: Engine) -> AsyncSqlAlchemyStore:
        """Return an empty store in a file."""
        emptied(file)
        self.look = partial(rows_of, file)
        return AsyncSqlAlchemyStore(file)


@pytest.mark.large  # it reaches no line that the others do not
class TestPsycopg(OnePortal):
    """PostgreSQL through psycopg (L5)."""

    @pytest.fixture
    def async_store(self, psycopg: AsyncEngine, loop: Portal) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        loop.run(empty_database(psycopg))
        self.look = lambda: loop.run(awaited_rows(psycopg))
        return AsyncSqlAlchemyStore(psycopg)


class TestAsyncpg(OnePortal):
    """PostgreSQL through asyncpg, where SQLAlchemy sees all (L5)."""

    @pytest.fixture
    def async_store(self, asyncpg: AsyncEngine, loop: Portal) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        loop.run(empty_database(asyncpg))
        self.look = lambda: loop.run(awaited_rows(asyncpg))
        return AsyncSqlAlchemyStore(asyncpg, sql_events=True)


class Joined(OnePortal):
    """Units take part in a transaction of the caller's, that is rolled back in the end."""

    capabilities = Capabilities(threads=False)

    def joined(self, engine: AsyncEngine, loop: Portal, begin: str = "SELECT 1") -> Iterator[AsyncSqlAlchemyStore]:
        """Yield a store that has joined a new connection."""

        async def begun() -> AsyncConnection:
            connection = await engine.connect()
            await connection.exec_driver_sql(begin)
            return connection

        async def ended() -> None:
            await connection.rollback()
            await connection.close()

        connection = loop.run(begun())
        self.look = lambda: loop.run(connection.run_sync(sql_rows))
        yield AsyncSqlAlchemyStore.joining(connection)
        loop.run(ended())


@pytest.mark.large  # it reaches no line that the others do not
class TestJoinedPsycopg(Joined):
    """A connection of psycopg's that is joined keeps all contracts too."""

    # In some moments psycopg hangs up where a call of its own is cancelled; the transaction is lost with it.
    capabilities = Capabilities(cancelling=False, threads=False)

    @pytest.fixture
    def async_store(self, psycopg: AsyncEngine, loop: Portal) -> Iterator[AsyncSqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open."""
        loop.run(empty_database(psycopg))
        yield from self.joined(psycopg, loop)


@pytest.mark.large  # it reaches no line that the others do not
class TestJoinedAiosqlite(Joined):
    """So does one of aiosqlite's."""

    @pytest.fixture
    def async_store(self, file: Engine, loop: Portal) -> Iterator[AsyncSqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open."""
        emptied(file)
        engine = create_async_engine(file.url.set(drivername="sqlite+aiosqlite"))
        yield from self.joined(engine, loop, begin="BEGIN IMMEDIATE")
        loop.run(engine.dispose())
