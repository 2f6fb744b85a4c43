"""The ready-made rules: what each grants, how each reads, and what cannot be made."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import pytest

import casewright
from casewright import (
    GRANT,
    Actor,
    AuthorizationPolicy,
    Category,
    InvalidInputError,
    Rule,
    Ruling,
    WorkItem,
    always,
    any_of,
    has_role,
    in_category,
    in_status,
    is_creator,
    no,
    performed,
    predicate,
    same,
)
from support.policies import Tree, build, evaluate, random_rule
from support.values import a_case, a_task

ANN = Actor("ann", roles=["clerk"])
TASK = a_task()


def ask(rule: Rule, actor: Actor = ANN, item: WorkItem = TASK) -> Ruling:
    """Return what a policy that holds just this rule answers."""
    return AuthorizationPolicy({"act": rule}).ruling(actor, "act", item)


def named(ruling: Ruling) -> list[tuple[str, object]]:
    """Return the code of each reason, with the rule that it names."""
    return [(reason.code, reason.params["rule"]) for reason in ruling.reasons]


def says_no(actor: Actor, item: WorkItem) -> Ruling:
    """Answer no, without a reason."""
    return no()


def says_true(actor: Actor, item: WorkItem) -> bool:
    """Answer as a predicate."""
    return True


PEOPLE = ("ann", "bob")
LEAVES: list[Tree] = [
    ("always",),
    ("never",),
    ("has_role", "clerk"),
    ("has_role", "clerk", "judge"),
    ("is_creator",),
    ("is_assignee",),
    ("performed", "create"),
    ("performed", "submit"),
    ("in_status", "todo"),
    ("in_status", "todo", "done"),
    ("in_category", Category.OPEN),
    ("in_category", Category.OPEN, Category.DONE),
    ("same", "unit", "unit"),
    ("same", "unit", "grade"),
]


@pytest.mark.parametrize("tree", LEAVES, ids=repr)
def test_a_ready_made_rule_grants_just_what_its_name_says(tree: Tree) -> None:
    """Each ready-made rule agrees with the naive evaluator on the product of roles, relations and states (A1)."""
    rule = build(tree)
    seen = set()
    product: Iterator[tuple[Any, ...]] = itertools.product(
        [[], ["clerk"], ["judge", "guest"]],
        [None, "bob"],
        PEOPLE,
        [None, *PEOPLE],
        [[], ["create", "ann"], ["create", "bob", "submit", "ann"], ["submit", "bob"], ["ann", "submit"]],
        [("todo", Category.OPEN), ("done", Category.DONE), ("done", Category.OPEN), ("x", Category.DRAFT)],
        [({}, {}), ({"unit": 1}, {"unit": 1, "grade": True}), ({"unit": True}, {"unit": 1, "grade": True})],
    )
    for roles, principal, creator, assignee, performers, (status, category), (mine, its) in product:
        actor = Actor("ann", roles=roles, attributes=mine, on_behalf_of=principal)
        item = a_task(
            created_by=creator,
            assignee_id=assignee,
            performers=performers,
            status=status,
            category=category,
            attributes=its,
        )
        answer = evaluate(tree, actor, item)
        assert ask(rule, actor, item).kind == answer, (actor, item)
        seen.add(answer)
    assert seen == {"always": {"grant"}, "never": {"no"}}.get(tree[0], {"grant", "no"})


def test_performed_looks_at_ids_and_principals_on_both_sides() -> None:
    """Who asks, or stands behind who asks, is compared with all who did it or stood behind them (A11)."""
    item = a_case(performers=["submit", "deputy", "submit", "chief"])
    rule = performed("submit")
    matches = [Actor("deputy"), Actor("chief"), Actor("other", on_behalf_of="chief")]
    assert all(ask(rule, actor, item) is GRANT for actor in matches)
    assert ask(rule, Actor("other", on_behalf_of="someone"), item).kind == "no"


NONSENSE: dict[str, Callable[[], Rule]] = {
    "empty role": lambda: has_role(""),
    "blank role": lambda: has_role("clerk", "  "),
    "no role": lambda: has_role(cast("str", None)),
    "list of roles": lambda: has_role(cast("str", ["clerk"])),
    "status of two lines": lambda: in_status("to\ndo"),
    "empty action": lambda: performed(""),
    "empty attribute": lambda: same("", "unit"),
    "long attribute": lambda: same("unit", "x" * 101),
    "category as text": lambda: in_category(cast("Category", "open")),
    "predicate of a bool": lambda: predicate(cast("Any", True), code="x", text="x"),
    "predicate without code": lambda: predicate(says_true, code="", text="x"),
    "predicate without text": lambda: predicate(says_true, code="x", text=cast("str", None)),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE)
def test_a_rule_of_nonsense_cannot_be_made(make: Callable[[], Rule]) -> None:
    """A blank, unprintable or wrongly typed name is refused where the rule is written, not where it is asked (A4)."""
    with pytest.raises(InvalidInputError):
        make()


def read_back(text: str) -> object:
    """Return what the repr evaluates to."""
    return eval(text, dict(vars(casewright)) | {name: getattr(casewright, name) for name in casewright.__all__})


@pytest.mark.parametrize("seed", range(10))
def test_the_repr_of_a_rule_evaluates_to_an_equal_rule(seed: int) -> None:
    """What a refusal shows of a rule can be pasted into a definition: 500 random rules come back as they were."""
    rng = random.Random(seed)
    for _ in range(50):
        rule = build(random_rule(rng, functions=False))
        again = read_back(repr(rule))
        assert again == rule
        assert hash(again) == hash(rule)
        assert repr(again) == repr(rule)


@pytest.mark.parametrize("name", ['say "hi"', "it's", "back\\slash", '\\"', "'\"", "{x}", "%s", "Zürich", "\U0001f600"])
def test_the_repr_of_a_hostile_name_evaluates_to_an_equal_rule(name: str) -> None:
    """Quotes and backslashes in a name neither break the repr nor get out of it (S8)."""
    for rule in (has_role(name, "x"), in_status(name), performed(name), same(name, "x"), same("x", name)):
        assert read_back(repr(rule)) == rule


def test_a_repr_reads_as_a_sentence() -> None:
    """The repr is what a person would have written, in double quotes and without private names."""
    rule = casewright.all_of(
        any_of(has_role("clerk", "judge"), is_creator(), casewright.is_assignee()),
        in_category(Category.OPEN, Category.WAITING),
        casewright.not_(same("unit", "region")),
        casewright.forbid(performed("submit")),
    )
    assert repr(rule) == (
        'all_of(any_of(has_role("clerk", "judge"), is_creator(), is_assignee()), '
        "in_category(Category.OPEN, Category.WAITING), "
        'not_(same("unit", "region")), forbid(performed("submit")))'
    )


def test_a_function_is_shown_by_its_name() -> None:
    """A function of the team's own is named as it is found in the code, alone and inside of combinators."""
    assert repr(any_of(says_no, always())) == "any_of(says_no, always())"
    assert repr(predicate(says_true, code="odd", text="must be odd")).startswith('predicate(says_true, code="odd"')
    assert named(ask(partial(says_no))) == [("not_granted", "partial")]
