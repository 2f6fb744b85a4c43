"""What is special to SQLite.

The driver's own way of beginning would let reads stand outside the transaction and lose updates without an error (L3),
so the store begins by itself, on a connection that it puts in order again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    PoolProxiedConnection,
    StaticPool,
    Table,
    and_,
    exists,
    false,
    func,
    or_,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.dml import Insert

from casewright.adapters.sqlalchemy.databases.base import Condition, Database, among, integers, texts
from casewright.adapters.sqlalchemy.failures import DOUBLED, FULL, UNUSABLE, Failures, Trouble, own_error
from casewright.adapters.sqlalchemy.loans import Loan
from casewright.adapters.sqlalchemy.sending import Channel, Send
from casewright.adapters.sqlalchemy.turns import by_hand, check_idle, take
from casewright.domain.terms import Term
from casewright.errors import MisuseError

__all__ = ["Sqlite"]

_LOCKED: Final = Trouble(
    "the database is locked by somebody else for longer than the busy timeout",
    "try again; keep transactions short, or pass the store a longer busy_timeout",
    transient=True,
)
_UNREADABLE: Final = Trouble(
    "a row holds what this store cannot have written", "find out who else writes to its tables"
)

_TROUBLES: Final[Mapping[int, Trouble]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_BUSY_SNAPSHOT: Trouble(
        "others have written since the transaction that was joined first read",
        "roll it back, and begin it with BEGIN IMMEDIATE",
        transient=True,
    ),
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: Trouble(
        "the database can only be read",
        "make its file and its folder writable, or begin units with write=False",
    ),
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CANTOPEN: Trouble(
        "the database file cannot be opened",
        "check that the path in the engine's URL exists and that its folder may be read and written",
    ),
    sqlite3.SQLITE_NOTADB: Trouble(
        "the file is no SQLite database, or an encrypted one",
        "check the path in the engine's URL",
    ),
    sqlite3.SQLITE_CORRUPT: Trouble(
        "the database file is damaged",
        "restore a backup; PRAGMA integrity_check shows what is broken",
    ),
    sqlite3.SQLITE_IOERR: Trouble(
        "the database file could not be read or written",
        "check the disk and the file system that it is on",
    ),
    sqlite3.SQLITE_CONSTRAINT: DOUBLED,
}


class _SqliteFailures(Failures):
    def trouble(self, error: Exception) -> Trouble:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # raised by the driver itself, and its text may show a value
            return UNUSABLE if isinstance(error, sqlite3.ProgrammingError) else _UNREADABLE
        other = f"the database refused what the store asked ({getattr(error, 'sqlite_errorname', code)})"
        unknown = Trouble(other, "store.ping() tells whether its tables are as they should be")
        return _TROUBLES.get(code, _TROUBLES.get(code & 0xFF, unknown))

    def told(self, error: Exception) -> bool:
        return hasattr(error, "sqlite_errorcode")

    def is_final(self, error: Exception) -> bool:
        """Whether there was no room, after which SQLite has undone all of it by itself."""
        return getattr(own_error(error), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


class Sqlite(Database):
    """SQLite through Python's own driver; through aiosqlite only on a connection of the caller's."""

    paramstyle: str = "qmark"
    row_locks: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    begin_reading: ClassVar[str | None] = "BEGIN"
    # To wait for the lock at once, since later SQLite would not wait.
    begin_writing: ClassVar[str | None] = "BEGIN IMMEDIATE"
    begin_schema: ClassVar[str | None] = begin_writing
    now: ClassVar[str] = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

    def __init__(self) -> None:
        """Choose what translates its failures."""
        self.failures: Failures = _SqliteFailures(sqlite3.Error)

    def new_row(self, table: Table, *key: str) -> Insert:
        """See `Database.new_row`."""
        return insert(table).on_conflict_do_nothing(index_elements=[table.c[name] for name in key])

    def contains(self, column: ColumnElement[Any], text: str) -> Condition:
        """See `Database.contains`."""
        return func.instr(column, text) > 0

    def attribute(self, item: Table, term: Term) -> Condition:
        """See `Database.attribute`."""
        entry = func.json_each(item.c.attributes).table_valued("key", "type", "atom", name="entry")
        words = [str(value).lower() for value in term.values if isinstance(value, bool)]  # as SQLite calls these types
        by_type: Mapping[str, Sequence[str | int]] = {"text": texts(term.values), "integer": integers(term.values)}
        held = [and_(entry.c.type == name, among(entry.c.atom, values)) for name, values in by_type.items() if values]
        found = or_(among(entry.c.type, words), *held)
        return exists().where(entry.c.key == term.name, found) if texts((term.name,)) else false()

    def columns(self, tables: Sequence[Table]) -> str:
        """See `Database.columns`."""
        names = ", ".join(f"'{table.name}'" for table in tables)
        schema = tables[0].schema or "main"
        return (
            "SELECT lower(found.name), parts.name "  # noqa: S608 - the names are ours, or were checked
            f"FROM \"{schema}\".sqlite_master AS found JOIN pragma_table_info(found.name, '{schema}') AS parts "
            f"WHERE found.type IN ('table', 'view') AND lower(found.name) IN ({names})"
        )

    def lend(self, engine: Engine, *, busy_timeout: int | None, sql_events: bool) -> Loan:
        """See `Database.lend`."""
        return _SqliteLoan(engine, self.failures, busy_timeout=busy_timeout, sql_events=sql_events)

    def check_joined(self, connection: Connection) -> None:
        """See `Database.check_joined`."""
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            problem = (
                "no transaction is open on the connection that was to be joined, so each statement would be its own"
            )
            raise MisuseError(problem, _JOIN)

    def check_rows(self, connection: Connection) -> None:
        """See `Database.check_rows`."""
        driver: Any = connection.connection.driver_connection
        if driver.row_factory is not None and driver.row_factory is not sqlite3.Row:
            problem = "the connection that was to be joined has a row_factory, with which SQLAlchemy cannot read"
            raise MisuseError(problem, "set it on cursors of your own, or use sqlite3.Row")

    def channel(self, cursor: DBAPICursor) -> Channel:
        """See `Database.channel`."""
        if isinstance(cursor, sqlite3.Cursor):
            return _plain(cursor)
        return Channel.adapted(cursor)

    def is_in_transaction(self, connection: Connection) -> bool:
        """See `Database.is_in_transaction`: after some errors SQLite has undone all of it by itself."""
        driver: Any = connection.connection.driver_connection
        return bool(driver.in_transaction)

    def prepare(self, engine: Engine, *, sql_events: bool) -> None:
        """Let readers and the writer of a database file not wait for each other from now on, if that can be had."""
        if isinstance(engine.pool, StaticPool):  # nobody else is on its one connection, and others may wait for it
            return
        loan = self.lend(engine, busy_timeout=0, sql_events=sql_events)
        try:
            with suppress(*self.failures.raised):  # it can only be read, or others use it now: it works in either mode
                if loan.send("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
                    loan.send("PRAGMA journal_mode = WAL").fetchall()
        finally:
            loan.give_back()

    @contextmanager
    def overwriting(self, send: Send) -> Iterator[None]:
        """See `Database.overwriting`."""
        found = send("PRAGMA secure_delete").fetchone()[0]
        send("PRAGMA secure_delete = ON").fetchall()
        try:
            yield
        finally:
            send(f"PRAGMA secure_delete = {found}").fetchall()

    def forget(self, engine: Engine, *, sql_events: bool) -> None:
        """See `Database.forget`: the log of a file is emptied, unless somebody reads in it for too long."""
        if isinstance(engine.pool, StaticPool):  # as above
            return
        loan = self.lend(engine, busy_timeout=None, sql_events=sql_events)
        try:
            with suppress(*self.failures.raised):
                loan.send("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            loan.give_back()


_JOIN: Final = (
    "SQLAlchemy's own begin() does not begin on SQLite: "
    'call connection.exec_driver_sql("BEGIN IMMEDIATE") first, and connection.commit() after the unit has ended'
)


def _plain(cursor: sqlite3.Cursor) -> Channel:
    """Return a channel that gives rows as tuples, whatever the connection is set to."""
    cursor.row_factory = None
    return Channel.direct(cast("DBAPICursor", cursor))


class _SqliteLoan(Loan):
    """A connection on which nothing begins or commits but by a statement of ours.

    Args:
        engine: The engine.
        failures: What the driver raises.
        busy_timeout: For how long to wait for a lock, in milliseconds; as the connection does where None.
        sql_events: See `Loan`.
    """

    def __init__(self, engine: Engine, failures: Failures, *, busy_timeout: int | None, sql_events: bool) -> None:
        """Take it out of the pool."""
        self._found: tuple[str, Any, int | None] | None = None
        self._busy_timeout = busy_timeout
        self._rows: Any = None
        super().__init__(engine, failures, sql_events=sql_events)

    def check_begun(self) -> None:
        """See `Loan.check_begun`."""
        if not self._driver.in_transaction:
            raise MisuseError(*_ENDED)

    def _take(self) -> tuple[PoolProxiedConnection, Callable[[], object]]:
        return take(self._engine.pool, self, self._busy_timeout)

    def _check(self) -> None:
        self._rows = check_idle(self._driver).row_factory

    def _direct(self) -> Channel:
        return _plain(self._driver.cursor())

    def _set_up(self) -> None:
        driver, busy_timeout = self._driver, self._busy_timeout
        driver.row_factory = None
        found = None if busy_timeout is None else self.send("PRAGMA busy_timeout").fetchone()[0]
        mode, value = by_hand(driver)
        self._found = (mode, getattr(driver, mode), found)
        setattr(driver, mode, value)
        if found != busy_timeout:
            self.send(f"PRAGMA busy_timeout = {busy_timeout}").fetchall()

    def _commit(self) -> None:
        self.send("COMMIT")

    def _is_undone(self, error: Exception) -> bool:
        return self._driver.in_transaction or self._failures.is_final(error)  # it can be undone, or is undone already

    def _put_back(self) -> None:
        if self._channel is None:
            return
        try:
            if self._found is not None:
                mode, value, busy_timeout = self._found
                if self._driver.in_transaction:
                    self.send("ROLLBACK")
                if busy_timeout != self._busy_timeout:
                    self.send(f"PRAGMA busy_timeout = {busy_timeout}").fetchall()
                setattr(self._driver, mode, value)
        finally:
            self._driver.row_factory = self._rows


_ENDED: Final = (
    "somebody has ended the transaction that was begun on the connection, so nothing was written",
    "use an engine of their own for other tables, also in a fact provider; above all beside a memory database",
)
