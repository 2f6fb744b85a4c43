"""What goes wrong below the store comes out as one of our errors, with a cause and a cure and without SQL or values."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from casewright import OutcomeUnknownError, StorageError, TransientStorageError
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


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.close()
"""


@pytest.mark.parametrize("sql_events", [False, True])
def test_a_lock_of_another_process(store: SqlAlchemyStore, sql_events: bool) -> None:
    """What another process holds for longer than the busy timeout is transient; reading goes on, and it works again."""
    patient = SqlAlchemyStore(store.engine, busy_timeout=timedelta(milliseconds=20), sql_events=sql_events)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.engine.url.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        error = failure(lambda: record(patient, a_created_task("x2")), TransientStorageError)
        assert "busy timeout" in str(error)
        read(patient)
        holder.communicate(b"\n")
    record(patient, a_created_task("x2"))


def test_a_database_that_can_only_be_read(store: SqlAlchemyStore) -> None:
    """A file that is opened to be read can be read; what writes is told why not."""
    store.engine.dispose()
    engine = create_engine(f"sqlite:///file:{store.engine.url.database}?mode=ro&uri=true")
    closed = SqlAlchemyStore(engine)
    read(closed)
    assert "can only be read" in str(failure(lambda: record(closed, a_created_task("x2"))))
    engine.dispose()


def test_a_full_disk(store: SqlAlchemyStore) -> None:
    """Where the database may not grow any more, nothing is written, and reading goes on."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    engine = sqlite_engine(str(store.engine.url.database))
    event.listen(engine, "connect", limit)
    full = SqlAlchemyStore(engine)
    changes = [a_created_task(f"y{number}", description="d" * 9000) for number in range(9)]
    assert "full" in str(failure(lambda: record(full, *changes)))
    read(full)
    with full.begin(tenant=NO_TENANT) as unit:
        assert len(unit.pending(limit=99)) == 1
    engine.dispose()


@pytest.mark.parametrize("path", ["nowhere/x.db", ""])
def test_a_file_that_cannot_be_opened(tmp_path: Path, path: str) -> None:
    """A path that leads nowhere, or to a folder, is said to be the cause."""
    engine = sqlite_engine(tmp_path / path)
    store = SqlAlchemyStore(engine)
    for work in (store.ping, store.create_schema, store.present_tables, lambda: store.begin(tenant=NO_TENANT)):
        assert "cannot be opened" in str(failure(work))
    engine.dispose()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is said to be no database."""
    (tmp_path / "x.db").write_text(SECRET * 999)
    engine = sqlite_engine(tmp_path / "x.db")
    assert "no SQLite database" in str(failure(SqlAlchemyStore(engine).ping))
    engine.dispose()


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


def test_a_table_that_has_gone(store: SqlAlchemyStore) -> None:
    """What SQLite refuses for another reason names its code, and that ping tells more."""
    store.begin(tenant=NO_TENANT)
    plain(store, "DROP TABLE casewright_item")
    assert "(SQLITE_ERROR); store.ping()" in str(failure(lambda: read(store)))


def test_no_connection_left_in_the_pool(tmp_path: Path) -> None:
    """A pool whose connections are all in use is transient."""
    engine = sqlite_engine(tmp_path / "x.db", pool_size=1, max_overflow=0, pool_timeout=0)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    with engine.connect(), pytest.raises(TransientStorageError, match="connections of the engine's pool"):
        store.ping()
    engine.dispose()


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


def test_a_connection_that_cannot_be_put_in_order_is_discarded(store: SqlAlchemyStore) -> None:
    """A connection whose rollback fails is discarded, lock and all (T4)."""
    fail: dict[str, bool] = {}
    failing = _failing(store, fail)
    with failing.begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
        with failing.engine.connect() as connection:
            other = connection.connection.driver_connection
    fail["ROLLBACK"] = False
    with failing.begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
    fail.clear()
    record(store, a_created_task("x2"))
    with failing.engine.connect() as connection:
        assert connection.connection.driver_connection is not other
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
