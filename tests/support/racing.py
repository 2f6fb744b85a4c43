"""Races: the same work by several workers at once, on one store. Threads share one in memory, processes a database."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from threading import Barrier
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar

import attrs
from sqlalchemy import URL, create_engine

from casewright import Store, Tenant
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.writes import Writes
from support.stores import hasty

P = ParamSpec("P")
T = TypeVar("T")

Meet: TypeAlias = Callable[[], object]
"""Waits until all workers have come to the same point."""

Work: TypeAlias = Callable[Concatenate[int, Any, Meet, P], T]
"""What each worker does: it is given its number from 0, the store, and `Meet`; then what is the same for all workers.

Processes find it by its name, so it is a function of a module."""

WORKERS: Final = 8

PROCESSES: Final = multiprocessing.get_context("forkserver")
"""Starts processes as copies of one that has loaded the library, and nothing of the test run."""
PROCESSES.set_forkserver_preload(
    [
        "casewright.adapters.sqlalchemy",
        "casewright.application.bus",
        "support.contenders",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
        "psycopg",
    ]
)


class Race(Protocol):
    """A store that several workers can use at once."""

    @property
    def store(self) -> Store:
        """The store, for what is to be done before and after."""
        ...

    def run(self, work: Work[P, T], *arguments: P.args, **named: P.kwargs) -> list[T]:
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

    def run(self, work: Work[P, T], *arguments: P.args, **named: P.kwargs) -> list[T]:
        """See `Race.run`."""
        barrier = Barrier(WORKERS, timeout=60)
        with _fast_switching(), ThreadPoolExecutor(WORKERS) as pool:
            begun = [
                pool.submit(work, worker, self.store, barrier.wait, *arguments, **named) for worker in range(WORKERS)
            ]
            return [one.result() for one in begun]


class ProcessRace:
    """Processes that share a database, each with an engine of its own.

    Args:
        place: The SQLite file, or the URL of a database on a server.
    """

    def __init__(self, place: Path | URL) -> None:
        """Create the tables."""
        self.place = place
        self.store = opened(place)
        self.store.create_schema()

    def run(self, work: Work[P, T], *arguments: P.args, **named: P.kwargs) -> list[T]:
        """See `Race.run`."""
        with PROCESSES.Pool(WORKERS, _keep_barrier, (PROCESSES.Barrier(WORKERS, timeout=60),)) as pool:
            jobs = [(partial(work, worker), self.place, arguments, named) for worker in range(WORKERS)]
            return pool.starmap(_in_process, jobs, chunksize=1)


def opened(place: Path | URL) -> SqlAlchemyStore:
    """Return a store in the database, on an engine of its own."""
    engine = create_engine(place) if isinstance(place, URL) else hasty(create_engine(f"sqlite:///{place}"))
    return SqlAlchemyStore(engine)


_BARRIERS: Final[list[ProcessBarrier]] = []


def _keep_barrier(barrier: ProcessBarrier) -> None:
    _BARRIERS.append(barrier)


def _in_process(work: Callable[..., T], place: Path | URL, arguments: tuple[Any, ...], named: dict[str, Any]) -> T:
    (barrier,) = _BARRIERS
    store = opened(place)
    barrier.wait()  # so that no worker takes two parts
    try:
        return work(store, barrier.wait, *arguments, **named)
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
