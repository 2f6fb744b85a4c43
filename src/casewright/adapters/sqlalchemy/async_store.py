"""`AsyncSqlAlchemyStore`: the same store for callers who await it, over the same repositories."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Engine, SingletonThreadPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from casewright.adapters.sqlalchemy.async_keeping import AsyncKeepingStore
from casewright.adapters.sqlalchemy.async_relaying import AsyncSqlRelaying
from casewright.adapters.sqlalchemy.hops import Greenlets, Hops, Threads
from casewright.adapters.sqlalchemy.keeping import KeepingStore
from casewright.adapters.sqlalchemy.lines import Visit
from casewright.adapters.sqlalchemy.store import SqlAlchemyStore
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.units import SqlAlchemyUnitOfWork
from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.domain.events import Change, Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["AsyncSqlAlchemyStore", "AsyncSqlAlchemyUnitOfWork"]

T = TypeVar("T")


class AsyncSqlAlchemyStore(AsyncSqlRelaying, AsyncKeepingStore):
    """`SqlAlchemyStore` for an event loop of asyncio.

    With an `AsyncEngine` (psycopg, asyncpg, asyncmy) it awaits the driver. With a plain `Engine` each command is done
    in one hop to a thread: so it is meant for SQLite, whose drivers all work in threads, and do so step by step.

    Args:
        engine: The engine.
        tables: As for `SqlAlchemyStore`, and so all that is not here.
        busy_timeout: SQLite only. For so long, too, a task waits while another one of its loop writes.
        sql_events: Whether SQLAlchemy's events and ``echo`` are to see every statement.
        notify: PostgreSQL only: whether commits wake relays that have an `AsyncPostgresWaking`.

    Attributes:
        engine: The engine, or that of the connection.
        tables: Its tables.
        joined: Whether units take part in a transaction of the caller's; see `joining`.

    Raises:
        InvalidInputError: As for `SqlAlchemyStore`.
        MisuseError: As for `SqlAlchemyStore`; or the engine is for aiosqlite, which can only be joined; or its pool has
            a connection for each thread, as that of ``sqlite://`` without another poolclass.
    """

    engine: AsyncEngine | Engine
    tables: Tables
    joined: bool

    def __init__(
        self,
        engine: AsyncEngine | Engine,
        *,
        tables: Tables | None = None,
        busy_timeout: timedelta | None = None,
        sql_events: bool = False,
        notify: bool = False,
    ) -> None:
        """Keep the engine."""
        if isinstance(engine, AsyncEngine):
            if engine.dialect.name == "sqlite":
                problem = "an engine for aiosqlite makes a hop to a thread for each statement"
                raise MisuseError(problem, "pass create_engine('sqlite:///...'): each command is one hop then")
            core = SqlAlchemyStore._over(engine.sync_engine, tables, sql_events)
        elif isinstance(engine, Engine):
            _check_pool(engine)
            core = SqlAlchemyStore(engine, tables=tables, busy_timeout=busy_timeout, sql_events=sql_events)
        else:
            advice = "pass what sqlalchemy.ext.asyncio.create_async_engine() gave"
            raise InvalidInputError("engine", f"must be a SQLAlchemy AsyncEngine, not {type(engine).__name__}", advice)
        core._let_notify(notify)
        hops = Greenlets() if isinstance(engine, AsyncEngine) else Threads(engine, core._busy_timeout)
        self._keep(engine, core, hops)

    @classmethod
    def joining(
        cls, connection: AsyncConnection, *, tables: Tables | None = None, sql_events: bool = False
    ) -> AsyncSqlAlchemyStore:
        """Return a store whose units take part in the transaction that is open on a connection.

        See `SqlAlchemyStore.joining`, for aiosqlite too: begin by hand, ``await connection.exec_driver_sql("BEGIN
        IMMEDIATE")``.

        Args:
            connection: The connection.
            tables: As for the class.
            sql_events: As for the class.

        Raises:
            InvalidInputError: An argument is of another type.
            MisuseError: As for `SqlAlchemyStore.joining`.
        """
        if not isinstance(connection, AsyncConnection):
            kind = type(connection).__name__
            raise InvalidInputError(
                "connection",
                f"must be an AsyncConnection, not {kind}",
                "await engine.connect(), or await session.connection()",
            )
        store = cls.__new__(cls)
        if connection.sync_connection is None:
            raise MisuseError("the connection that was to be joined is not begun", "async with engine.connect() as it")
        core = SqlAlchemyStore._over(connection.sync_connection, tables, sql_events)
        store._keep(connection.engine, core, Greenlets())
        return store

    def _keep(self, engine: AsyncEngine | Engine, core: SqlAlchemyStore, hops: Hops) -> None:
        self.engine = engine
        self.tables = core.tables
        self.joined = core.joined
        self._core = core
        self._relaying = core
        self._hops = hops

    def begin(self, *, tenant: str, write: bool = True) -> AsyncSqlAlchemyUnitOfWork:
        """Return a new unit of work; see `AsyncStore.begin`. The first block that is entered checks the schema.

        Raises:
            InvalidInputError: The tenant is none.
            MisuseError: The connection to be joined is closed, or no transaction is open on it.
        """
        unit = self._core.unit(tenant, write=write)
        return AsyncSqlAlchemyUnitOfWork(self._core, unit, self._hops, self._hops.visit(write=write))

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the whole work of one unit in one hop; see `Hosting.host`."""
        return await self._hops.host(work)

    async def ping(self) -> None:
        """Check that the database can be reached and holds the tables; see `SqlAlchemyStore.ping`."""
        await self._run(self._core.ping)

    async def present_tables(self) -> frozenset[str]:
        """Return which of the store's tables the database holds; see `SqlAlchemyStore.present_tables`."""
        return await self._run(self._core.present_tables)

    async def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove old entries of the ledger; see `SqlAlchemyStore.purge_keys`."""
        return await self._run(partial(self._core.purge_keys, before=before, limit=limit), write=True)

    async def create_schema(self) -> None:
        """Create the tables that are missing; see `SqlAlchemyStore.create_schema`."""
        await self._run(self._core.create_schema, write=True)

    @property
    def _keeper(self) -> KeepingStore:
        return self._core

    async def _run(self, work: Callable[[], T], *, write: bool = False) -> T:
        visit = self._hops.visit(write=write)
        try:
            return await self._hops.run(work, visit)
        finally:
            self._hops.leave(visit)


def _check_pool(engine: Engine) -> None:
    if isinstance(engine.pool, SingletonThreadPool):
        problem = "the engine has a connection for each thread, and in memory each would be a database of its own"
        raise MisuseError(problem, "pass poolclass=StaticPool and connect_args={'check_same_thread': False}, or a file")


class AsyncSqlAlchemyUnitOfWork:
    """A unit of work on an `AsyncSqlAlchemyStore`; it also lists items and the outbox, and keeps keys.

    Args:
        store: The store whose schema is checked first.
        unit: What it awaits.
        hops: Where that is done.
        visit: What it must hold for that; None where nothing.
    """

    terms: frozenset[TermKind]
    orders: frozenset[OrderBy]

    def __init__(self, store: SqlAlchemyStore, unit: SqlAlchemyUnitOfWork, hops: Hops, visit: Visit | None) -> None:
        """Begin with nothing recorded."""
        self._store = store
        self._unit = unit
        self._hops = hops
        self._visit = visit
        self.terms = unit.terms
        self.orders = unit.orders

    @property
    def items(self) -> Self:
        """The items of the tenant."""
        return self

    async def get(self, id: str, *, lock: bool = False) -> Item | None:
        """See `Items.get`."""
        return await self._run(partial(self._unit.get, id, lock=lock))

    async def record(self, *changes: Change[Any]) -> None:
        """See `UnitOfWork.record`. It never suspends."""
        self._unit.record(*changes)

    async def history(self, id: str, *, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
        """See `UnitOfWork.history`."""
        return tuple(await self._run(partial(self._unit.history, id, after=after, limit=limit)))

    async def notes(self, id: str) -> tuple[Note, ...]:
        """See `UnitOfWork.notes`."""
        return tuple(await self._run(partial(self._unit.notes, id)))

    async def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """See `Listing.find`."""
        return await self._run(partial(self._unit.find, kind, where, order=order, limit=limit, after=after))

    async def count(self, kind: Kind, where: Scope) -> int:
        """See `Listing.count`."""
        return await self._run(partial(self._unit.count, kind, where))

    async def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """See `Outbox.pending`."""
        return await self._run(partial(self._unit.pending, limit=limit))

    async def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """See `Ledger.entry`."""
        return await self._run(partial(self._unit.entry, actor_id, key))

    async def enter(self, entry: LedgerEntry) -> None:
        """See `Ledger.enter`. It never suspends."""
        self._unit.enter(entry)

    def expect(self, id: str) -> None:
        """See `Expecting.expect`."""
        self._unit.expect(id)

    async def commit(self) -> None:
        """See `UnitOfWork.commit`."""
        await self._run(self._unit.commit)

    async def rollback(self) -> None:
        """See `UnitOfWork.rollback`."""
        try:
            if self._unit.idle:
                self._unit.rollback()
            else:
                await self._hops.finish(self._unit.rollback)
        finally:
            self._leave()

    async def __aenter__(self) -> Self:
        """Return the unit.

        Raises:
            StorageError: Tables are missing or of another schema, or the database cannot be reached.
        """
        await self._hops.enter(self._visit)
        if not self._store.ready:
            await self._run(self._store.make_ready)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back unless the unit has ended."""
        await self.rollback()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._hops.run(work, self._visit)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Let others have their turn, where nothing is held any more."""
        if self._unit.idle:
            self._hops.leave(self._visit)
