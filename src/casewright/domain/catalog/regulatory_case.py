"""A case before an authority: a writer submits, a reviewer decides."""

from __future__ import annotations

from typing import Final

from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.combinators import all_of, any_of
from casewright.domain.definitions import CaseDefinition
from casewright.domain.effects import copy_input
from casewright.domain.guards import no_open_tasks
from casewright.domain.inputs import actor, text
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.ready_rules import has_role, in_category
from casewright.domain.transitions import Transition
from casewright.domain.values import Category

__all__ = ["REGULATORY_CASE"]

_writer = has_role("case_writer", "admin")
_reviewer = has_role("reviewer", "admin")
_reader = has_role("case_writer", "reviewer", "admin")
_admin = has_role("admin")
_writer_while_draft = any_of(all_of(has_role("case_writer"), in_category(Category.DRAFT)), _admin)

REGULATORY_CASE: Final = CaseDefinition(
    "regulatory_case",
    lifecycle=Lifecycle(
        states={
            "DRAFT": Category.DRAFT,
            "SUBMITTED": Category.OPEN,
            "UNDER_REVIEW": Category.ACTIVE,
            "ESCALATED": Category.ACTIVE,
            "CLOSED": Category.DONE,
        },
        initial="DRAFT",
        transitions=(
            Transition("submit", "DRAFT", "SUBMITTED", event="submitted"),
            Transition(
                "start_review",
                "SUBMITTED",
                "UNDER_REVIEW",
                inputs=[actor("reviewer_id")],
                effects=[copy_input("reviewer_id", to="assignee_id")],
                event="review_started",
            ),
            Transition("escalate", "UNDER_REVIEW", "ESCALATED", inputs=[text("reason")], event="escalated"),
            Transition(
                "close",
                ("UNDER_REVIEW", "ESCALATED"),
                "CLOSED",
                inputs=[text("reason")],
                guards=[no_open_tasks()],
                event="closed",
            ),
        ),
    ),
    authorization=AuthorizationPolicy(
        {
            "create": _writer,
            "submit": _writer,
            "read": _reader,
            "add_note": _reader,
            "edit": _writer_while_draft,
            "set_due": _writer_while_draft,
            "tag": _writer_while_draft,
            "start_review": _reviewer,
            "escalate": _reviewer,
            "close": _reviewer,
            "assign": _reviewer,
            "claim": _reviewer,
            "release": _reviewer,
            "correct": _admin,
            "delete": _admin,
        }
    ),
    guards={"correct": no_open_tasks()},
)
"""A case that cannot be closed while a task of it is open. For four eyes, see `with_rules`."""
