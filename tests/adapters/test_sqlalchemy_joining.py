"""Joined stores: they take part in a transaction of the caller's and leave the rest to the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, event

from casewright import (
    AlreadyExistsError,
    InvalidInputError,
    Joining,
    MisuseError,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.filters import Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING
from support.stores import a_created_task, record, sqlite_engine, sqlite_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Return a store of its own, for what is in the file."""
    store = sqlite_store(tmp_path / "x.db")
    yield store
    store.engine.dispose()


@pytest.fixture
def connection(store: SqlAlchemyStore) -> Iterator[Connection]:
    """Return a connection on which a transaction is open."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def ids(store: SqlAlchemyStore) -> list[str]:
    """Return the ids of the tasks that are committed."""
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        return [item.id for item in unit.find("task", EVERYTHING, order=Order(), limit=99)]


def test_a_store_says_whether_it_joins(store: SqlAlchemyStore, connection: Connection) -> None:
    """A bus can see whether the transaction is the caller's."""
    joined = SqlAlchemyStore.joining(connection)
    assert isinstance(joined, Joining)
    assert (store.joined, joined.joined) == (False, True)
    assert joined.engine is store.engine


@pytest.mark.parametrize("sql_events", [False, True])
def test_what_is_written_is_the_callers_to_commit(
    store: SqlAlchemyStore, connection: Connection, sql_events: bool
) -> None:
    """What a unit writes is in the caller's transaction: seen there at once, elsewhere after the caller's commit."""
    joined = SqlAlchemyStore.joining(connection, sql_events=sql_events)
    record(joined, a_created_task("x1"))
    assert ids(joined) == ["x1"]
    assert ids(store) == []
    connection.commit()
    assert ids(store) == ["x1"]


def test_a_transaction_that_has_read_too_early_is_told_how_to_begin(store: SqlAlchemyStore) -> None:
    """Waiting would not help a deferred transaction that others have overtaken; beginning it otherwise does (L3)."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT * FROM casewright_item").fetchall()
        record(store, a_created_task("x1"))
        with pytest.raises(TransientStorageError, match="begin it with BEGIN IMMEDIATE"):
            record(SqlAlchemyStore.joining(connection), a_created_task("x2"))
        connection.rollback()
    assert ids(store) == ["x1"]


def test_an_error_that_undoes_the_whole_transaction(store: SqlAlchemyStore, connection: Connection) -> None:
    """Where SQLite itself undoes the caller's whole transaction, the error comes out and the next unit is refused."""
    connection.exec_driver_sql(
        "CREATE TEMP TRIGGER t BEFORE INSERT ON casewright_event BEGIN SELECT RAISE(ROLLBACK, 'planted'); END"
    )
    connection.commit()
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    joined = SqlAlchemyStore.joining(connection)
    with pytest.raises(StorageError):
        record(joined, a_created_task())
    with pytest.raises(MisuseError, match="no transaction is open"):
        joined.begin(tenant=NO_TENANT)
    assert ids(store) == []


def test_a_unit_that_cannot_be_undone_discards_the_connection(store: SqlAlchemyStore) -> None:
    """Where even going back to the savepoint fails, the connection is discarded, so that no half can be committed."""

    class Failing(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(_NoWayBack)

    engine = sqlite_engine(str(store.engine.url.database), connect_args={"factory": Failing})
    created = a_created_task()
    record(store, created)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(AlreadyExistsError):
            record(SqlAlchemyStore.joining(connection), a_created_task("x0"), created)
        assert connection.invalidated
    assert ids(store) == ["x1"]
    engine.dispose()


class _NoWayBack(sqlite3.Cursor):
    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement.startswith("ROLLBACK TO"):
            raise sqlite3.OperationalError("planted")
        return super().execute(statement, *parameters)


@pytest.mark.parametrize("isolation_level", [None, "AUTOCOMMIT", "SERIALIZABLE"])
def test_a_connection_without_a_transaction_is_refused(store: SqlAlchemyStore, isolation_level: Any) -> None:
    """A connection on which the driver has begun nothing is refused, with the cure; SQLAlchemy's begin() is no cure."""
    options = {} if isolation_level is None else {"isolation_level": isolation_level}
    with store.engine.connect().execution_options(**options) as connection:
        joined = SqlAlchemyStore.joining(connection)
        for question in (lambda: joined.begin(tenant=NO_TENANT), joined.ping, joined.create_schema):
            with pytest.raises(MisuseError, match=r'call connection.exec_driver_sql\("BEGIN IMMEDIATE"\) first'):
                question()
    with store.engine.begin() as connection, pytest.raises(MisuseError, match="no transaction is open"):
        SqlAlchemyStore.joining(connection).begin(tenant=NO_TENANT)


def test_a_closed_connection_is_refused(store: SqlAlchemyStore, connection: Connection) -> None:
    """A connection that is closed, or was discarded, is refused."""
    joined = SqlAlchemyStore.joining(connection)
    connection.invalidate()
    with pytest.raises(MisuseError, match="is closed"):
        joined.begin(tenant=NO_TENANT)
    connection.close()
    with pytest.raises(MisuseError, match="is closed"):
        joined.begin(tenant=NO_TENANT)


def test_a_transaction_that_ended_under_a_unit_is_refused(store: SqlAlchemyStore, connection: Connection) -> None:
    """A unit whose transaction the caller has ended writes nothing by itself."""
    with SqlAlchemyStore.joining(connection).begin(tenant=NO_TENANT) as unit:
        unit.record(a_created_task())
        connection.commit()
        with pytest.raises(MisuseError, match="no transaction is open"):
            unit.commit()
    assert ids(store) == []


def test_a_connection_that_cannot_be_used_is_a_storage_error(store: SqlAlchemyStore, connection: Connection) -> None:
    """A connection that SQLAlchemy or the driver refuses to use gives a typed error."""
    driver: Any = connection.connection.driver_connection
    joined = SqlAlchemyStore.joining(connection)
    with joined.begin(tenant=NO_TENANT) as unit:
        connection.commit()
        with connection.begin() as ended:
            ended.rollback()
            driver.execute("BEGIN")
            with pytest.raises(StorageError, match="cannot be used"):
                unit.count("task", EVERYTHING)
    driver.close()
    with pytest.raises(StorageError, match="cannot be used"):
        joined.begin(tenant=NO_TENANT)


def test_nothing_of_the_connection_is_changed(store: SqlAlchemyStore) -> None:
    """A joined store sets nothing, and ends nothing, on the caller's connection."""
    engine = sqlite_engine(str(store.engine.url.database), poolclass=NullPool, connect_args={"timeout": 0.25})
    sent: list[str] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(sent.append)
        joined = SqlAlchemyStore.joining(connection)
        record(joined, a_created_task("x1"))
        with joined.begin(tenant=NO_TENANT) as unit:
            unit.items.get("x1")
            unit.history("x1")
        assert driver.in_transaction
        assert driver.isolation_level == ""
        assert not any(statement.startswith(("BEGIN", "COMMIT", "PRAGMA")) for statement in sent)
        assert sum("sqlite_master" in statement for statement in sent) == 1
        connection.rollback()


def test_the_schema_can_be_created_in_the_callers_transaction(tmp_path: Path) -> None:
    """The tables are created in the caller's transaction, and go with it."""
    engine = sqlite_engine(tmp_path / "x.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        joined = SqlAlchemyStore.joining(connection)
        with pytest.raises(StorageError, match="create_schema"):
            joined.begin(tenant=NO_TENANT)
        joined.create_schema()
        record(joined, a_created_task())
        connection.rollback()
    assert SqlAlchemyStore(engine).present_tables() == frozenset()
    engine.dispose()


@pytest.mark.parametrize("wrong", [None, "sqlite://", sqlite3.connect])
def test_only_a_connection_can_be_joined(wrong: Any) -> None:
    """Anything but a Connection of SQLAlchemy's is refused."""
    with pytest.raises(InvalidInputError, match="must be a SQLAlchemy Connection"):
        SqlAlchemyStore.joining(wrong)


def test_an_engine_is_no_connection(store: SqlAlchemyStore) -> None:
    """An engine is refused as a connection, and a connection as an engine."""
    engine: Any = store.engine
    with pytest.raises(InvalidInputError, match="not Engine"):
        SqlAlchemyStore.joining(engine)
    connection: Any = store.engine.connect()
    with connection, pytest.raises(InvalidInputError, match=r"there is SqlAlchemyStore\.joining\(\)"):
        SqlAlchemyStore(connection)


def test_events_see_the_savepoint(store: SqlAlchemyStore, connection: Connection) -> None:
    """With sql_events SQLAlchemy's events see every statement of a joined store, the savepoint among them."""
    sent: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *about: sent.append(about[2].split()[0]))
    record(SqlAlchemyStore.joining(connection, sql_events=True), a_created_task())
    assert sent == ["SELECT", "SELECT", "SAVEPOINT", "INSERT", "INSERT", "INSERT", "RELEASE"]


def as_mapping(cursor: sqlite3.Cursor, row: Any) -> dict[str, Any]:
    """Return a row as the sqlite3 documentation's recipe does."""
    return dict(zip([column[0] for column in cursor.description], row, strict=True))


def test_a_row_factory_of_the_callers(store: SqlAlchemyStore, connection: Connection) -> None:
    """A row_factory stays as it is and does not matter, or is refused where SQLAlchemy would read through it."""
    driver: Any = connection.connection.driver_connection
    joined = SqlAlchemyStore.joining(connection)
    reporting = SqlAlchemyStore.joining(connection, sql_events=True)
    driver.row_factory = as_mapping
    record(joined, a_created_task())
    with joined.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x1") is not None
        with pytest.raises(MisuseError, match="has a row_factory"):
            unit.count("task", EVERYTHING)
    with pytest.raises(MisuseError, match="has a row_factory"):
        reporting.ping()
    assert driver.row_factory is as_mapping
    driver.row_factory = sqlite3.Row
    for sound in (joined, reporting):
        assert ids(sound) == ["x1"]
        with sound.begin(tenant=NO_TENANT) as unit:
            assert unit.items.get("x1") is not None
            assert unit.count("task", EVERYTHING) == 1
    driver.row_factory = None


def test_a_connection_that_renames_schemas_is_refused(connection: Connection) -> None:
    """A schema_translate_map, which only lists would obey, is refused, also where it is set later."""
    joined = SqlAlchemyStore.joining(connection)
    connection.execution_options(schema_translate_map={None: "other"})
    for question in (joined.ping, lambda: SqlAlchemyStore.joining(connection)):
        with pytest.raises(MisuseError, match="schema_translate_map is set"):
            question()
