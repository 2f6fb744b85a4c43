"""Where a relay delivers to, named by a URL: a broker, a webhook, or stdout. No URL is ever shown."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from casewright.adapters.publishers.envelopes import Envelope, Round
from casewright.adapters.publishers.signing import secret_keys
from casewright.adapters.publishers.webhook import WebhookPublisher
from casewright.application.publishing import Message, Publisher
from casewright.errors import InvalidInputError

__all__ = ["SECRET", "LinePublisher", "destination"]

SECRET: Final = "CASEWRIGHT_WEBHOOK_SECRET"  # noqa: S105 - where it stands, not what it is
"""The variable of the environment that holds the secret of a webhook: on a command line everybody could read it."""

_NATS: Final = frozenset({"nats", "tls"})
_REDIS: Final[Mapping[str, str]] = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}
_MAKES_ONE: Final = (
    'this makes one: python -c "from casewright.adapters.publishers.signing import new_secret as n; print(n())"'
)
_WEB: Final = frozenset({"https", "http"})
_LIKE: Final = (
    "write it like nats://host:4222, redis://host:6379, valkey://host:6379 or https://host/path, or - for stdout"
)
_NO_URL: Final = ("--to", "is no URL that its kind of server has", _LIKE)


class LinePublisher:
    """A `Publisher` that writes each message as one line of JSON: for a look at what would be delivered.

    Args:
        stream: Where to.
        envelope: How messages are made into CloudEvents.

    Attributes:
        failed: Why nothing can be written any more, if so.
    """

    def __init__(self, stream: TextIO, envelope: Envelope) -> None:
        """Write nothing yet."""
        self.failed: OSError | None = None
        self._stream = stream
        self._envelope = envelope

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`.

        Raises:
            OSError: It cannot be written, so nothing counts as delivered.
        """
        going = Round(messages, self._envelope)
        try:
            for parcel in going:
                self._stream.write(parcel.body.decode() + "\n")
            self._stream.flush()
        except OSError as error:
            self.failed = error
            raise
        return going.answers


@contextlib.contextmanager
def destination(url: str, envelope: Envelope, *, topic: str, stdout: TextIO) -> Iterator[Publisher]:
    """Open what delivers to a URL. Nothing is reached yet.

    Args:
        url: ``nats:``, ``tls:``, ``redis:``, ``rediss:``, ``unix:``, ``valkey:``, ``valkeys:``, ``https:`` or
            ``http:``, or ``-``; it may hold a password.
        envelope: How messages are made into CloudEvents.
        topic: The stream in Redis and Valkey, what subjects begin with in NATS.
        stdout: What ``-`` is.

    Yields:
        The publisher.

    Raises:
        InvalidInputError: It is no such URL, or what is needed for it is not installed or not set.
    """
    if url == "-":
        yield LinePublisher(stdout, envelope)
        return
    kind, _, rest = url.partition("://")
    if kind in _WEB:
        yield WebhookPublisher(url, envelope, secrets=_secrets())
    elif kind in _NATS:
        with _nats(url, envelope, topic) as publisher:
            yield publisher
    elif kind in _REDIS:
        with _redis(f"{_REDIS[kind]}://{rest}", envelope, topic) as publisher:
            yield publisher
    else:
        raise InvalidInputError("--to", "is no URL of a place to deliver to", _LIKE)


def _secrets() -> Sequence[str]:
    secrets = os.environ.get(SECRET, "").split()
    if not secrets:
        advice = f"set {SECRET} to one or more, with blanks between them; {_MAKES_ONE}"
        raise InvalidInputError("--to", "is a webhook, and there is no secret to sign requests with", advice)
    try:
        secret_keys(secrets)
    except InvalidInputError:
        raise InvalidInputError(SECRET, "holds something that is no secret to sign with", _MAKES_ONE) from None
    return secrets


def _nats(url: str, envelope: Envelope, topic: str) -> contextlib.AbstractContextManager[Publisher]:
    try:
        from casewright.adapters.publishers.nats import NatsPublisher  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InvalidInputError("--to", str(error)) from None
    return NatsPublisher(url, envelope, subject=topic)


def _redis(url: str, envelope: Envelope, topic: str) -> contextlib.AbstractContextManager[Publisher]:
    try:
        from casewright.adapters.publishers.redis import RedisPublisher  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InvalidInputError("--to", str(error)) from None
    try:
        return RedisPublisher(url, envelope, stream=topic)
    except ValueError as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(*_NO_URL) from None
