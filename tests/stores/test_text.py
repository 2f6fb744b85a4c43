"""Text compares and orders by code point in every store, whatever the language of its database would make of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from casewright import (
    Actor,
    AddNote,
    AlreadyExistsError,
    CommandBus,
    CreateTask,
    NotFoundError,
    Order,
    Store,
    TaskFilter,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore
from casewright.domain.filters import OrderBy
from support.buses import START, a_bus, failure_of
from support.plain_sql import rows_of
from support.stores import sqlite_store

if TYPE_CHECKING:
    from sqlalchemy import URL

_LETTERS: Final = ("a", "A", "a ", " a", "a  ", "\u00e1", "a\u0301", "\u00c1", "\uff41", "\u00aa", "\u0430")
_WORDS: Final = ("ss", "\u00df", "\u1e9e", "i", "I", "\u0131", "\u0130", "\ufb01", "fi", "a-b", "ab", "a_b", "a%b")
ALIKE: Final = (*_LETTERS, *_WORDS, "10", "9", "1", "\U0001f4cb", "\uff46")
"""Ids that one language or another, or a form of Unicode, takes for the same, or orders in another way."""

_CHARACTERS: Final = st.characters(categories=["L", "M", "N", "P", "S"]) | st.sampled_from("aA\u00e1b B-_")
_IDS: Final = st.text(_CHARACTERS, min_size=1, max_size=6).filter(lambda text: text.strip() and text.isprintable())


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield an empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    if request.param == "sqlite":
        made = sqlite_store(tmp_path_factory.mktemp("text") / "store.db")
    else:
        database = "mariadb_database" if request.param == "mariadb" else "postgres_database"
        made = SqlAlchemyStore(create_engine(request.getfixturevalue(database)))
        made.create_schema()
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def tenants() -> Iterator[str]:
    """Return names of tenants that nobody has used."""
    return (f"tenant {number}." for number in count())  # so that none begins with another


def found(bus: CommandBus, by: Actor, where: TaskFilter, order: Order | None = None) -> list[str]:
    """Return the ids of all that the filter finds, in pages of two."""
    ids: list[str] = []
    after = None
    while True:
        page = bus.find(where, by=by, order=order or Order(), limit=2, after=after)
        ids += [item.id for item in page.items]
        if (after := page.next) is None:
            return ids


def test_what_looks_alike_is_not_the_same(store: Store, tenants: Iterator[str]) -> None:
    """Ids, tenants, people, notes and cases that differ by case, accent, form or a trailing blank are different."""
    bus, by = a_bus(store), Actor("root", roles=["admin"], tenant=next(tenants))
    for number, one in enumerate(ALIKE):
        assert isinstance(failure_of(bus.get, one, by=by), NotFoundError)
        bus.execute(CreateTask(one, id=one, assignee_id=one), by=by)
        assert isinstance(failure_of(bus.execute, CreateTask(one, id=one), by=by), AlreadyExistsError)
        bus.execute(AddNote(one, one, note_id=one), by=by)
        other = Actor("root", roles=["admin"], tenant=f"{by.tenant}{one}")
        bus.execute(CreateTask(str(number), id="x"), by=other)
    for number, one in enumerate(ALIKE):
        assert bus.get(one, by=by).title == one
        assert [note.body for note in bus.notes(one, by=by)] == [one]
        assert found(bus, by, TaskFilter(assignee_id=one)) == [one]
        assert bus.get("x", by=Actor("root", roles=["admin"], tenant=f"{by.tenant}{one}")).title == str(number)


@pytest.mark.parametrize("by_what", OrderBy)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_come_in_the_order_of_code_points(
    store: Store, tenants: Iterator[str], by_what: OrderBy, descending: bool
) -> None:
    """Lists go by code point, page by page, as they do in memory; also those of equal time."""
    bus, by = a_bus(store, clock=lambda: START), Actor("root", roles=["admin"], tenant=next(tenants))
    for one in ALIKE:
        bus.execute(CreateTask(one, id=one), by=by)
    assert found(bus, by, TaskFilter(), Order(by_what, descending=descending)) == sorted(ALIKE, reverse=descending)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.sets(_IDS, min_size=2, max_size=8))
def test_whatever_ids_there_are(store: Store, tenants: Iterator[str], ids: set[str]) -> None:
    """Any ids that are different for Python are different in the store, and are listed in Python's order."""
    bus, by = a_bus(store), Actor("root", roles=["admin"], tenant=next(tenants))
    for one in ids:
        bus.execute(CreateTask(one, id=one), by=by)
    assert found(bus, by, TaskFilter()) == sorted(ids)


def test_each_column_of_text_goes_by_code_point(postgres_database: URL) -> None:
    """On PostgreSQL no column of text is left to the language of the database, but Alembic's own of the version."""
    engine = create_engine(postgres_database)
    SqlAlchemyStore(engine).create_schema()
    engine.dispose()
    collations = (
        "SELECT collname, count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "JOIN pg_collation ON pg_collation.oid = attcollation "
        "WHERE relname ~ '^casewright' AND relname <> 'casewright_version' AND relkind = 'r' GROUP BY 1"
    )
    texts = [column for table in TABLES.all for column in table.c if column.type.python_type is not int]
    assert rows_of(postgres_database, collations) == [("C", len(texts))]
