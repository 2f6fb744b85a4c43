"""`PublisherContract`: what a publisher promises, whatever broker is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

import attrs
import pytest

from casewright.application.publishing import AsyncPublisher, Message, Publisher
from casewright.domain.catalog import TASK
from casewright.testing.contracts.base import Contract, told
from casewright.testing.contracts.driving import Changes, created, edited
from casewright.testing.portal import Portal

__all__ = ["AsyncPublisherContract", "PublisherContract"]

_CANARY: Final = "kanarienvogel"
"""Stands in every title: no answer may hold it."""

_ITEMS: Final = ("~", "10", "9", "é b", "a.1", "a")
"""Ids that a broker may order or take otherwise."""


@told
class PublisherContract(Contract):
    """What every publisher promises. Give the fixture ``publisher``, new for each test, to an empty broker.

    Say in ``delivered`` what the broker has. A class that says how a message becomes one that the broker refuses
    (``poison``), and how the broker goes away (``stopped``), is shown to keep its word there too.
    """

    def delivered(self) -> Sequence[tuple[str, str]]:
        """Return tenant and id of each event that the broker has, in its order, one that came twice also twice."""
        raise NotImplementedError("the class of the tests says what the broker has: def delivered(self)")

    def poison(self, message: Message) -> Message:
        """Return the same message such that the broker refuses it, and no other one for it."""
        pytest.skip("poison: the class of the tests says of no message that the broker refuses it")

    def stopped(self) -> AbstractContextManager[object]:
        """Return a context in which the broker is not there."""
        pytest.skip("stopped: the class of the tests does not say how the broker goes away")

    def test_each_message_is_delivered_and_told_so(self, publisher: Publisher) -> None:
        """Each answer is None, and the broker has each message, those of one item by version (O2)."""
        messages = _mixed()
        assert list(publisher.publish(messages)) == [None] * len(messages), "a message was not told as delivered"
        _demand_in_order(self.delivered(), messages)

    def test_what_was_delivered_before_stays_before(self, publisher: Publisher) -> None:
        """A later call adds to what the broker has (O2)."""
        messages = _history("a", 6)
        for message in messages:
            assert list(publisher.publish([message])) == [None]
        _demand_in_order(self.delivered(), messages)

    def test_nothing_to_publish_is_no_error(self, publisher: Publisher) -> None:
        """Of no messages nothing is told, and nothing is delivered."""
        assert list(publisher.publish([])) == []
        assert list(self.delivered()) == []

    def test_a_message_that_comes_again_is_told_as_delivered(self, publisher: Publisher) -> None:
        """A message that the broker has already is answered None, so that a relay may go on (O1)."""
        messages = _history("a", 2)
        for _ in range(2):
            assert list(publisher.publish(messages)) == [None, None]
        assert set(self.delivered()) == {_key(message) for message in messages}

    def test_behind_a_refused_message_none_of_its_item_is_delivered(self, publisher: Publisher) -> None:
        """It and those of its item behind it are answered with a reason; those of other items are delivered (O2)."""
        first, poisoned, behind = _history("a", 3)
        others, same = _history("b", 2), _history("a", 2, tenant="north")  # the same id is another item there
        messages = [first, others[0], self.poison(poisoned), same[0], behind, others[1], same[1]]
        answers = list(publisher.publish(messages))
        assert [answer is None for answer in answers] == [True, True, False, True, False, True, True]
        assert all(answer for answer in answers if answer is not None), "a reason is empty"
        _demand_in_order(self.delivered(), [first, *others, *same])

    def test_a_refused_message_is_no_error(self, publisher: Publisher) -> None:
        """Where every message is refused, each is answered, and the next call is answered too."""
        (message,) = _history("a", 1)
        for attempt in (1, 2):
            (answer,) = publisher.publish([self.poison(attrs.evolve(message, attempt=attempt))])
            assert answer is not None
        assert list(publisher.publish([message])) == [None]
        _demand_in_order(self.delivered(), [message])

    def test_no_answer_shows_what_a_message_holds(self, publisher: Publisher) -> None:
        """A reason holds nothing of the payload (S6)."""
        (message,) = _history("a", 1)
        (answer,) = publisher.publish([self.poison(message)])
        assert _CANARY not in str(answer)
        assert str(answer).isprintable(), "a reason is more than one line"

    def test_a_broker_that_is_not_there_is_an_error(self, publisher: Publisher) -> None:
        """Where nothing can be delivered, an exception is raised, so that no message is blamed for it (O4)."""
        messages = _history("a", 2)
        with self.stopped():
            said = _raised(publisher, messages)
        assert _CANARY not in said, "the error shows what a message holds"
        assert list(publisher.publish(messages)) == [None, None], "it does not go on where the broker is back"
        assert set(self.delivered()) == {_key(message) for message in messages}


class AsyncPublisherContract(PublisherContract):
    """What every asynchronous publisher promises: the same. Give the fixture ``async_publisher``.

    Where it must be made on an event loop, take the fixture ``portal`` and return ``portal.run(making())``.
    """

    @pytest.fixture
    def portal(self) -> Iterator[Portal]:
        """Give the loop on which the publisher is used."""
        with Portal() as portal:
            yield portal

    @pytest.fixture
    def publisher(self, async_publisher: AsyncPublisher, portal: Portal) -> Publisher:
        """Give the publisher as a plain one."""
        return _Synchronous(async_publisher, portal)


@attrs.frozen
class _Synchronous:
    """An asynchronous publisher as a plain one."""

    publisher: AsyncPublisher
    portal: Portal

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        return self.portal.run(_published(self.publisher, messages))


async def _published(publisher: AsyncPublisher, messages: Sequence[Message]) -> Sequence[str | None]:
    return await publisher.publish(messages)


def _raised(publisher: Publisher, messages: Sequence[Message]) -> str:
    """Return what is said by the exception that a publisher must raise."""
    try:
        publisher.publish(messages)
    except Exception as error:  # noqa: BLE001 - whatever the author has chosen
        return f"{error!r} {error}"
    pytest.fail("the broker is not there, and publish() must raise, and raised nothing")


def _history(item_id: str, length: int, *, tenant: str = "") -> list[Message]:
    """Return the messages of an item, from its creation on."""
    changes: Changes = created(TASK, item_id, tenant=tenant, title=_CANARY)
    for number in range(1, length):
        changes += edited(changes[-1].after, f"{_CANARY} {number}")
    return [Message(event=change.event, item=change.after) for change in changes]


def _mixed() -> list[Message]:
    """Return the messages of several items in turn, each item from its first one on."""
    histories = [_history(item_id, 7) for item_id in _ITEMS]
    return [message for turn in zip(*histories, strict=True) for message in turn]


def _key(message: Message) -> tuple[str, str]:
    return message.event.tenant, message.id


def _demand_in_order(found: Sequence[tuple[str, str]], messages: Sequence[Message]) -> None:
    """Demand that just these came, those of each item in order of their versions at first delivery."""
    expected: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for message in messages:
        expected.setdefault((message.event.tenant, message.event.item_id), []).append(_key(message))
    first = list(dict.fromkeys(found))
    assert set(first) == {_key(message) for message in messages}, "other messages came than were told as delivered"
    for keys in expected.values():
        assert [key for key in first if key in keys] == keys, "messages of one item came out of order"
