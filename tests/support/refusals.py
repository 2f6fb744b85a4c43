"""For each reason code of the domain a refusal that gives it: a new code needs a new row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import attrs

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AuthorizationPolicy,
    Category,
    Refused,
    Rule,
    Transition,
    all_of,
    always,
    any_of,
    choice,
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
    predicate,
    same,
)
from support.values import AT, a_case, a_task

ROOT = Actor("root", roles=["admin"])


def refused_by_rule(rule: Rule) -> Callable[[], object]:
    """Return a question that only this rule can refuse."""
    definition = TASK.with_rules({"read": always(), "start": rule})
    return lambda: definition.decide(a_task(), "start", by=Actor("eve"), at=AT)


def ask(action: str, inputs: Mapping[str, object] | None = None, **fields: Any) -> Callable[[], object]:
    """Return a question of the administrator about a task with these fields."""
    return lambda: TASK.decide(a_task(**fields), action, inputs, by=ROOT, at=AT)


def guarded(function: Callable[..., Any], facts: tuple[str, ...] = ()) -> Callable[[], object]:
    """Return a question that only this guard can refuse."""
    definition = TASK.with_guards({"start": guard(function, code="tired", text="sleep first", facts=facts)})
    return lambda: definition.decide(a_task(), "start", by=ROOT, at=AT)


def with_choice() -> object:
    """Choose what is no choice."""
    step = Transition("paint", "todo", "done", inputs=[choice("colour", ["red", "blue"])])
    definition = TASK.with_transitions(step, rules={"paint": always()})
    return definition.decide(a_task(), "paint", {"colour": "green"}, by=ROOT, at=AT)


def reopened_in_a_closed_case() -> object:
    """Reopen a task whose case is closed."""
    task = a_task(status="done", category=Category.DONE, case_id="c")
    return TASK.decide(task, "reopen", by=ROOT, at=AT, parent=a_case(id="c", status="CLOSED", category=Category.DONE))


def closed_with_open_tasks() -> object:
    """Correct a case with open tasks into a closed status."""
    return REGULATORY_CASE.decide(a_case(open_tasks=2), "correct", {"status": "CLOSED", "reason": "x"}, by=ROOT, at=AT)


REFUSALS: Final[dict[str, Callable[[], object]]] = {
    "no_rule": lambda: TASK.decide(a_task(), "fly", by=ROOT, at=AT),
    "not_visible": lambda: TASK.decide(a_task(), "start", by=Actor("eve"), at=AT),
    "role_missing": refused_by_rule(has_role("clerk", "judge")),
    "not_creator": refused_by_rule(is_creator()),
    "not_assignee": refused_by_rule(is_assignee()),
    "not_performer": refused_by_rule(performed("start")),
    "not_in_status": refused_by_rule(in_status("done")),
    "not_in_category": refused_by_rule(in_category(Category.DONE)),
    "not_same": refused_by_rule(same("unit", "unit")),
    "never": refused_by_rule(never()),
    "negated": refused_by_rule(not_(always())),
    "forbidden": refused_by_rule(all_of(always(), forbid(in_status("todo")))),
    "not_granted": refused_by_rule(any_of(is_creator(), is_assignee())),
    "rule_error": refused_by_rule(lambda actor, item: cast("Any", None)),
    "own": refused_by_rule(predicate(lambda actor, item: False, code="own", text="must be ours")),
    "wrong_state": ask("start", status="done", category=Category.DONE),
    "unknown_action": lambda: attrs.evolve(TASK, authorization=AuthorizationPolicy({}, default=always())).decide(
        a_task(), "fly", by=ROOT, at=AT
    ),
    "already_assigned": ask("claim", assignee_id="bob"),
    "deleted": ask("start", deleted_at=AT),
    "input_missing": ask("assign"),
    "input_blank": ask("edit", {"title": " "}),
    "input_unknown": ask("start", {"colour": "red"}),
    "input_not_a_choice": with_choice,
    "tired": guarded(lambda *arguments: False),
    "guard_error": guarded(lambda *arguments: None),
    "fact_missing": guarded(lambda *arguments: True, facts=("load",)),
    "open_tasks": closed_with_open_tasks,
    "case_closed": reopened_in_a_closed_case,
}


def refusal(code: str) -> Refused:
    """Return the refusal that gives this code."""
    verdict = REFUSALS[code]()
    assert isinstance(verdict, Refused)
    return verdict
