"""How long a bus waits before it tries again, and that it waits outside of everything (L4, T6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import CreateTask, StaleVersionError, StartTask, StorageError, TransientStorageError
from casewright.adapters.memory import MemoryStore
from casewright.application.retrying import LONGEST_PAUSE, pause_before
from support.buses import ANN, a_bus, failure_of
from support.watched_store import WatchedStore

STALE, BUSY = StaleVersionError("x-1", 1, 2), TransientStorageError("busy")


@given(st.integers(2, 10_000), st.sampled_from([STALE, BUSY]), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_short_whatever_the_attempt(attempt: int, error: Any, chance: float) -> None:
    """It is never negative, never reaches the longest one, and no attempt is too late for it (T6)."""
    pause = pause_before(attempt, after=error, random=lambda: chance)
    assert 0 <= pause < LONGEST_PAUSE
    assert pause <= pause_before(attempt + 1, after=error, random=lambda: chance)
    assert pause_before(attempt, after=error, random=lambda: 0.0) == 0


def test_a_pause_may_be_twice_as_long_as_the_one_before() -> None:
    """After a conflict the second attempt comes at once, for it loads with a lock; a busy store gets time (L4)."""
    milliseconds = {
        error: [round(1000 * pause_before(attempt, after=error, random=lambda: 1.0)) for attempt in range(2, 9)]
        for error in (STALE, BUSY)
    }
    assert milliseconds == {STALE: [0, 8, 16, 32, 64, 100, 100], BUSY: [8, 16, 32, 64, 100, 100, 100]}


@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
@pytest.mark.parametrize(("error", "pauses"), [(STALE, [4, 8, 16]), (BUSY, [4, 8, 16, 32])], ids=["stale", "busy"])
@pytest.mark.usefixtures("every_bus")
def test_a_bus_waits_between_its_attempts(error: StorageError, pauses: list[int], together: bool) -> None:
    """It waits as long as the rule says, by the chance that it was given, with no unit open, and not after the last."""
    store = MemoryStore()
    a_bus(store).execute(CreateTask("A", id="x-1"), by=ANN)
    waited: list[tuple[int, int]] = []

    def fails(number: int) -> None:
        raise error

    watched = WatchedStore(store, fails)
    bus = a_bus(
        watched,
        pause=lambda seconds: waited.append((round(1000 * seconds), watched.open)),
        random=lambda: 0.5,
    )
    if together:
        assert failure_of(bus.execute_many, [StartTask("x-1")], by=ANN, all_or_nothing=True) is error
    else:
        assert failure_of(bus.execute, StartTask("x-1"), by=ANN) is error
    assert waited == [(pause, 0) for pause in pauses]
    assert watched.commits == 5


@pytest.mark.usefixtures("every_bus")
def test_what_interrupts_a_pause_is_passed_on() -> None:
    """A KeyboardInterrupt while a bus waits comes out as it is, with no unit open (T4)."""
    store = MemoryStore()
    a_bus(store).execute(CreateTask("A", id="x-1"), by=ANN)
    interrupt = KeyboardInterrupt()

    def busy(number: int) -> None:
        raise BUSY

    def pause(seconds: float) -> None:
        raise interrupt

    watched = WatchedStore(store, busy)
    with pytest.raises(KeyboardInterrupt) as caught:
        a_bus(watched, pause=pause, random=lambda: 0.5).execute(StartTask("x-1"), by=ANN)
    assert caught.value is interrupt
    assert (caught.value.__context__, watched.open, watched.commits) == (None, 0, 1)
