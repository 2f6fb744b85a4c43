"""Long random histories: every decision against the naive oracle, every history against its fold (E2, E3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    Event,
    Permitted,
    Phase,
    Priority,
    Refused,
    always,
    fold,
    seal,
    verify,
)
from casewright.testing.builders import SOME_TIME
from casewright.testing.strategies import actors, case_definitions, inputs_for, instants, task_definitions
from support import naive
from support.checks import SLOW_IS_FINE

PHASES = list(Phase)
TENANTS = ("", "", "", "", "elsewhere")
FACTS: tuple[dict[str, object], ...] = ({}, {"quota": 5}, {"quota": 0}, {"quota": "many"})
OTHERS = ("read", "no such action", "task_opened", "create!")
ROOT = Actor("ann", roles=("admin", "case_writer", "clerk", "reviewer"), attributes={"team": "red"})
MOST = 10
PLACES = st.integers(0, 10_000)
CREATIONS = st.fixed_dictionaries(
    {"title": st.sampled_from(("A title", "A title", "A title", " ", None))},
    optional={
        "status": st.sampled_from(("todo", "pending", "DRAFT", "done", "new", "end", "late", "no such status")),
        "reason": st.sampled_from(("as agreed", " ")),
        "assignee_id": st.sampled_from(("ann", "ben", None)),
        "priority": st.sampled_from((*Priority, "enormous", None)),
        "tags": st.just(["b", "a", "b"]),
        "attributes": st.sampled_from(({"team": "red", "amount": 1}, {}, {"amount": None}, {"stray": 1})),
        "due_at": instants(),
        "description": st.sampled_from(("words", " ", None)),
    },
)


@dataclass
class Thing:
    """One item, what the oracle says it is, and its sealed history."""

    item: Any
    model: naive.Item
    history: list[Event] = field(default_factory=list)


class DecisionMachine(RuleBasedStateMachine):
    """Cases and tasks in them, changed by decisions only."""

    pairs: ClassVar[st.SearchStrategy[tuple[Any, Any]]]
    counted: ClassVar[Counter[str]]

    def __init__(self) -> None:
        """Start with no items."""
        super().__init__()
        self.things: list[Thing] = []
        self.steps = 0
        self.held: dict[str, Any] = {}
        self.actors: list[Actor] = []

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Draw who acts and what judges, and begin with two cases and three tasks, whatever the policies say."""
        task, case = data.draw(self.pairs)
        self.held = {"task": task, "case": case}
        self.actors = [*[ROOT] * 4, *data.draw(st.lists(actors(tenants=TENANTS), min_size=4, max_size=4))]
        everyone = AuthorizationPolicy({}, default=always())
        for place, kind in enumerate(("case", "case", "task", "task", "task")):
            definition = attrs.evolve(self.held[kind], authorization=everyone, guards={}, fields=None)
            status = data.draw(st.sampled_from(sorted(definition.lifecycle.states)))
            given = {"title": "There from the start", "status": status, "reason": "to start with"}
            self.create(definition, ROOT, SOME_TIME, given, self.things[place % 2] if place in (2, 3) else None)

    @rule(who=PLACES, which=PLACES, what=PLACES, how=PLACES, at=instants(), data=st.data())
    def step(self, *, who: int, which: int, what: int, how: int, at: datetime, data: st.DataObject) -> None:
        """Ask for any action or verb on any item, with sound or broken inputs, or for a new item."""
        by = self.actors[who % len(self.actors)]
        thing = self.things[which % len(self.things)]
        if what % 20 == 0 and len(self.things) < MOST:
            parent = thing if thing.model["kind"] == "case" else None
            definition = self.held["case" if parent is None and which % 2 else "task"]
            return self.create(definition, attrs.evolve(by, tenant=""), at, data.draw(CREATIONS), parent)
        definition = self.held[thing.model["kind"]]
        lifecycle = naive.lifecycle_of(definition, thing.model)
        here = [step.action for step in lifecycle.transitions if thing.model["status"] in step.sources]
        actions = (*here, *here, *lifecycle.actions, *naive.VERB_INPUTS, *OTHERS)
        return self.act(thing, actions[what % len(actions)], how, data, {"by": by, "at": at, "facts": FACTS[how % 4]})

    def create(self, definition: Any, by: Actor, at: datetime, given: dict[str, Any], parent: Thing | None) -> None:
        """Ask both for a creation."""
        item_id = f"{definition.kind}-{len(self.things)}"
        parents = (None, None) if parent is None else (parent.model, parent.item)
        expected = naive.create(definition, item_id, by=by, at=at, given=given, parent=parents[0])
        verdict = definition.create(item_id, by=by, at=at, parent=parents[1], **given)
        self.compare("create", verdict, expected, Thing(None, {}), parent)

    def act(self, thing: Thing, action: str, how: int, data: st.DataObject, asked: dict[str, Any]) -> None:
        """Ask both for an action, with inputs that may be spoilt."""
        definition = self.held[thing.model["kind"]]
        specs = naive.inputs_of(definition, thing.model, action)
        inputs = broken(data.draw(inputs_for(specs)) if specs else {}, how)
        parent = next((one for one in self.things if one.model["id"] == thing.model.get("case_id")), None)
        parents = (None, None) if parent is None else (parent.model, parent.item)
        expected = naive.decide(definition, thing.model, action, inputs, parent=parents[0], **asked)
        verdict = definition.decide(thing.item, action, inputs, parent=parents[1], **asked)
        self.compare(action, verdict, expected, thing, parent)

    def compare(
        self,
        action: str,
        verdict: Permitted[Any] | Refused,
        expected: naive.Answer,
        thing: Thing,
        parent: Thing | None,
    ) -> None:
        """Demand the oracle's answer, and take it over."""
        phases = [] if verdict else [PHASES.index(reason.phase) for reason in verdict.reasons]
        assert phases == sorted(phases)
        assert {(str(r.phase), r.code) for r in getattr(verdict, "reasons", ())} == expected.reasons
        assert verdict.permitted is expected.permitted
        self.counted[f"{action} {'permitted' if verdict.permitted else 'refused'}"] += 1
        self.counted.update(code for _, code in expected.reasons)
        if isinstance(verdict, Permitted):
            self.take(verdict, expected, thing, parent)
        for one in (thing, parent):
            assert one is None or one.item is None or naive.observed(one.item) == one.model
        self.steps += 1
        self.counted["steps"] += 1
        if self.steps % 20 == 0:
            self.check_histories()

    def take(self, verdict: Permitted[Any], expected: naive.Answer, thing: Thing, parent: Thing | None) -> None:
        """Seal and keep each change: one for each item that the oracle says is another one now."""
        assert expected.item is not None
        moved = [(thing, expected.item)] if expected.item is not thing.model else []
        if parent is not None and expected.parent is not parent.model:
            assert expected.parent is not None
            moved.append((parent, expected.parent))
        if thing.item is None:
            self.things.append(thing)
        for (one, model), change in zip(moved, verdict.changes, strict=True):
            assert change.before is one.item
            sealed = seal(change, recorded_at=change.event.occurred_at)
            one.item, one.model = sealed.after, model
            one.history.append(sealed.event)
            assert naive.observed(one.item) == model
            assert len(one.history) == sealed.event.version == sealed.after.version

    def check_histories(self) -> None:
        """Demand that each item is the fold of its history, and that the history verifies (E3)."""
        for thing in self.things:
            assert fold(thing.history) == thing.item
            assert verify(thing.history) == ()
        for case in self.things:
            if isinstance(case.item, Case):
                inside = [one.item for one in self.things if one.model.get("case_id") == case.item.id]
                assert case.item.open_tasks == sum(item.open for item in inside)

    def teardown(self) -> None:
        """Check everything once more at the end."""
        self.check_histories()


def broken(inputs: dict[str, object], how: int) -> dict[str, object]:
    """Now and then spoil the inputs: one missing, None or blank, or one too many."""
    spoil = ("unknown", "missing", "none", "blank", *[""] * 6)[how % 10]
    if spoil == "unknown":
        return {**inputs, "no such input": 1}
    if not spoil or not inputs:
        return inputs
    name = sorted(inputs)[how // 10 % len(inputs)]
    if spoil == "missing":
        return {key: value for key, value in inputs.items() if key != name}
    blank = spoil == "blank" and isinstance(inputs[name], str) and name not in ("until", "due_at")
    return {**inputs, name: " " if blank else None}


def run(pairs: st.SearchStrategy[tuple[Any, Any]], *, steps: int) -> Counter[str]:
    """Run the machine over definitions from the strategy for so many steps, and return what it counted."""
    counted: Counter[str] = Counter()
    machine = type("Machine", (DecisionMachine,), {"pairs": pairs, "counted": counted})
    limits = settings(max_examples=60, stateful_step_count=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
    while counted["steps"] < steps:
        run_state_machine_as_test(machine, settings=limits)
    return counted


# Hypothesis may shrink a failure for five minutes: its report must not be lost to the limit of every other test.
pytestmark = [pytest.mark.timeout(900), pytest.mark.large]

EVERYWHERE = {"permitted", "wrong_state", "input_missing", "input_blank", "input_unknown", "not_visible", "deleted"}


def test_catalog_definitions_decide_as_the_oracle_does() -> None:
    """Over 6,000 random steps the shipped definitions answer as the oracle and keep every history whole (E2, E3)."""
    counted = run(st.sampled_from(((TASK, REGULATORY_CASE), (SIMPLE_TASK, REGULATORY_CASE))), steps=6_000)
    assert EVERYWHERE | {"case_closed", "open_tasks", "role_missing"} <= words(counted)


def test_definitions_nobody_wrote_decide_as_the_oracle_does() -> None:
    """Over 14,000 random steps generated definitions answer as the oracle and keep every history whole (E2, E3)."""
    counted = run(st.tuples(task_definitions(), case_definitions()), steps=14_000)
    assert EVERYWHERE | {"guard_error", "fact_missing", "case_closed", "no_rule"} <= words(counted)


def words(counted: Counter[str]) -> set[str]:
    """Return what was met, word by word: a machine that met nothing has proven nothing."""
    return {word for name in counted for word in name.split()}
