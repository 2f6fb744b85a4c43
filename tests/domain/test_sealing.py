"""Sealing: the last step before a change is kept, which links its event to the one before (H5)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Change,
    Context,
    Event,
    InvalidInputError,
    MisuseError,
    Permitted,
    erase,
    erased_fields,
    fold,
    seal,
    verify,
)
from casewright.domain.history import canonical_header
from support.values import ADMIN, AT

HEADER = [field.name for field in attrs.fields(Event) if field.name not in {"payload", "salt"}]


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


def test_change_is_sealed_once() -> None:
    """A change that is sealed already is refused: sealed again it would be another event (H5)."""
    first, _ = sealed_pair()
    with pytest.raises(MisuseError, match="sealed already"):
        seal(first, recorded_at=AT)


@pytest.mark.parametrize("context", ["c", {"correlation_id": "c"}, ("c",), True], ids=lambda part: type(part).__name__)
def test_context_is_a_context(context: Any) -> None:
    """What is no context is refused when it is given, not when it is stored."""
    _, change = sealed_pair()
    with pytest.raises(InvalidInputError, match=r"^context: "):
        seal(change, recorded_at=AT, context=context)


@pytest.mark.parametrize("thing", [None, 5, "change", {}, Permitted()], ids=lambda part: type(part).__name__)
def test_what_is_no_history_is_told(thing: Any) -> None:
    """Who seals what is no change, or erases, verifies or folds what is no event, is told so, with advice."""
    wrong: list[Any] = [lambda: seal(thing, recorded_at=AT), lambda: erase(thing)]
    if not hasattr(thing, "__iter__"):
        wrong += [lambda: verify(thing), lambda: fold(thing), lambda: erased_fields(thing)]
    for call in wrong:
        with pytest.raises(MisuseError) as caught:
            call()
        assert caught.value.advice
