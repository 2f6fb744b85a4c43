"""Scopes: rules lowered to terms, so that a list shows just what a detail page would (A6)."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from typing import Any, cast

import attrs
import pytest

from casewright import (
    GRANT,
    TASK,
    Actor,
    AuthorizationPolicy,
    DefinitionError,
    InvalidInputError,
    Rule,
    Scope,
    TaskDefinition,
    WorkItem,
    all_of,
    always,
    any_of,
    forbid,
    has_role,
    in_status,
    is_assignee,
    is_creator,
    never,
    not_,
    performed,
    predicate,
    same,
)
from support.policies import (
    ANSWERS,
    build,
    holds_function,
    only_forbids,
    planted,
    random_actor,
    random_item,
    random_rule,
)
from support.values import a_task

ANN = Actor("ann", attributes={"one": 1, "true": True, "unit": "north", "nothing": None})


def scope_of(rule: Rule, actor: Actor = ANN) -> Scope:
    """Return what the rule is lowered to for the actor."""
    return AuthorizationPolicy({"read": rule}).scope(actor, "read")


def granted(rule: Rule, actor: Actor, item: WorkItem) -> bool:
    """Return whether the rule itself grants."""
    return AuthorizationPolicy({"read": rule}).ruling(actor, "read", item) is GRANT


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.large) for seed in range(2, 10))])
def test_a_scope_matches_just_what_the_rule_grants(seed: int) -> None:
    """300 random rules, three actors, 200 items each: listed if and only if granted (A6)."""
    rng = random.Random(seed)
    items = [random_item(rng) for _ in range(200)]
    shown = 0
    for _ in range(30):
        tree = random_rule(rng, functions=False)
        policy = AuthorizationPolicy({"read": build(tree)})
        for actor in [random_actor(rng) for _ in range(3)]:
            scope = policy.scope(actor, "read")
            for item in items:
                expected = policy.ruling(actor, "read", item) is GRANT
                assert scope.matches(item) is expected, (tree, actor, item)
                shown += expected
    assert 2_000 < shown < 16_000


BARE = a_task(created_by="zoe")
MISSING: dict[str, Rule] = {
    "assignee": is_assignee(),
    "performer": performed("submit"),
    "attribute": same("unit", "unit"),
    "attribute of the actor": same("absent", "unit"),
    "None on the actor": same("nothing", "unit"),
    "status": in_status("done"),
    "role": has_role("clerk"),
}


@pytest.mark.parametrize("rule", MISSING.values(), ids=MISSING)
def test_missing_data_does_not_match_and_its_negation_does(rule: Rule) -> None:
    """There is no third answer: where data is missing the term fails and its negation holds (A4)."""
    assert not scope_of(rule).matches(BARE)
    assert scope_of(not_(rule)).matches(BARE)
    assert scope_of(all_of(always(), forbid(rule))).matches(BARE)
    assert not scope_of(not_(not_(rule))).matches(BARE)


TRAPS: dict[str, Rule] = {
    "1 or True": any_of(same("one", "grade"), same("true", "grade")),
    "True or 1": any_of(same("true", "grade"), same("one", "grade")),
    "1 and not True": all_of(same("one", "grade"), not_(same("true", "grade"))),
    "True and not 1": all_of(same("true", "grade"), not_(same("one", "grade"))),
    "neither": not_(any_of(same("true", "grade"), same("one", "grade"))),
    "1, never True": all_of(same("one", "grade"), forbid(same("true", "grade"))),
}


@pytest.mark.parametrize("rule", TRAPS.values(), ids=TRAPS)
@pytest.mark.parametrize("value", [1, True, 0, False, "1"], ids=repr)
def test_true_and_one_stay_apart_in_a_scope(rule: Rule, value: object) -> None:
    """Terms on True and on 1 are two terms: neither swallows nor contradicts the other (A4, A6)."""
    item = a_task(attributes={"grade": value})
    assert scope_of(rule).matches(item) is granted(rule, ANN, item)


def test_everything_and_nothing() -> None:
    """always() lowers to one alternative without a term, never() and a missing rule to no alternative."""
    assert scope_of(always()).alternatives == ((),)
    assert scope_of(never()).alternatives == ()
    assert scope_of(forbid(never())).alternatives == ()
    assert AuthorizationPolicy({}).scope(ANN, "read").alternatives == ()
    assert AuthorizationPolicy({}, default=always()).scope(ANN, "read").alternatives == ((),)
    assert scope_of(any_of(has_role("x"), always())) == scope_of(always())


def scopes() -> Iterator[Scope]:
    """Yield scopes of random rules, some of them on 1 and True."""
    rng = random.Random(3)
    for _ in range(150):
        yield scope_of(build(random_rule(rng, depth=2, functions=False)), random_actor(rng))
    for rule in TRAPS.values():
        yield scope_of(rule)


def test_scopes_combine_as_sets_do() -> None:
    """Or, and, and not of scopes match the union, the intersection and the complement of what they match (A6)."""
    rng = random.Random(4)
    items = [random_item(rng) for _ in range(40)]
    every = list(scopes())
    for one in every:
        other = rng.choice(every)
        for item in items:
            first, second = one.matches(item), other.matches(item)
            assert (one | other).matches(item) is (first or second), (one, other, item)
            assert (one & other).matches(item) is (first and second), (one, other, item)
            assert (~one).matches(item) is (not first), (one, item)


def test_a_scope_is_a_frozen_value() -> None:
    """A scope can be hashed, compared and pickled, and not changed (A7)."""
    scope = scope_of(all_of(is_creator(), not_(in_status("done"))))
    assert pickle.loads(pickle.dumps(scope)) == scope
    assert hash(scope) == hash(scope_of(all_of(is_creator(), not_(in_status("done")))))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", scope).alternatives = ()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", scope.alternatives[0][0]).negated = True


def looks(actor: Actor, item: WorkItem) -> bool:
    """Look at whatever a function may look at."""
    return True


OPAQUE: dict[str, Rule] = {
    "function": ANSWERS["says_grant"][0],
    "predicate": predicate(looks, code="looks", text="x"),
    "any_of": any_of(always(), predicate(looks, code="looks", text="x")),
    "all_of": all_of(never(), ANSWERS["says_grant"][0]),
    "not_": not_(ANSWERS["says_grant"][0]),
    "forbid": all_of(always(), forbid(predicate(looks, code="looks", text="x"))),
}


@pytest.mark.parametrize("rule", OPAQUE.values(), ids=OPAQUE)
def test_a_rule_that_runs_a_function_cannot_be_lowered(rule: Rule) -> None:
    """Asked for its scope, it raises an InvalidInputError, even where the function would not matter (A6)."""
    with pytest.raises(InvalidInputError, match="terms"):
        scope_of(rule)


def test_a_function_at_any_depth_is_never_passed_over() -> None:
    """With a function in any position a random rule is not lowered, or to nothing where it only forbids (A6)."""
    rng = random.Random(10)
    raised = 0
    for _ in range(150):
        for tree in planted(random_rule(rng, functions=False), ("function", "says_grant")):
            assert holds_function(tree)
            try:
                scope = scope_of(build(tree))
            except InvalidInputError:
                raised += 1
            else:
                assert only_forbids(tree), tree
                assert scope.alternatives == ()
    assert raised > 300


def open_to(read: Rule) -> TaskDefinition:
    """Return a task definition that anyone may read whom the rule lets."""
    return TASK.with_rules({"read": read})


@pytest.mark.parametrize("rule", [*OPAQUE.values(), forbid(ANSWERS["says_grant"][0])], ids=[*OPAQUE, "forbid alone"])
def test_a_definition_with_such_a_rule_of_read_cannot_be_built(rule: Rule) -> None:
    """A list could not be filtered by it, so it is a DefinitionError, also where it is the default (A6, E4)."""
    with pytest.raises(DefinitionError) as caught:
        open_to(rule)
    assert [problem.code for problem in caught.value.problems] == ["read_opaque"]
    with pytest.raises(DefinitionError) as caught:
        attrs.evolve(TASK, authorization=AuthorizationPolicy({"create": always()}, default=rule))
    assert [problem.code for problem in caught.value.problems] == ["read_opaque"]
