"""Versions of a lifecycle: an item stays under the one it was created with, the policy is today's for all."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import (
    AuthorizationPolicy,
    Category,
    DefinitionError,
    Lifecycle,
    TaskDefinition,
    Transition,
    always,
    guard,
    has_role,
    text,
)
from casewright.testing.builders import a_task
from support import naive
from support.verdicts import ANN, EVERYONE, LATER, after, change_of, codes

NEVER = guard(lambda *_: False, code="not_now", text="t")

V1 = Lifecycle(
    states={"new": Category.OPEN, "done": Category.DONE},
    initial="new",
    transitions=[Transition("finish", "new", "done"), Transition("drop", "new", "done")],
)
V2 = Lifecycle(
    states={"new": Category.OPEN, "checked": Category.ACTIVE, "done": Category.DONE},
    initial="new",
    transitions=[
        Transition("check", "new", "checked"),
        Transition("finish", "checked", "done", inputs=[text("by whom")], guards=[NEVER]),
    ],
    version=2,
)
BOTH = TaskDefinition("plain", lifecycle=V2, earlier=[V1], authorization=EVERYONE)
OLD = a_task(definition=attrs.evolve(BOTH, lifecycle=V1, earlier=()))
NEW = a_task(definition=BOTH)


def listed(definition: Any, item: Any) -> dict[str, bool]:
    """Return which actions of the lifecycle are permitted."""
    verdicts = definition.actions(item, by=ANN, at=LATER)
    return {verdict.action: verdict.permitted for verdict in verdicts if verdict.action not in naive.VERB_INPUTS}


def test_a_new_item_is_pinned_to_the_current_lifecycle() -> None:
    """`create` uses the current lifecycle, and item and event carry its version."""
    change = change_of(BOTH.create("t-1", by=ANN, at=LATER, title="T"))
    assert (change.after.lifecycle_version, change.event.lifecycle_version) == (2, 2)
    assert {("input", "input_not_a_choice")} == codes(BOTH.create("t-1", by=ANN, at=LATER, title="T", status="gone"))


def test_an_item_is_decided_by_the_lifecycle_it_is_pinned_to() -> None:
    """`decide` and `actions` use the pinned lifecycle with its transitions, inputs and guards, and keep the pin."""
    assert listed(BOTH, OLD) == {"finish": True, "drop": True}
    assert listed(BOTH, NEW) == {"check": True, "finish": False}
    done = after(BOTH.decide(OLD, "finish", by=ANN, at=LATER))
    assert (done.status, done.lifecycle_version) == ("done", 1)
    checked = after(BOTH.decide(NEW, "check", by=ANN, at=LATER))
    assert codes(BOTH.decide(checked, "finish", {"by whom": "me"}, by=ANN, at=LATER)) == {("guard", "not_now")}
    assert codes(BOTH.decide(OLD, "check", by=ANN, at=LATER)) == {("state", "unknown_action")}
    assert codes(BOTH.decide(NEW, "drop", by=ANN, at=LATER)) == {("state", "unknown_action")}


def test_correct_leads_to_statuses_of_the_pinned_lifecycle() -> None:
    """An old item is corrected within its own lifecycle only."""
    to_checked = {"status": "checked", "reason": "r"}
    assert codes(BOTH.decide(OLD, "correct", to_checked, by=ANN, at=LATER)) == {("input", "input_not_a_choice")}
    assert after(BOTH.decide(NEW, "correct", to_checked, by=ANN, at=LATER)).status == "checked"


def test_the_policy_is_todays_for_every_version() -> None:
    """A hole that is closed in the policy is closed for items in flight, whatever version they are pinned to."""
    strict = BOTH.with_rules({"finish": has_role("boss"), "drop": has_role("boss")})
    for action in ("finish", "drop"):
        assert codes(strict.decide(OLD, action, by=ANN, at=LATER)) == {("permission", "role_missing")}


def test_the_guards_of_a_definition_hold_for_every_version() -> None:
    """`guards=` of the definition reach old items; the guards of a transition only its own lifecycle's."""
    guarded = BOTH.with_guards({"finish": guard(lambda *_: False, code="frozen", text="t"), "edit": NEVER})
    assert codes(guarded.decide(OLD, "finish", by=ANN, at=LATER)) == {("guard", "frozen")}
    assert codes(guarded.decide(OLD, "edit", {"title": "T"}, by=ANN, at=LATER)) == {("guard", "not_now")}


def test_policy_and_guards_are_proven_against_all_versions() -> None:
    """An action that only an earlier lifecycle has needs a rule, and may have one, a guard and be published (E4)."""
    rules = {action: always() for action in ("create", "read", "check", "finish")}
    with pytest.raises(DefinitionError, match="no rule says who may drop"):
        attrs.evolve(BOTH, authorization=AuthorizationPolicy(rules))
    with_drop = AuthorizationPolicy({**rules, "drop": always()})
    definition = attrs.evolve(BOTH, authorization=with_drop, guards={"drop": NEVER}, published={"drop"})
    assert codes(definition.decide(OLD, "drop", by=ANN, at=LATER)) == {("guard", "not_now")}
    with pytest.raises(DefinitionError, match="there is no action 'drop'"):
        attrs.evolve(definition, earlier=())


def test_with_transitions_under_a_new_version_keeps_the_old_one() -> None:
    """A definition that grows under a new version still decides the items that are pinned to the present one."""
    wider = BOTH.with_transitions(Transition("skip", "new", "done"), version=3)
    assert [one.version for one in (wider.lifecycle, *wider.earlier)] == [3, 2, 1]
    assert listed(wider, NEW) == {"check": True, "finish": False}
    assert listed(wider, OLD) == {"finish": True, "drop": True}
    created = after(wider.create("t-9", by=ANN, at=LATER, title="T"))
    assert created.lifecycle_version == 3
    assert listed(wider, created) == {"check": True, "finish": False, "skip": True}
    same = BOTH.with_transitions(Transition("skip", "new", "done"))
    assert [one.version for one in (same.lifecycle, *same.earlier)] == [2, 1]
    assert listed(same, NEW)["skip"]
