"""Each of our stores can be gone through as a whole, erases, and keeps denials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, StaticPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright import ActorId, Denial, ItemId, StorageError
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.domain.ids import NO_TENANT
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts import (
    AsyncDenialLogContract,
    AsyncErasureContract,
    Capabilities,
    DenialLogContract,
    ErasureContract,
    ProvingContract,
)
from casewright.testing.portal import Portal
from support.stores import emptied, empty, hasty, sqlite_engine, with_tables


class Contracts(ProvingContract, ErasureContract, DenialLogContract):
    """What a store may do beside its units."""


class AsyncContracts(AsyncErasureContract, AsyncDenialLogContract):
    """What an asynchronous one may."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine for a file with the tables."""
    yield from with_tables(hasty(sqlite_engine(tmp_path_factory.mktemp("store") / "store.db")))


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """Yield an engine for a memory database with the tables."""
    yield from with_tables(create_engine("sqlite://", poolclass=StaticPool))


@pytest.fixture(scope="module")
def postgres(postgres_database: URL) -> Iterator[Engine]:
    """Yield an engine for a PostgreSQL database with the tables."""
    yield from with_tables(create_engine(postgres_database))


@pytest.fixture(scope="module")
def mariadb(mariadb_database: URL) -> Iterator[Engine]:
    """Yield an engine for a MariaDB database with the tables."""
    yield from with_tables(create_engine(mariadb_database))


@pytest.fixture(scope="module")
def loop() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def asyncpg(postgres: Engine, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for the same database, through asyncpg."""
    engine = create_async_engine(postgres.url.set(drivername="postgresql+asyncpg"))
    yield engine
    loop.run(engine.dispose())


class TestMemory(Contracts):
    """The store in memory (L5)."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Return an empty store."""
        return MemoryStore()


class TestSqliteFile(Contracts):
    """A SQLite file (L5)."""

    @pytest.fixture
    def store(self, file: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(file))


class TestSqliteMemory(Contracts):
    """A memory database, where SQLAlchemy sees all."""

    capabilities = Capabilities(interleaving=False, threads=False)

    @pytest.fixture
    def store(self, memory: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(memory), sql_events=True)


class TestJoined(Contracts):
    """A store that takes part in a transaction of the caller's."""

    @pytest.fixture
    def store(self, memory: Engine) -> Iterator[SqlAlchemyStore]:
        """Yield a store on a connection whose transaction is rolled back in the end."""
        with emptied(memory).connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlAlchemyStore.joining(connection)
            connection.exec_driver_sql("ROLLBACK")


class TestPostgres(Contracts):
    """PostgreSQL through psycopg (L5)."""

    @pytest.fixture
    def store(self, postgres: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(postgres))


class TestMariadb(Contracts):
    """MariaDB through PyMySQL (L5)."""

    @pytest.fixture
    def store(self, mariadb: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(mariadb))


class TestAsyncMemory(AsyncContracts):
    """The asynchronous store in memory (L5)."""

    @pytest.fixture
    def async_store(self) -> AsyncMemoryStore:
        """Return an empty store."""
        return AsyncMemoryStore()


class TestAsyncSqlite(AsyncContracts):
    """A SQLite file, each call in a thread (L5)."""

    @pytest.fixture
    def async_store(self, file: Engine) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        return AsyncSqlAlchemyStore(emptied(file))


class TestAsyncpg(AsyncContracts):
    """PostgreSQL through asyncpg (L5)."""

    @pytest.fixture
    def portal(self, loop: Portal) -> Portal:
        """Return the loop to which the connections belong."""
        return loop

    @pytest.fixture
    def async_store(self, asyncpg: AsyncEngine, loop: Portal) -> AsyncSqlAlchemyStore:
        """Return an empty store."""

        async def emptied_tables() -> None:
            async with asyncpg.begin() as connection:
                await connection.run_sync(empty)

        loop.run(emptied_tables())
        return AsyncSqlAlchemyStore(asyncpg)


def test_what_is_kept_waits_for_the_tables() -> None:
    """Erasing, keeping denials and purging keys first check the schema, as a unit of work does, and name the cure."""
    store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
    denial = Denial(
        id="d",
        tenant=NO_TENANT,
        action="start",
        item_id=ItemId("a"),
        actor_id=ActorId("ann"),
        occurred_at=SOME_TIME,
        recorded_at=SOME_TIME,
        code="not_found",
        on_behalf_of=None,
        phase=None,
    )
    calls = (
        lambda: store.erase("a"),
        lambda: store.add_denial(denial),
        lambda: store.denials(tenant="", limit=1),
        lambda: store.purge_keys(before=SOME_TIME),
    )
    for call in calls:
        with pytest.raises(StorageError, match=r"store.create_schema\(\)"):
            call()
    store.engine.dispose()
