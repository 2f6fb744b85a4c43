"""Scopes as SQL conditions that match just the items that the scope matches (A6).

SQL has three truth values and terms have two: a condition that is NULL counts as false, also before it is negated.
Text of a caller's reaches a statement as a value only, never as a name (S4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Text, and_, exists, false, func, or_, true, type_coerce

from casewright.adapters.sqlalchemy.rows import performer_line
from casewright.adapters.sqlalchemy.tables import ITEM
from casewright.domain.items import INTEGER_FIELDS, TEXT_FIELDS
from casewright.domain.json_values import JSON_MAX_BYTES, JsonValue
from casewright.domain.terms import TERM_SHAPES, Scope, Term, TermKind
from casewright.domain.values import INTEGER_MAX, INTEGER_MIN, as_text
from casewright.errors import InvalidInputError

__all__ = ["TERMS", "condition"]

Condition: TypeAlias = ColumnElement[bool]

_WIDTH: Final = 200
"""How many conditions stand in one chain: SQLite refuses expressions that are nested a thousand deep."""

_ENTRY: Final = func.json_each(ITEM.c.attributes).table_valued("key", "type", "atom", name="entry")


def condition(scope: Scope) -> Condition:
    """Return the condition on the table of items that holds just where the scope matches.

    Args:
        scope: Any scope.

    Returns:
        The condition; false or NULL where the scope does not match.
    """
    alternatives = [dict.fromkeys(terms) for terms in scope.alternatives]
    shared = [term for term in next(iter(alternatives), ()) if all(term in terms for terms in alternatives)]
    own = [[term for term in terms if term not in shared] for terms in alternatives]
    single = [terms[0] for terms in own if len(terms) == 1]
    several = [_all_of(terms) for terms in own if len(terms) != 1]
    either = [_lowered(term) for term in _merged(single, negated=False)]
    return and_(_all_of(shared), _chain(or_, false(), [*either, *several]))


def _all_of(terms: Iterable[Term]) -> Condition:
    return _chain(and_, true(), [_lowered(term) for term in _merged(terms, negated=True)])


def _merged(terms: Iterable[Term], *, negated: bool) -> Iterable[Term]:
    """Make one term of those that look for values in one place: any of several plain ones, all of several negated."""
    merged: dict[object, Term] = {}
    for term in terms:
        several = TERM_SHAPES[term.kind].accept is None
        key = (term.kind, term.name) if several and term.negated is negated else term
        before = merged[key].values if key in merged else ()
        merged[key] = Term(term.kind, term.name, (*before, *term.values), term.negated)
    return merged.values()


def _chain(join: Callable[..., Condition], empty: Condition, parts: Sequence[Condition]) -> Condition:
    while len(parts) > _WIDTH:  # with IS around them, since SQLAlchemy would make one chain of chains again
        chunks = [parts[start : start + _WIDTH] for start in range(0, len(parts), _WIDTH)]
        parts = [join(*chunk).is_(true()) for chunk in chunks]
    return join(empty, *parts)


def _lowered(term: Term) -> Condition:
    found = _LOWERED[term.kind](term) if TERM_SHAPES[term.kind].looks_at(term.name) else false()
    return found.is_not(true()) if term.negated else found


def _field(term: Term) -> Condition:
    if term.name in INTEGER_FIELDS:
        return _among(ITEM.c[term.name], _integers(term.values))
    return _among(ITEM.c[term.name], _texts(term.values)) if term.name in TEXT_FIELDS else false()


def _attribute(term: Term) -> Condition:
    words = [str(value).lower() for value in term.values if isinstance(value, bool)]  # as SQLite calls these types
    by_type: Mapping[str, Sequence[str | int]] = {"text": _texts(term.values), "integer": _integers(term.values)}
    held = [and_(_ENTRY.c.type == name, _among(_ENTRY.c.atom, values)) for name, values in by_type.items() if values]
    found = or_(_among(_ENTRY.c.type, words), *held)
    return exists().where(_ENTRY.c.key == term.name, found) if _texts((term.name,)) else false()


def _among(column: ColumnElement[Any], values: Sequence[str | int]) -> Condition:
    if len(values) == 1:
        return column == values[0]
    return column.in_(values) if values else false()


def _performer(term: Term) -> Condition:
    ids = [value for value in _texts(term.values) if value.isprintable()]
    lines = [performer_line(term.name, actor_id) for actor_id in ids if term.name.isprintable()]
    return _chain(or_, false(), [func.instr(ITEM.c.performers, line) > 0 for line in lines])


def _present(term: Term) -> Condition:
    return ITEM.c[term.name].is_not(None)


def _before(term: Term) -> Condition:
    return type_coerce(ITEM.c[term.name], Text) < term.values[0]


_LOWERED: Final[Mapping[TermKind, Callable[[Term], Condition]]] = {
    TermKind.FIELD: _field,
    TermKind.ATTRIBUTE: _attribute,
    TermKind.PERFORMER: _performer,
    TermKind.PRESENT: _present,
    TermKind.BEFORE: _before,
}

TERMS: Final = frozenset(_LOWERED)
"""The kinds of terms that there is a condition for."""


def _texts(values: Iterable[JsonValue]) -> list[str]:
    """Those that are text, not empty, and such that an item could hold them."""
    return [text for value in values if (text := _storable(value))]


def _storable(value: JsonValue) -> str:
    try:
        return as_text(value, "value", JSON_MAX_BYTES)
    except InvalidInputError:
        return ""


def _integers(values: Iterable[JsonValue]) -> list[int]:
    return [value for value in values if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX]
