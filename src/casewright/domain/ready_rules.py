"""Ready-made rules: roles, relations, states. Each is a frozen callable with a repr that reads as a sentence.

Missing data never matches (A4): None equals nothing, an actor without the attribute is the same as nobody. Each rule
lowers to terms (`ReadyRule.granting`), so that a list can ask the database what the rule would grant.
"""

from __future__ import annotations

import attrs

from casewright.domain.actors import Actor
from casewright.domain.items import WorkItem
from casewright.domain.reasons import alternatives
from casewright.domain.rules import ReadyRule
from casewright.domain.rulings import GRANT, Ruling
from casewright.domain.terms import EVERYTHING, NOTHING, Scope, Term, TermKind, same_value
from casewright.domain.values import Category, as_name, quoted
from casewright.errors import InvalidInputError

__all__ = [
    "HasRole",
    "always",
    "has_role",
    "in_category",
    "in_status",
    "is_assignee",
    "is_creator",
    "never",
    "performed",
    "same",
]


@attrs.frozen(repr=False)
class HasRole(ReadyRule):
    """Made by `has_role`; `any_of` merges several into one."""

    names: tuple[str, ...]
    roles: frozenset[str] = attrs.field(init=False, eq=False)
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "roles", frozenset(self.names))
        object.__setattr__(self, "denial", self.denies("role_missing", f"needs the role {alternatives(self.names)}"))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        """Grant if the actor has any of the roles."""
        return self.denial if self.roles.isdisjoint(actor.roles) else GRANT

    def granting(self, actor: Actor) -> Scope:
        """Return everything or nothing: roles do not depend on the item."""
        return NOTHING if self.roles.isdisjoint(actor.roles) else EVERYTHING

    @property
    def negative(self) -> str:
        """A sentence for where nobody with the role may."""
        return f"must not have the role {alternatives(self.names)}"

    def __repr__(self) -> str:
        return f"has_role({', '.join(map(quoted, self.names))})"


def has_role(role: str, *others: str) -> ReadyRule:
    """Return the rule that grants who has the role, or any of several."""
    return HasRole(tuple(dict.fromkeys(as_name(name, "role") for name in (role, *others))))


@attrs.frozen(repr=False)
class _Relation(ReadyRule):
    """The actor's own id stands in a field of the item."""

    field: str
    word: str
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        denial = self.denies(f"not_{self.word}", f"must be its {self.word}")
        object.__setattr__(self, "denial", denial)

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        return GRANT if getattr(item, self.field) == actor.id else self.denial

    def granting(self, actor: Actor) -> Scope:
        return Scope(((Term(TermKind.FIELD, self.field, (actor.id,)),),))

    @property
    def negative(self) -> str:
        return f"must not be its {self.word}"

    def __repr__(self) -> str:
        return f"is_{self.word}()"


def is_creator() -> ReadyRule:
    """Return the rule that grants whoever created the item, by the actor's own id."""
    return _Relation("created_by", "creator")


def is_assignee() -> ReadyRule:
    """Return the rule that grants whoever has the item, by the actor's own id."""
    return _Relation("assignee_id", "assignee")


@attrs.frozen(repr=False)
class _Performed(ReadyRule):
    action: str
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "denial", self.denies("not_performer", f"must have performed {self.action}"))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        performers: tuple[str, ...] = item.performers
        for place in range(0, len(performers), 2):
            if performers[place] == self.action:
                performer = performers[place + 1]
                if performer == actor.id or performer == actor.on_behalf_of:  # noqa: PLR1714 - the faster form
                    return GRANT
        return self.denial

    def granting(self, actor: Actor) -> Scope:
        ids = (actor.id,) if actor.on_behalf_of is None else (actor.id, actor.on_behalf_of)
        return Scope(((Term(TermKind.PERFORMER, self.action, ids),),))

    @property
    def mentions(self) -> frozenset[tuple[str, str]]:
        return frozenset({("action", self.action)})

    @property
    def negative(self) -> str:
        return f"whoever performed {self.action} must not do this too"

    def __repr__(self) -> str:
        return f"performed({quoted(self.action)})"


def performed(action: str) -> ReadyRule:
    """Return the rule that grants who performed the action on the item before, in person or by a stand-in.

    It matches when the asker's id or principal is among the ids and principals of those who performed it, so that
    ``forbid(performed("submit"))`` is four eyes also where one acts for another (A11).

    Args:
        action: ``create`` or an action of the lifecycle.
    """
    return _Performed(as_name(action, "action"))


@attrs.frozen(repr=False)
class _In(ReadyRule):
    field: str
    values: tuple[str, ...]
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        denial = self.denies(f"not_in_{self.field}", f"only while its {self.field} is {alternatives(self.values)}")
        object.__setattr__(self, "denial", denial)

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        return GRANT if getattr(item, self.field) in self.values else self.denial

    def granting(self, actor: Actor) -> Scope:
        return Scope(((Term(TermKind.FIELD, self.field, self.values),),))

    @property
    def mentions(self) -> frozenset[tuple[str, str]]:
        return frozenset(("status", name) for name in self.values) if self.field == "status" else frozenset()

    @property
    def negative(self) -> str:
        return f"not while its {self.field} is {alternatives(self.values)}"

    def __repr__(self) -> str:
        shown = map(quoted, self.values) if self.field == "status" else (f"Category.{v.upper()}" for v in self.values)
        return f"in_{self.field}({', '.join(shown)})"


def in_status(status: str, *others: str) -> ReadyRule:
    """Return the rule that grants while the item is in the status, or in any of several."""
    return _In("status", tuple(dict.fromkeys(as_name(name, "status") for name in (status, *others))))


def in_category(category: Category, *others: Category) -> ReadyRule:
    """Return the rule that grants while the item is in the category, or in any of several."""
    for value in (category, *others):
        if not isinstance(value, Category):
            raise InvalidInputError("category", "is no Category", "pass Category.OPEN or another member")
    return _In("category", tuple(dict.fromkeys(str(value) for value in (category, *others))))


@attrs.frozen(repr=False)
class _Same(ReadyRule):
    actor_attribute: str
    item_attribute: str
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        sentence = f"your {self.actor_attribute} must be the same as its {self.item_attribute}"
        object.__setattr__(self, "denial", self.denies("not_same", sentence))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        mine = actor.attributes.get(self.actor_attribute)
        return GRANT if same_value(item.attributes.get(self.item_attribute), mine) else self.denial

    def granting(self, actor: Actor) -> Scope:
        mine = actor.attributes.get(self.actor_attribute)
        known = same_value(mine, mine)
        return Scope(((Term(TermKind.ATTRIBUTE, self.item_attribute, (mine,)),),)) if known else NOTHING

    @property
    def negative(self) -> str:
        return f"your {self.actor_attribute} must not be the same as its {self.item_attribute}"

    def __repr__(self) -> str:
        return f"same({quoted(self.actor_attribute)}, {quoted(self.item_attribute)})"


def same(actor_attribute: str, item_attribute: str) -> ReadyRule:
    """Return the rule that grants where an attribute of the actor equals one of the item.

    Only text, integers and booleans are compared; missing data and None never match, and True is not 1 (A4).

    Args:
        actor_attribute: A name in ``actor.attributes``.
        item_attribute: A name in ``item.attributes``.
    """
    return _Same(as_name(actor_attribute, "actor attribute"), as_name(item_attribute, "item attribute"))


@attrs.frozen(repr=False)
class _Constant(ReadyRule):
    """The same answer for everyone and everything."""

    grants: bool
    denial: Ruling = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "denial", self.denies("never", "nobody may do this"))

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        return GRANT if self.grants else self.denial

    def granting(self, actor: Actor) -> Scope:
        return EVERYTHING if self.grants else NOTHING

    def __repr__(self) -> str:
        return "always()" if self.grants else "never()"


def always() -> ReadyRule:
    """Return the rule that grants everyone of the tenant."""
    return _Constant(True)


def never() -> ReadyRule:
    """Return the rule that grants nobody."""
    return _Constant(False)
