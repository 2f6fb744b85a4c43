"""The SQLAlchemy store keeps every contract on MariaDB too, by PyMySQL and asyncmy; `nox -s mariadb` runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.testing.contracts import (
    AsyncLedgerContract,
    AsyncListingContract,
    AsyncOutboxContract,
    AsyncStoreContract,
    Capabilities,
    HostingContract,
    LedgerContract,
    ListingContract,
    OutboxContract,
    Rows,
    StoreContract,
)
from casewright.testing.portal import Portal
from support.oracles import sql_rows
from support.stores import emptied, with_tables


@pytest.fixture(scope="module")
def engine(mariadb_database: URL) -> Iterator[Engine]:
    """Yield an engine for a database with the tables."""
    yield from with_tables(create_engine(mariadb_database))


@pytest.fixture(scope="module")
def loop() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def asyncmy(engine: Engine, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for the same database, through asyncmy."""
    made = create_async_engine(engine.url.set(drivername="mariadb+asyncmy"))
    yield made
    loop.run(made.dispose())


class TestMariadb(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """MariaDB through PyMySQL keeps all contracts (L5)."""

    @pytest.fixture
    def store(self, engine: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(engine))

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables."""
        with store.engine.connect() as connection:
            return sql_rows(connection)


class TestJoined(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """So does a store that takes part in a transaction of the caller's, where SQLAlchemy sees all."""

    capabilities = Capabilities(threads=False)

    @pytest.fixture
    def store(self, engine: Engine) -> Iterator[SqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open, and that is rolled back in the end."""
        with emptied(engine).connect() as connection:
            self.connection = connection
            connection.begin()
            yield SqlAlchemyStore.joining(connection, sql_events=True)
            connection.rollback()

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables, as the caller's transaction sees it."""
        return sql_rows(self.connection)


class OnePortal(AsyncStoreContract, AsyncListingContract, AsyncOutboxContract, AsyncLedgerContract, HostingContract):
    """The event loop is one for all tests of a module: connections of a pool belong to it."""

    @pytest.fixture
    def portal(self, loop: Portal) -> Portal:
        """Return it."""
        return loop


class TestAsyncmy(OnePortal):
    """MariaDB through asyncmy keeps all contracts of an asynchronous store (L5)."""

    @pytest.fixture
    def async_store(self, engine: Engine, asyncmy: AsyncEngine) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        emptied(engine)
        return AsyncSqlAlchemyStore(asyncmy)


class TestJoinedAsyncmy(OnePortal):
    """A connection of asyncmy's that is joined keeps them too, until it is cancelled: then asyncmy hangs up."""

    capabilities = Capabilities(cancelling=False, threads=False)

    @pytest.fixture
    def async_store(self, engine: Engine, asyncmy: AsyncEngine, loop: Portal) -> Iterator[AsyncSqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open, and that is rolled back in the end."""

        async def begun() -> AsyncConnection:
            connection = await asyncmy.connect()
            await connection.begin()
            return connection

        emptied(engine)
        connection = loop.run(begun())
        yield AsyncSqlAlchemyStore.joining(connection)
        loop.run(connection.close())
