"""NATS JetStream, on a real server: the contract, on both sides of the loop, and what goes wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import attrs
import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy
from sqlalchemy import make_url

from casewright import InvalidInputError, Message, Publisher, PublishError
from casewright.adapters.publishers.nats import AsyncNatsPublisher, NatsPublisher
from casewright.testing.contracts import AsyncPublisherContract, PublisherContract
from casewright.testing.portal import Portal
from support.brokers import Broker, nats_server
from support.proxy import Proxy, proxied
from support.publishing import ENVELOPE, history, identified, oversized

T = TypeVar("T")
SHORT = timedelta(seconds=0.5)


def asked(url: str, ask: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """Ask the server something, on a loop of its own."""

    async def run() -> T:
        client = await nats.connect(url)
        try:
            return await ask(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(run())


def new_stream(url: str, **options: Any) -> str:
    """Make a stream with subjects of its own, and return its name, with which they begin."""
    name = f"s{secrets.token_hex(8)}"
    asked(url, lambda js: js.add_stream(name=name, subjects=[f"{name}.>"], **options))
    return name


def entries(url: str, stream: str) -> list[Any]:
    """Return what the stream holds."""

    async def read(js: JetStreamContext) -> list[Any]:
        state = (await js.stream_info(stream)).state
        return [await js.get_msg(stream, seq) for seq in range(state.first_seq, state.last_seq + 1) if state.messages]

    return asked(url, read)


class OnNats:
    """A stream of its own for each test, on a server that a proxy can cut off."""

    stream: str
    url: str
    proxy: Proxy

    @pytest.fixture
    def behind(self, nats_broker: Broker) -> Iterator[str]:
        """Make a stream, and yield where the server is found."""
        self.url = nats_broker.url
        self.stream = new_stream(self.url)
        with proxied(make_url(self.url)) as self.proxy:
            yield f"nats://127.0.0.1:{self.proxy.url.port}"

    def delivered(self) -> Sequence[tuple[str, str]]:
        """Return what is in the stream."""
        return [identified(entry.data) for entry in entries(self.url, self.stream)]

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


class TestNatsPublisher(OnNats, PublisherContract):
    """The contract, without a loop."""

    @pytest.fixture
    def publisher(self, behind: str) -> Iterator[Publisher]:
        """Give it."""
        with NatsPublisher(behind, ENVELOPE, subject=self.stream) as publisher:
            yield publisher

    def test_a_message_that_comes_again_is_dropped_by_the_stream(self, publisher: NatsPublisher) -> None:
        """Within its window the stream keeps one message of each id, unique across tenants (O7)."""
        messages = history("a b", 2) + history("a b", 2, tenant="north")
        for _ in range(3):
            assert publisher.publish(messages) == (None,) * 4
        found = entries(self.url, self.stream)
        assert [entry.headers["Nats-Msg-Id"] for entry in found] == [
            *("https://example.com/tasks#a%20b.1", "https://example.com/tasks#a%20b.2"),
            *("https://example.com/tasks/north#a%20b.1", "https://example.com/tasks/north#a%20b.2"),
        ]
        assert [entry.subject for entry in found] == [
            f"{self.stream}.task.{name}" for name in ("created", "edited") * 2
        ]

    def test_a_name_that_no_subject_can_have_is_made_one(self, publisher: NatsPublisher) -> None:
        """Dots, spaces and stars of an event's name are underscores in the subject."""
        (message,) = history("a")
        odd = attrs.evolve(message, event=attrs.evolve(message.event, name="sent. *>é"))
        assert publisher.publish([odd]) == (None,)
        assert [entry.subject for entry in entries(self.url, self.stream)] == [f"{self.stream}.task.sent_____"]

    def test_a_publisher_that_was_closed_begins_anew(self, publisher: NatsPublisher) -> None:
        """`close` may come twice, and the next call connects again."""
        for message in history("a", 2):
            assert publisher.publish([message]) == (None,)
            publisher.close()
            publisher.close()
        assert len(self.delivered()) == 2

    def test_a_wait_that_is_interrupted_leaves_nothing_running(
        self, publisher: NatsPublisher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What interrupts a call comes out of it, the work on the loop is cancelled, and the next call works (T4)."""
        real, futures = asyncio.run_coroutine_threadsafe, []

        def interrupted(work: Any, loop: Any) -> Any:
            future = real(work, loop)
            futures.append(future)
            if len(futures) == 1:
                future.set_exception(KeyboardInterrupt())
            return future

        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(history("a"))
        assert publisher.publish(history("b")) == (None,)


class TestAsyncNatsPublisher(OnNats, AsyncPublisherContract):
    """The contract, on a loop."""

    @pytest.fixture
    def async_publisher(self, behind: str, portal: Portal) -> Iterator[AsyncNatsPublisher]:
        """Give it, made on the loop."""

        async def made() -> AsyncNatsPublisher:
            return await AsyncNatsPublisher(behind, ENVELOPE, subject=self.stream, timeout=SHORT).__aenter__()

        publisher = portal.run(made())
        yield publisher
        portal.run(publisher.__aexit__(None, None, None))

    def test_a_broker_that_is_lost_in_the_middle_is_told_message_by_message(
        self, async_publisher: AsyncNatsPublisher, portal: Portal
    ) -> None:
        """What was delivered before is told so, what comes after it not, and nothing is lost (O1, O2)."""
        messages = history("a", 3) + history("b", 2)

        class Turning(list[Message]):
            def __iter__(turning) -> Iterator[Message]:  # noqa: N805 - `self` is the test
                yield from messages[:2]
                self.proxy.go_away()
                yield from messages[2:]

        answers = portal.run(async_publisher.publish(Turning(messages)))
        assert [answer is None for answer in answers] == [True, True, False, False, False]
        with pytest.raises(PublishError):
            portal.run(async_publisher.publish(messages[2:]))
        self.proxy.come_back()
        assert portal.run(async_publisher.publish(messages[2:])) == (None,) * 3
        assert list(self.delivered()) == [(message.event.tenant, message.id) for message in messages]


def test_no_stream_is_an_error_that_says_what_to_make(nats_broker: Broker) -> None:
    """Where no stream has the subject nothing is taken, and no message is blamed for it (O4)."""
    subject = f"n{secrets.token_hex(8)}"
    with (
        NatsPublisher(nats_broker.url, ENVELOPE, subject=subject) as publisher,
        pytest.raises(PublishError, match="make a stream that has the subjects"),
    ):
        publisher.publish(history("a"))


def test_a_full_stream_is_an_error(nats_broker: Broker) -> None:
    """A stream that takes nothing more is an error that names its number, and what it has is told (O1)."""
    name = new_stream(nats_broker.url, max_msgs=1, discard=DiscardPolicy.NEW)
    with NatsPublisher(nats_broker.url, ENVELOPE, subject=name) as publisher:
        messages = history("a", 2)
        answers = publisher.publish(messages)
        assert answers[0] is None
        assert "error 10077" in str(answers[1])
        with pytest.raises(PublishError, match="10077"):
            publisher.publish(messages[1:])


def test_a_message_that_is_larger_than_the_stream_takes_is_refused_alone(nats_broker: Broker) -> None:
    """The stream's own limit refuses the message, and no other one (O4)."""
    name = new_stream(nats_broker.url, max_msg_size=1100)
    with NatsPublisher(nats_broker.url, ENVELOPE, subject=name) as publisher:
        large = history("large", title="x" * 480)
        answers = publisher.publish([*large, *history("a")])
        assert "more than the stream takes" in str(answers[0])
        assert answers[1] is None


def test_a_message_that_is_larger_than_the_server_takes_is_refused_alone() -> None:
    """It is never sent, since the server would end the connection; the others are delivered on it (O4)."""
    server = nats_server(max_payload=1100)
    try:
        name = new_stream(server.url)
        with NatsPublisher(server.url, ENVELOPE, subject=name) as publisher:
            answers = publisher.publish([*history("large", title="x" * 480), *history("a")])
        assert "the most that the server takes" in str(answers[0])
        assert answers[1] is None
    finally:
        server.stop()


def test_a_slow_broker_is_an_error_in_time(nats_broker: Broker) -> None:
    """A server that stands still is an error after the timeout, connected or not (O4)."""
    name = new_stream(nats_broker.url)
    with NatsPublisher(nats_broker.url, ENVELOPE, subject=name, timeout=SHORT) as publisher:
        one, two = history("a", 2)
        assert publisher.publish([one]) == (None,)
        with nats_broker.frozen():
            for _ in range(2):
                with pytest.raises(PublishError, match="does not answer"):
                    publisher.publish([two])
        assert publisher.publish([two]) == (None,)


@pytest.mark.parametrize("subject", ["", "a.", "a b", "a.*", ">", "é"])
def test_a_subject_that_is_none_is_refused(subject: str) -> None:
    """It is refused at once, not by the first message."""
    with pytest.raises(InvalidInputError, match="subject"):
        NatsPublisher("nats://localhost", ENVELOPE, subject=subject)


def test_several_servers_may_be_named(nats_broker: Broker) -> None:
    """Of several servers one that is there is enough (O4)."""
    name = new_stream(nats_broker.url)
    with NatsPublisher(["nats://127.0.0.1:1", nats_broker.url], ENVELOPE, subject=name) as publisher:
        assert publisher.publish(history("a")) == (None,)
