"""Policies: the shipped ones question by question, the role index, rules that fail."""

from __future__ import annotations

import ast
import random
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
    DefinitionError,
    Phase,
    Rule,
    Task,
    TaskDefinition,
    WorkItem,
    any_of,
    has_role,
    in_status,
    is_assignee,
    is_creator,
    never,
    predicate,
)
from support.policies import raises
from support.values import AT, a_case, a_task

Definition: TypeAlias = TaskDefinition | CaseDefinition
DEFINITIONS: dict[str, Definition] = {"task": TASK, "simple_task": SIMPLE_TASK, "regulatory_case": REGULATORY_CASE}


VERBS = ("read", "edit", "set_due", "tag", "add_note", "assign", "claim", "release", "correct", "delete", "create")


def actions_of(definition: Definition) -> tuple[str, ...]:
    """Return every action of the lifecycle and every verb."""
    return (*definition.lifecycle.actions, *VERBS)


def asked(definition: Definition, actor: Actor, action: str, item: Any) -> tuple[str, ...]:
    """Return the codes of the permission reasons that `decide` gives."""
    verdict = definition.decide(item, action, {}, by=actor, at=AT)
    if verdict or verdict.phase is not Phase.PERMISSION:
        return ()
    assert all(reason.phase is Phase.PERMISSION for reason in verdict.reasons)
    return tuple(reason.code for reason in verdict.reasons)


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


def test_the_default_rules_what_has_no_rule_of_its_own() -> None:
    """A default is asked for other actions only; its veto and its grant count like those of a rule (A1)."""
    policy = AuthorizationPolicy({"start": never()}, default=has_role("clerk"))
    ann = Actor("ann", roles=["clerk"])
    assert policy.ruling(ann, "start", a_task()).kind == "no"
    assert policy.ruling(ann, "anything", a_task()) is GRANT
    assert policy.ruling(Actor("bob"), "anything", a_task()).kind == "no"
    assert policy.rule("anything") == has_role("clerk")
    assert AuthorizationPolicy({}).rule("anything") is None


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.large) for seed in range(1, 5))])
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
