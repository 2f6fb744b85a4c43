"""Transactions: the store's own ones, and those of a caller that it takes part in.

What is special to SQLite is here. The driver's own way of beginning would let reads stand outside the transaction and
lose updates without an error (L3), so the store begins by itself, on a connection that it puts in order again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, StaticPool

from casewright.adapters.sqlalchemy.failures import DRIVER_ERRORS, is_full, origin
from casewright.adapters.sqlalchemy.sending import Channel, Send
from casewright.adapters.sqlalchemy.turns import by_hand, check_idle, take
from casewright.errors import MisuseError, OutcomeUnknownError

__all__ = ["JoinedTransaction", "OwnTransaction", "Transaction", "prefer_wal"]


_ENDED: Final = (
    "somebody has ended the transaction that was begun on the connection, so nothing was written",
    "use an engine of their own for other tables, also in a fact provider; above all beside a memory database",
)


class Transaction(Protocol):
    """What a unit of work reads and writes through."""

    def open(self) -> Send:
        """Begin, where that is still to be done, and return what sends statements."""
        ...

    def connection(self) -> Connection:
        """Begin, where that is still to be done, and return the connection."""
        ...

    def write(self, work: Callable[[Send], None]) -> None:
        """Do the work, all of it or nothing, and commit where the transaction is the store's own."""
        ...

    def end(self) -> None:
        """Undo what is not committed, and give back what is held; nothing where that is done."""
        ...


class _Loan:
    """A connection of an engine, set up so that nothing begins or commits but by a statement of ours.

    Args:
        engine: The engine.
        busy_timeout: For how long to wait for a lock, in milliseconds; as the connection does where None.
        sql_events: See `SqlAlchemyStore`.
    """

    def __init__(self, engine: Engine, *, busy_timeout: int | None, sql_events: bool) -> None:
        """Take it out of the pool."""
        # SQLAlchemy's Connection is made only where something asks for it.
        self._pooled, self._end_turn = take(engine.pool, self, busy_timeout)
        self._engine = engine
        self._channel: Channel | None = None
        self._found: tuple[str, Any, int | None] | None = None
        self._busy_timeout = busy_timeout
        try:
            driver: Any = check_idle(self._pooled.driver_connection)
            self._driver, self._rows = driver, driver.row_factory
            self._channel = channel = self._opened(sql_events=sql_events)
            self.send = send = channel.send
            driver.row_factory = None
            found = None if busy_timeout is None else send("PRAGMA busy_timeout").fetchone()[0]
            mode, value = by_hand(driver)
            self._found = (mode, getattr(driver, mode), found)
            setattr(driver, mode, value)
            if found != busy_timeout:
                send(f"PRAGMA busy_timeout = {busy_timeout}").fetchall()
        except BaseException:
            self.give_back()
            raise

    @cached_property
    def connection(self) -> Connection:
        """What executes statements of SQLAlchemy's; it is never closed by itself."""
        return Connection(self._engine, self._pooled)

    def _opened(self, *, sql_events: bool) -> Channel:
        return Channel.reporting(self.connection) if sql_events else Channel.direct(self._driver.cursor())

    def commit(self) -> None:
        """Commit what was written since the transaction began."""
        try:
            self.send("COMMIT")
        except DRIVER_ERRORS as error:
            if self._driver.in_transaction or is_full(error):  # it can be undone, or SQLite has done so by itself
                raise
            advice = "load the item to see whether it happened"
            raise OutcomeUnknownError("the database failed while it committed", advice) from origin(error)

    def give_back(self) -> None:
        """Give it back clean and as it was; where the driver cannot even do that, discard it."""
        try:
            with suppress(*DRIVER_ERRORS):
                self._put_back_or_discard()
        finally:
            self._end_turn()

    def check_begun(self) -> None:
        """Check that what was begun is still open, lest each statement be a transaction of its own (T1).

        Raises:
            MisuseError: Somebody has ended it.
        """
        if not self._driver.in_transaction:
            raise MisuseError(*_ENDED)

    def _put_back_or_discard(self) -> None:
        try:
            self._put_back()
        except BaseException:
            if self._pooled.is_valid:  # after an interrupt SQLAlchemy has discarded it by itself
                self._pooled.invalidate()
            raise
        finally:
            self._pooled.close()

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
            self._channel.close()  # a statement that was not read to its end would keep the lock


class OwnTransaction:
    """A transaction that the store begins, at the first statement, and ends.

    Args:
        engine: The engine.
        write: Whether it is to write: then it waits for the lock at once, since later SQLite would not wait.
        busy_timeout: For how long to wait for a lock, in milliseconds; as the connection does where None.
        sql_events: See `SqlAlchemyStore`.
    """

    def __init__(self, engine: Engine, *, write: bool, busy_timeout: int | None, sql_events: bool) -> None:
        """Keep how it is to begin; nothing is done yet."""
        self._engine = engine
        self._begin = "BEGIN IMMEDIATE" if write else "BEGIN"
        self._busy_timeout = busy_timeout
        self._sql_events = sql_events
        self._loan: _Loan | None = None

    def open(self) -> Send:
        """See `Transaction.open`."""
        return self._opened().send

    def connection(self) -> Connection:
        """See `Transaction.connection`."""
        return self._opened().connection

    def write(self, work: Callable[[Send], None]) -> None:
        """See `Transaction.write`."""
        loan = self._opened()
        loan.check_begun()
        work(loan.send)
        loan.commit()

    def end(self) -> None:
        """See `Transaction.end`."""
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.give_back()

    def _opened(self) -> _Loan:
        if self._loan is None:
            self._loan = _Loan(self._engine, busy_timeout=self._busy_timeout, sql_events=self._sql_events)
            try:
                self._loan.send(self._begin)
            except BaseException:
                self.end()
                raise
        return self._loan


def prefer_wal(engine: Engine, *, sql_events: bool) -> None:
    """Let readers and the writer of a database file not wait for each other from now on, if that can be had at once."""
    if isinstance(engine.pool, StaticPool):  # nobody else is on its one connection, and others may wait for it
        return
    loan = _Loan(engine, busy_timeout=0, sql_events=sql_events)
    try:
        with suppress(*DRIVER_ERRORS):  # it can only be read, or others use it now: it works in either mode
            if loan.send("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
                loan.send("PRAGMA journal_mode = WAL").fetchall()
    finally:
        loan.give_back()


class JoinedTransaction:
    """A transaction of the caller's. It is neither begun nor ended here, and what a unit writes is one savepoint.

    Args:
        connection: The caller's connection.
        sql_events: See `SqlAlchemyStore`.

    Raises:
        MisuseError: It is closed, or no transaction is open on it.
    """

    def __init__(self, connection: Connection, *, sql_events: bool) -> None:
        """Check that there is one."""
        self._connection = connection
        self._sql_events = sql_events
        self._channel: Channel | None = None
        self._checked()

    def open(self) -> Send:
        """See `Transaction.open`."""
        connection = self.connection() if self._sql_events else self._checked()
        if self._channel is None:
            direct = connection.connection.cursor
            self._channel = Channel.reporting(connection) if self._sql_events else Channel.direct(direct())
        return self._channel.send

    def connection(self) -> Connection:
        """See `Transaction.connection`."""
        connection = self._checked()
        driver: Any = connection.connection.driver_connection
        if driver.row_factory is not None and driver.row_factory is not sqlite3.Row:
            problem = "the connection that was to be joined has a row_factory, with which SQLAlchemy cannot read"
            raise MisuseError(problem, "set it on cursors of your own, or use sqlite3.Row")
        return connection

    def _checked(self) -> Connection:
        connection = self._connection
        if connection.closed or connection.invalidated:
            raise MisuseError("the connection that was to be joined is closed", _JOIN)
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            problem = (
                "no transaction is open on the connection that was to be joined, so each statement would be its own"
            )
            raise MisuseError(problem, _JOIN)
        return connection

    def write(self, work: Callable[[Send], None]) -> None:
        """See `Transaction.write`."""
        send = self.open()
        send("SAVEPOINT casewright")
        try:
            work(send)
            send("RELEASE casewright")
        except BaseException:
            self._undo(send)
            raise

    def _undo(self, send: Send) -> None:
        """Leave nothing of the work in the transaction; where that cannot be, see to it that it is never committed."""
        with suppress(*DRIVER_ERRORS):
            try:
                driver: Any = self._connection.connection.driver_connection
                if driver.in_transaction:  # after some errors SQLite has undone all of it by itself
                    send("ROLLBACK TO casewright")
                    send("RELEASE casewright")
            except BaseException:
                self.end()  # a statement that is left would keep the lock, though the connection is given up
                self._connection.invalidate()
                raise

    def end(self) -> None:
        """See `Transaction.end`: the connection is the caller's, but no statement is left on it."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(*DRIVER_ERRORS):
                channel.close()


_JOIN: Final = (
    "SQLAlchemy's own begin() does not begin on SQLite: "
    'call connection.exec_driver_sql("BEGIN IMMEDIATE") first, and connection.commit() after the unit has ended'
)
