"""What all publishers share: how a message is packed, and how it is told which were delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from casewright.application.publishing import Message
from casewright.codec.cloudevents import check_address, cloudevent_json, message_id
from casewright.domain.values import MAX_NAME, as_integer, as_names
from casewright.errors import CasewrightError, PublishError

__all__ = ["Envelope", "Parcel", "Round"]

_BEHIND: Final = "an earlier message of the item was not delivered"
_UNTRIED: Final = "not tried: the broker was lost before"


def _names(names: Sequence[str]) -> tuple[str, ...]:
    return as_names(names, "public or private", limit=MAX_NAME + len("attributes."))


@attrs.frozen(kw_only=True)
class Envelope:
    """How messages are made into CloudEvents.

    Args:
        source: The URI of the system whose events these are; see `casewright.codec.cloudevents.to_cloudevent`.
        prefix: What the type begins with.
        public: Inputs and fields that travel besides those that always do.
        private: Inputs and fields that do not travel.
        max_bytes: The largest event that is sent. What is larger is refused, and never cut.

    Raises:
        InvalidInputError: One of them is none.
    """

    source: str
    prefix: str = "casewright"
    public: tuple[str, ...] = attrs.field(default=(), converter=_names)
    private: tuple[str, ...] = attrs.field(default=(), converter=_names)
    max_bytes: int = 512 * 1024

    def __attrs_post_init__(self) -> None:
        """Check what no message would be sent with."""
        check_address(self.source, self.prefix)
        as_integer(self.max_bytes, "max_bytes", least=1)

    def pack(self, message: Message) -> Parcel:
        """Return a message as it is sent.

        Args:
            message: The message.

        Raises:
            HistoryError: Its payload cannot be read.
            MisuseError: Its item is not the one that the event left.
        """
        body = cloudevent_json(
            message, source=self.source, prefix=self.prefix, public=self.public, private=self.private
        )
        return Parcel(id=message_id(message, source=self.source), body=body, message=message)


@attrs.frozen(kw_only=True)
class Parcel:
    """A message as it is sent.

    Attributes:
        id: By what it is known when it comes again; ASCII.
        body: The CloudEvent as JSON text.
        message: What it was made of.
    """

    id: str
    body: bytes
    message: Message = attrs.field(repr=False)


class Round:
    """The messages of one call, given out one by one, and what has become of each.

    Iterate over it, send what it gives, and say where that failed; what is given and not spoken of was delivered.

    Args:
        messages: The messages.
        envelope: Makes parcels of them.
    """

    def __init__(self, messages: Sequence[Message], envelope: Envelope) -> None:
        """Begin with none."""
        self._messages = messages
        self._envelope = envelope
        self._answers: list[str | None] = []
        self._held: set[tuple[str, str]] = set()
        self._over = False

    def __iter__(self) -> Iterator[Parcel]:
        """Yield each message that may be sent now: none behind one of its item that was not delivered (O2)."""
        for message in self._messages:
            self._answers.append(None)
            if self._over:
                self.refuse(_UNTRIED)
            elif (message.event.tenant, message.event.item_id) in self._held:
                self.refuse(_BEHIND)
            else:
                parcel = self._packed(message)
                if parcel is not None:
                    yield parcel

    @property
    def answers(self) -> tuple[str | None, ...]:
        """What `Publisher.publish` returns."""
        return tuple(self._answers)

    def refuse(self, reason: str) -> None:
        """Say that the message that was last given out was not delivered, and why."""
        event = self._messages[len(self._answers) - 1].event
        self._answers[-1] = reason
        self._held.add((event.tenant, event.item_id))

    def stop(self, reason: str) -> None:
        """Say that the last message was not delivered, and that no other one is to be tried."""
        self.refuse(reason)
        self._over = True

    def lose(self, error: PublishError) -> None:
        """Say that the broker is gone.

        Raises:
            PublishError: The one given, where nothing was delivered before: there is nothing else to be told.
        """
        if None not in self._answers[:-1]:
            raise error
        self.stop(str(error))

    def _packed(self, message: Message) -> Parcel | None:
        try:
            parcel = self._envelope.pack(message)
        except CasewrightError as error:
            self.refuse(f"it cannot be made a CloudEvent: {error}")
            return None
        if len(parcel.body) > self._envelope.max_bytes:
            self.refuse(f"it has {len(parcel.body)} bytes, and {self._envelope.max_bytes} is the most that is sent")
            return None
        return parcel
