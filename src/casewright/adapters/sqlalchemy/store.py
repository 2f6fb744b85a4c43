"""`SqlAlchemyStore`: items, histories and notes in a SQL database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from casewright.adapters.sqlalchemy.databases import database_of
from casewright.adapters.sqlalchemy.keeping import KeepingStore
from casewright.adapters.sqlalchemy.proving import ProvingStore
from casewright.adapters.sqlalchemy.relaying import SqlRelaying
from casewright.adapters.sqlalchemy.schema import check_schema, create_missing, present_tables
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.sources import as_tables, check_options
from casewright.adapters.sqlalchemy.statements import Statements, statements_for
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.transactions import JoinedTransaction, OwnTransaction, Transaction
from casewright.adapters.sqlalchemy.units import SqlAlchemyUnitOfWork
from casewright.adapters.sqlalchemy.waking import NotifyingTransaction, check_notifying, notification
from casewright.domain.values import as_instant, as_integer, instant_text
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["SqlAlchemyStore"]

_LONGEST: Final = timedelta(milliseconds=2**31 - 1)

FoundT = TypeVar("FoundT")


class SqlAlchemyStore(SqlRelaying, ProvingStore, KeepingStore):
    """Keeps items, histories, notes, outbox and keys in a SQL database, for any number of threads and processes.

    SQLite, PostgreSQL (psycopg) and MariaDB (PyMySQL). Making a store touches nothing. The engine is the caller's and
    is never changed: what a connection needs is set when a unit takes it, and put back before it returns to its pool.

    Args:
        engine: The engine.
        tables: Its tables; `TABLES` where None.
        busy_timeout: SQLite only: for how long a unit waits while others write; as the engine's connections do where
            None, which is five seconds unless its ``connect_args`` say otherwise. Servers have settings of their own.
        sql_events: Whether SQLAlchemy's events and ``echo`` are to see every statement. It makes writing slower.
        notify: PostgreSQL only: whether commits wake relays that have a `PostgresWaking`. It makes writing slower.

    Attributes:
        engine: The engine, or that of the connection.
        tables: Its tables.
        joined: Whether units take part in a transaction of the caller's; see `joining`.
        ready: Whether its schema was checked.

    Raises:
        InvalidInputError: An argument is of another type, or the time is negative or longer than 24 days.
        MisuseError: The engine is for another database or driver, or for an asynchronous one, or has the
            execution option schema_translate_map or isolation_level; or a busy_timeout is given for a server.
    """

    engine: Engine
    tables: Tables
    joined: bool
    ready: bool
    _busy_timeout: int | None = None
    _news: str | None = None

    def __init__(
        self,
        engine: Engine,
        *,
        tables: Tables | None = None,
        busy_timeout: timedelta | None = None,
        sql_events: bool = False,
        notify: bool = False,
    ) -> None:
        """Keep the engine."""
        if not isinstance(engine, Engine):
            advice = "pass what sqlalchemy.create_engine() gave; for a connection there is SqlAlchemyStore.joining()"
            raise InvalidInputError("engine", f"must be a SQLAlchemy Engine, not {type(engine).__name__}", advice)
        _check_synchronous(engine)
        self._keep(engine, tables, sql_events)
        self._let_notify(notify)
        if busy_timeout is not None:
            self._busy_timeout = _milliseconds(busy_timeout)
            if not self._database.waits:
                advice = "set lock_timeout or innodb_lock_wait_timeout where the engine connects"
                raise MisuseError("busy_timeout= is for SQLite only", advice)

    @classmethod
    def joining(
        cls, connection: Connection, *, tables: Tables | None = None, sql_events: bool = False
    ) -> SqlAlchemyStore:
        """Return a store whose units take part in the transaction that is open on a connection.

        They never begin, commit, roll back or retry, and change no setting. What a unit writes is one savepoint: after
        a conflict or a failure nothing of it is left in the transaction. ``with engine.begin() as connection:`` opens
        a transaction, but not on SQLite, where SQLAlchemy does not begin before the first write. There begin by hand::

            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                store = SqlAlchemyStore.joining(connection)
                ...
                connection.commit()

        Args:
            connection: The connection.
            tables: As for the class.
            sql_events: As for the class.

        Raises:
            InvalidInputError: An argument is of another type.
            MisuseError: The connection is to another database or driver, or an asynchronous one, or has a
                schema_translate_map.
        """
        if not isinstance(connection, Connection):
            kind = type(connection).__name__
            raise InvalidInputError("connection", f"must be a SQLAlchemy Connection, not {kind}", "engine.connect()")
        _check_synchronous(connection)
        return cls._over(connection, tables, sql_events)

    @classmethod
    def _over(cls, source: Engine | Connection, tables: Tables | None, sql_events: bool) -> SqlAlchemyStore:
        """Return a store over what its caller has checked, be its driver asynchronous."""
        store = cls.__new__(cls)
        store._keep(source, tables, sql_events)
        return store

    def _keep(self, source: Engine | Connection, tables: Tables | None, sql_events: bool) -> None:
        if not isinstance(sql_events, bool):
            raise InvalidInputError("sql_events", f"must be True or False, not {type(sql_events).__name__}")
        self.tables = as_tables(tables)
        self._statements = statements_for(source.dialect, self.tables)
        self._database = database_of(source.dialect)
        check_options(source)
        self.engine = source.engine
        self._source = source
        self._sql_events = sql_events
        self.ready = False
        self.joined = isinstance(source, Connection)

    def _let_notify(self, notify: bool) -> None:
        """Have writers tell relays of what they have committed, where that is wanted."""
        if notify:
            check_notifying(self.engine)
            self._news = notification(self.tables)

    def begin(self, *, tenant: str, write: bool = True) -> SqlAlchemyUnitOfWork:
        """Return a new unit of work; see `Store.begin`. The first one of a store checks the schema.

        Raises:
            InvalidInputError: The tenant is none.
            StorageError: Tables are missing or of another schema, older or newer, or the database cannot be reached.
            MisuseError: The connection to be joined is closed, or no transaction is open on it.
        """
        unit = self.unit(tenant, write=write)
        self.make_ready()
        return unit

    def unit(self, tenant: str, *, write: bool) -> SqlAlchemyUnitOfWork:
        """Return a new unit of work without asking the database; see `begin`."""
        with self._database.failures:
            transaction = self._transaction(self._database.begin_writing if write else self._database.begin_reading)
        if self._news is not None:
            transaction = NotifyingTransaction(transaction, self._news)
        return SqlAlchemyUnitOfWork(transaction, self._statements, tenant, write=write)

    def make_ready(self) -> None:
        """Do what the first unit of a store waits for, unless that was done; see `begin`."""
        if not self.ready:
            self.ping()
            self._prepare()
            self.ready = True

    def ping(self) -> None:
        """Check that the database can be reached and holds the tables, as they should be: for a readiness probe.

        It asks anew each time, and waits no longer than the engine does for a connection and the driver for an answer.

        Raises:
            StorageError: As for `begin`.
            MisuseError: As for `begin`.
        """
        self._read(check_schema)

    def present_tables(self) -> frozenset[str]:
        """Return the names of those of the store's tables that the database holds: none in a database of others.

        Raises:
            StorageError: As for `begin`, but not where tables are missing.
            MisuseError: As for `begin`.
        """
        return frozenset(self._read(present_tables))

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove old entries of the ledger, the oldest first; see `KeyPurging.purge_keys`.

        Raises:
            InvalidInputError: The time is naive, or the limit is less than 1.
            StorageError: The database could not do it.
            MisuseError: As for `begin`.
        """
        moment, most = instant_text(as_instant(before, "before")), as_integer(limit, "limit", least=1)
        removed: list[int] = []
        self.make_ready()
        self._write(lambda send: removed.append(send(self._statements.purging, (moment, most)).rowcount))
        return removed[-1]

    def create_schema(self) -> None:
        """Create the tables that are missing, all or none of them; several processes may do so at once.

        It is for whoever needs no migrations, or none yet: `upgrade` goes on from what it has made. On MariaDB a
        failure half-way may leave some of the tables, each whole; called again, it makes the others.

        Raises:
            StorageError: A table of that name is there already, of another schema, older or newer; or the database
                cannot be written.
            MisuseError: As for `begin`; or a connection to MariaDB was joined, where this would commit.
        """
        self._database.check_creation(joined=self.joined)
        self._prepare()
        self._write(lambda send: create_missing(send, self._statements), self._database.begin_schema)

    def _transaction(self, begin: str | None) -> Transaction:
        check_options(self._source)  # again, since options may be set later
        if isinstance(self._source, Connection):
            return JoinedTransaction(self._source, self._database, sql_events=self._sql_events)
        return OwnTransaction(
            self._source,
            self._database,
            begin=begin,
            busy_timeout=self._busy_timeout,
            sql_events=self._sql_events,
        )

    def _prepare(self) -> None:
        if isinstance(self._source, Engine):
            with self._database.failures:
                self._database.prepare(self._source, sql_events=self._sql_events)

    def _write(self, work: Callable[[Send], None], begin: str | None = None) -> None:
        transaction = self._transaction(begin or self._database.begin_writing)
        try:
            with self._database.failures:
                transaction.write(work)
        finally:
            transaction.end()

    def _read(self, question: Callable[[Send, Statements], FoundT]) -> FoundT:
        transaction = self._transaction(self._database.begin_reading)
        try:
            with self._database.failures:
                return question(transaction.open(), self._statements)
        finally:
            transaction.end()


def _check_synchronous(source: Engine | Connection) -> None:
    if source.dialect.is_async:
        problem = f"{source.dialect.driver} is an asynchronous driver"
        raise MisuseError(problem, "use AsyncSqlAlchemyStore, or an engine for a synchronous driver")


def _milliseconds(busy_timeout: timedelta) -> int:
    if not isinstance(busy_timeout, timedelta):
        kind = type(busy_timeout).__name__
        raise InvalidInputError("busy_timeout", f"must be a timedelta, not {kind}", "timedelta(seconds=10)")
    if not timedelta(0) <= busy_timeout <= _LONGEST:
        raise InvalidInputError("busy_timeout", "must be from 0 to 24 days")
    return busy_timeout // timedelta(milliseconds=1)
