"""The page of reason codes: each code can really be had, with the parameters that the page names."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    Category,
    CommandBus,
    CreateTask,
    Permitted,
    Reason,
    Refused,
    RefusedError,
    Rule,
    all_of,
    always,
    any_of,
    forbid,
    guard,
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
from casewright.adapters.memory import MemoryStore
from casewright.interchange.conformance import replay_cases
from casewright.interchange.event_log import LogRow
from casewright.testing.builders import a_case, a_task

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN = Actor("ann")
BOB = Actor("bob")
REVIEWER = Actor("rita", roles=["reviewer"])
ADMIN = Actor("root", roles=["admin"])
IN_CASE = a_task(case_id="case-1", status="done")


def of_rule(rule: Rule) -> tuple[Reason, ...]:
    """Return why the rule does not let bob do it."""
    return rule(BOB, a_task()).reasons


def refused(verdict: Permitted[Any] | Refused) -> tuple[Reason, ...]:
    """Return the reasons of a refusal."""
    assert isinstance(verdict, Refused)
    return verdict.reasons


def of_task(
    action: str, inputs: dict[str, object] | None = None, *, by: Actor = ANN, **fields: Any
) -> tuple[Reason, ...]:
    """Return why a task with these fields refuses the action."""
    return refused(TASK.decide(a_task(**fields), action, inputs, by=by, at=AT))


def of_case(action: str, inputs: dict[str, object] | None = None, **fields: Any) -> tuple[Reason, ...]:
    """Return why a case with these fields refuses the action to a reviewer."""
    return refused(REGULATORY_CASE.decide(a_case(**fields), action, inputs, by=REVIEWER, at=AT))


def of_guard(function: Callable[..., Any], **options: Any) -> tuple[Reason, ...]:
    """Return why a guard of ours refuses the start of a task."""
    stricter = TASK.with_guards({"start": guard(function, code="own", text="our own", **options)})
    return refused(stricter.decide(a_task(), "start", by=ANN, at=AT))


def fails(*_: object) -> Any:
    """Fail, as any function may."""
    raise KeyError


def unruled() -> tuple[Reason, ...]:
    """Return why an action without a rule is denied."""
    return AuthorizationPolicy({}).ruling(ANN, "start", a_task()).reasons


def replayed() -> tuple[Reason, ...]:
    """Return why a logged change that no action makes is refused."""
    first = LogRow(number=2, case_id=a_case().id, status="DRAFT", at=AT, actor=ADMIN)
    (case,) = replay_cases(REGULATORY_CASE, [first, attrs.evolve(first, number=3, status="CLOSED")])
    return case.judgements[-1].reasons


def left_alone() -> tuple[Reason, ...]:
    """Return why a command is not done whose companion was refused."""
    bus = CommandBus(MemoryStore(), [TASK])
    fine, _ = bus.execute_many([CreateTask("Water the plants"), CreateTask(" ")], by=ANN, all_or_nothing=True)
    assert isinstance(fine, RefusedError)
    return fine.reasons


def parent(**fields: Any) -> Case:
    """Return the case of the task."""
    return a_case(id="case-1", **fields)


CAUSES: dict[str, Callable[[], tuple[Reason, ...]]] = {
    "not_visible": lambda: of_task("start", by=BOB),
    "no_rule": unruled,
    "role_missing": lambda: of_rule(has_role("clerk")),
    "not_creator": lambda: of_rule(is_creator()),
    "not_assignee": lambda: of_rule(is_assignee()),
    "not_performer": lambda: of_rule(performed("start")),
    "not_in_status": lambda: of_rule(in_status("done")),
    "not_in_category": lambda: of_rule(in_category(Category.DONE)),
    "not_same": lambda: of_rule(same("unit", "unit")),
    "never": lambda: of_rule(never()),
    "forbidden": lambda: of_rule(all_of(always(), forbid(always()))),
    "negated": lambda: of_rule(not_(always())),
    "not_granted": lambda: of_rule(any_of(is_creator(), is_assignee())),
    "rule_error": lambda: of_rule(any_of(fails, always())),
    "wrong_state": lambda: of_task("unblock"),
    "unknown_action": lambda: refused(
        attrs.evolve(TASK, authorization=AuthorizationPolicy({}, default=always())).decide(
            a_task(), "vanish", by=ANN, at=AT
        )
    ),
    "already_assigned": lambda: of_task("claim", assignee_id="bob"),
    "deleted": lambda: of_task("start", deleted_at=AT),
    "no_action": replayed,
    "input_missing": lambda: of_task("block", status="in_progress"),
    "input_blank": lambda: of_task("block", {"reason": " "}, status="in_progress"),
    "input_not_a_choice": lambda: of_task("edit", {"priority": "huge"}),
    "input_unknown": lambda: of_task("start", {"speed": 1}),
    "open_tasks": lambda: of_case("close", {"reason": "fine"}, status="UNDER_REVIEW", open_tasks=2),
    "case_closed": lambda: refused(TASK.decide(IN_CASE, "reopen", by=ANN, at=AT, parent=parent(status="CLOSED"))),
    "fact_missing": lambda: of_guard(lambda *_: True, facts=["weather"]),
    "guard_error": lambda: of_guard(fails),
    "not_together": left_alone,
}


def rows() -> dict[str, set[str]]:
    """Return the codes on the page, each with the names in its last column."""
    found = re.findall(r"^\| `(\w+)` \|.*\| ?([^|]*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code: set(re.findall(r"`(\w+)`", last)) - {"any_of"} for code, last in found}


def test_each_code_has_a_cause_here() -> None:
    """There is a cause for each code on the page, and none for another code."""
    assert rows().keys() == CAUSES.keys()


@pytest.mark.parametrize("code", CAUSES)
def test_each_code_can_be_had_with_its_parameters(code: str) -> None:
    """Each code on the page is that of a reason that is given, with just the parameters that the page names (A7)."""
    given = [reason for reason in CAUSES[code]() if reason.code == code]
    assert [set(reason.params) for reason in given] == [rows()[code]]
