"""What goes wrong below the store comes out as one of our errors, with a cause and a cure and without SQL or values."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from casewright import OutcomeUnknownError, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.filters import Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING
from support.stores import a_created_task, record, sqlite_engine, sqlite_store

SECRET = "kanarienvogel"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Return a store in a file that holds one task."""
    store = sqlite_store(tmp_path / "x.db")
    record(store, a_created_task(title=SECRET))
    yield store
    store.engine.dispose()


def plain(store: SqlAlchemyStore, *statements: str) -> None:
    """Do something to the store's file that it knows nothing of."""
    with closing(sqlite3.connect(str(store.engine.url.database), isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def failure(work: Callable[[], object], kind: type[StorageError] = StorageError) -> StorageError:
    """Return the error that the work ends with; check that it shows nothing and names the driver's error alone."""
    with pytest.raises(StorageError) as caught:
        work()
    error = caught.value
    assert type(error) is kind
    assert error.advice
    text = f"{error} {error.__cause__}"
    assert SECRET not in text
    assert "SELECT" not in text
    assert not isinstance(error.__cause__, SQLAlchemyError)
    return error


def read(store: SqlAlchemyStore) -> None:
    """Read all that there is."""
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.find("task", EVERYTHING, order=Order(), limit=9)
        unit.items.get("x1")
        unit.history("x1")
        unit.notes("x1")
        unit.pending(limit=9)


def test_a_damaged_file(store: SqlAlchemyStore) -> None:
    """A damaged file is said to be damaged."""
    plain(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    store.engine.dispose()
    path = Path(str(store.engine.url.database))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    assert "damaged" in str(failure(lambda: read(SqlAlchemyStore(store.engine))))


def test_a_row_that_is_there_already(store: SqlAlchemyStore) -> None:
    """An event that somebody else wrote in the place of a new one stops the write, and nothing of it is kept."""
    change = a_created_task("x2")
    plain(store, "UPDATE casewright_event SET item_id = 'x2'")
    assert "is there already" in str(failure(lambda: record(store, change)))
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x2") is None


@pytest.mark.parametrize("table", ["casewright_event", "casewright_outbox"])
def test_a_row_that_is_left_out_without_an_error(store: SqlAlchemyStore, table: str) -> None:
    """An event or a pointer that a trigger leaves out stops the write, and nothing of it is kept (T1)."""
    plain(store, f"CREATE TRIGGER planted BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    assert "left out" in str(failure(lambda: record(store, a_created_task("x2"))))
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x2") is None
        assert unit.history("x2") == ()
        assert len(unit.pending(limit=9)) == 1


def test_a_unit_in_another_thread(tmp_path: Path) -> None:
    """A unit that is used in another thread than the one that opened its connection is told so."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", connect_args={"check_same_thread": True})
    store = SqlAlchemyStore(engine)
    store.create_schema()
    errors: list[StorageError] = []
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.items.get("x1")
        thread = threading.Thread(target=lambda: errors.append(failure(lambda: unit.items.get("x1"))))
        thread.start()
        thread.join()
    assert "only in the thread that made it" in str(errors)
    engine.dispose()


class _Failing(sqlite3.Connection):
    """A connection on which some statements fail: before they are done, or after."""

    fail: dict[str, bool]

    def cursor(self, factory: Any = None) -> Any:
        connection = self

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, *parameters: Any) -> Any:
                if connection.fail.get(statement) is False:
                    raise sqlite3.OperationalError(f"planted {SECRET}")
                answer = super().execute(statement, *parameters)
                if statement in connection.fail:
                    raise sqlite3.OperationalError(f"planted {SECRET}")
                return answer

        return super().cursor(Cursor)


def _failing(store: SqlAlchemyStore, fail: dict[str, bool]) -> SqlAlchemyStore:
    """Return a store in the same file whose statements begin to fail when the mapping says so."""
    factory = type("Failing", (_Failing,), {"fail": fail})
    return SqlAlchemyStore(sqlite_engine(str(store.engine.url.database), connect_args={"factory": factory}))


def test_a_commit_of_unknown_outcome(store: SqlAlchemyStore) -> None:
    """Where the driver fails at commit and no transaction is left, the outcome is said to be unknown (T3)."""
    fail: dict[str, bool] = {}
    failing = _failing(store, fail)
    failing.begin(tenant=NO_TENANT)
    fail["COMMIT"] = True
    failure(lambda: record(failing, a_created_task("x2")), OutcomeUnknownError)
    fail["COMMIT"] = False
    failure(lambda: record(failing, a_created_task("x3")))
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x2") is not None
        assert unit.items.get("x3") is None
    failing.engine.dispose()


def test_an_error_that_is_not_of_the_driver_comes_out(store: SqlAlchemyStore) -> None:
    """What something else raises on the way comes out as it is, also where SQLAlchemy has wrapped it (T4)."""
    planted = RuntimeError("planted")

    class Broken(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            raise planted

    driver = Broken(str(store.engine.url.database))
    engine = sqlite_engine("", creator=lambda: driver, poolclass=NullPool, _initialize=False)
    with pytest.raises(RuntimeError) as caught:
        SqlAlchemyStore(engine, sql_events=True).ping()
    assert caught.value is planted
