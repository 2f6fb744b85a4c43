"""Connections to MariaDB that are killed or cut at every point: all of a unit is there or nothing (T1, T3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import (
    AddNote,
    Command,
    CommandBus,
    CreateTask,
    OpenCase,
    OutcomeUnknownError,
    Store,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import AsyncSqlAlchemyStore, SqlAlchemyStore
from casewright.testing.portal import Portal, SynchronousStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.plain_sql import disagreements, plainly, recorded, rows_of
from support.proxy import Cut, Proxy, proxied

if TYPE_CHECKING:
    from sqlalchemy import URL

WORK: Final[tuple[Command[Any], ...]] = (CreateTask("t", id="t", case_id="c"), AddNote("t", "n"), OpenCase("d", id="d"))
LARGEST: Final = 40
"""More statements than there are in the work."""


@pytest.fixture
def plain(mariadb_database: URL) -> Iterator[Any]:
    """Yield a connection of somebody else's to a database with a case in it."""
    engine = create_engine(mariadb_database)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    with engine.begin() as connection:
        for table in store.tables.all:
            connection.execute(table.delete())
    CommandBus(store, DEFINITIONS).execute(OpenCase("c", id="c"), by=ROOT)
    engine.dispose()
    with closing(plainly(mariadb_database)) as made:
        yield made


@pytest.fixture(params=["pymysql", "asyncmy"])
def opened(request: pytest.FixtureRequest, mariadb_database: URL) -> Iterator[tuple[Store, Engine]]:
    """Yield a store through each driver, whose statements SQLAlchemy sees, and its engine."""
    if request.param == "pymysql":
        engine = create_engine(mariadb_database)
        yield SqlAlchemyStore(engine, sql_events=True), engine
        engine.dispose()
        return
    with Portal() as portal:
        awaited = create_async_engine(mariadb_database.set(drivername="mariadb+asyncmy"))
        yield SynchronousStore(AsyncSqlAlchemyStore(awaited, sql_events=True), portal), awaited.sync_engine
        portal.run(awaited.dispose())


def kills(plain: Any, engine: Engine, place: int) -> Callable[[], None]:
    """Kill the connection that is about to send the statement of this number; return what ends that."""
    numbers = iter(range(10_000))

    def kill(connection: Any, *_: object) -> None:
        if next(numbers) == place:
            with plain.cursor() as cursor:
                cursor.execute(f"KILL {connection.connection.driver_connection.thread_id()}")

    event.listen(engine, "before_cursor_execute", kill)
    return lambda: event.remove(engine, "before_cursor_execute", kill)


def test_a_connection_that_is_killed_in_mid_unit(plain: Any, opened: tuple[Store, Engine]) -> None:
    """Whichever statement meets a killed connection, nothing is written, it is told, and the next try does it (T1)."""
    store, engine = opened
    bus = CommandBus(store, DEFINITIONS, max_attempts=1)
    before, place = recorded(plain, ""), 0
    for place in range(LARGEST):
        done = kills(plain, engine, place)
        try:
            bus.execute_many(WORK, by=ROOT, all_or_nothing=True)
        except TransientStorageError:
            assert recorded(plain, "") == before
        else:
            break
        finally:
            done()
    assert 10 < place < LARGEST
    assert len(recorded(plain, "")) == len(before) + 4
    assert disagreements(plain) == []


def test_a_command_whose_connection_was_killed_is_tried_again(plain: Any, opened: tuple[Store, Engine]) -> None:
    """Connections that were killed while they lay in the pool, or at a statement, cost another attempt and no more."""
    store, engine = opened
    bus = CommandBus(store, DEFINITIONS, pause=lambda seconds: None)
    done = kills(plain, engine, 7)
    bus.execute(WORK[0], by=ROOT)
    done()
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    for (number,) in rows_of(plain, others):
        with plain.cursor() as cursor:
            cursor.execute(f"KILL {number}")
    bus.execute(WORK[1], by=ROOT)
    assert [action for _, _, action in recorded(plain, "")] == ["create", "task_opened", "create", "add_note"]
    assert disagreements(plain) == []


@pytest.fixture
def proxy(mariadb_database: URL) -> Iterator[Proxy]:
    """Yield a proxy to the server."""
    with proxied(mariadb_database) as made:
        yield made


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_commit_that_is_cut_off(plain: Any, proxy: Proxy, cut: Cut) -> None:
    """Where nobody can know whether a commit was done the caller is told so, and it is never tried again (T3)."""
    engine = create_engine(proxy.url)
    bus = CommandBus(SqlAlchemyStore(engine), DEFINITIONS)
    bus.get("c", by=ROOT)
    before = recorded(plain, "")
    proxy.cut = cut
    error = failure_of(bus.execute, WORK[0], by=ROOT)
    assert type(error) is OutcomeUnknownError
    assert len(recorded(plain, "")) == len(before) + (2 if cut == "after" else 0)
    assert disagreements(plain) == []
    assert bus.get("c", by=ROOT).version == (2 if cut == "after" else 1)
    engine.dispose()


def test_a_server_that_is_started_again(plain: Any, proxy: Proxy) -> None:
    """While the server is away that is told, and once it is back the same pool serves commands again."""
    engine = create_engine(proxy.url)
    bus = CommandBus(SqlAlchemyStore(engine), DEFINITIONS, pause=lambda seconds: None)
    bus.get("c", by=ROOT)
    proxy.go_away()
    assert "cannot be reached" in str(failure_of(bus.execute, WORK[0], by=ROOT))
    proxy.come_back()
    bus.execute(WORK[0], by=ROOT)
    assert disagreements(plain) == []
    engine.dispose()
