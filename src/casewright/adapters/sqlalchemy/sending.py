"""How statements reach the database: the one place that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Answer", "Send", "sender"]


class Answer(Protocol):
    """What came back."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a row, as the driver gives it
        """Return the next row; None after the last one."""
        ...

    def fetchall(self) -> Sequence[Any]:
        """Return all rows."""
        ...


class Send(Protocol):
    """Sends one statement in the driver's own words, with its parameters by position."""

    def __call__(self, statement: str, parameters: tuple[Any, ...] = ..., /) -> Answer:
        """Return what comes back."""
        ...


def sender(connection: Connection, *, sql_events: bool) -> Send:
    """Return what sends statements on a connection.

    Args:
        connection: The connection.
        sql_events: Whether SQLAlchemy's events and echo are to see them, which costs more than the statements do; else
            they go straight to a cursor of the driver.

    Returns:
        The function. What an earlier call gave must not be read after a later one.
    """
    return cast("Send", connection.exec_driver_sql if sql_events else connection.connection.cursor().execute)
