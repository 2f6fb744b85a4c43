"""Hops: how synchronous work is done for a caller who awaits it, in a greenlet or in a thread.

An asynchronous driver is reached from a greenlet, as SQLAlchemy does it; a synchronous one from a thread. In both the
work is the same synchronous code, and one hop may hold as much of it as a whole command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import Lock, local
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy.util.concurrency import greenlet_spawn, in_greenlet

from casewright.application.hosting import drive

__all__ = ["Greenlets", "Hops", "Threads"]

T = TypeVar("T")


class Hops(Protocol):
    """Where synchronous work is done."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work, and return what it returns; inside of `host`, at once."""
        ...

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Drive the coroutine in one hop; see `Hosting.host`."""
        ...


class Greenlets:
    """In a greenlet, from which an asynchronous driver can be awaited."""

    async def run(self, work: Callable[[], T]) -> T:
        """See `Hops.run`."""
        return work() if in_greenlet() else await greenlet_spawn(work)

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """See `Hops.host`."""
        return await greenlet_spawn(drive, work)


class Threads:
    """In a thread of the event loop's executor, where a synchronous driver keeps nobody waiting."""

    async def run(self, work: Callable[[], T]) -> T:
        """See `Hops.run`."""
        return work() if getattr(_HERE, "hosted", False) else await _Call(work).made()

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """See `Hops.host`."""
        try:
            answer: T = await _Call(lambda: _driven(work)).made()
            return answer
        finally:
            work.close()  # where it was cancelled before it had begun


_HERE: Final = local()
"""Whether the work of this thread is hosted."""


def _driven(work: Coroutine[Any, Any, T]) -> T:
    _HERE.hosted = True
    try:
        return drive(work)
    finally:
        _HERE.hosted = False


class _Call:
    """A call in another thread that is never left alone: whoever is cancelled waits for its end all the same (T5)."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._lock = Lock()
        self._begun = False
        self._dropped = False

    async def made(self) -> Any:  # noqa: ANN401 - what the work returns
        """Make it, and return what it returned or raise what it raised: the very object."""
        ended = asyncio.get_running_loop().run_in_executor(None, self._make)
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            if self._must_end():
                while not ended.done():
                    with suppress(asyncio.CancelledError):  # it is passed on below, once
                        await asyncio.wait([ended])
            raise
        answer, error = ended.result()
        if error is not None:
            raise error
        return answer

    def _make(self) -> tuple[Any, BaseException | None]:
        with self._lock:
            if self._dropped:
                return None, None
            self._begun = True
        try:
            return self._work(), None
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            return None, error

    def _must_end(self) -> bool:
        """Whether it has begun; else it never will."""
        with self._lock:
            self._dropped = not self._begun
            return self._begun
