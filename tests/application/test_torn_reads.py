"""A task and its case are read one after the other, and others may come in between: stores are read committed."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from casewright import (
    Case,
    CommandBus,
    CompleteTask,
    CreateTask,
    MisuseError,
    OpenCase,
    RefusedError,
    ReopenTask,
)
from casewright.adapters.memory import MemoryStore
from support.buses import ROOT, a_bus, failure_of
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("both_buses")


@pytest.fixture
def store() -> MemoryStore:
    """Return a store that is read committed, with an open task in a case."""
    made = MemoryStore()
    bus = a_bus(made)
    bus.execute(OpenCase("c", id="c"), by=ROOT)
    bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
    return made


def interrupted(store: MemoryStore) -> CommandBus:
    """Return a bus; when it reads the case for the first time, somebody has just completed the task."""
    watched, others = WatchedStore(store), a_bus(store)

    def before_load(item_id: str) -> None:
        if item_id == "c":
            watched.before_load = lambda _: None
            others.execute(CompleteTask("t"), by=ROOT)

    watched.before_load = before_load
    return a_bus(watched)


def test_a_command_is_decided_anew(store: MemoryStore) -> None:
    """A command that met a task and a case that do not fit each other is decided on those that do (L2, L4)."""
    error = failure_of(interrupted(store).execute, CompleteTask("t"), by=ROOT)
    assert isinstance(error, RefusedError)
    assert error.phase == "state"
    assert a_bus(store).execute(ReopenTask("t"), by=ROOT).version == 3


@pytest.mark.parametrize("question", ["check", "actions"])
def test_a_question_is_asked_anew(store: MemoryStore, question: str) -> None:
    """A question that met them is answered by those that fit each other (L2)."""

    def answer(bus: CommandBus) -> object:
        return bus.actions("t", by=ROOT) if question == "actions" else bus.check(CompleteTask("t"), by=ROOT)

    assert answer(interrupted(store)) == answer(a_bus(store))


def test_a_counter_that_is_wrong_is_no_conflict(store: MemoryStore) -> None:
    """Where nobody came in between, a case that counts no open task is told as what it is."""
    kept = cast("dict[Any, Any]", store._kept)
    place = next(place for place, one in kept.items() if isinstance(one.item, Case))
    kept[place] = attrs.evolve(kept[place], item=attrs.evolve(kept[place].item, open_tasks=0))
    error = failure_of(a_bus(store).execute, CompleteTask("t"), by=ROOT)
    assert isinstance(error, MisuseError)
    assert "counts no open task" in str(error)
