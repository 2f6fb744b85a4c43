"""Mutated definitions: each fails when it is built, with every planted problem, or never (E4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    TASK,
    Actor,
    AuthorizationPolicy,
    CaseDefinition,
    Category,
    DefinitionError,
    Lifecycle,
    Permitted,
    Refused,
    Transition,
    always,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task
from casewright.testing.strategies import definitions, lifecycles
from support.checks import SLOW_IS_FINE
from support.plants import (
    DEFINITION_PLANTS,
    LIFECYCLE_PLANTS,
    OTHER_LIFECYCLE,
    Parts,
    Plant,
    build,
    check_told,
    definition_parts_of,
    parts_of,
)

pytestmark = pytest.mark.large

EVERYONE = AuthorizationPolicy({}, default=always())
ROOT = Actor("ann", roles=("admin", "clerk", "reviewer"))
SAMPLES: dict[str, object] = {
    "text": "words",
    "actor": "ben",
    "instant": SOME_TIME,
    "integer": 1,
    "boolean": True,
    "names": ["a"],
    "mapping": {},
}


def _turn_step(parts: Parts, place: int) -> None:
    steps = parts["transitions"]
    target = list(parts["states"])[place // 7 % len(parts["states"])]
    if isinstance(steps[place % len(steps)], Transition):
        steps[place % len(steps)] = attrs.evolve(steps[place % len(steps)], target=target)


def _rename_step(parts: Parts, place: int) -> None:
    steps = parts["transitions"]
    if isinstance(steps[place % len(steps)], Transition):
        steps[place % len(steps)] = attrs.evolve(steps[place % len(steps)], action="renamed")


def _recategorise(parts: Parts, place: int) -> None:
    parts["states"][list(parts["states"])[place % len(parts["states"])]] = list(Category)[place // 7 % 6]


def _drop_state(parts: Parts, place: int) -> None:
    del parts["states"][list(parts["states"])[place % len(parts["states"])]]


def _unmark(parts: Parts, place: int) -> None:
    parts["administrative"], parts["legacy"] = parts["legacy"][place % 2 :], []


WILD: tuple[Callable[[Parts, int], None], ...] = (
    _turn_step,
    _rename_step,
    _recategorise,
    _drop_state,
    _unmark,
    lambda parts, place: parts["transitions"].pop(place % len(parts["transitions"])),
    lambda parts, place: parts.update(initial=[list(parts["states"])[place % len(parts["states"])]]),
)
"""Mutations of which nobody knows beforehand whether they do harm."""


def run_everything(definition: Any) -> None:
    """Do every action and verb from every status, and every creation: nothing may raise."""
    make = a_task if definition.kind == "task" else a_case
    for number, status in enumerate(definition.lifecycle.states):
        created = definition.create("item-9", by=ROOT, at=SOME_TIME, title="A title", status=status, reason="r")
        assert isinstance(created, (Permitted, Refused))
        item = make(definition=definition, status=status, assignee_id=("ann", None)[number % 2])
        for verdict in definition.actions(item, by=ROOT, at=SOME_TIME, facts={"quota": 1}):
            for with_optional in (False, True):
                inputs = {
                    spec.name: spec.choices[number % len(spec.choices)] if spec.choices else SAMPLES[spec.kind]
                    for spec in verdict.inputs
                    if with_optional or not spec.optional
                }
                answer = definition.decide(item, verdict.action, inputs, by=ROOT, at=SOME_TIME, facts={"quota": 1})
                assert isinstance(answer, (Permitted, Refused))


def mutated(definition: Any, wild: list[tuple[Callable[[Parts, int], None], int]]) -> Any:
    """Return what becomes of a definition under the mutations: another one, or the error."""
    spoilt = parts_of(definition.lifecycle)
    for mutate, place in wild:
        if spoilt["transitions"] and len(spoilt["states"]) > 1:
            mutate(spoilt, place)
    try:
        return attrs.evolve(definition, lifecycle=Lifecycle(**spoilt))
    except DefinitionError as error:
        return error


def several(plants: tuple[Plant, ...]) -> st.SearchStrategy[list[Plant]]:
    """Draw a few plants that do not undo each other."""
    return st.lists(st.sampled_from(plants), min_size=1, max_size=4, unique_by=lambda plant: plant.slot or id(plant))


@settings(max_examples=250, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(definition=definitions(), plants=several(DEFINITION_PLANTS))
def test_every_problem_planted_in_a_definition_is_found(definition: Any, plants: list[Plant]) -> None:
    """Problems planted together in a sound definition are all in one error, none hidden by another (E4)."""
    parts = definition_parts_of(definition)
    for plant in plants:
        plant.spoil(parts)
    with pytest.raises(DefinitionError) as caught:
        build(type(definition), parts)
    for plant in plants:
        check_told(plant, caught.value)


@settings(max_examples=250, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(
    definition=definitions(),
    wild=st.lists(st.tuples(st.sampled_from(WILD), st.integers(0, 100)), min_size=1, max_size=3),
)
def test_a_mutated_definition_fails_when_built_or_never(definition: Any, wild: list[Any]) -> None:
    """A definition that was changed at random raises DefinitionError when built, or all its actions run (E4)."""
    outcome = mutated(definition, wild)
    if isinstance(outcome, DefinitionError):
        assert all(problem.code and problem.where and problem.what and problem.mend for problem in outcome.problems)
    else:
        run_everything(outcome)


def test_the_sound_definitions_that_are_mutated_are_sound() -> None:
    """Without a mutation the parts build the definition again, so that each error above comes from its plant."""
    for definition in (TASK, CaseDefinition("a", lifecycle=OTHER_LIFECYCLE, authorization=EVERYONE)):
        again = build(type(definition), definition_parts_of(definition))
        assert again == definition
        run_everything(again)


@settings(max_examples=150, deadline=None)
@given(lifecycles())
def test_what_the_proof_accepts_has_a_way_in_and_a_way_out(lifecycle: Lifecycle) -> None:
    """In a proven lifecycle every ordinary status is reachable and has a way to a closed one (E4)."""
    by_correct = {*lifecycle.administrative, *lifecycle.legacy}
    reached = set(lifecycle.initial)
    for _ in lifecycle.states:
        reached |= {step.target for step in lifecycle.transitions if reached & set(step.sources)}
    for status in lifecycle.states:
        assert status in reached or status in by_correct
        assert status in by_correct or lifecycle.closed & ({status} | lifecycle.reachable_from(status))
    doubles = [(source, step.action) for step in lifecycle.transitions for source in step.sources]
    assert len(doubles) == len(set(doubles))


@settings(max_examples=300, deadline=None)
@given(
    lifecycles(),
    st.lists(st.sampled_from(LIFECYCLE_PLANTS), min_size=1, max_size=5, unique_by=lambda p: p.slot or id(p)),
)
def test_every_problem_planted_in_a_lifecycle_is_found(lifecycle: Lifecycle, plants: list[Plant]) -> None:
    """Problems planted together in a sound lifecycle are all in one error, none hidden by another (E4)."""
    spoilt = parts_of(lifecycle)
    for plant in plants:
        plant.spoil(spoilt)
    with pytest.raises(DefinitionError) as caught:
        Lifecycle(**spoilt)
    for plant in plants:
        check_told(plant, caught.value)
