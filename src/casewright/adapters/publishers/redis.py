"""Redis and Valkey streams (`pip install "casewright[redis]"`).

Each message is one XADD: the field ``id`` holds what to know it by when it comes again, ``event`` the CloudEvent. A
stream knows no doubles: they are the consumer's to find, by ``id`` (`casewright.adapters.sqlalchemy.consuming`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Final

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as _missing:
    _sentence = 'casewright.adapters.publishers.redis needs redis: python -m pip install "casewright[redis]"'
    raise ImportError(_sentence, name=_missing.name) from _missing

from casewright.adapters.publishers.envelopes import Envelope, Parcel, Round
from casewright.application.publishing import Message
from casewright.domain.values import as_name
from casewright.errors import PublishError

__all__ = ["RedisPublisher"]

_UNANSWERED: Final = "check its URL, that it runs, and that it answers within the timeout"
_REFUSED: Final = "see its memory, whether it may be written, what this user may do, and whether the key is a stream"


class RedisPublisher:
    """A `Publisher` to a stream in Redis or Valkey. It connects when it is first needed. Use it in a ``with`` block.

    For an asynchronous relay put a `ThreadedPublisher` around it.

    Args:
        url: Where the server is: ``redis://``, ``rediss://`` (TLS) or ``unix://``.
        envelope: How messages are made into CloudEvents.
        stream: The key of the stream.
        timeout: For how long the server may be silent.
        max_length: About how many messages the stream keeps, whether they were read or not; all where None.

    Raises:
        InvalidInputError: The name of the stream is none.
    """

    def __init__(
        self,
        url: str,
        envelope: Envelope,
        *,
        stream: str = "casewright",
        timeout: timedelta = timedelta(seconds=5),
        max_length: int | None = None,
    ) -> None:
        """Connect to nothing yet."""
        self._envelope = envelope
        self._stream = as_name(stream, "stream")
        self._max_length = max_length
        seconds = timeout.total_seconds()
        # It must not send anything twice by itself: what was not acknowledged is ours to judge.
        never = Retry(NoBackoff(), 0)
        self._client = redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=never)

    def publish(self, messages: Sequence[Message]) -> tuple[str | None, ...]:
        """See `Publisher.publish`.

        Raises:
            PublishError: The server is not there, does not answer, or takes nothing, and nothing was delivered.
        """
        round_ = Round(messages, self._envelope)
        for parcel in round_:
            try:
                self._send(parcel)
            except redis.ResponseError as error:
                round_.lose(PublishError(f"the server refuses to add to the stream ({type(error).__name__})", _REFUSED))
            except (redis.RedisError, OSError) as error:
                round_.lose(PublishError(f"the server does not answer ({type(error).__name__})", _UNANSWERED))
        return round_.answers

    def _send(self, parcel: Parcel) -> None:
        limit = self._max_length
        self._client.xadd(self._stream, {"id": parcel.id, "event": parcel.body}, maxlen=limit, approximate=True)

    def close(self) -> None:
        """Close its connections; the next call opens new ones."""
        self._client.close()

    def __enter__(self) -> RedisPublisher:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
