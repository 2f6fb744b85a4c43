"""Policies: the shipped ones question by question, the role index, rules that fail."""

from __future__ import annotations

import ast
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

import pytest

import casewright
from casewright import (
    GRANT,
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    CaseDefinition,
    Category,
    DefinitionError,
    Phase,
    Rule,
    Task,
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
    performed,
    predicate,
)
from support.policies import AT, a_case, a_task, raises

Definition: TypeAlias = TaskDefinition | CaseDefinition
DEFINITIONS: dict[str, Definition] = {"task": TASK, "simple_task": SIMPLE_TASK, "regulatory_case": REGULATORY_CASE}

# ---------------------------------------------------------------- the shipped policies, as the design words them

BY_WORKER = {"read", "edit", "set_due", "tag", "add_note", "start", "complete", "block", "unblock", "release"}
BY_CREATOR = {"assign", "cancel", "reopen", "delete", "claim"}
BY_WRITER = {"create", "submit"}
BY_WRITER_OR_REVIEWER = {"read", "add_note"}
BY_WRITER_WHILE_DRAFT = {"edit", "set_due", "tag"}
BY_REVIEWER = {"start_review", "escalate", "close", "assign", "claim", "release"}


def may(name: str, actor: Actor, action: str, item: WorkItem) -> bool:
    """Return what the catalog of the design says, read aloud."""
    if action not in actions_of(DEFINITIONS[name]):
        return False
    if "admin" in actor.roles:
        return True
    if name == "regulatory_case":
        writes, reviews = "case_writer" in actor.roles, "reviewer" in actor.roles
        return (
            (action in BY_WRITER and writes)
            or (action in BY_WRITER_OR_REVIEWER and (writes or reviews))
            or (action in BY_WRITER_WHILE_DRAFT and writes and item.category == "draft")
            or (action in BY_REVIEWER and reviews)
        )
    creator, assignee = item.created_by == actor.id, item.assignee_id == actor.id
    return action == "create" or (action in BY_WORKER and (creator or assignee)) or (action in BY_CREATOR and creator)


VERBS = ("read", "edit", "set_due", "tag", "add_note", "assign", "claim", "release", "correct", "delete", "create")


def actions_of(definition: Definition) -> tuple[str, ...]:
    """Return every action of the lifecycle and every verb."""
    return (*definition.lifecycle.actions, *VERBS)


def questions(name: str) -> Iterator[tuple[Actor, str, Any]]:
    """Yield every combination of roles, relation, status and action, known and unknown ones."""
    definition = DEFINITIONS[name]
    role_sets = [
        roles
        for count in range(4)
        for roles in itertools.combinations(("admin", "case_writer", "reviewer", "Admin", "guest"), count)
    ]
    make = a_case if name == "regulatory_case" else a_task
    items = [
        make(definition=name, status=status, category=category, created_by=creator, assignee_id=assignee)
        for status, category in definition.lifecycle.states.items()
        for creator in ("ann", "bob")
        for assignee in (None, "ann", "bob")
    ]
    actors = [Actor("ann", roles=roles, on_behalf_of=principal) for roles in role_sets for principal in (None, "bob")]
    for actor, item in itertools.product(actors, items):
        for action in (*actions_of(definition), "fly"):
            yield actor, action, item


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_shipped_policy_grants_just_what_the_catalog_says(name: str) -> None:
    """Every combination of roles, relation, status and action is ruled as the catalog words it (A1)."""
    policy = DEFINITIONS[name].authorization
    answers: Counter[bool] = Counter()
    for actor, action, item in questions(name):
        granted = policy.ruling(actor, action, item) is GRANT
        assert granted is may(name, actor, action, item), (actor, action, item)
        answers[granted] += 1
    assert sum(answers.values()) > 15_000
    assert min(answers.values()) > 4_000


def asked(definition: Definition, actor: Actor, action: str, item: Any) -> tuple[str, ...]:
    """Return the codes of the permission reasons that `decide` gives."""
    verdict = definition.decide(item, action, {}, by=actor, at=AT)
    if verdict or verdict.phase is not Phase.PERMISSION:
        return ()
    assert all(reason.phase is Phase.PERMISSION for reason in verdict.reasons)
    return tuple(reason.code for reason in verdict.reasons)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_decision_needs_the_rule_of_the_action_and_that_of_read(name: str) -> None:
    """`decide` refuses for permission just where one of the two does not grant, and hides what may not be read (A8)."""
    definition = DEFINITIONS[name]
    for actor, action, item in questions(name):
        if action == "create":
            continue
        found = asked(definition, actor, action, item)
        if not may(name, actor, "read", item):
            assert found == ("not_visible",), (actor, action, item)
        else:
            assert (found == ()) is may(name, actor, action, item), (actor, action, item)
            assert "not_visible" not in found


@pytest.mark.parametrize("name", DEFINITIONS)
def test_another_tenant_sees_nothing(name: str) -> None:
    """An actor of another tenant gets not_visible for every action, whatever the roles and ids (A11)."""
    definition = DEFINITIONS[name]
    make = a_case if name == "regulatory_case" else a_task
    item: Any = make(definition=name, tenant="north", assignee_id="ann")
    roles = ["admin", "case_writer", "reviewer"]
    for actor in (Actor("ann", roles=roles), Actor("ann", roles=roles, tenant="south")):
        assert not definition.may_read(item, by=actor)
        for action in (*actions_of(definition)[:-1], "fly"):
            assert asked(definition, actor, action, item) == ("not_visible",)
    assert definition.may_read(item, by=Actor("ann", roles=roles, tenant="north"))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_empty_policy_denies_everything(name: str) -> None:
    """Without rules nobody may do anything, and the reason says so (A1)."""
    policy = AuthorizationPolicy({})
    for actor, action, item in itertools.islice(questions(name), 0, None, 7):
        ruling = policy.ruling(actor, action, item)
        assert ruling.kind == "no"
        assert [reason.code for reason in ruling.reasons] == ["no_rule"]
        assert policy.scope(actor, action).alternatives == ()


def test_the_default_rules_what_has_no_rule_of_its_own() -> None:
    """A default is asked for other actions only; its veto and its grant count like those of a rule (A1)."""
    policy = AuthorizationPolicy({"start": never()}, default=has_role("clerk"))
    ann = Actor("ann", roles=["clerk"])
    assert policy.ruling(ann, "start", a_task()).kind == "no"
    assert policy.ruling(ann, "anything", a_task()) is GRANT
    assert policy.ruling(Actor("bob"), "anything", a_task()).kind == "no"
    assert policy.rule("anything") == has_role("clerk")
    assert AuthorizationPolicy({}).rule("anything") is None


def test_a_policy_keeps_its_own_copy_of_the_rules() -> None:
    """Rules that are changed after the policy was built change nothing: a policy is a value (A7)."""
    rules: dict[str, Rule] = {"start": never()}
    policy = AuthorizationPolicy(rules)
    rules["start"] = always()
    assert policy.ruling(Actor("ann"), "start", a_task()).kind == "no"
    assert policy == AuthorizationPolicy({"start": never()})


def test_replacing_a_rule_leaves_the_others_and_the_original() -> None:
    """with_rules gives a new policy, in which only the named rules differ."""
    policy = AuthorizationPolicy({"start": never(), "stop": is_creator()}, default=always())
    wider = policy.with_rules({"start": is_assignee()})
    assert wider == AuthorizationPolicy({"start": is_assignee(), "stop": is_creator()}, default=always())
    assert policy.rule("start") == never()


def test_four_eyes_is_added_to_a_present_rule_in_one_expression() -> None:
    """all_of(D.rule("close"), forbid(performed("submit"))) keeps who submitted from closing, and nobody else (A11)."""
    policy = REGULATORY_CASE.authorization
    both = all_of(policy.rules["close"], forbid(performed("submit")))
    strict = REGULATORY_CASE.with_rules({"close": both})
    case = a_case(status="UNDER_REVIEW", category=Category.ACTIVE, performers=["submit", "ann"])
    for actor, expected in (
        (Actor("ann", roles=["reviewer"]), ("forbidden",)),
        (Actor("ann", roles=["admin"]), ("forbidden",)),
        (Actor("eve", roles=["reviewer"], on_behalf_of="ann"), ("forbidden",)),
        (Actor("bob", roles=["reviewer"]), ()),
    ):
        assert asked(strict, actor, "close", case) == expected


# ---------------------------------------------------------------- the role index


@pytest.mark.parametrize("seed", range(5))
def test_the_role_index_answers_as_a_scan_does(seed: int) -> None:
    """100,000 questions to any_of with many roles in it agree with asking each member in turn (A3)."""
    rng = random.Random(seed)
    universe = [f"role-{number}" for number in range(60)]
    actors = [
        Actor(rng.choice("abcd"), roles=rng.sample(universe, rng.choice([0, 1, 1, 2, 5, 20]))) for _ in range(1000)
    ]
    task = a_task(created_by="a", assignee_id="b")
    granted = 0
    for _ in range(20):
        wanted = [rng.sample(universe, rng.randint(1, 3)) for _ in range(rng.choice([1, 2, 5, 30]))]
        others: list[Rule] = rng.choice([[], [], [is_creator()], [is_assignee(), in_status("done")]])
        members: list[Rule] = [*(has_role(*names) for names in wanted), *others]
        rng.shuffle(members)
        policy = AuthorizationPolicy({"act": any_of(*members)})
        for actor in actors:
            expected = any(name in actor.roles for names in wanted for name in names)
            expected |= is_creator() in others and actor.id == "a"
            expected |= is_assignee() in others and actor.id == "b"
            assert (policy.ruling(actor, "act", task) is GRANT) is expected, (members, actor)
            granted += expected
    assert 2_000 < granted < 18_000


# ---------------------------------------------------------------- rules that fail

BROKEN = predicate(cast("Any", raises), code="broken", text="x")


def with_a_broken_part(rule: object) -> Iterator[Rule]:
    """Yield the rule with a raising predicate in place of each of its parts in turn, found through its repr."""
    tree = ast.parse(repr(rule), mode="eval")
    calls = sorted((node.col_offset, node.end_col_offset or 0) for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = {name: getattr(casewright, name) for name in casewright.__all__} | {"BROKEN": BROKEN}
    source = repr(rule).encode()
    for start, end in calls:
        yield eval(source[:start] + b"BROKEN" + source[end:], names)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_failing_part_of_a_shipped_rule_denies_everyone_and_is_named(name: str) -> None:
    """A raising predicate in any position of any shipped rule is a veto for the admin too, and is named (A5)."""
    definition = DEFINITIONS[name]
    root = Actor("ann", roles=["admin", "case_writer", "reviewer"])
    make: Callable[..., Task | Case] = a_case if name == "regulatory_case" else a_task
    item: Any = make(definition=name, assignee_id="ann")
    positions = 0
    for action, rule in definition.authorization.rules.items():
        for broken in with_a_broken_part(rule):
            positions += 1
            ruling = definition.authorization.with_rules({action: broken}).ruling(root, action, item)
            assert ruling.kind == "veto"
            assert [(one.code, one.params["rule"]) for one in ruling.reasons] == [("rule_error", repr(BROKEN))]
            if action == "read":
                with pytest.raises(DefinitionError, match="read"):
                    definition.with_rules({action: broken})
            elif action == "create":
                verdict = definition.with_rules({action: broken}).create("new", by=root, at=AT, title="x")
                assert not verdict
                assert [reason.code for reason in verdict.reasons] == ["rule_error"]
            else:
                assert asked(definition.with_rules({action: broken}), root, action, item) == ("rule_error",)
    assert positions > len(definition.authorization.rules)


def test_a_failing_default_denies() -> None:
    """A default that raises is a veto as well, and is named (A5)."""
    ruling = AuthorizationPolicy({}, default=BROKEN).ruling(Actor("ann"), "anything", a_task())
    assert (ruling.kind, ruling.reasons[0].params["rule"]) == ("veto", repr(BROKEN))


def test_a_refused_creation_survives_odd_reasons() -> None:
    """A rule whose reasons hold something odd refuses a creation; it never breaks it (A5)."""

    def odd(actor: Actor, item: WorkItem) -> Any:
        return casewright.no(casewright.Reason("odd", Phase.PERMISSION, "odd", cast("Any", {"found": [1, {"a": []}]})))

    verdict = TASK.with_rules({"create": odd}).create("new", by=Actor("ann"), at=AT, title="x")
    assert not verdict
    assert hash(verdict) == hash(TASK.with_rules({"create": odd}).create("new", by=Actor("ann"), at=AT, title="x"))
