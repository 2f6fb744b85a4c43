"""Two task definitions: `TASK` with blocking and reopening, `SIMPLE_TASK` without."""

from __future__ import annotations

from typing import Final

from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.combinators import any_of
from casewright.domain.definitions import TaskDefinition
from casewright.domain.inputs import text
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.ready_rules import always, has_role, is_assignee, is_creator
from casewright.domain.rulings import Rule
from casewright.domain.transitions import Transition
from casewright.domain.values import Category

__all__ = ["SIMPLE_TASK", "TASK"]

_admin = has_role("admin")
_worker = any_of(is_creator(), is_assignee(), _admin)
_creator = any_of(is_creator(), _admin)

_VERB_RULES: Final[dict[str, Rule]] = {
    "create": always(),
    "read": _worker,
    "edit": _worker,
    "set_due": _worker,
    "tag": _worker,
    "add_note": _worker,
    "release": _worker,
    "assign": _creator,
    "claim": _creator,
    "delete": _creator,
    "correct": _admin,
}

TASK: Final = TaskDefinition(
    "task",
    lifecycle=Lifecycle(
        states={
            "todo": Category.OPEN,
            "in_progress": Category.ACTIVE,
            "blocked": Category.WAITING,
            "done": Category.DONE,
            "cancelled": Category.CANCELLED,
        },
        initial="todo",
        transitions=(
            Transition("start", "todo", "in_progress", event="started"),
            Transition("complete", ("todo", "in_progress"), "done", event="completed"),
            Transition("block", "in_progress", "blocked", inputs=[text("reason")], event="blocked"),
            Transition("unblock", "blocked", "in_progress", event="unblocked"),
            Transition(
                "cancel",
                ("todo", "in_progress", "blocked"),
                "cancelled",
                inputs=[text("reason", optional=True)],
                event="cancelled",
            ),
            Transition("reopen", ("done", "cancelled"), "todo", event="reopened"),
        ),
    ),
    authorization=AuthorizationPolicy(
        {
            **_VERB_RULES,
            "start": _worker,
            "complete": _worker,
            "block": _worker,
            "unblock": _worker,
            "cancel": _creator,
            "reopen": _creator,
        }
    ),
)
"""A task that can be blocked and reopened."""

SIMPLE_TASK: Final = TaskDefinition(
    "simple_task",
    lifecycle=Lifecycle(
        states={
            "pending": Category.OPEN,
            "in_progress": Category.ACTIVE,
            "completed": Category.DONE,
            "cancelled": Category.CANCELLED,
        },
        initial="pending",
        transitions=(
            Transition("start", "pending", "in_progress", event="started"),
            Transition("complete", ("pending", "in_progress"), "completed", event="completed"),
            Transition("cancel", ("pending", "in_progress"), "cancelled", event="cancelled"),
        ),
    ),
    authorization=AuthorizationPolicy({**_VERB_RULES, "start": _worker, "complete": _worker, "cancel": _creator}),
)
"""A task with the fewest statuses that do."""
