"""Faults at the boundary of `psycopg`: what is planted is done to the connection as well, as the server would do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Engine, create_engine, event

from support.faults import INTERRUPTS, Counter, Fault, Kind

__all__ = ["KINDS", "RETRIED", "PostgresDriver", "refusal"]

T = TypeVar("T")

RETRIED: Final = ("40001", "40P01", "55P03", "53300", "57014")
"""What a server answers that may go well another time."""

_TEXT: Final = "SECRET: INSERT INTO t VALUES ('SECRET')\nDETAIL: SECRET"


def _refused(state: str) -> psycopg.Error:
    return errors.lookup(state)(_TEXT)


def refusal(state: str) -> Kind:
    """Return the kind of a statement that the server refuses with this SQLSTATE, and has not done."""
    return Kind(partial(_refused, state), after=False, of_the_driver=True)


KINDS: Final[Mapping[str, Kind]] = {
    **INTERRUPTS,
    "lost": Kind(lambda: psycopg.OperationalError(_TEXT), of_the_driver=True, loses=True),
    "gone": Kind(lambda: psycopg.OperationalError(_TEXT), of_the_driver=True, loses=True, lasting=True),
    "shut down": Kind(partial(_refused, "57P01"), of_the_driver=True, loses=True),
    "broken": Kind(partial(_refused, "58030"), of_the_driver=True, after=False),
    **{state: refusal(state) for state in RETRIED},
}
"""Every way to fail, by name."""


class PostgresDriver(Counter):
    """`psycopg`, with a fault where one is wanted.

    Attributes:
        careless: Whether its ``rollback`` keeps what was written.
    """

    kinds: Mapping[str, Kind] = KINDS
    careless: bool = False

    def engine(self, place: URL, **arguments: Any) -> Engine:
        """See `Driver.engine`; the place is a URL."""
        engine = create_engine(place, connect_args=arguments)

        @event.listens_for(engine, "do_connect")
        def connect(dialect: Any, record: Any, args: Any, named: Any) -> psycopg.Connection:
            connection = self.call("connect", partial(_Connection.connect, *args, **named))
            connection.driver, connection.cursor_factory = self, _Cursor
            return connection

        return engine


class _Connection(psycopg.Connection[Any]):
    driver: PostgresDriver | None = None

    def __del__(self, *_: Any) -> None:
        self.pgconn.finish()  # psycopg would warn of one whose `close` was the call that failed

    def _harm(self, fault: Fault, *, ended: bool = False) -> None:
        if fault.kind.loses:
            self.pgconn.finish()
        elif fault.kind.of_the_driver and ended:
            super().rollback()  # of a commit that it has refused, the server has undone all
        elif fault.kind.of_the_driver and self.pgconn.transaction_status == TransactionStatus.INTRANS:
            with suppress(psycopg.Error):
                psycopg.Cursor(self).execute("refuse this")  # after an error the server does nothing but roll back

    def _call(self, name: str, real: Callable[[], T], **more: Any) -> T:
        return real() if self.driver is None else self.driver.call(name, real, **more)

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        return self._call("cursor", partial(super().cursor, *arguments, **named), asks=False)

    def commit(self) -> None:
        self._call("commit", super().commit, harm=partial(self._harm, ended=True))

    def rollback(self) -> None:
        real = super().commit if self.driver is not None and self.driver.careless else super().rollback
        self._call("rollback", real, harm=self._harm)

    def close(self) -> None:
        self._call("close", super().close, asks=False)


class _Cursor(psycopg.Cursor[Any]):
    @property
    def _of(self) -> _Connection:
        return cast("_Connection", self.connection)

    def execute(self, query: Any, params: Any = None, **named: Any) -> Any:
        words = " ".join(str(query).split()[:2])
        return self._of._call(words, partial(super().execute, query, params, **named), harm=self._of._harm)

    def fetchone(self) -> Any:
        return self._of._call("fetchone", super().fetchone, asks=False)

    def fetchall(self) -> Any:
        return self._of._call("fetchall", super().fetchall, asks=False)

    def close(self) -> None:
        self._of._call("close cursor", super().close, asks=False)
