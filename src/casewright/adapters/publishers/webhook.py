"""Webhooks: one signed HTTP request a message, for those who have no broker. Needs the standard library only."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from casewright.adapters.publishers.envelopes import Envelope, Parcel, Round
from casewright.adapters.publishers.signing import secret_keys, signed_headers
from casewright.application.new_ids import Clock, system_clock
from casewright.application.publishing import Message
from casewright.codec.cloudevents import CONTENT_TYPE
from casewright.errors import InvalidInputError, PublishError

__all__ = ["WebhookPublisher"]

_ANSWER: Final = 64 * 1024
"""How much of an answer is read, so that the connection can be used again; a longer one closes it."""

_SILENT: Final = 2
"""After how many requests in a row that nobody has answered no other one is tried in this call."""


class WebhookPublisher:
    """A `Publisher` to a receiver over HTTP. A message was delivered where the answer is 2xx, and only then.

    A receiver that nobody can connect to is a `PublishError`. One that takes a request and does not answer in time may
    do so because of that one message: it alone was not delivered, unless the next one is not answered either. Redirects
    are not followed. The receiver checks each request by `casewright.adapters.publishers.signing.verify_signature`.

    For an asynchronous relay put a `ThreadedPublisher` around it.

    Args:
        url: Where to post to: ``https://``, or ``http://`` in a network that nobody else is in.
        envelope: How messages are made into CloudEvents.
        secrets: What requests are signed with, or several while one is replaced.
        timeout: How long connecting may take, and then each request with its answer.
        tls: How the receiver is authenticated; by the system's certificates where None.
        clock: Tells the time of a request.

    Raises:
        InvalidInputError: The URL is none, or one of the secrets.
    """

    def __init__(
        self,
        url: str,
        envelope: Envelope,
        *,
        secrets: str | Sequence[str],
        timeout: timedelta = timedelta(seconds=10),
        tls: ssl.SSLContext | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Connect to nothing yet."""
        self._parts = _checked(url)
        self._envelope = envelope
        self._keys = secret_keys(secrets)
        self._timeout = timeout.total_seconds()
        self._tls = tls
        self._clock = clock

    def publish(self, messages: Sequence[Message]) -> tuple[str | None, ...]:
        """See `Publisher.publish`.

        Raises:
            PublishError: Nobody can connect to the receiver, and nothing was delivered.
        """
        connection = self._connection()
        round_, silent = Round(messages, self._envelope), 0
        try:
            for parcel in round_:
                try:
                    status = self._posted(connection, parcel)
                except PublishError as error:
                    round_.lose(error)
                except (OSError, HTTPException):
                    connection.close()
                    silent += 1
                    (round_.refuse if silent < _SILENT else round_.stop)("the receiver took it and did not answer")
                else:
                    silent = 0
                    if not 200 <= status <= 299:  # noqa: PLR2004 - what HTTP calls success
                        round_.refuse(f"the receiver answered {status}")
        finally:
            connection.close()
        return round_.answers

    def _connection(self) -> HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            return HTTPConnection(host, port, timeout=self._timeout)
        return HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)

    def _posted(self, connection: HTTPConnection, parcel: Parcel) -> int:
        """Post it, and return the status of the answer."""
        if connection.sock is None:
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:  # the latter of a host that no name server is asked for
                raise _unreachable(error) from error
        return self._answer(connection, parcel)

    def _answer(self, connection: HTTPConnection, parcel: Parcel) -> int:
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        signed = signed_headers(parcel.id, parcel.body, keys=self._keys, at=self._clock())
        # The timeout of a socket begins anew with each byte: only this ends a receiver that trickles.
        late = Event()
        watch = Timer(self._timeout, _cut, [connection.sock, late])
        watch.start()
        try:
            connection.request("POST", target, body=parcel.body, headers={"Content-Type": CONTENT_TYPE, **signed})
            answer = connection.getresponse()
            _read(answer)
            if not answer.isclosed():
                connection.close()
            if late.is_set():  # what it had said by then is not all
                raise TimeoutError
            return answer.status
        finally:
            watch.cancel()


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        none = parts.port == 0
    except ValueError:  # brackets that are not closed, or no such port: its text has parts of the URL
        none, parts = True, SplitResult("", "", "", "", "")
    if (
        none
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.fragment
    ):
        raise InvalidInputError("url", "must be an http or https URL without a user", "such as https://example.com")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInputError("url", "must be ASCII without spaces", "quote what is not")
    return parts


def _read(answer: HTTPResponse) -> None:
    try:
        answer.read(_ANSWER)
    except ValueError as error:  # a chunk of less than nothing
        raise HTTPException from error


def _cut(end: socket, late: Event) -> None:
    late.set()
    with suppress(OSError):
        socket.shutdown(end, SHUT_RDWR)  # also of TLS, whose own way another thread must not take


def _unreachable(error: Exception) -> PublishError:
    problem = f"nobody can connect to the receiver ({type(error).__name__})"
    return PublishError(problem, "check host and port in its URL, that it runs, and its certificate")
