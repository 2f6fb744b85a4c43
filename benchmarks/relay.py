"""Delivering: a relay by what a loop written by hand takes, four relays by one, and what it costs to wake them.

The loop takes one message at a time with ``SELECT ... FOR UPDATE SKIP LOCKED LIMIT 1``, publishes it and commits, as it
is often written. It keeps no order.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from harness import Bar, report
from sqlalchemy import URL, create_engine, text

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from casewright import TASK, Actor, CommandBus, CreateTask, Edit, Message, OutboxRelay
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.servers import postgres_server

__all__ = ["run"]

Left: TypeAlias = "Synchronized[int]"

ANN = Actor("ann", roles=["admin"])
MESSAGES = 2000
BATCH = 500
SLOW = 0.002

TAKE = text(
    "SELECT o.tenant, o.item_id, o.version, e.payload FROM casewright_outbox o JOIN casewright_event e "
    "USING (tenant, item_id, version) WHERE o.published_at IS NULL LIMIT 1 FOR UPDATE OF o SKIP LOCKED"
)
MARK = text(
    "UPDATE casewright_outbox SET published_at = 'now' "
    "WHERE tenant = :tenant AND item_id = :item AND version = :version"
)


@attrs.define
class Sink:
    """A publisher that takes everything, each batch in so many seconds."""

    pause: float = 0.0
    count: int = 0

    def publish(self, messages: Sequence[Message]) -> Sequence[None]:
        """Take them."""
        if self.pause:
            time.sleep(self.pause)
        self.count += len(messages)
        return [None] * len(messages)


def fill(store: SqlAlchemyStore) -> None:
    """Make what is delivered: items of four events each."""
    bus = CommandBus(store, [TASK])
    for number in range(MESSAGES // 4):
        task: Any = bus.execute(CreateTask("t", id=f"t{number}"), by=ANN)
        for edit in range(3):
            task = bus.execute(Edit(task.id, title=f"{edit}"), by=ANN, item=task)


def refill(store: SqlAlchemyStore) -> None:
    """Let nothing be published or leased."""
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE casewright_outbox SET published_at = NULL, attempts = 0"))
        connection.execute(text("UPDATE casewright_lease SET owner = NULL, expires_at = NULL"))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def by_hand(store: SqlAlchemyStore) -> float:
    """Return how many messages a second the loop delivers."""
    sink: list[Any] = []
    begun = time.perf_counter()
    while True:
        with store.engine.begin() as connection:
            row = connection.execute(TAKE).first()
            if row is None:
                break
            sink.append(row)
            connection.execute(MARK, {"tenant": row[0], "item": row[1], "version": row[2]})
    return len(sink) / (time.perf_counter() - begun)


def by_relay(store: SqlAlchemyStore) -> float:
    """Return how many messages a second one relay delivers."""
    sink = Sink()
    relay = OutboxRelay(store, sink)
    begun = time.perf_counter()
    while not relay.run_once(BATCH).idle:
        pass
    return sink.count / (time.perf_counter() - begun)


class _Done:
    """Ends a relay when nothing is left, as told by what all relays share."""

    def __init__(self, left: Left, stop: EventType) -> None:
        self._left = left
        self._stop = stop

    def is_set(self) -> bool:
        return bool(self._stop.is_set()) or self._left.value <= 0

    def wait(self, timeout: float | None = None) -> bool:
        return bool(self._stop.wait(0.05))


def _relay(url: URL, left: Left, stop: EventType, ready: Barrier) -> None:
    store = SqlAlchemyStore(create_engine(url))
    relay = OutboxRelay(store, Sink(SLOW), observers=[lambda told: _count(left, told.delivered)])
    for _ in range(3):
        relay._leased()
        ready.wait()
        relay._lease = None
    relay.run_forever(_Done(left, stop), limit=10)


def _count(left: Left, delivered: int) -> None:
    with left.get_lock():
        left.value -= delivered


def by_processes(url: URL, count: int) -> float:
    """Return how many messages a second so many processes deliver to a sink that takes 2 ms a batch of ten."""
    context = multiprocessing.get_context("spawn")
    left, stop, ready = context.Value("i", MESSAGES), context.Event(), context.Barrier(count + 1)
    relays = [context.Process(target=_relay, args=(url, left, stop, ready)) for _ in range(count)]
    for relay in relays:
        relay.start()
    for _ in range(3):  # until each has its share
        ready.wait()
    begun = time.perf_counter()
    for relay in relays:
        relay.join()
    return MESSAGES / (time.perf_counter() - begun)


def commits(store: SqlAlchemyStore) -> float:
    """Return how many commands a second eight writers commit, each on an item of its own."""
    bus = CommandBus(store, [TASK])

    def write(worker: int) -> None:
        task: Any = bus.get(f"t{worker}", by=ANN)
        for number in range(100):
            task = bus.execute(Edit(task.id, title=f"{number} {begun}"), by=ANN, item=task)

    with ThreadPoolExecutor(8) as pool:
        begun = time.perf_counter()
        list(pool.map(write, range(8)))
        return 800 / (time.perf_counter() - begun)


def _best(measured: Callable[[], float], prepared: Callable[[], object]) -> float:
    found = []
    for _ in range(3):
        prepared()
        found.append(measured())
    return sorted(found)[1]


def run(rounds: int) -> bool:
    """Measure and report; the rounds are three, as each delivers thousands."""
    server = postgres_server()
    url = server.url(database=server.new_database())
    store = SqlAlchemyStore(create_engine(url))
    try:
        store.create_schema()
        fill(store)
        clean = lambda: refill(store)  # noqa: E731
        hand, relay = _best(lambda: by_hand(store), clean), _best(lambda: by_relay(store), clean)
        one, four = (_best(partial(by_processes, url, count), clean) for count in (1, 4))
        telling = SqlAlchemyStore(store.engine, notify=True)
        pairs = [(commits(store), commits(telling)) for _ in range(5)]
        silent, told = (sorted(found)[2] for found in zip(*pairs, strict=True))
        print(f"  by hand {hand:.0f}/s, relay {relay:.0f}/s; one {one:.0f}/s, four {four:.0f}/s", end="")
        print(f"; eight writers {silent:.0f} commits/s, with notify {told:.0f}/s")
        bars = [
            Bar("hand-written loop by one relay, messages a second", hand / relay, 0.2),
            Bar("one relay process by four, sink of 2 ms a batch", one / four, 0.5),
        ]
        return report("relay", None, bars)
    finally:
        store.engine.dispose()
        server.stop()


if __name__ == "__main__":
    sys.exit(0 if run(1) else 1)
