"""What a decision needs besides the item: a host that loads just that is never told that something was missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from casewright import (
    SIMPLE_TASK,
    TASK,
    Category,
    Guard,
    Lifecycle,
    MisuseError,
    Task,
    TaskDefinition,
    Transition,
    UnknownDefinitionError,
    guard,
)
from casewright.domain.events import VERBS
from casewright.domain.verbs import VERB_TABLE
from casewright.testing.builders import SOME_TIME, a_case, a_task
from support.verdicts import EVERYONE, ROOT

CASE = a_case(id="c-1", open_tasks=1)
CLOSED = {Category.DONE, Category.CANCELLED}
INPUTS: dict[str, Any] = {
    "reason": "so it is",
    "title": "B",
    "assignee_id": "bob",
    "due_at": SOME_TIME,
    "add": ["a"],
    "body": "b",
    "note_id": "n-1",
}


def raises_without_the_case(definition: TaskDefinition, task: Task, action: str, inputs: dict[str, Any]) -> bool:
    """Return whether the decision complains that the task's case was not given."""
    try:
        definition.decide(task, action, inputs, by=ROOT, at=SOME_TIME)
    except MisuseError:
        return True
    return False


def questions(definition: TaskDefinition) -> Iterator[tuple[Task, str, dict[str, Any]]]:
    """Yield a task in a case in every status, with every action and verb, and `correct` to every status."""
    lifecycle = definition.lifecycle
    actions = {one.action: one for one in lifecycle.transitions}
    for status in lifecycle.states:
        task = a_task(definition=definition, status=status, case_id="c-1")
        for action in (*actions, *VERB_TABLE, "no such action"):
            declared = actions[action].inputs if action in actions else getattr(VERB_TABLE.get(action), "inputs", ())
            given = {spec.name: INPUTS[spec.name] for spec in declared if spec.name in INPUTS}
            if action == "correct":
                yield from ((task, action, {**given, "status": target}) for target in lifecycle.states)
            else:
                yield task, action, given


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK], ids=lambda one: one.name)
def test_a_decision_without_the_case_fails_only_where_it_was_needed(definition: TaskDefinition) -> None:
    """For every status and action: without the case `decide` raises only where `needs` asked for it (L2)."""
    told = asked = 0
    for task, action, inputs in questions(definition):
        needs = definition.needs(task, action)
        raises = raises_without_the_case(definition, task, action, inputs)
        assert needs.parent or not raises, (task.status, action)
        if action not in VERBS and definition.decide(task, action, inputs, by=ROOT, at=SOME_TIME, parent=CASE):
            assert needs.parent is raises, (task.status, action)  # of a transition it is known beforehand
        told += raises
        asked += needs.parent
    assert 5 < told < asked


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK], ids=lambda one: one.name)
def test_the_case_is_needed_where_openness_may_change(definition: TaskDefinition) -> None:
    """A transition needs the case if it leads over the line between open and closed; of verbs delete and correct do."""
    states = definition.lifecycle.states
    for transition in definition.lifecycle.transitions:
        for source in transition.sources:
            crosses = (states[source] in CLOSED) is not (states[transition.target] in CLOSED)
            assert definition.needs(a_task(definition=definition, status=source), transition.action).parent is crosses
    for status in states:
        task = a_task(definition=definition, status=status)
        needing = {verb for verb in VERB_TABLE if definition.needs(task, verb).parent}
        assert needing == {"correct", "delete"}
        assert definition.needs(task).parent
    assert definition.needs_to_create.parent


def test_a_status_that_the_lifecycle_forgot_needs_the_case() -> None:
    """Of a status that is not known any more nobody can say beforehand whether it is open: so the case is needed."""
    for category in Category:
        task = a_task(case_id="c-1", category=category)
        lost = attrs.evolve(task, status="forgotten", closed_at=None)
        for target in TASK.lifecycle.states:
            inputs = {"status": target, "reason": "lost"}
            raises = raises_without_the_case(TASK, lost, "correct", inputs)
            assert raises is ((category in CLOSED) is not (TASK.lifecycle.states[target] in CLOSED))
        assert TASK.needs(lost, "correct").parent
        assert raises_without_the_case(TASK, lost, "delete", {}) is (category not in CLOSED)


def needing(*facts: str) -> Guard:
    """Return a guard that passes if all these facts are true."""
    return guard(lambda item, inputs, known, at: all(known.values()), code="_".join(facts), text="no", facts=facts)


OLD = Lifecycle(
    states={"todo": Category.OPEN, "done": Category.DONE},
    initial="todo",
    transitions=[Transition("finish", "todo", "done", guards=[needing("weather")])],
)
NEW = Lifecycle(
    states={"todo": Category.OPEN, "doing": Category.ACTIVE, "done": Category.DONE},
    initial="todo",
    transitions=[
        Transition("start", "todo", "doing"),
        Transition("finish", "doing", "done", guards=[needing("budget", "crew"), needing("crew", "tools")]),
    ],
    version=2,
)
PLANS = TaskDefinition(
    "plans",
    lifecycle=NEW,
    earlier=[OLD],
    authorization=EVERYONE,
    guards={"finish": needing("calendar"), "edit": needing("editors"), "create": needing("quota")},
)


def test_the_facts_of_an_action_are_named() -> None:
    """`needs` names the facts of the transition's guards and the definition's, by the lifecycle of the item."""
    doing = a_task(definition=PLANS, status="doing")
    old = attrs.evolve(a_task(definition=PLANS), lifecycle_version=1)
    assert PLANS.needs(doing, "finish").facts == {"budget", "crew", "tools", "calendar"}
    assert PLANS.needs(old, "finish").facts == {"weather", "calendar"}
    assert PLANS.needs(doing, "edit").facts == {"editors"}
    assert PLANS.needs(doing, "claim").facts == frozenset()
    assert PLANS.needs(doing, "no such action").facts == frozenset()
    assert PLANS.needs(doing).facts == {"budget", "crew", "tools", "calendar", "editors"}
    assert PLANS.needs_to_create.facts == {"quota"}


def test_with_the_facts_that_are_named_none_is_missing() -> None:
    """Given just these facts a decision goes through; each one that is left out is a reason."""
    doing = a_task(definition=PLANS, status="doing")
    facts = dict.fromkeys(PLANS.needs(doing, "finish").facts, True)
    assert PLANS.decide(doing, "finish", by=ROOT, at=SOME_TIME, facts=facts).permitted
    for left_out in facts:
        known = {name: True for name in facts if name != left_out}
        verdict = PLANS.decide(doing, "finish", by=ROOT, at=SOME_TIME, facts=known)
        assert not verdict
        assert {reason.code for reason in verdict.reasons} == {"fact_missing"}
    whole = dict.fromkeys(PLANS.needs(doing).facts, True)
    assert {one.action: one.permitted for one in PLANS.actions(doing, by=ROOT, at=SOME_TIME, facts=whole)} == {
        **dict.fromkeys(VERB_TABLE, True),
        "start": False,
        "finish": True,
    }
    assert PLANS.create("t-1", by=ROOT, at=SOME_TIME, title="A", facts={"quota": True}).permitted


def test_needs_are_those_of_the_items_own_definition() -> None:
    """An item of another definition or kind is MisuseError; one of a version that is not held is not guessed at."""
    strays: list[Any] = [a_task(definition=SIMPLE_TASK), a_case(), "t-1", None]
    for stray in strays:
        with pytest.raises(MisuseError):
            TASK.needs(stray, "start")
    with pytest.raises(UnknownDefinitionError):
        TASK.needs(attrs.evolve(a_task(), lifecycle_version=9), "start")
