"""The shipped strategies: everything drawn is sound, and nothing that matters is never drawn."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    TASK,
    ActionVerdict,
    Actor,
    AuthorizationPolicy,
    Case,
    CaseDefinition,
    Category,
    Lifecycle,
    Permitted,
    Refused,
    Ruling,
    Task,
    TaskDefinition,
    Transition,
)
from casewright.domain.rules import as_rule
from casewright.domain.rulings import RulingKind
from casewright.testing.builders import SOME_TIME, a_task
from casewright.testing.pools import INPUTS
from casewright.testing.strategies import (
    actors,
    case_definitions,
    definitions,
    inputs_for,
    items,
    lifecycles,
    policies,
    rules,
    task_definitions,
)
from support import naive
from support.checks import SLOW_IS_FINE

ACTIONS, STATUSES = ("start", "finish"), ("new", "done")


def drawn(strategy: st.SearchStrategy[Any], *, examples: int = 100) -> list[Any]:
    """Return examples, the same ones in every run."""
    found: list[Any] = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_IS_FINE)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


def met(found: list[Any], questions: dict[str, Callable[[Any], object]]) -> set[str]:
    """Return the questions to which some example answers yes."""
    return {name for name, question in questions.items() if any(question(value) for value in found)}


def on_a_cycle(lifecycle: Lifecycle) -> bool:
    """Return whether some status leads back to itself by way of another one."""
    return any(
        status in lifecycle.reachable_from(step.target)
        for step in lifecycle.transitions
        for status in step.sources
        if step.target != status
    )


LIFECYCLES: dict[str, Callable[[Lifecycle], object]] = {
    "one status": lambda one: len(one.states) == 1,
    "many statuses": lambda one: len(one.states) >= 5,
    "a cycle": on_a_cycle,
    "a step from a status to itself": lambda one: any(step.target in step.sources for step in one.transitions),
    "several closed": lambda one: len(one.closed) > 1,
    "leaves a closed status": lambda one: any(one.allowed(status) for status in one.closed),
    "several initial in order": lambda one: isinstance(one.initial, tuple) and len(one.initial) > 1,
    "several initial in no order": lambda one: isinstance(one.initial, frozenset) and len(one.initial) > 1,
    "administrative": lambda one: one.administrative,
    "legacy": lambda one: one.legacy,
    "one action in two transitions": lambda one: len(one.actions) < len(one.transitions),
    "several sources": lambda one: any(len(step.sources) > 1 for step in one.transitions),
    "guards": lambda one: any(step.guards for step in one.transitions),
    "guards that read inputs": lambda one: any(g.inputs for step in one.transitions for g in step.guards),
    "guards that need facts": lambda one: any(g.facts for step in one.transitions for g in step.guards),
    "inputs": lambda one: any(step.inputs for step in one.transitions),
    "effects from inputs": lambda one: any(e.source for step in one.transitions for e in step.effects),
    "constant effects": lambda one: any(e.source is None for step in one.transitions for e in step.effects),
    "events with a name": lambda one: any(step.event for step in one.transitions),
    "names that are no identifiers": lambda one: any(not status.isidentifier() for status in one.states),
}


@pytest.mark.large
def test_lifecycles_have_every_shape() -> None:
    """Among 200 lifecycles each shape is met that a store or a definition may stumble over, and all six categories."""
    found = drawn(lifecycles(), examples=200)
    assert met(found, LIFECYCLES) == set(LIFECYCLES)
    assert {category for one in found for category in one.states.values()} == set(Category)
    assert {one.version for one in found} == {1}


DEFINITIONS: dict[str, Callable[[Any], object]] = {
    "of tasks": lambda one: isinstance(one, TaskDefinition),
    "of cases": lambda one: isinstance(one, CaseDefinition),
    "an earlier lifecycle": lambda one: one.earlier,
    "a present version other than 1": lambda one: one.lifecycle.version > 1,
    "guards on verbs": lambda one: set(one.guards) & set(naive.VERB_INPUTS),
    "guards on actions": lambda one: set(one.guards) & set(one.lifecycle.actions),
    "typed attributes": lambda one: one.fields,
    "free attributes": lambda one: one.fields is None,
    "published by name": lambda one: one.published is not None,
    "no default": lambda one: one.authorization.default is None,
    "a default": lambda one: one.authorization.default is not None,
    "a read that not everyone passes": lambda one: "always()" not in repr(one.rule("read")),
}


@pytest.mark.large
def test_definitions_have_every_shape() -> None:
    """Among 150 definitions each part is met that a bus or a store treats apart."""
    found = drawn(definitions(), examples=150)
    assert met(found, DEFINITIONS) == set(DEFINITIONS)
    assert {type(one) for one in drawn(task_definitions(), examples=5)} == {TaskDefinition}
    assert {type(one) for one in drawn(case_definitions(), examples=5)} == {CaseDefinition}


@pytest.mark.large
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(definitions(), st.data())
def test_items_are_of_their_definition(definition: Any, data: st.DataObject) -> None:
    """An item is of its definition's kind and name, in a status of a lifecycle it holds, with dates that fit."""
    item: Any = data.draw(items(definition, tenant="north"))
    held = {one.version: one for one in (definition.lifecycle, *definition.earlier)}
    assert type(item) is (Task if definition.kind == "task" else Case)
    assert (item.definition, item.tenant) == (definition.name, "north")
    assert item.category is held[item.lifecycle_version].states[item.status]
    assert (item.closed_at is not None) is item.category.closed
    assert item.created_by in item.performers_of("create")
    assert len(definition.actions(item, by=Actor("ann", tenant="north"), at=SOME_TIME)) >= 9


@pytest.mark.large
def test_items_have_every_shape() -> None:
    """Among 100 items are deleted, held, tagged, due and prioritised ones, and cases with open tasks."""
    found = drawn(items(TASK)) + drawn(case_definitions().flatmap(items))
    shapes: dict[str, Callable[[Any], object]] = {
        "deleted": lambda one: one.deleted_at,
        "held": lambda one: one.assignee_id,
        "not held": lambda one: one.assignee_id is None,
        "closed": lambda one: one.closed_at,
        "due": lambda one: one.due_at,
        "tagged": lambda one: one.tags,
        "with attributes": lambda one: one.attributes,
        "without priority": lambda one: one.priority is None,
        "done by another": lambda one: set(one.performers[1::2]) - {one.created_by},
        "with open tasks": lambda one: getattr(one, "open_tasks", 0),
    }
    assert met(found, shapes) == set(shapes)


@pytest.mark.large
def test_actors_have_every_shape() -> None:
    """Among 100 actors are some without roles, with several, with attributes, and some who stand in for another."""
    found = drawn(actors(tenants=("", "north")))
    shapes: dict[str, Callable[[Actor], object]] = {
        "without roles": lambda one: not one.roles,
        "several roles": lambda one: len(one.roles) > 1,
        "attributes": lambda one: one.attributes,
        "for another": lambda one: one.on_behalf_of not in (None, one.id),
        "of a tenant": lambda one: one.tenant == "north",
    }
    assert met(found, shapes) == set(shapes)
    assert {one.tenant for one in drawn(actors(), examples=10)} == {""}


@pytest.mark.large
def test_rules_answer_in_every_way() -> None:
    """Among 200 rules some grant, some do not, some veto, and all answer with a ruling."""
    task, by = a_task(), Actor("ann", roles=["clerk"])
    kinds: Counter[RulingKind] = Counter()
    for rule in drawn(rules(ACTIONS, STATUSES), examples=200):
        ruling = rule(by, task)
        assert isinstance(ruling, Ruling)
        kinds[ruling.kind] += 1
    assert set(kinds) == set(RulingKind)


@pytest.mark.large
def test_rules_are_made_of_all_parts() -> None:
    """Among 400 rules every ready-made rule and every combinator is met, about the given actions and statuses."""
    text = " ".join(repr(rule) for rule in drawn(rules(ACTIONS, STATUSES), examples=400))
    words = ["any_of", "all_of", "not_", "forbid", "has_role", "is_creator", "is_assignee", "performed", "in_status"]
    words += ["in_category", "same", "always", "never", "predicate", '"start"', '"finish"', '"new"', '"create"']
    assert [word for word in words if word not in text] == []


def test_lowerable_rules_lower_to_terms() -> None:
    """With `lowerable=` every rule has a scope, which matches just what the rule grants."""
    for rule in drawn(rules(ACTIONS, STATUSES, lowerable=True), examples=200):
        ready = as_rule(rule, "test")
        by = Actor("ann", roles=["clerk"])
        for item in (a_task(), a_task(created_by="ben", assignee_id="ann"), a_task(status="done")):
            assert ready.granting(by).matches(item) is (ready(by, item).kind is RulingKind.GRANT)


@pytest.mark.large
@settings(max_examples=60, deadline=None)
@given(policies(ACTIONS, STATUSES))
def test_policies_fit_definitions_with_those_actions(policy: AuthorizationPolicy) -> None:
    """A policy has a rule for each action, read and create, and a definition with these actions accepts it."""
    assert {"read", "create", *ACTIONS} <= set(policy.rules)
    steps = [Transition("start", "new", "new"), Transition("finish", "new", "done")]
    lifecycle = Lifecycle(states={"new": Category.OPEN, "done": Category.DONE}, initial="new", transitions=steps)
    definition = TaskDefinition("t", lifecycle=lifecycle, authorization=policy)
    verdict = definition.create("t-1", by=Actor("ann"), at=SOME_TIME, title="T")
    assert isinstance(verdict, (Permitted, Refused))


@pytest.mark.large
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_inputs_for_are_accepted(data: st.DataObject) -> None:
    """Inputs drawn for a transition, a verdict or plain inputs are accepted by each of these inputs, none missing."""
    specs = data.draw(st.lists(st.sampled_from(INPUTS), unique=True))
    step = Transition("go", "a", "b", inputs=specs)
    asked: Any = data.draw(st.sampled_from((step, ActionVerdict("go", True, (), step.inputs, "b"), iter(specs))))
    inputs = data.draw(inputs_for(asked))
    by_name = {spec.name: spec for spec in specs}
    assert {spec.name for spec in specs if not spec.optional} <= set(inputs) <= set(by_name)
    for name, value in inputs.items():
        assert naive._lacking([by_name[name]], {name: value}) == set()
        by_name[name].accept(value)


def test_without_hypothesis_the_install_line_is_given() -> None:
    """Where Hypothesis is missing, the strategies say what to install, and the builders still import."""
    program = """
import sys
sys.modules["hypothesis"] = None
import casewright.testing.builders, casewright.testing.pools
try:
    import casewright.testing.strategies
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'pip install "casewright[testing]"' in done.stdout
