"""Idempotency keys: a command that is sent twice is done once, and answered twice (I2 to I7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from casewright import (
    Actor,
    AddNote,
    Ask,
    Assign,
    CasewrightError,
    Claim,
    CloseCase,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Delete,
    Edit,
    HistoryError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    ItemId,
    LedgerEntry,
    MisuseError,
    NotFoundError,
    OpenCase,
    Outcome,
    RefusedError,
    Release,
    ReopenTask,
    Report,
    StartTask,
)
from casewright.adapters.memory import MemoryStore
from casewright.application.keys import PAGE
from support.backends import Backend, MemoryBackend
from support.buses import ANN, BEN, ROOT, STRANGER, WRITER, a_bus, failure_of
from support.command_table import ROWS, prepared
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("every_bus")


def entry_in(store: Any, key: str = "k", actor_id: str = "root") -> LedgerEntry | None:
    """Return what is entered under a key."""
    with store.begin(tenant="", write=False) as uow:
        entry: LedgerEntry | None = uow.entry(actor_id, key)
        return entry


def again(outcome: Outcome[Any]) -> Outcome[Any]:
    """Return the outcome as a replay gives it."""
    return attrs.evolve(outcome, replayed=True)


@pytest.mark.parametrize("cls", ROWS, ids=lambda cls: cls.__name__)
def test_a_command_that_is_sent_again_is_answered_as_the_first_time(backend: Backend, cls: type[Command[Any]]) -> None:
    """Result, item, note and events are those of the first run, however the item changed since, and no more (I2)."""
    row, reports = ROWS[cls], list[Report]()
    bus = a_bus(backend.store, observers=[reports.append])
    prepared(bus, row, "x-1")
    first = bus.outcome(row.ask("x-1"), by=row.by, key="k")
    assert not first.replayed
    assert first.events
    told = backend.dump()
    assert bus.outcome(row.ask("x-1"), by=row.by, key="k") == again(first)
    if cls.__name__ != "Delete":
        bus.execute(AddNote("x-1", "later"), by=ROOT)
        bus.execute(Edit("x-1", title="Later"), by=ROOT)
        told = backend.dump()
    reports.clear()
    assert bus.outcome(row.ask("x-1"), by=row.by, key="k") == again(first)
    assert bus.execute(row.ask("x-1"), by=row.by, key="k") == first.result
    assert (backend.dump(), reports) == (told, [])


@pytest.mark.parametrize("cls", ROWS, ids=lambda cls: cls.__name__)
def test_a_key_is_each_actor_s_own(cls: type[Command[Any]]) -> None:
    """Whoever sends the same command under a key of another is answered as if there were no such key (I6)."""
    row = ROWS[cls]
    for other in (STRANGER, attrs.evolve(row.by, tenant="north")):
        answers = []
        for key in ("k", None):
            bus = a_bus(MemoryStore())
            prepared(bus, row, "x-1")
            bus.outcome(row.ask("x-1"), by=row.by, key="k")
            answers.append(answer_of(bus, row.ask("x-1"), by=other, key=key))
        assert answers[0] == answers[1]


def answer_of(bus: CommandBus, command: Command[Any], **more: Any) -> object:
    """Return what can be compared of an answer: whether it was replayed, and the versions of events; or the error."""
    try:
        outcome = bus.outcome(command, **more)
    except CasewrightError as error:
        return type(error), str(error)
    return outcome.replayed, [event.version for event in outcome.events]


@pytest.mark.parametrize("cls", ROWS, ids=lambda cls: cls.__name__)
def test_a_key_is_for_one_command(cls: type[Command[Any]]) -> None:
    """Under a key that was used, every other command and every other value is refused, and does nothing (I3)."""
    store = MemoryStore()
    row, bus = ROWS[cls], a_bus(store)
    prepared(bus, row, "x-1")
    bus.outcome(row.ask("x-1"), by=row.by, key="k")
    told = backend_of(store).dump()
    others = [other.ask("x-1") for other_cls, other in ROWS.items() if other_cls is not cls]
    for command in (*others, row.ask("x-2")):
        error = failure_of(bus.execute, command, by=row.by, key="k")
        assert (type(error), error.key) == (IdempotencyKeyReusedError, "k")
    assert backend_of(store).dump() == told


def test_a_key_is_for_one_principal(backend: Backend) -> None:
    """A stand-in gets its answer again, but never what it did for somebody else under that key (I3, I6)."""
    bus = a_bus(backend.store)
    for_ann, for_ben = (Actor("bot", on_behalf_of=principal) for principal in ("ann", "ben"))
    first = bus.outcome(CreateTask("t"), by=for_ann, key="k")
    for other in (for_ben, Actor("bot")):
        assert type(failure_of(bus.execute, CreateTask("t"), by=other, key="k")) is IdempotencyKeyReusedError
    assert bus.outcome(CreateTask("t"), by=for_ann, key="k") == again(first)


@attrs.frozen
class Make(Command[Any]):
    """A command of one's own that makes whatever it is told to."""

    kind: Any

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("create", None, {"title": "t"}, kind=self.kind)


def test_a_key_is_for_one_kind_of_item(backend: Backend) -> None:
    """Whoever asks for a case under the key of a task is told, and never given the task (I3)."""
    bus = a_bus(backend.store)
    assert bus.execute(Make("task"), by=ROOT, key="k").kind == "task"
    assert type(failure_of(bus.execute, Make("case"), by=ROOT, key="k")) is IdempotencyKeyReusedError


def test_what_the_bus_makes_up_is_no_part_of_a_command(backend: Backend) -> None:
    """A new item and a note without an id, and whatever the time is, are the same command again (I2, I3)."""
    bus = a_bus(backend.store)
    made = bus.outcome(CreateTask("t"), by=ROOT, key="new")
    assert bus.outcome(CreateTask("t"), by=ROOT, key="new") == again(made)
    noted = bus.outcome(AddNote(made.item.id, "b"), by=ROOT, key="note", expected_version=1)
    assert bus.outcome(AddNote(made.item.id, "b"), by=ROOT, key="note", expected_version=1) == again(noted)
    assert [note.body for note in bus.notes(made.item.id, by=ROOT)] == ["b"]


def test_a_command_that_changes_nothing_has_its_key(backend: Backend) -> None:
    """It is entered with the version that it saw, and a retry that could do something now does not (I2)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("t", id="t"), by=ROOT)
    first = bus.outcome(Release("t"), by=ROOT, key="k")
    assert (first.events, first.item.version) == ((), 1)
    bus.execute(Claim("t"), by=ROOT)
    assert bus.outcome(Release("t"), by=ROOT, key="k") == again(first)
    assert bus.get("t", by=ROOT).assignee_id == "root"
    entry = entry_in(backend.store)
    assert entry is not None
    assert (entry.version, entry.changed) == (1, False)


def test_what_was_refused_leaves_no_key(backend: Backend) -> None:
    """A command that is refused, or finds nothing, may be sent again under its key, and is judged anew (I4)."""
    reports: list[Report] = []
    bus = a_bus(backend.store, observers=[reports.append])
    assert type(failure_of(bus.execute, StartTask("t"), by=ROOT, key="k")) is NotFoundError
    bus.execute(OpenCase("c", id="c", status="UNDER_REVIEW", reason="r"), by=ROOT)
    bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
    assert type(failure_of(bus.execute, CloseCase("c", "r"), by=ROOT, key="k")) is RefusedError
    assert entry_in(backend.store) is None
    bus.execute(CompleteTask("t"), by=ROOT)
    assert bus.outcome(CloseCase("c", "r"), by=ROOT, key="k").item.status == "CLOSED"
    assert [report.denial is not None for report in reports] == [True, False, False, True, False, False]


def test_whoever_gives_an_item_away_is_answered_again_until_somebody_else_comes(backend: Backend) -> None:
    """A retried Release is judged by the item that it found; once the item has changed, by that of today (I6)."""
    reports: list[Report] = []
    bus = a_bus(backend.store, observers=[reports.append])
    bus.execute(CreateTask("t", id="t", assignee_id="ann"), by=ROOT)
    first = bus.outcome(Release("t"), by=ANN, key="k")
    assert bus.outcome(Release("t"), by=ANN, key="k") == again(first)
    bus.execute(Edit("t", title="u"), by=ROOT)
    reports.clear()
    error = failure_of(bus.execute, Release("t"), by=ANN, key="k")
    assert type(error) is NotFoundError
    assert [report.denial for report in reports] == [error]
    bus.execute(Assign("t", "ann"), by=ROOT)
    assert bus.outcome(Release("t"), by=ANN, key="k") == again(first)


def test_a_deleted_item_answers_its_keys(backend: Backend) -> None:
    """Delete itself and all that came before are answered as they were, to whoever may read what is left (I2, I6)."""
    bus = a_bus(backend.store)
    made = bus.outcome(CreateTask("t"), by=ANN, key="new")
    deleted = bus.outcome(Delete(made.item.id), by=ANN, key="gone")
    assert bus.outcome(CreateTask("t"), by=ANN, key="new") == again(made)
    assert bus.outcome(Delete(made.item.id), by=ANN, key="gone") == again(deleted)


def test_the_counting_of_a_case_is_told_again(backend: Backend) -> None:
    """However much has happened to the case, its event is found; whoever may not read the case is not told (I2)."""
    bus = a_bus(backend.store)
    bus.execute(OpenCase("c", id="c"), by=WRITER)
    bus.execute(CreateTask("u", id="u", case_id="c", assignee_id="ben"), by=ROOT)
    first = bus.outcome(CreateTask("t", id="t", case_id="c"), by=WRITER, key="k")
    own = bus.outcome(CompleteTask("u"), by=BEN, key="k")
    done = bus.outcome(CompleteTask("t"), by=ROOT, key="d")
    assert [len(one.events) for one in (first, own, done)] == [2, 1, 2]
    for number in range(PAGE + 3):
        bus.execute(Edit("c", title=f"{number}"), by=ROOT)
    assert bus.outcome(CompleteTask("t"), by=ROOT, key="d") == again(done)
    assert bus.outcome(CompleteTask("u"), by=BEN, key="k") == again(own)
    start = bus.outcome(ReopenTask("t"), by=ROOT, key="r")
    assert bus.outcome(ReopenTask("t"), by=ROOT, key="r") == again(start)
    kept = bus.outcome(StartTask("t"), by=ROOT, key="s")  # it moves no counter
    assert bus.outcome(StartTask("t"), by=ROOT, key="s") == again(kept)
    assert bus.outcome(CreateTask("t", id="t", case_id="c"), by=WRITER, key="k") == again(first)


def test_a_history_that_is_damaged_is_told(backend: Backend) -> None:
    """A retry whose note or whose events are gone is a HistoryError; a case's event that is gone is left out (I2)."""
    bus = a_bus(backend.store)
    bus.execute(OpenCase("c", id="c"), by=ROOT)
    made = bus.outcome(CreateTask("t", id="t", case_id="c"), by=ROOT, key="new")
    bus.execute(AddNote("t", "b"), by=ROOT, key="note")
    backend.put_notes("t", ())
    assert "note that the command has added is not there" in str(
        failure_of(bus.execute, AddNote("t", "b"), by=ROOT, key="note")
    )
    backend.cut_history("c", after=1)
    assert bus.outcome(CreateTask("t", id="t", case_id="c"), by=ROOT, key="new").events == made.events[:1]
    backend.cut_history("t", after=1)
    assert type(failure_of(bus.execute, AddNote("t", "b"), by=ROOT, key="note")) is HistoryError


def test_what_was_erased_is_answered_as_what_is_left_of_it(backend: Backend) -> None:
    """A retry after an erasure is done no second time, and gives none of the words that were erased (I2, H8)."""
    store: Any = backend.store
    bus = a_bus(store)
    bus.execute(CreateTask("t", id="t"), by=ROOT, key="new")
    bus.execute(AddNote("t", "b"), by=ROOT, key="note")
    store.erase("t")
    assert bus.execute(CreateTask("t", id="t"), by=ROOT, key="new").title == "[erased]"
    assert bus.execute(AddNote("t", "b"), by=ROOT, key="note").body == "[erased]"
    assert len(bus.notes("t", by=ROOT)) == 1


def test_an_item_that_was_given_is_done_once_too(backend: Backend) -> None:
    """With item= nothing is read before the write, which alone tells that the key is taken (I1, I2)."""
    bus = a_bus(backend.store)
    item = bus.execute(CreateTask("t", id="t"), by=ROOT)
    first = bus.outcome(Edit("t", title="u"), by=ROOT, key="k", item=item)
    assert bus.outcome(Edit("t", title="u"), by=ROOT, key="k", item=item) == again(first)
    assert bus.outcome(Edit("t", title="u"), by=ROOT, key="k", item=first.item) == again(first)
    copied = attrs.evolve(first.item)
    assert bus.outcome(Edit("t", title="u"), by=ROOT, key="k", item=copied) == again(first)
    assert len(bus.history("t", by=ROOT)) == 2


@pytest.mark.parametrize("key", ["", " ", "a\0b", "\ud800", "a\nb", "x" * 256, 7, b"k"])
def test_a_key_that_no_store_could_hold_is_refused(bus: CommandBus, key: Any) -> None:
    """A key that is blank, too long, not printable or no text is an InvalidInputError (S2)."""
    assert failure_of(bus.execute, CreateTask("t"), by=ROOT, key=key).field == "key"


@pytest.mark.parametrize("command", [CreateTask("t"), StartTask("t")], ids=["create", "start"])
def test_a_store_that_keeps_no_keys_is_named(command: Command[Any]) -> None:
    """Where a store has no Ledger, a key is a MisuseError that says so, and nothing is done."""
    inner = MemoryStore()
    bus = a_bus(WatchedStore(inner))
    bus.execute(CreateTask("t", id="t"), by=ROOT)
    before = backend_of(inner).dump()
    error = failure_of(bus.execute, command, by=ROOT, key="k")
    assert type(error) is MisuseError
    assert "Ledger" in str(error)
    assert backend_of(inner).dump() == before


def backend_of(store: MemoryStore) -> MemoryBackend:
    """Return the way behind a store's back."""
    made = MemoryBackend.__new__(MemoryBackend)
    made.store = store
    return made


def test_an_entry_says_what_was_done(backend: Backend) -> None:
    """It holds who, what, the item and the version, and no answer (I2)."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("t", id="t"), by=ROOT)
    event = bus.outcome(Edit("t", title="secret"), by=ROOT, key="k").events[0]
    entry = entry_in(backend.store)
    assert entry is not None
    assert (entry.actor_id, entry.command, entry.item_id, entry.version, entry.changed) == (
        *("root", "Edit", ItemId("t")),
        *(2, True),
    )
    assert entry.recorded_at > (event.recorded_at or entry.recorded_at)
    assert "secret" not in repr(entry)


@attrs.frozen
class Odd(Command[Any]):
    """A command whose inputs no store can hold."""

    value: Any

    def ask(self) -> Any:
        """Return what it asks for."""
        return Ask("edit", "t", {"attributes": {"a": self.value}})


def nested() -> Any:
    """Return what is nested deeper than anybody can follow."""
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        float("nan"),
        "\ud800",
        b"b",
        {1: 2, "a": 3},
        {1: 2},
        [{None: 2}],
        {1, "a"},
        nested(),
        datetime.fromisoformat("2026-01-01"),
    ],
    ids=["object", "nan", "surrogate", "bytes", "keys", "number", "none", "set", "deep", "naive"],
)
def test_what_no_store_can_hold_has_no_fingerprint(bus: CommandBus, value: Any) -> None:
    """Under a key, too, it is an InvalidInputError and no other error (S2)."""
    bus.execute(CreateTask("t", id="t"), by=ROOT)
    for alike in ({"1": 2}, [{"null": 2}]):  # what JSON would make of names that are no text
        bus.execute(Odd(alike), by=ROOT, key=f"k{type(alike).__name__}")
    assert type(failure_of(bus.execute, Odd(value), by=ROOT, key="k")) is InvalidInputError
    assert type(failure_of(bus.execute, Odd(value), by=ROOT, key=f"k{type(value).__name__}")) is InvalidInputError
