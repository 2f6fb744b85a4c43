"""Faults at the boundary of the driver: every call of `sqlite3` can be made to fail, before or after it was done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import Engine, create_engine

T = TypeVar("T")


@attrs.frozen
class Kind:
    """A way to fail.

    Attributes:
        make: Makes what is raised.
        lasting: Whether each later call of the connection fails as well, as when it is lost.
        after: Whether it may also come when the call has been done.
    """

    make: Callable[[], BaseException]
    lasting: bool = False
    after: bool = True

    @property
    def of_the_driver(self) -> bool:
        """Whether it is the driver that raises it, so that a store has to translate it."""
        return isinstance(self.make(), sqlite3.Error)


def _driver_error(code: int, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"SECRET: INSERT INTO t VALUES ('SECRET')\n{name}")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


_io_error = partial(_driver_error, sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE")

KINDS: Final[Mapping[str, Kind]] = {
    "error": Kind(lambda: RuntimeError("planted")),
    "interrupt": Kind(KeyboardInterrupt),
    "cancel": Kind(asyncio.CancelledError),
    "exit": Kind(lambda: SystemExit(3)),
    "generator exit": Kind(GeneratorExit),
    "driver error": Kind(_io_error),
    "lost": Kind(_io_error, lasting=True),
    "busy": Kind(partial(_driver_error, sqlite3.SQLITE_BUSY, "SQLITE_BUSY"), after=False),
}
"""Every way to fail, by name. A database that is busy has not done what it was asked."""


@attrs.frozen
class Fault:
    """One call that fails.

    Attributes:
        place: Which call, from 0.
        kind: How.
        after: Whether the call is done first.
        error: What is raised: one object, so that it can be known again.
    """

    place: int
    kind: Kind
    after: bool
    error: BaseException = attrs.field(
        init=False, default=attrs.Factory(lambda self: self.kind.make(), takes_self=True)
    )

    def hits(self, place: int, name: str) -> bool:
        """Return whether this call fails. A connection that is lost can still be closed."""
        return place == self.place or (self.kind.lasting and place > self.place and not name.startswith("close"))


class Driver:
    """`sqlite3`, with a fault where one is wanted. Its engines give out connections that count their calls.

    Args:
        instead: For statements what is executed in their place, as if whoever sends them did not know better.
    """

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        """Begin without a fault."""
        self.calls: list[str] = []
        self._instead = {} if instead is None else instead
        self._running = False
        self._fault: Fault | None = None

    def engine(self, path: object, **arguments: Any) -> Engine:
        """Return an engine whose connections are ours; further arguments are those of `sqlite3.connect`."""
        factory = partial(_Connection, self)
        return create_engine(f"sqlite:///{path}", connect_args={"factory": factory, **arguments})

    def run(self, work: Callable[[], object], fault: Fault | None = None) -> BaseException | None:
        """Do the work with this fault in its way, and return what it raised; only its own calls are counted."""
        self.calls, self._fault, self._running = [], fault, True
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
            return error
        finally:
            self._running = False
        return None

    def statement(self, sql: str) -> str:
        """Return what is executed for a statement."""
        return self._instead.get(sql, sql)

    def call(self, name: str, real: Callable[[], T], *, asks: bool = True) -> T:
        """Make one call: count it, and fail where that is wanted.

        Args:
            name: What it is noted as.
            real: The call.
            asks: Whether the database is asked for anything; else there is nothing that could fail by itself.
        """
        if not self._running:
            return real()
        place, fault = len(self.calls), self._fault
        self.calls.append(name)
        if fault is None or not fault.hits(place, name) or (fault.kind.of_the_driver and not asks):
            return real()
        if fault.after:
            real()
        raise fault.error


class _Connection(sqlite3.Connection):
    _driver: Driver

    def __init__(self, driver: Driver, *args: Any, **arguments: Any) -> None:
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
    def __init__(self, connection: sqlite3.Connection, driver: Driver) -> None:
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
