"""The page about brokers: what it shows works as it says, on real ones."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from casewright.adapters.publishers import Envelope
from casewright.adapters.publishers.signing import new_secret, secret_keys, signed_headers, verify_signature
from support.publishing import SOURCE, history
from support.values import AT

if TYPE_CHECKING:
    from support.brokers import Broker

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "publish-to-a-broker.md").read_text(encoding="utf-8")
NATS, REDIS, CONTRACT = re.findall(r"^```py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ENVELOPE = Envelope(source=SOURCE, prefix="com.example")


def page(*examples: str, **names: Any) -> dict[str, Any]:
    """Return what examples define."""
    found: dict[str, Any] = {"__name__": "page", **names}
    for example in examples:
        exec(compile(example, "publish-to-a-broker.md", "exec", dont_inherit=True), found)
    return found


def test_the_nats_example_publishes(nats_broker: Broker) -> None:
    """The stream of the page takes what its publisher sends, and drops what comes again (O1)."""
    found = page(NATS, envelope=ENVELOPE)
    asyncio.run(found["prepare"](nats_broker.url))
    for _ in range(2):
        assert found["publish_to_nats"](nats_broker.url, history("a", 3)) == (None,) * 3

    async def count() -> int:
        client = await found["nats"].connect(nats_broker.url)
        state = (await client.jetstream().stream_info("tasks")).state
        await client.jetstream().delete_stream("tasks")
        await client.close()
        return int(state.messages)

    assert asyncio.run(count()) == 3


def test_the_redis_example_publishes(valkey_broker: Broker) -> None:
    """The publisher of the page adds each message to its stream (O1)."""
    found = page(REDIS, envelope=ENVELOPE)
    assert found["publish_to_redis"](valkey_broker.url, history("a", 3)) == (None,) * 3


def test_the_receiver_example_takes_what_was_signed() -> None:
    """What the page's receiver is sent by the page's sender it verifies and reads (O7)."""
    receiver = PAGE[PAGE.index("from casewright.codec.cloudevents import parse_cloudevent") :].split("```")[0]
    secret = new_secret()
    found = page(receiver, secret=secret, verify_signature=partial(verify_signature, clock=lambda: AT))
    parcel = ENVELOPE.pack(history("a")[0])
    headers = signed_headers(parcel.id, parcel.body, keys=secret_keys(secret), at=AT)
    assert found["receive"](headers, parcel.body).event.id == "a.1"


def test_the_contract_example_names_what_there_is() -> None:
    """The class of the page has the fixture and the methods of the contract."""
    made = page(CONTRACT, pytest=pytest)["TestMyPublisher"]
    base = made.__mro__[1]
    assert {name for name in vars(made) if not name.startswith("_")} - {"publisher"} <= set(dir(base))
