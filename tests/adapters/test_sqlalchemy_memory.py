"""Memory databases: one connection, so one transaction at a time."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, SingletonThreadPool, StaticPool, create_engine, event

from casewright import (
    TASK,
    Actor,
    CommandBus,
    CreateTask,
    MisuseError,
    StartTask,
    TaskFilter,
    TransientStorageError,
    UnitOfWork,
    guard,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.ids import NO_TENANT
from support.stores import a_created_task, begun, record


@pytest.mark.parametrize("pool", [StaticPool, SingletonThreadPool])
def test_a_memory_database(pool: Any) -> None:
    """A memory database works; a second transaction on its one connection is refused, and the first goes on."""
    engine = create_engine("sqlite://", poolclass=pool)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    created = a_created_task()
    record(store, created)
    with store.begin(tenant=NO_TENANT) as first, store.begin(tenant=NO_TENANT) as second:
        first.items.get("x1")
        with pytest.raises(MisuseError, match="one connection of a memory database"):
            second.items.get("x1")
        first.record(begun(created.after))
        first.commit()
        found = second.items.get("x1")
        assert found is not None
        assert found.version == 2
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("DELETE FROM casewright_outbox")
        with pytest.raises(MisuseError, match="one connection of a memory database"):
            record(store, a_created_task("x2"))
        connection.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.pending(limit=9) == ()
    engine.dispose()


def test_a_transaction_that_somebody_else_has_ended_writes_nothing() -> None:
    """Whoever uses the one connection meanwhile ends what was begun on it: all is refused, not half of it kept (T1)."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    store = SqlAlchemyStore(engine)
    store.create_schema()

    def busy(uow: UnitOfWork, item: Any) -> bool:
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT 1").scalar())

    paid = guard(lambda item, inputs, facts, at: facts["busy"] is True, code="c", text="t", facts=["busy"])
    bus = CommandBus(store, [TASK.with_guards({"start": paid})], facts={"busy": busy})
    bus.execute(CreateTask("A", id="x1"), by=Actor("ann"))
    with pytest.raises(MisuseError, match="nothing was written; use an engine of their own"):
        bus.execute(StartTask("x1"), by=Actor("ann"))
    assert (bus.get("x1", by=Actor("ann")).version, bus.verify("x1", by=Actor("ann"))) == (1, ())
    engine.dispose()


def test_a_memory_database_after_its_connection_was_discarded() -> None:
    """A store finds a new, empty memory database where the pool has discarded the old one."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    with engine.connect() as connection:
        connection.invalidate()
    assert store.present_tables() == frozenset()
    engine.dispose()


@pytest.fixture
def shared() -> Iterator[Engine]:
    """Return an engine for a memory database that all threads share, with the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


def elsewhere(work: Callable[[], object]) -> None:
    """Do the work in another thread; what it raises comes out here."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_threads_share_a_memory_database(shared: Engine) -> None:
    """Threads with stores of their own wait for each other: what was acknowledged is there, and sound (T1, T4)."""
    ann = Actor("ann")
    meet = threading.Barrier(4)

    def work(own: int) -> None:
        bus = CommandBus(SqlAlchemyStore(shared), definitions=[TASK])
        meet.wait()
        for number in range(40):
            bus.execute(CreateTask("t", id=f"{own}-{number}"), by=ann)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    bus = CommandBus(SqlAlchemyStore(shared), definitions=[TASK])
    found = bus.find(TaskFilter(), by=ann, limit=1000).items
    assert len(found) == 160
    assert not any(bus.verify(task.id, by=ann) for task in found)
    with shared.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert driver.isolation_level == ""


def test_a_thread_waits_no_longer_than_the_busy_timeout(shared: Engine) -> None:
    """A thread that waits too long for another one's unit is told that it may try again; after the unit it can (T4)."""
    hasty = SqlAlchemyStore(shared, busy_timeout=timedelta(milliseconds=10))
    with SqlAlchemyStore(shared).begin(tenant=NO_TENANT) as unit:
        unit.items.get("x1")
        with pytest.raises(TransientStorageError, match="other threads use the one connection"):
            elsewhere(lambda: record(hasty, a_created_task()))
        with pytest.raises(MisuseError, match="one connection of a memory database"):
            record(hasty, a_created_task())
    elsewhere(lambda: record(hasty, a_created_task()))


def test_a_unit_that_ends_in_another_thread_lets_others_in(shared: Engine) -> None:
    """A unit may be ended by another thread than the one that began, and one that is forgotten keeps nobody out."""
    store = SqlAlchemyStore(shared)
    unit = store.begin(tenant=NO_TENANT)
    unit.items.get("x1")
    elsewhere(unit.rollback)
    unit = store.begin(tenant=NO_TENANT)
    unit.items.get("x1")
    del unit
    gc.collect()
    record(store, a_created_task())


@pytest.mark.parametrize("moment", ["checkout", "checkin"])
def test_an_interrupt_lets_others_in(shared: Engine, moment: str) -> None:
    """Whatever is raised while the one connection is taken or given back, others can have it (T4)."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    store = SqlAlchemyStore(shared)
    event.listen(shared, moment, interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.present_tables()
    event.remove(shared, moment, interrupt)
    store.present_tables()
    elsewhere(store.present_tables)
