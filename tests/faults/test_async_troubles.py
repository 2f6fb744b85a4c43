"""A PostgreSQL server in trouble, seen by asynchronous drivers: a typed error of one line, and all well after it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from casewright import (
    AsyncCommandBus,
    CasewrightError,
    Edit,
    MisuseError,
    OpenCase,
    OutcomeUnknownError,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore
from casewright.testing.portal import Portal
from support.buses import DEFINITIONS, ROOT
from support.cancelling import check_pool, checked_out, events_of, half_written
from support.keeping import missing

if TYPE_CHECKING:
    from support.servers import PostgresServer

SECRET: Final = "kanarienvogel"
VICTIM: Final = "victim"
OTHERS: Final = f"FROM pg_stat_activity WHERE application_name = '{VICTIM}'"

Trouble: TypeAlias = Callable[["Scene"], AbstractAsyncContextManager[Any]]


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


class Scene:
    """A case on a server, a bus whose connections have a name, and somebody else.

    Args:
        url: The database, by one of the drivers.
        **options: What the server is to set on each connection of the bus.
    """

    def __init__(self, url: URL, **options: str) -> None:
        """Make the engines."""
        settings = {"application_name": VICTIM, **options}
        arguments: dict[str, Any] = {"server_settings": settings}
        if "psycopg" in url.drivername:
            arguments = {"options": " ".join(f"-c {name}={value}" for name, value in settings.items())}
        self.engine = create_async_engine(url, pool_size=2, max_overflow=1, pool_timeout=5, connect_args=arguments)
        self.others = create_async_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")

    def bus(self, max_attempts: int = 1) -> AsyncCommandBus:
        """Return a bus on a new store."""
        return AsyncCommandBus(AsyncSqlAlchemyStore(self.engine), DEFINITIONS, max_attempts=max_attempts)

    async def tell(self, *statements: str) -> Any:
        """Let somebody else run statements."""
        async with self.others.connect() as connection:
            results = [await connection.exec_driver_sql(statement) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None

    async def terminate(self) -> None:
        """End the sessions of the bus, and wait until they have ended."""
        await self.tell(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")

    async def close(self) -> None:
        """Give everything back."""
        await self.engine.dispose()
        await self.others.dispose()


async def failure(work: Coroutine[Any, Any, Any]) -> CasewrightError:
    """Return the error that the work raises."""
    try:
        answer = await work
    except CasewrightError as error:
        return error
    raise AssertionError(f"no error, but {answer!r}")


def check(error: CasewrightError, kind: type[CasewrightError], words: str) -> None:
    """Check an error's kind, and that its text is one line with a cure, and fit to be shown."""
    assert type(error) is kind, repr(error)
    assert words in str(error)
    assert "; " in str(error)
    for told in (str(error), repr(error), str(error.__cause__)):
        assert SECRET not in told
        assert not any(word in told for word in ("SELECT", "INSERT", "UPDATE"))
    assert "\n" not in str(error)


@pytest.fixture(params=["psycopg", "asyncpg"])
def url(request: pytest.FixtureRequest, postgres_database: URL, portal: Portal) -> URL:
    """Return where a database with the tables and a case is, by each driver."""
    made: URL = postgres_database.set(drivername=f"postgresql+{request.param}")

    async def prepare() -> None:
        engine = create_async_engine(made)
        store = AsyncSqlAlchemyStore(engine)
        await store.create_schema()
        async with engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM casewright_item")
            await connection.exec_driver_sql("DELETE FROM casewright_event")
            await connection.exec_driver_sql("DELETE FROM casewright_outbox")
        await AsyncCommandBus(store, DEFINITIONS).execute(OpenCase("c", id="c"), by=ROOT)
        await engine.dispose()

    portal.run(prepare())
    return made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.set(database="nowhere"), "cannot be reached"),
        (lambda url: url.set(username="nobody_we_know"), "cannot be reached"),
        (lambda url: url.set(query={"host": "/nowhere"}), "cannot be reached"),
        (lambda url: url.set(host="127.0.0.1", port=1, query={}, password=SECRET), "cannot be reached"),
    ],
    ids=["no such database", "no such user", "no socket", "refused"],
)
def test_a_server_that_does_not_let_in_is_told_of(
    url: URL, portal: Portal, change: Callable[[URL], URL], words: str
) -> None:
    """Where no connection can be made the error names the cause and the cure, and no slot of the pool is lost."""

    async def try_it() -> None:
        engine = create_async_engine(change(url), pool_size=1, max_overflow=0, pool_timeout=1)
        bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)
        for _ in range(3):
            check(await failure(bus.execute(OpenCase(SECRET), by=ROOT)), StorageError, words)
        await engine.dispose()

    portal.run(try_it())


def test_connections_that_autocommit_are_refused(url: URL, portal: Portal) -> None:
    """An engine that autocommits is refused, and nothing is written through it (T1)."""

    async def try_it() -> None:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        bus = AsyncCommandBus(AsyncSqlAlchemyStore(engine), DEFINITIONS)
        check(await failure(bus.execute(OpenCase(SECRET), by=ROOT)), MisuseError, "autocommit")
        assert await events_of(engine) == 1
        await engine.dispose()

    portal.run(try_it())


def test_a_replica_is_told_of(url: URL, portal: Portal) -> None:
    """Where the database can only be read, writing is a typed error, and reading goes on."""

    async def try_it() -> None:
        scene = Scene(url, default_transaction_read_only="on")
        check(await failure(scene.bus().execute(Edit("c", title=SECRET), by=ROOT)), StorageError, "only be read")
        assert (await scene.bus().get("c", by=ROOT)).version == 1
        await check_pool(scene.engine)
        await scene.close()

    portal.run(try_it())


async def _waits(scene: Scene) -> None:
    while not await scene.tell(f"SELECT count(*) {OTHERS} AND wait_event_type = 'Lock'"):
        pass


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")
        await connection.exec_driver_sql("SELECT * FROM casewright_item FOR UPDATE")
        yield connection
        await connection.rollback()


def test_a_statement_that_takes_too_long_is_told_of(url: URL, portal: Portal) -> None:
    """A statement that the server ends is a transient error, and the next command on the pool is done."""

    async def try_it() -> None:
        scene = Scene(url, statement_timeout="40")
        async with _locked(scene.others):
            error = await failure(scene.bus().execute(Edit("c", title=SECRET), by=ROOT))
        check(error, TransientStorageError, "longer than it may")
        assert (await scene.bus().execute(Edit("c", title="d"), by=ROOT)).version == 2
        await check_pool(scene.engine)
        await scene.close()

    portal.run(try_it())


def test_a_session_that_ends_while_nobody_uses_it_costs_one_more_attempt(url: URL, portal: Portal) -> None:
    """Where the server has ended the connections that lie in the pool, the second attempt has a new one (T6)."""

    async def try_it() -> None:
        scene = Scene(url)
        async with scene.engine.connect(), scene.engine.connect():
            pass
        await scene.terminate()
        error = await failure(scene.bus().get("c", by=ROOT))
        check(error, TransientStorageError, "was lost")
        assert (await scene.bus().get("c", by=ROOT)).version == 1
        await check_pool(scene.engine)
        await scene.terminate()
        assert (await scene.bus(max_attempts=2).execute(Edit("c", title="d"), by=ROOT)).version == 2
        await check_pool(scene.engine)
        await scene.close()

    portal.run(try_it())


def test_a_session_that_ends_in_a_command_is_told_of(url: URL, portal: Portal) -> None:
    """Where the connection is lost before the commit, nothing is written, and the next command is done (T1)."""

    async def try_it() -> None:
        scene = Scene(url)
        bus = scene.bus()
        await bus.get("c", by=ROOT)
        async with _locked(scene.others):
            task = asyncio.create_task(failure(bus.execute(Edit("c", title=SECRET), by=ROOT)))
            await _waits(scene)
            await scene.terminate()
            check(await task, TransientStorageError, "was lost")
        assert await events_of(scene.engine) == 1
        assert (await bus.execute(Edit("c", title="d"), by=ROOT)).version == 2
        await check_pool(scene.engine)
        await scene.close()

    portal.run(try_it())


def test_a_session_that_ends_at_the_commit_leaves_the_outcome_open(url: URL, portal: Portal) -> None:
    """Where the connection is lost while it commits, the error says so, and nothing is tried again (T3)."""

    async def try_it() -> None:
        scene = Scene(url)
        await scene.tell(
            "CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$",
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON casewright_event DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION die()",
        )
        try:
            error = await failure(scene.bus(max_attempts=5).execute(Edit("c", title=SECRET), by=ROOT))
        finally:
            await scene.tell("DROP TRIGGER die ON casewright_event")
        assert type(error) is OutcomeUnknownError
        assert SECRET not in str(error) + str(error.__cause__)
        assert await half_written(scene.others) == []
        assert await events_of(scene.others) == 1
        assert (await scene.bus().execute(Edit("c", title="d"), by=ROOT)).version == 2
        await check_pool(scene.engine)
        await scene.close()

    portal.run(try_it())


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """Yield a server that may be killed."""
    from support.servers import start_postgres, unavailable

    version = os.environ.get("CASEWRIGHT_POSTGRES") or "17"
    if reason := unavailable(version):
        missing(reason, wanted="CASEWRIGHT_POSTGRES" in os.environ)
    server = start_postgres(version)
    yield server
    server.stop()


def test_a_server_that_goes_away_is_told_of(own_server: PostgresServer, portal: Portal) -> None:
    """Where the whole server is killed, commands are typed errors, time after time, and no slot of the pool is lost."""

    async def try_it() -> None:
        database = own_server.new_database()
        scenes = [Scene(own_server.url(driver, database=database)) for driver in ("psycopg", "asyncpg")]
        await AsyncSqlAlchemyStore(scenes[0].engine).create_schema()
        for scene in scenes:
            await scene.bus().execute(OpenCase("c"), by=ROOT)
        assert own_server.kept is not None
        os.kill(own_server.kept.pid, signal.SIGQUIT)
        for scene in scenes:
            bus = scene.bus(max_attempts=3)
            for _ in range(4):
                check(await failure(bus.execute(OpenCase(SECRET), by=ROOT)), StorageError, "cannot be reached")
            assert checked_out(scene.engine) == 0
            await scene.close()
        gc.collect()

    portal.run(try_it())
