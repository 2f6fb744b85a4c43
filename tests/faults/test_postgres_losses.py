"""Connections that end, a server that goes away and comes back: nothing half-written, and the pool goes on (T1, T3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Engine, create_engine

from casewright import (
    AddNote,
    CommandBus,
    CompleteTask,
    CreateTask,
    OpenCase,
    OutcomeUnknownError,
    Report,
    StorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.plain_sql import disagreements, plainly, recorded, rows_of
from support.sizes import full
from support.watched_store import WatchedStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL

    from support.proxy import Cut, Proxy

END = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'losing'"


class Scene:
    """A store in an emptied database, with a case and a task in it, and a way for others to come in between.

    Args:
        url: Where the database is.
        through: Where the store finds it; there as well where None.
    """

    def __init__(self, url: URL, through: URL | None = None) -> None:
        """Make it."""
        found = (url if through is None else through).update_query_dict({"application_name": "losing"})
        self.engine: Engine = create_engine(found)
        self.reports: list[Report] = []
        self.before_commit: Callable[[], object] | None = None
        store = SqlAlchemyStore(self.engine)
        store.create_schema()
        self.plain = plainly(url)
        self.plain.execute("TRUNCATE " + ", ".join(table.name for table in store.tables.all))
        watched = WatchedStore(store, self._before_commit)
        self.unwatched = CommandBus(store, DEFINITIONS)
        self.bus = CommandBus(watched, DEFINITIONS, observers=[self.reports.append])
        self.bus.execute(OpenCase("c", id="c"), by=ROOT)
        self.bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)

    def _before_commit(self, number: int) -> None:
        work, self.before_commit = self.before_commit, None
        if work is not None:
            work()

    def check_well(self, found: int) -> None:
        """Check that so many events are there, that they fit together, and that the next command is done."""
        pool: Any = self.engine.pool
        assert len(recorded(self.plain, "")) == found
        assert disagreements(self.plain) == []
        assert pool.checkedout() == 0
        self.bus.execute(AddNote("c", "b"), by=ROOT)
        assert len(recorded(self.plain, "")) == found + 1

    def close(self) -> None:
        """Give everything back."""
        self.engine.dispose()
        self.plain.close()


@pytest.fixture
def scene(postgres_database: URL) -> Iterator[Scene]:
    """Yield a scene."""
    with closing(Scene(postgres_database)) as made:
        yield made


@pytest.fixture
def proxy(postgres_database: URL) -> Iterator[Proxy]:
    """Yield a proxy to the server."""
    from support.proxy import proxied

    with proxied(postgres_database) as made:
        yield made


@pytest.fixture
def far(postgres_database: URL, proxy: Proxy) -> Iterator[Scene]:
    """Yield a scene whose store is behind the proxy."""
    with closing(Scene(postgres_database, proxy.url)) as made:
        yield made


def test_a_connection_that_is_ended(scene: Scene) -> None:
    """Where the server ends the connection in the middle of a command, the command is done on another one (T6)."""
    scene.before_commit = lambda: scene.plain.execute(END)
    scene.bus.execute(CompleteTask("t"), by=ROOT)

    assert scene.reports[-1].attempts == 2
    scene.check_well(5)


def test_a_transaction_that_idles_for_too_long(postgres_database: URL) -> None:
    """Where the server ends a transaction that waits for a slow fact, the command is done in another one (T6)."""
    limited = postgres_database.update_query_dict({"options": "-c idle_in_transaction_session_timeout=300"})
    with closing(Scene(postgres_database, limited)) as scene:

        def wait() -> None:
            while rows_of(scene.plain, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'losing'"):
                """Somebody takes their time."""

        scene.before_commit = wait
        scene.bus.execute(CompleteTask("t"), by=ROOT)

        assert scene.reports[-1].attempts == 2
        scene.check_well(5)


def test_connections_that_were_ended_while_nobody_used_them(scene: Scene) -> None:
    """Where all connections of the pool have ended since, the next command is done, at its second attempt."""
    with scene.engine.connect(), scene.engine.connect(), scene.engine.connect():
        pass
    assert len(rows_of(scene.plain, END)) == 3
    scene.bus.execute(CompleteTask("t"), by=ROOT)

    assert scene.reports[-1].attempts == 2
    scene.check_well(5)


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("times", [3, full(100)])
def test_a_commit_that_is_cut_off(far: Scene, proxy: Proxy, cut: Cut, times: int) -> None:
    """Whether the server got it or not, the caller is told that nobody knows, and loading the item tells (T3)."""
    for number in range(times):
        before = recorded(far.plain, "")
        proxy.cut = cut
        error = failure_of(far.bus.execute, CreateTask("t", id=f"u{number}", case_id="c"), by=ROOT)

        assert type(error) is OutcomeUnknownError
        assert "load the item" in str(error)
        assert len(recorded(far.plain, "")) == len(before) + (2 if cut == "after" else 0)
    far.check_well(3 + (2 * times if cut == "after" else 0))


@pytest.mark.parametrize("times", [10, full(500)])
def test_a_commit_that_is_cut_off_is_sent_again_under_its_key(far: Scene, proxy: Proxy, times: int) -> None:
    """Whether the server got it or not, the retry has exactly one effect, and the original answer (T3)."""
    count, bus, item_id = "SELECT count(*) FROM casewright_event", far.unwatched, "t"
    for number in range(times):
        ((before,),) = rows_of(far.plain, count)
        command: Any = CreateTask("t") if number % 2 else AddNote(item_id, "b")
        for place, cut in enumerate(_CUTS):
            proxy.cut = cut
            error = failure_of(bus.execute, command, by=ROOT, key=f"{cut}.{number}")
            assert type(error) is OutcomeUnknownError
            assert "same key" in str(error)
            assert rows_of(far.plain, count) == [(before + place * 2,)]  # that of the one cut before, and this one
            again = bus.outcome(command, by=ROOT, key=f"{cut}.{number}")
            assert again.replayed is (cut == "after")
            assert rows_of(far.plain, count) == [(before + place + 1,)]
            item_id = again.item.id
    assert rows_of(far.plain, "SELECT count(*) FROM casewright_ledger") == [(2 * times,)]
    far.check_well(3 + 2 * times)


_CUTS: Final[tuple[Cut, ...]] = ("before", "after")


def test_a_server_that_goes_away_and_comes_back(far: Scene, proxy: Proxy) -> None:
    """Where the server goes away in mid-command, the caller is told, and the same store goes on when it is back."""
    far.before_commit = proxy.go_away
    for _ in range(3):
        error = failure_of(far.bus.execute, CompleteTask("t"), by=ROOT)
        assert type(error) is StorageError
        assert "cannot be reached" in str(error)
    proxy.come_back()
    far.check_well(3)
