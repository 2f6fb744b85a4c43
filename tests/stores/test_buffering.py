"""What a buffering unit of work hands to its adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    AlreadyExistsError,
    BufferingUnitOfWork,
    Event,
    ItemId,
    Note,
    RowWrite,
    StaleVersionError,
    Task,
    Writes,
)
from casewright.application.verifying import verify_stored
from casewright.domain.ids import NO_TENANT
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.driving import created, decided


class Listening(BufferingUnitOfWork):
    """A unit that keeps nothing but what it was told to write, and how often it was ended."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        super().__init__(NO_TENANT, write=True)
        self.flushed: list[Writes] = []
        self.ends = 0

    def _load(self, item_id: ItemId, *, lock: bool) -> Task | None:
        return None

    def _flush(self, writes: Writes) -> None:
        self.flushed.append(writes)

    def _end(self) -> None:
        self.ends += 1

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> Sequence[Event]:
        return ()

    def _notes(self, item_id: ItemId) -> Sequence[Note]:
        return ()


def test_rows_come_by_kind_and_id_and_the_rest_as_it_was_recorded() -> None:
    """Two units that write the same rows write them in one order, so that they never wait for each other."""
    (opening,) = created(REGULATORY_CASE, "c")
    entering = created(TASK, "b", parent=opening.after)
    (other,) = created(TASK, "a")
    uow = Listening()
    uow.record(*entering)
    uow.record(other)
    uow.commit()
    (writes,) = uow.flushed
    assert [(row.after.kind, row.after.id) for row in writes.rows] == [("case", "c"), ("task", "a"), ("task", "b")]
    assert [event.id for event in writes.events] == ["b.1", "c.2", "a.1"]
    assert [(pointer.item_id, pointer.version) for pointer in writes.pointers] == [("b", 1), ("c", 2), ("a", 1)]


def test_all_changes_of_an_item_are_one_row() -> None:
    """The adapter sees the item before the first change and after the last, and each event."""
    (opening,) = created(TASK, "a")
    (first,) = decided(opening.after, "start")
    (second,) = decided(first.after, "add_note", {"note_id": "n", "body": "why"})
    uow = Listening()
    uow.record(first, second)
    uow.commit()
    assert uow.flushed == [
        Writes(
            (RowWrite(opening.after, second.after),), (first.event, second.event), second.notes, uow.flushed[0].pointers
        )
    ]


def test_only_the_fields_that_were_set_are_to_be_written() -> None:
    """A change names the fields that it has set; a new row has all of them but tenant and id."""
    (opening,) = created(TASK, "a")
    (starting,) = decided(opening.after, "start", at=SOME_TIME + timedelta(hours=1))
    changed = RowWrite(opening.after, starting.after).changed
    assert set(changed) == {"status", "category", "version", "updated_at", "performers", "head"}
    everything = {field.name for field in attrs.fields(Task)} - {"id", "tenant"}
    assert set(RowWrite(None, opening.after).changed) == everything


def test_a_unit_without_records_writes_nothing_and_ends_once() -> None:
    """An empty commit reaches no store; the adapter gives back what it holds once, however the unit ends."""
    uow = Listening()
    with uow:
        uow.commit()
    uow.rollback()
    assert (uow.flushed, uow.ends) == ([], 1)


def test_a_row_is_put_onto_the_present_one_or_refused() -> None:
    """`onto` sets only what was changed, on the item that the change was decided on and on no other (L1, H5)."""
    (opening,) = created(TASK, "a", description="kept")
    (starting,) = decided(opening.after, "start")
    new, row = RowWrite(None, opening.after), RowWrite(opening.after, starting.after)
    assert new.onto(None) is opening.after
    assert row.onto(opening.after) is starting.after
    erased = attrs.evolve(opening.after, description="[erased]")
    assert row.onto(erased) == attrs.evolve(starting.after, description="[erased]")
    for present, actual in ((None, None), (starting.after, 2), (attrs.evolve(opening.after, head="other"), 1)):
        with pytest.raises(StaleVersionError) as stale:
            row.onto(present)
        assert (stale.value.item_id, stale.value.expected, stale.value.actual) == ("a", 1, actual)
    with pytest.raises(AlreadyExistsError):
        new.onto(opening.after)


def test_a_row_that_is_not_what_its_event_makes_is_taken() -> None:
    """`record` checks the links of a change and not what is in its row: only `verify` finds that (H2)."""
    (opening,) = created(TASK, "a")
    edited = attrs.evolve(opening, after=attrs.evolve(opening.after, title="Another title"))
    uow = Listening()
    uow.record(edited)
    uow.commit()
    assert uow.flushed[0].rows == (RowWrite(None, edited.after),)
    assert [finding.code for finding in verify_stored(edited.after, [edited.event], [])] == ["row"]
