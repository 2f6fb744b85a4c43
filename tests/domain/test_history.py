"""Histories that prove themselves: sealing, verifying, and two thousand ways of tampering (H4-H6)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Category,
    Change,
    Context,
    Event,
    InvalidInputError,
    MisuseError,
    Payload,
    Permitted,
    erase,
    fold,
    seal,
    verify,
)
from casewright.domain.history import canonical_header, header_digest, note_digest, payload_digest
from support.histories import events_of, long_histories, random_histories
from support.values import ADMIN, AT, HOSTILE, a_note

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


# ---------------------------------------------------------------- tampering


def edit(events: History, at: int, rng: random.Random) -> History:
    """Change any one field of an event, header, payload or salt."""
    name = rng.choice([*HEADER, "payload", "salt"])
    return [*events[:at], attrs.evolve(events[at], **{name: another(getattr(events[at], name))}), *events[at + 1 :]]


def re_date(events: History, at: int, rng: random.Random) -> History:
    """Change when it happened or was recorded."""
    name = rng.choice(["occurred_at", "recorded_at"])
    step = timedelta(microseconds=rng.choice([-(10**12), -1, 1, 10**12]))
    return [*events[:at], attrs.evolve(events[at], **{name: getattr(events[at], name) + step}), *events[at + 1 :]]


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
    edit,
    re_date,
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
    for seed in range(200):
        rng = random.Random(seed)
        events = rng.choice(POOL)
        place = rng.randrange(len(events) - 1)
        name = rng.choice([name for name in HEADER if name not in {"digest", "previous", "version", "payload_digest"}])
        event = attrs.evolve(events[place], **{name: another(getattr(events[place], name))})
        forged = attrs.evolve(event, digest=header_digest(event))
        (finding, *_) = verify([*events[:place], forged, *events[place + 1 :]])
        assert finding.position == (place if name in {"tenant", "item_id", "kind"} and place else place + 1)


def test_histories_cannot_be_mixed() -> None:
    """The end of one history never follows on the beginning of another, nor on another end of its own (H5, H6)."""
    for one, two in pairwise(POOL):
        for place in range(1, min(len(one), len(two))):
            mixed = one[:place] + two[place:]
            (finding, *_) = verify(mixed)
            assert finding.position == place
    case = REGULATORY_CASE.create("c", by=ADMIN, at=AT, title="t")
    assert isinstance(case, Permitted)
    assert case.change is not None
    first = seal(case.change, recorded_at=AT)
    forks = []
    for title in ("a", "b"):
        edited = REGULATORY_CASE.decide(first.after, "edit", {"title": title}, by=ADMIN, at=AT)
        assert isinstance(edited, Permitted)
        assert edited.change is not None
        forks.append(seal(edited.change, recorded_at=AT))
    assert verify([first.event, forks[0].event]) == verify([first.event, forks[1].event]) == ()
    assert {finding.position for finding in verify([first.event, forks[0].event, forks[1].event])} == {2}
    submitted = REGULATORY_CASE.decide(forks[0].after, "submit", by=ADMIN, at=AT)
    assert isinstance(submitted, Permitted)
    assert submitted.change is not None
    third = seal(submitted.change, recorded_at=AT).event
    assert verify([first.event, forks[0].event, third]) == ()
    assert {finding.position for finding in verify([first.event, forks[1].event, third])} == {2}


# ---------------------------------------------------------------- what is not found


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


def test_full_rewrite_is_not_found_but_has_another_head() -> None:
    """Who rewrites everything from an event on is not found without an anchor; the last digest gives it away (H6)."""
    for seed in range(200):
        rng = random.Random(seed)
        events = rng.choice(POOL)
        place = rng.randrange(len(events))
        name = rng.choice(["actor_id", "occurred_at", "to_status", "payload", "on_behalf_of"])
        edited = attrs.evolve(events[place], **{name: another(getattr(events[place], name))})
        rewritten = resealed([*events[:place], edited, *events[place + 1 :]], place)
        assert verify(rewritten) == ()
        assert rewritten[-1].digest != events[-1].digest


# ---------------------------------------------------------------- hostile events


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


@pytest.mark.parametrize("thing", [None, "event", 5, {}, Event], ids=lambda thing: type(thing).__name__)
def test_only_events_verify(thing: Any) -> None:
    """What is no event is a finding at its place."""
    (finding,) = verify([POOL[0][0], thing])
    assert (finding.position, finding.code) == (1, "not_an_event")


def test_verify_reads_a_stream_once() -> None:
    """Verify takes any iterable, reads it once, and stops at the first event that does not follow (H7)."""
    events = POOL[0]
    stream = iter([*events[:2], events[0], *events[2:]])
    (finding, *_) = verify(stream)
    assert finding.position == 2
    assert list(stream) == events[2:]


# ---------------------------------------------------------------- sealing


def sealed_pair() -> tuple[Change[Any], Change[Any]]:
    """Return the change of a creation and, decided on it, that of a start; the second is not sealed."""
    created = TASK.create("t1", by=ADMIN, at=AT, title="t")
    assert isinstance(created, Permitted)
    assert created.change is not None
    first = seal(created.change, recorded_at=AT, salt="pepper")
    started = TASK.decide(first.after, "start", by=ADMIN, at=AT)
    assert isinstance(started, Permitted)
    assert started.change is not None
    return first, started.change


def test_sealing_links_to_the_event_before() -> None:
    """A sealed event carries the digest of the one before and the digests of its payload and header (H5)."""
    first, second = sealed_pair()
    sealed = seal(second, recorded_at=AT + timedelta(hours=1), context=Context(correlation_id="c"), salt="s")
    event = sealed.event
    assert event.payload is not None
    assert (event.previous, sealed.after.head) == (first.event.digest, event.digest)
    assert (event.recorded_at, event.correlation_id, event.salt) == (AT + timedelta(hours=1), "c", "s")
    tagged = b"casewright.payload.v1\ns\n" + event.payload.text.encode()
    assert event.payload_digest == hashlib.sha256(tagged).hexdigest()
    assert event.digest == hashlib.sha256(b"casewright.event.v1\n" + canonical_header(event).encode()).hexdigest()
    assert first.event.previous == ""


def test_sealing_touches_nothing_else() -> None:
    """Sealing changes nothing of the item but its head, nothing of the decision's event but what it fills in (E3)."""
    _, second = sealed_pair()
    before = repr(second)
    sealed = seal(second, recorded_at=AT)
    assert repr(second) == before, "the change that was given stays as it is"
    assert attrs.evolve(sealed.after, head="") == second.after
    filled = {"recorded_at", "previous", "payload_digest", "digest", "salt"}
    kept = {name: getattr(sealed.event, name) for name in (*HEADER, "payload") if name not in filled}
    assert kept == {name: getattr(second.event, name) for name in kept}
    assert (sealed.before, sealed.notes, sealed.published) == (second.before, second.notes, second.published)
    assert fold([sealed_pair()[0].event, sealed.event]) == sealed.after


def test_salts_are_random() -> None:
    """Without a salt of its own each sealing takes 32 random hexadecimal digits, so equal payloads hash apart (H8)."""
    _, change = sealed_pair()
    events = [seal(change, recorded_at=AT).event for _ in range(50)]
    assert len({event.salt for event in events}) == len({event.payload_digest for event in events}) == 50
    assert all(event.salt and len(event.salt) == 32 and int(event.salt, 16) >= 0 for event in events)
    assert seal(change, recorded_at=AT, salt="s") == seal(change, recorded_at=AT, salt="s")


def test_counter_event_keeps_its_cause() -> None:
    """The context's cause goes on the task's event; the case's counter event keeps the task's event as its cause."""
    case = REGULATORY_CASE.create("c", by=ADMIN, at=AT, title="t")
    assert isinstance(case, Permitted)
    assert case.change is not None
    parent = seal(case.change, recorded_at=AT).after
    created = TASK.create("t1", by=ADMIN, at=AT, title="t", parent=parent)
    assert isinstance(created, Permitted)
    context = Context(correlation_id="c", causation_id="message 7", traceparent="00-1")
    own, counter = (seal(change, recorded_at=AT, context=context).event for change in created.changes)
    assert (own.causation_id, counter.causation_id) == ("message 7", "t1.1")
    assert own.correlation_id == counter.correlation_id == "c"
    assert own.traceparent == counter.traceparent == "00-1"


def test_unsealed_item_cannot_be_built_upon() -> None:
    """A change decided on an item that was never sealed is refused: its history could not be kept (H5)."""
    created = TASK.create("t1", by=ADMIN, at=AT, title="t")
    assert isinstance(created, Permitted)
    assert created.change is not None
    started = TASK.decide(created.change.after, "start", by=ADMIN, at=AT)
    assert isinstance(started, Permitted)
    assert started.change is not None
    with pytest.raises(MisuseError, match="not sealed"):
        seal(started.change, recorded_at=AT)


def test_erased_change_cannot_be_sealed() -> None:
    """A change whose event has no payload is refused: there is nothing to take the digest of."""
    _, change = sealed_pair()
    with pytest.raises(MisuseError, match="no payload"):
        seal(attrs.evolve(change, event=erase(change.event)), recorded_at=AT)


@pytest.mark.parametrize("salt", ["", " ", "a\nb", "a\0", "\ud800", 5, b"s", "s" * 256], ids=repr)
def test_salt_is_printable_text(salt: Any) -> None:
    """A salt that is blank, not printable, too long or no text is refused (S1, S2)."""
    _, change = sealed_pair()
    with pytest.raises(InvalidInputError, match=r"^salt: "):
        seal(change, recorded_at=AT, salt=salt)


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
    assert header_digest(attrs.evolve(event, category=str(event.category.value))) == event.digest  # type: ignore[arg-type]
    assert isinstance(event.category, Category)
