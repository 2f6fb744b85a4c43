"""The builders: one line each, every field defaulted, any of them overridden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Case,
    Category,
    InvalidInputError,
    Lifecycle,
    Permitted,
    Priority,
    Task,
    TaskDefinition,
    Transition,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task, an_actor
from support.verdicts import EVERYONE


def test_a_task_and_a_case_are_what_create_makes() -> None:
    """Without arguments a builder gives the very item that the definition would create."""
    for made, definition, by in (
        (a_task(), TASK, an_actor()),
        (a_task(definition=SIMPLE_TASK), SIMPLE_TASK, an_actor()),
        (a_case(), REGULATORY_CASE, an_actor("ann", "case_writer")),
    ):
        judge: Any = definition
        verdict = judge.create(made.id, by=by, at=SOME_TIME, title=made.title)
        assert isinstance(verdict, Permitted)
        assert verdict.change is not None
        assert verdict.change.after == made


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK, REGULATORY_CASE], ids=lambda one: one.name)
def test_the_category_follows_from_the_status(definition: Any) -> None:
    """In each status category and closing time are as the lifecycle has them."""
    build: Any = a_case if definition.kind == "case" else a_task
    for status, category in definition.lifecycle.states.items():
        item = build(definition=definition, status=status)
        assert type(item) is (Case if definition.kind == "case" else Task)
        assert (item.status, item.category, item.definition) == (status, category, definition.name)
        assert item.closed_at == (SOME_TIME if category.closed else None)


def test_every_field_may_be_given() -> None:
    """Whatever is given stands, and what follows from it follows."""
    later = SOME_TIME + timedelta(days=1)
    task = a_task(
        status="done",
        id="t-7",
        title="Mine",
        version=9,
        created_by="ben",
        updated_at=later,
        tags=["b", "a"],
        attributes={"k": [1]},
        priority="high",
        case_id="case-1",
        tenant="north",
    )
    assert (task.id, task.title, task.version, task.tenant, task.case_id) == ("t-7", "Mine", 9, "north", "case-1")
    assert (task.created_by, task.performers_of("create"), task.closed_at) == ("ben", ("ben",), later)
    assert (task.tags, task.priority, dict(task.attributes)) == (("a", "b"), Priority.HIGH, {"k": (1,)})
    assert a_task(status="done", closed_at=SOME_TIME, updated_at=later).closed_at == SOME_TIME
    assert a_task(performers=()).performers == ()
    assert a_case(open_tasks=3).open_tasks == 3


def test_a_lifecycle_of_ones_own_is_followed() -> None:
    """The first initial status, the version and the categories are those of the definition that is passed."""
    lifecycle = Lifecycle(
        states={"b": Category.WAITING, "a": Category.OPEN, "z": Category.DONE},
        initial=frozenset({"b", "a"}),
        transitions=[Transition("go", ["a", "b"], "z")],
        version=4,
    )
    definition = TaskDefinition("mine", lifecycle=lifecycle, authorization=EVERYONE)
    task = a_task(definition=definition)
    assert (task.definition, task.lifecycle_version, task.status) == ("mine", 4, "a")
    ordered = attrs.evolve(definition, lifecycle=attrs.evolve(lifecycle, initial=("b", "a")))
    assert a_task(definition=ordered).status == "b"


@pytest.mark.parametrize("fields", [{"status": "gone"}, {"title": " "}, {"tags": "one"}, {"version": 0}])
def test_wrong_values_are_refused(fields: dict[str, Any]) -> None:
    """A status that is not there, or a value that no item can hold, raises InvalidInputError."""
    with pytest.raises(InvalidInputError):
        a_task(**fields)
    with pytest.raises(InvalidInputError):
        a_case(**fields)
