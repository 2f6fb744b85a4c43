"""The store in SQLite: connections as they were found, nothing done before it must be, statements that can be seen."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

from casewright import (
    AlreadyExistsError,
    InvalidInputError,
    MisuseError,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.ports import Listing, Outbox, Store
from casewright.domain.filters import Order, OrderBy
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING, TermKind
from support.stores import a_created_task, begun, record, sqlite_engine

OWN: dict[str, Any] = {"isolation_level": "EXCLUSIVE", "timeout": 0.25}
"""How the caller's connections are set up: not at all as the store needs them."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine for a new file, with settings and an only connection of the caller's."""
    engine = sqlite_engine(tmp_path / "x.db", connect_args=OWN, pool_size=1, max_overflow=0, pool_timeout=0)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlAlchemyStore:
    """Return a store with its schema."""
    store = SqlAlchemyStore(engine)
    store.create_schema()
    store.begin(tenant=NO_TENANT)
    return store


def check_clean(engine: Engine) -> None:
    """Check that the one connection is in the pool, clean and as the caller has set it up."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert not driver.in_transaction
        assert driver.isolation_level == OWN["isolation_level"]
        assert driver.execute("PRAGMA busy_timeout").fetchone() == (250,)


@pytest.mark.parametrize("sql_events", [False, True])
def test_a_row_factory_of_the_callers(engine: Engine, sql_events: bool) -> None:
    """A row_factory on the caller's connections does not matter to the store, and is there again afterwards (T4)."""

    def by_name(cursor: sqlite3.Cursor, row: Any) -> dict[str, Any]:
        return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}

    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    driver.row_factory = by_name
    store = SqlAlchemyStore(engine, sql_events=sql_events)
    store.create_schema()
    record(store, a_created_task())
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x1") is not None
        assert unit.count("task", EVERYTHING) == len(unit.find("task", EVERYTHING, order=Order(), limit=9)) == 1
    assert driver.row_factory is by_name


def test_an_engine_that_renames_schemas_is_refused(engine: Engine) -> None:
    """A schema_translate_map, which only lists would obey, is refused; an empty one does nothing."""
    with pytest.raises(MisuseError, match="schema_translate_map is set"):
        SqlAlchemyStore(engine.execution_options(schema_translate_map={None: "other"}))
    SqlAlchemyStore(engine.execution_options(schema_translate_map={}))


def test_an_engine_with_a_level_for_lists_only_is_refused(engine: Engine) -> None:
    """An isolation_level among the execution options, which only lists would follow, is refused at once and later."""
    with pytest.raises(MisuseError, match="isolation_level is set"):
        SqlAlchemyStore(engine.execution_options(isolation_level="SERIALIZABLE"))
    store = SqlAlchemyStore(engine)
    store.create_schema()
    engine.update_execution_options(isolation_level="SERIALIZABLE")
    with pytest.raises(MisuseError, match="create_engine"):
        store.begin(tenant=NO_TENANT)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        SqlAlchemyStore.joining(connection).ping()  # a connection follows it as a whole


@pytest.mark.parametrize("sql_events", [False, True])
def test_settings_are_put_back(engine: Engine, sql_events: bool) -> None:
    """Whatever a unit did and however it ended, its connection goes back clean and as it was found (T4)."""
    store = SqlAlchemyStore(engine, sql_events=sql_events)
    with pytest.raises(StorageError, match="create_schema"):
        store.begin(tenant=NO_TENANT)
    check_clean(engine)
    store.create_schema()
    check_clean(engine)
    created = a_created_task()
    record(store, created)
    check_clean(engine)
    with pytest.raises(AlreadyExistsError):
        record(store, created)
    check_clean(engine)
    for write in (False, True):
        with store.begin(tenant=NO_TENANT, write=write) as unit:
            unit.items.get("x1")
            unit.find("task", EVERYTHING, order=Order(), limit=1)
        check_clean(engine)
    interrupt = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as caught:
        _interrupted(store, interrupt)
    assert caught.value is interrupt
    check_clean(engine)


def _interrupted(store: SqlAlchemyStore, interrupt: BaseException) -> None:
    with store.begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
        raise interrupt


def test_nothing_is_done_before_it_must(engine: Engine) -> None:
    """Making a store touches nothing; a unit takes a connection at its first read or when it commits, and one only."""
    taken: list[object] = []
    event.listen(engine, "checkout", lambda *about: taken.append(about))
    store = SqlAlchemyStore(engine)
    assert taken == []
    store.create_schema()
    store.begin(tenant=NO_TENANT)
    taken.clear()
    with store.begin(tenant=NO_TENANT) as unit:
        unit.record(a_created_task())
        assert taken == []
        unit.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        unit.commit()
    assert len(taken) == 1
    with store.begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
        unit.history("x1")
        unit.count("task", EVERYTHING)
    assert len(taken) == 2


def test_a_writing_unit_holds_the_lock_from_its_first_read(store: SqlAlchemyStore, tmp_path: Path) -> None:
    """A unit that writes begins at once with the lock, one that only reads without (L3)."""
    other = SqlAlchemyStore(sqlite_engine(tmp_path / "x.db"), busy_timeout=timedelta(0))
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.items.get("x1")
        record(other, a_created_task())
    with store.begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
        with pytest.raises(TransientStorageError):
            record(other, a_created_task("x2"))
    record(other, a_created_task("x2"))
    other.engine.dispose()


def test_a_file_is_switched_to_wal(tmp_path: Path) -> None:
    """A file is switched to WAL once, or left as it is where somebody uses it."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE ours (one)")
        other.execute("BEGIN")
        other.execute("SELECT * FROM ours").fetchall()
        store = SqlAlchemyStore(sqlite_engine(path), busy_timeout=timedelta(0))
        with pytest.raises(TransientStorageError):
            store.create_schema()
        other.execute("ROLLBACK")
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        store.create_schema()
        assert other.execute("SELECT * FROM ours").fetchall() == []  # only now does it look into the file again
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.engine.dispose()


def test_sql_events_see_every_statement(engine: Engine) -> None:
    """With sql_events SQLAlchemy's events see every statement; without, none but those of lists."""
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *about: sent.append(" ".join(about[2].split()[:2])))
    for sql_events in (True, False):
        store = SqlAlchemyStore(engine, sql_events=sql_events)
        store.create_schema()
        store.begin(tenant=NO_TENANT)
        sent.clear()
        created = a_created_task(f"x{sql_events}")
        record(store, created)
        with store.begin(tenant=NO_TENANT) as unit:
            unit.items.get(created.after.id)
            unit.record(begun(created.after))
            unit.commit()
        seen = [statement for statement in sent if not statement.startswith("PRAGMA")]
        create = ["BEGIN IMMEDIATE", "INSERT INTO", "INSERT INTO", "INSERT INTO", "COMMIT"]
        start = ["BEGIN IMMEDIATE", "SELECT casewright_item.tenant", "UPDATE casewright_item"]
        expected = [*create, *start, "INSERT INTO", "INSERT INTO", "COMMIT"]
        assert [statement.rstrip(",") for statement in seen] == (expected if sql_events else [])


def test_only_what_changed_is_written(store: SqlAlchemyStore, tmp_path: Path) -> None:
    """A change writes the columns that it sets and no other: what somebody else set meanwhile stays."""
    created = a_created_task(description="before")
    record(store, created)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("UPDATE casewright_item SET description = 'after', attributes = '{\"k\":1}'")
    record(store, begun(created.after))
    with store.begin(tenant=NO_TENANT) as unit:
        found = unit.items.get("x1")
    assert found is not None
    assert (found.description, dict(found.attributes), found.status) == ("after", {"k": 1}, "in_progress")


def test_it_is_a_store(store: SqlAlchemyStore) -> None:
    """It is a store to a type checker, and its units list items and the outbox by all terms and orders."""
    as_store: Store = store
    with as_store.begin(tenant=NO_TENANT) as unit:
        assert isinstance(unit, Listing)
        assert isinstance(unit, Outbox)
        assert unit.terms == frozenset(TermKind)
        assert unit.orders == frozenset(OrderBy)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"engine": None}, "engine: must be a SQLAlchemy Engine, not NoneType"),
        ({"engine": "sqlite://"}, "not str"),
        ({"busy_timeout": 10}, "busy_timeout: must be a timedelta, not int"),
        ({"busy_timeout": timedelta(seconds=-1)}, "from 0 to 24 days"),
        ({"busy_timeout": timedelta(days=25)}, "from 0 to 24 days"),
        ({"sql_events": "yes"}, "sql_events: must be True or False, not str"),
    ],
)
def test_wrong_arguments_are_refused(engine: Engine, arguments: dict[str, Any], problem: str) -> None:
    """An argument of a wrong type or range is refused with a typed error when the store is made."""
    with pytest.raises(InvalidInputError, match=problem):
        SqlAlchemyStore(**{"engine": engine, **arguments})


def test_a_tenant_that_is_none_is_refused(store: SqlAlchemyStore) -> None:
    """A unit of work for something that is no tenant is refused."""
    wrong: Any = None
    with pytest.raises(InvalidInputError, match="tenant"):
        store.begin(tenant=wrong)


@pytest.mark.parametrize("url", ["mysql+pymysql://", "sqlite+pysqlcipher://"])
def test_other_databases_and_drivers_are_refused(url: str) -> None:
    """An engine for another database or driver is refused, and what is supported is named."""
    with pytest.raises(MisuseError, match="supported are sqlite"):
        SqlAlchemyStore(create_engine(url, module=sqlite3))


def test_without_sqlalchemy_the_cure_is_named() -> None:
    """Where SQLAlchemy is not installed, importing the adapter names the line that installs it."""
    code = "import sys; sys.modules['sqlalchemy'] = None; import casewright.adapters.sqlalchemy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'needs SQLAlchemy: python -m pip install "casewright[sqlalchemy]"' in done.stderr
