"""The contract of publishers has teeth: each planted bug fails the test that is there for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from casewright import Message, Publisher, PublishError
from casewright.adapters.publishers import ThreadedPublisher
from casewright.testing.contracts import AsyncPublisherContract, PublisherContract
from casewright.testing.fakes import CollectingPublisher

POISON = 1_000_000


class Sink:
    """A broker of plain Python, with a publisher that keeps its word."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: list[tuple[str, str]] = []
        self.there = True

    def take(self, message: Message) -> str | None:
        """Take it, or say why not."""
        if not self.there:
            raise PublishError("nobody is there")
        if message.attempt >= POISON:
            return "it is poison"
        self.events.append((message.event.tenant, message.id))
        return None

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        answers: list[str | None] = []
        held: set[Any] = set()
        for message in messages:
            answer = "behind" if self.item(message) in held else self.take(message)
            if answer is not None:
                held.add(self.item(message))
            answers.append(answer)
        return answers

    def item(self, message: Message) -> Any:
        """Return by what items are told apart."""
        return message.event.tenant, message.event.item_id


class GoesOnBehindARefusal(Sink):
    """Delivers what stands behind a message that was refused."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        return [self.take(message) for message in messages]


class StopsAtARefusal(Sink):
    """Holds all items back where one message is refused."""

    def item(self, message: Message) -> Any:
        """Return the same for all."""
        return ""


class ForgetsTheTenant(Sink):
    """Takes items of two tenants for one."""

    def item(self, message: Message) -> Any:
        """Return the id alone."""
        return message.event.item_id


class SwallowsARefusal(Sink):
    """Says that all was delivered."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        return [None for _ in super().publish(messages)]


class RaisesForARefusal(Sink):
    """Takes the message for the broker."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        if refusal := super().take(message):
            raise ValueError(refusal)
        return None


class BlamesTheMessages(Sink):
    """Tells of each message that it was refused where nobody is there."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        return super().take(message) if self.there else "nobody is there"


class LosesWhatMeetsNobody(Sink):
    """Says that all was delivered where nobody is there."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        return super().take(message) if self.there else None


class TellsThePayload(Sink):
    """Says what it could not send."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        return f"cannot send {message.item.title}" if super().take(message) else None


class TellsThePayloadToNobody(Sink):
    """Says in an error what it could not send."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        if not self.there:
            raise PublishError(f"cannot send {message.item.title}")
        return super().take(message)


class AnswersInLines(Sink):
    """Answers by a text of several lines."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        return "no\nno" if super().take(message) else None


class AnswersEmpty(Sink):
    """Answers by an empty reason, which whoever asks for its truth takes for none."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        return "" if super().take(message) is not None else None


class AnswersTooLittle(Sink):
    """Answers for what was refused alone."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        return [answer for answer in super().publish(messages) if answer is not None]


class SortsById(Sink):
    """Sends by id, as text: the tenth version before the second."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        return super().publish(sorted(messages, key=lambda message: message.id, reverse=True))


class SendsOnePerItem(Sink):
    """Keeps the last message of each item, and says that all were delivered."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        last = {self.item(message): message for message in messages}
        return [self.take(message) if last[self.item(message)] is message else None for message in messages]


class RefusesDoubles(Sink):
    """Refuses what it has, so that a relay would never go on."""

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        known = (message.event.tenant, message.id) in self.events
        return "it is there already" if known else super().take(message)


class PutsThemInFront(Sink):
    """Puts what comes later before what is there."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        before, self.events = self.events, []
        try:
            return super().publish(messages)
        finally:
            self.events = self.events + before


class SendsAHello(Sink):
    """Sends something that nobody asked for."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        self.events.append(("", "hello"))
        return super().publish(messages)


class StaysDown(Sink):
    """Never tries again once nobody was there."""

    def __init__(self) -> None:
        """Begin as if it were well."""
        super().__init__()
        self.down = False

    def take(self, message: Message) -> str | None:
        """See `Sink.take`."""
        self.down = self.down or not self.there
        if self.down:
            raise PublishError("nobody is there")
        return super().take(message)


class OnSink(PublisherContract):
    """The contract, on a sink."""

    sink: Sink

    def delivered(self) -> Sequence[tuple[str, str]]:
        """Return what it has."""
        return self.sink.events

    def poison(self, message: Message) -> Message:
        """Return one that it refuses."""
        return attrs.evolve(message, attempt=POISON)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let nobody be there."""
        self.sink.there = False
        try:
            yield
        finally:
            self.sink.there = True


class TestSound(OnSink):
    """The sink that keeps its word passes."""

    @pytest.fixture
    def publisher(self) -> Publisher:
        """Give it."""
        self.sink = Sink()
        return self.sink


class TestSoundOnALoop(OnSink, AsyncPublisherContract):
    """So it does on a loop."""

    @pytest.fixture
    def async_publisher(self) -> ThreadedPublisher:
        """Give it."""
        self.sink = Sink()
        return ThreadedPublisher(self.sink)


TESTS = [name for name in dir(PublisherContract) if name.startswith("test_")]
EACH, AFTER, NOTHING = (
    "test_each_message_is_delivered_and_told_so",
    "test_what_was_delivered_before_stays_before",
    "test_nothing_to_publish_is_no_error",
)
AGAIN, BEHIND, REFUSED = (
    "test_a_message_that_comes_again_is_told_as_delivered",
    "test_behind_a_refused_message_none_of_its_item_is_delivered",
    "test_a_refused_message_is_no_error",
)
SHOWN, GONE = "test_no_answer_shows_what_a_message_holds", "test_a_broker_that_is_not_there_is_an_error"
BUGS: dict[type[Sink], str] = {
    GoesOnBehindARefusal: BEHIND,
    StopsAtARefusal: BEHIND,
    ForgetsTheTenant: BEHIND,
    SwallowsARefusal: REFUSED,
    RaisesForARefusal: REFUSED,
    BlamesTheMessages: GONE,
    LosesWhatMeetsNobody: GONE,
    TellsThePayload: SHOWN,
    TellsThePayloadToNobody: GONE,
    AnswersInLines: SHOWN,
    AnswersEmpty: BEHIND,
    AnswersTooLittle: EACH,
    SortsById: EACH,
    SendsOnePerItem: EACH,
    RefusesDoubles: AGAIN,
    PutsThemInFront: AFTER,
    SendsAHello: NOTHING,
    StaysDown: GONE,
}


def failing(make: Callable[[], Sink]) -> list[str]:
    """Return the tests of the contract that fail on a sink."""
    found = []
    for name in TESTS:
        suite = OnSink()
        suite.sink = make()
        try:
            getattr(suite, name)(suite.sink)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails
            found.append(name)
    return found


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_caught(bug: type[Sink]) -> None:
    """Each publisher with one bug fails the test that is there for it."""
    assert BUGS[bug] in failing(bug)


def test_a_sound_publisher_is_not_accused_and_each_test_catches_something() -> None:
    """Nothing fails on the one without a bug, and there is no test that nothing fails."""
    assert failing(Sink) == []
    assert set(BUGS.values()) == set(TESTS)


def test_the_one_that_is_shipped_for_tests_keeps_the_contract() -> None:
    """`CollectingPublisher` keeps order and tells refusals as a broker does (O2)."""
    for name in (EACH, AFTER, NOTHING, AGAIN, BEHIND, REFUSED, SHOWN):
        collecting = CollectingPublisher(lambda message: "poison" if message.attempt >= POISON else None)

        class OnCollector(OnSink):
            def delivered(self, collecting: CollectingPublisher = collecting) -> Sequence[tuple[str, str]]:
                return [(message.event.tenant, message.id) for message in collecting.published]

        getattr(OnCollector(), name)(collecting)


def test_what_the_author_does_not_say_is_not_shown() -> None:
    """Without `poison` or `stopped` a test is skipped and says what is not shown; without `delivered` it fails."""
    for name, promise in ((BEHIND, "O2"), (GONE, "O4")):
        with pytest.raises(pytest.skip.Exception, match=f"not shown: {promise}"):
            getattr(PublisherContract(), name)(Sink())
    with pytest.raises(NotImplementedError, match="delivered"):
        getattr(PublisherContract(), EACH)(Sink())


def test_a_publisher_that_raises_nothing_is_told_so() -> None:
    """The failure says what the port demands (O4)."""
    suite = OnSink()
    suite.sink = LosesWhatMeetsNobody()
    with pytest.raises(pytest.fail.Exception, match="must raise") as caught:
        getattr(suite, GONE)(suite.sink)
    assert any("an exception is raised" in note for note in caught.value.__notes__)
