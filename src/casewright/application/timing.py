"""`Stopwatch`: how long something took, for those who watch; nothing is decided by it."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter_ns

__all__ = ["Stopwatch"]


class Stopwatch:
    """Counts from when it is made, on a clock that nobody sets."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        """Begin."""
        self._began = perf_counter_ns()

    @property
    def took(self) -> timedelta:
        """How long ago that was, to the microsecond."""
        return timedelta(microseconds=(perf_counter_ns() - self._began) // 1000)
