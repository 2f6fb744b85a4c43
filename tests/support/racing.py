"""Races: the same work by several workers at once, on one store. Threads share a store in memory, processes a file."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from threading import Barrier
from typing import Any, Final, Protocol, TypeVar

import attrs
from sqlalchemy import create_engine

from casewright import Store, Tenant
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.buffering import Writes
from support.stores import hasty

__all__ = ["PROCESSES", "WORKERS", "FileRace", "LastOneWins", "MemoryRace", "Race", "Work", "opened"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

WORKERS: Final = 8

PROCESSES: Final = multiprocessing.get_context("forkserver")
"""Starts processes as copies of one that has loaded the library, and nothing of the test run."""
PROCESSES.set_forkserver_preload(["casewright.adapters.sqlalchemy", "casewright.application.bus", "support.contenders"])


class Work(Protocol[T_co]):
    """What each worker does. Processes find it by its name, so it is a function of a module."""

    def __call__(self, worker: int, store: Store, meet: Callable[[], object], /, *arguments: Any) -> T_co:
        """Do it.

        Args:
            worker: Which worker it is, from 0.
            store: The store.
            meet: Waits until all workers have come to the same point.
            *arguments: The same for all workers.
        """
        ...


class Race(Protocol):
    """A store that several workers can use at once."""

    @property
    def store(self) -> Store:
        """The store, for what is to be done before and after."""
        ...

    def run(self, work: Work[T], *arguments: Any) -> list[T]:
        """Let all workers do the work at once, and return what each came to."""
        ...


class LastOneWins(MemoryStore):
    """A store that does not look whether an item is still what the change was decided on."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Take what is there for what was decided on, and write over it."""
        present = [self.kept(tenant, row.after.id) for row in writes.rows]
        rows = [
            row if kept is None else attrs.evolve(row, before=kept.item)
            for row, kept in zip(writes.rows, present, strict=True)
        ]
        super().write(tenant, attrs.evolve(writes, rows=tuple(rows)))


class MemoryRace:
    """Threads that share a `MemoryStore`.

    Args:
        store: The store; a new one where None.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        """Keep it."""
        self.store = MemoryStore() if store is None else store

    def run(self, work: Work[T], *arguments: Any) -> list[T]:
        """See `Race.run`."""
        barrier = Barrier(WORKERS, timeout=60)
        with _fast_switching(), ThreadPoolExecutor(WORKERS) as pool:
            begun = [pool.submit(work, worker, self.store, barrier.wait, *arguments) for worker in range(WORKERS)]
            return [one.result() for one in begun]


class FileRace:
    """Processes that share a SQLite file, each with an engine of its own.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Create the tables."""
        self.path = path
        self.store = opened(path)
        self.store.create_schema()

    def run(self, work: Work[T], *arguments: Any) -> list[T]:
        """See `Race.run`."""
        with PROCESSES.Pool(WORKERS, _keep_barrier, (PROCESSES.Barrier(WORKERS, timeout=60),)) as pool:
            jobs = [(work, worker, self.path, arguments) for worker in range(WORKERS)]
            return pool.starmap(_in_process, jobs, chunksize=1)


def opened(path: Path) -> SqlAlchemyStore:
    """Return a store in the file, on an engine of its own."""
    return SqlAlchemyStore(hasty(create_engine(f"sqlite:///{path}")))


_BARRIERS: Final[list[ProcessBarrier]] = []


def _keep_barrier(barrier: ProcessBarrier) -> None:
    _BARRIERS.append(barrier)


def _in_process(work: Work[T], worker: int, path: Path, arguments: tuple[Any, ...]) -> T:
    (barrier,) = _BARRIERS
    store = opened(path)
    barrier.wait()  # so that no worker takes two parts
    try:
        return work(worker, store, barrier.wait, *arguments)
    finally:
        store.engine.dispose()


@contextmanager
def _fast_switching() -> Iterator[None]:
    """Let threads take turns after a few instructions, so that they meet everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
