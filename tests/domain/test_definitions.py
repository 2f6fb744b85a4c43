"""Definitions as values: deriving one from another, and the questions that can never be right."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    TASK,
    AuthorizationPolicy,
    CaseDefinition,
    Category,
    DefinitionError,
    InvalidInputError,
    MisuseError,
    Permitted,
    Refused,
    TaskDefinition,
    Transition,
    UnknownDefinitionError,
    all_of,
    always,
    forbid,
    guard,
    has_role,
    never,
    performed,
    predicate,
    text,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task, an_actor
from casewright.testing.strategies import actors, definitions, items

ADMIN = an_actor("root", "admin")
ANN = an_actor("ann")
NOT_TODAY = guard(lambda item, inputs, facts, at: False, code="not_today", text="come back tomorrow")


def codes(verdict: Permitted[Any] | Refused) -> list[str]:
    """Return the codes of a refusal; none of a permission."""
    return [] if isinstance(verdict, Permitted) else [reason.code for reason in verdict.reasons]


def test_with_rules_replaces_a_rule_and_leaves_the_original() -> None:
    """`with_rules` gives a definition with another rule; the shipped one stays as it was."""
    closed = TASK.with_rules({"start": never()})
    task = a_task()
    assert codes(closed.decide(task, "start", by=ADMIN, at=SOME_TIME)) == ["never"]
    assert codes(TASK.decide(task, "start", by=ADMIN, at=SOME_TIME)) == []
    assert closed.rule("complete") == TASK.rule("complete")


def test_with_rules_adds_by_combining_the_present_rule() -> None:
    """`rule` gives the present rule, so that four eyes is one expression (A11)."""
    strict = REGULATORY_CASE.with_rules({"close": all_of(REGULATORY_CASE.rule("close"), forbid(performed("submit")))})
    rita = an_actor("rita", "reviewer")
    mine = a_case(status="UNDER_REVIEW", performers=("create", "ann", "submit", "rita"))
    theirs = a_case(status="UNDER_REVIEW", performers=("create", "ann", "submit", "cy"))
    reason = {"reason": "all is well"}
    assert codes(strict.decide(mine, "close", reason, by=rita, at=SOME_TIME)) == ["forbidden"]
    assert codes(strict.decide(theirs, "close", reason, by=rita, at=SOME_TIME)) == []
    assert codes(REGULATORY_CASE.decide(mine, "close", reason, by=rita, at=SOME_TIME)) == []


def test_with_guards_only_tightens() -> None:
    """`with_guards` adds to the guards that are there, for actions and verbs alike."""
    late = REGULATORY_CASE.with_guards({"close": NOT_TODAY, "correct": [NOT_TODAY], "edit": NOT_TODAY})
    case = a_case(status="ESCALATED", open_tasks=1)
    to_closed = {"status": "CLOSED", "reason": "r"}
    assert codes(late.decide(case, "close", {"reason": "r"}, by=ADMIN, at=SOME_TIME)) == ["open_tasks", "not_today"]
    assert codes(late.decide(case, "correct", to_closed, by=ADMIN, at=SOME_TIME)) == ["open_tasks", "not_today"]
    assert codes(late.decide(case, "edit", {"title": "T"}, by=ADMIN, at=SOME_TIME)) == ["not_today"]
    twice = late.with_guards({"edit": NOT_TODAY})
    assert twice.guards["edit"] == (NOT_TODAY, NOT_TODAY)
    assert codes(twice.decide(case, "edit", {"title": "T"}, by=ADMIN, at=SOME_TIME)) == ["not_today"]


def test_with_transitions_adds_actions_rules_and_statuses() -> None:
    """`with_transitions` adds what a team needs besides, in one expression, and the proof still holds."""
    wider = TASK.with_transitions(
        Transition("park", "todo", "parked", inputs=[text("reason")]),
        Transition("unpark", "parked", "todo"),
        rules={"park": always(), "unpark": always(), "start": never()},
        states={"parked": Category.WAITING},
    )
    assert wider.lifecycle.version == 1
    assert wider.earlier == ()
    assert wider.lifecycle.allowed("todo") == ("start", "complete", "cancel", "park")
    assert codes(wider.decide(a_task(definition=wider), "park", {"reason": "r"}, by=ANN, at=SOME_TIME)) == []
    assert codes(wider.decide(a_task(definition=wider), "start", by=ADMIN, at=SOME_TIME)) == ["never"]
    with pytest.raises(DefinitionError, match="no rule says who may park"):
        TASK.with_transitions(Transition("park", "todo", "done"))


@pytest.mark.parametrize(
    "derive",
    [
        lambda: TASK.with_rules({"strat": always()}),
        lambda: TASK.with_rules({"read": predicate(lambda actor, item: True, code="c", text="t")}),
        lambda: TASK.with_guards({"strat": NOT_TODAY}),
        lambda: TASK.with_transitions(Transition("assign", "todo", "done")),
    ],
    ids=["rule of an unknown action", "opaque read", "guard of an unknown action", "reserved action"],
)
def test_what_is_derived_is_proven(derive: Any) -> None:
    """No derivation gives a definition that could not have been built (E4)."""
    with pytest.raises(DefinitionError):
        derive()


def test_a_definition_is_a_value() -> None:
    """Equal parts make equal definitions with equal hashes; kinds differ."""
    again = TaskDefinition("task", lifecycle=TASK.lifecycle, authorization=TASK.authorization)
    assert again == TASK
    assert hash(again) == hash(TASK)
    assert attrs.evolve(TASK, name="other") != TASK
    of_cases: Any = CaseDefinition("task", lifecycle=TASK.lifecycle, authorization=TASK.authorization)
    assert of_cases != TASK


def test_a_definition_keeps_what_it_was_built_from() -> None:
    """Mappings and sets that are changed afterwards change nothing in the definition (E1)."""
    guards = {"start": [NOT_TODAY]}
    published = {"start"}
    definition = attrs.evolve(TASK, guards=guards, published=published)
    guards.clear()
    published.clear()
    assert definition.guards["start"] == (NOT_TODAY,)
    assert definition.published == frozenset({"start"})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", definition).name = "other"


def test_rule_gives_the_default_and_never() -> None:
    """`rule` gives the rule of an action, the default where it has none, or never() where nothing grants it."""
    admin = has_role("admin")
    policy = AuthorizationPolicy({"read": always(), "create": always()}, default=admin)
    ruled = TaskDefinition("t", lifecycle=TASK.lifecycle, authorization=policy)
    assert ruled.rule("start") is admin
    assert ruled.rule("read") == always()
    assert REGULATORY_CASE.rule("no such action") == never()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_may_be_read_is_what_the_scope_matches(data: st.DataObject) -> None:
    """`may_read` and `scope` agree on every item of the actor's tenant, and no other tenant's is ever read (A6)."""
    definition: Any = data.draw(definitions())
    for _ in range(4):
        item = data.draw(items(definition))
        by = data.draw(actors())
        assert definition.may_read(item, by=by) is definition.scope(by).matches(item)
        assert not definition.may_read(item, by=attrs.evolve(by, tenant="elsewhere"))


OTHER = attrs.evolve(TASK, name="another")
A_PARENT = a_case(id="case-1", open_tasks=1)
IN_CASE = a_task(case_id="case-1")


@pytest.mark.parametrize("ask", ["decide", "actions"])
@pytest.mark.parametrize(
    ("definition", "item", "parent"),
    [
        (TASK, a_case(), None),
        (REGULATORY_CASE, a_task(), None),
        (TASK, a_task(definition=OTHER), None),
        (TASK, "task-1", None),
        (TASK, None, None),
        (REGULATORY_CASE, a_case(id="case-1"), A_PARENT),
        (TASK, a_task(), A_PARENT),
        (TASK, IN_CASE, a_case(id="case-2", open_tasks=1)),
        (TASK, IN_CASE, a_case(id="case-1", tenant="elsewhere", open_tasks=1)),
        (TASK, a_task(id="task-2", case_id="task-1"), a_task(id="task-1")),
        (TASK, IN_CASE, "case-1"),
    ],
    ids=[
        "a case for a task definition",
        "a task for a case definition",
        "an item of another definition",
        "a text",
        "nothing",
        "a parent of a case",
        "a parent of a task without one",
        "another case",
        "a case of another tenant",
        "a task as the case",
        "a text as the case",
    ],
)
def test_an_item_or_a_case_that_is_another_one_is_misuse(ask: str, definition: Any, item: Any, parent: Any) -> None:
    """To judge an item of another kind or definition, or beside another case, is MisuseError, never an answer."""
    more = ("cancel",) if ask == "decide" else ()
    with pytest.raises(MisuseError):
        getattr(definition, ask)(item, *more, by=ADMIN, at=SOME_TIME, parent=parent)


@pytest.mark.parametrize("version", [2, 99])
def test_a_lifecycle_that_is_not_held_is_unknown(version: int) -> None:
    """An item pinned to a version that the definition does not hold raises UnknownDefinitionError with both."""
    item = a_task(lifecycle_version=version)
    for ask in (
        lambda: TASK.decide(item, "start", by=ADMIN, at=SOME_TIME),
        lambda: TASK.actions(item, by=ADMIN, at=SOME_TIME),
    ):
        with pytest.raises(UnknownDefinitionError) as caught:
            ask()
        assert (caught.value.name, caught.value.version) == ("task", version)


HOSTILE: dict[str, dict[str, Any]] = {
    "no actor": {"by": None},
    "the id of an actor": {"by": "ann"},
    "a naive time": {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - that it is refused is the point
    "no time": {"at": None},
    "a number for a time": {"at": 1_700_000_000},
    "a list of facts": {"facts": [1]},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("ask", ["create", "decide", "actions"])
def test_a_question_of_a_wrong_shape_is_invalid(ask: str, name: str) -> None:
    """No actor, a naive time and facts without names raise InvalidInputError, whatever is asked (S3, H3)."""
    question = {"by": ADMIN, "at": SOME_TIME} | HOSTILE[name]
    args: dict[str, tuple[Any, ...]] = {"create": ("t-1",), "decide": (a_task(), "start"), "actions": (a_task(),)}
    more = {"title": "T"} if ask == "create" else {}
    with pytest.raises(InvalidInputError):
        getattr(TASK, ask)(*args[ask], **question, **more)


@pytest.mark.parametrize("action", [None, 3, "", " ", "two\nlines", "x" * 101, ["start"], "create"])
def test_an_action_that_is_no_name_is_invalid(action: Any) -> None:
    """Only a printable name is an action, and create is none on an item that is there."""
    with pytest.raises(InvalidInputError):
        TASK.decide(a_task(), action, by=ADMIN, at=SOME_TIME)


@pytest.mark.parametrize("inputs", [3, "reason", ["reason"], [("reason", "r")]])
def test_inputs_are_a_mapping(inputs: Any) -> None:
    """Inputs without names raise InvalidInputError."""
    with pytest.raises(InvalidInputError):
        TASK.decide(a_task(), "cancel", inputs, by=ADMIN, at=SOME_TIME)
