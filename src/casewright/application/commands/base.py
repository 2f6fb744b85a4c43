"""What every command is: a frozen value that says what it asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

import attrs

from casewright.domain.ids import ItemId, as_item_id
from casewright.domain.items import Item, Kind, Note
from casewright.domain.json_values import EMPTY, FrozenMapping
from casewright.domain.values import as_name
from casewright.errors import InvalidInputError

__all__ = ["Ask", "Command", "ResultT_co", "given"]

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


def given(**values: object) -> FrozenMapping[Any]:
    """Return the inputs that were given: None says that one was not."""
    return FrozenMapping({name: value for name, value in values.items() if value is not None})
