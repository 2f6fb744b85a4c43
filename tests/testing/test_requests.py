"""What the machine asks for: made from numbers alone, sound where it says so, wrong in just the way it says."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    CompleteTask,
    CreateTask,
    InvalidInputError,
    OpenCase,
    Perform,
    Tag,
    integer,
    names,
    text,
)
from casewright.testing.builders import a_task
from casewright.testing.requests import (
    IDS,
    SEEN,
    as_seen,
    command_for,
    inputs_by_action,
    lifecycle_of,
    new_item,
    spoilt,
)

SPECS = (text("reason"), names("tags"), integer("amount"))
SOUND: dict[str, Any] = {"reason": "words", "tags": ["a"], "amount": 1}


@pytest.mark.parametrize(
    ("how", "place", "expected"),
    [
        ("sound", 0, SOUND),
        ("unknown", 0, {**SOUND, "no such input": 1}),
        ("missing", 0, {"tags": ["a"], "amount": 1}),
        ("none", 1, {**SOUND, "tags": None}),
        ("blank", 0, {**SOUND, "reason": " "}),
        ("blank", 1, {"reason": "words", "amount": 1}),
        ("wrong", 0, {**SOUND, "reason": 5}),
        ("wrong", 2, {**SOUND, "amount": "five"}),
    ],
)
def test_inputs_are_spoilt_in_one_way(how: str, place: int, expected: dict[str, object]) -> None:
    """One input is wrong and the others are as they were; what cannot be blank is left out."""
    assert spoilt(SOUND, how, specs=SPECS, place=place) == expected


@pytest.mark.parametrize("how", ["missing", "none", "blank", "wrong"])
def test_where_nothing_is_taken_nothing_can_be_wrong(how: str) -> None:
    """An action without inputs is asked for as it is."""
    assert spoilt({}, how, specs=(), place=7) == {}


def test_every_action_and_verb_has_its_inputs() -> None:
    """A status is one of the definition's, and the id of a note can be left to the bus."""
    inputs = inputs_by_action(TASK)
    assert {"start", "complete", "block", "edit", "delete"} <= set(inputs)
    assert inputs["correct"][0].choices == tuple(TASK.lifecycle.states)
    assert [(spec.name, spec.optional) for spec in inputs["add_note"]] == [("body", False), ("note_id", True)]
    assert len(set(IDS)) == len(IDS)


def test_a_lifecycle_is_that_of_the_item() -> None:
    """Of several versions the one that the item is pinned to."""
    later = TASK.with_transitions(version=2)
    assert lifecycle_of(later, a_task()) is TASK.lifecycle
    assert lifecycle_of(later, a_task(definition=later)) is later.lifecycle


def test_a_command_is_typed_where_it_takes_the_inputs() -> None:
    """Otherwise it is one for any action; and what a command cannot hold is told at once."""
    assert command_for("x-1", "complete", inputs={}, typed=True) == CompleteTask("x-1")
    assert command_for("x-1", "complete", inputs={}, typed=False) == Perform("x-1", "complete")
    assert command_for("x-1", "complete", inputs={"why": 1}, typed=True) == Perform("x-1", "complete", {"why": 1})
    assert command_for("x-1", "no such action", inputs={}, typed=True) == Perform("x-1", "no such action")
    assert command_for("x-1", "tag", inputs={"add": ["a"]}, typed=True) == Tag("x-1", add=["a"])
    with pytest.raises(InvalidInputError):
        command_for("x-1", "tag", inputs={"add": 5}, typed=True)


def test_new_items_are_of_the_definition() -> None:
    """A task may be in a case; a case is in none."""
    assert new_item(TASK, {"title": "A"}, item_id="x-1", case_id="c-1") == CreateTask(
        "A", id="x-1", case_id="c-1", definition="task"
    )
    assert new_item(REGULATORY_CASE, {}, item_id="c-1", case_id="c-0") == OpenCase(
        id="c-1", definition="regulatory_case"
    )


def test_an_item_is_said_to_be_as_it_was_seen() -> None:
    """As the last time, or as an earlier one; by its version, as an item, or both; and nothing where nothing was."""
    first, last = a_task(version=1), a_task(version=2)
    assert as_seen([first, last], "version", place=0) == {"expected_version": 2}
    assert as_seen([first, last], "item", place=0) == {"item": last}
    assert as_seen([first, last, last], "both", place=3) == {"expected_version": 1, "item": first}
    assert as_seen([first], "nothing", place=0) == {}
    assert all(as_seen([], what, place=0) == {} for what in SEEN)
