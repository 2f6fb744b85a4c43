"""Who asks: the actor that every question and every command names explicitly (H3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from casewright.domain.ids import NO_TENANT, ActorId, Tenant, as_actor_id, as_tenant
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, freeze_object
from casewright.domain.values import MAX_ROLES, as_names
from casewright.errors import InvalidInputError

__all__ = ["Actor", "check_actor"]


def _roles(values: Iterable[str]) -> frozenset[str]:
    return frozenset(as_names(values, "roles", most=MAX_ROLES))


def _attributes(value: Mapping[str, object]) -> FrozenMapping[JsonValue]:
    return freeze_object(value, "actor attributes")


def _principal(value: str | None) -> ActorId | None:
    return None if value is None else as_actor_id(value)


@attrs.frozen
class Actor:
    """A person or a machine that asks for something, as the host has authenticated it.

    Args:
        id: Never None and never blank, so that two unknown actors are never the same one (A4).
        roles: Names of roles; any iterable but a single str.
        attributes: What rules may compare, as JSON values (a department, a clearance).
        tenant: Whose data the actor works on; nothing of another tenant is ever visible.
        on_behalf_of: The id of the principal that this actor stands in for, if any.

    Raises:
        InvalidInputError: A value is of a wrong type, blank or over its limit.
    """

    id: ActorId = attrs.field(converter=as_actor_id)
    roles: frozenset[str] = attrs.field(default=frozenset(), converter=_roles, kw_only=True)
    attributes: FrozenMapping[JsonValue] = attrs.field(default=EMPTY, converter=_attributes, kw_only=True)
    tenant: Tenant = attrs.field(default=NO_TENANT, converter=as_tenant, kw_only=True)
    on_behalf_of: ActorId | None = attrs.field(default=None, converter=_principal, kw_only=True)


def check_actor(by: Actor) -> None:
    """Check that it is an actor (H3).

    Raises:
        InvalidInputError: It is none.
    """
    if not isinstance(by, Actor):
        raise InvalidInputError("by", f"must be an Actor, not {type(by).__name__}", "name who asks")
