"""What is wrong with rules and definitions in ways that would not show before someone asks, found at once (E4)."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from casewright import (
    GRANT,
    TASK,
    Actor,
    AuthorizationPolicy,
    DefinitionError,
    FrozenMapping,
    InvalidInputError,
    Lifecycle,
    Phase,
    Reason,
    Ruling,
    TaskDefinition,
    all_of,
    always,
    any_of,
    forbid,
    has_role,
    in_category,
    in_status,
    is_creator,
    no,
    not_,
    performed,
)
from casewright.domain.combinators import MAX_DEPTH
from casewright.domain.rulings import RulingKind
from casewright.domain.terms import MAX_ALTERNATIVES
from casewright.domain.values import Category
from casewright.testing.builders import a_case, a_task

AT = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = Actor("ada", roles=["admin"])


def problem_codes(error: DefinitionError) -> list[str]:
    """Return the codes of what is wrong."""
    return [problem.code for problem in error.problems]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (forbid(performed("finsih")), "rule_names_unknown_action"),
        (performed("edit"), "rule_names_unknown_action"),
        (any_of(has_role("x"), not_(in_status("drfat"))), "rule_names_unknown_status"),
    ],
)
def test_a_rule_that_names_what_does_not_exist_is_refused(rule: Any, code: str) -> None:
    """A rule that could never match, because of a misspelt name, is a DefinitionError and no open door (E4)."""
    with pytest.raises(DefinitionError) as caught:
        TASK.with_rules({"complete": all_of(TASK.rule("complete"), rule)})
    assert problem_codes(caught.value) == [code]


def test_a_rule_may_name_what_exists() -> None:
    """Rules that name create, an action or a status of the lifecycle are sound."""
    rule = any_of(performed("create"), performed("start"), in_status("todo"))
    assert TASK.with_rules({"complete": rule}).rule("complete") == rule


def test_a_factory_that_was_not_called_is_refused() -> None:
    """A ready-made rule without its parentheses is a DefinitionError that says to call it (E4)."""
    not_called: Any = is_creator
    with pytest.raises(DefinitionError, match=r"call it: is_creator\(\.\.\.\)"):
        AuthorizationPolicy({"start": not_called})


def test_combinators_may_be_nested_only_so_deep() -> None:
    """Combinators nested beyond the limit are a DefinitionError, and never a RecursionError later (E4)."""
    rule = always()
    for _ in range(MAX_DEPTH):
        rule = all_of(rule)
    with pytest.raises(DefinitionError) as caught:
        any_of(rule)
    assert problem_codes(caught.value) == ["too_deep"]


def test_a_scope_of_too_many_alternatives_is_refused() -> None:
    """A rule that lowers to more conjunctions than any database answers is a typed error (A6)."""
    ways = [any_of(*(in_status(f"{part}-{number}") for number in range(40))) for part in ("a", "b")]
    with pytest.raises(InvalidInputError, match=str(MAX_ALTERNATIVES)):
        AuthorizationPolicy({"read": all_of(*ways)}).scope(ADMIN, "read")


def test_a_copied_rule_explains_itself() -> None:
    """A deep copy of a combinator gives the reasons of its own members, whatever the original remembers (A7)."""
    rule: Any = all_of(has_role("judge"), in_category(Category.DRAFT))
    stranger = Actor("eve")
    first = rule(stranger, a_task())
    copied = copy.deepcopy(rule)
    for original, twin in zip(rule.members, copied.members, strict=True):
        assert original == twin
    assert copied(stranger, a_task()) == first == rule(stranger, a_task())


def test_more_denials_than_are_remembered_are_still_explained() -> None:
    """A combinator with more ways to say no than it remembers answers each of them rightly (A7)."""
    rule = all_of(*(has_role(f"role-{number}") for number in range(8)))
    for number in range(2**8 - 1):
        roles = [f"role-{place}" for place in range(8) if number >> place & 1]
        missing = {f"needs the role role-{place}" for place in range(8) if not number >> place & 1}
        assert {reason.text for reason in rule(Actor("a", roles=roles), a_task()).reasons} == missing


def test_a_task_is_not_its_own_case() -> None:
    """A task cannot have the id of the case it is created in: ids are unique across kinds."""
    with pytest.raises(InvalidInputError, match="the id of its own case"):
        TASK.create("c-1", by=ADMIN, at=AT, title="x", parent=a_case(id="c-1"))


def test_states_to_add_are_a_mapping() -> None:
    """More statuses come as a mapping to categories."""
    wrong: Any = 5
    with pytest.raises(InvalidInputError, match="must be a mapping, not int"):
        TASK.lifecycle.with_transitions(states=wrong)


def test_a_lifecycle_of_many_statuses_is_judged_from_each() -> None:
    """A lifecycle of more statuses than are remembered answers as any other, the same each time."""
    names = [f"s{number}" for number in range(120)]
    lifecycle = Lifecycle(states=dict.fromkeys(names, Category.DONE), initial=names, transitions=())
    wide = TaskDefinition("wide", lifecycle=lifecycle, authorization=AuthorizationPolicy({}, default=always()))
    verdict = wide.create("t-1", by=ADMIN, at=AT, title="x", status="s7")
    assert verdict
    assert verdict.change is not None
    task = verdict.change.after
    first = wide.actions(task, by=ADMIN, at=AT)
    assert all(answer.permitted for answer in first)
    assert wide.actions(task, by=ADMIN, at=AT) == first


def test_rules_are_named_by_text() -> None:
    """A rule for what is no name is a problem of the policy."""
    with pytest.raises(DefinitionError) as caught:
        AuthorizationPolicy({5: always()})
    assert problem_codes(caught.value) == ["bad_name"]


def test_a_ready_made_rule_that_fails_forbids() -> None:
    """A ready-made rule that is asked about what is no item is a veto that names it (A5)."""
    no_item: Any = object()
    ruling = AuthorizationPolicy({"start": is_creator()}).ruling(ADMIN, "start", no_item)
    assert [(str(ruling.kind), reason.params["rule"]) for reason in ruling.reasons] == [("veto", "is_creator()")]


def test_a_grant_made_by_hand_grants() -> None:
    """A function that answers with a grant of its own making grants as GRANT does (A1)."""
    policy = AuthorizationPolicy({"start": lambda actor, item: Ruling(RulingKind.GRANT)})
    assert policy.ruling(ADMIN, "start", a_task()) is GRANT


def test_a_reason_with_unstorable_params_fails_closed() -> None:
    """A rule whose reason holds what no reason can hold is a veto that names the rule (A5)."""

    def odd(actor: Actor, item: Any) -> Any:
        return no(Reason("odd", Phase.PERMISSION, "odd", FrozenMapping({"amount": 1.5})))

    ruling = AuthorizationPolicy({"start": odd}).ruling(ADMIN, "start", a_task())
    assert [(str(ruling.kind), reason.code) for reason in ruling.reasons] == [("veto", "rule_error")]
