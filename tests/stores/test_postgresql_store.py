"""The SQLAlchemy store keeps every contract on PostgreSQL too, on connections of its own and joined."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import URL, Engine, create_engine

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts import (
    Capabilities,
    LedgerContract,
    ListingContract,
    OutboxContract,
    Rows,
    StoreContract,
)
from casewright.testing.contracts.entering import an_entry, enter
from support.oracles import sql_rows
from support.stores import emptied, with_tables


@pytest.fixture(scope="module")
def engine(postgres_database: URL) -> Iterator[Engine]:
    """Yield an engine for a database with the tables."""
    yield from with_tables(create_engine(postgres_database))


class TestPostgresql(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """PostgreSQL through psycopg keeps all contracts (L5)."""

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


def test_a_purge_keeps_to_its_limit_whatever_the_plan(postgres_database: URL) -> None:
    """Where the server asks a subquery anew for each row, no more keys are removed than the limit (I7)."""
    plan = " ".join(f"-c enable_{name}=off" for name in ("hashjoin", "hashagg", "sort", "mergejoin", "material"))
    engine = create_engine(postgres_database, connect_args={"options": f"{plan} -c enable_memoize=off"})
    store = SqlAlchemyStore(engine)
    store.create_schema()
    emptied(engine)
    for number in range(7):
        enter(store, an_entry(f"planned {number}"))
    removed = [store.purge_keys(before=SOME_TIME + timedelta(hours=1), limit=3) for _ in range(4)]
    engine.dispose()
    assert removed == [3, 3, 1, 0]
