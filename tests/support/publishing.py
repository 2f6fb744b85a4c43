"""What tests of publishers share: messages, and what a broker has of them."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs

from casewright import TASK, Actor, Change, FrozenMapping, Message, Payload, Permitted, seal
from casewright.adapters.publishers import Envelope
from support.values import AT

__all__ = ["ENVELOPE", "SOURCE", "history", "identified", "oversized"]

SOURCE: Final = "https://example.com/tasks"
ENVELOPE: Final = Envelope(source=SOURCE, max_bytes=8_000)
"""Large enough for all but what is `oversized`."""


def history(item_id: str, length: int = 1, *, tenant: str = "", **fields: Any) -> list[Message]:
    """Return the messages of a task, from its creation on."""
    by = Actor("ann", roles=["admin"], tenant=tenant)
    changes = [_sealed(TASK.create(item_id, by=by, at=AT, **{"title": "A title", **fields}))]
    for number in range(1, length):
        inputs = {"title": f"Title {number}"}
        changes.append(_sealed(TASK.decide(changes[-1].after, "edit", inputs, by=by, at=AT)))
    return [Message(event=change.event, item=change.after) for change in changes]


def oversized(message: Message) -> Message:
    """Return the message, larger than `ENVELOPE` lets through: it has a payload as long as that."""
    payload = message.event.payload
    assert payload is not None
    tags = tuple(f"{number:0100}" for number in range(100))
    larger = Payload(inputs=payload.inputs, changes=FrozenMapping({**payload.changes, "tags": tags}))
    return attrs.evolve(message, event=attrs.evolve(message.event, payload=larger))


def identified(body: bytes | str) -> tuple[str, str]:
    """Return tenant and id of the event that a CloudEvent is, read by nobody's code but json's."""
    event = json.loads(body)
    return event["source"].removeprefix(SOURCE).removeprefix("/"), event["id"]


def _sealed(verdict: Any) -> Change[Any]:
    assert isinstance(verdict, Permitted)
    assert verdict.change is not None
    return seal(verdict.change, recorded_at=AT)
