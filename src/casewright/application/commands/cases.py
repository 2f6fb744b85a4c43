"""Commands on cases: the actions of the catalog's regulatory case. Other lifecycles are served by `Perform`."""

from __future__ import annotations

from datetime import datetime

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import Ask, Command, given
from casewright.domain.ids import ItemId
from casewright.domain.items import Case
from casewright.domain.json_values import FrozenMapping, JsonValue

__all__ = ["CloseCase", "EscalateCase", "OpenCase", "StartReview", "SubmitCase"]


@attrs.frozen
class OpenCase(Command[Case]):
    """Open a case.

    Args:
        title: Its title.
        id: Its id, never used before; the bus makes one where None.
        definition: The name of its definition; where None, the first one of cases that the bus has.
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
        return Ask("create", self.id, inputs, kind="case", definition=self.definition)


@attrs.frozen
class SubmitCase(Command[Case]):
    """Hand a case in for review.

    Args:
        item_id: The case.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("submit", self.item_id, kind="case")


@attrs.frozen
class StartReview(Command[Case]):
    """Begin the review of a case.

    Args:
        item_id: The case.
        reviewer_id: Who is to review it; the case is assigned to them.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    reviewer_id: str | None = attrs.field(default=None, converter=values.reviewer_id)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("start_review", self.item_id, given(reviewer_id=self.reviewer_id), kind="case")


@attrs.frozen
class EscalateCase(Command[Case]):
    """Hand a case on to those who decide the hard ones.

    Args:
        item_id: The case.
        reason: Why.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    reason: str | None = attrs.field(default=None, converter=values.reason)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("escalate", self.item_id, given(reason=self.reason), kind="case")


@attrs.frozen
class CloseCase(Command[Case]):
    """Close a case.

    Args:
        item_id: The case.
        reason: Why.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    reason: str | None = attrs.field(default=None, converter=values.reason)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("close", self.item_id, given(reason=self.reason), kind="case")
