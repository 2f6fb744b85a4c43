"""`FailedAttempt`: what met a conflict, or a store in trouble, is told to observers that listen to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from casewright import (
    AlreadyExistsError,
    AsyncCommandBus,
    CreateTask,
    FailedAttempt,
    OpenCase,
    Report,
    StaleVersionError,
    StartTask,
    StorageError,
    Tag,
    TransientStorageError,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.testing.portal import Portal
from support.buses import ANN, DEFINITIONS, WRITER, a_bus, failure_of
from support.watched_store import WatchedStore, on_attempts

pytestmark = pytest.mark.usefixtures("both_buses")


@attrs.define
class Listener:
    """Keeps what it is told, and how many units of the store were open then."""

    store: WatchedStore = attrs.field(factory=lambda: WatchedStore(MemoryStore()))
    reports: list[Report] = attrs.field(factory=list)
    failed: list[FailedAttempt] = attrs.field(factory=list)
    open: set[int] = attrs.field(factory=set)

    def __call__(self, report: Report) -> None:
        """Take a report."""
        self.reports.append(report)

    def attempt_failed(self, told: FailedAttempt) -> None:
        """Take what failed."""
        self.failed.append(told)
        self.open.add(self.store.open)

    def told(self) -> list[tuple[tuple[str, ...], str, int, bool]]:
        """Return of each failed attempt what was asked for, what it met, its number, and whether another one comes."""
        return [(one.actions, one.error.code, one.attempt, one.again) for one in self.failed]


@pytest.fixture
def listener() -> Listener:
    """An observer of both, on a store that is watched."""
    return Listener()


def raising(error: Exception) -> Callable[[], None]:
    """Return what raises this."""

    def fails() -> None:
        raise error

    return fails


@pytest.mark.parametrize("error", [StaleVersionError("x-1", 1, 2), TransientStorageError("planted")])
@pytest.mark.parametrize("together", [False, True])
def test_each_failed_attempt_is_told_before_the_next(listener: Listener, error: Any, together: bool) -> None:
    """What is tried again is told once an attempt, outside the transaction; then comes the one report (H1)."""
    bus = a_bus(listener.store, observers=[listener], max_attempts=3)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    listener.store.before_commit = on_attempts(2, 3, do=raising(error))
    bus.execute_many([StartTask("x-1"), Tag("x-1", add=["b"])][: 1 + together], by=ANN, all_or_nothing=together)
    actions = ("start", "tag")[: 1 + together]
    assert listener.told() == [(actions, error.code, 1, True), (actions, error.code, 2, True)]
    assert {(one.actor_id, one.tenant, one.error) for one in listener.failed} == {("ann", "", error)}
    assert [(report.action, report.attempts) for report in listener.reports[1:]] == [(one, 3) for one in actions]
    assert listener.open == {0}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    "error", [StaleVersionError("x-1", 1, 2), TransientStorageError("planted"), StorageError("planted")]
)
def test_the_last_attempt_is_told_too(listener: Listener, error: Any, together: bool) -> None:
    """What the caller gets was told as an attempt after which none comes, and no report tells of it."""
    bus = a_bus(listener.store, observers=[listener], max_attempts=2)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    listener.store.before_commit = on_attempts(2, 3, do=raising(error))
    if together:
        assert failure_of(bus.execute_many, [StartTask("x-1")], by=ANN, all_or_nothing=True) is error
    else:
        assert failure_of(bus.execute, StartTask("x-1"), by=ANN) is error
    tries = 1 if type(error) is StorageError else 2
    assert listener.told() == [(("start",), error.code, one, one < tries) for one in range(1, tries + 1)]
    assert len(listener.reports) == 1


def test_the_conflicts_of_a_caller_are_told(listener: Listener) -> None:
    """A version that is not the expected one and an id that is taken are told, alone and in a batch."""
    bus = a_bus(listener.store, observers=[listener])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert isinstance(failure_of(bus.execute, StartTask("x-1"), by=ANN, expected_version=7), StaleVersionError)
    assert isinstance(failure_of(bus.execute, CreateTask("B", id="x-1"), by=ANN), AlreadyExistsError)
    bus.execute_many([Tag("x-1", add=["b"]), OpenCase("C", id="x-1")], by=WRITER, all_or_nothing=True)
    assert listener.told() == [
        (("start",), "stale_version", 1, False),
        (("create",), "already_exists", 1, False),
        (("create",), "already_exists", 1, False),
    ]
    assert listener.open == {0}


def test_who_does_not_listen_is_not_told(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """A plain function gets reports only; what a listener raises is logged and swallowed, and the next one is told."""
    reports: list[Report] = []

    class Broken(Listener):
        def attempt_failed(self, told: FailedAttempt) -> None:
            raise RuntimeError("canary")

    bus = a_bus(listener.store, observers=[reports.append, Broken(), listener])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    failure_of(bus.execute, StartTask("x-1"), by=ANN, expected_version=7)
    assert (len(reports), len(listener.failed)) == (1, 1)
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.ERROR, "an observer of type 'method' raised 'RuntimeError'")
    ]


def test_an_async_listener_is_awaited() -> None:
    """On an asynchronous bus the method may be an async function."""
    told: list[FailedAttempt] = []

    class Listening:
        async def __call__(self, report: Report) -> None:
            """Reports are of no interest here."""

        async def attempt_failed(self, failed: FailedAttempt) -> None:
            told.append(failed)

    with Portal() as portal:
        bus = AsyncCommandBus(AsyncMemoryStore(), DEFINITIONS, observers=[Listening()])
        portal.run(bus.execute(CreateTask("A", id="x-1"), by=ANN))
        with pytest.raises(AlreadyExistsError):
            portal.run(bus.execute(CreateTask("B", id="x-1"), by=ANN))
    assert [one.error.code for one in told] == ["already_exists"]


def test_a_report_says_how_long_it_took(listener: Listener) -> None:
    """A command took all its attempts and the pauses between them; reports are equal however long they took."""
    waited: list[float] = []
    bus = a_bus(listener.store, observers=[listener], pause=waited.append)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    failure_of(bus.execute, CreateTask("B", case_id="c-9"), by=ANN)
    assert all(timedelta(0) < report.took < timedelta(minutes=5) for report in listener.reports)
    first = listener.reports[0]
    assert attrs.evolve(first, took=first.took * 2) == first
    failure_of(bus.get, "x-9", by=ANN)
    assert listener.reports[-1].took == timedelta(0)
