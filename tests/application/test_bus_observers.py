"""Observers: told of what is done and of what is denied, when it can no longer be changed by them (H1)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from casewright import (
    AddNote,
    Claim,
    CreateTask,
    MisuseError,
    OpenCase,
    RefusedError,
    ReopenTask,
    Report,
    StartTask,
    Store,
)
from support.buses import ANN, STRANGER, WRITER, a_bus, failure_of
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("both_buses")


def test_an_observer_sees_what_was_committed(store: Store) -> None:
    """It is called after the commit and outside the transaction: another unit, even a command, works in it."""
    watched = WatchedStore(store)
    seen: list[Any] = []

    def observer(report: Report) -> None:
        assert watched.open == 0
        seen.append(other.get(report.item_id, by=ANN).version)
        if report.action == "create":
            other.execute(AddNote(report.item_id, "welcome"), by=ANN)

    other = a_bus(store)
    bus = a_bus(watched, observers=[observer])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN)
    bus.execute_many([ReopenTask("x-1"), Claim("x-1")], by=ANN, all_or_nothing=True)
    assert seen == [1, 3, 3]
    assert bus.notes("x-1", by=ANN)[0].body == "welcome"


def test_an_observer_of_a_denial_is_outside_the_transaction(store: Store) -> None:
    """What was denied is rolled back before anyone is told, for commands and for questions (H1)."""
    watched = WatchedStore(store)
    seen: list[tuple[str, int]] = []
    bus = a_bus(watched, observers=[lambda report: seen.append((report.action, watched.open))])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    failure_of(bus.execute, ReopenTask("x-1"), by=ANN)
    failure_of(bus.get, "x-1", by=STRANGER)
    assert seen == [("create", 0), ("reopen", 0), ("read", 0)]


def test_observers_are_told_in_their_order(store: Store) -> None:
    """Each is told of everything, in the order in which the bus was given them."""
    told: list[tuple[str, str]] = []
    bus = a_bus(store, observers=(lambda report, n=name: told.append((n, report.action)) for name in "abc"))
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    failure_of(bus.execute, ReopenTask("x-1"), by=ANN)
    assert told == [(name, action) for action in ("create", "reopen") for name in "abc"]


@pytest.mark.parametrize("error", [RuntimeError, MisuseError, AssertionError, StopIteration, BaseExceptionGroup])
def test_what_an_observer_raises_is_logged_and_swallowed(
    store: Store, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """The command stays done, the denial stays the denial, the next observer is told; the log has no payload (S6)."""

    def fails(report: Report) -> None:
        raise _made(error)

    reports: list[Report] = []
    bus = a_bus(store, observers=[fails, reports.append])
    assert bus.execute(CreateTask("canary", id="x-1"), by=ANN).version == 1
    assert isinstance(failure_of(bus.execute, ReopenTask("x-1"), by=ANN), RefusedError)
    assert len(reports) == 2
    assert [(one.name, one.levelno, one.exc_info) for one in caplog.records] == [
        ("casewright", logging.ERROR, None)
    ] * 2
    kind = type(_made(error)).__name__
    assert {one.getMessage() for one in caplog.records} == {f"an observer of type 'function' raised {kind!r}"}


def _made(error: type[BaseException]) -> BaseException:
    if error is MisuseError:
        return MisuseError("canary\n", "canary")
    return BaseExceptionGroup("canary", [ValueError("canary")]) if error is BaseExceptionGroup else error("canary\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_not_swallowed(store: Store, error: type[BaseException]) -> None:
    """An interruption that falls into an observer is passed on; what was committed stays committed (T4)."""

    def fails(report: Report) -> None:
        raise error

    bus = a_bus(store, observers=[fails])
    with pytest.raises(error):
        bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert bus.get("x-1", by=ANN).version == 1


def test_both_events_of_a_command_are_in_one_report(store: Store) -> None:
    """The task's own and that of the case that counts it (H1)."""
    reports: list[Report] = []
    bus = a_bus(store, observers=[reports.append])
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    bus.execute(CreateTask("A", id="x-1", case_id="c-1"), by=WRITER)
    assert [[event.id for event in report.events] for report in reports] == [["c-1.1"], ["x-1.1", "c-1.2"]]
