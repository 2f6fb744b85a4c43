"""Being woken: writers of a PostgreSQL database tell of what they have committed, and relays listen.

A relay that listens is one that also looks now and then: what is told to nobody is found all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from casewright.adapters.sqlalchemy.databases import database_of
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.sources import as_tables
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["AsyncPostgresWaking", "NotifyingTransaction", "PostgresWaking", "check_notifying", "notification"]


def _channel(tables: Tables) -> str:
    return f"{tables.prefix}outbox"


def notification(tables: Tables) -> str:
    """Return the statement by which a writer tells that there is something to deliver, once it has committed."""
    return f"SELECT pg_notify('{_channel(tables)}', '')"


def check_notifying(engine: Engine | AsyncEngine) -> None:
    """Check that a database can tell of anything.

    Raises:
        MisuseError: It is no PostgreSQL.
    """
    if engine.dialect.name != "postgresql":
        problem = f"{engine.dialect.name} tells nobody of what was committed"
        raise MisuseError(problem, "leave it out: a relay looks by itself, as often as its poll= says")


class NotifyingTransaction:
    """A transaction that tells of what it has written.

    Args:
        inner: What does all else.
        statement: See `notification`.
    """

    def __init__(self, inner: Transaction, statement: str) -> None:
        """Keep both."""
        self._inner = inner
        self._statement = statement
        self.open: Callable[[], Send] = inner.open
        self.connection: Callable[[], Connection] = inner.connection
        self.finish: Callable[[], None] = inner.finish
        self.end: Callable[[], None] = inner.end

    @property
    def idle(self) -> bool:
        """See `Transaction.idle`."""
        return self._inner.idle

    def write(self, work: Callable[[Send], None]) -> None:
        """See `Transaction.write`."""

        def both(send: Send) -> None:
            work(send)
            send(self._statement).fetchall()

        self._inner.write(both)


class PostgresWaking:
    """Wakes an `OutboxRelay` when a store that was made with ``notify=True`` has committed something.

    It takes a connection of the engine's pool for itself. Where that is lost, the relay looks by itself until another
    one is there. Close it in the end.

    Args:
        engine: An engine for psycopg.
        tables: Those of the store; `TABLES` where None.

    Raises:
        InvalidInputError: An argument is of another type.
        MisuseError: The engine is for another database, or for asyncio.
    """

    def __init__(self, engine: Engine, *, tables: Tables | None = None) -> None:
        """Connect to nothing yet."""
        if not isinstance(engine, Engine):
            raise InvalidInputError("engine", f"must be a SQLAlchemy Engine, not {type(engine).__name__}")
        check_notifying(engine)
        if engine.dialect.is_async:
            raise MisuseError("the engine is for asyncio", "use AsyncPostgresWaking")
        self._engine = engine
        self._channel = _channel(as_tables(tables))
        self._raised: tuple[type[Exception], ...] = database_of(engine.dialect).failures.raised
        self._connection: Connection | None = None

    def wait(self, longest: timedelta) -> bool:
        """See `Waking.wait`."""
        try:
            driver: Any = self._listening().connection.driver_connection
            for _ in driver.notifies(timeout=longest.total_seconds(), stop_after=1):
                pass
        except self._raised:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._raised):
                connection.invalidate()  # it listens, which nobody else in the pool wants
                connection.close()

    def _listening(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.exec_driver_sql(f"LISTEN {self._channel}")
        return self._connection


class AsyncPostgresWaking:
    """`PostgresWaking` for an `AsyncOutboxRelay`.

    Args:
        engine: An engine for asyncpg or psycopg.
        tables: Those of the store; `TABLES` where None.

    Raises:
        InvalidInputError: An argument is of another type.
        MisuseError: The engine is for another database.
    """

    def __init__(self, engine: AsyncEngine, *, tables: Tables | None = None) -> None:
        """Connect to nothing yet."""
        if not isinstance(engine, AsyncEngine):
            raise InvalidInputError("engine", f"must be a SQLAlchemy AsyncEngine, not {type(engine).__name__}")
        check_notifying(engine)
        self._engine = engine
        self._channel = _channel(as_tables(tables))
        self._raised: tuple[type[Exception], ...] = database_of(engine.dialect).failures.raised
        self._connection: AsyncConnection | None = None
        self._news = asyncio.Event()

    async def wait(self, longest: timedelta) -> bool:
        """See `Waking.wait`."""
        try:
            driver = await self._listening()
            if hasattr(driver, "notifies"):  # psycopg's
                async for _ in driver.notifies(timeout=longest.total_seconds(), stop_after=1):
                    pass
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), longest.total_seconds())
                self._news.clear()
        except self._raised:
            await self.close()
            return False
        return True

    async def close(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._raised):
                await connection.invalidate()
                await connection.close()

    async def _listening(self) -> Any:  # noqa: ANN401 - a connection of the driver
        if self._connection is None:
            connection = await self._engine.connect()
            self._connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            driver = await _driver_of(self._connection)
            if hasattr(driver, "notifies"):
                await driver.execute(f"LISTEN {self._channel}")
            else:
                await driver.add_listener(self._channel, lambda *_: self._news.set())
                driver.add_termination_listener(lambda *_: self._news.set())
        driver = await _driver_of(self._connection)
        if not hasattr(driver, "notifies") and driver.is_closed():
            raise ConnectionError
        return driver


async def _driver_of(connection: AsyncConnection) -> Any:  # noqa: ANN401 - as above
    return (await connection.get_raw_connection()).driver_connection
