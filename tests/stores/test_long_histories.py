"""An item of ten thousand events costs no more to change than a new one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any, Final

import pytest
from sqlalchemy import StaticPool, create_engine

from casewright import TASK, Change, Store, verify
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.ids import NO_TENANT
from casewright.testing.contracts.driving import all_of, created, decided, write
from support.stepping import stepped

EVENTS: Final = 10_000
FEW: Final = 10


@pytest.fixture(scope="module")
def changes() -> Sequence[Change[Any]]:
    """Return the changes of one item, of which any number of the first ones can be recorded."""
    made = list(created(TASK, "a"))
    while len(made) < EVENTS:
        made += decided(made[-1].after, "set_due", {"due_at": f"{2000 + len(made) % 7000}-01-01T00:00:00Z"})
    return made


def appended(store: Store, change: Change[Any]) -> None:
    """Load the item and append one event, as a command does."""
    with store.begin(tenant=NO_TENANT) as uow:
        assert uow.items.get("a") == change.before
        uow.record(change)
        uow.commit()


def peak_of(store: Store, change: Change[Any]) -> int:
    """Return the most memory that appending an event took at a time."""
    tracemalloc.start()
    try:
        appended(store, change)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def steps_of(store: SqlAlchemyStore, change: Change[Any]) -> int:
    """Return how many steps of SQLite's own machine appending an event took."""
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    steps: list[int] = []
    driver.set_progress_handler(lambda: steps.append(1), 1)
    appended(store, change)
    driver.set_progress_handler(None, 1)
    return len(steps)


def test_the_last_event_in_memory_costs_what_the_first_did(changes: Sequence[Change[Any]]) -> None:
    """It takes as many steps, and no copy of the history is made."""
    short, long = MemoryStore(), MemoryStore()
    write(short, *changes[:FEW])
    write(long, *changes[: EVENTS - 2])
    assert stepped(lambda: appended(short, changes[FEW])) == stepped(lambda: appended(long, changes[EVENTS - 2]))
    reference = 8  # what a copy would take for each event
    assert peak_of(long, changes[EVENTS - 1]) < peak_of(short, changes[FEW + 1]) + EVENTS * reference / 2
    assert verify(all_of(long, "a")[1]) == ()


def test_the_last_event_in_sqlite_costs_what_the_first_did(changes: Sequence[Change[Any]]) -> None:
    """It takes as many steps of the database's own machine, within one in ten."""
    steps = []
    for length in (FEW, EVENTS - 1):
        store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
        store.create_schema()
        write(store, *changes[:length])
        steps.append(steps_of(store, changes[length]))
        store.engine.dispose()
    assert FEW < steps[1] < 1.1 * steps[0]
