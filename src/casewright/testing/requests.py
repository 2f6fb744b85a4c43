"""Requests: what a machine asks of a bus, made from numbers, so that the same numbers always ask for the same.

Needs no Hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from casewright.application import commands
from casewright.application.commands.base import Command, ItemCommand
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.inputs import INPUT_SHAPES, Input, InputKind, choice
from casewright.domain.items import Item
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.verbs import VERB_TABLE

__all__ = [
    "IDS",
    "SEEN",
    "SPOILS",
    "as_seen",
    "command_for",
    "inputs_by_action",
    "lifecycle_of",
    "new_item",
    "spoilt",
]

IDS: Final = ("\uff46", "\U0001f4cb", "B-1", "a-1", "\u00e4", "z", "10", "9")
"""Ids of items whose order by code point is not that of UTF-16, of a language or of numbers."""

_NOTE_IDS: Final = (*IDS, *(f"{item_id}?" for item_id in IDS))

SPOILS: Final = ("unknown", "missing", "none", "blank", "wrong")
"""What can be wrong with inputs: one that there is not, or one that is left out, None, blank, or of a wrong type."""

SEEN: Final = ("version", "item", "both")
"""What a caller can know of an item: its version, the item itself, or both."""

_TYPED: Final[Mapping[str, Any]] = {cls.action: cls for cls in commands.COMMANDS if issubclass(cls, ItemCommand)}


def lifecycle_of(definition: TaskDefinition | CaseDefinition, item: Item) -> Lifecycle:
    """Return the lifecycle that the item is pinned to."""
    held = (definition.lifecycle, *definition.earlier)
    return next(one for one in held if one.version == item.lifecycle_version)


def inputs_by_action(definition: TaskDefinition | CaseDefinition) -> dict[str, tuple[Input, ...]]:
    """Return what each action and verb takes; of several transitions of one name, what the last one takes.

    The id of a note is optional here, because a bus can make one; and one of a few, which may be the id of an item too.
    """
    lifecycles = (definition.lifecycle, *definition.earlier)
    statuses = dict.fromkeys(status for one in lifecycles for status in one.states)
    inputs = {name: verb.inputs_among(statuses) for name, verb in VERB_TABLE.items()}
    inputs["add_note"] = (*inputs["add_note"][:1], choice("note_id", _NOTE_IDS, optional=True))
    return inputs | {step.action: step.inputs for one in lifecycles for step in one.transitions}


def spoilt(inputs: Mapping[str, object], how: str, *, specs: Sequence[Input], place: int) -> dict[str, object]:
    """Return the inputs with something wrong.

    Args:
        inputs: What was to be given.
        how: One of `SPOILS`; anything else leaves them as they are.
        specs: What the action takes.
        place: Says which one is spoilt.
    """
    given = dict(inputs)
    if how == "unknown":
        given["no such input"] = 1
    spec = specs[place % len(specs)] if specs else None
    if spec is None or how not in SPOILS[1:]:
        return given
    given.pop(spec.name, None)
    if how == "none":
        given[spec.name] = None
    elif how == "blank" and INPUT_SHAPES[spec.kind].textual:
        given[spec.name] = " "
    elif how == "wrong":
        given[spec.name] = "five" if spec.kind is InputKind.INTEGER else 5
    return given


def command_for(item_id: str, action: str, *, inputs: Mapping[str, Any], typed: bool) -> Command[Any]:
    """Return a command that asks for the action.

    Args:
        item_id: Of which item.
        action: An action or verb.
        inputs: What it is given; values that commands refuse to hold raise InvalidInputError.
        typed: Whether the command of that action is wanted, where there is one that takes these inputs.
    """
    cls = _TYPED.get(action)
    if not typed or cls is None or not set(inputs) <= {field.name for field in attrs.fields(cls)}:
        return commands.Perform(item_id, action, inputs)
    command: Command[Any] = cls(item_id, **inputs)
    return command


def new_item(
    definition: TaskDefinition | CaseDefinition, fields: Mapping[str, Any], *, item_id: str | None, case_id: str | None
) -> Command[Any]:
    """Return the command that creates a task, in a case or in none; or a case."""
    if definition.kind == "case":
        return commands.OpenCase(id=item_id, definition=definition.name, **fields)
    return commands.CreateTask(id=item_id, case_id=case_id, definition=definition.name, **fields)


def as_seen(versions: Sequence[Item], what: str, *, place: int) -> dict[str, Any]:
    """Return what a caller says of an item that they have seen.

    Args:
        versions: The item each time that it was given to the caller.
        what: One of `SEEN`; anything else for nothing.
        place: Says as of which time; the last one where it is even.

    Returns:
        ``expected_version`` and ``item``, as a bus takes them.
    """
    if not versions or what not in SEEN:
        return {}
    item = versions[place % len(versions)] if place % 2 else versions[-1]
    said = {"expected_version": item.version, "item": item}
    return (
        said
        if what == "both"
        else {name: value for name, value in said.items() if (name == "item") == (what == "item")}
    )
