"""Faults at the boundary of `sqlite3`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Engine, create_engine

from support.faults import INTERRUPTS, Counter, Kind

__all__ = ["KINDS", "SqliteDriver"]


def _driver_error(code: int, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"SECRET: INSERT INTO t VALUES ('SECRET')\n{name}")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


_io_error = partial(_driver_error, sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE")

KINDS: Final[Mapping[str, Kind]] = {
    **INTERRUPTS,
    "driver error": Kind(_io_error, of_the_driver=True),
    "lost": Kind(_io_error, lasting=True, of_the_driver=True),
    "busy": Kind(partial(_driver_error, sqlite3.SQLITE_BUSY, "SQLITE_BUSY"), after=False, of_the_driver=True),
}
"""Every way to fail, by name. A database that is busy has not done what it was asked."""


class SqliteDriver(Counter):
    """`sqlite3`, with a fault where one is wanted.

    Args:
        instead: For statements what is executed in their place, as if whoever sends them did not know better.
    """

    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        """Begin without a fault."""
        super().__init__()
        self._instead = {} if instead is None else instead

    def engine(self, place: object, **arguments: Any) -> Engine:
        """See `Driver.engine`; the place is a path."""
        factory = partial(_Connection, self)
        return create_engine(f"sqlite:///{place}", connect_args={"factory": factory, **arguments})

    def statement(self, sql: str) -> str:
        """Return what is executed for a statement."""
        return self._instead.get(sql, sql)


class _Connection(sqlite3.Connection):
    _driver: SqliteDriver

    def __init__(self, driver: SqliteDriver, *args: Any, **arguments: Any) -> None:
        super().__setattr__("_driver", driver)
        driver.call("connect", lambda: None)
        super().__init__(*args, **arguments)
        sqlite3.Cursor(self).execute("PRAGMA synchronous = OFF")  # to be quick: nobody cuts the power

    def __setattr__(self, name: str, value: object) -> None:
        asks = name != "row_factory"  # the others may end a transaction
        self._driver.call(f"set {name}", lambda: super(_Connection, self).__setattr__(name, value), asks=asks)

    @property
    def in_transaction(self) -> bool:
        return self._driver.call("in_transaction", lambda: super(_Connection, self).in_transaction, asks=False)

    def cursor(self, factory: Any = None) -> Any:
        made = partial(_Cursor, driver=self._driver)
        return self._driver.call("cursor", lambda: super(_Connection, self).cursor(made))

    def commit(self) -> None:
        self._driver.call("commit", super().commit)

    def rollback(self) -> None:
        self._driver.call("rollback", super().rollback)

    def close(self) -> None:
        self._driver.call("close", super().close)


class _Cursor(sqlite3.Cursor):
    def __init__(self, connection: sqlite3.Connection, driver: SqliteDriver) -> None:
        super().__init__(connection)
        self._driver = driver

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        real = self._driver.statement(sql)
        return self._driver.call(" ".join(sql.split()[:2]), lambda: super(_Cursor, self).execute(real, parameters))

    def fetchone(self) -> Any:
        return self._driver.call("fetchone", super().fetchone)

    def fetchall(self) -> Any:
        return self._driver.call("fetchall", super().fetchall)

    def close(self) -> None:
        self._driver.call("close cursor", super().close)
