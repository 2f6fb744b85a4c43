"""A synchronous publisher for an asynchronous relay: each call runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Lock

from casewright.application.publishing import Message, Publisher

__all__ = ["ThreadedPublisher"]


class ThreadedPublisher:
    """An `AsyncPublisher` that runs the calls of a `Publisher` in threads, one after the other.

    A call that is cancelled goes on in its thread, and the next one waits for it: what it delivers may come twice.

    Args:
        publisher: What delivers.
    """

    def __init__(self, publisher: Publisher) -> None:
        """Begin with no thread."""
        self._publisher = publisher
        self._turn = Lock()

    async def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        return await asyncio.to_thread(self._publish, messages)

    def _publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        with self._turn:
            return self._publisher.publish(messages)
