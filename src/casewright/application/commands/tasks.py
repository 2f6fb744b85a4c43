"""Commands on tasks: the actions of the catalog's task. Other lifecycles are served by `Perform`."""

from __future__ import annotations

from datetime import datetime

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import Ask, Command, given
from casewright.domain.ids import ItemId
from casewright.domain.items import Task
from casewright.domain.json_values import FrozenMapping, JsonValue

__all__ = ["BlockTask", "CancelTask", "CompleteTask", "CreateTask", "ReopenTask", "StartTask", "UnblockTask"]


@attrs.frozen
class CreateTask(Command[Task]):
    """Create a task.

    Args:
        title: Its title.
        id: Its id, never used before; the bus makes one where None.
        definition: The name of its definition; where None, the first one of tasks that the bus has.
        case_id: The case it is to belong to, for ever; needs the right to read it. None for none.
        status: Where it starts; the first initial status where None. One that is not initial needs a reason, and the
            right to ``correct``.
        reason: Why it starts there.
        description: Longer text, or None.
        priority: Or None where undefined.
        assignee_id: Who has it; needs the right to ``assign``. None for nobody.
        due_at: When it is due (aware), or None.
        tags: Any; each is kept once.
        attributes: The team's own data, as JSON values.
    """

    title: str | None = attrs.field(default=None, converter=values.title)
    id: ItemId | None = attrs.field(default=None, converter=values.new_id, kw_only=True)
    definition: str | None = attrs.field(default=None, converter=values.definition, kw_only=True)
    case_id: ItemId | None = attrs.field(default=None, converter=values.case_id, kw_only=True)
    status: str | None = attrs.field(default=None, converter=values.status, kw_only=True)
    reason: str | None = attrs.field(default=None, converter=values.reason, kw_only=True)
    description: str | None = attrs.field(default=None, converter=values.description, kw_only=True)
    priority: str | None = attrs.field(default=None, converter=values.priority, kw_only=True)
    assignee_id: str | None = attrs.field(default=None, converter=values.assignee_id, kw_only=True)
    due_at: datetime | str | None = attrs.field(default=None, converter=values.due_at, kw_only=True)
    tags: tuple[str, ...] = attrs.field(default=(), converter=values.tags, kw_only=True)
    attributes: FrozenMapping[JsonValue] | None = attrs.field(default=None, converter=values.attributes, kw_only=True)

    def ask(self) -> Ask:
        """Return what it asks for."""
        inputs = given(
            title=self.title,
            status=self.status,
            reason=self.reason,
            description=self.description,
            priority=self.priority,
            assignee_id=self.assignee_id,
            due_at=self.due_at,
            tags=self.tags or None,
            attributes=self.attributes,
        )
        return Ask("create", self.id, inputs, kind="task", definition=self.definition, case_id=self.case_id)


@attrs.frozen
class StartTask(Command[Task]):
    """Start work on a task.

    Args:
        item_id: The task.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("start", self.item_id, kind="task")


@attrs.frozen
class BlockTask(Command[Task]):
    """Say that a task cannot go on.

    Args:
        item_id: The task.
        reason: Why.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    reason: str | None = attrs.field(default=None, converter=values.reason)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("block", self.item_id, given(reason=self.reason), kind="task")


@attrs.frozen
class UnblockTask(Command[Task]):
    """Say that a task can go on.

    Args:
        item_id: The task.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("unblock", self.item_id, kind="task")


@attrs.frozen
class CompleteTask(Command[Task]):
    """Finish a task.

    Args:
        item_id: The task.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("complete", self.item_id, kind="task")


@attrs.frozen
class CancelTask(Command[Task]):
    """Give a task up.

    Args:
        item_id: The task.
        reason: Why.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    reason: str | None = attrs.field(default=None, converter=values.reason)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("cancel", self.item_id, given(reason=self.reason), kind="task")


@attrs.frozen
class ReopenTask(Command[Task]):
    """Open a task again that was finished or given up.

    Args:
        item_id: The task.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("reopen", self.item_id, kind="task")
