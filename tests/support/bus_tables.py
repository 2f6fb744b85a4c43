"""What the catalog's `TASK` and `REGULATORY_CASE` say, and what each command asks for, as literal tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["CLOSED", "COMMANDS", "PRIORITIES", "TABLES", "TAKES", "VERBS"]

CLOSED: Final = ("done", "cancelled")

ANY: Final = ("anyone",)
WORKER: Final = ("creator", "assignee", "admin")
CREATOR: Final = ("creator", "admin")
READER: Final = ("case_writer", "reviewer", "admin")
WRITER: Final = ("case_writer", "admin")
DRAFTER: Final = ("writer of a draft", "admin")
REVIEWER: Final = ("reviewer", "admin")
ADMIN: Final = ("admin",)

# What inputs may be: a kind, "?" where one may be left out, "~" where None is a value.
TAKES: Final[Mapping[str, Mapping[str, str]]] = {
    "edit": {"title": "text?", "description": "text?~", "priority": "priority?~", "attributes": "mapping?"},
    "assign": {"assignee_id": "text"},
    "set_due": {"due_at": "instant~"},
    "tag": {"add": "names?", "remove": "names?"},
    "add_note": {"body": "text", "note_id": "text?"},
    "correct": {"status": "status", "reason": "text"},
    "block": {"reason": "text"},
    "cancel": {"reason": "text?"},
    "start_review": {"reviewer_id": "text"},
    "escalate": {"reason": "text"},
    "close": {"reason": "text"},
    "create": {
        **{"title": "text", "description": "text?", "priority": "priority?", "assignee_id": "text?"},
        **{"due_at": "instant?", "tags": "names?", "attributes": "mapping?", "status": "status?", "reason": "text?"},
    },
}
PRIORITIES: Final = ("low", "medium", "high", "urgent")
VERBS: Final = ("edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct", "delete")


@dataclass(frozen=True)
class Table:
    """A definition: its statuses, where its actions lead, and the words of whom it lets do what."""

    kind: str
    initial: str
    states: Mapping[str, str]
    moves: Mapping[str, tuple[tuple[str, ...], str]]
    rights: Mapping[str, tuple[str, ...]]


TABLES: Final[Mapping[str, Table]] = {
    "task": Table(
        "task",
        "todo",
        {"todo": "open", "in_progress": "active", "blocked": "waiting", "done": "done", "cancelled": "cancelled"},
        {
            "start": (("todo",), "in_progress"),
            "complete": (("todo", "in_progress"), "done"),
            "block": (("in_progress",), "blocked"),
            "unblock": (("blocked",), "in_progress"),
            "cancel": (("todo", "in_progress", "blocked"), "cancelled"),
            "reopen": (("done", "cancelled"), "todo"),
        },
        {
            "create": ANY,
            **dict.fromkeys(("read", "edit", "set_due", "tag", "add_note", "release"), WORKER),
            **dict.fromkeys(("start", "complete", "block", "unblock"), WORKER),
            **dict.fromkeys(("assign", "claim", "delete", "cancel", "reopen"), CREATOR),
            "correct": ADMIN,
        },
    ),
    "regulatory_case": Table(
        "case",
        "DRAFT",
        {"DRAFT": "draft", "SUBMITTED": "open", "UNDER_REVIEW": "active", "ESCALATED": "active", "CLOSED": "done"},
        {
            "submit": (("DRAFT",), "SUBMITTED"),
            "start_review": (("SUBMITTED",), "UNDER_REVIEW"),
            "escalate": (("UNDER_REVIEW",), "ESCALATED"),
            "close": (("UNDER_REVIEW", "ESCALATED"), "CLOSED"),
        },
        {
            **dict.fromkeys(("create", "submit"), WRITER),
            **dict.fromkeys(("read", "add_note"), READER),
            **dict.fromkeys(("edit", "set_due", "tag"), DRAFTER),
            **dict.fromkeys(("start_review", "escalate", "close", "assign", "claim", "release"), REVIEWER),
            **dict.fromkeys(("correct", "delete"), ADMIN),
        },
    ),
}

COMMANDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "CreateTask": ("create", "task"),
    "StartTask": ("start", "task"),
    "BlockTask": ("block", "task"),
    "UnblockTask": ("unblock", "task"),
    "CompleteTask": ("complete", "task"),
    "CancelTask": ("cancel", "task"),
    "ReopenTask": ("reopen", "task"),
    "OpenCase": ("create", "case"),
    "SubmitCase": ("submit", "case"),
    "StartReview": ("start_review", "case"),
    "EscalateCase": ("escalate", "case"),
    "CloseCase": ("close", "case"),
    **{
        name: (action, None)
        for name, action in {"Edit": "edit", "SetDue": "set_due", "AddNote": "add_note", "Tag": "tag"}.items()
    },
    **{name: (name.lower(), None) for name in ("Assign", "Claim", "Release", "Correct", "Delete")},
}
"""What each command asks for, and of which kind of item."""
