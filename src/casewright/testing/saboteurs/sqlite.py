"""Bugs planted into a small store on SQLite: the ways to get its transactions wrong, each in one method.

`PlainSqliteStore` itself is sound, and keeps the whole of the core contract. It is not made to be used: it opens the
file anew for each unit, and keeps everything as JSON in one table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from casewright.application.buffering import BufferingUnitOfWork
from casewright.application.writes import Writes
from casewright.codec import from_json, to_json
from casewright.domain.events import Event
from casewright.domain.ids import ItemId
from casewright.domain.items import Case, Item, Note, Task
from casewright.errors import AlreadyExistsError, TransientStorageError

__all__ = [
    "BeginsDeferred",
    "LetsTheDriverBegin",
    "PlainSqliteStore",
    "PlainSqliteUnitOfWork",
    "RollsBackOnExceptionsOnly",
    "in_a_file",
]

_TABLE = "CREATE TABLE kept (tenant, what, id, item_id, text, PRIMARY KEY (tenant, what, id))"
_PUT = "REPLACE INTO kept VALUES (?, ?, ?, ?, ?)"
_BY_ID = "SELECT text FROM kept WHERE tenant = ? AND what = ? AND id = ?"
_BY_ITEM = "SELECT text FROM kept WHERE tenant = ? AND what = ? AND item_id = ? ORDER BY rowid"


class PlainSqliteStore:
    """Keeps everything in one table of a SQLite file, and has no bug but those of its units.

    Args:
        path: The file, which is made.
        unit: The class of its units; a sound one where none is given.
    """

    def __init__(self, path: str, unit: type[PlainSqliteUnitOfWork] | None = None) -> None:
        """Make the table."""
        self._path = path
        self._unit = PlainSqliteUnitOfWork if unit is None else unit
        self._connections: set[sqlite3.Connection] = set()
        with closing(self.connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the one who writes
            connection.execute(_TABLE)

    def begin(self, *, tenant: str, write: bool = True) -> PlainSqliteUnitOfWork:
        """Return a new unit of work; see `Store.begin`."""
        return self._unit(self, tenant, write=write)

    def connect(self) -> sqlite3.Connection:
        """Open the file; nothing begins on the connection but by a statement."""
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connections.add(connection)
        connection.execute("PRAGMA synchronous = OFF")  # what is planted here shows without a power cut
        return connection

    def disconnect(self, connection: sqlite3.Connection) -> None:
        """Close a connection; what is not committed on it is undone."""
        self._connections.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close what units have left open."""
        for connection in list(self._connections):
            self.disconnect(connection)


class PlainSqliteUnitOfWork(BufferingUnitOfWork):
    """A unit of work on a `PlainSqliteStore`.

    Args:
        store: The store.
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    def __init__(self, store: PlainSqliteStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded, and without a connection."""
        super().__init__(tenant, write=write)
        self._store = store
        self._connection: sqlite3.Connection | None = None

    def _begin(self, connection: sqlite3.Connection) -> None:
        # Who is going to write waits for the lock before the first read, so that what is compared stays as it is.
        connection.execute("BEGIN IMMEDIATE" if self._write else "BEGIN")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._store.connect()
            self._begin(self._connection)
        return self._connection

    def _execute(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._opened().execute(statement, (self.tenant, *values)).fetchall()
        except sqlite3.OperationalError as error:
            raise TransientStorageError(f"SQLite could not do it: {error}") from error

    def _texts(self, statement: str, what: str, id: str) -> list[str]:
        return [text for (text,) in self._execute(statement, what, id)]

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        texts = self._texts(_BY_ID, "item", item_id)
        return from_json(texts[0], Task | Case) if texts else None

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        texts = self._texts(_BY_ITEM, "event", item_id)
        return tuple(from_json(text, Event) for text in texts[after : None if limit is None else after + limit])

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return tuple(from_json(text, Note) for text in self._texts(_BY_ITEM, "note", item_id))

    def _flush(self, writes: Writes) -> None:
        for row in writes.rows:
            item_id = row.after.id
            self._execute(_PUT, "item", item_id, item_id, to_json(row.onto(self._load(item_id, lock=True))))
        for event in writes.events:
            self._execute(_PUT, "event", event.id, event.item_id, to_json(event))
        for note in writes.notes:
            if self._texts(_BY_ID, "note", note.id):
                raise AlreadyExistsError(note.id, "note")
            self._execute(_PUT, "note", note.id, note.item_id, to_json(note))
        self._opened().commit()

    def _end(self) -> None:
        if self._connection is not None:
            self._store.disconnect(self._connection)


class BeginsDeferred(PlainSqliteUnitOfWork):
    """Begins without the lock: who has read before others wrote is told "database is locked" at once, and never waits.

    SQLite cannot let a transaction write that has read what is no longer so.
    """

    def _begin(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")


class LetsTheDriverBegin(PlainSqliteUnitOfWork):
    """Begins as the driver does by default: before the first write, so that what is compared was read before that."""

    def _begin(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = "DEFERRED"


class RollsBackOnExceptionsOnly(PlainSqliteUnitOfWork):
    """Rolls back on an Exception: any other one that leads out of the block leaves the transaction open."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back on an Exception, and where there was none."""
        if kind is None or issubclass(kind, Exception):
            self.rollback()


@contextmanager
def in_a_file(unit: type[PlainSqliteUnitOfWork] | None = None) -> Iterator[PlainSqliteStore]:
    """Yield an empty store in a file of its own, and remove it.

    Args:
        unit: The class of its units; a sound one where none is given.

    Yields:
        The store.
    """
    with TemporaryDirectory() as folder, closing(PlainSqliteStore(f"{folder}/store.db", unit)) as store:
        yield store
