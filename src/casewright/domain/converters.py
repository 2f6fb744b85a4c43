"""Typed functions from what callers have to what items hold, one for each field, so that an error names the field.

Being plain functions they also tell a type checker what each field accepts: a list of tags, a StrEnum status, a str id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from casewright.domain.ids import ActorId, ItemId, as_actor_id, as_item_id
from casewright.domain.json_values import FrozenMapping, JsonValue, freeze_object
from casewright.domain.values import (
    MAX_ID,
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    MAX_TITLE,
    Category,
    Priority,
    as_instant,
    as_integer,
    as_name,
    as_names,
    as_text,
)
from casewright.errors import InvalidInputError

__all__ = [
    "assignee_id",
    "attributes",
    "body",
    "case_id",
    "category",
    "closed_at",
    "created_at",
    "definition",
    "deleted_at",
    "description",
    "due_at",
    "head",
    "lifecycle_version",
    "open_tasks",
    "performers",
    "priority",
    "status",
    "tags",
    "title",
    "updated_at",
    "version",
]


# Looked up as texts: to ask the enumeration of a hostile value would compare, hash or show it.
_CATEGORIES: Final = frozenset(Category)
_PRIORITIES: Final = frozenset(Priority)


def definition(value: str) -> str:
    """Return the name of a definition."""
    return as_name(value, "definition")


def lifecycle_version(value: int) -> int:
    """Return a lifecycle version, from 1."""
    return as_integer(value, "lifecycle_version", least=1)


def status(value: str) -> str:
    """Return the name of a status."""
    return as_name(value, "status")


def category(value: str) -> Category:
    """Return the category of that name."""
    if isinstance(value, str) and value in _CATEGORIES:
        return Category(value)
    raise InvalidInputError("category", "is no category", f"use one of {', '.join(Category)}")


def version(value: int) -> int:
    """Return an item's version, from 1."""
    return as_integer(value, "version", least=1)


def title(value: str) -> str:
    """Return a title: not blank, at most 500 characters."""
    text = as_text(value, "title", MAX_TITLE)
    if not text or text.isspace():
        raise InvalidInputError("title", "must not be blank")
    return text


def description(value: str | None) -> str | None:
    """Return a description of at most 10,000 characters, or None."""
    return None if value is None else as_text(value, "description", MAX_TEXT)


def body(value: str) -> str:
    """Return the text of a note, at most 10,000 characters."""
    return as_text(value, "body", MAX_TEXT)


def priority(value: str | None) -> Priority | None:
    """Return the priority of that name, or None."""
    if value is None:
        return None
    if isinstance(value, str) and value in _PRIORITIES:
        return Priority(value)
    raise InvalidInputError("priority", "is no priority", f"use one of {', '.join(Priority)}, or None")


def created_at(value: datetime | str) -> datetime:
    """Return the instant of creation in UTC."""
    return as_instant(value, "created_at")


def updated_at(value: datetime | str) -> datetime:
    """Return the instant of the last change in UTC."""
    return as_instant(value, "updated_at")


def due_at(value: datetime | str | None) -> datetime | None:
    """Return the instant when it is due in UTC, or None."""
    return None if value is None else as_instant(value, "due_at")


def closed_at(value: datetime | str | None) -> datetime | None:
    """Return the instant of closing in UTC, or None."""
    return None if value is None else as_instant(value, "closed_at")


def deleted_at(value: datetime | str | None) -> datetime | None:
    """Return the instant of deletion in UTC, or None."""
    return None if value is None else as_instant(value, "deleted_at")


def assignee_id(value: str | None) -> ActorId | None:
    """Return the id of the assignee, or None."""
    return None if value is None else as_actor_id(value)


def case_id(value: str | None) -> ItemId | None:
    """Return the id of the case, or None."""
    return None if value is None else as_item_id(value)


def open_tasks(value: int) -> int:
    """Return a number of open tasks, from 0."""
    return as_integer(value, "open_tasks", least=0)


def tags(values: Iterable[str]) -> tuple[str, ...]:
    """Return tags sorted by code point, each once: at most 100 of at most 100 characters."""
    return as_names(values, "tags", limit=MAX_TAG, most=MAX_TAGS)


def attributes(value: Mapping[str, object]) -> FrozenMapping[JsonValue]:
    """Return a frozen copy of the team's own data."""
    return freeze_object(value, "attributes")


def performers(values: Iterable[str]) -> tuple[str, ...]:
    """Return actions and ids of their performers, in turn."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InvalidInputError("performers", f"must be several texts, not {type(values).__name__}", "pass a tuple")
    names = tuple(as_name(value, "performers", MAX_ID) for value in values)
    if len(names) % 2:
        raise InvalidInputError("performers", "must be actions and ids in turn")
    return names


def head(value: str) -> str:
    """Return the digest of an item's last event, or the empty text."""
    return as_text(value, "head", MAX_ID)
