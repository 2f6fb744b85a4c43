"""Conflicts: others who are faster, retries from load, and when a bus gives up (L1, L4, T6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from casewright import (
    AddNote,
    AlreadyExistsError,
    Assign,
    CasewrightError,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    InvalidInputError,
    MisuseError,
    NotFoundError,
    OpenCase,
    OutcomeUnknownError,
    RefusedError,
    Report,
    StaleVersionError,
    StartTask,
    StorageError,
    Store,
    Tag,
    TransientStorageError,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, BEN, WRITER, a_bus, counting_ids, failure_of
from support.watched_store import WatchedStore, on_attempts

pytestmark = pytest.mark.usefixtures("every_bus")


def stale() -> None:
    """Fail as a store does that met somebody else's write."""
    raise StaleVersionError("x-1", 1, 2)


def busy() -> None:
    """Fail as a store does that cannot do it this time."""
    raise TransientStorageError("planted")


@pytest.fixture
def rivals() -> tuple[CommandBus, WatchedStore, CommandBus]:
    """Return a bus, the store that it is watched in, and a rival's bus on the same data.

    In memory only: SQLite locks when a command begins, so there nobody comes in between.
    """
    store = MemoryStore()
    watched = WatchedStore(store)
    rival = a_bus(store, new_id=counting_ids("theirs"))
    rival.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    rival.execute(CreateTask("A", id="x-1", assignee_id="ben"), by=ANN)
    return a_bus(watched), watched, rival


def in_between(watched: WatchedStore, *numbers: int, do: Callable[[], object]) -> None:
    """Let something happen between load and commit of these attempts."""
    watched.before_commit = on_attempts(*numbers, do=do)


def test_a_command_is_decided_anew_on_what_a_rival_left(rivals: Any) -> None:
    """The second attempt loads with a lock and decides on the new item, so no update is lost (L1, L4)."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(Tag("x-1", add=["theirs"]), by=ANN))
    done = bus.outcome(Tag("x-1", add=["mine"]), by=ANN)
    assert (done.item.tags, done.item.version) == (("mine", "theirs"), 3)
    assert watched.loads == [("x-1", False), ("x-1", False), ("x-1", True)]
    assert [event.version for event in rival.history("x-1", by=ANN)] == [1, 2, 3]


def test_every_attempt_has_the_same_ids_and_time(rivals: Any) -> None:
    """A retried command keeps its time and the ids that were made for it; only the time of recording moves (T6)."""
    bus, watched, rival = rivals
    in_between(watched, 1, 2, do=lambda: rival.execute(AddNote("x-1", "theirs"), by=ANN))
    note = bus.execute(AddNote("x-1", "mine"), by=ANN)
    attempts = [change for (change,) in watched.recorded]
    assert [change.event.version for change in attempts] == [2, 3, 4]
    assert {change.notes[0].id for change in attempts} == {note.id}
    assert {change.event.occurred_at for change in attempts} == {note.created_at}
    assert len({change.event.recorded_at for change in attempts}) == 3


def test_a_new_item_keeps_its_id_when_it_is_tried_again(rivals: Any) -> None:
    """A task whose case moved on in between is created once, under the id of the first attempt (T6)."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(CreateTask("B", case_id="c-1", id="theirs"), by=WRITER))
    done = bus.outcome(CreateTask("A", case_id="c-1"), by=WRITER)
    assert {changes[0].after.id for changes in watched.recorded} == {done.item.id}
    assert rival.get("c-1", by=WRITER).open_tasks == 2
    assert watched.loads == [("c-1", False), ("c-1", True)]


def test_who_was_reassigned_in_between_is_denied(rivals: Any) -> None:
    """The decision is bound to the version that the write compares: the former assignee does not act any more (A10)."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(Assign("x-1", "cyd"), by=ANN))
    assert isinstance(failure_of(bus.execute, StartTask("x-1"), by=BEN), NotFoundError)
    assert rival.get("x-1", by=ANN).status == "todo"


def test_what_a_rival_did_already_is_refused_or_changes_nothing(rivals: Any) -> None:
    """The retry answers for the item as it is: a second completion is refused, the same edit changes nothing."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(Edit("x-1", title="B"), by=ANN))
    assert bus.outcome(Edit("x-1", title="B"), by=ANN).events == ()
    in_between(watched, 2, do=lambda: rival.execute(CompleteTask("x-1"), by=ANN))
    assert isinstance(failure_of(bus.execute, CompleteTask("x-1"), by=ANN), RefusedError)


def test_a_late_denial_is_reported_once_with_its_attempt(rivals: Any) -> None:
    """What was denied at the second attempt is one report with the number 2, alone or in a batch (H1)."""
    _, watched, rival = rivals
    reports: list[Report] = []
    bus = a_bus(watched, observers=[reports.append])
    in_between(watched, 1, do=lambda: rival.execute(CompleteTask("x-1"), by=ANN))
    failure_of(bus.execute, StartTask("x-1"), by=ANN)
    in_between(watched, 2, do=lambda: rival.execute(Assign("x-1", "cyd"), by=ANN))
    bus.execute_many([Tag("x-1", add=["wet"]), AddNote("x-1", "b")], by=BEN, all_or_nothing=True)
    assert [(report.action, report.attempts) for report in reports] == [("start", 2), ("tag", 2), ("add_note", 2)]
    assert all(report.denial is not None for report in reports)


@pytest.mark.parametrize("fails", [stale, busy])
def test_attempts_are_counted_in_the_report(backend: Backend, fails: Callable[[], None]) -> None:
    """A command that is done at the third attempt is reported once, with the number 3."""
    reports: list[Report] = []
    watched = WatchedStore(backend.store)
    bus = a_bus(watched, observers=[reports.append])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    in_between(watched, 2, 3, do=fails)
    bus.execute(StartTask("x-1"), by=ANN)
    assert [(report.action, report.attempts) for report in reports] == [("create", 1), ("start", 3)]
    assert [lock for _, lock in watched.loads] == [False, False, True, False, True]
    assert bus.verify("x-1", by=ANN) == ()


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("fails", [stale, busy])
def test_a_bus_gives_up_after_max_attempts(backend: Backend, most: int, fails: Callable[[], None]) -> None:
    """Then the store's own error comes out, nothing is written and nobody is told (T6)."""
    reports: list[Report] = []
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    watched = WatchedStore(backend.store, lambda number: fails())
    bus = a_bus(watched, max_attempts=most, observers=[reports.append])
    error = failure_of(bus.execute, StartTask("x-1"), by=ANN)
    assert type(error) is (StaleVersionError if fails is stale else TransientStorageError)
    assert (watched.commits, watched.open, reports) == (most, 0, [])
    assert backend.dump() == before


def test_five_attempts_are_the_default(store: Store) -> None:
    """Without `max_attempts` the fifth conflict is the last (T6)."""
    a_bus(store).execute(CreateTask("A", id="x-1"), by=ANN)
    watched = WatchedStore(store, lambda number: stale())
    failure_of(a_bus(watched).execute, StartTask("x-1"), by=ANN)
    assert watched.commits == 5


@pytest.mark.parametrize(
    "error",
    [
        AlreadyExistsError("x-1"),
        StorageError("planted"),
        OutcomeUnknownError("planted"),
        MisuseError("planted", "none"),
        KeyError("planted"),
        KeyboardInterrupt(),
        SystemExit(3),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_failure_is_passed_on_at_once(backend: Backend, error: BaseException) -> None:
    """The same object comes out after one attempt, rolled back, with nothing written and nobody told (T4)."""
    reports: list[Report] = []
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()

    def fails(number: int) -> None:
        raise error

    watched = WatchedStore(backend.store, fails)
    with pytest.raises(type(error)) as caught:
        a_bus(watched, observers=[reports.append]).execute(StartTask("x-1"), by=ANN)
    assert caught.value is error
    assert (watched.commits, watched.open, reports) == (1, 0, [])
    assert backend.dump() == before
    assert a_bus(backend.store).execute(StartTask("x-1"), by=ANN).version == 2


def test_a_joined_store_is_not_tried_again(backend: Backend) -> None:
    """In a transaction of the caller's only the caller can begin anew: the first conflict comes out (T6)."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    watched = WatchedStore(backend.store, lambda number: stale(), joined=True)
    bus = a_bus(watched, max_attempts=9)
    assert isinstance(failure_of(bus.execute, StartTask("x-1"), by=ANN), StaleVersionError)
    assert watched.commits == 1
    with pytest.raises(StaleVersionError):
        bus.execute_many([StartTask("x-1")], by=ANN, all_or_nothing=True)
    assert watched.commits == 2
    watched.before_commit = lambda number: None
    assert bus.execute(StartTask("x-1"), by=ANN).status == "in_progress"


@pytest.mark.parametrize("most", [0, -1, True, 1.5, "5", None])
def test_max_attempts_is_a_positive_integer(most: Any) -> None:
    """Anything else is an InvalidInputError when the bus is made (S7)."""
    error = failure_of(a_bus, MemoryStore(), max_attempts=most)
    assert (type(error), error.field) == (InvalidInputError, "max_attempts")


def test_a_caller_with_a_version_is_told_of_the_rival(rivals: Any) -> None:
    """What the caller has not seen is not overwritten: both numbers are told, and the rival's write stays (L1)."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(Edit("x-1", title="theirs"), by=ANN))
    error = failure_of(bus.execute, Edit("x-1", title="mine"), by=ANN, expected_version=1)
    assert (type(error), error.expected, error.actual) == (StaleVersionError, 1, 2)
    assert (rival.get("x-1", by=ANN).title, watched.commits) == ("theirs", 1)


def test_a_caller_with_a_version_who_lost_the_right_to_read_is_told_nothing(rivals: Any) -> None:
    """After a conflict the door is asked again, so the new version is no secret that leaks (A8)."""
    bus, watched, rival = rivals
    in_between(watched, 1, do=lambda: rival.execute(Assign("x-1", "cyd"), by=ANN))
    error = failure_of(bus.execute, StartTask("x-1"), by=BEN, expected_version=1)
    assert (type(error), str(error)) == (NotFoundError, str(NotFoundError("x-1")))


def test_a_conflict_on_the_case_is_the_buss_to_solve(rivals: Any) -> None:
    """`expected_version` and `item` speak of the task alone: where its case moved on, the command is tried again."""
    bus, watched, rival = rivals
    for number, (version, given) in enumerate(((1, False), (None, True), (1, True))):
        task = rival.execute(CreateTask("A", id=f"t-{number}", case_id="c-1"), by=WRITER)
        theirs = CreateTask("B", id=f"theirs-{number}", case_id="c-1")
        in_between(watched, watched.commits + 1, do=partial(rival.execute, theirs, by=WRITER))
        item = task if given else None
        done = bus.outcome(CompleteTask(task.id), by=WRITER, expected_version=version, item=item)
        assert (done.item.version, done.events[1].action) == (2, "task_closed")
    assert rival.get("c-1", by=WRITER).open_tasks == 3
    assert rival.verify("c-1", by=WRITER) == ()


def test_a_store_that_does_not_say_the_version_is_asked_for_it(store: Store) -> None:
    """A conflict without the actual version, or with the expected one, is tried again like any other."""
    for number, error in enumerate((StaleVersionError("x-0", 1), StaleVersionError("x-1", 1, 1))):
        watched = WatchedStore(store)
        bus = a_bus(watched)
        bus.execute(CreateTask("A", id=f"x-{number}"), by=ANN)

        def fails(error: CasewrightError = error) -> None:
            raise error

        in_between(watched, 2, do=fails)
        assert bus.execute(StartTask(f"x-{number}"), by=ANN, expected_version=1).version == 2
