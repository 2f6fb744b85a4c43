"""The proof of a lifecycle: what cannot work fails when it is built, every problem at once (E4).

Longer than 300 lines, because the table of examples is one.
"""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    Category,
    DefinitionError,
    InvalidInputError,
    Lifecycle,
    Problem,
    Transition,
    clear,
    copy_input,
    integer,
    set_value,
    text,
)
from support.plants import LIFECYCLE_PLANTS, MISFITS, READS_NOTE, Plant, parts_of

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


def with_needs(**needs: Any) -> dict[str, Any]:
    """Return parts whose only transition has these needs."""
    return {"transitions": [Transition("finish", "new", "done", **needs)]}


FINISH = "transition 'finish'"
STATES = {"new": Category.OPEN, "done": Category.DONE}

# Code, where, what and mend of the one problem that the change makes.
EXAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "status is no printable text": (
        {"states": {**STATES, "a\tb": Category.DONE}, "legacy": "a\tb"},
        "bad_name | states | the status 'a\\tb' is no printable text | use a printable text of 1 to 100 characters",
    ),
    "action is no printable text": (
        {"transitions": plus(Transition("", "new", "done"))},
        "bad_name | transition '' | the action '' is no printable text | use a printable text of 1 to 100 characters",
    ),
    "event is no printable text": (
        with_needs(event=" "),
        "bad_name | transition 'finish' | the event ' ' is no printable text | "
        "use a printable text of 1 to 100 characters",
    ),
    "category is none": (
        {"states": {"new": Category.OPEN, "done": "finished"}},
        "not_a_category | status 'done' | its category is none | "
        "use one of Category.DRAFT, Category.OPEN, Category.ACTIVE, Category.WAITING, Category.DONE, "
        "Category.CANCELLED",
    ),
    "version is no number": (
        {"version": 0},
        "bad_version | version | is no whole number from 1 | count versions 1, 2, 3",
    ),
    "initial status is unknown": (
        {"initial": ["new", "gone"]},
        "unknown_status | initial | the status 'gone' is unknown | add it to states=",
    ),
    "administrative status is unknown": (
        {"administrative": "gone"},
        "unknown_status | administrative | the status 'gone' is unknown | add it to states=",
    ),
    "legacy status is unknown": (
        {"legacy": "gone"},
        "unknown_status | legacy | the status 'gone' is unknown | add it to states=",
    ),
    "target is unknown": (
        {"transitions": plus(Transition("lose", "new", "gone"))},
        "unknown_status | transition 'lose' | the status 'gone' is unknown | add it to states=",
    ),
    "source is unknown": (
        {"transitions": plus(Transition("find", "gone", "new"))},
        "unknown_status | transition 'find' | the status 'gone' is unknown | add it to states=",
    ),
    "no initial status": (
        {"initial": (), "states": {"done": Category.DONE}, "transitions": [], "legacy": "done"},
        "no_initial | initial | no status is initial | name where items start",
    ),
    "initial status is entered by correct only": (
        {"legacy": "new"},
        "initial_by_correct | initial | 'new' is entered by correct only | start elsewhere, or do not mark it",
    ),
    "target is entered by correct only": (
        {"administrative": "done"},
        "target_by_correct | transition 'finish' | leads to 'done', which is entered by correct only | "
        "lead elsewhere, or do not mark it",
    ),
    "a transition is none": (
        {"transitions": plus(("start", "new", "done"))},
        "not_a_transition | transitions[1] | is no Transition | pass Transition(...)",
    ),
    "action is named like a verb": (
        {"transitions": plus(Transition("claim", "new", "done"))},
        "reserved_action | transition 'claim' | the name is reserved for a verb | call the action something else",
    ),
    "no sources": (
        {"transitions": plus(Transition("appear", (), "done"))},
        "no_sources | transition 'appear' | starts nowhere | name the statuses from which it is possible",
    ),
    "an input is none": (
        with_needs(inputs=["reason"]),
        "not_an_input | transition 'finish' | holds a str where an input is meant | "
        "use text(...), choice(...) or their like",
    ),
    "a guard is none": (
        with_needs(guards=[len]),
        "not_a_guard | transition 'finish' | holds a builtin_function_or_method where a guard is meant | "
        "use guard(...)",
    ),
    "an effect is none": (
        with_needs(effects=["title"]),
        "not_an_effect | transition 'finish' | holds a str where an effect is meant | "
        "use copy_input(...), set_value(...) or clear(...)",
    ),
    "an input is declared twice": (
        with_needs(inputs=[text("a"), integer("a")]),
        "input_twice | transition 'finish' | declares the input 'a' twice | declare it once",
    ),
    "a guard reads an undeclared input": (
        with_needs(guards=[READS_NOTE]),
        "guard_input | transition 'finish' | guard(\"c\": \"t\") reads the undeclared input 'note' | "
        "declare it in inputs=, or do not read it",
    ),
    "an effect copies an undeclared input": (
        with_needs(effects=[copy_input("a", to="title")]),
        "bad_effect | transition 'finish' | copies the undeclared input 'a' | declare it in inputs=",
    ),
    "an effect sets an unknown field": (
        with_needs(effects=[set_value("status", "done")]),
        "bad_effect | transition 'finish' | sets the unknown field 'status' | "
        "use title, description, priority, assignee_id, due_at, tags or attributes.<name>",
    ),
    "an effect clears what every item has": (
        with_needs(effects=[clear("tags")]),
        "bad_effect | transition 'finish' | clears tags, which every item has | set it to a value",
    ),
    "an effect copies what does not fit": (
        with_needs(inputs=[text("who")], effects=[copy_input("who", to="assignee_id")]),
        "bad_effect | transition 'finish' | copies 'who', which does not fit assignee_id | "
        "declare it so that it is an actor",
    ),
    "two effects set one field": (
        with_needs(effects=[clear("due_at"), clear("due_at")]),
        "effect_twice | transition 'finish' | sets due_at twice | keep one of the effects",
    ),
    "two transitions for one status and action": (
        {"transitions": plus(Transition("finish", ["new"], "done"))},
        "ambiguous | status 'new' | two transitions are named 'finish' there | name them differently, or merge them",
    ),
    "a status is unreachable": (
        {"states": {**STATES, "island": Category.DONE}},
        "unreachable | status 'island' | no way leads to it from an initial status | "
        "add a transition to it, or mark it administrative or legacy",
    ),
    "a status is a trap": (
        {"states": {**STATES, "pit": Category.WAITING}, "transitions": plus(Transition("fall", "new", "pit"))},
        "trap | status 'pit' | no closed status can be reached from it | "
        "add a way to a status of category DONE or CANCELLED",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_problem_says_what_is_wrong_where_and_what_mends_it(name: str) -> None:
    """One mistake alone is reported as one problem with code, place, what is wrong and what would mend it (E4)."""
    changes, expected = EXAMPLES[name]
    assert problems(**changes) == (Problem(*expected.split(" | ")),)


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


@pytest.mark.parametrize("plant", [pytest.param(p, id=f"{n} {p}") for n, p in enumerate(LIFECYCLE_PLANTS)])
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


@pytest.mark.parametrize(("field", "spec"), MISFITS)
def test_an_input_that_does_not_fit_a_field_is_a_problem(field: str, spec: Any) -> None:
    """An effect copies into an item field only what the field can hold at its longest and emptiest (S1)."""
    found = problems(**with_needs(inputs=[spec], effects=[copy_input("x", to=field)]))
    assert [problem.code for problem in found] == ["bad_effect"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 501),
        ("title", 3),
        ("description", "x" * 10_001),
        ("priority", "enormous"),
        ("assignee_id", " "),
        ("assignee_id", "x" * 256),
        ("due_at", "tomorrow"),
        ("tags", "one"),
        ("tags", ["x" * 101]),
        ("tags", [str(number) for number in range(101)]),
        ("attributes.price", 1.5),
        ("attributes.deep", [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]),
    ],
)
def test_a_constant_that_a_field_cannot_hold_is_refused_at_once(field: str, value: Any) -> None:
    """An effect's constant is checked against its field when it is written, not when the action runs (E4, S1)."""
    with pytest.raises((InvalidInputError, DefinitionError)):
        Lifecycle(**parts(**with_needs(effects=[set_value(field, value)])))


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
