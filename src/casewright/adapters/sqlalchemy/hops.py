"""Hops: how synchronous work is done for a caller who awaits it, in a greenlet or in a thread.

An asynchronous driver is reached from a greenlet, as SQLAlchemy does it; a synchronous one from a thread. In both the
work is the same synchronous code, and one hop may hold as much of it as a whole command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import Lock, local
from types import coroutine
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.util.concurrency import greenlet_spawn, in_greenlet

from casewright.adapters.sqlalchemy.lines import Visit
from casewright.application.hosting import drive, stray

__all__ = ["Greenlets", "Hops", "Threads"]

T = TypeVar("T")


class Hops(Protocol):
    """Where synchronous work is done."""

    def visit(self, *, write: bool) -> Visit | None:
        """Return what a unit must hold while it does its work; None where it waits for nothing on the loop."""
        ...

    async def enter(self, visit: Visit | None) -> None:
        """Enter a unit's block: in `host` it is known now what the unit must hold."""
        ...

    def leave(self, visit: Visit | None) -> None:
        """Let others have what the unit held; inside of `host` they have it when its work has ended."""
        ...

    async def run(self, work: Callable[[], T], visit: Visit | None) -> T:
        """Do the work, and return what it returns; inside of `host`, at once."""
        ...

    async def finish(self, work: Callable[[], T]) -> T:
        """Do work that must be done even where it is cancelled before it has begun (T5); else as `run`."""
        ...

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """Drive the coroutine in one hop; see `Hosting.host`."""
        ...


class Greenlets:
    """In a greenlet, from which an asynchronous driver can be awaited."""

    def visit(self, *, write: bool) -> None:
        """See `Hops.visit`: drivers and pools of asyncio wait on the loop by themselves."""
        return

    async def enter(self, visit: Visit | None) -> None:
        """See `Hops.enter`."""

    def leave(self, visit: Visit | None) -> None:
        """See `Hops.leave`."""

    async def run(self, work: Callable[[], T], visit: Visit | None) -> T:
        """See `Hops.run`."""
        return work() if in_greenlet() else await greenlet_spawn(work)

    async def finish(self, work: Callable[[], T]) -> T:
        """See `Hops.finish`: it begins without suspending, so nothing comes before it."""
        return await self.run(work, None)

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """See `Hops.host`."""
        return await (work if in_greenlet() else greenlet_spawn(lambda: drive(work)))


class Threads:
    """In a thread of the event loop's executor, where a synchronous driver keeps nobody waiting.

    Args:
        engine: Whose connections the work uses.
        busy_timeout: For how long to wait while another task writes, in milliseconds; five seconds where None.
    """

    def __init__(self, engine: Engine, busy_timeout: int | None) -> None:
        """Keep both."""
        self._engine = engine
        self._busy_timeout = busy_timeout

    def visit(self, *, write: bool) -> Visit:
        """See `Hops.visit`."""
        return Visit(self._engine, self._busy_timeout, write=write)

    async def enter(self, visit: Visit | None) -> None:
        """See `Hops.enter`."""
        if _place() == "loop":
            await _going_on_in_a_thread(visit)

    def leave(self, visit: Visit | None) -> None:
        """See `Hops.leave`."""
        if _place() is None:
            _left(visit)

    async def run(self, work: Callable[[], T], visit: Visit | None) -> T:
        """See `Hops.run`."""
        await self.enter(None)
        if _place() == "thread":
            return work()
        await _begun(visit)
        call = _Call(work)
        answer: T = await call.made(call.begin())
        return answer

    async def finish(self, work: Callable[[], T]) -> T:
        """See `Hops.finish`."""
        if _place() is not None:
            return work()
        call = _Call(work, droppable=False)
        try:
            begun = call.begin()
        except RuntimeError:  # no loop runs any more, or it has no threads: then nobody is kept waiting by this one
            return work()
        answer: T = await call.made(begun)
        return answer

    async def host(self, work: Coroutine[Any, Any, T]) -> T:
        """See `Hops.host`.

        It begins on the loop, up to where a unit's block is entered: now it is known what it has to wait for.
        """
        if _place() is not None:
            return await work
        context = copy_context()  # one for all of the work, so that what it sets there it can also reset
        try:
            with _at("loop"):
                wish = context.run(work.send, None)
        except StopIteration as done:
            answer: T = done.value
            return answer
        if not isinstance(wish, _Wish):
            raise stray(work, wish)
        call = _Call(lambda: context.run(_driven, work))
        try:
            await _begun(wish.visit)
            answer = await call.made(call.begin())
            return answer
        finally:
            if not call.begun:
                context.run(work.close)
            _left(wish.visit)


async def _begun(visit: Visit | None) -> None:
    if visit is not None:
        await visit.begin()


def _left(visit: Visit | None) -> None:
    if visit is not None:
        visit.end()


class _Wish:
    """What hosted work yields where it wants to go on in a thread."""

    def __init__(self, visit: Visit | None) -> None:
        self.visit = visit


_HERE: Final = local()
"""Where the work of this thread is hosted, while it is."""


def _place() -> str | None:
    return getattr(_HERE, "place", None)


@contextmanager
def _at(place: str) -> Iterator[None]:
    _HERE.place = place
    try:
        yield
    finally:
        _HERE.place = None


@coroutine
def _going_on_in_a_thread(visit: Visit | None) -> Generator[_Wish, None, None]:
    yield _Wish(visit)


def _driven(work: Coroutine[Any, Any, T]) -> T:
    with _at("thread"):
        return drive(work)


class _Call:
    """A call in another thread that is never left alone: whoever is cancelled waits for its end all the same (T5).

    Args:
        work: What is called.
        droppable: Whether it need not be done where it is cancelled before it has begun.
    """

    def __init__(self, work: Callable[[], Any], *, droppable: bool = True) -> None:
        self._work = work
        self._droppable = droppable
        self._lock = Lock()
        self._dropped = False
        self.begun = False

    def begin(self) -> asyncio.Future[tuple[Any, BaseException | None]]:
        """Hand it to a thread."""
        context = copy_context()
        return asyncio.get_running_loop().run_in_executor(None, context.run, self._make)

    async def made(self, ended: asyncio.Future[tuple[Any, BaseException | None]]) -> Any:  # noqa: ANN401 - what the work returns
        """Wait for it, and return what it returned or raise what it raised: the very object."""
        try:
            await asyncio.shield(ended)
        except BaseException as error:
            if self._must_end() and isinstance(error, asyncio.CancelledError):
                while not ended.done():
                    with suppress(asyncio.CancelledError):  # it is passed on below, once
                        await asyncio.wait([ended])
            raise
        answer, raised = ended.result()
        if raised is not None:
            raise raised
        return answer

    def _make(self) -> tuple[Any, BaseException | None]:
        with self._lock:
            if self._dropped:
                return None, None
            self.begun = True
        try:
            return self._work(), None
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            return None, error

    def _must_end(self) -> bool:
        """Whether it has begun, or must be done all the same; else it never will."""
        with self._lock:
            self._dropped = self._droppable and not self.begun
            return not self._dropped
