"""Commands on tasks: the actions of the catalog's task. Other lifecycles are served by `Perform`."""

from __future__ import annotations

from typing import ClassVar

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import Ask, ItemCommand, NewItem
from casewright.domain.ids import ItemId
from casewright.domain.items import Kind, Task

__all__ = [
    "BlockTask",
    "CancelTask",
    "CompleteTask",
    "CreateTask",
    "ReopenTask",
    "StartTask",
    "TaskCommand",
    "UnblockTask",
]


@attrs.frozen
class TaskCommand(ItemCommand[Task]):
    """A command on a task; one on an item of the other kind is a NotFoundError."""

    kind: ClassVar[Kind | None] = "task"


@attrs.frozen
class CreateTask(NewItem[Task]):
    """Create a task. It takes what every new item takes: a title, and by keyword all the rest; see `NewItem`.

    Args:
        case_id: The case it is to belong to, for ever; needs the right to read it. None for none.
    """

    kind: ClassVar[Kind] = "task"

    case_id: ItemId | None = attrs.field(default=None, converter=values.case_id, kw_only=True)

    def ask(self) -> Ask:
        """Return what it asks for: a new task, in its case."""
        return attrs.evolve(super().ask(), case_id=self.case_id)


@attrs.frozen
class StartTask(TaskCommand):
    """Start work on a task.

    Args:
        item_id: The task.
    """

    action = "start"


@attrs.frozen
class BlockTask(TaskCommand):
    """Say that a task cannot go on.

    Args:
        item_id: The task.
        reason: Why.
    """

    action = "block"

    reason: str | None = attrs.field(default=None, converter=values.reason)


@attrs.frozen
class UnblockTask(TaskCommand):
    """Say that a task can go on.

    Args:
        item_id: The task.
    """

    action = "unblock"


@attrs.frozen
class CompleteTask(TaskCommand):
    """Finish a task.

    Args:
        item_id: The task.
    """

    action = "complete"


@attrs.frozen
class CancelTask(TaskCommand):
    """Give a task up.

    Args:
        item_id: The task.
        reason: Why.
    """

    action = "cancel"

    reason: str | None = attrs.field(default=None, converter=values.reason)


@attrs.frozen
class ReopenTask(TaskCommand):
    """Open a task again that was finished or given up.

    Args:
        item_id: The task.
    """

    action = "reopen"
