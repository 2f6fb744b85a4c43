"""The fakes: time and ids come from outside, so a test can hold them still."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from casewright import (
    TASK,
    Actor,
    CommandBus,
    CompleteTask,
    CreateTask,
    InvalidInputError,
    Message,
    Publisher,
    StartTask,
    fold,
)
from casewright.adapters.memory import MemoryStore
from casewright.testing.builders import SOME_TIME
from casewright.testing.fakes import CollectingPublisher, FrozenClock, SequentialIds


def test_a_frozen_clock_stands_still_until_it_is_moved() -> None:
    """It tells the same time, in UTC, however often it is asked; it can go on, back, and anywhere (O8)."""
    clock = FrozenClock(datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert [clock(), clock()] == [datetime(2026, 3, 1, tzinfo=UTC)] * 2
    assert clock().tzinfo is UTC
    assert clock.tick() == clock() == datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)
    assert clock.tick(timedelta(days=-1)) == datetime(2026, 2, 28, 0, 0, 1, tzinfo=UTC)
    clock.set(SOME_TIME)
    assert clock() == FrozenClock()() == SOME_TIME


def test_a_naive_time_is_refused() -> None:
    """A clock that told a naive time would fail later, in the bus (S3)."""
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - what is refused
    with pytest.raises(InvalidInputError, match="at"):
        FrozenClock(naive)
    clock = FrozenClock()
    with pytest.raises(InvalidInputError, match="at"):
        clock.set(naive)
    assert clock() == SOME_TIME


def test_sequential_ids_count_and_never_repeat() -> None:
    """Ids follow one another under one prefix, and no two threads get the same."""
    ids = SequentialIds("task")
    assert [ids(), ids(), SequentialIds()()] == ["task-1", "task-2", "id-1"]
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: ids(), range(1000)))
    assert made == {f"task-{number}" for number in range(3, 1003)}


@pytest.mark.parametrize("prefix", ["", " ", "a\n", "\0", 7, None])
def test_a_prefix_that_no_id_can_have_is_refused(prefix: Any) -> None:
    """It is refused at once, not by the first command."""
    with pytest.raises(InvalidInputError):
        SequentialIds(prefix)


def test_a_publisher_collects_what_is_pending() -> None:
    """What is to be published is taken in its order, but for what is refused, and what comes after that (O2)."""
    store = MemoryStore()
    bus = CommandBus(store, [TASK])
    ann = Actor("ann")
    for command in (CreateTask("a", id="a"), StartTask("a"), CreateTask("b", id="b"), CompleteTask("a")):
        bus.execute(command, by=ann)
    with store.begin(tenant="", write=False) as uow:
        histories = [uow.history(item_id) for item_id in ("a", "b")]
    messages = [Message(event=event, item=fold(history[: event.version])) for history in histories for event in history]
    publisher: Publisher = CollectingPublisher()
    assert publisher.publish(messages) == (None,) * 4
    choosy = CollectingPublisher(lambda message: "the broker is full" if message.event.action == "start" else None)
    behind = "an earlier message of the item was not delivered"
    assert choosy.publish(messages) == (None, "the broker is full", behind, None)
    assert [message.id for message in choosy.published] == ["a.1", "b.1"]
