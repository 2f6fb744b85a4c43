"""Histories that prove themselves: sealing, verifying and erasing (H4-H6, H8).

Each event's digest covers its header, and the header holds the digest of the event before and the salted digest of
the payload. So an edit, an insertion, a deletion, a swap or a new date is found, and a payload can be erased without
breaking the chain. What is not found without an anchor outside: a cut tail, a whole history that is gone, a full
rewrite.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import attrs

from casewright.domain.events import COUNTER_ACTIONS, HEADERS, Change, Context, Event, check_context, evolve_event
from casewright.domain.folding import evolve
from casewright.domain.ids import ActorId, ItemId, NoteId
from casewright.domain.items import ItemT
from casewright.domain.json_values import canonical_json
from casewright.domain.payloads import Payload
from casewright.domain.values import MAX_ID, as_instant, as_name, instant_text
from casewright.errors import InvalidInputError, MisuseError

__all__ = [
    "Finding",
    "canonical_header",
    "erase",
    "header_digest",
    "note_digest",
    "payload_digest",
    "seal",
    "text_digest",
    "verify",
]

_EVENT_TAG: Final = b"casewright.event.v1\n"
_PAYLOAD_TAG: Final = b"casewright.payload.v1\n"
_NOTE_TAG: Final = b"casewright.note.v1\n"

_INSTANTS: Final = ("occurred_at", "recorded_at")
_NO_CONTEXT: Final = Context()


@attrs.frozen
class Finding:
    """What does not hold in a history.

    Attributes:
        position: The 0-based index, in the sequence given, of the first event that does not follow.
        code: What kind of thing it is.
        text: A sentence that says it.
    """

    position: int
    code: str
    text: str

    def __str__(self) -> str:
        """Return position and sentence."""
        return f"event at position {self.position}: {self.text}"


def canonical_header(event: Event) -> str:
    """Return the canonical text of an event's header: what its digest is taken of (H4).

    Args:
        event: The event.

    Returns:
        Canonical JSON of every header field but the digest itself; times as UTC text with microseconds.

    Raises:
        InvalidInputError: A time is naive or none, or the schema is not known to this version.
        TypeError: Another field holds something that is no JSON value.
    """
    return _canonical(event, {})


def header_digest(event: Event) -> str:
    """Return the SHA-256 of the header, in hexadecimal, under a tag of its own."""
    return text_digest(_canonical(event, {}))


def _canonical(event: Event, links: dict[str, object]) -> str:
    """The canonical text of the header as it is with these links in it."""
    names = HEADERS.get(event.schema)
    if names is None:
        raise InvalidInputError("schema", "is not known to this version", "use a newer one")
    header = {name: getattr(event, name) for name in names} | links
    for name in _INSTANTS:
        if isinstance(header[name], str):
            raise InvalidInputError(name, "must be a datetime, not str")
        if header[name] is not None:
            header[name] = instant_text(as_instant(header[name], name))
    return canonical_json(header)


def text_digest(header: str) -> str:
    """Return the SHA-256 of a header's canonical text, in hexadecimal, under the tag of events."""
    return hashlib.sha256(_EVENT_TAG + header.encode()).hexdigest()


def payload_digest(text: str, salt: str) -> str:
    """Return the salted SHA-256 of a payload's text, in hexadecimal, under a tag of its own."""
    return hashlib.sha256(_PAYLOAD_TAG + salt.encode() + b"\n" + text.encode()).hexdigest()


def note_digest(*, note_id: NoteId, item_id: ItemId, author_id: ActorId, body: str, created_at: datetime) -> str:
    """Return the SHA-256 of a note, in hexadecimal: what its event carries in place of its text."""
    note = {
        "author_id": author_id,
        "body": body,
        "created_at": instant_text(as_instant(created_at, "created_at")),
        "id": note_id,
        "item_id": item_id,
    }
    return hashlib.sha256(_NOTE_TAG + canonical_json(note).encode()).hexdigest()


def seal(
    change: Change[ItemT], *, recorded_at: datetime, context: Context | None = None, salt: str | None = None
) -> Change[ItemT]:
    """Return the change with its event linked to the one before: the last step before it is kept.

    Args:
        change: What `decide` or `create` answered.
        recorded_at: When it is recorded (aware).
        context: Where it came from; a counter event keeps its own causation id.
        salt: What the payload is hashed with; 32 random hexadecimal digits where None.

    Returns:
        The change with recorded_at, context, previous and both digests on the event, and the head on the item.

    Raises:
        MisuseError: It is no change, or sealed already, or the item before has a version but no head: its own change
            was never sealed.
        InvalidInputError: The time is naive, the salt is no printable text, or the context is none.
    """
    payload = _to_seal(change)
    check_context(context)
    before, event = change.before, change.event
    salt = os.urandom(16).hex() if salt is None else as_name(salt, "salt", MAX_ID)
    origin = _NO_CONTEXT if context is None else context
    links: dict[str, object] = {
        "recorded_at": as_instant(recorded_at, "recorded_at"),
        "correlation_id": origin.correlation_id,
        "causation_id": event.causation_id or origin.causation_id,
        "traceparent": origin.traceparent,
        "previous": "" if before is None else before.head,
        "payload_digest": payload_digest(payload.text, salt),
    }
    digest = text_digest(_canonical(event, links))
    sealed = evolve_event(event, {**links, "salt": salt, "digest": digest})
    return Change(before, evolve(change.after, {"head": digest}), sealed, change.notes, change.published, change.claims)


def _to_seal(change: Change[Any]) -> Payload:
    """Check that the change can be sealed, and return the payload of its event."""
    if not isinstance(change, Change):
        advice = "seal verdict.change; where a verb changes nothing there is none, and nothing to keep"
        raise MisuseError(f"a {type(change).__name__} is no change", advice)
    before, event = change.before, change.event
    if event.digest:
        raise MisuseError(f"the event of version {event.version} is sealed already", "seal each change once")
    if before is not None and not before.head:
        advice = "seal each change before you decide on the item it gave, if the history is kept"
        raise MisuseError(f"the item before version {event.version} is not sealed", advice)
    if event.payload is None:
        raise MisuseError("the event has no payload", "seal a change before it is erased")
    return event.payload


def verify(events: Iterable[Event]) -> tuple[Finding, ...]:
    """Check that a history follows from its first event to its last (H5, H6).

    Args:
        events: All events of one item, in order; they may be erased. May be a stream: it is read once.

    Returns:
        Empty when sound; else what is wrong with the first event that does not follow. A cut tail, no events at all,
        and a full rewrite are sound as far as anyone can tell without an anchor outside.
    """
    if not isinstance(events, Iterable):
        raise MisuseError(
            f"a {type(events).__name__} is no sequence of events", "pass the events of one item, in order"
        )
    previous: Event | None = None
    for position, event in enumerate(events):
        wrong = list(_breaks(event, previous, position + 1))
        if wrong:
            return tuple(Finding(position, code, text) for code, text in wrong)
        previous = event
    return ()


def erase(event: Event) -> Event:
    """Return the event without its payload and salt; its chain still verifies (H8).

    A case's counter events hold nothing personal and are returned as they are.
    """
    if not isinstance(event, Event):
        raise MisuseError(f"a {type(event).__name__} is no event", "pass one event of a history")
    if event.action in COUNTER_ACTIONS:
        return event
    return attrs.evolve(event, payload=None, salt=None)


def _breaks(event: Event, previous: Event | None, version: int) -> Iterable[tuple[str, str]]:
    if not isinstance(event, Event):
        yield "not_an_event", "it is no event"
        return
    if not event.digest:
        yield "unsealed", "it was never sealed: seal each change before it is kept"
        return
    yield from _gaps(event, previous, version)
    if event.schema not in tuple(HEADERS):
        yield "unknown_schema", "its schema is not known to this version, so only its place can be checked"
        return
    try:
        if event.digest != header_digest(event):
            yield "digest", "its header is not what was sealed"
        if (event.payload is None) is not (event.salt is None):
            yield "payload", "of payload and salt only one is there"
        elif event.payload is None and event.action in COUNTER_ACTIONS:
            yield "payload", "its payload is gone, and a count is never erased"
        elif event.payload is not None and event.payload_digest != payload_digest(event.payload.text, event.salt or ""):
            yield "payload", "its payload is not what was sealed"
    except (InvalidInputError, TypeError, ValueError, AttributeError, RecursionError):
        yield "malformed", "it holds a value of a wrong type"


def _gaps(event: Event, previous: Event | None, version: int) -> Iterable[tuple[str, str]]:
    """What keeps the event from following the one before it."""
    if type(event.version) is not int or event.version != version:
        yield "version", f"version {version} was expected"
    if previous is not None and _identity(event) != _identity(previous):
        yield "item", "it belongs to another item"
    if event.previous != ("" if previous is None else previous.digest):
        yield "previous", "it does not follow the event before it"
    elif event.from_status != (None if previous is None else previous.to_status):
        yield "status", "it begins in another status than the one before it led to"


def _identity(event: Event) -> tuple[object, ...]:
    return (event.tenant, event.item_id, event.kind)
