"""How statements reach the database: the one place that decides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import attrs
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

__all__ = ["Answer", "Channel", "Send"]


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


@attrs.frozen
class Channel:
    """What statements are sent through on one connection, one after the other.

    Attributes:
        send: Sends a statement. What an earlier one gave must not be read after a later one.
        close: Lets go of the last statement, also where it was not read to its end.
    """

    send: Send
    close: Callable[[], None]

    @classmethod
    def direct(cls, cursor: DBAPICursor) -> Channel:
        """Return a channel straight to a driver whose ``execute`` returns the cursor."""
        return cls(cast("Send", cursor.execute), cursor.close)

    @classmethod
    def adapted(cls, cursor: DBAPICursor) -> Channel:
        """Return a channel straight to a driver whose ``execute`` returns something else, or nothing."""

        def send(statement: str, parameters: tuple[Any, ...] = (), /) -> Answer:
            cursor.execute(statement, parameters)
            return cast("Answer", cursor)

        return cls(send, cursor.close)

    @classmethod
    def reporting(cls, connection: Connection) -> Channel:
        """Return a channel that SQLAlchemy's events and echo see, which costs more than the statements do."""
        return cls(cast("Send", connection.exec_driver_sql), _nothing)  # SQLAlchemy closes each cursor by itself


def _nothing() -> None:
    """Nothing is to be done."""
