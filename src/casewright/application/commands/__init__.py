"""Commands: what can be asked of a bus, as frozen values. Each is a small class with one pure method, `Command.ask`.

A team's own command is one more such class; nothing has to be registered.
"""

from __future__ import annotations

from typing import Any, Final

from casewright.application.commands.base import Ask, Command
from casewright.application.commands.cases import CloseCase, EscalateCase, OpenCase, StartReview, SubmitCase
from casewright.application.commands.tasks import (
    BlockTask,
    CancelTask,
    CompleteTask,
    CreateTask,
    ReopenTask,
    StartTask,
    UnblockTask,
)
from casewright.application.commands.verbs import (
    AddNote,
    Assign,
    Claim,
    Correct,
    Delete,
    Edit,
    Perform,
    Release,
    SetDue,
    Tag,
)

__all__ = [
    "COMMANDS",
    "AddNote",
    "Ask",
    "Assign",
    "BlockTask",
    "CancelTask",
    "Claim",
    "CloseCase",
    "Command",
    "CompleteTask",
    "Correct",
    "CreateTask",
    "Delete",
    "Edit",
    "EscalateCase",
    "OpenCase",
    "Perform",
    "Release",
    "ReopenTask",
    "SetDue",
    "StartReview",
    "StartTask",
    "SubmitCase",
    "Tag",
    "UnblockTask",
]

COMMANDS: Final[tuple[type[Command[Any]], ...]] = (
    CreateTask,
    StartTask,
    BlockTask,
    UnblockTask,
    CompleteTask,
    CancelTask,
    ReopenTask,
    OpenCase,
    SubmitCase,
    StartReview,
    EscalateCase,
    CloseCase,
    Edit,
    Assign,
    Claim,
    Release,
    SetDue,
    Tag,
    AddNote,
    Correct,
    Delete,
    Perform,
)
"""Every command that the library brings."""
