"""Erasing personal payload: the chain still verifies, the fold says what it lost, and no word is left (H8)."""

from __future__ import annotations

import pickle
import random
from functools import cache
from typing import Any

import attrs
import pytest

from casewright import (
    TASK,
    ActorId,
    Case,
    Event,
    FrozenMapping,
    Payload,
    Permitted,
    Task,
    erase,
    erased_fields,
    fold,
    verify,
)
from support.histories import events_of, long_histories, random_histories
from support.values import ADMIN, AT, CANARY

COUNTERS = {"task_opened", "task_closed"}
DEFAULTS = {field.name: field.default for cls in (Task, Case) for field in attrs.fields(cls)} | {
    "title": "[erased]",
    "description": "[erased]",
}


@cache
def histories() -> list[list[Event]]:
    """Return 200 histories."""
    return [events_of(chain) for seed in range(60) for chain in random_histories(seed).values()][:200]


def some_erased(events: list[Event], share: str, rng: random.Random) -> list[Event]:
    """Return the events with about a tenth, half or all of them erased; at least one."""
    chance = {"tenth": 0.1, "half": 0.5, "all": 1.0}[share]
    always = rng.randrange(len(events))
    return [erase(event) if place == always or rng.random() < chance else event for place, event in enumerate(events)]


def last_setters(events: list[Event]) -> dict[str, Event]:
    """Return, of each field that any event sets, the event that set it last."""
    return {name: event for event in events for name in event.changed}


@pytest.mark.parametrize("share", ["tenth", "half", "all"])
def test_erased_histories_verify(share: str) -> None:
    """Of 200 histories a tenth, half or all payloads are erased, and each is still sound (H8)."""
    assert len(histories()) == 200
    for seed, events in enumerate(histories()):
        erased = some_erased(events, share, random.Random(seed))
        assert verify(erased) == ()
        assert [event.digest for event in erased] == [event.digest for event in events]
        for event, before in zip(erased, events, strict=True):
            assert event == (attrs.evolve(before, payload=None, salt=None) if event.erased else before)
            assert event.erased is (event.salt is None)


@pytest.mark.parametrize("share", ["tenth", "half", "all"])
def test_erased_events_are_still_covered(share: str) -> None:
    """An erased event is as hard to tamper with as any other: an edit of its header is found (H6, H8)."""
    for seed, events in enumerate(histories()):
        rng = random.Random(seed)
        erased = some_erased(events, share, rng)
        place = rng.choice([place for place, event in enumerate(erased)])
        edited = attrs.evolve(erased[place], actor_id=ActorId("someone else"))
        assert {finding.position for finding in verify([*erased[:place], edited, *erased[place + 1 :]])} == {place}


@pytest.mark.parametrize("share", ["tenth", "half", "all"])
def test_fold_names_exactly_what_it_cannot_know(share: str) -> None:
    """Fields that erased_fields does not name are as before; those it names were last set by an erased event (H8)."""
    named = 0
    for seed, events in enumerate(histories()):
        erased = some_erased(events, share, random.Random(seed))
        item, folded, unknown = fold(events), fold(erased), erased_fields(erased)
        for field in attrs.fields(type(item)):
            if field.name not in unknown:
                assert getattr(folded, field.name) == getattr(item, field.name), seed
        setters = last_setters(erased)
        expected = {name for name, event in setters.items() if event.erased}
        lost = {name for event in erased if event.erased for name in event.changed}
        expected |= lost & {"attributes", "tags"}  # merged, so what an erased event put there is never known again
        assert unknown == expected, seed
        named += len(unknown)
    assert named > 200


@pytest.mark.parametrize("share", ["tenth", "half", "all"])
def test_lost_fields_have_their_default(share: str) -> None:
    """A field that only erased events set is [erased] if it is title or description, else what a new item has (H8)."""
    for seed, events in enumerate(histories()):
        erased = some_erased(events, share, random.Random(seed))
        folded = fold(iter(erased))
        kept = {name for event in erased if not event.erased for name in event.changed}
        for name in {name for event in erased for name in event.changed} - kept:
            assert getattr(folded, name) == DEFAULTS[name], (seed, name)


def test_what_was_not_erased_is_kept() -> None:
    """A field that both kept and erased events set has what the last kept one put there, and is named if old (H8)."""
    for seed, events in enumerate(histories()):
        erased = some_erased(events, "half", random.Random(seed))
        item, unknown = fold(erased), erased_fields(erased)
        kept: dict[str, Any] = {}
        for event in erased:
            kept |= event.payload.changes if event.payload is not None else {}
        for name in ("title", "description", "assignee_id"):
            if kept.get(name) is not None:
                assert getattr(item, name) == kept[name], (seed, name)
                last = [event for event in erased if name in event.changed][-1]
                assert (name in unknown) is last.erased


def test_no_word_survives() -> None:
    """After all is erased no word of it is left in the events and in the item they fold to, in any form (H8)."""
    canary = CANARY.encode()
    for events in histories():
        assert canary in pickle.dumps(events)
        erased = [erase(event) for event in events]
        for thing in (erased, fold(erased)):
            assert canary not in pickle.dumps(thing, 0)
            assert canary not in pickle.dumps(thing)
            assert CANARY not in repr(thing)
        assert all(CANARY not in str(getattr(event, name)) for event in erased for name in event_fields(event))


def event_fields(event: Event) -> list[str]:
    """Return the names of all fields and properties of an event."""
    return [field.name for field in attrs.fields(type(event))] + ["id", "erased"]


def test_digest_does_not_give_the_payload_away() -> None:
    """Who has an erased event and guesses its payload cannot tell that the guess is right: the salt is gone (H8)."""
    for events in long_histories(10, 3):
        for event in events:
            if event.action in COUNTERS:
                continue
            assert event.payload is not None
            assert event.salt is not None
            guess = Payload.from_text(event.payload.text)
            rebuilt = attrs.evolve(erase(event), payload=guess, salt="0" * 32)
            before = events[: event.version - 1]
            assert {finding.code for finding in verify([*before, rebuilt])} == {"payload"}
            assert event.salt not in repr(erase(event))


def test_what_was_erased_can_be_put_back() -> None:
    """An erased event into which the very payload and salt are put back is sound; anything else is found (H8)."""
    for events in long_histories(10, 3):
        for event in events:
            back = attrs.evolve(erase(event), payload=event.payload, salt=event.salt)
            assert verify([*events[: event.version - 1], back]) == ()


def test_counter_events_stay_as_they_are() -> None:
    """The events by which a case counts its tasks hold nothing personal: erasing them changes nothing (H8)."""
    counters = [event for events in histories() for event in events if event.action in COUNTERS]
    assert len(counters) > 50
    for event in counters:
        assert erase(event) is event or erase(event) == event
        assert not erase(event).erased
    for events in histories():
        if events[0].kind == "case":
            item, folded = fold(events), fold(map(erase, events))
            assert isinstance(item, Case)
            assert isinstance(folded, Case)
            assert folded.open_tasks == item.open_tasks


def test_a_counter_without_its_payload_is_a_finding() -> None:
    """A count is never erased: whoever took its payload away could hide how many tasks are open (H6, H8)."""
    for events in histories():
        gone = [attrs.evolve(event, payload=None, salt=None) for event in events]
        folded = fold(gone)
        counts = [place for place, event in enumerate(gone) if event.action in ("task_opened", "task_closed")]
        assert [(one.position, one.code) for one in verify(gone)] == [(place, "payload") for place in counts[:1]]
        assert erased_fields(gone) == {name for event in events for name in event.changed}
        assert not isinstance(folded, Case) or folded.open_tasks == 0


def test_erasing_is_done_once() -> None:
    """Erasing what is erased changes nothing, and erasing leaves the given event as it was (E1, H8)."""
    for events in long_histories(10, 3):
        for event in events:
            before = pickle.dumps(event)
            erased = erase(event)
            assert erase(erased) == erased
            assert pickle.dumps(event) == before


def test_later_values_are_known_again() -> None:
    """A field that is set anew after an erasure is known again, and named no longer (H8)."""
    created: Any = TASK.create("t1", by=ADMIN, at=AT, title="old", description="old", tags=["a"])
    assert isinstance(created, Permitted)
    edited: Any = TASK.decide(created.changes[0].after, "edit", {"title": "new"}, by=ADMIN, at=AT)
    first, second = erase(created.changes[0].event), edited.changes[0].event
    assert erased_fields([first]) == {"title", "description", "tags"}
    assert erased_fields([first, second]) == {"description", "tags"}
    folded = fold([first, second])
    assert (folded.title, folded.description, folded.tags) == ("new", "[erased]", ())
    again: Any = TASK.decide(edited.changes[0].after, "edit", {"description": None}, by=ADMIN, at=AT)
    assert erased_fields([first, second, again.changes[0].event]) == {"tags"}
    assert fold([first, second, again.changes[0].event]).description is None


def test_attributes_stay_unknown() -> None:
    """Attributes are merged by key, so after an erasure they stay named: nobody knows what else was there (H8)."""
    created: Any = TASK.create("t1", by=ADMIN, at=AT, title="t", attributes={"a": 1})
    edited: Any = TASK.decide(created.changes[0].after, "edit", {"attributes": {"a": 2}}, by=ADMIN, at=AT)
    events = [erase(created.changes[0].event), edited.changes[0].event]
    assert erased_fields(events) == {"title", "attributes"}
    assert fold(events).attributes == FrozenMapping({"a": 2})
