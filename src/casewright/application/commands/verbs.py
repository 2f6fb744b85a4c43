"""Commands on either kind of item: the verbs that every definition has, and `Perform` for any action at all."""

from __future__ import annotations

from datetime import datetime

import attrs

from casewright.application.commands import values
from casewright.application.commands.base import Ask, Command, ItemCommand
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Note
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue
from casewright.domain.values import UNSET, Unset

__all__ = ["AddNote", "Assign", "Claim", "Correct", "Delete", "Edit", "Perform", "Release", "SetDue", "Tag"]


@attrs.frozen
class Edit(ItemCommand[Item]):
    """Change what an item says: what is left out stays as it is.

    Args:
        item_id: The item.
        title: Its title.
        description: Longer text; None clears it.
        priority: None clears it.
        attributes: Merged into the present ones by key; a value of None removes the key.
    """

    action = "edit"

    title: str | Unset = attrs.field(default=UNSET, converter=values.edited_title, kw_only=True)
    description: str | Unset | None = attrs.field(default=UNSET, converter=values.edited_description, kw_only=True)
    priority: str | Unset | None = attrs.field(default=UNSET, converter=values.edited_priority, kw_only=True)
    attributes: FrozenMapping[JsonValue] | Unset = attrs.field(
        default=UNSET, converter=values.edited_attributes, kw_only=True
    )


@attrs.frozen
class Assign(ItemCommand[Item]):
    """Give an item to someone.

    Args:
        item_id: The item.
        assignee_id: To whom.
    """

    action = "assign"

    assignee_id: str | None = attrs.field(default=None, converter=values.assignee_id)


@attrs.frozen
class Claim(ItemCommand[Item]):
    """Take an item that nobody has.

    Args:
        item_id: The item.
    """

    action = "claim"


@attrs.frozen
class Release(ItemCommand[Item]):
    """Give an item back, so that nobody has it.

    Args:
        item_id: The item.
    """

    action = "release"


@attrs.frozen
class SetDue(ItemCommand[Item]):
    """Say when an item is due.

    Args:
        item_id: The item.
        due_at: When (aware); None for no due date.
    """

    action = "set_due"

    due_at: datetime | str | Unset | None = attrs.field(default=UNSET, converter=values.new_due_at)


@attrs.frozen
class Tag(ItemCommand[Item]):
    """Add tags to an item, and remove others.

    Args:
        item_id: The item.
        add: Tags that it is to have.
        remove: Tags that it is not to have.
    """

    action = "tag"

    add: tuple[str, ...] = attrs.field(default=(), converter=values.added_tags, kw_only=True)
    remove: tuple[str, ...] = attrs.field(default=(), converter=values.removed_tags, kw_only=True)


@attrs.frozen
class AddNote(ItemCommand[Note]):
    """Add a remark to an item; the bus answers with the note.

    Args:
        item_id: The item.
        body: The text.
        note_id: The note's id; the bus makes one where None.
    """

    action = "add_note"

    body: str | None = attrs.field(default=None, converter=values.body)
    note_id: str | None = attrs.field(default=None, converter=values.note_id, kw_only=True)

    def result(self, item: Item, notes: tuple[Note, ...]) -> Note:
        """Return the note."""
        return notes[0]


@attrs.frozen
class Correct(ItemCommand[Item]):
    """Force an item into a status: an administrator's correction.

    Args:
        item_id: The item.
        status: The right status.
        reason: Why.
    """

    action = "correct"

    status: str | None = attrs.field(default=None, converter=values.status)
    reason: str | None = attrs.field(default=None, converter=values.reason, kw_only=True)


@attrs.frozen
class Delete(ItemCommand[Item]):
    """Delete an item: it is not read or listed any more, its history stays, its id is never used again.

    Args:
        item_id: The item.
    """

    action = "delete"


@attrs.frozen
class Perform(Command[Item]):
    """Perform any action of any lifecycle, or any verb, on an item that is there.

    Args:
        item_id: The item.
        action: The action's name.
        inputs: What it is given: JSON values, aware datetimes, or sets of names.
    """

    item_id: ItemId = attrs.field(converter=values.item_id)
    action: str = attrs.field(converter=values.action)
    inputs: FrozenMapping[JsonValue] = attrs.field(default=EMPTY, converter=values.inputs)

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask(self.action, self.item_id, self.inputs)
