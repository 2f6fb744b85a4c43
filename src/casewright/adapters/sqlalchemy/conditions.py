"""Scopes as SQL conditions that match just the items that the scope matches (A6).

SQL has three truth values and terms have two: a condition that is NULL counts as false, also before it is negated.
Text of a caller's reaches a statement as a value only, never as a name (S4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Table, Text, and_, false, or_, true, type_coerce

from casewright.adapters.sqlalchemy.databases.base import Condition, Database, among, integers, texts
from casewright.adapters.sqlalchemy.rows import performer_line
from casewright.domain.items import INTEGER_FIELDS, TEXT_FIELDS
from casewright.domain.terms import TERM_SHAPES, Scope, Term, TermKind

__all__ = ["Conditions"]

_WIDTH: Final = 200
"""How many conditions stand in one chain: SQLite refuses expressions that are nested a thousand deep."""


class Conditions:
    """Conditions on one table of items.

    Args:
        item: The table.
        database: Whose SQL they are.

    Attributes:
        terms: The kinds of terms that there is a condition for.
    """

    def __init__(self, item: Table, database: Database) -> None:
        """Choose what lowers each kind of term."""
        self._item = item
        self._database = database
        self._lowering: Mapping[TermKind, Callable[[Term], Condition]] = {
            TermKind.FIELD: self._field,
            TermKind.ATTRIBUTE: self._attribute,
            TermKind.PERFORMER: self._performer,
            TermKind.PRESENT: self._present,
            TermKind.BEFORE: self._before,
        }
        self.terms: frozenset[TermKind] = frozenset(self._lowering)

    def of(self, scope: Scope) -> Condition:
        """Return the condition that holds just where the scope matches.

        Args:
            scope: Any scope.

        Returns:
            The condition; false or NULL where the scope does not match.
        """
        alternatives = [dict.fromkeys(terms) for terms in scope.alternatives]
        shared = [term for term in next(iter(alternatives), ()) if all(term in terms for terms in alternatives)]
        own = [[term for term in terms if term not in shared] for terms in alternatives]
        single = [terms[0] for terms in own if len(terms) == 1]
        several = [self._all_of(terms) for terms in own if len(terms) != 1]
        either = [self._lowered(term) for term in _merged(single, negated=False)]
        return and_(self._all_of(shared), _chain(or_, false(), [*either, *several]))

    def _all_of(self, terms: Iterable[Term]) -> Condition:
        return _chain(and_, true(), [self._lowered(term) for term in _merged(terms, negated=True)])

    def _lowered(self, term: Term) -> Condition:
        found = self._lowering[term.kind](term) if TERM_SHAPES[term.kind].looks_at(term.name) else false()
        return found.is_not(true()) if term.negated else found

    def _field(self, term: Term) -> Condition:
        column = self._item.c[term.name]
        if term.name in INTEGER_FIELDS:
            return among(column, integers(term.values))
        return among(column, texts(term.values)) if term.name in TEXT_FIELDS else false()

    def _attribute(self, term: Term) -> Condition:
        return self._database.attribute(self._item, term)

    def _performer(self, term: Term) -> Condition:
        ids = [value for value in texts(term.values) if value.isprintable()]
        lines = [performer_line(term.name, actor_id) for actor_id in ids if term.name.isprintable()]
        held = [self._database.contains(self._item.c.performers, line) for line in lines]
        return _chain(or_, false(), held)

    def _present(self, term: Term) -> Condition:
        return self._item.c[term.name].is_not(None)

    def _before(self, term: Term) -> Condition:
        return type_coerce(self._item.c[term.name], Text) < term.values[0]


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
