"""Lines: where tasks of one event loop wait for what only few of them can have, on the loop and not in a thread.

A thread that waits for the database's lock, or for a connection, is one thread less for whoever holds it and needs a
thread to go on and give it back. With few threads and many tasks all would wait for each other. So a task is given a
thread when it has its place, and threads wait for other processes only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary, finalize

import attrs
from sqlalchemy import Engine, Pool, QueuePool, StaticPool

from casewright.adapters.sqlalchemy.failures import BUSY_POOL, Trouble

__all__ = ["Line", "Visit"]

_AS_THE_DRIVER: Final = 5.0  # seconds

_WRITING: Final = Trouble(
    "another task of this program writes for longer than the busy timeout, or has not ended its unit",
    "try again; keep transactions short, or pass the store a longer busy_timeout",
    transient=True,
)


class Line:
    """Who comes next, among the tasks of one event loop: first come, first served.

    Args:
        places: How many may have what they wait for at once; any number where None.
        trouble: What is raised where nothing moves.
    """

    def __init__(self, places: int | None, trouble: Trouble) -> None:
        """Begin with all places free."""
        self._free = places
        self._trouble = trouble
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._left = 0

    async def enter(self, patience: float) -> None:
        """Take a place, and wait for it if need be.

        Args:
            patience: For how many seconds to wait while nobody leaves.

        Raises:
            TransientStorageError: Nobody has left for so long.
        """
        if self._free is None:
            return
        if self._free:
            self._free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            while not mine.done():
                before = self._left
                await asyncio.wait([mine], timeout=patience)
                if self._left == before and not mine.done():
                    raise self._trouble.error()
        except BaseException:
            if mine.done():
                self.leave()
            else:
                self._waiting.remove(mine)
            raise

    def leave(self) -> None:
        """Give the place to the next one."""
        if self._free is None:
            return
        self._left += 1
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1


@attrs.frozen(eq=False)
class _Lines:
    """Those before one pool, on one loop."""

    writers: Line
    connections: Line
    patience: float
    """For how many seconds to wait for a connection."""


class Visit:
    """The places of one unit. One that is forgotten gives them back.

    Args:
        engine: Whose pool it is.
        busy_timeout: For how long to wait while another task writes, in milliseconds; five seconds where None.
        write: Whether the unit writes.
    """

    def __init__(self, engine: Engine, busy_timeout: int | None, *, write: bool) -> None:
        """Begin with none."""
        self._engine = engine
        self._patience = _AS_THE_DRIVER if busy_timeout is None else busy_timeout / 1000
        self._write = write
        self._held: finalize[[asyncio.AbstractEventLoop, list[Line]], Visit] | None = None

    async def begin(self) -> None:
        """Wait for the places, unless they are held already.

        Raises:
            TransientStorageError: Nothing moves.
        """
        if self._held is not None:
            return
        loop = asyncio.get_running_loop()
        lines = _lines(self._engine.pool, loop)
        held: list[Line] = []
        try:
            if self._write:
                await lines.writers.enter(self._patience)
                held.append(lines.writers)
            await lines.connections.enter(lines.patience)
            held.append(lines.connections)
            self._held = finalize(self, _leave_later, loop, held)
            self._held.atexit = False
        except BaseException:
            _leave(held)
            raise

    def end(self) -> None:
        """Give them back, if they are held."""
        held, self._held = self._held, None
        if held is not None and (found := held.detach()):
            _leave(found[2][1])


def _leave(lines: Iterable[Line]) -> None:
    for line in lines:
        line.leave()


def _leave_later(loop: asyncio.AbstractEventLoop, lines: list[Line]) -> None:
    """Leave from wherever the garbage collector runs."""
    with suppress(RuntimeError):  # the loop is closed, and its lines are of no use any more
        loop.call_soon_threadsafe(_leave, lines)


def _lines(pool: Pool, loop: asyncio.AbstractEventLoop) -> _Lines:
    """Return the lines before a pool, as all stores on it see them."""
    of_pool: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lines] = vars(pool).setdefault(
        "casewright_lines", WeakKeyDictionary()
    )
    found = of_pool.get(loop)
    if found is None:
        places, patience = _room(pool)
        found = of_pool[loop] = _Lines(Line(1, _WRITING), Line(places, BUSY_POOL), patience)
    return found


def _room(pool: Any) -> tuple[int | None, float]:  # noqa: ANN401 - a pool of any class
    """How many connections a pool gives out at once, None where it has no limit, and for how long it lets wait."""
    if isinstance(pool, StaticPool):
        return 1, _AS_THE_DRIVER
    if not isinstance(pool, QueuePool) or pool._max_overflow < 0:
        return None, _AS_THE_DRIVER
    return pool.size() + pool._max_overflow, pool.timeout()
