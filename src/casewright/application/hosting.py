"""`drive`: runs a coroutine that never suspends, with no event loop. See `Hosting`, for which it is made."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from casewright.errors import MisuseError

__all__ = ["drive", "stray"]

T = TypeVar("T")


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in this thread, and return what it returns.

    Args:
        work: What is done. All that it awaits must come back without suspending.

    Raises:
        MisuseError: It suspended: it waits for something that only an event loop can give. It is closed then, so that
            its blocks are left, as by any exception.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise stray(work, awaited)


def stray(work: Coroutine[Any, Any, Any], awaited: object) -> MisuseError:
    """Close work that suspended, so that its blocks are left, and return the error that says so.

    Args:
        work: What is done.
        awaited: What it waits for.
    """
    cause: Exception | None = None
    try:
        work.close()
    except Exception as error:  # noqa: BLE001 - whatever its blocks raise where they are left, this is why
        cause = error
    problem = f"work that is done in one go awaited something else than the units of its store: {_named(awaited)}"
    misuse = MisuseError(problem, "let it await nothing but these units, or do it outside of host()")
    misuse.__cause__ = cause
    return misuse


def _named(awaited: object) -> str:
    return "a turn of the event loop" if awaited is None else f"a {type(awaited).__name__}"
