"""The proof of a definition: what cannot work fails when it is built, and what is built never fails (E4)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import (
    TASK,
    Actor,
    AuthorizationPolicy,
    Category,
    DefinitionError,
    InvalidInputError,
    Lifecycle,
    MisuseError,
    Permitted,
    Problem,
    Refused,
    TaskDefinition,
    Transition,
    always,
    choice,
    clear,
    copy_input,
    instant,
    integer,
    never,
    set_value,
    text,
)
from casewright.domain.definitions import Definition
from casewright.testing.builders import SOME_TIME, a_task
from support.plants import DEFINITION_PLANTS, Plant, build, check_told, definition_parts_of

LIFECYCLE = Lifecycle(
    states={"new": Category.OPEN, "done": Category.DONE},
    initial="new",
    transitions=[Transition("finish", "new", "done", inputs=[integer("amount", optional=True)])],
)
EVERYONE = AuthorizationPolicy({}, default=always())


def problems(**changes: Any) -> tuple[Problem, ...]:
    """Return what the proof finds in a sound definition with these parts in place of its own."""
    parts: dict[str, Any] = {"name": "thing", "lifecycle": LIFECYCLE, "authorization": EVERYONE} | changes
    with pytest.raises(DefinitionError) as caught:
        TaskDefinition(parts.pop("name"), **parts)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return caught.value.problems


def setting(*effects: Any, inputs: Any = ()) -> Lifecycle:
    """Return a lifecycle whose only transition has these effects."""
    step = Transition("finish", "new", "done", inputs=inputs, effects=effects)
    return attrs.evolve(LIFECYCLE, transitions=[step])


NO_DEFAULT = {"finish": always(), "read": always(), "create": always()}

SOUND = TaskDefinition("thing", lifecycle=LIFECYCLE, authorization=EVERYONE)


@pytest.mark.parametrize("plant", [pytest.param(p, id=f"{n} {p}") for n, p in enumerate(DEFINITION_PLANTS)])
def test_each_problem_says_what_is_wrong_where_and_what_mends_it(plant: Plant) -> None:
    """One mistake is reported with code, place, what is wrong and what would mend it, and no other beside it (E4)."""
    spoilt = definition_parts_of(SOUND)
    plant.spoil(spoilt)
    with pytest.raises(DefinitionError) as caught:
        build(TaskDefinition, spoilt)
    check_told(plant, caught.value)
    assert {problem.code for problem in caught.value.problems} == {plant.code}


def test_what_is_built_of_no_parts_is_told_so() -> None:
    """A lifecycle that is none, or a policy that is none, is a problem and no crash (E4)."""
    assert {problem.code for problem in problems(lifecycle=None, authorization=None)} == {
        "not_a_lifecycle",
        "not_a_policy",
    }


@pytest.mark.parametrize("wrong", [3, "rules", [always()]])
def test_rules_and_guards_that_are_no_mappings_are_refused(wrong: Any) -> None:
    """Rules and guards are mappings of actions, and the error says so."""
    with pytest.raises(InvalidInputError, match="map actions to rules"):
        AuthorizationPolicy(wrong)
    with pytest.raises(InvalidInputError, match="map actions to guards"):
        attrs.evolve(TASK, guards=wrong)


def test_one_str_is_not_several_published_actions() -> None:
    """A str where several actions are meant is an InvalidInputError, not the actions named by its letters."""
    with pytest.raises(InvalidInputError, match="must be several actions"):
        attrs.evolve(TASK, published="start")


def test_a_bare_definition_is_misuse() -> None:
    """A definition is of tasks or of cases."""
    with pytest.raises(MisuseError):
        Definition("thing", lifecycle=LIFECYCLE, authorization=EVERYONE)


def test_a_default_rules_every_action_without_a_rule() -> None:
    """With a default no rule is missing; without one verbs other than read and create may be (they are denied)."""
    TaskDefinition("a", lifecycle=LIFECYCLE, authorization=AuthorizationPolicy({}, default=never()))
    silent = TaskDefinition("a", lifecycle=LIFECYCLE, authorization=AuthorizationPolicy(NO_DEFAULT))
    verdict = silent.decide(a_task(definition=silent), "delete", by=Actor("ann"), at=SOME_TIME)
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == ["no_rule"]


@pytest.mark.parametrize(
    ("field", "inputs", "effect"),
    [
        (integer("other", optional=True), (), set_value("attributes.amount", 1)),
        (integer("amount"), (), set_value("attributes.amount", "much")),
        (text("amount", max_length=3), (), set_value("attributes.amount", "much")),
        (choice("amount", ["little"]), (), set_value("attributes.amount", "much")),
        (integer("amount"), (), clear("attributes.amount")),
        (choice("amount", ["little"]), (choice("x", ["much"]),), copy_input("x", to="attributes.amount")),
        (text("amount", max_length=3), (text("x"),), copy_input("x", to="attributes.amount")),
        (integer("amount"), (integer("x", clearable=True),), copy_input("x", to="attributes.amount")),
        (integer("amount"), (text("x"),), copy_input("x", to="attributes.amount")),
        (text("amount", max_length=3), (choice("x", ["much"]),), copy_input("x", to="attributes.amount")),
    ],
)
def test_an_effect_fits_the_typed_attribute_that_it_sets(field: Any, inputs: Any, effect: Any) -> None:
    """No effect can give a typed attribute a value that `edit` would refuse (E4)."""
    found = problems(fields=[field], lifecycle=setting(effect, inputs=inputs))
    assert [problem.code for problem in found] == ["effect_field"]


def test_effects_that_fit_their_typed_attributes_are_sound() -> None:
    """Constants, clearings and inputs that a typed attribute accepts are no problem."""
    fields = [
        integer("amount", optional=True),
        choice("outcome", ["good", "bad"]),
        text("said", max_length=4),
        instant("until", optional=True),
    ]
    effects = [
        clear("attributes.amount"),
        copy_input("outcome", to="attributes.outcome"),
        copy_input("outcome", to="attributes.said"),
        copy_input("until", to="attributes.until"),
    ]
    lifecycle = setting(*effects, inputs=[choice("outcome", ["good"]), instant("until", optional=True)])
    definition = TaskDefinition("a", lifecycle=lifecycle, authorization=EVERYONE, fields=fields)
    inputs = {"outcome": "good", "until": SOME_TIME}
    verdict = definition.decide(a_task(definition=definition), "finish", inputs, by=Actor("ann"), at=SOME_TIME)
    assert isinstance(verdict, Permitted)
    assert verdict.change is not None
    assert dict(verdict.change.after.attributes) == {
        "outcome": "good",
        "said": "good",
        "until": "2026-01-31T12:00:00.000000Z",
    }
