"""What comes back is what was recorded: items, events and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import product
from typing import Any, Final

import attrs
import pytest

from casewright.application.ports import Store
from casewright.application.verifying import verify_stored
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.events import Context
from casewright.domain.history import erase, seal, verify
from casewright.domain.ids import NO_TENANT
from casewright.domain.payloads import Payload
from casewright.domain.verdicts import Permitted
from casewright.errors import InvalidInputError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, must_raise, told
from casewright.testing.contracts.driving import (
    MANY,
    NOTHING_THERE,
    ODD_TIME,
    Changes,
    all_of,
    created,
    decided,
    exact,
    kept,
    many,
    mutable_parts,
    write,
)

__all__ = ["ReadingContract"]

_ATTRIBUTES: Final[Mapping[str, object]] = {
    "one": 1,
    "true": True,
    "zero": 0,
    "false": False,
    "text": "1",
    "blank": "",
    "least": -(2**63),
    "most": 2**63 - 1,
    "é\u0301 \"'$.[0]%_\\": "\n\t\x7f",
    "nested": {"": [1, True, None, [], {}, "null"], "1": {"1": {"1": 1}}},
}

_WHOLE: Final[Mapping[str, Any]] = {
    "title": " Ärger 終 🧑‍⚕️ ' \" \\ %s {} \u202e ",
    "description": "first\r\nsecond\tthird \x01",
    "priority": "urgent",
    "assignee_id": "zoë o'neil",
    "due_at": "9999-12-31T23:59:59.999999+00:00",
    "tags": ["b", "B", "é", "a b", "\U0001d49c"],
    "attributes": _ATTRIBUTES,
}
_DEPUTY: Final = Actor("dee", roles=["admin"], on_behalf_of="zoë o'neil")
_CONTEXT: Final = Context(correlation_id="request 1", causation_id="other-1.7", traceparent="00-0af7-b7ad-01")


def _in_a_case() -> Changes:
    (opening,) = created(REGULATORY_CASE, "case-1")
    return (opening, *created(TASK, "a", parent=opening.after))


def _worked_on() -> Changes:
    (first,) = created(TASK, "a", **_WHOLE, by=_DEPUTY)
    (second,) = decided(first.after, "start", by=_DEPUTY)
    (third,) = decided(second.after, "edit", {"description": None, "priority": None, "attributes": {"one": None}})
    (fourth,) = decided(third.after, "cancel", {"reason": "no"}, at=ODD_TIME)
    return first, second, third, fourth


_NEWER: Final = '{"changes":{"title":"A title"},"inputs":{},"later":[1,"\\u007f"]}'


def _newer() -> Changes:
    """A change whose payload says more than this version knows."""
    verdict = TASK.create("a", by=Actor("ann"), at=SOME_TIME, title="A title")
    assert isinstance(verdict, Permitted)
    (change,) = verdict.changes
    event = attrs.evolve(change.event, payload=Payload.from_text(_NEWER))
    return (seal(attrs.evolve(change, event=event), recorded_at=SOME_TIME),)


_SAMPLES: Final[Mapping[str, Callable[[], Changes]]] = {
    "nothing but a title": lambda: created(TASK, "a"),
    "every field": lambda: created(TASK, "a", **_WHOLE, by=_DEPUTY, context=_CONTEXT),
    "a case": lambda: created(REGULATORY_CASE, "a", **_WHOLE),
    "at the limits": lambda: created(
        TASK, "a", title="\U0001d49c" * 500, description="終" * 10_000, tags=["\U0001d49c" * 100]
    ),
    "in a case": _in_a_case,
    "worked on": _worked_on,
}


@told
class ReadingContract(Contract):
    """What comes back is what was recorded. A part of `StoreContract`."""

    def test_a_missing_item_is_none(self, store: Store) -> None:
        """`get` returns None where there is no item; its history and its notes are empty."""
        write(store, *created(TASK, "a"))
        assert all_of(store, "b") == NOTHING_THERE

    @pytest.mark.parametrize("sample", _SAMPLES)
    def test_an_item_and_its_events_come_back_equal(self, store: Store, sample: str) -> None:
        """The item is equal to the one that was recorded, and each event to its own, type for type."""
        changes = _SAMPLES[sample]()
        write(store, *changes)
        for last in {change.after.id: change.after for change in changes}.values():
            item, events, _ = all_of(store, last.id)
            recorded = [change.event for change in changes if change.event.item_id == last.id]
            assert (item, events) == (last, recorded)
            assert [exact(found) for found in (item, *events) if found] == [exact(one) for one in (last, *recorded)]

    def test_an_instant_comes_back_as_the_same_instant(self, store: Store) -> None:
        """500 instants, each in a zone of its own and each local time twice as in a fold, come back in UTC (S3)."""
        moments = [_moment(number) for number in range(500)]
        changes = [created(TASK, f"{place}", at=at, due_at=at)[0] for place, at in enumerate(moments)]
        write(store, *changes)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for place, moment in enumerate(moments):
                item, (event,) = uow.items.get(f"{place}"), uow.history(f"{place}")
                assert item is not None
                utc = (moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta())).replace(tzinfo=UTC)
                found = (item.created_at, item.updated_at, item.due_at, event.occurred_at, event.recorded_at)
                assert list(map(repr, found)) == [repr(utc)] * 5

    def test_a_history_that_is_read_back_verifies(self, store: Store) -> None:
        """What was hashed is what comes back, each microsecond and each character, of events and of notes (H4, H5)."""
        changes = list(created(TASK, "a", **_WHOLE, at=ODD_TIME, by=_DEPUTY, context=_CONTEXT))
        for number, microsecond in enumerate((0, 1, 999, 1000, 500_500, 999_999)):
            at, note = (
                SOME_TIME.replace(microsecond=microsecond),
                {"note_id": f"{number}", "body": f"\n{number} 終\r\n"},
            )
            changes += decided(changes[-1].after, "add_note", note, at=at, by=_DEPUTY)
        write(store, *changes[:3])
        write(store, *changes[3:])
        item, events, notes = all_of(store, "a")
        assert item is not None
        assert verify_stored(item, events, notes) == ()

    def test_an_erased_event_comes_back_erased(self, store: Store) -> None:
        """An event without payload and salt comes back as it is: nothing is put in their place (H8)."""
        (change,) = created(TASK, "a")
        (next_one,) = decided(change.after, "start")
        write(store, attrs.evolve(change, event=erase(change.event)), next_one)
        assert all_of(store, "a")[1] == [erase(change.event), next_one.event]

    def test_a_deleted_item_is_still_read(self, store: Store) -> None:
        """`get` returns a deleted item too, and its history and its notes stay."""
        (opening,) = created(TASK, "a")
        (noted,) = decided(opening.after, "add_note", {"note_id": "n", "body": "why"})
        (deleting,) = decided(noted.after, "delete", at=ODD_TIME)
        write(store, opening, noted, deleting)
        assert deleting.after.deleted_at is not None
        events = [opening.event, noted.event, deleting.event]
        assert all_of(store, "a") == (deleting.after, events, list(noted.notes))

    def test_history_is_by_version_from_after_on_up_to_the_limit(self, store: Store) -> None:
        """The events come by version, only later ones than `after`, and at most `limit`, the earliest ones."""
        changes = list(created(TASK, "a"))
        for number in range(6):
            changes += decided(changes[-1].after, "edit", {"title": f"{number}"}, at=SOME_TIME - timedelta(days=number))
        events = [change.event for change in changes]
        write(store, *created(TASK, "aa"), *changes, *created(TASK, "A"))
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for after, limit in product((0, 1, 5, 6, 7, 99, 2**63 - 1), (None, 1, 2, 7, 99, 2**63 - 1)):
                assert list(uow.history("a", after=after, limit=limit)) == events[after:][:limit], (after, limit)

    def test_the_text_of_a_payload_is_kept_untouched(self, store: Store) -> None:
        """A payload that a newer version has written, with a key that this one does not know, keeps every byte (H4)."""
        (change,) = _newer()
        write(store, change)
        (event,) = all_of(store, "a")[1]
        assert event.payload is not None
        assert event.payload.text == _NEWER, "the payload is not the text that was sealed"
        assert verify([event]) == ()

    def test_bounds_of_a_history_that_make_no_sense_are_refused(self, store: Store) -> None:
        """With an `after` below 0 or a `limit` below 1, `history` raises InvalidInputError."""
        write(store, *created(TASK, "a"))
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for bounds in ({"after": -1}, {"limit": 0}, {"limit": -1}):
                must_raise(InvalidInputError, partial(uow.history, "a", **bounds), f"history({bounds})")

    def test_notes_come_in_the_order_in_which_they_were_added(self, store: Store) -> None:
        """Neither the ids of notes nor their times order them, nor the units that added them; each comes back equal."""
        changes = list(created(TASK, "a"))
        for number, note_id in enumerate(("c", "B", "10", "9", "é", "a")):
            at, body = ODD_TIME - timedelta(days=number), f"\n{number} 終\r\n"
            changes += decided(changes[-1].after, "add_note", {"note_id": note_id, "body": body}, at=at)
        write(store, *changes[:4])
        write(store, *changes[4:])
        notes, recorded = all_of(store, "a")[2], [note for change in changes for note in change.notes]
        assert notes == recorded
        assert list(map(exact, notes)) == list(map(exact, recorded))

    def test_however_much_there_is_all_of_it_comes_back(self, store: Store) -> None:
        """Neither a history nor the notes of an item end anywhere but at their end, nor does what one unit records."""
        write(store, *many())
        assert all_of(store, f"{MANY - 1:04}") == kept(many())

    def test_nothing_that_was_read_can_change_what_is_kept(self, store: Store) -> None:
        """What comes back holds nothing that can be changed, and emptying a sequence empties only that one (E1)."""
        (opening,) = created(TASK, "a", **_WHOLE)
        (noted,) = decided(opening.after, "add_note", {"note_id": "n", "body": "why"})
        write(store, opening, noted)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            events: Any = uow.history("a")
            notes: Any = uow.notes("a")
            payloads = [part for event in events for part in (event.payload.inputs, event.payload.changes)]
            for found in (uow.items.get("a"), *events, *notes, *payloads):
                assert mutable_parts(found) == []
            for sequence in (events, notes):
                with suppress(AttributeError):
                    sequence.clear()
        assert all_of(store, "a") == (noted.after, [opening.event, noted.event], list(noted.notes))

    def test_a_lock_is_a_hint(self, store: Store) -> None:
        """With `lock=True` just the same is returned; a store without row locks passes the hint over."""
        (change,) = created(TASK, "a")
        write(store, change)
        with store.begin(tenant=NO_TENANT) as uow:
            assert uow.items.get("a", lock=True) == change.after
            assert uow.items.get("b", lock=True) is None

    def test_a_unit_that_only_reads_sees_no_more_and_no_less(self, store: Store) -> None:
        """A unit with `write=False` sees just what one with `write=True` sees."""
        (opening,) = created(TASK, "a")
        write(store, opening, *decided(opening.after, "add_note", {"note_id": "n", "body": "why"}))
        assert all_of(store, "a", write=False) == all_of(store, "a", write=True)


def _moment(number: int) -> datetime:
    """An instant in a zone of its own; two with one local time are an hour apart, as the two sides of a fold."""
    local, side = divmod(number, 2)
    microsecond = (0, 1, 999_999, local * 3989)[local % 4]
    zone = timezone(timedelta(minutes=5 * local - 660 - 60 * side, seconds=local % 60, microseconds=local % 7))
    return datetime(
        2 + 39 * local, 1 + local % 12, 1 + local % 28, local % 24, local % 60, local % 59, microsecond, zone
    )
