"""Eight workers change one item at once: no update is lost, and its history is one chain."""

from __future__ import annotations

from collections import Counter

import pytest

from casewright import OpenCase
from support.buses import ROOT, a_bus
from support.contenders import Seen, edit, edit_deferred
from support.plain_sql import disagreements
from support.racing import WORKERS, LastOneWins, MemoryRace, ProcessRace, Race
from support.sizes import full


def edited(race: Race, times: int, max_attempts: int = 5) -> list[Seen]:
    """Let all workers edit one new case that many times."""
    a_bus(race.store).execute(OpenCase("c", id="c"), by=ROOT)
    return race.run(edit, times, max_attempts)


def check_chain(race: Race, seen: list[Seen]) -> None:
    """Check that each acknowledged event is there, has just one predecessor, and that nothing else is there."""
    bus = a_bus(race.store)
    events = bus.history("c", by=ROOT)
    acknowledged = [link for one in seen for link in one.links]

    assert sorted(acknowledged) == [(event.version, event.previous, event.digest) for event in events[1:]]
    assert [event.version for event in events] == list(range(1, len(acknowledged) + 2))
    assert bus.get("c", by=ROOT).version == len(acknowledged) + 1
    assert bus.verify("c", by=ROOT) == ()


@pytest.mark.parametrize("times", [40, full(250)])
def test_no_update_is_lost(race: Race, times: int) -> None:
    """The final version counts the acknowledged commands, and each of them follows just one other (L1, L4, H5)."""
    seen = edited(race, times)

    answers = sum((one.answers for one in seen), Counter[str]())
    assert answers.total() == WORKERS * times
    check_chain(race, seen)
    if isinstance(race, MemoryRace):
        assert answers.keys() <= {"done", "stale_version"}
    else:
        check_fairness(seen)


def check_fairness(seen: list[Seen]) -> None:
    """Check that every command was done, and that who was too late once was hardly ever too late again (L4)."""
    attempts = [number for one in seen for number in one.attempts]
    assert [one.answers.keys() for one in seen] == [{"done"}] * WORKERS
    assert sum(attempts) <= 2.1 * len(attempts)
    assert max(attempts) <= 5


@pytest.mark.parametrize("times", [20, full(100)])
def test_a_file_is_never_locked(file_race: ProcessRace, times: int) -> None:
    """Eight processes write one file, and every command is done at its first attempt: none is told to wait (L3, L4)."""
    seen = edited(file_race, times, 1)

    assert [one.answers for one in seen] == [Counter(done=times)] * WORKERS
    check_chain(file_race, seen)
    assert disagreements(file_race.place) == []


def test_a_store_that_compares_nothing_is_caught() -> None:
    """The race has teeth: where the last one wins, updates are lost and it tells."""
    race = MemoryRace(LastOneWins())
    with pytest.raises(AssertionError):
        check_chain(race, edited(race, 100))


def test_a_lock_that_is_taken_late_is_caught(file_race: ProcessRace) -> None:
    """The race has teeth: where transactions take the lock only when they write, the file is locked again and again."""
    a_bus(file_race.store).execute(OpenCase("c", id="c"), by=ROOT)
    seen = file_race.run(edit_deferred, 20)

    assert sum(one.answers["storage_transient"] for one in seen) > 0
