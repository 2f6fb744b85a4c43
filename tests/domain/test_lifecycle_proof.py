"""The proof of a lifecycle: what cannot work fails when it is built, every problem at once (E4)."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    Category,
    DefinitionError,
    Lifecycle,
    Problem,
    Transition,
    copy_input,
)
from support.plants import LIFECYCLE_PLANTS, READS_NOTE, Plant, check_told, parts_of

VERBS = ("create", "read", "edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct", "delete")


def parts(**changes: Any) -> dict[str, Any]:
    """Return the parts of new -> done, with those that are given in place of its own."""
    sound = {
        "states": {"new": Category.OPEN, "done": Category.DONE},
        "initial": "new",
        "transitions": [Transition("finish", "new", "done")],
    }
    return sound | changes


def problems(**changes: Any) -> tuple[Problem, ...]:
    """Return what the proof finds in these parts."""
    with pytest.raises(DefinitionError) as caught:
        Lifecycle(**parts(**changes))
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return caught.value.problems


def plus(*steps: Any) -> list[Any]:
    """Return the sound transition and these."""
    return [Transition("finish", "new", "done"), *steps]


FINISH = "transition 'finish'"
STATES = {"new": Category.OPEN, "done": Category.DONE}

each_plant = pytest.mark.parametrize("plant", [pytest.param(p, id=f"{n} {p}") for n, p in enumerate(LIFECYCLE_PLANTS)])


@each_plant
def test_each_problem_says_what_is_wrong_where_and_what_mends_it(plant: Plant) -> None:
    """One mistake is reported with code, place, what is wrong and what would mend it, and no other beside it (E4)."""
    spoilt = parts_of(Lifecycle(**parts()))
    plant.spoil(spoilt)
    with pytest.raises(DefinitionError) as caught:
        Lifecycle(**spoilt)
    check_told(plant, caught.value)
    # What has no way in or out because of it is told besides.
    assert {problem.code for problem in caught.value.problems} <= {plant.code, "unreachable", "trap"}


def test_a_lifecycle_without_statuses_is_refused() -> None:
    """No status at all is a problem of its own, beside having none to start in (E4)."""
    assert problems(states={}, initial=[], transitions=[]) == (
        Problem("no_states", "states", "there are none", "name at least one status"),
        Problem("no_initial", "initial", "no status is initial", "name where items start"),
    )


def test_all_problems_come_together() -> None:
    """A lifecycle with many mistakes reports each in one error: a status may be unreachable and a trap (E4)."""
    found = problems(
        states={**STATES, "island": Category.OPEN, "pit": Category.ACTIVE},
        administrative="gone",
        version=-1,
        transitions=[
            Transition("finish", ["new"], "done", guards=[READS_NOTE], effects=[copy_input("a", to="title")]),
            Transition("finish", "new", "pit"),
            Transition("tag", "new", "nowhere", inputs=["reason"]),
            None,
        ],
    )
    assert {(problem.code, problem.where) for problem in found} == {
        ("bad_version", "version"),
        ("unknown_status", "administrative"),
        ("not_a_transition", "transitions[3]"),
        ("guard_input", FINISH),
        ("bad_effect", FINISH),
        ("reserved_action", "transition 'tag'"),
        ("unknown_status", "transition 'tag'"),
        ("not_an_input", "transition 'tag'"),
        ("ambiguous", "status 'new'"),
        ("unreachable", "status 'island'"),
        ("trap", "status 'island'"),
        ("trap", "status 'pit'"),
    }


@each_plant
def test_a_wrong_category_hides_nothing_else(plant: Plant) -> None:
    """Where one status has no category, every other problem that does not depend on it is reported still (E4)."""
    spoilt = parts_of(Lifecycle(**parts()))
    plant.spoil(spoilt)
    spoilt["states"]["odd"] = "no category"
    spoilt["transitions"].append(Transition("to odd", "new", "odd"))
    if plant.code == "trap":
        spoilt["transitions"].append(Transition("from odd", "odd", "done"))
    found = {(problem.code, problem.where) for problem in problems(**spoilt)}
    assert ("not_a_category", "status 'odd'") in found
    assert any(code == plant.code and where.startswith(plant.where) for code, where in found)


@pytest.mark.parametrize("name", [*VERBS, "task_opened", "task_closed"])
def test_reserved_names_are_no_actions(name: str) -> None:
    """No transition is named like a verb or like an event of a case's counter."""
    assert [problem.code for problem in problems(transitions=plus(Transition(name, "new", "done")))] == [
        "reserved_action"
    ]


def test_statuses_entered_by_correct_may_be_unreachable_and_traps() -> None:
    """Administrative and legacy statuses need no way in and no way out, but others need theirs."""
    lifecycle = Lifecycle(
        **parts(
            states={**STATES, "frozen": Category.WAITING, "old": Category.OPEN, "void": Category.CANCELLED},
            administrative=["frozen", "void"],
            legacy="old",
        )
    )
    assert lifecycle.allowed("frozen") == ()


@pytest.mark.parametrize("wrong", [None, 3, b"new", object()])
@pytest.mark.parametrize(
    "part", ["initial", "administrative", "legacy", "transitions", "states", "sources", "target", "action"]
)
def test_parts_of_a_wrong_type_are_definition_errors(part: str, wrong: Any) -> None:
    """Whatever stands where names or transitions are meant, the answer is a DefinitionError, not a crash (E4)."""
    if part == "states":
        changes: dict[str, Any] = {"states": {**STATES, wrong: Category.DONE}}
    elif part in ("sources", "target", "action"):
        step = {"action": "finish", "sources": "new", "target": "done"} | {part: wrong}
        changes = {"transitions": plus(Transition(**step))}
    else:
        changes = {part: wrong}
    assert problems(**changes)
