"""How long idempotency keys are kept, and what removes them (I7)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from casewright import (
    KEY_RETENTION,
    CommandBus,
    CreateTask,
    InvalidInputError,
    MisuseError,
    async_purge_keys,
    purge_keys,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from support.backends import Backend
from support.buses import DEFINITIONS, ROOT, START, failure_of
from support.watched_store import WatchedStore


def test_the_default_is_seventy_two_hours() -> None:
    """Three days, said in one place (I7)."""
    assert timedelta(hours=72) == KEY_RETENTION


@pytest.mark.parametrize("awaited", [False, True])
def test_a_key_is_kept_until_its_time_is_over(backend: Backend, awaited: bool) -> None:
    """At the limit it is answered still, a moment later it counts as new; an id keeps a create safe (I7)."""
    now = [START]
    store: Any = backend.store
    bus = CommandBus(store, DEFINITIONS, clock=lambda: now[0])
    made = bus.outcome(CreateTask("t"), by=ROOT, key="k")
    bus.execute(CreateTask("t", id="t"), by=ROOT, key="named")
    for step in (timedelta(0), KEY_RETENTION / 2, KEY_RETENTION, KEY_RETENTION + timedelta(microseconds=1)):
        now[0] = START + step
        if awaited and isinstance(store, MemoryStore):
            removed = asyncio.run(async_purge_keys(AsyncMemoryStore(store), clock=lambda: now[0], batch=1))
        else:
            removed = purge_keys(store, clock=lambda: now[0], batch=1)
        assert removed == (2 if step > KEY_RETENTION else 0)
        again = bus.outcome(CreateTask("t"), by=ROOT, key="k")
        assert again.replayed is (step <= KEY_RETENTION)
        assert (again.item.id == made.item.id) is again.replayed
    assert "already" in str(failure_of(bus.execute, CreateTask("t", id="t"), by=ROOT, key="named"))


def test_a_shorter_retention_and_any_batch_come_to_the_same(backend: Backend) -> None:
    """All that are older are removed, however few at once."""
    store: Any = backend.store
    bus = CommandBus(store, DEFINITIONS, clock=lambda: START)
    for number in range(7):
        bus.execute(CreateTask("t"), by=ROOT, key=f"{number}")
    later = START + timedelta(hours=2)
    assert purge_keys(store, clock=lambda: later, retention=timedelta(hours=2), batch=3) == 0
    assert purge_keys(store, clock=lambda: later, retention=timedelta(hours=1), batch=3) == 7


def test_keys_can_be_kept_for_ever(backend: Backend) -> None:
    """A retention that reaches back beyond all times removes nothing, and is no error (I7)."""
    store: Any = backend.store
    bus = CommandBus(store, DEFINITIONS, clock=lambda: START)
    bus.execute(CreateTask("t"), by=ROOT, key="k")
    assert purge_keys(store, clock=lambda: START, retention=timedelta.max) == 0
    assert bus.outcome(CreateTask("t"), by=ROOT, key="k").replayed


def test_what_cannot_be_purged_is_refused() -> None:
    """A store without keys, a retention that is none, and a batch below 1 are told (S1)."""
    plain: Any = WatchedStore(MemoryStore())
    assert type(failure_of(purge_keys, plain)) is MisuseError
    assert type(failure_of(lambda: asyncio.run(async_purge_keys(plain)))) is MisuseError
    wrong: list[dict[str, Any]] = [{"retention": timedelta(-1)}, {"retention": 72}, {"batch": 0}]
    for more in wrong:
        assert type(failure_of(purge_keys, MemoryStore(), **more)) is InvalidInputError
