"""`decide`: the full product for the shipped definitions, and each thing that a refusal says (E2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    Category,
    Guard,
    InvalidInputError,
    Lifecycle,
    Permitted,
    Refused,
    TaskDefinition,
    Transition,
    copy_input,
    guard,
    has_role,
    instant,
    integer,
    names,
    text,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task
from support import naive
from support.verdicts import ANN, EVERYONE, LATER, ROOT, change_of, codes, payload_of


def raising(item: Any, inputs: Any, facts: Any, at: Any) -> bool:
    """Fail."""
    raise ZeroDivisionError


def answering(answer: Any) -> Callable[..., Any]:
    """Return a function that answers this."""
    return lambda *_: answer


GUARDS: dict[str, tuple[Guard, ...]] = {
    "none": (),
    "passes": (guard(lambda *_: True, code="passes", text="t"),),
    "refuses": (guard(lambda *_: False, code="refuses", text="t"),),
    "raises": (guard(raising, code="raises", text="t"),),
    "answers 1": (guard(answering(1), code="one", text="t"),),
    "answers nothing": (guard(answering(None), code="nothing", text="t"),),
    "needs a fact": (guard(lambda *_: True, code="fact", text="t", facts=["weather"]),),
    "two refuse": (
        guard(lambda *_: False, code="first", text="t"),
        guard(lambda *_: False, code="second", text="t"),
    ),
}
SAMPLES: dict[str, object] = {
    "reason": "because",
    "reviewer_id": "rita",
    "title": "Another title",
    "assignee_id": "ben",
    "due_at": SOME_TIME,
    "body": "words",
    "note_id": "n-1",
}
INPUTS = ("given", "missing", "blank", "none", "unknown")


def give(names: list[str], how: str, status: str) -> dict[str, object]:
    """Return inputs of that sort for what is required."""
    if how == "missing":
        return {}
    given: dict[str, object] = {name: status if name == "status" else SAMPLES[name] for name in names}
    if how == "blank":
        return {name: " " if isinstance(value, str) else value for name, value in given.items()}
    if how == "none":
        return {**dict.fromkeys(given)}
    return given | ({"no such input": 1} if how == "unknown" else {})


@pytest.mark.parametrize("outcome", GUARDS)
@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK, REGULATORY_CASE], ids=lambda one: one.name)
def test_every_combination_is_decided_as_the_oracle_does(definition: Any, outcome: str) -> None:
    """Status x action x guard outcome x inputs: the answer and the item are the oracle's; a no changes nothing (E2)."""
    lifecycle = definition.lifecycle
    actions = (*lifecycle.actions, *naive.VERB_INPUTS, "read", "no such action")
    guarded = {action: GUARDS[outcome] for action in actions if action not in ("read", "no such action")}
    judge = definition.with_guards(guarded)
    make = a_case if definition.kind == "case" else a_task
    more: tuple[dict[str, Any], ...] = ({}, {"open_tasks": 2}) if definition.kind == "case" else ({},)
    for status, action, how, by, extra in product(lifecycle.states, actions, INPUTS, (ROOT, ANN), more):
        item = make(definition=definition, status=status, assignee_id="ben", **extra)
        model = naive.observed(item)
        required = [spec.name for spec in naive.inputs_of(judge, model, action) if not spec.optional]
        for goal in lifecycle.states if action == "correct" else (status,):
            given = give(required, how, goal)
            expected = naive.decide(judge, model, action, given, by=by, at=LATER)
            verdict = judge.decide(item, action, given, by=by, at=LATER)
            assert codes(verdict) == expected.reasons, (status, action, how, by.id)
            assert verdict.permitted is expected.permitted
            assert naive.observed(item) == model
            if isinstance(verdict, Permitted):
                after = verdict.change.after if verdict.change else item
                assert naive.observed(after) == expected.item


PICKY = Lifecycle(
    states={"new": Category.OPEN, "busy": Category.ACTIVE, "done": Category.DONE},
    initial="new",
    transitions=[
        Transition("start", "new", "busy"),
        Transition(
            "finish",
            "busy",
            "done",
            inputs=[text("reason"), integer("hours")],
            guards=[
                guard(lambda item, *_: item.priority is not None, code="no_priority", text="set a priority"),
                guard(lambda item, inputs, *_: inputs["hours"] < 9, code="too_long", text="t", inputs=["hours"]),
            ],
        ),
        Transition("swap", "new", "busy", inputs=[text("why")]),
        Transition("swap", "busy", "new"),
    ],
)
PICKY_TASK = TaskDefinition("picky", lifecycle=PICKY, authorization=EVERYONE)


def a_picky(status: str = "new", **fields: Any) -> Any:
    """Return a task of the picky definition."""
    return a_task(definition=PICKY_TASK, status=status, **fields)


def test_all_reasons_come_at_once_and_in_order() -> None:
    """State, every input and every guard are told together, phase by phase: people mend everything in one go."""
    verdict = PICKY_TASK.decide(a_picky("new"), "finish", {"stray": 1}, by=ANN, at=LATER)
    assert isinstance(verdict, Refused)
    told = [(str(reason.phase), reason.code) for reason in verdict.reasons]
    assert told == [
        ("state", "wrong_state"),
        ("input", "input_missing"),
        ("input", "input_missing"),
        ("input", "input_unknown"),
        ("guard", "no_priority"),
    ]
    assert verdict.phase == "state"


def test_a_wrong_state_names_where_and_what_instead() -> None:
    """The reason holds the status, the statuses from which it is possible, and what is possible from here."""
    verdict = PICKY_TASK.decide(a_picky("done"), "finish", {"reason": "r", "hours": 1}, by=ANN, at=LATER)
    assert isinstance(verdict, Refused)
    state, guarded = verdict.reasons
    assert dict(state.params) == {"status": "done", "sources": ("busy",), "possible": ()}
    assert state.text == "finish is possible from busy only, not from done"
    assert guarded.code == "no_priority"


def test_a_wrong_state_with_two_transitions_of_the_name_tells_no_needs() -> None:
    """Where two transitions bear the name, nobody knows which one was meant: only the state is told."""
    verdict = PICKY_TASK.decide(a_picky("done"), "swap", {"stray": 1}, by=ANN, at=LATER)
    assert codes(verdict) == {("state", "wrong_state")}
    assert isinstance(verdict, Refused)
    assert verdict.reasons[0].params["sources"] == ("new", "busy")


def test_an_unknown_action_names_the_known_ones() -> None:
    """An action that is none is refused, phase state, with all that there are; the counter's events are none either."""
    for action in ("finsih", "task_opened", "task_closed"):
        verdict = PICKY_TASK.decide(a_picky(), action, by=ANN, at=LATER)
        assert codes(verdict) == {("state", "unknown_action")}
        assert isinstance(verdict, Refused)
        assert verdict.reasons[0].params["known"] == ("start", "finish", "swap", *naive.VERB_INPUTS)


def test_without_permission_only_permission_is_told() -> None:
    """An actor who lacks the permission learns nothing of state, inputs or guards."""
    closed = PICKY_TASK.with_rules({"finish": has_role("boss")})
    assert codes(closed.decide(a_picky("done"), "finish", {"stray": 1}, by=ANN, at=LATER)) == {
        ("permission", "role_missing")
    }


@pytest.mark.parametrize("action", ["start", "finish", "read", "edit", "delete", "no such action", "task_opened"])
def test_what_may_not_be_read_is_not_visible(action: str) -> None:
    """Who may not read, or is of another tenant, gets the one reason not_visible for every action (A8, A11)."""
    hidden = PICKY_TASK.with_rules({"read": has_role("boss")})
    foreigner = Actor("ann", roles=["boss", "admin"], tenant="elsewhere")
    for definition, by in ((hidden, ANN), (hidden, foreigner), (PICKY_TASK, foreigner)):
        for item in (a_picky(), a_picky(deleted_at=SOME_TIME)):
            assert codes(definition.decide(item, action, by=by, at=LATER)) == {("permission", "not_visible")}
            for verdict in definition.actions(item, by=by, at=LATER):
                assert [reason.code for reason in verdict.reasons] == ["not_visible"]


@pytest.mark.parametrize("action", ["start", "finish", "edit", "claim", "delete", "read", "correct"])
def test_nothing_is_done_with_a_deleted_item(action: str) -> None:
    """A deleted item refuses everything, phase state; who lacks the permission is told only that."""
    item = a_picky(deleted_at=SOME_TIME)
    assert codes(PICKY_TASK.decide(item, action, by=ANN, at=LATER)) == {("state", "deleted")}
    listed = {verdict.action: verdict for verdict in PICKY_TASK.actions(item, by=ANN, at=LATER)}
    assert {reason.code for verdict in listed.values() for reason in verdict.reasons} == {"deleted"}
    denied = PICKY_TASK.with_rules({"edit": has_role("boss")})
    assert codes(denied.decide(item, "edit", by=ANN, at=LATER)) == {("permission", "role_missing")}


def test_reading_is_decided_like_anything_else() -> None:
    """`read` is permitted without a change where its rule grants, and refused where it does not."""
    assert PICKY_TASK.decide(a_picky(), "read", by=ANN, at=LATER) == Permitted()
    assert (
        PICKY_TASK.with_rules({"read": has_role("boss")}).decide(a_picky(), "read", by=ANN, at=LATER).permitted is False
    )


def test_a_guard_sees_the_item_before_and_the_accepted_inputs() -> None:
    """A guard is called with the item as it is, inputs in recorded form, the facts and the effective time."""
    seen: list[Any] = []

    def look(item: Any, inputs: Any, facts: Any, at: datetime) -> bool:
        seen.append((item, dict(inputs), dict(facts), at))
        return True

    step = Transition(
        "go", "new", "done", inputs=[instant("until"), names("labels")], effects=[copy_input("labels", to="tags")],
        guards=[guard(look, code="c", text="t", inputs=["until"], facts=["weather"])],
    )  # fmt: skip
    lifecycle = attrs.evolve(PICKY, transitions=[step, Transition("x", "new", "busy"), Transition("y", "busy", "done")])
    definition = attrs.evolve(PICKY_TASK, lifecycle=lifecycle)
    item = a_picky()
    here = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    asked = {"until": here, "labels": ["b", "a", "b"]}
    verdict = definition.decide(item, "go", asked, by=ANN, at=here, facts={"weather": "fine", "stray": 1})
    canonical = {"until": "2026-05-01T12:00:00.000000Z", "labels": ("a", "b")}
    assert seen == [(item, canonical, {"weather": "fine", "stray": 1}, here)]
    assert seen[0][3].tzinfo is UTC
    change = change_of(verdict)
    assert change.after.tags == ("a", "b")
    assert payload_of(change)[0] == canonical


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", 3),
        ("reason", b"r"),
        ("reason", "x" * 10_001),
        ("reason", "a\0b"),
        ("reason", "\ud800"),
        ("hours", "3"),
        ("hours", True),
        ("hours", 2**63),
        ("hours", 1.0),
    ],
)
@pytest.mark.parametrize("status", ["busy", "done"])
def test_a_value_that_no_store_can_hold_is_an_error(name: str, value: Any, status: str) -> None:
    """A wrong type, a value over its limit and NUL raise InvalidInputError: a program must mend it (S1, S2, S7)."""
    given = {"reason": "r", "hours": 1} | {name: value}
    with pytest.raises(InvalidInputError):
        PICKY_TASK.decide(a_picky(status, priority="low"), "finish", given, by=ANN, at=LATER)
