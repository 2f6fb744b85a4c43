"""Commands on a bus: every way to ask for the same does the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    AddNote,
    CaseDefinition,
    Command,
    CommandBus,
    CreateTask,
    Event,
    OpenCase,
    Perform,
    TaskDefinition,
)
from support.buses import ROOT
from support.command_table import ON_AN_ITEM, ROWS, prepared

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


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
