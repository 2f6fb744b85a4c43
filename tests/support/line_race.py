"""Races and kills on the store in a file of JSON lines, of which each process has a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from typing import Any, Final

from casewright import CommandBus, CreateTask
from own_adapter.jsonl_store import JsonLinesStore
from support.buses import DEFINITIONS, ROOT
from support.contenders import Seen, edit
from support.racing import PROCESSES, WORKERS

__all__ = ["Unlocked", "create_until_killed", "edited_by_all"]

_BARRIERS: Final[list[ProcessBarrier]] = []


def edited_by_all(open_store: Callable[[Path], JsonLinesStore], path: Path, times: int) -> list[Seen]:
    """Let eight processes edit the item ``c`` that many times each, and return what they saw."""
    with PROCESSES.Pool(WORKERS, _keep_barrier, (PROCESSES.Barrier(WORKERS, timeout=60),)) as pool:
        return pool.map(partial(_edit, open_store, path, times), range(WORKERS), chunksize=1)


def _keep_barrier(barrier: ProcessBarrier) -> None:
    _BARRIERS.append(barrier)


def _edit(open_store: Callable[[Path], JsonLinesStore], path: Path, times: int, worker: int) -> Seen:
    (barrier,) = _BARRIERS
    barrier.wait()  # so that no worker takes two parts
    return edit(worker, open_store(path), barrier.wait, times, 40)


class Unlocked(JsonLinesStore):
    """A store with a bug: it appends to what it has read, whatever others have written since."""

    def write(self, tenant: Any, writes: Any) -> None:
        """Append without a look at the file."""
        with self.path.open("ab") as file:
            file.write(self._line(tenant, writes))


def create_until_killed(path: Path, first: int, journal: Any) -> None:
    """Create tasks for ever, and write into the journal which ones were acknowledged."""
    bus = CommandBus(JsonLinesStore(path), DEFINITIONS)
    number = first
    while True:
        journal.send(bus.execute(CreateTask("t", id=f"{number}"), by=ROOT).id)
        number += 1
