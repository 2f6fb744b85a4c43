"""Terms: the small vocabulary that rules and filters lower to, and that adapters translate.

A scope is a disjunction of conjunctions of terms. Terms are two-valued: data that is missing does not match, so the
negation of such a term does (``IS DISTINCT FROM``, not ``<>``). An empty disjunction matches nothing; an empty
conjunction matches everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from casewright.domain.items import INSTANT_FIELDS, ITEM_FIELDS, WorkItem
from casewright.domain.json_values import JsonValue
from casewright.domain.values import as_instant, instant_text
from casewright.errors import InvalidInputError

__all__ = [
    "EVERYTHING",
    "MAX_ALTERNATIVES",
    "NOTHING",
    "TERM_SHAPES",
    "Scope",
    "Term",
    "TermKind",
    "TermShape",
    "same_value",
    "simplified",
]

MAX_ALTERNATIVES: Final = 1024
"""How many conjunctions a scope may come to on the way: no database answers a query of more."""


class TermKind(StrEnum):
    """What a term looks at."""

    FIELD = "field"
    """One of the item's own fields, by name."""

    ATTRIBUTE = "attribute"
    """One of its attributes, by name."""

    PERFORMER = "performer"
    """The ids of those who performed the action of that name."""

    PRESENT = "present"
    """Whether one of the item's own fields, by name, holds anything: it takes no values."""

    BEFORE = "before"
    """One of the item's own instants, by name: it matches if it lies before the one value, in canonical text."""


def _typed(values: tuple[JsonValue, ...]) -> tuple[tuple[type, JsonValue], ...]:
    """What makes two terms equal: 1 and True are equal to Python, but not to a rule (A4)."""
    return tuple((type(value), value) for value in values)


@attrs.frozen
class Term:
    """One condition on an item.

    Attributes:
        kind: What it looks at.
        name: The field, attribute or action.
        values: It matches if what is there is among these.
        negated: Whether it matches just where it otherwise would not.

    Raises:
        InvalidInputError: There is no such kind, or it does not take such values.
    """

    kind: TermKind
    name: str
    values: tuple[JsonValue, ...] = attrs.field(eq=_typed)
    negated: bool = False

    def __attrs_post_init__(self) -> None:
        """Check kind and values; no item holds a name that there is not."""
        shape = TERM_SHAPES.get(self.kind) if isinstance(self.kind, str) else None
        if shape is None:
            raise InvalidInputError("kind", "is no kind of term", f"use one of {', '.join(TermKind)}")
        if type(self.values) is not tuple:
            raise InvalidInputError("values", f"must be a tuple, not {type(self.values).__name__}")
        if type(self.negated) is not bool:
            raise InvalidInputError("negated", f"must be True or False, not {type(self.negated).__name__}")
        if shape.accept is not None:
            object.__setattr__(self, "values", shape.accept(self.values))

    def matches(self, item: WorkItem) -> bool:
        """Return whether the item meets the condition."""
        shape = TERM_SHAPES[self.kind]
        return (shape.looks_at(self.name) and shape.found(item, self.name, self.values)) is not self.negated

    def inverted(self) -> Term:
        """Return the term that matches just where this one does not."""
        return Term(self.kind, self.name, self.values, not self.negated)


def same_value(one: object, other: object) -> bool:
    """Return whether two scalars are the same: what is missing or empty never is, and True is not 1."""
    if isinstance(one, str):
        return one != "" and isinstance(other, str) and one == other
    return isinstance(one, (bool, int)) and type(one) is type(other) and one == other


@attrs.frozen
class TermShape:
    """What a kind of term takes, and how it matches.

    Attributes:
        names: The names that it may look at; None for any.
        accept: The values to those that are kept, where they are not any number of alternatives.
        found: ``(item, name, values)`` to whether it matches where it is not negated.
    """

    names: frozenset[str] | None
    accept: Callable[[tuple[JsonValue, ...]], tuple[JsonValue, ...]] | None
    found: Callable[[WorkItem, str, tuple[JsonValue, ...]], bool]

    def looks_at(self, name: str) -> bool:
        """Return whether a term of this kind may look at something of that name."""
        return self.names is None or name in self.names


def _among(there: object, values: tuple[JsonValue, ...]) -> bool:
    return any(same_value(there, value) for value in values)


def _before(there: datetime | None, values: tuple[JsonValue, ...]) -> bool:
    return there is not None and instant_text(there) < str(values[0])


def _none(values: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
    if values:
        raise InvalidInputError("values", "must be empty here")
    return values


def _one_instant(values: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
    if len(values) != 1:
        raise InvalidInputError("values", "must be one instant here")
    return (instant_text(as_instant(values[0], "values[0]")),)


TERM_SHAPES: Final[Mapping[TermKind, TermShape]] = {
    TermKind.FIELD: TermShape(ITEM_FIELDS, None, lambda item, name, values: _among(getattr(item, name, None), values)),
    TermKind.ATTRIBUTE: TermShape(None, None, lambda item, name, values: _among(item.attributes.get(name), values)),
    TermKind.PERFORMER: TermShape(
        None, None, lambda item, name, values: any(actor_id in values for actor_id in item.performers_of(name))
    ),
    TermKind.PRESENT: TermShape(ITEM_FIELDS, _none, lambda item, name, values: getattr(item, name, None) is not None),
    TermKind.BEFORE: TermShape(
        INSTANT_FIELDS, _one_instant, lambda item, name, values: _before(getattr(item, name), values)
    ),
}
"""Every kind of term."""


@attrs.frozen
class Scope:
    """Which items: those that match every term of any alternative.

    Attributes:
        alternatives: The disjunction of conjunctions.
    """

    alternatives: tuple[tuple[Term, ...], ...]

    def matches(self, item: WorkItem) -> bool:
        """Return whether the item is in it."""
        return any(all(term.matches(item) for term in terms) for terms in self.alternatives)

    def __or__(self, other: Scope) -> Scope:
        """Return what is in either."""
        return simplified((*self.alternatives, *other.alternatives))

    def __and__(self, other: Scope) -> Scope:
        """Return what is in both.

        Raises:
            InvalidInputError: That would be more than 1,024 alternatives.
        """
        if len(self.alternatives) * len(other.alternatives) > MAX_ALTERNATIVES:
            advice = "negate fewer rules that are made of several"
            raise InvalidInputError("rule", f"lowers to more than {MAX_ALTERNATIVES} alternatives", advice)
        return simplified(tuple((*one, *two) for one in self.alternatives for two in other.alternatives))

    def __invert__(self) -> Scope:
        """Return what is not in it."""
        scope = EVERYTHING
        for terms in self.alternatives:
            scope &= Scope(tuple((term.inverted(),) for term in terms))
        return scope


def simplified(alternatives: tuple[tuple[Term, ...], ...]) -> Scope:
    """Return the scope without double terms, contradictions, and alternatives that another one contains."""
    sets = {frozenset(terms): tuple(dict.fromkeys(terms)) for terms in alternatives}
    possible = [terms for terms in sets if not any(term.inverted() in terms for term in terms)]
    by_size: dict[int, list[frozenset[Term]]] = {}
    for terms in possible:
        by_size.setdefault(len(terms), []).append(terms)
    kept = (
        terms
        for terms in possible
        if not any(part < terms for size, parts in by_size.items() if size < len(terms) for part in parts)
    )
    return Scope(tuple(sets[terms] for terms in kept))


NOTHING = Scope(())
EVERYTHING = Scope(((),))
