"""NATS JetStream (`pip install "casewright[nats]"`).

Each message is published to ``<subject>.<kind>.<name of the event>`` and acknowledged by the stream that has these
subjects, which is the host's to make. Its ``Nats-Msg-Id`` lets the stream drop a message that comes again, within the
stream's ``duplicate_window``; after that doubles are the consumer's to find, by that id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, TypeVar

try:
    from nats.aio.client import Client
    from nats.errors import Error as NatsError
    from nats.js.errors import APIError, NoStreamResponseError
except ImportError as _missing:
    _sentence = 'casewright.adapters.publishers.nats needs nats-py: python -m pip install "casewright[nats]"'
    raise ImportError(_sentence, name=_missing.name) from _missing

from casewright.adapters.publishers.envelopes import Envelope, Parcel, Round
from casewright.application.publishing import Message
from casewright.errors import InvalidInputError, PublishError

__all__ = ["AsyncNatsPublisher", "NatsPublisher"]

T = TypeVar("T")

_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_NO_TOKEN: Final = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_TOO_LARGE: Final = 10054  # "message size exceeds maximum allowed", of the stream
_MORE: Final = 256  # of bytes, beside the event and its id: what the server counts of the header
_UNANSWERED: Final = "check its URL, that it runs, and that it answers within the timeout"


class AsyncNatsPublisher:
    """An `AsyncPublisher` to JetStream. It connects when it is first needed. Use it in an ``async with`` block.

    Args:
        servers: Where the server is, or several of one cluster: ``nats://`` or ``tls://``.
        envelope: How messages are made into CloudEvents.
        subject: What the subjects begin with.
        timeout: For how long the server may be silent.
        **options: What else `nats.aio.client.Client.connect` takes, such as ``user_credentials`` and ``tls``.

    Raises:
        InvalidInputError: The subject is none.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        envelope: Envelope,
        *,
        subject: str = "casewright",
        timeout: timedelta = timedelta(seconds=5),
        **options: Any,  # noqa: ANN401 - theirs to say
    ) -> None:
        """Connect to nothing yet."""
        if _SUBJECT.fullmatch(subject) is None:
            raise InvalidInputError("subject", "must be letters, digits, '-' and '_', in parts with dots between them")
        self._envelope = envelope
        self._subject = subject
        self._timeout = timeout.total_seconds()
        # It must not keep what could not be sent for later, when another relay may have sent what comes after it.
        self._options: dict[str, Any] = {
            "connect_timeout": self._timeout,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            **options,
            "servers": servers if isinstance(servers, str) else list(servers),
            "allow_reconnect": False,
            "error_cb": _ignore,
        }
        self._client: Client | None = None
        self._turn = asyncio.Lock()

    async def publish(self, messages: Sequence[Message]) -> tuple[str | None, ...]:
        """See `Publisher.publish`.

        Raises:
            PublishError: The server is not there, does not answer, or no stream takes it, and nothing was delivered.
        """
        async with self._turn:
            round_ = Round(messages, self._envelope)
            for parcel in round_:
                try:
                    refusal = await self._sent(parcel, await self._connected())
                except (NatsError, OSError, TimeoutError, ValueError) as error:
                    await self._drop()
                    round_.lose(_lost(error))
                else:
                    if refusal is not None:
                        round_.refuse(refusal)
            return round_.answers

    async def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        async with self._turn:
            await self._drop()

    async def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            await self._drop()
            self._client = Client()  # kept before it has connected, so that it is closed whatever comes
            async with asyncio.timeout(self._timeout):  # theirs is not for all that connecting may wait for
                await self._client.connect(**self._options)
        return self._client

    async def _sent(self, parcel: Parcel, client: Client) -> str | None:
        # One that is too large the server would answer by closing the connection.
        if len(parcel.body) + len(parcel.id) + _MORE > client.max_payload:
            return f"it has {len(parcel.body)} bytes, and {client.max_payload} is the most that the server takes"
        event = parcel.message.event
        subject = f"{self._subject}.{event.kind}.{_NO_TOKEN.sub('_', event.name)}"
        header = {"Nats-Msg-Id": parcel.id, "Content-Type": "application/cloudevents+json"}
        try:
            await client.jetstream(timeout=self._timeout).publish(subject, parcel.body, headers=header)
        except APIError as error:
            if error.err_code != _TOO_LARGE:
                raise
            return f"it has {len(parcel.body)} bytes, which is more than the stream takes"
        return None

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            await client.close()

    async def __aenter__(self) -> AsyncNatsPublisher:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()


class NatsPublisher:
    """A `Publisher` to JetStream: `AsyncNatsPublisher`, on an event loop in a thread of its own.

    Use it in a ``with`` block. The thread is there from the first call until `close`.

    Args:
        servers: As there.
        envelope: As there.
        subject: As there.
        timeout: As there.
        **options: As there.

    Raises:
        InvalidInputError: The subject is none.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        envelope: Envelope,
        *,
        subject: str = "casewright",
        timeout: timedelta = timedelta(seconds=5),
        **options: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Start nothing yet."""
        self._publisher = AsyncNatsPublisher(servers, envelope, subject=subject, timeout=timeout, **options)
        self._running: tuple[asyncio.AbstractEventLoop, Thread] | None = None
        self._turn = Lock()

    def publish(self, messages: Sequence[Message]) -> tuple[str | None, ...]:
        """See `Publisher.publish`.

        Raises:
            PublishError: As `AsyncNatsPublisher.publish`.
        """
        with self._turn:
            if self._running is None:
                loop = asyncio.new_event_loop()
                self._running = loop, Thread(target=loop.run_forever, name="casewright-nats", daemon=True)
                self._running[1].start()
            return _run(self._publisher.publish(messages), self._running[0])

    def close(self) -> None:
        """Close the connection and end the thread; the next call begins anew."""
        with self._turn:
            running, self._running = self._running, None
            if running is not None:
                loop, thread = running
                _run(self._publisher.close(), loop)
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()

    def __enter__(self) -> NatsPublisher:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


async def _ignore(error: Exception) -> None:
    """Say nothing: what a failure means for a message is told where the message is sent."""


def _lost(error: Exception) -> PublishError:
    if isinstance(error, NoStreamResponseError):
        return PublishError("no stream takes the subject", "make a stream that has the subjects <subject>.>")
    if isinstance(error, APIError):
        problem = f"JetStream refuses to add to the stream (error {error.err_code})"
        return PublishError(problem, "see its limits of messages, bytes and memory")
    return PublishError(f"the server does not answer ({type(error).__name__})", _UNANSWERED)


def _run(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # of a wait that was interrupted; of what has ended it changes nothing
        raise
