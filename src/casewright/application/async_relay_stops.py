"""How a relay on an event loop waits, is woken and is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType
from typing import Protocol

__all__ = ["AsyncStop", "AsyncWaking", "async_rest", "async_stop_on_signals"]


class AsyncStop(Protocol):
    """What tells a relay to end: an `asyncio.Event`."""

    def is_set(self) -> bool:
        """Whether it is to end."""
        ...

    async def wait(self) -> object:
        """Wait until it is to end."""
        ...


class AsyncWaking(Protocol):
    """`Waking` for a relay on an event loop."""

    async def wait(self, longest: timedelta) -> bool:
        """See `Waking.wait`."""
        ...


async def async_rest(stop: AsyncStop, waking: AsyncWaking | None, span: timedelta) -> None:
    """Wait for a while, and less where there is news or the relay is to end; see `rest`.

    Args:
        stop: What tells to end.
        waking: What tells of news, for at most as long; None where nothing does.
        span: For how long.
    """
    if waking is None or not await waking.wait(span):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), span.total_seconds())


@contextmanager
def async_stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set the event on SIGTERM and SIGINT; see `stop_on_signals`. Used on the loop of the main thread.

    Args:
        stop: What `AsyncOutboxRelay.run_forever` was given.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
