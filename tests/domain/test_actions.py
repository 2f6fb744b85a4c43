"""`actions`: the same answers as `decide`, before anyone has filled in a form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    ActionVerdict,
    Actor,
    AuthorizationPolicy,
    Category,
    Lifecycle,
    MisuseError,
    TaskDefinition,
    Transition,
    always,
    guard,
    has_role,
    integer,
    text,
)
from casewright.testing.builders import a_case, a_task
from casewright.testing.strategies import actors, definitions, inputs_for, instants, items
from support import naive
from support.checks import SLOW_IS_FINE
from support.verdicts import ANN, BEN, EVERYONE, LATER, ROOT, codes

VERBS = tuple(naive.VERB_INPUTS)
PARENTS = (a_case(open_tasks=1), a_case(open_tasks=1, status="CLOSED"), a_case(open_tasks=1, deleted_at=LATER))


def told(verdict: ActionVerdict) -> set[tuple[str, str]]:
    """Return phase and code of each reason of a verdict."""
    return {(str(reason.phase), reason.code) for reason in verdict.reasons}


def reads_inputs(definition: Any, item: Any, action: str) -> bool:
    """Return whether a guard on the action needs to know inputs: `actions` leaves it out."""
    guards = list(definition.guards.get(action, ()))
    for step in naive.lifecycle_of(definition, naive.observed(item)).transitions:
        guards += step.guards if step.action == action else ()
    return any(one.inputs for one in guards)


@pytest.mark.large
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(
    st.data(),
    definitions(),
    actors(tenants=("", "", "", "elsewhere")),
    instants(),
    st.sampled_from(({}, {"quota": 1}, {"quota": 0})),
)
def test_actions_and_decide_agree(
    data: st.DataObject, definition: Any, by: Actor, at: datetime, facts: dict[str, object]
) -> None:
    """With sound inputs decide permits just what actions permits, for the same reasons; guards of inputs apart (E2)."""
    item = data.draw(items(definition))
    parent = data.draw(st.sampled_from((None, *PARENTS))) if definition.kind == "task" else None
    if parent is not None:
        item = attrs.evolve(item, case_id=parent.id)
    asked: dict[str, Any] = {"by": by, "at": at, "facts": facts, "parent": parent}
    verdicts = definition.actions(item, **asked)
    if definition.may_read(item, by=by):
        lifecycle = naive.lifecycle_of(definition, naive.observed(item))
        assert [verdict.action for verdict in verdicts] == [*lifecycle.actions, *VERBS]
    for verdict in verdicts:
        inputs = data.draw(inputs_for(verdict))
        decision = definition.decide(item, verdict.action, inputs, **asked)
        assert verdict.permitted is (not verdict.reasons)
        assert told(verdict) <= codes(decision)
        if verdict.action != "correct" and not reads_inputs(definition, item, verdict.action):
            assert told(verdict) == codes(decision)
            assert verdict.permitted is decision.permitted


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK, REGULATORY_CASE], ids=lambda one: one.name)
def test_the_catalog_lists_what_it_decides(definition: Any) -> None:
    """For every status and several actors the shipped definitions list an action as permitted iff decide permits it."""
    make = a_case if definition.kind == "case" else a_task
    people = (ANN, BEN, ROOT, Actor("w", roles=["case_writer"]), Actor("r", roles=["reviewer"]))
    values = {"body": "b", "note_id": "n", "due_at": None, "assignee_id": "cy", "reason": "r", "reviewer_id": "r"}
    for status in definition.lifecycle.states:
        for holder in (None, "ann", "ben"):
            item = make(definition=definition, status=status, assignee_id=holder)
            for by in people:
                for verdict in definition.actions(item, by=by, at=LATER):
                    inputs = {spec.name: values.get(spec.name, status) for spec in verdict.inputs if not spec.optional}
                    decision = definition.decide(item, verdict.action, inputs, by=by, at=LATER)
                    assert (verdict.permitted, told(verdict)) == (decision.permitted, codes(decision))


STEP = Transition(
    "finish",
    "new",
    "done",
    inputs=[text("reason"), integer("hours", optional=True)],
    guards=[
        guard(lambda item, inputs, *_: inputs["hours"] < 9, code="too_long", text="t", inputs=["hours"]),
        guard(lambda item, *_: item.assignee_id is not None, code="nobody", text="assign it first"),
    ],
)
LIFECYCLE = Lifecycle(
    states={"new": Category.OPEN, "idle": Category.WAITING, "done": Category.DONE},
    initial="new",
    transitions=[
        STEP,
        Transition("wait", "new", "idle"),
        Transition("turn", "new", "idle"),
        Transition("turn", "idle", "new", inputs=[text("why")]),
    ],
)
PLAIN = TaskDefinition("plain", lifecycle=LIFECYCLE, authorization=EVERYONE)


def listed(item: Any, *, definition: Any = PLAIN, by: Actor = ANN, **more: Any) -> dict[str, ActionVerdict]:
    """Return the verdicts by action."""
    return {verdict.action: verdict for verdict in definition.actions(item, by=by, at=LATER, **more)}


def test_every_action_and_verb_is_listed_once() -> None:
    """Actions come as declared, each once, then the verbs; create, read and the counter's events are not listed."""
    assert list(listed(a_task(definition=PLAIN))) == ["finish", "wait", "turn", *VERBS]


def test_a_verdict_holds_inputs_and_target() -> None:
    """Enough to draw a button and its form: what it takes and where it leads, permitted or not."""
    finish = listed(a_task(definition=PLAIN, assignee_id="ben"))["finish"]
    assert (finish.permitted, finish.reasons, finish.inputs, finish.target) == (True, (), STEP.inputs, "done")
    refused = listed(a_task(definition=PLAIN))["finish"]
    assert (refused.permitted, refused.inputs, refused.target) == (False, STEP.inputs, "done")
    denied = listed(a_task(definition=PLAIN), definition=PLAIN.with_rules({"finish": has_role("boss")}))["finish"]
    assert (denied.permitted, denied.inputs, denied.target) == (False, STEP.inputs, "done")


def test_required_inputs_are_listed_but_never_missing() -> None:
    """Nobody has been asked for inputs yet: they are no reason, and guards that read them are left out."""
    assert told(listed(a_task(definition=PLAIN))["finish"]) == {("guard", "nobody")}
    assert listed(a_task(definition=PLAIN, assignee_id="ben"))["finish"].permitted


def test_a_wrong_state_is_told_with_all_else_that_is_known() -> None:
    """From a wrong status the only transition of the name tells its guards too; of several none is shown."""
    verdicts = listed(a_task(definition=PLAIN, status="done"))
    assert told(verdicts["finish"]) == {("state", "wrong_state"), ("guard", "nobody")}
    assert (verdicts["turn"].inputs, verdicts["turn"].target) == ((), None)
    assert told(verdicts["turn"]) == {("state", "wrong_state")}


def test_the_transition_from_the_present_status_is_shown() -> None:
    """Where several transitions bear one name, a verdict shows the one from the item's status."""
    new, idle = (listed(a_task(definition=PLAIN, status=status))["turn"] for status in ("new", "idle"))
    assert (new.target, [spec.name for spec in new.inputs]) == ("idle", [])
    assert (idle.target, [spec.name for spec in idle.inputs]) == ("new", ["why"])


def test_correct_offers_the_statuses_there_are() -> None:
    """The first input of correct is a choice of the lifecycle's statuses; its target is not known yet."""
    correct = listed(a_task(definition=PLAIN))["correct"]
    assert correct.target is None
    assert correct.inputs[0].choices == ("new", "idle", "done")


def test_facts_are_asked_for() -> None:
    """A guard that needs a fact is judged with the facts given, and refuses where it is absent."""
    quota = guard(lambda item, inputs, facts, at: facts["quota"] > 0, code="no_quota", text="t", facts=["quota"])
    guarded = PLAIN.with_guards({"wait": quota, "edit": quota})
    item = a_task(definition=PLAIN)
    for action in ("wait", "edit"):
        assert told(listed(item, definition=guarded)[action]) == {("guard", "fact_missing")}
        assert told(listed(item, definition=guarded, facts={"quota": 0})[action]) == {("guard", "no_quota")}
        assert listed(item, definition=guarded, facts={"quota": 1})[action].permitted


def test_each_action_names_its_own_missing_rule() -> None:
    """Actions without a rule are each denied in their own name."""
    rules = {"read": always(), "create": always(), "finish": always(), "wait": always(), "turn": always()}
    silent = attrs.evolve(PLAIN, authorization=AuthorizationPolicy(rules))
    for verb in VERBS:
        (reason,) = listed(a_task(definition=PLAIN), definition=silent)[verb].reasons
        assert (reason.code, reason.params["action"]) == ("no_rule", verb)


def test_a_closed_case_is_known_beforehand() -> None:
    """A finished task of a closed case lists reopening as refused; without its case the question is misuse."""
    done = a_task(status="done", case_id="case-1")
    shut = a_case(status="CLOSED")
    assert told(listed(done, definition=TASK, parent=shut)["reopen"]) == {("guard", "case_closed")}
    assert listed(done, definition=TASK, parent=a_case())["reopen"].permitted
    with pytest.raises(MisuseError):
        listed(done, definition=TASK)
    with pytest.raises(MisuseError):
        listed(a_task(case_id="case-1"), definition=TASK)


def test_an_action_of_two_kinds_from_elsewhere_says_only_where_it_is_possible() -> None:
    """Where an action is two transitions and neither is possible, its verdict tells the state and no inputs."""
    lifecycle = Lifecycle(
        states={"a": Category.OPEN, "b": Category.ACTIVE, "c": Category.ACTIVE, "d": Category.DONE},
        initial="a",
        transitions=(
            Transition("go", "a", "b"),
            Transition("go", "b", "c", inputs=[text("why")]),
            Transition("end", "c", "d"),
        ),
    )
    definition = TaskDefinition(
        "two", lifecycle=lifecycle, authorization=AuthorizationPolicy({}, default=always())
    ).with_guards({"go": guard(lambda item, inputs, facts, at: True, code="n", text="n")})
    task = a_task(definition=definition, status="c", case_id="case")
    verdicts = definition.actions(task, by=Actor("ann"), at=LATER, parent=a_case(id="case"))
    (go,) = (one for one in verdicts if one.action == "go")
    assert ([reason.code for reason in go.reasons], go.inputs) == (["wrong_state"], ())
