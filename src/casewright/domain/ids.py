"""The kinds of identifiers: all are text, told apart by the type checker only."""

from __future__ import annotations

from typing import Final, NewType

from casewright.domain.values import MAX_ID, as_name, as_text
from casewright.errors import InvalidInputError

__all__ = [
    "NO_TENANT",
    "ActorId",
    "ItemId",
    "NoteId",
    "Tenant",
    "as_actor_id",
    "as_item_id",
    "as_note_id",
    "as_tenant",
]

ItemId = NewType("ItemId", str)
"""The id of a task or a case: unique across both kinds within a tenant, never used again."""

ActorId = NewType("ActorId", str)
"""The id of a person or a machine that acts, as the host knows it."""

NoteId = NewType("NoteId", str)
"""The id of a note."""

Tenant = NewType("Tenant", str)
"""Whose data it is; the empty text is the one tenant of an application without tenants."""

NO_TENANT: Final = Tenant("")


def as_item_id(value: str) -> ItemId:
    """Return the value as the id of a task or a case; see `as_name` for what is refused."""
    return ItemId(as_name(value, "id", MAX_ID))


def as_actor_id(value: str) -> ActorId:
    """Return the value as the id of an actor; see `as_name` for what is refused."""
    return ActorId(as_name(value, "actor id", MAX_ID))


def as_note_id(value: str) -> NoteId:
    """Return the value as the id of a note; see `as_name` for what is refused."""
    return NoteId(as_name(value, "note id", MAX_ID))


def as_tenant(value: str) -> Tenant:
    """Return the value as a tenant: empty, or printable and not blank."""
    if as_text(value, "tenant", MAX_ID) == "":
        return Tenant("")
    try:
        return Tenant(as_name(value, "tenant", MAX_ID))
    except InvalidInputError as error:
        raise InvalidInputError(error.field, error.problem, "use the empty text where there are no tenants") from None
