"""The SQLAlchemy store keeps every contract, in a file, in memory, with SQLAlchemy's events, and joined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import StaticPool, create_engine

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract
from support.stores import sqlite_store


class TestSqliteFile(StoreContract, ListingContract, OutboxContract):
    """A SQLite file keeps all contracts (L5)."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlAlchemyStore]:
        """Yield a store in a new file."""
        store = sqlite_store(tmp_path / "store.db")
        yield store
        store.engine.dispose()


class TestSqliteFileWithEvents(StoreContract, ListingContract, OutboxContract):
    """So it does where SQLAlchemy sees every statement."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlAlchemyStore]:
        """Yield a store in a new file."""
        store = SqlAlchemyStore(create_engine(f"sqlite:///{tmp_path}/store.db"), sql_events=True)
        store.create_schema()
        yield store
        store.engine.dispose()


class TestSqliteMemory(StoreContract, ListingContract, OutboxContract):
    """A memory database does too, one unit after the other: it has one connection."""

    interleaving = False
    threads = False

    @pytest.fixture
    def store(self) -> Iterator[SqlAlchemyStore]:
        """Yield a store in memory."""
        store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
        store.create_schema()
        yield store
        store.engine.dispose()


class TestJoined(StoreContract, ListingContract, OutboxContract):
    """And so does a store that takes part in a transaction of the caller's, on the caller's connection."""

    threads = False

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open."""
        engine = create_engine("sqlite://")
        SqlAlchemyStore(engine).create_schema()
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlAlchemyStore.joining(connection)
            assert connection.connection.driver_connection.in_transaction
        engine.dispose()
