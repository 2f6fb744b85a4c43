"""Hostile questions: missing, odd and look-alike data never matches anything (A4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import pytest

from casewright import (
    GRANT,
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    AuthorizationPolicy,
    CaseDefinition,
    Category,
    Phase,
    Rule,
    Task,
    TaskDefinition,
    has_role,
    in_category,
    in_status,
    is_assignee,
    is_creator,
    never,
    not_,
    performed,
    same,
)
from support.values import AT, a_task

Definition: TypeAlias = TaskDefinition | CaseDefinition
DEFINITIONS: dict[str, Definition] = {"task": TASK, "simple_task": SIMPLE_TASK, "regulatory_case": REGULATORY_CASE}


def hostile(rule: Rule, actor: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Rule, Actor, Task]:
    """Return a question: the rule, who asks, and of what."""
    return rule, Actor(**{"id": "ann", **actor}), a_task(**{"created_by": "zoe", **item})


HOSTILE: dict[str, tuple[Rule, Actor, Task]] = {
    **{
        f"unassigned, asked by {id!r}": hostile(is_assignee(), {"id": id}, {})
        for id in ("None", "null", "NULL", "undefined", "0", "-", "False", "''", "assignee_id", "*")
    },
    "creator in other case": hostile(is_creator(), {"id": "ANN"}, {"created_by": "ann"}),
    "creator with a space": hostile(is_creator(), {"id": "ann "}, {"created_by": "ann"}),
    "creator in another script": hostile(is_creator(), {"id": "\u0430nn"}, {"created_by": "ann"}),
    "creator in another normal form": hostile(is_creator(), {"id": "e\u0301va"}, {"created_by": "\u00e9va"}),
    "stands in for the creator": hostile(is_creator(), {"on_behalf_of": "zoe"}, {}),
    "stands in for the assignee": hostile(is_assignee(), {"on_behalf_of": "bob"}, {"assignee_id": "bob"}),
    "no roles at all": hostile(has_role("admin"), {"roles": []}, {}),
    "role in other case": hostile(has_role("admin"), {"roles": ["Admin", "ADMIN"]}, {}),
    "role with a space": hostile(has_role("admin"), {"roles": [" admin", "admin "]}, {}),
    "roles in one text": hostile(has_role("admin"), {"roles": ["admin,clerk", "clerk admin"]}, {}),
    "role that is a wildcard": hostile(has_role("admin"), {"roles": ["*", ".*", "%"]}, {}),
    "unknown role": hostile(has_role("admin"), {"roles": ["superuser"]}, {}),
    "id that is a role": hostile(has_role("admin"), {"id": "admin"}, {}),
    "roles among attributes": hostile(has_role("admin"), {"attributes": {"roles": ["admin"]}}, {}),
    "attribute missing on both sides": hostile(same("unit", "unit"), {}, {}),
    "attribute missing on the actor": hostile(same("unit", "unit"), {}, {"attributes": {"unit": "north"}}),
    "attribute missing on the item": hostile(same("unit", "unit"), {"attributes": {"unit": "north"}}, {}),
    "attribute of another name": hostile(
        same("unit", "unit"), {"attributes": {"Unit": "north"}}, {"attributes": {"unit": "north"}}
    ),
    **{
        f"{mine!r} against {its!r}": hostile(
            same("unit", "unit"), {"attributes": {"unit": mine}}, {"attributes": {"unit": its}}
        )
        for mine, its in [
            (None, None),
            (True, 1),
            (1, True),
            (False, 0),
            ("1", 1),
            ("None", None),
            ("", None),
            (["north"], ["north"]),
            ({"a": 1}, {"a": 1}),
            ([], []),
        ]
    },
    "status in other case": hostile(in_status("TODO"), {}, {}),
    "unknown status": hostile(in_status("ghost"), {}, {}),
    "item in an unknown status": hostile(in_status("todo"), {}, {"status": "ghost"}),
    "category that is only a status": hostile(in_category(Category.DONE), {}, {"status": "done"}),
    "performed by nobody": hostile(performed("submit"), {}, {}),
    "performed another action": hostile(performed("submit"), {}, {"performers": ["approve", "ann"]}),
    "performers read out of step": hostile(performed("submit"), {}, {"performers": ["x", "submit", "ann", "y"]}),
    "id that is the action": hostile(performed("submit"), {"id": "submit"}, {"performers": ["submit", "bob"]}),
    "principal None among performers": hostile(performed("submit"), {}, {"performers": ["submit", "None"]}),
    "nobody": hostile(never(), {"roles": ["admin"]}, {}),
}


@pytest.mark.parametrize(("rule", "actor", "item"), HOSTILE.values(), ids=HOSTILE)
def test_missing_or_odd_data_never_matches(rule: Rule, actor: Actor, item: Task) -> None:
    """A hostile question is denied with a reason that has a code, and no exception; its negation holds (A4)."""
    ruling = AuthorizationPolicy({"act": rule}).ruling(actor, "act", item)
    assert ruling.kind == "no"
    assert all(reason.code and reason.params["rule"] for reason in ruling.reasons)
    assert AuthorizationPolicy({"act": not_(rule)}).ruling(actor, "act", item) is GRANT
    assert not AuthorizationPolicy({"act": rule}).scope(actor, "act").matches(item)


def test_there_are_enough_hostile_questions() -> None:
    """At least 40 hostile questions are asked (A4)."""
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("action", ["", " ", "fly", "READ", "read ", "__class__", "None", "*", "read\0", "x" * 10_000])
def test_an_unknown_action_is_denied(action: str) -> None:
    """A policy without a default denies every action that it has no rule for, whatever its name (A4)."""
    for definition in DEFINITIONS.values():
        ruling = definition.authorization.ruling(Actor("root", roles=["admin"]), action, a_task())
        assert (ruling.kind, [reason.code for reason in ruling.reasons]) == ("no", ["no_rule"])


def test_an_item_in_an_unknown_status_is_refused_every_action_of_the_lifecycle() -> None:
    """`decide` and `actions` answer with a reason, not with an exception, where nobody knows the status (A4)."""
    root = Actor("root", roles=["admin"])
    ghost = a_task(status="ghost")
    listed = {one.action: one for one in TASK.actions(ghost, by=root, at=AT)}
    for action in TASK.lifecycle.actions:
        verdict = TASK.decide(ghost, action, {}, by=root, at=AT)
        assert not verdict
        assert verdict.reasons[0].code == "wrong_state"
        assert (listed[action].permitted, listed[action].reasons[0].code) == (False, "wrong_state")
    for verb in ("read", "edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct", "delete"):
        verdict = TASK.decide(ghost, verb, {}, by=root, at=AT)
        assert verdict or verdict.phase is Phase.INPUT
