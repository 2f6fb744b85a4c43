"""Histories and notes as a bus shows them, and `verify`: what holds, and what somebody has changed (H2, H5, H6)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from casewright import (
    Actor,
    AddNote,
    CommandBus,
    CreateTask,
    Edit,
    FrozenMapping,
    InvalidInputError,
    ItemId,
    OpenCase,
    StartTask,
    Tag,
    Tenant,
)
from casewright.adapters.memory import MemoryStore
from casewright.application.verifying import verify_stored
from casewright.domain.folding import evolve
from support.backends import Backend
from support.buses import ANN, START, WRITER, a_bus, failure_of

pytestmark = pytest.mark.usefixtures("both_buses")


@pytest.fixture
def told(backend: Backend) -> CommandBus:
    """Return a bus with a task of five events and two notes."""
    bus = a_bus(backend.store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(AddNote("x-1", "first", note_id="n-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN)
    bus.execute(AddNote("x-1", "second", note_id="n-2"), by=ANN, at=START.replace(year=1999))
    bus.execute(Tag("x-1", add=["wet"]), by=ANN)
    return bus


def test_a_history_is_shown_from_any_version_on(told: CommandBus) -> None:
    """Events of later versions than ``after``, the first ``limit`` of them, by version whatever their times."""
    for after, limit in itertools.product([0, 1, 3, 4, 5, 6, 2**63 - 1], [None, 1, 2, 4, 5, 9, 2**63 - 1]):
        shown = told.history("x-1", by=ANN, after=after, limit=limit)
        assert [event.version for event in shown] == list(range(1, 6))[after:][:limit]


@pytest.mark.parametrize(
    ("name", "value"),
    [("after", -1), ("after", True), ("after", "1"), ("after", None), ("limit", 0), ("limit", True), ("limit", 2.0)],
)
def test_a_place_in_a_history_is_a_number(told: CommandBus, name: str, value: Any) -> None:
    """Anything else is an InvalidInputError that names the argument (S7)."""
    error = failure_of(told.history, "x-1", by=ANN, **{name: value})
    assert (type(error), error.field) == (InvalidInputError, name)


@pytest.mark.parametrize("item_id", ["", " ", "two\nlines", "x" * 256, "\ud800", 7, None])
def test_an_id_that_no_item_can_have_is_refused(told: CommandBus, item_id: Any) -> None:
    """Every question answers it with an InvalidInputError of ours, the same on every store (S2)."""
    for ask in (told.get, told.actions, told.history, told.notes, told.verify):
        error = failure_of(ask, item_id, by=ANN)
        assert (type(error), error.field) == (InvalidInputError, "id")


Tampering = Callable[[Backend, CommandBus], object]


def notes_of(bus: CommandBus) -> Any:
    """Return the notes that are there, as a list to change."""
    return list(bus.notes("x-1", by=ANN))


def put_notes(change: Callable[[list[Any]], list[Any]]) -> Tampering:
    """Return the tampering that replaces the notes by what the function makes of them."""
    return lambda backend, bus: backend.put_notes("x-1", change(notes_of(bus)))


DIGEST = "0" * 64
TAMPERINGS: dict[str, tuple[Tampering, list[tuple[int, str]]]] = {
    "row: title": (lambda backend, bus: backend.set_item("x-1", title="B"), [(5, "row")]),
    "row: status": (lambda backend, bus: backend.set_item("x-1", status="done", category="done"), [(5, "row")]),
    "row: assignee": (lambda backend, bus: backend.set_item("x-1", assignee_id="sam"), [(5, "row")]),
    "row: head": (lambda backend, bus: backend.set_item("x-1", head=DIGEST), [(5, "row")]),
    "event: actor": (lambda backend, bus: backend.set_event("x-1", 3, actor_id="sam"), [(2, "digest")]),
    "event: definition": (lambda backend, bus: backend.set_event("x-1", 1, definition="task2"), [(0, "digest")]),
    "event: digest": (lambda backend, bus: backend.set_event("x-1", 5, digest=DIGEST), [(4, "digest")]),
    "event: link": (
        lambda backend, bus: backend.set_event("x-1", 2, previous=DIGEST),
        [(1, "previous"), (1, "digest")],
    ),
    "event: salt": (lambda backend, bus: backend.set_event("x-1", 4, salt=DIGEST), [(3, "payload")]),
    "tail cut": (lambda backend, bus: backend.cut_history("x-1", after=4), [(4, "row")]),
    "tail with a note cut": (lambda backend, bus: backend.cut_history("x-1", after=3), [(3, "row"), (3, "note_extra")]),
    "history gone": (lambda backend, bus: backend.cut_history("x-1", after=0), [(0, "malformed")]),
    "note: text": (put_notes(lambda notes: [attrs.evolve(notes[0], body="other"), notes[1]]), [(1, "note")]),
    "note: author": (put_notes(lambda notes: [notes[0], attrs.evolve(notes[1], author_id="sam")]), [(3, "note")]),
    "note: time": (put_notes(lambda notes: [attrs.evolve(notes[0], created_at=START), notes[1]]), [(1, "note")]),
    "note: id": (put_notes(lambda notes: [attrs.evolve(notes[0], id="n-3"), notes[1]]), [(1, "note")]),
    "note: version": (
        put_notes(lambda notes: [attrs.evolve(notes[0], version=3), notes[1]]),
        [(1, "note_missing"), (5, "note_extra")],
    ),
    "note missing": (put_notes(lambda notes: notes[:1]), [(3, "note_missing")]),
    "all notes missing": (put_notes(lambda notes: []), [(1, "note_missing"), (3, "note_missing")]),
    "note too many": (
        put_notes(lambda notes: [*notes, attrs.evolve(notes[0], id="n-3", version=5)]),
        [(5, "note_extra")],
    ),
    "note too many at the place of another": (
        put_notes(lambda notes: [attrs.evolve(notes[0], id="n-3", body="forged"), *notes]),
        [(5, "note_extra")],
    ),
    "notes swapped": (
        put_notes(lambda notes: [attrs.evolve(notes[0], version=4), attrs.evolve(notes[1], version=2)]),
        [(1, "note"), (3, "note")],
    ),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_changed_behind_the_buss_back_is_found(backend: Backend, told: CommandBus, name: str) -> None:
    """At its exact place and with its code: row, event, chain, cut tail, note (H2, H5, H6)."""
    tamper, expected = TAMPERINGS[name]
    tamper(backend, told)
    who = Actor("root", roles=["admin"])
    findings = told.verify("x-1", by=who)
    assert [(finding.position, finding.code) for finding in findings] == expected
    assert all("\n" not in str(finding) for finding in findings)
    assert told.verify("x-1", by=who) == findings


def test_what_was_erased_is_no_finding(backend: Backend, told: CommandBus) -> None:
    """Neither an event without its payload nor the note that went with it; what was changed elsewhere still is (H8)."""
    backend.set_event("x-1", 2, payload=None, salt=None)
    backend.put_notes("x-1", notes_of(told)[1:])
    assert told.verify("x-1", by=ANN) == ()
    backend.set_event("x-1", 1, payload=None, salt=None)
    backend.set_item("x-1", title="[erased]")
    assert told.verify("x-1", by=ANN) == ()
    backend.set_item("x-1", status="done")
    (finding,) = told.verify("x-1", by=ANN)
    assert (finding.position, finding.text.rpartition(": ")[2]) == (5, "status")


def test_a_finding_names_fields_and_no_values(backend: Backend, told: CommandBus) -> None:
    """Which columns are wrong is told; what they hold is not (A7)."""
    backend.set_item("x-1", title="canary", description="canary", assignee_id="canary")
    (finding,) = told.verify("x-1", by=ANN)
    assert finding.text.endswith(": title, description, assignee_id")
    assert "canary" not in repr(finding)


def test_a_command_on_a_tampered_row_is_a_conflict_or_leaves_the_trace(backend: Backend, told: CommandBus) -> None:
    """A changed head can no longer be written on; a changed field does not heal by writing others (H2, H5)."""
    backend.set_item("x-1", title="forged")
    told.execute(Edit("x-1", description="later"), by=ANN)
    (finding,) = told.verify("x-1", by=ANN)
    assert (finding.position, finding.code) == (6, "row")
    assert finding.text.endswith(": title")


def test_a_number_is_not_the_same_as_true(told: CommandBus) -> None:
    """A row that was edited from 1 to true, which rules tell apart and Python's == does not, is found (A4, H2)."""
    item = told.execute(Edit("x-1", attributes={"level": 1, "deep": [{"n": 0}]}), by=ANN)
    events, notes = told.history("x-1", by=ANN), told.notes("x-1", by=ANN)
    assert verify_stored(item, events, notes) == ()
    for forged in (
        {"level": True, "deep": ({"n": 0},)},
        {"level": 1, "deep": ({"n": False},)},
        {"level": float("nan")},
    ):
        (finding,) = verify_stored(evolve(item, {"attributes": FrozenMapping(forged)}), events, notes)
        assert (finding.code, finding.text.rpartition(": ")[2]) == ("row", "attributes")
    (finding,) = verify_stored(evolve(item, {"version": float(item.version)}), events, notes)
    assert finding.text.endswith(": version")


class Busy(MemoryStore):
    """A memory store in which others commit while a unit reads."""

    def __init__(self) -> None:
        """Begin with nobody else."""
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Read, then let the next one commit."""
        found = super().kept(tenant, item_id)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return found


def test_what_others_commit_meanwhile_is_no_finding() -> None:
    """Row, history and notes are read one after the other: what came in between is told from what was forged (H5)."""
    store = Busy()
    bus = a_bus(store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    for steps in range(4):
        store.meanwhile += [lambda: None] * steps
        store.meanwhile += [lambda: bus.execute(AddNote("x-1", "meanwhile"), by=ANN)] * 3
        assert bus.verify("x-1", by=ANN) == ()
        store.meanwhile.clear()


def test_a_case_is_no_history_of_a_task(told: CommandBus) -> None:
    """A row of another kind than its history is found by its kind."""
    told.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    case, events = told.get("c-1", by=WRITER), told.history("x-1", by=ANN)
    (finding, *_) = verify_stored(case, events, told.notes("x-1", by=ANN))
    assert finding.code == "row"
    assert finding.text.endswith(": kind")
