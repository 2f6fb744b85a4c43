"""What is delivered, and to whom: `Message`, and the port that a broker is behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from casewright.domain.events import Event
from casewright.domain.items import Item

__all__ = ["AsyncPublisher", "Message", "Publisher"]


@attrs.frozen(kw_only=True)
class Message:
    """An event on its way out, with what a reader of it wants to know of its item.

    Attributes:
        event: The event.
        item: The item as this event left it, not as it is now.
        attempt: Which attempt to deliver it this is, from 1.
    """

    event: Event
    item: Item
    attempt: int = 1

    @property
    def id(self) -> str:
        """The id of the event, by which a broker or a consumer knows one that comes again."""
        return self.event.id


class Publisher(Protocol):
    """Where messages are delivered to. A relay calls it; it may deliver one twice, and never out of order."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """Deliver messages, one after the other in the order that they have.

        Once a message of an item was not delivered, no later one of that item may be (O2); others may.

        Args:
            messages: Those of one item come by version, without a gap.

        Returns:
            For each message None where it was delivered, or why it was not, without any payload. A message that was
            not tried since an earlier one of its item failed is told as not delivered too.
        """
        ...


class AsyncPublisher(Protocol):
    """`Publisher` for a relay on an event loop."""

    async def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        ...
