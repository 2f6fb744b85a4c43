"""Rules made of rules: truth tables, random trees against the naive evaluator, order and duplicates, explanations."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from casewright import (
    GRANT,
    Actor,
    AuthorizationPolicy,
    Category,
    DefinitionError,
    Phase,
    Reason,
    Rule,
    Ruling,
    WorkItem,
    all_of,
    always,
    any_of,
    forbid,
    has_role,
    in_category,
    in_status,
    is_assignee,
    is_creator,
    never,
    no,
    not_,
    performed,
    predicate,
    same,
    veto,
)
from support.policies import (
    ANSWERS,
    Answer,
    Tree,
    build,
    evaluate,
    only_forbids,
    planted,
    random_actor,
    random_item,
    random_rule,
    shuffled,
)
from support.values import a_task

ANN = Actor("ann", roles=["clerk"])
TASK = a_task()
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.large) for seed in range(2, 20))]


def ask(rule: Rule, actor: Actor = ANN, item: WorkItem = TASK) -> Ruling:
    """Return what a policy that holds just this rule answers."""
    return AuthorizationPolicy({"act": rule}).ruling(actor, "act", item)


def kind_of(tree: Tree, actor: Actor = ANN, item: WorkItem = TASK) -> Answer:
    """Return the kind of what the library answers."""
    return str(ask(build(tree), actor, item).kind)


def test_every_combinator_agrees_with_the_naive_evaluator_on_every_answer() -> None:
    """Up to three members, each of which grants, denies, vetoes, fails or forbids: the full product agrees (A1)."""
    plain: list[Tree] = [*(("function", name) for name in ANSWERS), ("always",), ("has_role", "clerk")]
    parts = [*plain, ("forbid", ("always",)), ("forbid", ("never",)), ("forbid", ("function", "raises"))]
    parts += [("not_", part) for part in plain[:3]]
    answers: Counter[Answer] = Counter()
    for count in (1, 2, 3):
        for members in itertools.product(parts, repeat=count):
            for kind in ("any_of", "all_of"):
                tree = (kind, *members)
                expected = evaluate(tree, ANN, TASK)
                assert kind_of(tree) == expected, tree
                answers[expected] += 1
    assert min(answers[kind] for kind in ("grant", "no", "veto")) > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_random_rules_agree_with_the_naive_evaluator(seed: int) -> None:
    """2,000 random rule trees, ten questions each, rule just as the naive evaluator does (A1)."""
    rng = random.Random(seed)
    answers: Counter[Answer] = Counter()
    questions = [(random_actor(rng), random_item(rng)) for _ in range(50)]
    for _ in range(100):
        tree = random_rule(rng, depth=4)
        rule = build(tree)
        for actor, item in rng.sample(questions, 10):
            expected = evaluate(tree, actor, item)
            assert ask(rule, actor, item).kind == expected, (tree, actor, item)
            answers[expected] += 1
    assert min(answers[kind] for kind in ("grant", "no", "veto")) > 50


def test_a_grant_is_the_one_ruling_without_reasons() -> None:
    """A random rule answers GRANT itself or a ruling that says why not (A7)."""
    rng = random.Random(11)
    for _ in range(1000):
        ruling = ask(build(random_rule(rng)), random_actor(rng), random_item(rng))
        assert (ruling is GRANT) is (ruling.reasons == ())
        assert (ruling is GRANT) is (ruling.kind == "grant")


@pytest.mark.parametrize("seed", SEEDS)
def test_order_and_duplicates_never_matter(seed: int) -> None:
    """1,000 random rules, shuffled at every depth ten times with members doubled, answer the same (A2)."""
    rng = random.Random(seed)
    changed = 0
    for _ in range(50):
        tree = random_rule(rng)
        questions = [(random_actor(rng), random_item(rng)) for _ in range(3)]
        expected = [kind_of(tree, *question) for question in questions]
        for _ in range(10):
            other = shuffled(tree, rng)
            changed += other != tree
            assert [kind_of(other, *question) for question in questions] == expected, (tree, other)
    assert changed > 100


def told(ruling: Ruling) -> set[str]:
    """Return every word of every sentence of the ruling."""
    return {word.strip(",;") for reason in ruling.reasons for word in reason.text.split()} - {"or"}


def test_what_a_refusal_tells_does_not_depend_on_the_order() -> None:
    """Members in another order give the same reasons, in another order (A2, A7)."""
    members = [has_role("judge"), is_assignee(), in_status("done"), all_of(has_role("admin"), performed("submit"))]
    for combine in (any_of, all_of):
        rulings = [ask(combine(*order)) for order in itertools.permutations(members)]
        assert {ruling.kind for ruling in rulings} == {no().kind}
        assert all(told(ruling) == told(rulings[0]) for ruling in rulings)
        codes = [frozenset(reason.code for reason in ruling.reasons) for ruling in rulings]
        assert len(set(codes)) == 1


def test_adding_a_forbid_never_widens() -> None:
    """all_of(rule, forbid(other)) and any_of(rule, forbid(other)) grant only where the rule alone does (A2)."""
    rng = random.Random(6)
    for _ in range(500):
        tree, other = random_rule(rng), random_rule(rng)
        actor, item = random_actor(rng), random_item(rng)
        alone = kind_of(tree, actor, item)
        for kind in ("all_of", "any_of"):
            if not only_forbids(tree) and kind_of((kind, tree, ("forbid", other)), actor, item) == "grant":
                assert alone == "grant"


@pytest.mark.parametrize("combine", [any_of, all_of])
def test_an_empty_combinator_cannot_be_built(combine: Callable[[], Rule]) -> None:
    """any_of() and all_of() are a DefinitionError: nobody can say what they mean (E4)."""
    with pytest.raises(DefinitionError) as caught:
        combine()
    (problem,) = caught.value.problems
    assert (problem.code, problem.where) == ("empty_combinator", combine.__name__)


def test_a_forbid_cannot_be_negated_at_any_depth() -> None:
    """not_ over any rule that holds a forbid is a DefinitionError, since its double negation would grant (E4)."""
    rng = random.Random(8)
    refused = 0
    for _ in range(200):
        for tree in planted(random_rule(rng, forbids=False), ("forbid", ("never",))):
            if "not_" in repr(tree):
                continue  # it is refused further down already; the next test plants under a not_
            rule = build(tree)
            with pytest.raises(DefinitionError) as caught:
                not_(rule)
            assert [problem.code for problem in caught.value.problems] == ["negated_forbid"]
            refused += 1
    assert refused > 200


def codes(ruling: Ruling) -> list[str]:
    """Return the code of each reason."""
    return [reason.code for reason in ruling.reasons]


def test_all_of_gives_every_reason() -> None:
    """A person learns at once of everything that lacks, not of the first thing only (A7)."""
    ruling = ask(all_of(has_role("judge"), is_creator(), is_assignee(), in_status("done")))
    assert codes(ruling) == ["role_missing", "not_assignee", "not_in_status"]


def test_any_of_names_every_alternative() -> None:
    """Any of several ways would do, so one reason names them all, with their codes as params (A7)."""
    (reason,) = ask(
        any_of(has_role("judge"), has_role("admin"), is_assignee(), all_of(never(), performed("x")))
    ).reasons
    assert reason.code == "not_granted"
    alternatives = reason.params["alternatives"]
    assert isinstance(alternatives, tuple)
    assert set(alternatives) == {("role_missing",), ("not_assignee",), ("never", "not_performer")}
    for part in ("judge", "admin", "assignee", "nobody may", "performed x"):
        assert part in reason.text


def test_any_of_with_one_way_gives_its_reasons_unchanged() -> None:
    """Where there is only one way, its own reasons say more than a list of one would (A7)."""
    assert codes(ask(any_of(all_of(has_role("judge"), is_assignee())))) == ["role_missing", "not_assignee"]
    assert codes(ask(any_of(is_assignee(), is_assignee()))) == ["not_assignee"]


@pytest.mark.parametrize("combine", [any_of, all_of])
def test_every_veto_is_told(combine: Callable[..., Rule]) -> None:
    """Where several rules forbid, the refusal tells of each, and of no rule that merely does not grant (A7)."""

    def second(actor: Actor, item: WorkItem) -> Ruling:
        return veto(Reason("second", Phase.PERMISSION, "no second time"))

    ruling = ask(combine(never(), forbid(is_creator()), always(), second))
    assert sorted(codes(ruling)) == ["forbidden", "second"]


EVERYONE = predicate(lambda actor, item: True, code="all", text="must be one of us")
GRANTED: list[tuple[Rule, str]] = [
    (has_role("clerk", "judge"), "clerk or judge"),
    (is_creator(), "creator"),
    (performed("create"), "create"),
    (in_status("todo"), "todo"),
    (in_category(Category.OPEN), "open"),
    (same("unit", "unit"), "unit"),
    (always(), "always()"),
    (any_of(always(), never()), "any_of(always(), never())"),
    (EVERYONE, "must be one of us"),
    (ANSWERS["says_grant"][0], "says_grant"),
]


@pytest.mark.parametrize("negate", [not_, forbid])
@pytest.mark.parametrize(("rule", "told_of"), GRANTED, ids=[str(place) for place in range(len(GRANTED))])
def test_a_negation_says_what_must_not_be(rule: Rule, told_of: str, negate: Callable[[Rule], Rule]) -> None:
    """The reason of not_ and forbid says in words what must not hold, and carries the repr of the whole rule (A7)."""
    actor = Actor("ann", roles=["clerk"], attributes={"unit": "north"})
    item = a_task(attributes={"unit": "north"}, performers=["create", "ann"])
    assert ask(rule, actor, item) is GRANT
    (reason,) = ask(negate(rule), actor, item).reasons
    assert reason.code == {"not_": "negated", "forbid": "forbidden"}[negate.__name__]
    assert told_of in reason.text
    assert "not" in reason.text
    assert reason.params["rule"] == repr(negate(rule))


def test_a_forbid_keeps_the_reasons_of_a_member_that_vetoes() -> None:
    """Where the member itself vetoes or fails, forbid tells the member's own reasons (A5)."""
    for name in ("says_veto", "raises"):
        rule = ANSWERS[name][0]
        assert ask(forbid(rule)).reasons == ask(rule).reasons
        assert ask(not_(rule)).reasons == ask(rule).reasons
