"""Commands on a bus: what a person left out is told as a reason, and every way to ask for the same does the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AddNote,
    Assign,
    BlockTask,
    CancelTask,
    CaseDefinition,
    CloseCase,
    Command,
    CommandBus,
    Correct,
    CreateTask,
    Edit,
    EscalateCase,
    Event,
    InvalidInputError,
    OpenCase,
    Perform,
    RefusedError,
    SetDue,
    StartReview,
    Store,
    TaskDefinition,
    Transition,
    actor,
    always,
    boolean,
    choice,
    copy_input,
    instant,
    integer,
    mapping,
    names,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, ROOT, a_bus, failure_of
from support.command_table import ON_AN_ITEM, ROWS, prepared

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

# ---------------------------------------------------------------- missing and blank

MISSING, BLANK, NO_CHOICE, UNKNOWN = "input_missing", "input_blank", "input_not_a_choice", "input_unknown"
INCOMPLETE: Mapping[str, tuple[Command[Any], list[tuple[str, str]]]] = {
    "CreateTask, nothing": (CreateTask(), [(MISSING, "title")]),
    "CreateTask, no title": (CreateTask(None, priority="low"), [(MISSING, "title")]),
    "CreateTask, blank": (
        CreateTask(" ", description="", priority="", assignee_id=" ", due_at="", status=" ", reason="\t"),
        [
            *((BLANK, name) for name in ("title", "description")),
            (NO_CHOICE, "priority"),
            *((BLANK, name) for name in ("assignee_id", "due_at")),
            (NO_CHOICE, "status"),
            (BLANK, "reason"),
        ],
    ),
    "CreateTask, no such choice": (
        CreateTask("A", priority="soon", status="gone"),
        [(NO_CHOICE, "priority"), (NO_CHOICE, "status")],
    ),
    "OpenCase, nothing": (OpenCase(), [(MISSING, "title")]),
    "OpenCase, blank": (OpenCase("\u3000", due_at=" "), [(BLANK, "title"), (BLANK, "due_at")]),
    "BlockTask": (BlockTask("x-1"), [(MISSING, "reason")]),
    "BlockTask, blank": (BlockTask("x-1", ""), [(BLANK, "reason")]),
    "CancelTask, blank": (CancelTask("x-1", " "), [(BLANK, "reason")]),
    "StartReview": (StartReview("x-1"), [(MISSING, "reviewer_id")]),
    "StartReview, blank": (StartReview("x-1", " "), [(BLANK, "reviewer_id")]),
    "EscalateCase": (EscalateCase("x-1"), [(MISSING, "reason")]),
    "EscalateCase, blank": (EscalateCase("x-1", "\n"), [(BLANK, "reason")]),
    "CloseCase": (CloseCase("x-1"), [(MISSING, "reason")]),
    "CloseCase, blank": (CloseCase("x-1", ""), [(BLANK, "reason")]),
    "Edit, blank": (
        Edit("x-1", title="", description=" ", priority=""),
        [(BLANK, "title"), (BLANK, "description"), (NO_CHOICE, "priority")],
    ),
    "Assign": (Assign("x-1"), [(MISSING, "assignee_id")]),
    "Assign, blank": (Assign("x-1", ""), [(BLANK, "assignee_id")]),
    "SetDue": (SetDue("x-1"), [(MISSING, "due_at")]),
    "SetDue, blank": (SetDue("x-1", " "), [(BLANK, "due_at")]),
    "AddNote": (AddNote("x-1"), [(MISSING, "body")]),
    "AddNote, blank": (AddNote("x-1", " ", note_id=""), [(BLANK, "body"), (BLANK, "note_id")]),
    "Correct": (Correct("x-1"), [(MISSING, "status"), (MISSING, "reason")]),
    "Correct, blank": (Correct("x-1", " ", reason=" "), [(NO_CHOICE, "status"), (BLANK, "reason")]),
    "Perform": (Perform("x-1", "assign"), [(MISSING, "assignee_id")]),
    "Perform, None": (Perform("x-1", "assign", {"assignee_id": None}), [(MISSING, "assignee_id")]),
    "Perform, unknown": (Perform("x-1", "claim", {"owner": "ann"}), [(UNKNOWN, "owner")]),
    "Perform, blank and unknown": (
        Perform("x-1", "edit", {"title": " ", "status": "done", "owner": "ann"}),
        [(BLANK, "title"), (UNKNOWN, "owner"), (UNKNOWN, "status")],
    ),
}


def test_incomplete_commands_are_refused_with_every_reason(backend: Backend) -> None:
    """What is missing, blank or no choice builds, and is refused by the bus with every reason, all of phase input."""
    bus = a_bus(backend.store)
    told = {}
    for number, (name, (command, _)) in enumerate(INCOMPLETE.items()):
        tenant = f"t{number}"
        row = ROWS[type(command)]
        prepared(bus, row if not isinstance(command, Perform) else ROWS[Edit], "x-1", tenant=tenant)
        before = backend.dump()
        by = Actor("root", roles=["admin"], tenant=tenant)
        error = failure_of(partial(bus.execute, command, by=by))
        assert isinstance(error, RefusedError)
        assert error.phase == "input"
        assert {reason.phase for reason in error.reasons} == {"input"}
        assert backend.dump() == before
        told[name] = [(reason.code, reason.params["input"]) for reason in error.reasons]
    assert told == {name: expected for name, (_, expected) in INCOMPLETE.items()}


def test_every_command_with_inputs_is_tried_without() -> None:
    """Each command that takes inputs has a row above; `Tag` alone cannot be incomplete."""
    tried = {type(command) for command, _ in INCOMPLETE.values()}
    takes = {cls for cls in ROWS if len(attrs.fields(cls)) > 1}  # type: ignore[arg-type]  # of attrs
    assert {cls.__name__ for cls in takes - tried} == {"Tag"}


# ---------------------------------------------------------------- the same by another name


def bare(events: tuple[Event, ...]) -> list[Event]:
    """Return events without their salts, and what is hashed with these; and of no tenant."""
    blank: dict[str, Any] = {"salt": None, "payload_digest": "", "digest": "", "previous": "", "tenant": ""}
    return [attrs.evolve(event, **blank, recorded_at=None) for event in events]


@pytest.mark.parametrize("cls", ON_AN_ITEM, ids=lambda cls: cls.__name__)
def test_a_command_is_the_perform_of_its_action(bus: CommandBus, cls: type[Command[Any]]) -> None:
    """Each command does to the last event what `Perform` of the same action and inputs does."""
    row = ROWS[cls]
    command = row.ask("x-1")
    if isinstance(command, AddNote):
        command = attrs.evolve(command, note_id="n-1")
    ask = command.ask()
    answers = []
    for tenant, asked in (("one", command), ("two", Perform("x-1", ask.action, ask.inputs))):
        prepared(bus, row, "x-1", tenant=tenant)
        done = bus.outcome(asked, by=attrs.evolve(row.by, tenant=tenant), at=AT)
        answers.append((bare(done.events), attrs.evolve(done.item, tenant="", head="", created_at=AT)))
    assert answers[0] == answers[1]


FIELDS: dict[str, Any] = {
    "description": "long",
    "priority": "high",
    "assignee_id": "bob",
    "due_at": AT,
    "tags": ["b", "a"],
    "attributes": {"litres": [2]},
    "reason": "why not",
}


@pytest.mark.parametrize(
    ("command", "definition"),
    [(CreateTask("A", id="x-1", **FIELDS), TASK), (OpenCase("A", id="x-1", **FIELDS), REGULATORY_CASE)],
    ids=["task", "case"],
)
def test_a_creation_is_that_of_the_definition(
    bus: CommandBus, command: Command[Any], definition: TaskDefinition | CaseDefinition
) -> None:
    """What a command creates is what the first definition of its kind creates of the same fields."""
    expected: Any = definition.create("x-1", by=ROOT, at=AT, title="A", **FIELDS)
    made = bus.outcome(command, by=ROOT, at=AT)
    assert bare(made.events) == [change.event for change in expected.changes]
    assert attrs.evolve(made.item, head="") == expected.change.after


# ---------------------------------------------------------------- any action of any lifecycle


class Colour(StrEnum):
    """A team's own words."""

    RED = "red"
    BLUE = "blue"


PAINTING = TASK.with_transitions(
    Transition(
        "paint",
        "todo",
        "in_progress",
        inputs=[
            actor("painter_id"),
            instant("until"),
            names("colours"),
            choice("first", Colour),
            integer("coats"),
            boolean("gloss"),
            mapping("mix", optional=True),
        ],
        effects=[copy_input("painter_id", to="assignee_id"), copy_input("until", to="due_at")],
    ),
    rules={"paint": always()},
)


def test_perform_takes_what_python_has(store: Store) -> None:
    """`Perform` of a team's own action takes datetimes, sets and members of a StrEnum, and records plain values."""
    bus = a_bus(store, [PAINTING])
    bus.execute(CreateTask("Fence", id="x-1"), by=ANN)
    east = timezone(timedelta(hours=2))
    given: dict[str, Any] = {
        "painter_id": "bob",
        "until": datetime(2026, 2, 1, 14, tzinfo=east),
        "colours": {Colour.RED, Colour.BLUE},
        "first": Colour.BLUE,
        "coats": 2,
        "gloss": True,
        "mix": {Colour.RED: [1, None]},
    }
    done = bus.outcome(Perform("x-1", "paint", given), by=ANN)
    due = datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert (done.item.status, done.item.assignee_id, done.item.due_at) == ("in_progress", "bob", due)
    (event,) = bus.history("x-1", by=ANN, after=1)
    assert event.payload is not None
    assert event.payload.inputs == {
        **given,
        "until": "2026-02-01T12:00:00.000000Z",
        "colours": ("blue", "red"),
        "mix": {"red": (1, None)},
    }
    assert type(event.payload.inputs["first"]) is str
    assert bus.verify("x-1", by=ANN) == ()


WRONG: dict[str, Any] = {
    "painter_id": 5,
    "until": "soon",
    "colours": "red",
    "first": True,
    "coats": True,
    "gloss": 1,
    "mix": [],
}


@pytest.mark.parametrize("name", WRONG)
def test_inputs_of_an_action_are_of_its_types(name: str) -> None:
    """True is no number and 1 no flag: an input of a wrong type is an InvalidInputError that names it (S7)."""
    bus = a_bus(MemoryStore(), [PAINTING])
    bus.execute(CreateTask("Fence", id="x-1"), by=ANN)
    good: dict[str, Any] = {"painter_id": "bob", "until": AT, "colours": ["a"], "first": "red", "coats": 1}
    error = failure_of(
        lambda: bus.execute(Perform("x-1", "paint", {**good, "gloss": False, name: WRONG[name]}), by=ANN)
    )
    assert isinstance(error, InvalidInputError)
    assert error.field == name
