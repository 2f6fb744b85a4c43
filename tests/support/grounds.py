"""Where sweeps happen: a database of each kind, an engine whose driver can fail, and one that never does."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import attrs
from sqlalchemy import URL, Connection, Engine, create_engine, event

from support.faults import Driver
from support.sqlite_faults import SqliteDriver
from support.stores import hasty

__all__ = ["Ground", "PostgresGround", "SqliteGround"]

_OWN: Final[dict[str, Any]] = {"isolation_level": "EXCLUSIVE", "timeout": 0.25}
"""How the caller has set up the connections of the engine: not at all as the store needs them."""


class Ground(Protocol):
    """A database that work is done in."""

    @property
    def place(self) -> Path | URL:
        """The database, as `support.plain_sql` finds it."""
        ...

    @property
    def driver(self) -> Driver:
        """What can fail."""
        ...

    @property
    def engine(self) -> Engine:
        """The engine whose connections are the driver's."""
        ...

    @property
    def sound(self) -> Engine:
        """Another one, to bring about what the work needs."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """How stores are made here."""
        ...

    def begin(self, connection: Connection) -> None:
        """Open a transaction."""
        ...

    def check_clean(self, connection: Any) -> None:
        """Check that a connection of the driver's has no transaction open and is as its owner has set it up."""
        ...


@attrs.frozen
class SqliteGround:
    """A SQLite file, whose connections are set up in a way of the caller's own."""

    place: Path
    driver: Driver
    engine: Engine
    sound: Engine
    options: Mapping[str, Any] = MappingProxyType({"busy_timeout": timedelta(milliseconds=200)})

    @classmethod
    def at(cls, path: Path, driver: Driver | None = None) -> SqliteGround:
        """Return the ground in this file.

        Args:
            path: The file.
            driver: The driver; one that does what it is asked where None.
        """
        failing = SqliteDriver() if driver is None else driver
        engine = failing.engine(path, **_OWN)
        event.listen(engine, "connect", lambda driver, _: setattr(driver, "row_factory", sqlite3.Row))
        return cls(path, failing, engine, hasty(create_engine(f"sqlite:///{path}")))

    def begin(self, connection: Connection) -> None:
        """See `Ground.begin`."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def check_clean(self, connection: Any) -> None:
        """See `Ground.check_clean`."""
        assert not connection.in_transaction
        assert connection.isolation_level == _OWN["isolation_level"]
        assert connection.row_factory is sqlite3.Row
        assert tuple(connection.execute("PRAGMA busy_timeout").fetchone()) == (250,)


@attrs.frozen
class PostgresGround:
    """A database on a PostgreSQL server."""

    place: URL
    driver: Driver
    engine: Engine
    sound: Engine
    options: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def at(cls, url: URL, driver: Driver) -> PostgresGround:
        """Return the ground in the database at this URL."""
        return cls(url, driver, driver.engine(url, application_name="swept"), create_engine(url))

    def begin(self, connection: Connection) -> None:
        """See `Ground.begin`."""
        connection.begin()

    def check_clean(self, connection: Any) -> None:
        """See `Ground.check_clean`."""
        assert connection.info.transaction_status.name == "IDLE"
        assert not connection.autocommit
        assert connection.isolation_level is None
        assert connection.execute("SHOW application_name").fetchone() == ("swept",)
        connection.rollback()
