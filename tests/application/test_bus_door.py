"""The order at the door: tenant, exists, may read, version, decide; and what a version and a deletion mean."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from casewright import (
    TASK,
    Actor,
    AddNote,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Delete,
    Edit,
    NotFoundError,
    OpenCase,
    Perform,
    Report,
    StaleVersionError,
    StartTask,
    Store,
    TaskFilter,
    guard,
)
from support.backends import Backend
from support.buses import ANN, BEN, ROOT, STRANGER, WRITER, a_bus, failure_of

pytestmark = pytest.mark.usefixtures("both_buses")

# What is wrong with a question, in the order in which the door looks for it.
STEPS = ("tenant", "absent", "hidden", "version", "permission", "state", "input", "guard")


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(STEPS, 2)))
def test_the_earlier_step_answers(store: Store, first: str, second: str) -> None:
    """Where two things are wrong, the caller is told the one that comes first at the door."""
    full = guard(lambda *_: False, code="full", text="no")
    bus = a_bus(store, [TASK.with_guards({"block": full, "unblock": full})])
    wrong = {first, second}
    theirs = Actor("root", roles=["admin"], tenant="theirs")
    bus.execute(CreateTask("A", id="x-1", assignee_id="ben"), by=theirs if "tenant" in wrong else ANN)
    bus.execute(StartTask("x-1"), by=theirs if "tenant" in wrong else ANN)
    by = STRANGER if "hidden" in wrong else BEN
    action = "cancel" if "permission" in wrong else "unblock" if "state" in wrong else "block"
    command = Perform(
        "none" if "absent" in wrong else "x-1",
        action,
        {"reason": " "} if "input" in wrong else {} if action == "unblock" else {"reason": "why"},
    )
    error = failure_of(bus.execute, command, by=by, expected_version=9 if "version" in wrong else 2)
    if first in {"tenant", "absent", "hidden"}:
        assert type(error) is NotFoundError
    elif first == "version":
        assert (error.code, error.expected, error.actual) == ("stale_version", 9, 2)
    else:
        assert (error.code, error.phase) == ("refused", first)


def test_the_expected_version_must_be_the_present_one(backend: Backend) -> None:
    """A right one passes, a wrong one is a StaleVersionError that tells both numbers, none is any."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert bus.execute(Edit("x-1", title="B"), by=ANN, expected_version=1).version == 2
    assert bus.execute(Edit("x-1", title="C"), by=ANN, expected_version=None).version == 3
    before = backend.dump()
    for wrong in (1, 2, 4, 2**63 - 1):
        error = failure_of(bus.execute, Edit("x-1", title="D"), by=ANN, expected_version=wrong)
        assert (type(error), error.item_id, error.expected, error.actual) == (StaleVersionError, "x-1", wrong, 3)
        assert (str(wrong) in str(error), "3" in str(error)) == (True, True)
    assert backend.dump() == before


def test_a_stale_caller_is_told_even_where_nothing_would_change(bus: CommandBus) -> None:
    """The version comes before the decision: also before a refusal, and before an edit to what is there already."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(CompleteTask("x-1"), by=ANN)
    for command in (Edit("x-1", title="A"), CompleteTask("x-1")):
        error = failure_of(bus.execute, command, by=ANN, expected_version=1)
        assert isinstance(error, StaleVersionError)


def test_a_deleted_item_is_not_read_but_its_history_is(bus: CommandBus, reports: list[Report]) -> None:
    """get, actions and lists pass it over; history, notes and verify answer to who could read it last."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    note = bus.execute(AddNote("x-1", "It drips."), by=ANN)
    bus.execute(Delete("x-1"), by=ANN)
    assert bus.find(TaskFilter(), by=ANN).items == ()
    assert bus.count(TaskFilter(), by=ANN) == 0
    for by in (ANN, ROOT):
        assert [event.action for event in bus.history("x-1", by=by)] == ["create", "add_note", "delete"]
        assert bus.notes("x-1", by=by) == (note,)
        assert bus.verify("x-1", by=by) == ()
        reports.clear()
        for ask in (bus.get, bus.actions):
            error = failure_of(ask, "x-1", by=by)
            assert str(error) == str(NotFoundError("x-1"))
        assert [(report.action, report.reasons) for report in reports] == [("read", ())] * 2
    for question in (bus.history, bus.notes, bus.verify):
        assert isinstance(failure_of(question, "x-1", by=STRANGER), NotFoundError)


def test_a_task_is_counted_by_its_case(bus: CommandBus, reports: list[Report]) -> None:
    """Creating, finishing, reopening and deleting a task moves the counter by an event of its case (L2)."""
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    counts = []
    for command in (CreateTask("A", id="x-1", case_id="c-1"), *map(command_on, ("complete", "reopen", "delete"))):
        done = bus.outcome(command, by=WRITER)
        own, counted = done.events
        assert (own.item_id, counted.item_id, counted.causation_id) == ("x-1", "c-1", own.id)
        assert reports[-1].events == done.events
        case: Any = bus.get("c-1", by=WRITER)
        counts.append((counted.action, case.open_tasks, case.version))
    assert counts == [("task_opened", 1, 2), ("task_closed", 0, 3), ("task_opened", 1, 4), ("task_closed", 0, 5)]
    assert bus.verify("c-1", by=WRITER) == bus.verify("x-1", by=WRITER) == ()
    assert [len(bus.outcome(Edit("c-1", title=title), by=WRITER).events) for title in "BC"] == [1, 1]


def command_on(action: str) -> Command[Any]:
    """Return the command that performs the action on the task."""
    return Perform("x-1", action)
