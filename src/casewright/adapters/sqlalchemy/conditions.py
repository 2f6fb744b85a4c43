"""Scopes as SQL conditions that match just the items that the scope matches (A6).

SQL has three truth values and terms have two: a condition that is NULL counts as false, also before it is negated.
Text of a caller's reaches the statement as a value only, never as a name (S4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Text, and_, exists, false, func, or_, true, type_coerce
from sqlalchemy.sql.expression import ColumnCollection

from casewright.adapters.sqlalchemy.rows import performer_line
from casewright.adapters.sqlalchemy.tables import ITEM, Instant
from casewright.domain.json_values import JsonValue
from casewright.domain.terms import Scope, Term, TermKind
from casewright.domain.values import INTEGER_MAX, INTEGER_MIN, MAX_TEXT, as_text
from casewright.errors import InvalidInputError

__all__ = ["condition"]

_WIDTH: Final = 200
"""How many conditions stand in one chain: SQLite refuses expressions that are nested a thousand deep."""

Condition = ColumnElement[bool]

_INSTANTS: Final = frozenset(column.name for column in ITEM.c if isinstance(column.type, Instant))
_INTEGERS: Final = frozenset(column.name for column in ITEM.c if isinstance(column.type, Integer))
_TEXTS: Final = frozenset(ITEM.c.keys()) - _INSTANTS - _INTEGERS - {"tags", "attributes", "performers"}


def condition(scope: Scope) -> Condition:
    """Return the condition on the item's table that holds just where the scope matches.

    Args:
        scope: Any scope.

    Returns:
        The condition; false or NULL where it does not match.
    """
    alternatives = [dict.fromkeys(terms) for terms in scope.alternatives]
    if not alternatives:
        return false()
    shared = [term for term in alternatives[0] if all(term in terms for terms in alternatives)]
    own = [[term for term in terms if term not in shared] for terms in alternatives]
    either = true() if not all(own) else _any_of(own)
    return and_(_all_of(shared), either)
