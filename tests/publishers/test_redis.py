"""Redis streams, on a real Valkey: the contract, and what goes wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
from sqlalchemy import URL

from casewright import InvalidInputError, Message, Publisher, PublishError
from casewright.adapters.publishers import ThreadedPublisher
from casewright.adapters.publishers.redis import RedisPublisher
from casewright.testing.contracts import AsyncPublisherContract, PublisherContract
from support.brokers import Broker
from support.proxy import Proxy, proxied
from support.publishing import ENVELOPE, history, identified, oversized

SHORT = timedelta(seconds=0.3)


class OnValkey:
    """A stream of its own for each test, on a server that a proxy can cut off."""

    stream: str
    server: redis.Redis
    proxy: Proxy

    @pytest.fixture
    def made(self, valkey_broker: Broker) -> Iterator[RedisPublisher]:
        """Make a publisher to a new stream."""
        self.stream = f"s{secrets.token_hex(8)}"
        path = valkey_broker.url.removeprefix("unix://")
        with (
            redis.Redis.from_url(valkey_broker.url) as self.server,
            proxied(URL.create("redis", query={"unix_socket": path})) as self.proxy,
        ):
            url = f"redis://127.0.0.1:{self.proxy.url.port}"
            with RedisPublisher(url, ENVELOPE, stream=self.stream) as publisher:
                yield publisher

    def delivered(self) -> Sequence[tuple[str, str]]:
        """Return what is in the stream."""
        entries = self.server.xrange(self.stream)
        assert isinstance(entries, list)
        return [identified(fields[b"event"]) for _, fields in entries]

    def poison(self, message: Message) -> Message:
        """Return one that is too large."""
        return oversized(message)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Cut it off."""
        self.proxy.go_away()
        try:
            yield
        finally:
            self.proxy.come_back()


class TestRedisPublisher(OnValkey, PublisherContract):
    """The contract."""

    @pytest.fixture
    def publisher(self, made: RedisPublisher) -> RedisPublisher:
        """Give it."""
        return made

    def test_an_entry_says_by_what_to_know_it(self, publisher: RedisPublisher) -> None:
        """Each entry has the message id beside the event: unique across tenants (O7)."""
        messages = history("a b") + history("a b", tenant="north")
        assert publisher.publish(messages) == (None, None)
        entries = self.server.xrange(self.stream)
        assert isinstance(entries, list)
        ids = [fields[b"id"].decode() for _, fields in entries]
        assert ids == ["https://example.com/tasks#a%20b.1", "https://example.com/tasks/north#a%20b.1"]

    def test_what_is_no_stream_is_an_error_and_nothing_is_sent(self, publisher: RedisPublisher) -> None:
        """A key of another type takes nothing from anybody: it is an error that names no message (O4)."""
        self.server.set(self.stream, "taken")
        with pytest.raises(PublishError, match="refuses to add to the stream"):
            publisher.publish(history("a", 2))
        assert self.server.get(self.stream) == b"taken"

    def test_a_broker_that_is_lost_in_the_middle_is_told_message_by_message(self, publisher: RedisPublisher) -> None:
        """What was delivered before is told so, what comes after it not, and nothing is lost (O1, O2)."""
        messages = history("a", 3) + history("b", 2)

        def turned(given: list[Message]) -> Iterator[Message]:
            yield from given[:2]
            self.proxy.go_away()
            yield from given[2:]

        answers = publisher.publish(Turning(messages, turned(messages)))
        assert [answer is None for answer in answers] == [True, True, False, False, False]
        assert "does not answer" in str(answers[2])
        assert answers[3:] == ("not tried: the broker was lost before",) * 2
        with pytest.raises(PublishError):
            publisher.publish(messages[2:])
        self.proxy.come_back()
        assert publisher.publish(messages[2:]) == (None,) * 3
        assert list(self.delivered()) == [(message.event.tenant, message.id) for message in messages]


class Turning(list[Message]):
    """Messages in the midst of which something happens."""

    def __init__(self, messages: list[Message], turned: Iterator[Message]) -> None:
        """Take what is given out in their place."""
        super().__init__(messages)
        self._turned = turned

    def __iter__(self) -> Iterator[Message]:
        """Return them, with what happens in between."""
        return self._turned


class TestThreadedPublisher(OnValkey, AsyncPublisherContract):
    """The same for an asynchronous relay."""

    @pytest.fixture
    def async_publisher(self, made: RedisPublisher) -> ThreadedPublisher:
        """Put it into threads."""
        publisher: Publisher = made
        return ThreadedPublisher(publisher)


def test_a_slow_broker_is_an_error_in_time(valkey_broker: Broker) -> None:
    """A server that takes the connection and does not answer is an error after the timeout (O4)."""
    with RedisPublisher(valkey_broker.url, ENVELOPE, stream="slow", timeout=SHORT) as publisher:
        assert publisher.publish(history("a")) == (None,)
        with valkey_broker.frozen(), pytest.raises(PublishError, match="does not answer"):
            publisher.publish(history("a", 2)[1:])


def test_a_stream_without_a_name_is_refused() -> None:
    """A blank key is an InvalidInputError at once."""
    with pytest.raises(InvalidInputError, match="stream"):
        RedisPublisher("redis://localhost", ENVELOPE, stream=" ")


def test_a_stream_keeps_about_as_many_messages_as_it_is_told(valkey_broker: Broker) -> None:
    """`max_length` bounds the stream, in steps of a node of the server's."""
    key = f"s{secrets.token_hex(8)}"
    with (
        redis.Redis.from_url(valkey_broker.url) as server,
        RedisPublisher(valkey_broker.url, ENVELOPE, stream=key, max_length=10) as publisher,
    ):
        messages = history("a", 300)
        assert set(publisher.publish(messages)) == {None}
        length = server.xlen(key)
        assert isinstance(length, int)
        assert 10 <= length < 300
