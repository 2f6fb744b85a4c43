"""Stored events stay readable: payloads untouched, newer versions tolerated."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import Event, HistoryError, InvalidInputError, Payload, fold, verify
from casewright.codec import from_data, from_json, to_data, to_json
from support.codec import a_change
from support.histories import long_histories
from support.values import AT

EVENT = a_change().event
DATA = to_data(EVENT)
NO_JSON: Any = object()


@pytest.mark.parametrize(
    "text",
    [
        '{"inputs": {}, "changes": {"title": "spaced"}}',
        '{"inputs":{},"changes":{},"more":[1.5,NaN]}',
        '{"changes":{},"changes":{}}',
        "no JSON at all",
        "",
        "[" * 100_000,
    ],
    ids=["spaced", "more", "twice", "no JSON", "empty", "deep"],
)
def test_payload_is_kept_untouched(text: str) -> None:
    """A payload's text is neither parsed nor mended: it goes out as it came in, because it was hashed so (H4, H8)."""
    event = from_data({**DATA, "payload": text}, Event)
    assert event.payload == Payload.from_text(text)
    assert to_data(event) == {**DATA, "payload": text}


def test_unknown_schema_is_header_only() -> None:
    """Of an event whose schema number is unknown the header is read and the payload left as it is."""
    event = from_data({**DATA, "schema": 99, "payload": "<xml/>", "signature": {"by": "v9"}}, Event)
    assert (event.schema, event.id, event.action, event.occurred_at) == (99, "c1.1", "create", AT)
    assert event.payload is not None
    assert event.payload.text == "<xml/>"
    with pytest.raises(HistoryError):
        event.payload.changes  # noqa: B018 - parsed on first use, and only then


def test_tampering_survives_the_way() -> None:
    """What was changed in stored JSON is found by `verify` and not hidden by reading it (H6)."""
    events = long_histories(1, 5)[0]
    data = to_data(events)
    assert verify(from_data(data, list[Event])) == ()
    data[3]["payload"] = data[3]["payload"].replace("}", " }", 1)
    findings = verify(from_data(data, list[Event]))
    assert [(finding.position, finding.code) for finding in findings] == [(3, "payload")]


def test_fold_after_the_way() -> None:
    """The item that a history makes is the same after JSON and back (E3)."""
    for events in long_histories(5, 5):
        assert fold(from_json(to_json(events), list[Event])) == fold(events)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("occurred_at", AT.replace(tzinfo=None), "occurred_at: has no time zone; give it one, such as tzinfo=UTC"),
        ("recorded_at", 5.5, "recorded_at: is a float, which has no JSON form"),
        ("payload", Payload(changes=NO_JSON), "payload: holds a value that is no JSON"),
        ("changed", ("title", b"x"), "changed[1]: is a bytes, which has no JSON form"),
        ("actor_id", {1: "ann"}, "actor_id: has a key that is a int, not text"),
    ],
)
def test_unchecked_events_are_checked_when_written(field: str, value: Any, problem: str) -> None:
    """Building an event checks nothing, so writing it does: what has no JSON form is refused by name (S3)."""
    with pytest.raises(InvalidInputError) as caught:
        to_json(attrs.evolve(EVENT, **{field: value}))
    assert str(caught.value) == problem


def test_text_that_is_no_unicode_is_not_written() -> None:
    """A lone surrogate leaves as an error and not as text that nobody can encode (S2)."""
    with pytest.raises(InvalidInputError, match="document: holds a value that is no JSON"):
        to_json(attrs.evolve(EVENT, name="\ud800"))
