"""Builders: a task, a case and an actor in one line each, with every field defaulted and any of them overridden.

They make the item as it is, without asking a definition: in any status, by anyone, at any version.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.definitions import CaseDefinition, Definition, TaskDefinition
from casewright.domain.items import Case, ItemT, Task
from casewright.errors import InvalidInputError

__all__ = ["SOME_TIME", "a_case", "a_task", "an_actor"]

SOME_TIME: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""When everything happens of which no time is given."""


def an_actor(id: str = "ann", *roles: str, **fields: Any) -> Actor:  # noqa: ANN401 - each is checked by the actor
    """Return an actor.

    Args:
        id: Who it is.
        roles: Names of roles.
        **fields: ``attributes``, ``tenant``, ``on_behalf_of``.

    Returns:
        The actor.

    Raises:
        InvalidInputError: A value is of a wrong type, blank or over its limit.
    """
    return Actor(id, roles=roles, **fields)


def a_task(
    *,
    definition: TaskDefinition = TASK,
    status: str | None = None,
    **fields: Any,  # noqa: ANN401 - each of its own type
) -> Task:
    """Return a task of a definition; its category and closing time follow from its status.

    Args:
        definition: What judges it.
        status: A status of its present lifecycle; the first initial one where None.
        **fields: Any other field of `Task`; the creator is ``ann``.

    Returns:
        The task, unsealed.

    Raises:
        InvalidInputError: There is no such status, or a value is of a wrong type or over its limit.
    """
    return Task(**_fields(definition, status, {"id": "task-1", "title": "A task", **fields}))


def a_case(
    *,
    definition: CaseDefinition = REGULATORY_CASE,
    status: str | None = None,
    **fields: Any,  # noqa: ANN401 - each is checked by the case
) -> Case:
    """Return a case of a definition; its category and closing time follow from its status.

    Args:
        definition: What judges it.
        status: A status of its present lifecycle; the first initial one where None.
        **fields: Any other field of `Case`; the creator is ``ann``.

    Returns:
        The case, unsealed.

    Raises:
        InvalidInputError: There is no such status, or a value is of a wrong type or over its limit.
    """
    return Case(**_fields(definition, status, {"id": "case-1", "title": "A case", **fields}))


def _fields(definition: Definition[ItemT], status: str | None, fields: dict[str, Any]) -> dict[str, Any]:
    lifecycle = definition.lifecycle
    place = sorted(lifecycle.initial)[0] if isinstance(lifecycle.initial, frozenset) else lifecycle.initial[0]
    place = place if status is None else str(status)
    if place not in lifecycle.states:
        advice = f"use one of {', '.join(lifecycle.states)}"
        raise InvalidInputError("status", f"is no status of {definition.name!r}", advice)
    category = lifecycle.states[place]
    whole = {
        "definition": definition.name,
        "lifecycle_version": lifecycle.version,
        "status": place,
        "category": category,
        "created_by": "ann",
        "created_at": SOME_TIME,
        **fields,
    }
    whole.setdefault("performers", ("create", whole["created_by"]))
    whole.setdefault("closed_at", whole.get("updated_at", whole["created_at"]) if category.closed else None)
    return whole
