"""The outbox of each store can be relayed and kept as `RelayContract` says: in memory, and in each database (O1-O8)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, StaticPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.testing.contracts import AsyncRelayContract, Capabilities, RelayContract
from casewright.testing.portal import Portal
from support.stores import emptied, hasty, sqlite_engine, with_tables


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine for a file with the tables."""
    yield from with_tables(hasty(sqlite_engine(tmp_path_factory.mktemp("store") / "store.db")))


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """Yield an engine for a memory database with the tables."""
    yield from with_tables(create_engine("sqlite://", poolclass=StaticPool))


@pytest.fixture(scope="module")
def server(postgres_database: URL) -> Iterator[Engine]:
    """Yield an engine for a PostgreSQL database with the tables."""
    yield from with_tables(create_engine(postgres_database))


@pytest.fixture(scope="module")
def mariadb(mariadb_database: URL) -> Iterator[Engine]:
    """Yield an engine for a MariaDB database with the tables."""
    yield from with_tables(create_engine(mariadb_database))


class TestMemoryStore(RelayContract):
    """The store in memory (L5)."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Return an empty store."""
        return MemoryStore()


class TestAsyncMemoryStore(AsyncRelayContract):
    """The asynchronous store in memory (L5)."""

    @pytest.fixture
    def async_store(self) -> AsyncMemoryStore:
        """Return an empty store."""
        return AsyncMemoryStore()


class TestSqliteFile(RelayContract):
    """A SQLite file; the one that writes keeps others from writing, so nothing there is committed late."""

    capabilities = Capabilities(interleaving=False)

    @pytest.fixture
    def store(self, file: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(file))


class TestSqliteMemory(RelayContract):
    """A memory database, where SQLAlchemy sees all."""

    capabilities = Capabilities(interleaving=False, threads=False)

    @pytest.fixture
    def store(self, memory: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(memory), sql_events=True)


class TestJoined(RelayContract):
    """A transaction of the caller's: for tools, since a relay refuses it."""

    capabilities = Capabilities(threads=False)

    @pytest.fixture
    def store(self, memory: Engine) -> Iterator[SqlAlchemyStore]:
        """Yield a store on a connection whose transaction is open, and that is rolled back in the end."""
        with emptied(memory).connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlAlchemyStore.joining(connection)
            connection.exec_driver_sql("ROLLBACK")


class TestAsyncSqlite(AsyncRelayContract):
    """A SQLite file, in hops to threads."""

    capabilities = Capabilities(interleaving=False)

    @pytest.fixture
    def async_store(self, file: Engine) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        return AsyncSqlAlchemyStore(emptied(file))


class TestPostgresql(RelayContract):
    """PostgreSQL through psycopg."""

    @pytest.fixture
    def store(self, server: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(server))


class TestMariaDb(RelayContract):
    """MariaDB through PyMySQL."""

    @pytest.fixture
    def store(self, mariadb: Engine) -> SqlAlchemyStore:
        """Return an empty store."""
        return SqlAlchemyStore(emptied(mariadb))


@pytest.fixture(scope="module")
def loop() -> Iterator[Portal]:
    """Yield an event loop for the module: connections of a pool belong to it."""
    with Portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def psycopg(postgres_database: URL, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for the same database, through psycopg."""
    engine = create_async_engine(postgres_database.set(drivername="postgresql+psycopg"))
    yield engine
    loop.run(engine.dispose())


@pytest.fixture(scope="module")
def asyncpg(postgres_database: URL, loop: Portal) -> Iterator[AsyncEngine]:
    """Yield an engine for the same database, through asyncpg."""
    engine = create_async_engine(postgres_database.set(drivername="postgresql+asyncpg"))
    yield engine
    loop.run(engine.dispose())


class OnOneLoop(AsyncRelayContract):
    """The event loop is one for all tests."""

    @pytest.fixture
    def portal(self, loop: Portal) -> Portal:
        """Return it."""
        return loop


@pytest.mark.large
class TestAsyncPsycopg(OnOneLoop):
    """PostgreSQL through psycopg, awaited."""

    @pytest.fixture
    def async_store(self, psycopg: AsyncEngine, server: Engine) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        emptied(server)
        return AsyncSqlAlchemyStore(psycopg)


@pytest.mark.large
class TestAsyncpg(OnOneLoop):
    """PostgreSQL through asyncpg."""

    @pytest.fixture
    def async_store(self, asyncpg: AsyncEngine, server: Engine) -> AsyncSqlAlchemyStore:
        """Return an empty store."""
        emptied(server)
        return AsyncSqlAlchemyStore(asyncpg)
