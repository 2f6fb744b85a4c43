"""What a bus does with a command: every one of them, from the asking to what is kept and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from casewright import (
    COMMANDS,
    TASK,
    AddNote,
    Ask,
    Claim,
    Command,
    CommandBus,
    Context,
    CreateTask,
    Edit,
    InvalidInputError,
    OpenCase,
    Outcome,
    Perform,
    Permitted,
    Report,
    SetDue,
    StartTask,
    Store,
    Tag,
    Task,
    TaskFilter,
    fold,
)
from support.backends import Backend
from support.buses import ANN, BEN, START, WRITER, a_bus, counting_ids, failure_of
from support.command_table import ROWS, Row, prepared
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("every_bus")

each_command = pytest.mark.parametrize("row", [pytest.param(row, id=cls.__name__) for cls, row in ROWS.items()])


def test_every_command_is_tried() -> None:
    """The table that the tests go through has a row for each command of the library, and no other."""
    assert set(ROWS) == set(COMMANDS)
    assert len(set(COMMANDS)) == len(COMMANDS)
    assert [cls for cls, row in ROWS.items() if type(row.ask("any")) is not cls] == []


@each_command
def test_a_command_is_done_and_kept(bus: CommandBus, reports: list[Report], row: Row) -> None:
    """Item, event, history, outbox and report of a command agree with each other, whatever the command (H1, E3)."""
    prepared(bus, row, "x-1")
    version = 0 if row.creates else bus.get("x-1", by=ANN if row.kind == "task" else WRITER).version
    reports.clear()
    command = row.ask("x-1")
    done = bus.outcome(command, by=row.by)
    assert {name: getattr(done.item, name) for name in row.after} == row.after
    assert (done.item.id, done.item.version, done.replayed) == ("x-1", version + 1, False)
    (event,) = done.events
    assert (event.action, event.actor_id, event.version) == (command.ask().action, row.by.id, version + 1)
    history = bus.history("x-1", by=row.by)
    assert history[-1] == event
    assert fold(history) == done.item
    assert bus.verify("x-1", by=row.by) == ()
    (report,) = reports
    assert (report.action, report.item_id, report.denial, report.attempts) == (event.action, "x-1", None, 1)
    assert (report.events, report.actor_id, report.at) == ((event,), row.by.id, event.occurred_at)


def test_the_outbox_points_to_each_event(bus: CommandBus, store: Any) -> None:
    """Every event that is to be published has a pointer as soon as it is committed (O1)."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN)
    with store.begin(tenant=ANN.tenant, write=False) as uow:
        assert [(pointer.item_id, pointer.version) for pointer in uow.pending(limit=9)] == [("x-1", 1), ("x-1", 2)]


NO_CHANGE: dict[str, Command[Any]] = {
    "claim by its holder": Claim("x-1"),
    "edit to the same": Edit("x-1", title="A"),
    "edit of nothing": Edit("x-1"),
    "a tag that is there": Tag("x-1", add=["wet"]),
    "no due date": SetDue("x-1", None),
    "assign to its holder": Perform("x-1", "assign", {"assignee_id": "ann"}),
}


@pytest.mark.parametrize("command", NO_CHANGE.values(), ids=NO_CHANGE)
def test_a_command_that_changes_nothing_writes_and_tells_nothing(
    backend: Backend, bus: CommandBus, reports: list[Report], command: Command[Any]
) -> None:
    """It is answered with the item as it is, without events; nothing is written and no observer is told."""
    bus.execute(CreateTask("A", id="x-1", tags=["wet"]), by=ANN)
    bus.execute(Claim("x-1"), by=ANN)
    before = backend.dump()
    reports.clear()
    done = bus.outcome(command, by=ANN)
    assert done == Outcome(bus.get("x-1", by=ANN), bus.get("x-1", by=ANN))
    assert (done.events, backend.dump(), reports) == ((), before, [])


def test_the_bus_makes_the_ids_that_nobody_gave(store: Store) -> None:
    """`new_id` names new items and notes; an id that the caller gives is taken as it is."""
    bus = a_bus(store, new_id=counting_ids("made"))
    assert bus.execute(CreateTask("A"), by=ANN).id == "made-1"
    assert bus.execute(OpenCase("B"), by=WRITER).id == "made-2"
    assert bus.execute(CreateTask("C", id="mine"), by=ANN).id == "mine"
    assert bus.execute(AddNote("mine", "One"), by=ANN).id == "made-3"
    assert bus.execute(AddNote("mine", "Two", note_id="own"), by=ANN).id == "own"
    given: list[dict[str, object]] = [{"body": "Three"}, {"body": "Four", "note_id": None}]
    for number, inputs in enumerate(given, 4):
        bus.execute(Perform("mine", "add_note", inputs), by=ANN)
        assert bus.notes("mine", by=ANN)[-1].id == f"made-{number}"


def test_ids_are_made_without_being_asked_for(store: Store) -> None:
    """Without `new_id` a new item gets a UUID of version 7, so later ones sort behind earlier ones."""
    bus = a_bus(store, new_id=None)
    first, second = (bus.execute(CreateTask("A"), by=ANN).id for _ in range(2))
    assert first < second
    assert (len(first), first[14]) == (36, "7")


@pytest.mark.parametrize("made", ["", "two\nlines", 7, None, "x" * 256])
def test_an_id_that_new_id_must_not_make_is_refused(backend: Backend, made: Any) -> None:
    """What `new_id` makes is checked like an id that a caller gives, for items and for notes (S1, S2)."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    bus = a_bus(backend.store, new_id=lambda: made)
    for command in (CreateTask("A"), AddNote("x-1", "text")):
        assert isinstance(failure_of(bus.execute, command, by=ANN), InvalidInputError)
    assert backend.dump() == before


def test_the_time_of_a_command_is_the_clocks_or_the_callers(bus: CommandBus) -> None:
    """`at` is the effective time; the time of recording is always the clock's, and past times are legal."""
    early = START.replace(year=1999)
    done = bus.outcome(CreateTask("A", id="x-1"), by=ANN, at=early)
    assert (done.item.created_at, done.events[0].occurred_at) == (early, early)
    assert done.events[0].recorded_at is not None
    assert done.events[0].recorded_at > START
    now = bus.outcome(StartTask("x-1"), by=ANN).events[0]
    assert now.occurred_at > START
    back = bus.outcome(Edit("x-1", title="B"), by=ANN, at=early)
    assert (back.item.updated_at, back.item.version) == (early, 3)


@pytest.mark.parametrize("at", [START.replace(tzinfo=None), "yesterday", 0])
def test_a_time_that_is_no_instant_is_refused(backend: Backend, at: Any) -> None:
    """A naive time is an InvalidInputError from every method that takes or reads one, and nothing is written (S3)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    calls: list[Callable[[], object]] = [
        lambda: bus.execute(StartTask("x-1"), by=ANN, at=at),
        lambda: bus.check(StartTask("x-1"), by=ANN, at=at),
        lambda: bus.actions("x-1", by=ANN, at=at),
    ]
    wrong = a_bus(backend.store, clock=lambda: at)
    calls += [
        lambda: wrong.execute(CreateTask("B"), by=ANN),
        lambda: wrong.execute(StartTask("x-1"), by=ANN, at=START),
        lambda: wrong.actions("x-1", by=ANN),
        lambda: wrong.get("none", by=ANN),
    ]
    for call in calls:
        error = failure_of(call)
        assert isinstance(error, InvalidInputError)
        assert error.field in {"at", "clock", "recorded_at"}
    assert backend.dump() == before


def test_the_context_stands_on_every_event(bus: CommandBus) -> None:
    """Correlation, causation and trace of the caller stand on the event; a counter event is caused by the task's."""
    context = Context(correlation_id="request-7", causation_id="message-3", traceparent="00-ab-cd-01")
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    own, counted = bus.outcome(CreateTask("A", case_id="c-1", id="x-1"), by=WRITER, context=context).events
    for event in (own, counted):
        assert (event.correlation_id, event.traceparent) == ("request-7", "00-ab-cd-01")
    assert (own.causation_id, counted.causation_id) == ("message-3", "x-1.1")
    assert (counted.item_id, counted.action) == ("c-1", "task_opened")


@pytest.mark.parametrize(
    "given",
    [
        {"command": "start"},
        {"command": StartTask},
        {"command": None},
        {"by": None},
        {"by": "ann"},
        {"context": {"correlation_id": "x"}},
        {"expected_version": True},
        {"expected_version": 0},
        {"expected_version": "1"},
        {"item": "x-1"},
    ],
    ids=repr,
)
def test_an_argument_of_a_wrong_type_is_refused(backend: Backend, given: dict[str, Any]) -> None:
    """It is an InvalidInputError that names the argument; True is not version 1 (S7, H3)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    call = {"command": StartTask("x-1"), "by": ANN, **given}
    error = failure_of(bus.execute, call.pop("command"), **call)
    assert isinstance(error, InvalidInputError)
    assert error.field == next(iter(given))
    assert backend.dump() == before


@pytest.mark.parametrize("by", [None, "ann"])
def test_every_method_asks_who_asks(bus: CommandBus, by: Any) -> None:
    """There is no method without an actor, and no default for it (H3)."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    for call in (
        lambda: bus.get("x-1", by=by),
        lambda: bus.actions("x-1", by=by),
        lambda: bus.history("x-1", by=by),
        lambda: bus.notes("x-1", by=by),
        lambda: bus.verify("x-1", by=by),
        lambda: bus.check(StartTask("x-1"), by=by),
        lambda: bus.execute_many([StartTask("x-1")], by=by),
        lambda: bus.execute_many([], by=by, all_or_nothing=True),
        lambda: bus.find(TaskFilter(), by=by),
        lambda: bus.count(TaskFilter(), by=by),
    ):
        error = failure_of(call)
        assert isinstance(error, InvalidInputError)
        assert error.field == "by"


@attrs.frozen
class Finish(Command[str]):
    """A command that the library does not know, answering with something of its own."""

    item_id: str

    def ask(self) -> Ask:
        """Complete the task."""
        return Ask("complete", self.item_id, kind="task")

    def result(self, item: Any, notes: Any) -> str:
        """Return the status."""
        return str(item.status)


def test_a_teams_own_command_needs_no_registration(bus: CommandBus) -> None:
    """A frozen class with one pure method is a command like those of the library."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert bus.execute(Finish("x-1"), by=ANN) == "done"


@attrs.frozen
class Miscount(Finish):
    """A command whose answer cannot be made."""

    def result(self, item: Any, notes: Any) -> str:
        """Look for a note that there is none of."""
        return str(notes[0])


@pytest.mark.parametrize("together", [False, True])
def test_an_answer_that_cannot_be_made_leaves_nothing_done(backend: Backend, together: bool) -> None:
    """`result` is asked before the commit, so that what it raises does not hide what was written (T1)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    with pytest.raises(IndexError):
        bus.execute_many([Miscount("x-1")], by=ANN, all_or_nothing=together)
    assert backend.dump() == before


def test_check_answers_without_doing(backend: Backend, reports: list[Report]) -> None:
    """`check` gives the decision with its changes, or with every reason, and neither writes nor tells anyone."""
    bus = a_bus(backend.store, observers=[reports.append])
    bus.execute(CreateTask("A", id="x-1", assignee_id="ben"), by=ANN)
    before = backend.dump()
    reports.clear()
    yes, no = bus.check(StartTask("x-1"), by=ANN), bus.check(Perform("x-1", "reopen"), by=BEN)
    assert isinstance(yes, Permitted)
    assert yes.change is not None
    assert (yes.change.after.status, yes.change.event.digest) == ("in_progress", "")
    assert not no
    assert [reason.code for reason in no.reasons] == ["not_granted"]
    assert bus.check(CreateTask("B"), by=BEN).permitted
    now = bus.check(StartTask("x-1"), by=ANN, at=START)
    assert isinstance(now, Permitted)
    assert now.changes[0].event.occurred_at == START
    assert (backend.dump(), reports) == (before, [])


def test_a_question_opens_a_unit_that_only_reads(store: Store) -> None:
    """Only commands ask for the right to write, so a question never waits for a writer's lock (L3)."""
    watched = WatchedStore(store)
    bus = a_bus(watched)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute_many([StartTask("x-1")], by=ANN, all_or_nothing=True)
    assert watched.begun == [True, True]
    for ask in (bus.get, bus.actions, bus.history, bus.notes, bus.verify):
        ask("x-1", by=ANN)
    bus.check(Claim("x-1"), by=ANN)
    assert watched.begun[2:] == [False] * 6


def test_actions_tell_what_can_be_done_now(bus: CommandBus) -> None:
    """`actions` gives a verdict for each action and verb, the case of the task taken into account."""
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    task: Task = bus.execute(CreateTask("A", case_id="c-1", id="x-1"), by=WRITER)
    now = {verdict.action: verdict.permitted for verdict in bus.actions(task.id, by=WRITER)}
    assert (now["start"], now["reopen"], now["correct"]) == (True, False, False)
    assert list(now) == [verdict.action for verdict in TASK.actions(a_task_of(task), by=WRITER, at=START)]


def a_task_of(task: Task) -> Task:
    """Return the task as one without a case."""
    return attrs.evolve(task, case_id=None)
