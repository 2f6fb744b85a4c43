"""Fakes for what comes from outside: a clock that stands still, ids that can be foretold, a publisher that collects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from casewright.application.publishing import Message
from casewright.domain.ids import as_item_id
from casewright.domain.values import as_instant
from casewright.testing.builders import SOME_TIME

__all__ = ["CollectingPublisher", "FrozenClock", "SequentialIds"]

_SECOND: Final = timedelta(seconds=1)


class FrozenClock:
    """A clock that tells the same time until it is moved. Pass it as ``clock=`` to a bus.

    Args:
        at: The time it tells (aware).

    Raises:
        InvalidInputError: It is naive, or no time.
    """

    __slots__ = ("_now",)

    def __init__(self, at: datetime = SOME_TIME) -> None:
        """Stop at this time."""
        self._now = as_instant(at, "at")

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        return self._now

    def tick(self, by: timedelta = _SECOND) -> datetime:
        """Move on, or back where ``by`` is negative, and return the new time."""
        self._now += by
        return self._now

    def set(self, at: datetime) -> None:
        """Move to a time.

        Raises:
            InvalidInputError: It is naive, or no time.
        """
        self._now = as_instant(at, "at")


class SequentialIds:
    """Makes ids that count: ``id-1``, ``id-2``. Pass it as ``new_id=`` to a bus; any number of threads may share one.

    Args:
        prefix: What stands before the hyphen.

    Raises:
        InvalidInputError: No id can begin so.
    """

    __slots__ = ("_numbers", "_prefix")

    def __init__(self, prefix: str = "id") -> None:
        """Begin at 1."""
        self._prefix = as_item_id(prefix)
        self._numbers = count(1)

    def __call__(self) -> str:
        """Return the next id."""
        return f"{self._prefix}-{next(self._numbers)}"


class CollectingPublisher:
    """A `Publisher` that keeps what it is given, and refuses what it is told to.

    Args:
        refuse: Says of a message why it is not taken, or None where it is; every message is taken where it is None.

    Attributes:
        published: What it has taken, in the order in which it came.
    """

    __slots__ = ("_refuse", "published")

    def __init__(self, refuse: Callable[[Message], str | None] | None = None) -> None:
        """Begin with nothing."""
        self._refuse = refuse
        self.published: list[Message] = []

    def publish(self, messages: Sequence[Message]) -> tuple[str | None, ...]:
        """See `Publisher.publish`."""
        held: set[tuple[str, str]] = set()
        return tuple([self._taken(message, held) for message in messages])

    def _taken(self, message: Message, held: set[tuple[str, str]]) -> str | None:
        item = (message.event.tenant, message.event.item_id)
        if item in held:
            return "an earlier message of the item was not delivered"
        refusal = None if self._refuse is None else self._refuse(message)
        if refusal is None:
            self.published.append(message)
        else:
            held.add(item)
        return refusal
