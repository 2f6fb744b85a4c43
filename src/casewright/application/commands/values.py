"""The values of commands: typed functions from what callers have to what commands hold.

What is missing or blank is told by the decision, as a reason for a person. What is of a wrong type, over its limit, or
such that no store can hold it, is refused when the command is built (S1, S2, S3, S7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from casewright.domain.events import COUNTER_ACTIONS
from casewright.domain.ids import ItemId
from casewright.domain.inputs import MAX_INPUTS
from casewright.domain.json_values import FrozenMapping, JsonValue, freeze_object
from casewright.domain.values import (
    MAX_ID,
    MAX_NAME,
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    MAX_TITLE,
    Unset,
    as_instant,
    as_name,
    as_names,
    as_text,
    instant_text,
)
from casewright.errors import InvalidInputError

__all__ = [
    "action",
    "added_tags",
    "assignee_id",
    "attributes",
    "body",
    "case_id",
    "definition",
    "description",
    "due_at",
    "edited_attributes",
    "edited_description",
    "edited_priority",
    "edited_title",
    "inputs",
    "item_id",
    "new_due_at",
    "new_id",
    "note_id",
    "priority",
    "reason",
    "removed_tags",
    "reviewer_id",
    "status",
    "tags",
    "title",
]


def _text(value: str | None, field: str, limit: int) -> str | None:
    return None if value is None else as_text(value, field, limit)


def _name(value: str | None, field: str, limit: int) -> str | None:
    text = _text(value, field, limit)
    return as_name(text, field, limit) if text and not text.isspace() else text


def _id(value: str, field: str) -> ItemId:
    return ItemId(as_name(value, field, MAX_ID))


def item_id(value: str) -> ItemId:
    """Return the id of an item."""
    return _id(value, "item_id")


def new_id(value: str | None) -> ItemId | None:
    """Return the id of a new item; None where the bus is to make one."""
    return None if value is None else _id(value, "id")


def case_id(value: str | None) -> ItemId | None:
    """Return the id of a case, or None."""
    return None if value is None else _id(value, "case_id")


def definition(value: str | None) -> str | None:
    """Return the name of a definition, or None."""
    return None if value is None else as_name(value, "definition")


def title(value: str | None) -> str | None:
    """Return a title, blank or not; None where it is missing."""
    return _text(value, "title", MAX_TITLE)


def description(value: str | None) -> str | None:
    """Return a description, or None."""
    return _text(value, "description", MAX_TEXT)


def body(value: str | None) -> str | None:
    """Return the text of a note, blank or not; None where it is missing."""
    return _text(value, "body", MAX_TEXT)


def reason(value: str | None) -> str | None:
    """Return a reason, blank or not; None where it is missing."""
    return _text(value, "reason", MAX_TEXT)


def priority(value: str | None) -> str | None:
    """Return a priority, or text that the decision will refuse; None for none."""
    return _text(value, "priority", MAX_NAME)


def status(value: str | None) -> str | None:
    """Return a status, or text that the decision will refuse; None where it is missing."""
    return _name(value, "status", MAX_NAME)


def assignee_id(value: str | None) -> str | None:
    """Return the id of an actor, or blank text; None where it is missing."""
    return _name(value, "assignee_id", MAX_ID)


def reviewer_id(value: str | None) -> str | None:
    """Return the id of an actor, or blank text; None where it is missing."""
    return _name(value, "reviewer_id", MAX_ID)


def note_id(value: str | None) -> str | None:
    """Return the id of a note, or blank text; None where the bus is to make one."""
    return _name(value, "note_id", MAX_ID)


def due_at(value: datetime | str | None) -> datetime | str | None:
    """Return an instant in UTC, or blank text; None for none."""
    blank = isinstance(value, str) and len(value) <= MAX_NAME and not value.strip()
    return value if value is None or blank else as_instant(value, "due_at")


def _tags(values: Iterable[str], field: str) -> tuple[str, ...]:
    return as_names(values, field, limit=MAX_TAG, most=MAX_TAGS)


def tags(values: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of a new item, sorted and each once; a single text is refused."""
    return _tags(values, "tags")


def added_tags(values: Iterable[str]) -> tuple[str, ...]:
    """Return the tags to be added, as `tags` does."""
    return _tags(values, "add")


def removed_tags(values: Iterable[str]) -> tuple[str, ...]:
    """Return the tags to be removed, as `tags` does."""
    return _tags(values, "remove")


def attributes(value: Mapping[str, object] | None) -> FrozenMapping[JsonValue] | None:
    """Return attributes as frozen JSON values, or None."""
    return None if value is None else freeze_object(value, "attributes")


def edited_title(value: str | Unset) -> str | Unset:
    """Return a title, blank or not; UNSET leaves the present one."""
    return value if isinstance(value, Unset) else as_text(value, "title", MAX_TITLE)


def edited_description(value: str | Unset | None) -> str | Unset | None:
    """Return a description; UNSET leaves the present one, None clears it."""
    return value if isinstance(value, Unset) else description(value)


def edited_priority(value: str | Unset | None) -> str | Unset | None:
    """Return a priority; UNSET leaves the present one, None clears it."""
    return value if isinstance(value, Unset) else priority(value)


def edited_attributes(value: Mapping[str, object] | Unset) -> FrozenMapping[JsonValue] | Unset:
    """Return attributes to be merged into the present ones; UNSET leaves them."""
    return value if isinstance(value, Unset) else freeze_object(value, "attributes")


def new_due_at(value: datetime | str | Unset | None) -> datetime | str | Unset | None:
    """Return an instant in UTC, or blank text; None clears it, UNSET says that it is missing."""
    return value if isinstance(value, Unset) else due_at(value)


def action(value: str) -> str:
    """Return the name of an action that can be performed on an item that is there.

    Raises:
        InvalidInputError: It is no name, or one that nobody performs.
    """
    name = as_name(value, "action")
    if name == "create":
        raise InvalidInputError("action", "create is no action on an item that is there", "use CreateTask or OpenCase")
    if name == "read":
        raise InvalidInputError("action", "read changes nothing", "call bus.get")
    if name in COUNTER_ACTIONS:
        raise InvalidInputError("action", f"{name} is the case's own counting", "close or reopen the task")
    return name


def inputs(value: Mapping[str, object]) -> FrozenMapping[JsonValue]:
    """Return the inputs of any action as frozen JSON values; instants become canonical text, sets sorted names.

    Raises:
        InvalidInputError: It is no mapping, or holds something that has no JSON form, or a naive time.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError("inputs", f"must be a mapping, not {type(value).__name__}", "map names to values")
    if len(value) > MAX_INPUTS:
        raise InvalidInputError("inputs", f"holds more than {MAX_INPUTS}", "pass those that the action takes")
    named = {as_name(name, "inputs"): _plain(part, f"inputs.{name}") for name, part in value.items()}
    return freeze_object(named, "inputs")


def _plain(value: object, field: str) -> object:
    if isinstance(value, datetime):
        return instant_text(as_instant(value, field))
    if isinstance(value, (set, frozenset)):
        return as_names(value, field, limit=MAX_TEXT)
    return value
