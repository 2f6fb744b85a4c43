"""What processes do around an outbox: some write, some relay, and some are killed or stopped. See `support.racing`."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casewright import Actor, ConflictError, Message, OutboxRelay, TransientStorageError, seal
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.catalog import TASK
from support.buses import START
from support.racing import opened

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

ROOT = Actor("root", roles=["admin"])
NEVER = "rolled back"
"""The title of what is never committed."""


class Journal:
    """A publisher that writes a line for each message into a file that all processes share, and refuses some.

    Args:
        path: The file.
        failing: How many of a hundred it refuses.
        seed: By what chance.
    """

    def __init__(self, path: Path, failing: int = 0, seed: int = 0) -> None:
        """Open it."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._failing = failing
        self._random = random.Random(seed)

    def publish(self, messages: Sequence[Message]) -> list[str | None]:
        """See `Publisher.publish`."""
        answers: list[str | None] = []
        stopped = set()
        for message in messages:
            item = message.event.item_id
            if item in stopped or self._random.randrange(100) < self._failing:
                stopped.add(item)
                answers.append("by chance")
            else:
                os.write(self._file, f"{item} {message.event.version} {message.item.title}\n".encode())
                answers.append(None)
        return answers


def deliveries(path: Path) -> list[tuple[str, int, str]]:
    """Return what was written into a journal, in order."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [(item, int(version), title) for item, version, title in (line.split(" ", 2) for line in lines)]


def relay_until_killed(place: Path | URL, path: Path, failing: int, seed: int, reports: Any) -> None:
    """Relay for ever, and tell of each round."""
    store = opened(place)
    OutboxRelay(
        store,
        Journal(path, failing, seed),
        period=timedelta(milliseconds=400),
        first_pause=timedelta(milliseconds=2),
        max_attempts=1000,
        observers=[lambda report: reports.send(report.idle)],
    ).run_forever(_Never(), poll=timedelta(milliseconds=20), limit=16)


class _Never:
    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(timeout or 0)
        return False


def write_late(place: Path | URL, items: Sequence[str], times: int, seed: int, done: Any) -> None:
    """Edit items, and commit some transactions late or never: what they have written stands open meanwhile."""
    store = opened(place)
    chance = random.Random(seed)
    for number in range(times):
        item_id = chance.choice(items)
        while not _edit(store, item_id, f"{seed}.{number}", chance):
            pass
    store.engine.dispose()
    done.send(times)


def _edit(store: SqlAlchemyStore, item_id: str, title: str, chance: random.Random) -> bool:
    never = chance.randrange(10) == 0
    try:
        with begun(store) as connection, SqlAlchemyStore.joining(connection).begin(tenant="") as uow:
            item: Any = uow.items.get(item_id, lock=True)
            decision = TASK.decide(item, "edit", {"title": NEVER if never else title}, by=ROOT, at=START)
            assert decision
            uow.record(*[seal(change, recorded_at=START) for change in decision.changes])
            uow.commit()
            if chance.randrange(10) < 3:
                time.sleep(chance.uniform(0, 0.004))
            if never:
                return False
            connection.commit()
    except (ConflictError, TransientStorageError):
        return False
    return True


@contextlib.contextmanager
def begun(store: SqlAlchemyStore) -> Iterator[Connection]:
    """Yield a connection with a transaction that may write; it is rolled back in the end."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "SELECT 1")
        yield connection
        connection.rollback()


def relay_one_batch(place: Path | URL, pipe: Any) -> None:
    """Relay one batch; in the middle of it tell of it, and go on when told."""

    class Waiting:
        def publish(self, messages: Sequence[Message]) -> list[None]:
            pipe.send("publishing")
            pipe.recv()
            return [None for _ in messages]

    relay = OutboxRelay(opened(place), Waiting(), name="paused", period=timedelta(milliseconds=100))
    pipe.send(relay.run_once())
