"""Envelopes: how messages are packed, what cannot be packed, and that an extra that is missing is named."""

from __future__ import annotations

import asyncio
import json
from threading import Event
from typing import Any

import attrs
import pytest

from casewright import InvalidInputError, Message
from casewright.adapters.publishers import Envelope, ThreadedPublisher
from casewright.adapters.publishers.envelopes import Round
from casewright.testing.fakes import CollectingPublisher
from support.publishing import ENVELOPE, SOURCE, history, oversized
from support.sources import run_python


def test_an_envelope_says_what_travels() -> None:
    """Prefix, public and private are those of the CloudEvent."""
    envelope = Envelope(source=SOURCE, prefix="com.example", public=["description"], private=["title"])
    (message,) = history("a", description="words")
    packed = envelope.pack(message)
    event = json.loads(packed.body)
    assert packed.id == f"{SOURCE}#a.1"
    assert event["type"] == "com.example.task.created.v1"
    assert event["data"]["changes"] == {"description": "words"}


@pytest.mark.parametrize(
    "options",
    [{"source": ""}, {"prefix": " "}, {"public": "title"}, {"private": [""]}, {"max_bytes": 0}, {"max_bytes": True}],
)
def test_an_envelope_that_nothing_would_be_sent_in_is_refused(options: Any) -> None:
    """It is refused when it is made, not by the first message."""
    with pytest.raises(InvalidInputError):
        Envelope(**{"source": SOURCE, **options})


def answers(messages: list[Message]) -> tuple[str | None, ...]:
    """Return what is told of messages that all are sent."""
    given = Round(messages, ENVELOPE)
    assert all(parcel.id for parcel in given)
    return given.answers


def test_what_cannot_be_packed_is_refused_alone() -> None:
    """A newer schema, a damaged payload and a message that is too large park their own item, without being shown."""
    (newer,), (damaged,), (large,), (sound,) = (history(name) for name in "abcd")
    newer = attrs.evolve(newer, event=attrs.evolve(newer.event, schema=99))
    assert damaged.event.payload is not None
    text = type(damaged.event.payload).from_text("kanarienvogel")
    damaged = attrs.evolve(damaged, event=attrs.evolve(damaged.event, payload=text))
    told = answers([newer, damaged, oversized(large), sound])
    assert [answer is None for answer in told] == [False, False, False, True]
    assert "schema" in str(told[0])
    assert "8000 is the most that is sent" in str(told[2])
    assert "kanarienvogel" not in str(told)


def test_calls_in_threads_come_one_after_the_other() -> None:
    """A call that was cancelled goes on, and the next one waits for its end, so that nothing overtakes (O2)."""
    begun, go_on = Event(), Event()

    def refuse(message: Message) -> None:
        if message.id == "a.1":
            begun.set()
            assert go_on.wait(30)

    collecting = CollectingPublisher(refuse)
    publisher = ThreadedPublisher(collecting)
    first, second = history("a", 2)

    async def run() -> None:
        cancelled = asyncio.create_task(publisher.publish([first]))
        await asyncio.to_thread(begun.wait)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        later = asyncio.create_task(publisher.publish([second]))
        await asyncio.sleep(0)
        go_on.set()
        assert await later == (None,)

    asyncio.run(run())
    assert [message.id for message in collecting.published] == ["a.1", "a.2"]


@pytest.mark.parametrize(("module", "needs"), [("nats", "nats"), ("redis", "redis")])
def test_a_missing_extra_is_named(module: str, needs: str) -> None:
    """Without its client the module says what to install; the others do without it."""
    gone = f"import sys; sys.modules['{needs}'] = None\n"
    asked = f"try:\n    import casewright.adapters.publishers.{module}\nexcept ImportError as error:\n    print(error)"
    assert f'pip install "casewright[{needs}]"' in run_python(gone + asked)
    run_python(f"{gone}import casewright.adapters.publishers.webhook, casewright.adapters.publishers.signing")
