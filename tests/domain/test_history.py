"""Histories that prove themselves: sealing, verifying, and two thousand ways of tampering (H4-H6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any

import attrs
import pytest

from casewright import (
    Category,
    Event,
    InvalidInputError,
    Payload,
    erase,
    verify,
)
from casewright.domain.events import HEADERS, RESERVED, SCHEMA, UNPERFORMED
from casewright.domain.history import header_digest, note_digest, payload_digest
from support.histories import events_of, long_histories, random_histories
from support.values import HOSTILE, a_note

HEADER = [field.name for field in attrs.fields(Event) if field.name not in {"payload", "salt"}]
POOL = long_histories(40, 5)
History = list[Event]


def first_difference(events: History, original: History) -> int | None:
    """Return the first index at which the events are not the original ones; None for a beginning of them."""
    for position, event in enumerate(events):
        if position >= len(original) or event != original[position]:
            return position
    return None


def another(value: Any) -> Any:
    """Return a value of the same type, or of a likely one, that is not the same."""
    if isinstance(value, Enum):
        return next(member for member in type(value) if member is not value)
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, tuple):
        return (*value, "zz")
    return Payload.from_text(value.text + " ") if isinstance(value, Payload) else f"{value or ''}x"


def resealed(events: History, start: int) -> History:
    """Return the events with the chain made good from a position on, as only a full rewrite can."""
    fixed = events[:start]
    for event in events[start:]:
        assert event.payload is not None
        previous = fixed[-1].digest if fixed else ""
        digest = payload_digest(event.payload.text, event.salt or "")
        linked = attrs.evolve(event, previous=previous, payload_digest=digest)
        fixed.append(attrs.evolve(linked, digest=header_digest(linked)))
    return fixed


def delete(events: History, at: int, rng: random.Random) -> History:
    """Take one out, not at the end."""
    at = min(at, len(events) - 2)
    return events[:at] + events[at + 1 :]


def insert(events: History, at: int, rng: random.Random) -> History:
    """Put in an event of this or another history, as it is or renumbered."""
    foreign = rng.choice(rng.choice([events, rng.choice(POOL)]))
    if rng.random() < 0.5:
        foreign = attrs.evolve(foreign, version=at + 1, item_id=events[0].item_id, kind=events[0].kind)
    return [*events[:at], foreign, *events[at:]]


def append(events: History, at: int, rng: random.Random) -> History:
    """Put a foreign event at the end."""
    return [*events, rng.choice(rng.choice(POOL))]


def swap(events: History, at: int, rng: random.Random) -> History:
    """Exchange two."""
    other = rng.choice([place for place in range(len(events)) if place != at])
    mixed = [*events]
    mixed[at], mixed[other] = mixed[other], mixed[at]
    return mixed


def duplicate(events: History, at: int, rng: random.Random) -> History:
    """Repeat one."""
    return [*events[: at + 1], *events[at:]]


def half_erase(events: History, at: int, rng: random.Random) -> History:
    """Take away the payload but not the salt, or the other way round."""
    gone: dict[str, Any] = {rng.choice(["payload", "salt"]): None}
    return [*events[:at], attrs.evolve(events[at], **gone), *events[at + 1 :]]


def relabel(events: History, at: int, rng: random.Random) -> History:
    """Change the payload and its digest too."""
    payload = another(events[at].payload)
    digest = payload_digest(payload.text, events[at].salt or "")
    return [*events[:at], attrs.evolve(events[at], payload=payload, payload_digest=digest), *events[at + 1 :]]


def head_off(events: History, at: int, rng: random.Random) -> History:
    """Cut off the beginning."""
    return events[max(at, 1) :]


TAMPERINGS: tuple[Callable[[History, int, random.Random], History], ...] = (
    delete,
    insert,
    append,
    swap,
    duplicate,
    half_erase,
    relabel,
    head_off,
)


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_found_at_its_place(tamper: Callable[[History, int, random.Random], History]) -> None:
    """Each of 200 random tamperings of a kind is found, at exactly the first event that does not follow (H6)."""
    for seed in range(200):
        rng = random.Random(f"{tamper.__name__} {seed}")
        events = rng.choice(POOL)
        tampered = tamper(events, rng.randrange(len(events)), rng)
        expected = first_difference(tampered, events)
        if expected is None:  # an event was inserted where it is anyway
            assert tamper is insert
            continue
        findings = verify(iter(tampered))
        assert {finding.position for finding in findings} == {expected}, seed


@pytest.mark.parametrize("name", [*HEADER, "payload", "salt"])
def test_edit_of_each_field_is_found(name: str) -> None:
    """No field of an event can be edited unnoticed, in no place: header, payload and salt are all covered (H5, H6)."""
    for events in POOL[:8]:
        for place, event in enumerate(events):
            edited = attrs.evolve(event, **{name: another(getattr(event, name))})
            findings = verify([*events[:place], edited, *events[place + 1 :]])
            assert {finding.position for finding in findings} == {place}


def test_edit_with_a_new_digest_is_found_at_the_next_event() -> None:
    """Who edits an event and makes its own digest good breaks the link of the next one (H5)."""
    fixed = {"digest", "previous", "version", "payload_digest", "schema"}
    for seed in range(200):
        rng = random.Random(seed)
        events = rng.choice(POOL)
        place = rng.randrange(len(events) - 1)
        name = rng.choice([name for name in HEADER if name not in fixed])
        event = attrs.evolve(events[place], **{name: another(getattr(events[place], name))})
        forged = attrs.evolve(event, digest=header_digest(event))
        (finding, *_) = verify([*events[:place], forged, *events[place + 1 :]])
        at_once = name == "from_status" or (place and name in {"tenant", "item_id", "kind"})
        assert finding.position == (place if at_once else place + 1)


def test_a_new_header_field_takes_a_new_schema_number() -> None:
    """What the digest covers is fixed for each schema number; that of the present one is all of today's header (H4)."""
    assert set(HEADERS[SCHEMA]) == set(HEADER) - {"digest"}
    assert len(HEADERS[SCHEMA]) == len(HEADER) - 1
    assert UNPERFORMED[SCHEMA] == RESERVED


def test_an_event_of_an_unknown_schema_is_no_forgery() -> None:
    """Of an event from a newer version only the links are checked; the finding says so, not that it is forged."""
    for events in POOL[:8]:
        for place, event in enumerate(events):
            newer = attrs.evolve(event, schema=SCHEMA + 1, payload=Payload.from_text("<xml/>"), salt=None)
            (finding,) = verify([*events[:place], newer, *events[place + 1 :]])
            assert (finding.position, finding.code) == (place, "unknown_schema")
            for wrong in ({"version": 99}, {"previous": "x"}):
                parts: dict[str, Any] = wrong
                found = verify([*events[:place], attrs.evolve(newer, **parts), *events[place + 1 :]])
                assert [finding.code for finding in found] == [*wrong, "unknown_schema"]
            with pytest.raises(InvalidInputError, match=r"^schema: is not known"):
                header_digest(newer)


def test_histories_cannot_be_mixed() -> None:
    """The end of one history never follows on the beginning of another (H5, H6)."""
    for one, two in pairwise(POOL):
        for place in range(1, min(len(one), len(two))):
            mixed = one[:place] + two[place:]
            (finding, *_) = verify(mixed)
            assert finding.position == place


def test_sound_histories_have_no_findings() -> None:
    """Histories made by decisions and sealed are sound, every one of them, and so is any erasure of them (H6, H8)."""
    for seed in range(60):
        for chain in random_histories(seed).values():
            events = events_of(chain)
            assert verify(events) == ()
            assert verify(event if event.version % 2 else erase(event) for event in events) == ()


def test_cut_tail_is_not_found() -> None:
    """A cut tail, down to nothing at all, is sound as far as anyone can tell without an anchor outside (H6)."""
    for events in POOL:
        for length in range(len(events)):
            assert verify(events[:length]) == ()


def test_a_status_that_comes_from_nowhere_is_found_even_where_all_is_sealed_anew() -> None:
    """Who rewrites a status must rewrite what follows: an event begins where the one before it has led (H6)."""
    for seed in range(200):
        rng = random.Random(seed)
        events = rng.choice(POOL)
        place = rng.randrange(len(events))
        name = "from_status" if place == len(events) - 1 else rng.choice(["from_status", "to_status"])
        change: dict[str, Any] = {name: "elsewhere"}
        edited = attrs.evolve(events[place], **change)
        (finding,) = verify(resealed([*events[:place], edited, *events[place + 1 :]], place))
        assert (finding.code, finding.position) == ("status", place + (name == "to_status"))


def test_full_rewrite_is_not_found_but_has_another_head() -> None:
    """Who rewrites everything from an event on is not found without an anchor; the last digest gives it away (H6)."""
    for seed in range(200):
        rng = random.Random(seed)
        events = rng.choice(POOL)
        place = rng.randrange(len(events))
        name = rng.choice(["actor_id", "occurred_at", "payload", "on_behalf_of"])
        edited = attrs.evolve(events[place], **{name: another(getattr(events[place], name))})
        rewritten = resealed([*events[:place], edited, *events[place + 1 :]], place)
        assert verify(rewritten) == ()
        assert rewritten[-1].digest != events[-1].digest


@pytest.mark.parametrize("name", [*HEADER, "payload", "salt"])
def test_hostile_values_are_findings(name: str) -> None:
    """Whatever stands in a field of an event, verify answers with a finding at its place, never with an error (S2)."""
    events = POOL[0]
    for make in HOSTILE:
        value, current = make(), getattr(events[1], name)
        if value is current or (name == "changed" and value == list(current)):
            continue  # the same, or the same in JSON
        spoilt = attrs.evolve(events[1], **{name: value})
        findings = verify([events[0], spoilt, *events[2:]])
        assert {finding.position for finding in findings} == {1}
        assert all(finding.text and str(finding).startswith("event at position 1: ") for finding in findings)


def test_verify_reads_a_stream_once() -> None:
    """Verify takes any iterable, reads it once, and stops at the first event that does not follow (H7)."""
    events = POOL[0]
    stream = iter([*events[:2], events[0], *events[2:]])
    (finding, *_) = verify(stream)
    assert finding.position == 2
    assert list(stream) == events[2:]


def test_note_is_covered_by_its_digest() -> None:
    """The digest of a note changes with each of its parts, so that no note can be edited unnoticed (H6)."""
    note = a_note()
    parts: dict[str, Any] = {"note_id": note.id, "item_id": note.item_id, "author_id": note.author_id}
    parts |= {"body": note.body, "created_at": note.created_at}
    digests = {note_digest(**parts)} | {note_digest(**{**parts, name: another(parts[name])}) for name in parts}
    assert len(digests) == len(parts) + 1


def test_categories_are_covered_as_text() -> None:
    """A header read from a store, with plain text for its category, has the digest that was sealed (H4)."""
    event = POOL[0][0]
    as_text: Any = str(event.category.value)
    assert header_digest(attrs.evolve(event, category=as_text)) == event.digest
    assert isinstance(event.category, Category)


@pytest.mark.parametrize("thing", [None, "event", 5, {}, Event], ids=lambda thing: type(thing).__name__)
def test_only_events_verify(thing: Any) -> None:
    """What is no event is a finding at its place."""
    (finding,) = verify([POOL[0][0], thing])
    assert (finding.position, finding.code) == (1, "not_an_event")
