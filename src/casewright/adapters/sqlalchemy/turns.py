"""Taking a connection out of a pool, one thread after the other where the pool has just one for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock, get_ident
from typing import Any, Final
from weakref import finalize

from sqlalchemy import Pool, PoolProxiedConnection, StaticPool

from casewright.errors import MisuseError, TransientStorageError

__all__ = ["by_hand", "check_idle", "take"]

_LEGACY: Final = -1  # sqlite3.LEGACY_TRANSACTION_CONTROL, which Python 3.11 has no name for
_BY_HAND: Final[Mapping[bool, tuple[str, object]]] = {True: ("isolation_level", None), False: ("autocommit", True)}

_AS_THE_DRIVER: Final = 5.0  # seconds

_TAKEN: Final = (
    "on the one connection of a memory database a transaction is open already",
    "end that unit or transaction first, or keep the database in a file",
)
_OTHERS: Final = (
    "other threads use the one connection of a memory database for longer than the busy timeout",
    "try again; end units sooner, or pass the store a longer busy_timeout",
)


class _Turn:
    """Whose turn it is on the one connection of a pool, as all stores on it see it."""

    def __init__(self) -> None:
        """Begin with nobody's."""
        self._lock = Lock()
        self._owner: int | None = None

    def begin(self, busy_timeout: int | None) -> None:
        """Wait for it, unless this very thread would have to end it first."""
        if self._owner == get_ident():
            raise MisuseError(*_TAKEN)
        if not self._lock.acquire(timeout=_AS_THE_DRIVER if busy_timeout is None else busy_timeout / 1000):
            raise TransientStorageError(*_OTHERS)
        self._owner = get_ident()

    def end(self) -> None:
        """Let the next thread have it."""
        self._owner = None
        self._lock.release()


def take(pool: Pool, user: object, busy_timeout: int | None) -> tuple[PoolProxiedConnection, Callable[[], object]]:
    """Take a connection out of a pool.

    Args:
        pool: The pool.
        user: What uses it; when it is forgotten, others may have their turn.
        busy_timeout: For how long to wait for other threads, in milliseconds; five seconds where None.

    Returns:
        The connection, and what is to be called when it is back in the pool.

    Raises:
        MisuseError: It is the only one, and a transaction is open on it.
        TransientStorageError: It is the only one, and other threads use it.
    """
    if not isinstance(pool, StaticPool):
        return pool.connect(), _nothing
    turn: _Turn = vars(pool).setdefault("casewright_turn", _Turn())
    turn.begin(busy_timeout)
    end = finalize(user, turn.end)
    try:
        check_idle(pool.connection.dbapi_connection)  # giving it back would end the transaction on it
        return pool.connect(), end
    except BaseException:
        end()
        raise


def by_hand(driver: Any) -> tuple[str, object]:  # noqa: ANN401 - a connection of the driver
    """Return the attribute of the connection, and its value, with which nothing begins or ends but by a statement.

    The newer attribute only where the connection is set to it: then the older one has no effect, and with it the
    driver's own rollback, which pools rely on, has none.
    """
    return _BY_HAND[getattr(driver, "autocommit", _LEGACY) == _LEGACY]


def check_idle(driver: Any) -> Any:  # noqa: ANN401 - a connection of the driver, or None for one that was discarded
    """Return it, after a check that no transaction is open on it.

    Raises:
        MisuseError: One is.
    """
    # A driver that is told never to autocommit is always in a transaction.
    if getattr(driver, "in_transaction", False) and getattr(driver, "autocommit", _LEGACY) is not False:
        raise MisuseError(*_TAKEN)
    return driver


def _nothing() -> None:
    """Nobody waits."""
