"""Ids and actors: never blank, never nobody (A4), deeply immutable (E1), within limits (S1)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given

from casewright import Actor, FrozenMapping, InvalidInputError
from casewright.domain.ids import NO_TENANT, as_actor_id, as_item_id, as_note_id, as_tenant
from support.values import (
    CANARY,
    HOSTILE,
    actor_fields,
    impurities,
    names,
    refusal,
    spoil,
    thorough,
    unseen,
)

MAKERS: dict[str, Callable[[Any], str]] = {
    "id": as_item_id,
    "actor id": as_actor_id,
    "note id": as_note_id,
    "tenant": as_tenant,
}
NOBODY: tuple[Any, ...] = (
    None,
    " ",
    "   ",
    "\t",
    "\n",
    "\u3000",
    "\0",
    "\ud800",
    "a\nb",
    "\x1b[m",
    0,
    7,
    True,
    b"ann",
    ["ann"],
)


@pytest.mark.parametrize("field", MAKERS)
@thorough(50)
@given(value=names())
def test_names_are_ids(field: str, value: str) -> None:
    """Every printable text that is not blank is an id, and stays as it is."""
    assert MAKERS[field](value) == value


@pytest.mark.parametrize("field", MAKERS)
def test_nobody_has_an_id(field: str) -> None:
    """None, blank text, what cannot be printed and what is no text are no ids: two unknowns are never the same (A4)."""
    for bad in NOBODY:
        with pytest.raises(InvalidInputError, match=f"^{field}: "):
            MAKERS[field](bad)


@pytest.mark.parametrize("field", MAKERS)
def test_limit_of_ids(field: str) -> None:
    """Ids have at most 255 characters; 10 MB are refused by their length (S1)."""
    assert MAKERS[field]("\u20ac" * 255) == "\u20ac" * 255
    for long in ("a" * 256, unseen("a" * 10_000_000)):
        with pytest.raises(InvalidInputError, match="longer than 255 characters"):
            MAKERS[field](long)


def test_empty_tenant_is_no_tenant() -> None:
    """The empty text is the one tenant of an application without tenants; no other id may be empty."""
    assert as_tenant("") == NO_TENANT == Actor("ann").tenant
    with pytest.raises(InvalidInputError, match="use the empty text where there are no tenants"):
        as_tenant(" ")
    for field in MAKERS.keys() - {"tenant"}:
        with pytest.raises(InvalidInputError, match="must not be blank"):
            MAKERS[field]("")


@thorough(250)
@given(actor_fields())
def test_actors_are_deeply_immutable(fields: dict[str, Any]) -> None:
    """An actor holds no list, dict or set, cannot be reached by what it was made of, hashes and pickles (E1)."""
    actor = Actor(fields.pop("id"), **fields)
    assert list(impurities(actor)) == []
    before, text = copy.deepcopy(actor), repr(actor)
    spoil(fields)
    assert actor == before
    assert repr(actor) == text
    for other in (before, copy.copy(actor), pickle.loads(pickle.dumps(actor))):
        assert {actor: 1}[other] == 1


@pytest.mark.parametrize("name", ["id", "roles", "attributes", "tenant", "on_behalf_of"])
def test_actors_cannot_be_changed(name: str) -> None:
    """No field of an actor can be set or deleted, and none can be added (E1)."""
    actor = Actor("ann", roles=["r"])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(actor, name, "bob")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(actor, name)
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(actor, f"{name}_too", 1)


def test_actor_fields() -> None:
    """An actor keeps its roles as a set, its attributes as frozen JSON, its principal as an id."""
    actor = Actor("ann", roles=("b", "a", "b"), attributes={"unit": ["x"]}, tenant="acme", on_behalf_of="bob")
    assert (actor.id, actor.tenant, actor.on_behalf_of) == ("ann", "acme", "bob")
    assert actor.roles == frozenset({"a", "b"})
    assert actor.attributes == FrozenMapping({"unit": ("x",)})
    assert Actor("ann") == Actor("ann", roles=(), attributes={}, tenant="", on_behalf_of=None)
    by_position: tuple[Any, ...] = ("ann", ["role"])
    with pytest.raises(TypeError):
        Actor(*by_position)


@pytest.mark.parametrize("roles", ["admin", b"admin", {"admin": 1}, None, 5, [None], [""], ["b\n"], [["a"]]], ids=repr)
def test_one_str_is_not_roles(roles: Any) -> None:
    """A single str in place of several roles is refused, lest "admin" become five roles (A4)."""
    with pytest.raises(InvalidInputError, match=r"^roles: "):
        Actor("ann", roles=roles)


@pytest.mark.parametrize("name", ["id", "on_behalf_of"])
def test_actor_is_never_nobody(name: str) -> None:
    """Neither an actor nor its principal is ever nobody; only an absent principal is None (A4)."""
    for bad in NOBODY:
        if name == "on_behalf_of" and bad is None:
            continue
        with pytest.raises(InvalidInputError, match=r"^actor id: "):
            Actor(**{"id": "ann", name: bad})


def test_limits_of_actors() -> None:
    """Each field of an actor has its limit, exact to the character and the byte (S1)."""
    most = {"k": "a" * (64 * 1024 - 8)}
    roles = [f"{number:0100}" for number in range(1_000)]
    actor = Actor("a" * 255, roles=roles, attributes=most, tenant="t" * 255, on_behalf_of="p" * 255)
    assert actor.attributes == most
    assert len(actor.roles) == 1_000
    over: list[dict[str, Any]] = [
        {"id": "a" * 256},
        {"roles": ["r" * 101]},
        {"roles": [f"r{number}" for number in range(1_001)]},
        {"attributes": {"k": "a" * (64 * 1024 - 7)}},
        {"attributes": {"k" * 101: 1}},
        {"tenant": "t" * 256},
        {"on_behalf_of": "p" * 256},
    ]
    for fields in over:
        assert refusal(Actor, **{"id": "ann", **fields}), fields


def test_hostile_values_meet_one_error() -> None:
    """Whatever a field of an actor is given, the actor is made clean or refused without repeating it (S1, S2, S6)."""
    fields = [field.name for field in attrs.fields(Actor)]
    accepted = 0
    for name, make in product(fields, HOSTILE):
        text = refusal(Actor, **{"id": "ann", name: make()})
        assert text.isprintable()
        assert CANARY not in text
        if not text:
            accepted += 1
            value = make()
            if not hasattr(value, "__next__"):
                assert list(impurities(Actor(**{"id": "ann", name: value}))) == [], name
    assert 5 < accepted < len(fields) * len(HOSTILE) / 3
