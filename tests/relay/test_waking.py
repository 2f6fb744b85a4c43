"""On PostgreSQL a commit wakes relays; where it cannot, they look by themselves."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright import (
    AsyncOutboxRelay,
    InvalidInputError,
    MisuseError,
    OutboxRelay,
    RelayReport,
    async_stop_on_signals,
    stop_on_signals,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.sqlalchemy import AsyncPostgresWaking, AsyncSqlAlchemyStore, PostgresWaking, SqlAlchemyStore
from casewright.domain.catalog import TASK
from casewright.testing.contracts.driving import created, write
from casewright.testing.fakes import CollectingPublisher
from support.relays import RELAYS
from support.stores import emptied, with_tables

LONG = timedelta(minutes=4)
NONE = timedelta(0)
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(query, 'LISTEN')"


@pytest.fixture(scope="module")
def server(postgres_database: URL) -> Iterator[Engine]:
    """Yield an engine for a database with the tables."""
    yield from with_tables(create_engine(postgres_database))


def test_a_commit_wakes_a_relay(server: Engine) -> None:
    """What a store with ``notify`` commits is delivered at once, however long the relay would wait."""
    store, sink, stop = SqlAlchemyStore(emptied(server), notify=True), CollectingPublisher(), threading.Event()
    waking = PostgresWaking(server)
    assert waking.wait(NONE)

    def look(report: RelayReport) -> None:
        if report.delivered:
            stop.set()
        elif report.idle:
            write(store, *created(TASK, "a"))

    OutboxRelay(store, sink, waking=waking, observers=[look]).run_forever(stop, poll=LONG)
    assert [message.id for message in sink.published] == ["a.1"]
    waking.close()
    waking.close()


def test_a_listener_that_is_cut_off_says_so_and_begins_anew(server: Engine) -> None:
    """Where the connection is lost the relay waits without it, and is woken again afterwards."""
    waking = PostgresWaking(server)
    assert waking.wait(NONE)
    with server.connect() as connection:
        connection.exec_driver_sql(ENDED)
    assert not waking.wait(LONG)
    assert waking.wait(NONE)
    waking.close()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_commit_wakes_a_relay_on_an_event_loop(server: Engine, driver: str) -> None:
    """So it does through each driver, and a listener that is cut off says so and begins anew."""
    emptied(server)

    async def relay(engine: AsyncEngine) -> None:
        store, sink, stop = AsyncSqlAlchemyStore(engine, notify=True), _Sink(), asyncio.Event()
        waking = AsyncPostgresWaking(engine)
        assert await waking.wait(NONE)
        plain = SqlAlchemyStore(server, notify=True)

        async def look(report: RelayReport) -> None:
            if report.delivered:
                stop.set()
            elif report.idle:
                await asyncio.to_thread(write, plain, *created(TASK, driver))

        await AsyncOutboxRelay(store, sink, waking=waking, observers=[look]).run_forever(stop, poll=LONG)
        assert sink.ids == [f"{driver}.1"]
        with server.connect() as connection:
            connection.exec_driver_sql(ENDED)
        while await waking.wait(LONG):  # until it has noticed
            pass
        assert await waking.wait(NONE)
        await waking.close()
        await waking.close()

    run_on(server, driver, relay)


def test_an_asynchronous_store_notifies_too(server: Engine) -> None:
    """What it commits wakes as well."""
    waking = PostgresWaking(server)
    waking.wait(NONE)

    async def commit(engine: AsyncEngine) -> None:
        async with AsyncSqlAlchemyStore(engine, notify=True).begin(tenant="") as uow:
            await uow.record(*created(TASK, "told"))
            await uow.commit()

    run_on(server, "asyncpg", commit)
    assert waking.wait(LONG)
    waking.close()


def run_on(server: Engine, driver: str, work: Callable[[AsyncEngine], Coroutine[Any, Any, None]]) -> None:
    """Run it with an engine of this driver."""

    async def run() -> None:
        engine = create_async_engine(server.url.set(drivername=f"postgresql+{driver}"))
        await work(engine)
        await engine.dispose()

    asyncio.run(run())


class _Sink:
    """A publisher that keeps the ids."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def publish(self, messages: Any) -> list[None]:
        self.ids += [message.id for message in messages]
        return [None for _ in messages]


@pytest.mark.parametrize("make", [PostgresWaking, AsyncPostgresWaking])
def test_only_postgresql_wakes(make: Any) -> None:
    """Another database, and what is no engine, are refused; so is ``notify`` there."""
    engine = create_engine("sqlite://")
    with pytest.raises((MisuseError, InvalidInputError)):
        make(engine)
    with pytest.raises(InvalidInputError):
        make("postgresql://")
    with pytest.raises(MisuseError, match="tells nobody"):
        SqlAlchemyStore(engine, notify=True)


def test_a_plain_waking_takes_no_engine_for_asyncio() -> None:
    """It says which one does."""
    engine = create_async_engine("postgresql+asyncpg://nowhere")
    with pytest.raises(MisuseError, match="AsyncPostgresWaking"):
        PostgresWaking(engine.sync_engine)
    with pytest.raises(MisuseError, match="tells nobody"):
        AsyncPostgresWaking(create_async_engine("sqlite+aiosqlite://"))


@pytest.mark.parametrize("kind", RELAYS)
def test_a_relay_that_cannot_be_woken_waits_all_the_same(kind: str) -> None:
    """Where nobody can tell of news it waits as long as it would without."""
    waited: list[float | None] = []

    class Deaf:
        def wait(self, longest: timedelta) -> bool:
            return False

    class AwaitedDeaf:
        async def wait(self, longest: timedelta) -> bool:
            return False

    class Once:
        def is_set(self) -> bool:
            return bool(waited)

        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return True

    deaf: Any = Deaf() if kind == "plain" else AwaitedDeaf()
    RELAYS[kind](MemoryStore(), CollectingPublisher(), waking=deaf).run_forever(Once())
    assert len(waited) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_relay(number: int) -> None:
    """A script ends cleanly on SIGTERM and SIGINT, and has its own handlers back afterwards."""
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    stop, reports = threading.Event(), []

    def look(report: RelayReport) -> None:
        reports.append(report)
        signal.raise_signal(number)

    store = MemoryStore()
    with stop_on_signals(stop):
        OutboxRelay(store, CollectingPublisher(), observers=[look]).run_forever(stop, poll=LONG)
    assert reports
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_relay_on_an_event_loop(number: int) -> None:
    """So it does on the loop of the main thread."""

    async def relay() -> None:
        stop = asyncio.Event()
        observers = [lambda report: signal.raise_signal(number)]
        with async_stop_on_signals(stop):
            relay = AsyncOutboxRelay(AsyncMemoryStore(), _Sink(), observers=observers)
            await relay.run_forever(stop, poll=LONG)

    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    asyncio.run(relay())
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_relay_on_an_event_loop_looks_again_after_its_poll() -> None:
    """Without news it waits no longer than it was told, and goes on."""
    rounds: list[RelayReport] = []

    async def relay() -> None:
        stop = asyncio.Event()
        observers = [rounds.append, lambda report: stop.set() if len(rounds) == 3 else None]
        await AsyncOutboxRelay(AsyncMemoryStore(), _Sink(), observers=observers).run_forever(stop, poll=NONE)

    asyncio.run(relay())
    assert len(rounds) == 3
