"""Relays in processes that are killed or stopped, while others write and commit late: nothing lost, all in order."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from casewright import TASK, OutboxRelay
from casewright.testing.contracts.driving import created, write
from casewright.testing.fakes import CollectingPublisher
from support.plain_sql import recorded, rows_of
from support.racing import PROCESSES, ProcessRace
from support.relay_workers import (
    NEVER,
    Journal,
    deliveries,
    relay_one_batch,
    relay_until_killed,
    write_late,
)
from support.sizes import full

RELAYS = 4
WRITERS = 3
HOT = tuple(f"hot-{number}" for number in range(7))
LEFT = "SELECT count(*) FROM casewright_outbox WHERE published_at IS NULL"


class Crew:
    """Relays in processes, of which one is killed now and then and another one takes its place."""

    def __init__(self, race: ProcessRace, journal: Path, seed: int) -> None:
        """Start them."""
        self._race = race
        self._journal = journal
        self._seed = seed
        self._random = random.Random(seed)
        self._crew: dict[Any, Any] = {}
        self.kills = 0
        for _ in range(RELAYS):
            self._start()

    def _start(self) -> None:
        self._seed += 1
        reader, reports = PROCESSES.Pipe(duplex=False)
        arguments = (self._race.place, self._journal, 10, self._seed, reports)
        process = PROCESSES.Process(target=relay_until_killed, args=arguments)
        process.start()
        reports.close()
        self._crew[reader] = process

    def rounds(self) -> Iterator[bool]:
        """Yield for each round of one of them whether it was idle."""
        while True:
            for reader in wait(list(self._crew)):
                if reader in self._crew:  # else it was killed meanwhile
                    told: Any = reader
                    yield told.recv()

    def kill_one(self) -> None:
        """Kill one in whatever it does, and start another."""
        self.kills += 1
        reader = self._random.choice(list(self._crew))
        self._end(reader)
        self._start()

    def _end(self, reader: Any) -> None:
        process = self._crew.pop(reader)
        process.kill()
        process.join()
        reader.close()
        process.close()

    def end(self) -> None:
        """Kill them all."""
        for reader in list(self._crew):
            self._end(reader)


@pytest.mark.parametrize(
    ("race", "messages", "kills"),
    [
        ("file", 45, 2),
        ("server", 45, 2),
        full("file", 1200, 20),
        full("server", 2000, 100),
    ],
    indirect=["race"],
)
def test_what_is_committed_is_delivered_in_order_whoever_is_killed(
    race: ProcessRace, messages: int, kills: int, seed: int, tmp_path: Path
) -> None:
    """With late commits, four relays, 10 % refusals and kills at any moment nothing is lost, and an item's events are
    first delivered by version; what was rolled back never is (O1, O2, O3).
    """
    for item_id in HOT:
        write(race.store, *created(TASK, item_id))
    journal = tmp_path / "journal"
    crew = Crew(race, journal, seed)
    waiting, done = PROCESSES.Pipe(duplex=False)
    each = messages // WRITERS
    writers = [
        PROCESSES.Process(target=write_late, args=(race.place, HOT, each, seed * 31 + number, done))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    done.close()
    try:
        for rounds, idle in enumerate(crew.rounds(), start=1):
            if crew.kills < kills and rounds % 3 == 0:
                crew.kill_one()
                continue
            ended = crew.kills >= kills and not any(writer.is_alive() for writer in writers)
            if idle and ended and rows_of(race.place, LEFT) == [(0,)]:
                break
    finally:
        crew.end()
        for writer in writers:
            writer.join()
        waiting.close()

    told = deliveries(journal)
    committed = {(item_id, version) for item_id, version, _ in recorded(race.place, "")}
    assert len(committed) == len(HOT) + each * WRITERS
    assert {(item_id, version) for item_id, version, _ in told} == committed
    assert [title for _, _, title in told if title == NEVER] == []
    for item_id in HOT:
        firsts = list(dict.fromkeys(version for name, version, _ in told if name == item_id))
        assert firsts == sorted(firsts)


@pytest.mark.parametrize(
    ("race", "times"), [("file", 1), ("server", 1), full("file", 20), full("server", 20)], indirect=["race"]
)
def test_a_relay_that_was_stopped_past_its_lease_acknowledges_nothing(race: ProcessRace, times: int) -> None:
    """Stopped in the middle of a batch and gone on with after another relay has taken over, it writes no row (O6)."""
    for number in range(times):
        write(race.store, *[change for name in "abc" for change in created(TASK, f"{number}{name}")])
        pipe, other = PROCESSES.Pipe()
        process = PROCESSES.Process(target=relay_one_batch, args=(race.place, other))
        process.start()
        other.close()
        assert pipe.recv() == "publishing"
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)

        sink = CollectingPublisher()
        relay = OutboxRelay(race.store, sink, name="other", period=timedelta(0))
        while len(sink.published) < 3:  # until the lease has run out
            relay.run_once()
        before = rows_of(race.place, "SELECT * FROM casewright_outbox ORDER BY item_id, version")
        pipe.send("go on")
        os.kill(process.pid, signal.SIGCONT)
        report = pipe.recv()
        process.join()

        assert (report.delivered, report.lost) == (0, 3)
        assert rows_of(race.place, "SELECT * FROM casewright_outbox ORDER BY item_id, version") == before
        assert all(row[4] == 1 for row in before)
        relay.release()
        race.store.purge_published(before=race.store.backlog().now + timedelta(days=1))


def test_a_journal_shows_what_is_lost_and_what_is_out_of_order(tmp_path: Path) -> None:
    """What the tests above look at is what was handed over, in that order, refused or not."""
    store = ProcessRace(tmp_path / "store.db").store
    write(store, *created(TASK, "a"))
    journal = tmp_path / "journal"
    assert OutboxRelay(store, Journal(journal, failing=100)).run_once().failed == 1
    assert deliveries(journal) == []
    store.engine.dispose()
