"""Scopes in SQL: they find just what they match, whatever attributes, names and ids hold (A6, S4)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import StaticPool, create_engine, event

from casewright import Category, InvalidInputError, Priority
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.filters import Cursor, Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item, WorkItem
from casewright.domain.terms import EVERYTHING, NOTHING, Scope, Term, TermKind
from casewright.domain.values import instant_text
from support.stores import as_recorded, record
from support.values import AT, a_case, a_task

WORDS: Final = (
    *("a", "A", "a%", "a_", "ab", 'q"q', "it's", "x|y", "$", "$.a", "a.b", "a[0]", "\\", "\\n", "é", "e\u0301", "😀"),
    *("true", "1", "null", " a", "a ", "-- ;", "?", ":x", "start\\tann"),
)
"""Names, ids and values that mean something to SQL, to JSON paths or to patterns."""
SCALARS: Final = (None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), "", "a\nb\t\x01\x7f\u2028", *WORDS)
BEYOND: Final = (2**63, -(2**70), "\ud800", "a\0", "\n", "a\tb")
"""What no item holds, though a term may ask for it."""
FIELDS: Final = ("kind", "case_id", "open_tasks", *(field.name for field in attrs.fields(WorkItem)))


def _items(rng: random.Random, count: int) -> list[Item]:
    return [_item(rng, f"{rng.choice(WORDS)}{number}") for number in range(count)]


def _item(rng: random.Random, item_id: str) -> Item:
    name: Callable[[], str] = lambda: rng.choice(WORDS).strip() or "b"  # noqa: E731 - short, and used all over
    parts = [*SCALARS, ["a", 1], {"a": 1}, []]
    fields: dict[str, Any] = {
        "id": item_id,
        "definition": name(),
        "lifecycle_version": rng.choice([1, 2**63 - 1]),
        "status": name(),
        "category": rng.choice([*Category]),
        "title": rng.choice(WORDS),
        "description": rng.choice([None, "", *WORDS]),
        "priority": rng.choice([None, *Priority]),
        "created_by": name(),
        "assignee_id": rng.choice([None, name()]),
        "due_at": rng.choice([None, AT, AT.replace(microsecond=1)]),
        "deleted_at": rng.choice([None, None, None, None, AT]),
        "tags": [name()],
        "attributes": {rng.choice(WORDS): rng.choice(parts) for _ in range(rng.randrange(6))},
        "performers": [part for _ in range(rng.randrange(4)) for part in (name(), name())],
    }
    if rng.random() < 0.5:
        return a_case(**fields, open_tasks=rng.choice([0, 1]))
    # An open task that names a case would have to be counted by it.
    closed = fields | {"category": Category.DONE, "case_id": name()}
    return a_task(**rng.choice([fields, closed]))


def _term(rng: random.Random, items: Sequence[Item]) -> Term:
    kind, item = rng.choice([*TermKind]), rng.choice(items)
    values: list[Any] = rng.choices([*SCALARS, *BEYOND], k=rng.randrange(4))
    name = rng.choice([*FIELDS, "nothing", "a; DROP TABLE casewright_item"])
    if kind is TermKind.FIELD:
        values += [getattr(item, name, None)] if rng.random() < 0.7 else [*Category]
        values = [value for value in values if value is None or isinstance(value, (str, int))]
    elif kind is TermKind.ATTRIBUTE:
        name = rng.choice([*WORDS, *item.attributes, "\ud800", ""])
        values += [value for value in [item.attributes.get(name)] if not isinstance(value, tuple)]
    elif kind is TermKind.PERFORMER:
        name = rng.choice([*WORDS, *item.performers[::2], "a\tb\na", "\ud800"])
        values += item.performers[1::2]
    elif kind is TermKind.BEFORE:
        values = [rng.choice([instant_text(AT.replace(microsecond=one)) for one in (0, 1, 2)])]
    return Term(kind, name, tuple(values), rng.random() < 0.4)


def _scope(rng: random.Random, items: Sequence[Item]) -> Scope:
    shared = tuple(_term(rng, items) for _ in range(rng.randrange(2)))
    alternatives = [
        (*shared, *(_term(rng, items) for _ in range(rng.randrange(3)))) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))
    ]
    return Scope(tuple(alternatives))


@pytest.fixture
def store() -> Iterator[SqlAlchemyStore]:
    """Return a store in memory."""
    store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
    store.create_schema()
    yield store
    store.engine.dispose()


def found(store: SqlAlchemyStore, scope: Scope, kind: Any = "task") -> list[str]:
    """Return the ids of what is found, and check that they are counted right."""
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        items = unit.find(kind, scope, order=Order(), limit=10_000)
        assert unit.count(kind, scope) == len(items)
    return [item.id for item in items]


@pytest.mark.parametrize("seed", range(4))
def test_sql_finds_just_what_matches(store: SqlAlchemyStore, seed: int) -> None:
    """A scope in SQL finds the very items that it matches, for odd names, keys, ids and values (A6)."""
    rng = random.Random(seed)
    items = [change.after for change in map(as_recorded, _items(rng, 60))]
    record(store, *map(as_recorded, items))
    for _ in range(150):
        scope = _scope(rng, items)
        for kind in ("task", "case"):
            expected = [one.id for one in items if one.kind == kind and not one.deleted_at and scope.matches(one)]
            assert found(store, scope, kind) == sorted(expected), scope


def test_what_is_found_is_equal(store: SqlAlchemyStore) -> None:
    """Items come back from a list equal to what was recorded, whatever they hold (S3)."""
    changes = list(map(as_recorded, _items(random.Random(7), 80)))
    record(store, *changes)
    alive = {change.after.id: change.after for change in changes if change.after.deleted_at is None}
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        listed = [item for kind in ("task", "case") for item in unit.find(kind, EVERYTHING, order=Order(), limit=99)]
        assert {item.id: item for item in listed} == alive
        assert [unit.items.get(change.after.id) for change in changes] == [change.after for change in changes]


def test_everything_and_nothing(store: SqlAlchemyStore) -> None:
    """An empty conjunction finds all, an empty disjunction none."""
    record(store, as_recorded(a_task()))
    assert found(store, EVERYTHING) == ["x1"]
    assert found(store, NOTHING) == []


@pytest.mark.parametrize("negated", [False, True])
def test_a_scope_of_many_alternatives(store: SqlAlchemyStore, negated: bool) -> None:
    """A scope of 1,024 alternatives is answered: SQLite's nesting is no limit."""
    record(store, as_recorded(a_task(title="t7")))
    pairs = [
        (Term(TermKind.FIELD, "title", (f"t{number}",)), Term(TermKind.FIELD, "status", (f"{number}",), negated))
        for number in range(1024)
    ]
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        assert unit.count("task", Scope(tuple(pairs))) == int(negated)


def test_a_scope_of_many_terms(store: SqlAlchemyStore) -> None:
    """Conjunctions and disjunctions of 1,024 terms on different attributes and performers are answered."""
    record(store, as_recorded(a_task(attributes={"n1023": "v"}, performers=["n1023", "v"])))
    for kind in (TermKind.ATTRIBUTE, TermKind.PERFORMER):
        terms = [Term(kind, f"n{number}", ("v",)) for number in range(1024)]
        with store.begin(tenant=NO_TENANT, write=False) as unit:
            assert unit.count("task", Scope(tuple((term,) for term in terms))) == 1
            assert unit.count("task", Scope((tuple(term.inverted() for term in terms),))) == 0


def test_a_list_is_one_statement_without_text_of_a_caller(store: SqlAlchemyStore) -> None:
    """A list is one statement, and what a caller asks for is in its parameters alone (S4)."""
    record(store, as_recorded(a_task()))
    sent: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *about: sent.append(about[2]))
    terms = [Term(kind, "zz'\"", ("zz'\"",)) for kind in TermKind]
    order = Order("created")
    after = Cursor(order, (instant_text(AT), "zz"))
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.find("task", Scope((tuple(terms),)), order=order, limit=3, after=after)
    assert len(sent) == 1
    assert "zz" not in sent[0]


def test_pages_follow_each_other(store: SqlAlchemyStore) -> None:
    """Pages of a list hold each item once, in order, by id and by time, both ways, also where times are equal."""
    moments = [AT, AT.replace(microsecond=1), AT.replace(year=2)]
    items = [a_task(id=f"{word}{number}", created_at=moments[number]) for word in WORDS for number in range(3)]
    record(store, *map(as_recorded, items))
    for order in (Order(by, descending=descending) for by in ("id", "created") for descending in (False, True)):
        seen: list[Item] = []
        with store.begin(tenant=NO_TENANT, write=False) as unit:
            while page := unit.find("task", EVERYTHING, order=order, limit=7, after=_end_of(seen, order)):
                seen += page
        assert [item.id for item in seen] == [
            item.id for item in sorted(items, key=order.key, reverse=order.descending)
        ]


def _end_of(seen: list[Item], order: Order) -> Cursor | None:
    return Cursor(order, order.key(seen[-1])) if seen else None


def test_a_limit_is_a_number_from_one(store: SqlAlchemyStore) -> None:
    """A limit that is none is refused with a typed error."""
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        with pytest.raises(InvalidInputError, match="limit"):
            unit.find("task", EVERYTHING, order=Order(), limit=0)
        with pytest.raises(InvalidInputError, match="limit"):
            unit.pending(limit=0)


def test_a_time_that_no_store_can_hold_is_refused(store: SqlAlchemyStore) -> None:
    """A term that compares a time with text that is not Unicode is refused with a typed error (S2)."""
    with store.begin(tenant=NO_TENANT, write=False) as unit, pytest.raises(InvalidInputError, match="before"):
        unit.count("task", Scope(((Term(TermKind.BEFORE, "due_at", ("\ud800",)),),)))


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
