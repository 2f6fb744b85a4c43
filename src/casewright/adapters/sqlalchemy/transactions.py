"""Transactions: the store's own ones, and those of a caller that it takes part in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from sqlalchemy import Connection, Engine

from casewright.adapters.sqlalchemy.databases import Database
from casewright.adapters.sqlalchemy.loans import Loan
from casewright.adapters.sqlalchemy.sending import Channel, Send
from casewright.errors import MisuseError

__all__ = ["JoinedTransaction", "OwnTransaction", "Transaction"]


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

    def finish(self) -> None:
        """End what has read everything and written nothing; psycopg forgets what it has prepared at each rollback."""
        ...

    @property
    def idle(self) -> bool:
        """Whether it holds nothing, so that `end` does nothing."""
        ...

    def end(self) -> None:
        """Undo what is not committed, and give back what is held; nothing where that is done."""
        ...


class OwnTransaction:
    """A transaction that the store begins, at the first statement, and ends.

    Args:
        engine: The engine.
        database: The database that it is for.
        begin: The statement that begins it; None where the driver does so by itself.
        busy_timeout: For how long to wait for a lock, in milliseconds; as the connection does where None.
        sql_events: See `SqlAlchemyStore`.
    """

    def __init__(
        self, engine: Engine, database: Database, *, begin: str | None, busy_timeout: int | None, sql_events: bool
    ) -> None:
        """Keep how it is to begin; nothing is done yet."""
        self._engine = engine
        self._database = database
        self._begin = begin
        self._busy_timeout = busy_timeout
        self._sql_events = sql_events
        self._loan: Loan | None = None

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

    def finish(self) -> None:
        """See `Transaction.finish`."""
        self._opened().finish()
        self.end()

    @property
    def idle(self) -> bool:
        """See `Transaction.idle`."""
        return self._loan is None

    def end(self) -> None:
        """See `Transaction.end`."""
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.give_back()

    def _opened(self) -> Loan:
        if self._loan is None:
            self._loan = self._database.lend(self._engine, busy_timeout=self._busy_timeout, sql_events=self._sql_events)
            try:
                if self._begin is not None:
                    self._loan.send(self._begin)
            except BaseException:
                self.end()
                raise
        return self._loan


class JoinedTransaction:
    """A transaction of the caller's. It is neither begun nor ended here, and what a unit writes is one savepoint.

    Args:
        connection: The caller's connection.
        database: The database that it is to.
        sql_events: See `SqlAlchemyStore`.

    Raises:
        MisuseError: It is closed, or no transaction is open on it.
    """

    def __init__(self, connection: Connection, database: Database, *, sql_events: bool) -> None:
        """Check that there is one."""
        self._connection = connection
        self._database = database
        self._sql_events = sql_events
        self._channel: Channel | None = None
        self._checked()

    def open(self) -> Send:
        """See `Transaction.open`."""
        connection = self.connection() if self._sql_events else self._checked()
        if self._channel is None:
            if self._sql_events or self._database.outdates:
                self._channel = Channel.reporting(connection)
            else:
                self._channel = self._database.channel(connection.connection.cursor())
        return self._channel.send

    def connection(self) -> Connection:
        """See `Transaction.connection`."""
        connection = self._checked()
        self._database.check_rows(connection)
        return connection

    def _checked(self) -> Connection:
        connection = self._connection
        if connection.closed or connection.invalidated:
            raise MisuseError("the connection that was to be joined is closed", "keep it open until the unit has ended")
        self._database.check_joined(connection)
        return connection

    def write(self, work: Callable[[Send], None]) -> None:
        """See `Transaction.write`."""
        send = self.open()
        try:
            send("SAVEPOINT casewright")
        except self._database.failures.raised:
            raise  # it is not there
        except BaseException:  # it may be there, and a later unit must not go back to it by its name
            self._undo(send)
            raise
        try:
            work(send)
            send("RELEASE SAVEPOINT casewright")
        except BaseException:
            self._undo(send)
            raise

    def _undo(self, send: Send) -> None:
        """Leave nothing of the work in the transaction; where that cannot be, see to it that it is never committed."""
        with suppress(*self._database.failures.raised):
            try:
                if self._database.is_in_transaction(self._connection):
                    send("ROLLBACK TO SAVEPOINT casewright")
                    send("RELEASE SAVEPOINT casewright")
            except BaseException:
                self.end()  # a statement that is left would keep the lock, though the connection is given up
                self._connection.invalidate()
                raise

    def finish(self) -> None:
        """See `Transaction.finish`: it goes on."""
        self.end()

    @property
    def idle(self) -> bool:
        """See `Transaction.idle`."""
        return self._channel is None

    def end(self) -> None:
        """See `Transaction.end`: the connection is the caller's, but no statement is left on it."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(*self._database.failures.raised):
                channel.close()
        self._database.let_go(self._connection)
