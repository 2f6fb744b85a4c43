"""The schema: never made without being asked for, never mixed with another one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import MetaData, inspect

from casewright import Case, Event, InvalidInputError, MisuseError, Note, OutboxPointer, StorageError, Task
from casewright.adapters.sqlalchemy import SqlAlchemyStore, Tables, check, metadata, upgrade
from casewright.domain.ids import NO_TENANT
from support.stores import a_created_task, record, sqlite_engine, sqlite_store

TABLES = {table.name for table in metadata.tables.values()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Return a store in a new file, without a schema."""
    store = SqlAlchemyStore(sqlite_engine(tmp_path / "x.db"))
    yield store
    store.engine.dispose()


def plain(tmp_path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Do something to the file that the store knows nothing of; return what the last statement gave."""
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def test_each_column_holds_a_field() -> None:
    """What items, events and notes consist of has a column each, and there is no other column."""

    def of(*classes: Any) -> set[str]:
        return {field.name for cls in classes for field in attrs.fields(cls)}

    columns = {table.name: {column.name for column in table.c} for table in metadata.tables.values()}
    assert columns["casewright_item"] == of(Task, Case) | {"kind"}
    assert columns["casewright_event"] == of(Event)
    assert columns["casewright_note"] == of(Note) | {"place"}
    assert columns["casewright_outbox"] == of(OutboxPointer) | {"published_at"}


def test_missing_tables_are_named(store: SqlAlchemyStore) -> None:
    """Where tables are missing, begin and ping name them and what creates them, and create nothing."""
    for question in (store.ping, lambda: store.begin(tenant=NO_TENANT)):
        expected = r"has no casewright_denial, .*; store.create_schema\(\) creates .* casewright schema --upgrade URL$"
        with pytest.raises(StorageError, match=expected):
            question()
    assert store.present_tables() == frozenset()


def test_one_missing_table_is_named_and_created(store: SqlAlchemyStore, tmp_path: Path) -> None:
    """Where one table is missing, just that one is named, and create_schema creates it and leaves the others alone."""
    store.create_schema()
    record(store, a_created_task())
    plain(tmp_path, "DROP TABLE casewright_note")
    again = SqlAlchemyStore(store.engine)
    with pytest.raises(StorageError, match=r"has no casewright_note; .* creates what is missing$"):
        again.ping()
    assert again.present_tables() == TABLES - {"casewright_note"}
    again.create_schema()
    with again.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x1") is not None


def test_create_schema_may_be_repeated(store: SqlAlchemyStore, tmp_path: Path) -> None:
    """Where all is there, create_schema does nothing; every table has its key and its indexes have names."""
    store.create_schema()
    before = plain(tmp_path, "SELECT * FROM sqlite_master")
    store.create_schema()
    store.ping()
    assert plain(tmp_path, "SELECT * FROM sqlite_master") == before
    assert store.present_tables() == TABLES == set(metadata.tables)
    found = inspect(store.engine)
    assert all(found.get_pk_constraint(name)["name"] == f"pk_{name}" for name in TABLES)
    assert len(found.get_indexes("casewright_item")) == 4


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("ALTER TABLE casewright_note ADD COLUMN zz", "casewright_note is of another schema: it also has zz"),
        ("ALTER TABLE casewright_item DROP COLUMN title", "casewright_item is of another schema: it lacks title"),
        ("DROP TABLE casewright_event", None),
    ],
)
def test_another_schema_is_refused(store: SqlAlchemyStore, tmp_path: Path, statement: str, problem: str | None) -> None:
    """A table of our name with other columns is refused, and named with what is different; nothing is changed."""
    store.create_schema()
    plain(tmp_path, statement)
    if problem is None:
        plain(tmp_path, "CREATE VIEW CASEWRIGHT_EVENT AS SELECT 1 AS version")
    before = plain(tmp_path, "SELECT * FROM sqlite_master")
    again = SqlAlchemyStore(store.engine)
    for question in (again.ping, again.create_schema, again.present_tables, lambda: again.begin(tenant=NO_TENANT)):
        with pytest.raises(StorageError, match=problem or "casewright_event is of another schema: it lacks action"):
            question()
    assert plain(tmp_path, "SELECT * FROM sqlite_master") == before


def test_the_schema_is_checked_once(tmp_path: Path) -> None:
    """Only the first unit of a store asks for the tables; ping asks each time."""
    store = sqlite_store(tmp_path / "x.db")
    store.begin(tenant=NO_TENANT)
    plain(tmp_path, "DROP TABLE casewright_note")
    store.begin(tenant=NO_TENANT)
    with pytest.raises(StorageError, match="has no casewright_note"):
        store.ping()
    store.engine.dispose()


def test_a_failed_creation_leaves_nothing(tmp_path: Path) -> None:
    """Where a table cannot be created, none is."""
    store = SqlAlchemyStore(sqlite_engine(tmp_path / "x.db"))
    plain(tmp_path, "CREATE TABLE ours (one)", "CREATE INDEX ix_casewright_note_tenant_item_id_version ON ours (one)")
    with pytest.raises(StorageError, match="refused what the store asked"):
        store.create_schema()
    assert store.present_tables() == frozenset()
    store.engine.dispose()


def test_tables_are_in_the_schema_of_their_metadata(tmp_path: Path) -> None:
    """A metadata with a schema of its own is where all tables are, that of the version and the next ones included."""
    tables = Tables(MetaData(schema="main"))
    assert {table.schema for table in (*tables.all, tables.version)} == {tables.schema} == {"main"}
    with pytest.raises(MisuseError, match="holds tables of these names already"):
        Tables(tables.metadata)
    with pytest.raises(InvalidInputError, match="schema"):
        Tables(MetaData(schema='a"b'))
    store = SqlAlchemyStore(sqlite_engine(tmp_path / "x.db"), tables=tables)
    with store.engine.begin() as connection:
        upgrade(connection, tables=tables)
        assert check(connection, tables=tables) == ()
    store.ping()
    store.engine.dispose()
