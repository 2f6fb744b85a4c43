"""What drivers and SQLAlchemy raise, as casewright's own errors: told apart by code, never by text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final

import attrs
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from casewright.errors import StorageError, TransientStorageError

__all__ = [
    "BUSY_POOL",
    "DAMAGED",
    "DOUBLED",
    "FORBIDDEN",
    "FULL",
    "FULL_HOUSE",
    "LOCKED",
    "LOST",
    "READ_ONLY",
    "STOPPED",
    "UNREACHABLE",
    "UNUSABLE",
    "Failures",
    "Trouble",
]


@attrs.frozen
class Trouble:
    """What a store says of a failure.

    Attributes:
        problem: What failed.
        advice: What would help.
        transient: Whether the same may succeed another time.
    """

    problem: str
    advice: str
    transient: bool = False

    def error(self) -> StorageError:
        """Return it as an error."""
        return (TransientStorageError if self.transient else StorageError)(self.problem, self.advice)


LOCKED: Final = Trouble(
    "what is needed is locked by somebody else for longer than the database waits, or two wait for each other",
    "try again; keep transactions short",
    transient=True,
)
"""Somebody else holds a lock that is needed."""
LOST: Final = Trouble(
    "the connection to the database was lost before anything was committed",
    "try again; see whether the server was restarted, and what ends connections between it and here",
    transient=True,
)
"""A server has gone away."""
UNREACHABLE: Final = Trouble(
    "the database cannot be reached",
    "check host, port and name in the engine's URL, and that its server runs and lets this client in",
)
"""No connection could be made."""
READ_ONLY: Final = Trouble(
    "the database can only be read, as a replica can",
    "pass an engine for the one that may be written, or begin units with write=False",
)
"""Nothing can be written here."""
FULL: Final = Trouble(
    "the disk is full, or the database has reached the size it may have", "make room; nothing was written"
)
"""There is no room."""
FULL_HOUSE: Final = Trouble(
    "the server has no connection left", "try again; give it more, or its clients smaller pools", transient=True
)
"""A server lets nobody else in for now."""
STOPPED: Final = Trouble(
    "the server ended the statement: it ran for longer than it may, or somebody has cancelled it",
    "try again; statement_timeout or max_statement_time says how long it may run",
    transient=True,
)
"""A server has lost patience."""
FORBIDDEN: Final = Trouble(
    "the database does not let this user do it",
    "grant it select, insert, update and delete on the store's tables, and select on the one of the version",
)
"""A right is missing."""
DAMAGED: Final = Trouble("the database's files cannot be read or are damaged", "see the server's log; restore a backup")
"""What was kept cannot be read."""
DOUBLED: Final = Trouble(
    "a row that should be new is there already, or breaks a rule that was added to the tables",
    "find out who else writes to its tables, and whether they are of a newer version: python -m casewright schema",
)
"""A rule of the tables is broken."""
UNUSABLE: Final = Trouble(
    "the connection to the database cannot be used",
    "keep it open until the unit has ended, and use it only in the thread that made it",
)
"""The connection was closed, or is another thread's."""
_TEXT: Final = Trouble(
    "the connection to the database cannot carry all text, or what it gave is no text",
    "let it use UTF-8: client_encoding or charset in the engine's URL",
)
BUSY_POOL: Final = Trouble(
    "all connections of the engine's pool are in use",
    "try again; end units sooner, or give the engine a larger pool",
    transient=True,
)


class Failures(ABC):
    """Raises casewright's errors for those of one driver. It keeps nothing of what it met.

    Used in a ``with`` block around everything that reaches the database.

    Args:
        *raised: The driver's classes of errors.

    Attributes:
        of_driver: The same.
        raised: All that may come of a call that reaches the database.
    """

    def __init__(self, *raised: type[Exception]) -> None:
        """Keep which classes the driver has for its errors."""
        self.of_driver: tuple[type[Exception], ...] = raised
        self.raised: tuple[type[Exception], ...] = (*raised, SQLAlchemyError, OSError)

    @abstractmethod
    def trouble(self, error: Exception) -> Trouble:
        """Return what to say of an error of the driver."""

    @abstractmethod
    def told(self, error: Exception) -> bool:
        """Return whether an error of the driver has a code of the database, so that its text shows no value."""

    @abstractmethod
    def is_final(self, error: Exception) -> bool:
        """Return whether what an error says of a commit is sure: it has not happened."""

    def unreachable(self, error: Exception) -> Trouble:
        """Return what to say where no connection could be made."""
        full = isinstance(error, self.of_driver) and self.trouble(error) is FULL_HOUSE
        return FULL_HOUSE if full else UNREACHABLE

    def is_outdated(self, error: Exception) -> bool:
        """Return whether what the connection knows of the tables is no longer so: an error of the driver says it."""
        return False

    def __enter__(self) -> None:
        """Translate from here on."""
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise an error of casewright's in place of the driver's; let all others pass."""
        if isinstance(error, PoolTimeoutError):
            raise BUSY_POOL.error() from error
        own = own_error(error)
        if isinstance(own, self.of_driver):
            raise self.trouble(own).error() from self.origin(own)
        if isinstance(own, SQLAlchemyError):
            raise UNUSABLE.error() from None
        if isinstance(own, UnicodeError):  # its text shows the value
            raise _TEXT.error() from None
        if isinstance(own, OSError):
            raise UNREACHABLE.error() from own
        if own is not None and own is not error:  # raised by something else on the way, and wrapped by SQLAlchemy
            raise own from own.__cause__

    def origin(self, error: BaseException) -> BaseException | None:
        """Return what to name as the cause of an error: the driver's own error, unless its text may show values."""
        own = own_error(error)
        return own if isinstance(own, self.of_driver) and self.told(own) else None


def own_error(error: BaseException | None) -> BaseException | None:
    """Return what was raised, without what SQLAlchemy has put around it."""
    return error.orig if isinstance(error, StatementError) else error
