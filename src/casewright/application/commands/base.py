"""What every command is: a frozen value that says what it asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, cast

import attrs

from casewright.application.commands import values
from casewright.domain.ids import ItemId, as_item_id
from casewright.domain.items import Item, Kind, Note
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue
from casewright.domain.values import as_name
from casewright.errors import InvalidInputError

__all__ = ["Ask", "Command", "ItemCommand", "NewItem", "ResultT_co", "given"]

ResultT_co = TypeVar("ResultT_co", covariant=True)


def _action(value: str) -> str:
    return as_name(value, "action")


def _item_id(value: str | None) -> ItemId | None:
    return None if value is None else as_item_id(value)


def _inputs(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("inputs", f"must be a mapping, not {type(value).__name__}", "map names to values")
    for name in value:
        as_name(name, "inputs")
    return value


def _kind(value: Kind | None) -> Kind | None:
    if value is not None and not (isinstance(value, str) and value in {"task", "case"}):
        raise InvalidInputError("kind", "is no kind of item", "use task or case, or None for either")
    return value


def _definition(value: str | None) -> str | None:
    return None if value is None else as_name(value, "definition")


@attrs.frozen
class Ask:
    """What a command asks for: one action, on one item, with these inputs.

    Attributes:
        action: An action of the item's lifecycle, a verb, or ``create``.
        item_id: The item; None where a new one is to be given an id.
        inputs: What the action is given; of ``create`` the fields of the new item.
        kind: What the item must be; None for either.
        definition: The definition of a new item; None for the first one of its kind.
        case_id: The case that a new task is to belong to.

    Raises:
        InvalidInputError: A value is of a wrong type, or no name or id (S1, S2).
    """

    action: str = attrs.field(converter=_action)
    item_id: ItemId | None = attrs.field(converter=_item_id)
    inputs: Mapping[str, Any] = attrs.field(default=EMPTY, converter=_inputs)
    kind: Kind | None = attrs.field(default=None, converter=_kind, kw_only=True)
    definition: str | None = attrs.field(default=None, converter=_definition, kw_only=True)
    case_id: ItemId | None = attrs.field(default=None, converter=_item_id, kw_only=True)


class Command(ABC, Generic[ResultT_co]):
    """Something that can be asked of a bus. Derive a frozen attrs class from ``Command[what the bus answers with]``."""

    __slots__ = ()

    @abstractmethod
    def ask(self) -> Ask:
        """Return what it asks for. Pure: the same command always asks for the same."""

    def result(self, item: Item, notes: tuple[Note, ...]) -> ResultT_co:
        """Return what the bus answers with: the item, unless the command says otherwise.

        Args:
            item: The item after the command.
            notes: The notes that it added.
        """
        return cast("ResultT_co", item)


@attrs.frozen
class ItemCommand(Command[ResultT_co]):
    """A command that asks for one action on one item; its other fields are the inputs.

    Args:
        item_id: The item.
    """

    action: ClassVar[str]
    kind: ClassVar[Kind | None] = None

    item_id: ItemId = attrs.field(converter=values.item_id)

    def ask(self) -> Ask:
        """Return what it asks for: its action, with what was given."""
        return Ask(self.action, self.item_id, given(self, but=("item_id",)), kind=self.kind)


@attrs.frozen
class NewItem(Command[ResultT_co]):
    """A command that creates an item.

    Args:
        title: Its title.
        id: Its id, never used before; the bus makes one where None.
        definition: The name of its definition; where None, the first one of its kind that the bus has.
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

    kind: ClassVar[Kind]

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
        """Return what it asks for: a new item, with what was given."""
        inputs = given(self, but=("id", "definition", "case_id"))
        return Ask("create", self.id, inputs, kind=self.kind, definition=self.definition)


def given(command: Command[Any], *, but: tuple[str, ...]) -> FrozenMapping[Any]:
    """Return the fields of a command that were given, those but that are no inputs: one at its default was not."""
    fields = _inputs_of(type(command), but)
    values = ((name, default, getattr(command, name)) for name, default in fields)
    return FrozenMapping({name: value for name, default, value in values if value is not default and value != ()})


@cache
def _inputs_of(cls: type[Command[Any]], but: tuple[str, ...]) -> tuple[tuple[str, object], ...]:
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
    return tuple([(field.name, field.default) for field in fields if field.name not in but])
