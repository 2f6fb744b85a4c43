"""What the driver and SQLAlchemy raise, as casewright's own errors: told apart by code, never by text."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import TracebackType
from typing import Final

from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from casewright.errors import StorageError, TransientStorageError

__all__ = ["DRIVER_ERRORS", "TRANSLATED", "is_full", "origin"]

DRIVER_ERRORS: Final = (sqlite3.Error, SQLAlchemyError)

_LOCKED: Final = (
    "the database is locked by somebody else for longer than the busy timeout",
    "try again; keep transactions short, or pass the store a longer busy_timeout",
)
_CONNECTION: Final = (
    "the connection to the database cannot be used",
    "keep it open until the unit has ended, and use it only in the thread that made it",
)
_UNREADABLE: Final = (
    "a row holds what this store cannot have written",
    "find out who else writes to its tables",
)
_POOL: Final = (
    "all connections of the engine's pool are in use",
    "try again; end units sooner, or give the engine a larger pool",
)

_TEXTS: Final[Mapping[int, tuple[str, str]]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_BUSY_SNAPSHOT: (
        "others have written since the transaction that was joined first read",
        "roll it back, and begin it with BEGIN IMMEDIATE",
    ),
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: (
        "the database can only be read",
        "make its file and its folder writable, or begin units with write=False",
    ),
    sqlite3.SQLITE_FULL: (
        "the disk is full, or the database has reached the size it may have",
        "make room; nothing was written",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "the database file cannot be opened",
        "check that the path in the engine's URL exists and that its folder may be read and written",
    ),
    sqlite3.SQLITE_NOTADB: (
        "the file is no SQLite database, or an encrypted one",
        "check the path in the engine's URL",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the database file is damaged",
        "restore a backup; PRAGMA integrity_check shows what is broken",
    ),
    sqlite3.SQLITE_IOERR: (
        "the database file could not be read or written",
        "check the disk and the file system that it is on",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "a row that should be new is there already, or breaks a rule that was added to the tables",
        "find out who else writes to its tables",
    ),
}
_TRANSIENT: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class _Translation:
    """Raises casewright's errors for the driver's. It keeps nothing, so there is one for all."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PoolTimeoutError):
            raise TransientStorageError(*_POOL) from error
        own = error.orig if isinstance(error, StatementError) else error
        if isinstance(own, sqlite3.Error):
            raise _translated(own) from origin(own)
        if isinstance(own, SQLAlchemyError):
            raise StorageError(*_CONNECTION) from None
        if own is not None and own is not error:  # raised by something else on the way, and wrapped by SQLAlchemy
            raise own from own.__cause__


TRANSLATED: Final = _Translation()
"""Use it in a ``with`` block around everything that reaches the database."""


def origin(error: Exception) -> BaseException | None:
    """Return what to name as the cause of an error of ours: the driver's own error, unless its text may show values."""
    own = error.orig if isinstance(error, StatementError) else error
    return own if hasattr(own, "sqlite_errorcode") else None


def is_full(error: Exception) -> bool:
    """Return whether the error says that there was no room, after which SQLite has written nothing."""
    return getattr(origin(error), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def _translated(error: sqlite3.Error) -> StorageError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the driver itself, and its text may show a value
        return StorageError(*(_CONNECTION if isinstance(error, sqlite3.ProgrammingError) else _UNREADABLE))
    primary = code & 0xFF
    cls = TransientStorageError if primary in _TRANSIENT else StorageError
    other = f"the database refused what the store asked ({error.sqlite_errorname})"
    advice = "store.ping() tells whether its tables are as they should be"
    return cls(*_TEXTS.get(code, _TEXTS.get(primary, (other, advice))))
