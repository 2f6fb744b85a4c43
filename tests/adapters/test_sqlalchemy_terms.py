"""Scopes in SQL: they find just what they match, whatever attributes, names and ids hold (A6, S4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import StaticPool, create_engine, event

from casewright import InvalidInputError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.filters import Cursor, Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING, Scope, Term, TermKind
from casewright.domain.values import instant_text
from support.stores import as_recorded, record
from support.values import AT, a_task

"""Names, ids and values that mean something to SQL, to JSON paths or to patterns."""
"""What no item holds, though a term may ask for it."""


@pytest.fixture
def store() -> Iterator[SqlAlchemyStore]:
    """Return a store in memory."""
    store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
    store.create_schema()
    yield store
    store.engine.dispose()


@pytest.mark.parametrize("kind", [TermKind.ATTRIBUTE, pytest.param(TermKind.PERFORMER, marks=pytest.mark.large)])
def test_a_scope_of_many_terms(store: SqlAlchemyStore, kind: TermKind) -> None:
    """Conjunctions and disjunctions of 1,024 terms on different attributes and performers are answered."""
    record(store, as_recorded(a_task(attributes={"n1023": "v"}, performers=["n1023", "v"])))
    terms = [Term(kind, f"n{number}", ("v",)) for number in range(1024)]
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        assert unit.count("task", Scope(tuple((term,) for term in terms))) == 1
        assert unit.count("task", Scope((tuple(term.inverted() for term in terms),))) == 0


def test_a_list_is_one_statement_without_text_of_a_caller(store: SqlAlchemyStore) -> None:
    """A list is one statement, and what a caller asks for is in its parameters alone (S4)."""
    record(store, as_recorded(a_task()))
    sent: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *about: sent.append(about[2]))
    values: dict[TermKind, tuple[str, ...]] = {TermKind.PRESENT: (), TermKind.BEFORE: (instant_text(AT),)}
    terms = [Term(kind, "zz'\"", values.get(kind, ("zz'\"",))) for kind in TermKind]
    order = Order("created")
    after = Cursor(order, (instant_text(AT), "zz"))
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.find("task", Scope((tuple(terms),)), order=order, limit=3, after=after)
    assert len(sent) == 1
    assert "zz" not in sent[0]


def test_a_limit_is_a_number_from_one(store: SqlAlchemyStore) -> None:
    """A limit that is none is refused with a typed error."""
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        with pytest.raises(InvalidInputError, match="limit"):
            unit.find("task", EVERYTHING, order=Order(), limit=0)
        with pytest.raises(InvalidInputError, match="limit"):
            unit.pending(limit=0)


def test_indexes_serve_the_usual_lists(store: SqlAlchemyStore) -> None:
    """Lists by assignee, case, status and time of creation use an index, also where a scope repeats the filter."""
    own = Term(TermKind.FIELD, "created_by", ("ann",)), Term(TermKind.FIELD, "assignee_id", ("bob",))
    plans: list[str] = []

    def explain(connection: Any, _: object, statement: str, *about: Any) -> None:
        rows = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", about[0])
        plans.append(" ".join(row[3] for row in rows))

    event.listen(store.engine, "before_cursor_execute", explain)
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        for name in ("assignee_id", "case_id", "status"):
            wanted = Term(TermKind.FIELD, name, ("x",))
            unit.find("task", Scope(tuple((wanted, term) for term in own)), order=Order(), limit=9)
            assert f"_{name}" in plans[-1]
        unit.find("task", EVERYTHING, order=Order("created"), limit=9)
    assert "_created_at" in plans[-1]
    assert "TEMP B-TREE" not in plans[-1]
