"""What only a server of one's own can be made to do: crash, and ask for passwords."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine

from casewright import CommandBus, CreateTask, OpenCase, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.keeping import missing
from support.plain_sql import disagreements, plainly, recorded, rows_of
from support.watched_store import WatchedStore, on_attempts

if TYPE_CHECKING:
    from sqlalchemy import URL

    from support.servers import PostgresServer


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """Yield a server that may be harmed."""
    from support.servers import start_postgres, unavailable

    version = os.environ.get("CASEWRIGHT_POSTGRES") or "17"
    if reason := unavailable(version):
        missing(reason, wanted="CASEWRIGHT_POSTGRES" in os.environ)
    server = start_postgres(version)
    yield server
    server.stop()


@pytest.fixture
def database(own_server: PostgresServer) -> URL:
    """Return an empty database on it."""
    return own_server.url(database=own_server.new_database())


def back(url: URL) -> Any:
    """Return a connection to a server that is on its way back, as soon as it takes some."""
    from psycopg import OperationalError

    while True:
        with suppress(OperationalError):
            return plainly(url)


def test_a_server_that_crashes(database: URL) -> None:
    """Where the server crashes in mid-command, the same store and pool go on when it is back, and all fits (T1, T2)."""
    engine = create_engine(database)
    store = SqlAlchemyStore(engine)
    store.create_schema()

    def crash() -> None:
        with engine.connect() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGKILL)  # and the server throws out everybody, and starts anew
            connection.invalidate()

    bus = CommandBus(WatchedStore(store, on_attempts(2, do=crash)), DEFINITIONS)
    bus.execute(OpenCase("c", id="c"), by=ROOT)
    with suppress(StorageError):  # unless the server is back before the second attempt
        bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)

    with closing(back(database)) as plain:
        pool: Any = engine.pool
        assert pool.checkedout() == 0
        assert len(recorded(plain, "")) in {1, 3}
        assert disagreements(plain) == []
        bus.execute(OpenCase("d", id="d"), by=ROOT)
        assert ("d", 1, "create") in recorded(plain, "")
    engine.dispose()


def test_a_wrong_password(own_server: PostgresServer, database: URL) -> None:
    """A user who is not let in is told to check who they are; neither the password nor the user is repeated."""
    assert own_server.kept is not None
    rules = own_server.kept.folder / "data" / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text(encoding="utf-8"), encoding="utf-8")
    with closing(plainly(database)) as plain:
        plain.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        loaded = plain.execute("SELECT pg_conf_load_time(), pg_reload_conf()").fetchone()[0]
    while rows_of(database, "SELECT pg_conf_load_time()") == [(loaded,)]:
        """The server has not got to it yet."""
    engine = create_engine(database.set(username="locked", password="kanarienvogel"))
    error = failure_of(SqlAlchemyStore(engine).ping)

    assert type(error) is StorageError
    assert "lets this client in" in str(error)
    assert "kanarienvogel" not in f"{error} {error!r} {error.__cause__}"
    engine.dispose()
