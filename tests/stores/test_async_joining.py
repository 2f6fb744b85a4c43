"""An asynchronous store that joins a connection of the caller's: it commits and rolls back with the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from casewright import (
    TASK,
    AlreadyExistsError,
    AsyncCommandBus,
    CreateTask,
    Edit,
    MisuseError,
    StaleVersionError,
    StorageError,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.testing.portal import Portal
from support.buses import ROOT
from support.stores import sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy.pool import Pool

READ = "SELECT count(*) FROM casewright_item WHERE tenant = ''"


class Place:
    """A database, by one driver.

    Args:
        url: Where it is.
    """

    def __init__(self, url: URL) -> None:
        """Make an engine."""
        self.url = url
        self.engine = self.new_engine()

    def new_engine(self, **options: Any) -> AsyncEngine:
        """Return an engine for it."""
        pool: type[Pool] = NullPool
        return create_async_engine(self.url, poolclass=pool, **options)

    async def begin(self, connection: AsyncConnection) -> None:
        """Begin a transaction, as the documentation says."""
        if self.url.drivername.startswith("sqlite"):
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            await connection.begin()

    async def items(self) -> int:
        """Return how many items are committed."""
        async with self.engine.connect() as connection:
            number: int = (await connection.execute(text(READ))).scalar_one()
            return number


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """Yield an event loop for the module."""
    with Portal() as portal:
        yield portal


@pytest.fixture(params=["psycopg", "asyncpg", "aiosqlite"])
def place(request: pytest.FixtureRequest, portal: Portal, tmp_path: Path) -> Place:
    """Return an empty database with the tables."""
    if request.param == "aiosqlite":
        file = sqlite_engine(tmp_path / "store.db")
        SqlAlchemyStore(file).create_schema()
        file.dispose()
        return Place(URL.create("sqlite+aiosqlite", database=str(tmp_path / "store.db")))
    url: URL = request.getfixturevalue("postgres_database")
    made = Place(url.set(drivername=f"postgresql+{request.param}"))

    async def emptied() -> None:
        await AsyncSqlAlchemyStore(made.engine).create_schema()
        async with made.engine.begin() as connection:
            await connection.exec_driver_sql("TRUNCATE casewright_item, casewright_event, casewright_outbox")

    portal.run(emptied())
    return made


def joined(connection: AsyncConnection, **more: Any) -> AsyncCommandBus:
    """Return a bus in the transaction of a connection."""
    return AsyncCommandBus(AsyncSqlAlchemyStore.joining(connection), [TASK], **more)


Work = Callable[[AsyncConnection], Coroutine[Any, Any, None]]


def on_a_connection(place: Place, portal: Portal, work: Work) -> None:
    """Do work on a connection on which a transaction is open."""

    async def run() -> None:
        async with place.engine.connect() as connection:
            await place.begin(connection)
            await work(connection)

    portal.run(run())


def test_what_is_written_is_committed_with_the_caller(place: Place, portal: Portal) -> None:
    """Nothing is seen by others before the caller commits, and all of it after that (T1)."""

    async def work(connection: AsyncConnection) -> None:
        await joined(connection).execute(CreateTask("t", id="t"), by=ROOT)
        assert await place.items() == 0
        await connection.commit()
        assert await place.items() == 1

    on_a_connection(place, portal, work)


def test_what_is_written_is_rolled_back_with_the_caller(place: Place, portal: Portal) -> None:
    """Nothing is left where the caller rolls back (T1)."""

    async def work(connection: AsyncConnection) -> None:
        await joined(connection).execute(CreateTask("t", id="t"), by=ROOT)
        await connection.rollback()
        assert await place.items() == 0

    on_a_connection(place, portal, work)


def test_a_conflict_leaves_the_callers_transaction_usable(place: Place, portal: Portal) -> None:
    """What met a conflict leaves nothing, and what the caller does before and after it is kept (T1)."""

    async def work(connection: AsyncConnection) -> None:
        bus = joined(connection)
        await bus.execute(CreateTask("t", id="t"), by=ROOT)
        with pytest.raises(AlreadyExistsError):
            await bus.execute(CreateTask("t", id="t"), by=ROOT)
        await bus.execute(CreateTask("u", id="u"), by=ROOT)
        await connection.commit()
        assert await place.items() == 2

    on_a_connection(place, portal, work)


def test_a_joined_bus_never_tries_again(place: Place, portal: Portal) -> None:
    """A conflict ends the command at its first attempt: only the caller can begin the transaction anew (T6)."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def work(connection: AsyncConnection) -> None:
        bus = joined(connection, max_attempts=5, pause=pause)
        item = await bus.execute(CreateTask("t", id="t"), by=ROOT)
        await connection.exec_driver_sql("UPDATE casewright_item SET version = version + 1")
        with pytest.raises(StaleVersionError):
            await bus.execute(Edit("t", title="u"), by=ROOT, item=item)
        assert pauses == []
        await connection.rollback()

    on_a_connection(place, portal, work)


def test_a_cancelled_command_leaves_nothing_in_the_transaction(place: Place, portal: Portal) -> None:
    """Cancelled after any turn, a joined command leaves all or nothing in the transaction (T1, T5)."""

    async def run() -> None:
        for turns in range(16):
            before = await place.items()
            async with place.engine.connect() as connection:
                await place.begin(connection)
                task = asyncio.create_task(joined(connection).execute(CreateTask("t"), by=ROOT))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                if not connection.invalidated:
                    await connection.commit()
            assert await place.items() - before in ((0, 1) if task.cancelled() else (1,))
        async with place.engine.connect() as connection:
            odd = "SELECT count(*) FROM casewright_event"
            assert (await connection.execute(text(odd))).scalar_one() == await place.items()

    portal.run(run())


def test_a_connection_without_a_transaction_is_refused(place: Place, portal: Portal) -> None:
    """Where nobody has begun, each statement would be its own: the error shows how to begin (T1)."""

    async def run() -> None:
        async with place.engine.connect() as connection:
            with pytest.raises(MisuseError, match="no transaction is open") as caught:
                await joined(connection).execute(CreateTask("t"), by=ROOT)
            assert "begin" in str(caught.value)
        assert await place.items() == 0

    portal.run(run())


def test_a_closed_connection_is_refused(place: Place, portal: Portal) -> None:
    """A connection that was closed, or never begun, is refused, and a bus over one that closes later says so."""

    async def run() -> None:
        connection = place.engine.connect()
        with pytest.raises(MisuseError, match="not begun"):
            AsyncSqlAlchemyStore.joining(connection)
        await connection.start()
        await place.begin(connection)
        bus = joined(connection)
        await bus.execute(CreateTask("t"), by=ROOT)
        await connection.close()
        with pytest.raises(MisuseError, match="closed"):
            await bus.execute(CreateTask("t"), by=ROOT)
        assert await place.items() == 0

    portal.run(run())


def test_a_connection_that_autocommits_is_refused(place: Place, portal: Portal) -> None:
    """On a connection that autocommits nothing is written (T1)."""

    async def run() -> None:
        engine = place.new_engine(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.begin()
            with pytest.raises(MisuseError):
                await joined(connection).execute(CreateTask("t"), by=ROOT)
        await engine.dispose()
        assert await place.items() == 0

    portal.run(run())


def test_a_session_of_the_callers_is_joined(place: Place, portal: Portal) -> None:
    """An AsyncSession and the bus write in one transaction, which the session commits or rolls back (T1)."""

    async def run() -> None:
        for end, left in (("rollback", 0), ("commit", 1)):
            async with AsyncSession(place.engine) as session:
                connection = await session.connection()
                if connection.dialect.name == "sqlite":
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                assert (await session.execute(text(READ))).scalar_one() == 0
                await joined(connection).execute(CreateTask("t"), by=ROOT)
                assert (await session.execute(text(READ))).scalar_one() == 1
                await getattr(session, end)()
            assert await place.items() == left

    portal.run(run())


def test_a_transaction_that_the_database_gave_up_is_told_of(place: Place, portal: Portal) -> None:
    """After a statement of the caller's has failed, PostgreSQL refuses more: a typed error, in one line, says so."""

    async def work(connection: AsyncConnection) -> None:
        with pytest.raises(Exception, match="nowhere"):
            await connection.exec_driver_sql("SELECT * FROM nowhere")
        bus = joined(connection)
        if connection.dialect.name == "sqlite":
            await bus.execute(CreateTask("t"), by=ROOT)
        else:
            with pytest.raises(StorageError) as caught:
                await bus.execute(CreateTask("t"), by=ROOT)
            assert "\n" not in str(caught.value)
            assert "SELECT" not in str(caught.value)

    on_a_connection(place, portal, work)
