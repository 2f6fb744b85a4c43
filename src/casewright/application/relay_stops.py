"""How a relay that runs for ever waits, is woken and is stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Protocol

__all__ = ["Stop", "Waking", "rest", "stop_on_signals"]


class Stop(Protocol):
    """What tells a relay to end: a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether it is to end."""
        ...

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait until it is to end, for so many seconds at most."""
        ...


class Waking(Protocol):
    """What lets a relay wait for news instead of looking again and again, such as `PostgresWaking`."""

    def wait(self, longest: timedelta) -> bool:
        """Wait until there may be something to deliver, at most for so long. It may come back for nothing.

        Returns:
            Whether it could: where not, at once, the relay waits without it.
        """
        ...


def rest(stop: Stop, waking: Waking | None, span: timedelta) -> None:
    """Wait for a while, and less where there is news or the relay is to end.

    Args:
        stop: What tells to end.
        waking: What tells of news, for at most as long; None where nothing does.
        span: For how long.
    """
    if waking is None or not waking.wait(span):
        stop.wait(span.total_seconds())


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set the event on SIGTERM and SIGINT, in the main thread of a script, and put back the handlers in the end.

    Args:
        stop: What `OutboxRelay.run_forever` was given: it ends its batch, gives back its leases and returns.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        # In a thread: this one may be inside of the event's own lock, which is no recursive one.
        threading.Thread(target=stop.set, daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
