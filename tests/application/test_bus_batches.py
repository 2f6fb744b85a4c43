"""Several commands at once: each for itself, or all of them or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    TASK,
    AddNote,
    BlockTask,
    Claim,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Delete,
    Edit,
    InvalidInputError,
    OpenCase,
    Outcome,
    OutcomeUnknownError,
    Perform,
    RefusedError,
    ReopenTask,
    Report,
    Scope,
    StaleVersionError,
    StartTask,
    StorageError,
    Store,
    Tag,
    TaskFilter,
    TransientStorageError,
    guard,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, STRANGER, WRITER, a_bus, failure_of
from support.watched_store import WatchedStore, on_attempts

pytestmark = pytest.mark.usefixtures("every_bus")

each_way = pytest.mark.parametrize("together", [False, True], ids=["each for itself", "together"])


def told(answer: object) -> object:
    """Return what came of one command in short: its events, or the code of its error with the codes of its reasons."""
    if isinstance(answer, Outcome):
        return [event.id for event in answer.events]
    error: Any = answer
    return (error.code, *(reason.code for reason in getattr(error, "reasons", ())))


def run(bus: CommandBus, *commands: Command[Any], by: Any = ANN, together: bool = True) -> list[object]:
    """Run the commands and return in short what came of each."""
    return [told(answer) for answer in bus.execute_many(commands, by=by, all_or_nothing=together)]


@each_way
def test_each_command_gets_its_answer_in_order(bus: CommandBus, reports: list[Report], together: bool) -> None:
    """A later command sees what an earlier one did, also of the same item, and each is reported."""
    commands = [
        CreateTask("A", id="x-1"),
        StartTask("x-1"),
        Claim("x-1"),
        Claim("x-1"),
        AddNote("x-1", "b"),
        CreateTask("B", id="y-1"),
        CompleteTask("x-1"),
    ]
    answers: Any = bus.execute_many(iter(commands), by=ANN, all_or_nothing=together)
    events = [["x-1.1"], ["x-1.2"], ["x-1.3"], [], ["x-1.4"], ["y-1.1"], ["x-1.5"]]
    assert [told(answer) for answer in answers] == events
    assert [[event.id for event in report.events] for report in reports] == [one for one in events if one]
    assert (answers[0].result.status, answers[4].result.body, answers[6].item.status) == ("todo", "b", "done")
    assert bus.get("x-1", by=ANN) == answers[6].item
    assert [len(bus.history(item_id, by=ANN)) for item_id in ("x-1", "y-1")] == [5, 1]
    assert bus.verify("x-1", by=ANN) == bus.verify("y-1", by=ANN) == ()


@each_way
def test_a_case_counts_the_tasks_of_one_batch(bus: CommandBus, together: bool) -> None:
    """Each task of the batch moves the counter by an event of its own."""
    tasks = [CreateTask("A", id=f"x-{number}", case_id="c-1") for number in range(5)]
    answers = run(bus, OpenCase("A permit", id="c-1"), *tasks, CompleteTask("x-0"), by=WRITER, together=together)
    assert answers[1:3] == [["x-0.1", "c-1.2"], ["x-1.1", "c-1.3"]]
    assert answers[-1] == ["x-0.2", "c-1.7"]
    case: Any = bus.get("c-1", by=WRITER)
    assert (case.open_tasks, case.version, bus.verify("c-1", by=WRITER)) == (4, 7, ())


@each_way
def test_no_commands_have_no_answers(backend: Backend, together: bool) -> None:
    """An empty batch writes nothing and is answered with nothing."""
    before = backend.dump()
    assert a_bus(backend.store).execute_many([], by=ANN, all_or_nothing=together) == ()
    assert backend.dump() == before


@each_way
@pytest.mark.parametrize("wrong", ["start", None, StartTask])
def test_what_is_no_command_stops_the_batch_before_it_begins(backend: Backend, wrong: Any, together: bool) -> None:
    """Nothing is done where one of them is no command, wherever it stands."""
    before = backend.dump()
    bus = a_bus(backend.store)
    error = failure_of(bus.execute_many, [CreateTask("A"), wrong], by=ANN, all_or_nothing=together)
    assert (type(error), error.field) == (InvalidInputError, "command")
    assert backend.dump() == before


def test_each_for_itself_goes_on_after_an_error(bus: CommandBus, reports: list[Report]) -> None:
    """What one command met is its own answer; the others are done."""
    answers = run(
        bus,
        CreateTask("A", id="x-1"),
        ReopenTask("x-1"),
        StartTask("none"),
        CreateTask("B", id="x-1"),
        Perform("x-1", "start", {"stray": "1"}),
        Perform("x-1", "set_due", {"due_at": 1}),
        OpenCase("C", definition="unknown"),
        CompleteTask("x-1"),
        together=False,
    )
    assert answers == [
        ["x-1.1"],
        ("refused", "wrong_state"),
        ("not_found",),
        ("already_exists",),
        ("refused", "input_unknown"),
        ("invalid_input",),
        ("unknown_definition",),
        ["x-1.2"],
    ]
    assert [report.denial is None for report in reports] == [True, False, False, False, True]


FAULTS: dict[str, tuple[Command[Any], tuple[str, ...]]] = {
    "refused": (ReopenTask("x-1"), ("refused", "wrong_state")),
    "hidden": (StartTask("y-1"), ("not_found",)),
    "absent": (StartTask("none"), ("not_found",)),
    "taken": (CreateTask("B", id="x-1"), ("already_exists",)),
    "wrong value": (Perform("x-1", "set_due", {"due_at": 1}), ("invalid_input",)),
    "unknown definition": (CreateTask("B", definition="unknown"), ("unknown_definition",)),
    "another kind": (CreateTask("B", definition="regulatory_case"), ("misuse",)),
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("fault", FAULTS)
def test_together_nothing_is_written_if_one_fails(backend: Backend, fault: str, place: int) -> None:
    """Wherever it stands: it gets its error, and the others a refusal ``not_together`` (T1)."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    a_bus(backend.store).execute(CreateTask("A", id="y-1"), by=STRANGER)
    before = backend.dump()
    reports: list[Report] = []
    bus = a_bus(backend.store, observers=[reports.append])
    command, expected = FAULTS[fault]
    commands: list[Command[Any]] = [Tag("x-1", add=["wet"]), CreateTask("New", id="z-1")]
    commands.insert(place, command)
    answers = run(bus, *commands)
    assert answers.pop(place) == expected
    assert answers == [("refused", "not_together")] * 2
    assert [report.denial is not None for report in reports] == [True] * (fault in {"refused", "hidden", "absent"})
    assert backend.dump() == before


def test_together_every_refusal_is_told(bus: CommandBus, reports: list[Report]) -> None:
    """One failing command does not hide another: all are judged, each denial is reported once (H1)."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    reports.clear()
    answers = run(bus, ReopenTask("x-1"), Tag("x-1", add=["wet"]), BlockTask("x-1"), StartTask("none"))
    assert answers == [
        ("refused", "wrong_state"),
        ("refused", "not_together"),
        ("refused", "wrong_state", "input_missing"),
        ("not_found",),
    ]
    assert [(report.action, report.attempts) for report in reports] == [("reopen", 1), ("block", 1), ("start", 1)]


def test_together_a_refusal_that_follows_from_another_command(bus: CommandBus) -> None:
    """Commands are judged on what those before them did: after a deletion in the same batch nothing is possible."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert run(bus, Delete("x-1"), StartTask("x-1")) == [("refused", "not_together"), ("refused", "deleted")]
    assert run(bus, CompleteTask("x-1"), CompleteTask("x-1"))[1] == ("refused", "wrong_state")
    assert bus.get("x-1", by=ANN).version == 1


def test_together_the_reason_says_why_nothing_was_done(bus: CommandBus) -> None:
    """Of those that met nothing themselves: phase guard, and a sentence for a person."""
    (first, _) = bus.execute_many([CreateTask("A", id="x-1"), StartTask("none")], by=ANN, all_or_nothing=True)
    assert isinstance(first, RefusedError)
    assert (first.action, first.item_id, first.phase) == ("create", "x-1", "guard")
    assert "nothing was done" in str(first)


def test_together_the_command_that_wants_a_taken_id_is_told(backend: Backend) -> None:
    """Not those that only work on the item of that id, before or after it; and not those that it takes along."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    a_bus(backend.store).execute(AddNote("x-1", "b", note_id="n-1"), by=ANN)
    before = backend.dump()
    bus = a_bus(backend.store)
    other = ("refused", "not_together")
    exists = ("already_exists",)
    assert run(bus, CreateTask("B", id="x-1"), StartTask("x-1"), Claim("x-1")) == [exists, other, other]
    assert run(bus, StartTask("x-1"), CreateTask("B", id="x-1"), Claim("x-1")) == [other, exists, other]
    assert run(bus, Claim("x-1"), AddNote("x-1", "c", note_id="n-1")) == [other, exists]
    assert run(bus, AddNote("x-1", "c", note_id="n-1"), Perform("x-1", "add_note", {"body": "d"})) == [exists, other]
    assert backend.dump() == before


def test_together_an_id_that_is_taken_hides_no_refusal(backend: Backend) -> None:
    """Whichever comes first, the command that is refused has its reasons and the taken id is told (decision 0013)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    exists, refused = ("already_exists",), ("refused", "wrong_state")
    assert run(bus, ReopenTask("x-1"), CreateTask("B", id="x-1")) == [refused, exists]
    assert run(bus, CreateTask("B", id="x-1"), ReopenTask("x-1")) == [exists, refused]


def test_together_no_fact_is_counted_without_what_the_batch_did(backend: Backend) -> None:
    """A provider that counts after an earlier command was recorded is misuse: no limit is passed by a batch (T1)."""
    one_at_a_time = guard(lambda item, inputs, facts, at: facts["busy"] < 1, code="busy", text="one", facts=["busy"])

    def busy(uow: Any, item: Any) -> int:
        return int(uow.count("task", Scope((TaskFilter(status="in_progress").terms,))))

    bus = a_bus(backend.store, [TASK.with_guards({"start": one_at_a_time})], facts={"busy": busy})
    for name in ("x-1", "x-2"):
        bus.execute(CreateTask("A", id=name), by=ANN)
    assert run(bus, StartTask("x-1"), StartTask("x-2")) == [("refused", "not_together"), ("misuse",)]
    assert run(bus, StartTask("x-1"), StartTask("x-2"), together=False) == [["x-1.2"], ("refused", "busy")]


def test_together_an_id_is_wanted_twice(backend: Backend) -> None:
    """Each but the first that wants it is told, whether as item or as note; a task and a case share their ids."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=WRITER)
    before = backend.dump()
    other = ("refused", "not_together")
    twice: list[list[Command[Any]]] = [
        [CreateTask("B", id="y-1"), CreateTask("C", id="y-1")],
        [CreateTask("B", id="y-1"), OpenCase("C", id="y-1")],
        [CreateTask("B", id="y-1"), CreateTask("C", id="y-1"), CreateTask("D", id="y-1")],
        [AddNote("x-1", "b", note_id="n-1"), AddNote("x-1", "c", note_id="n-1")],
    ]
    for commands in twice:
        answers = run(bus, *commands, Claim("x-1"), by=WRITER)
        assert answers == [other, *[("already_exists",)] * (len(commands) - 1), other]
    assert backend.dump() == before


def test_together_a_conflict_is_decided_anew() -> None:
    """All of them from load, with the same ids and times, each reported once (T6); in memory, where rivals get in."""
    store = MemoryStore()
    reports: list[Report] = []
    watched = WatchedStore(store)
    bus = a_bus(watched, observers=[reports.append])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    reports.clear()
    watched.before_commit = on_attempts(2, do=lambda: a_bus(store).execute(Edit("x-1", title="B"), by=ANN))
    answers = run(bus, Tag("x-1", add=["wet"]), CreateTask("C"), AddNote("x-1", "b"))
    assert answers == [["x-1.3"], ["new-1.1"], ["x-1.4"]]
    assert {report.attempts for report in reports} == {2}
    first, second = watched.recorded[1:4], watched.recorded[4:]
    assert [one[0].event.occurred_at for one in first] == [one[0].event.occurred_at for one in second]
    assert first[2][0].notes[0].id == second[2][0].notes[0].id
    assert [lock for item_id, lock in watched.loads if item_id == "x-1"] == [False] * 2 + [False, True] * 2
    assert bus.verify("x-1", by=ANN) == ()


def test_together_a_retry_may_end_in_a_refusal() -> None:
    """What a rival did in between is judged like anything else, and nothing of the first attempt remains."""
    store = MemoryStore()
    watched = WatchedStore(store)
    bus = a_bus(watched)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    watched.before_commit = on_attempts(2, do=lambda: a_bus(store).execute(CompleteTask("x-1"), by=ANN))
    assert run(bus, CreateTask("B"), StartTask("x-1")) == [("refused", "not_together"), ("refused", "wrong_state")]
    assert failure_of(bus.get, "new-1", by=ANN).code == "not_found"


@pytest.mark.parametrize(
    ("error", "commits"),
    [
        (StaleVersionError("x-1", 1, 2), 3),
        (TransientStorageError("planted"), 3),
        (StorageError("planted"), 1),
        (OutcomeUnknownError("planted"), 1),
        (KeyboardInterrupt(), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_together_a_store_that_fails_is_passed_on(backend: Backend, error: BaseException, commits: int) -> None:
    """After as many attempts as the bus makes, where trying again may help; nothing is written, nobody told (T1)."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    reports: list[Report] = []

    def fails(number: int) -> None:
        raise error

    watched = WatchedStore(backend.store, fails)
    bus = a_bus(watched, max_attempts=3, observers=[reports.append])
    with pytest.raises(type(error)) as caught:
        bus.execute_many([StartTask("x-1"), CreateTask("B")], by=ANN, all_or_nothing=True)
    assert caught.value is error
    assert (watched.commits, watched.open, reports) == (commits, 0, [])
    assert backend.dump() == before


@pytest.mark.parametrize("error", [StorageError("planted"), OutcomeUnknownError("planted")], ids=lambda e: e.code)
def test_each_for_itself_a_store_that_fails_is_an_answer(store: Store, error: StorageError) -> None:
    """So that nobody loses the answers of those that were done before."""
    watched = WatchedStore(store)
    bus = a_bus(watched)

    def fails() -> None:
        raise error

    watched.before_commit = on_attempts(2, do=fails)
    first, second, third = bus.execute_many([CreateTask(title) for title in "ABC"], by=ANN)
    assert second is error
    assert isinstance(first, Outcome)
    assert isinstance(third, Outcome)


def test_together_what_changes_nothing_is_not_committed(store: Store) -> None:
    """A batch of which nothing comes ends without a commit, and each command has its item."""
    watched = WatchedStore(store)
    bus = a_bus(watched)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert run(bus, Edit("x-1", title="A"), Perform("x-1", "release")) == [[], []]
    assert (watched.commits, watched.begun) == (1, [True, True])
