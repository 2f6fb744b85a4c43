"""Connections that a store borrows from an engine's pool, each for one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from casewright.adapters.sqlalchemy.failures import Failures
from casewright.adapters.sqlalchemy.sending import Channel, Send
from casewright.errors import MisuseError, OutcomeUnknownError

__all__ = ["Loan"]

AnswerT = TypeVar("AnswerT")


class Loan:
    """A connection of an engine whose driver begins by itself, at the first statement.

    It goes back clean and as it was; one of which that cannot be said is discarded.

    Args:
        engine: The engine.
        failures: What the driver raises.
        sql_events: Whether SQLAlchemy's events and ``echo`` are to see every statement.
    """

    send: Send

    def __init__(self, engine: Engine, failures: Failures, *, sql_events: bool) -> None:
        """Take it out of the pool."""
        # SQLAlchemy's Connection is made only where something asks for it.
        self._engine = engine
        self._failures = failures
        self._channel: Channel | None = None
        self._sound = True
        self._lost: Exception | None = None
        self._pooled, self._end_turn = self._take()
        try:
            self._driver: Any = self._pooled.dbapi_connection
            self._check()
            self._channel = channel = Channel.reporting(self.connection) if sql_events else self._direct()
            self.send = channel.send
            self._set_up()
        except BaseException:
            self.give_back()
            raise

    @cached_property
    def connection(self) -> Connection:
        """What executes statements of SQLAlchemy's; it is never closed by itself."""
        return Connection(self._engine, self._pooled)

    def commit(self) -> None:
        """Commit what was written since the transaction began."""
        try:
            self._commit()
        except self._failures.raised as error:
            if self._is_undone(error):
                raise
            advice = "send the command again under the same key; without one, load the item to see whether it happened"
            problem = "the database failed while it committed"
            raise OutcomeUnknownError(problem, advice) from self._failures.origin(error)

    def finish(self) -> None:
        """Commit where nothing was written; if that fails nothing is lost, and `give_back` sees to the connection."""
        with suppress(*self._failures.raised):
            self._commit()

    def check_begun(self) -> None:
        """Check that what was begun is still open, lest each statement be a transaction of its own (T1).

        Raises:
            MisuseError: Somebody has ended it.
        """

    def give_back(self) -> None:
        """Give it back clean and as it was; where the driver cannot even do that, discard it."""
        try:
            with suppress(*self._failures.raised):
                self._put_back_or_discard()
        finally:
            self._end_turn()

    # ------------------------------------------------------------ what differs from database to database

    def _take(self) -> tuple[PoolProxiedConnection, Callable[[], object]]:
        """Return a connection of the pool, and what is to be called when it is back there."""
        try:
            return self._engine.pool.connect(), _nothing
        except PoolTimeoutError:
            raise
        except self._failures.raised as error:
            raise self._failures.unreachable(error).error() from self._failures.origin(error)

    def _check(self) -> None:
        if self._engine.dialect.detect_autocommit_setting(self._driver):
            problem = "connections of the engine autocommit, so each statement would be a transaction of its own"
            raise MisuseError(problem, "pass an engine without isolation_level=AUTOCOMMIT")

    def _direct(self) -> Channel:
        channel = Channel.adapted(self._driver.cursor())
        return Channel(lambda statement, parameters=(): self._asked(channel.send, statement, parameters), channel.close)

    def _set_up(self) -> None:
        """Nothing is to be set: the driver begins by itself."""

    def _commit(self) -> None:
        self._asked(self._driver.commit)

    def _is_undone(self, error: Exception) -> bool:
        """Whether it is sure that what failed to be committed is not there, and never will be."""
        return self._failures.is_final(error)

    def _put_back(self) -> None:
        """Undo what is not committed."""
        if not self._sound:
            self._pooled.invalidate()
        elif self._lost is not None:  # and the others in the pool with it: they are lost too, or hold what is outdated
            raise self._lost
        else:
            self._driver.rollback()

    # ------------------------------------------------------------ what is the same for all

    def _asked(self, call: Callable[..., AnswerT], *arguments: Any) -> AnswerT:  # noqa: ANN401 - of the driver's
        """Call the driver. One that was interrupted knows no longer whether a transaction is open: never use it again.

        asyncpg, cancelled while it begins, would take the next transaction for a savepoint of one that is not there.
        And where it has none open it rolls nothing back, even on a connection that was lost: nothing else would tell,
        and the pool would lend that one for ever.
        """
        try:
            return call(*arguments)
        except self._failures.raised as error:
            told: Any = error
            if self._engine.dialect.is_disconnect(told, self._driver, None) or self._failures.is_outdated(error):
                self._lost = error
            raise
        except Exception:
            raise
        except BaseException:
            self._sound = False
            raise

    def _put_back_or_discard(self) -> None:
        try:
            try:
                self._put_back()
            finally:
                if self._channel is not None:
                    self._channel.close()  # a statement that was not read to its end would keep the lock
        except BaseException as error:
            self._discard(error)
            raise
        finally:
            self._pooled.close()

    def _discard(self, error: BaseException) -> None:
        if not self._pooled.is_valid:  # after an interrupt SQLAlchemy has discarded it by itself
            return
        if isinstance(error, self._failures.raised):
            # What has ended this connection has ended the others that lie in the pool: as SQLAlchemy itself does, let
            # none of them be used again. It has no public name for that.
            self._engine.pool._invalidate(self._pooled, error)
        else:
            self._pooled.invalidate()


def _nothing() -> None:
    """Nobody waits."""
