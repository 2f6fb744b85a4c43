"""The SQLAlchemy store keeps every contract: in a file, in memory, where SQLAlchemy sees all, and joined."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, StaticPool, create_engine

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.contracts import (
    Capabilities,
    LedgerContract,
    ListingContract,
    OutboxContract,
    Rows,
    StoreContract,
)
from support.oracles import sql_rows
from support.stores import emptied, sqlite_engine, with_tables

# Making the tables anew for each test would take longer than the tests do, so they are emptied.


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine for a file with the tables."""
    yield from with_tables(sqlite_engine(tmp_path_factory.mktemp("store") / "store.db"))


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """Yield an engine for a memory database with the tables."""
    yield from with_tables(create_engine("sqlite://", poolclass=StaticPool))


class TestSqliteFile(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """A SQLite file keeps all contracts (L5)."""

    @pytest.fixture
    def store(self, file: Engine) -> SqlAlchemyStore:
        """Return an empty store in a file."""
        return SqlAlchemyStore(emptied(file))

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables."""
        with store.engine.connect() as connection:
            return sql_rows(connection)


class TestSqliteMemory(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """A memory database does too, one unit after the other on its one connection, and where SQLAlchemy sees all."""

    capabilities = Capabilities(interleaving=False, threads=False)

    @pytest.fixture
    def store(self, memory: Engine) -> SqlAlchemyStore:
        """Return an empty store in memory."""
        return SqlAlchemyStore(emptied(memory), sql_events=True)

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables."""
        with store.engine.connect() as connection:
            return sql_rows(connection)


class TestJoined(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """So does a store that takes part in a transaction of the caller's."""

    capabilities = Capabilities(threads=False)

    @pytest.fixture
    def store(self, memory: Engine) -> Iterator[SqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open, and that is rolled back in the end."""
        with emptied(memory).connect() as connection:
            self.connection = connection
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlAlchemyStore.joining(connection)
            connection.exec_driver_sql("ROLLBACK")

    def oracle(self, store: SqlAlchemyStore) -> Rows:
        """Return what is in the tables, as the caller's transaction sees it."""
        return sql_rows(self.connection)
