"""Webhooks, on a real HTTP server of the standard library: the contract, and receivers that misbehave."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from casewright import InvalidInputError, Message, PublishError
from casewright.adapters.publishers.signing import new_secret, verify_signature
from casewright.adapters.publishers.webhook import WebhookPublisher
from casewright.codec.cloudevents import parse_cloudevent
from casewright.testing.contracts import PublisherContract
from support.publishing import ENVELOPE, SOURCE, history, identified, oversized

SECRET = new_secret()
SHORT = timedelta(seconds=0.3)


class Receiver:
    """A receiver that keeps what it is sent and answers as it is told.

    Args:
        answer: Says of a body how to answer: a status, or what to do with the handler.

    Attributes:
        taken: The bodies of what it answered 2xx.
        headers: Those of each request.
    """

    def __init__(self, answer: Callable[[bytes], int | Callable[[Any], None]] = lambda body: 204) -> None:
        """Open a port."""
        self.taken: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.headers.append(dict(self.headers.items()))
                receiver.paths.append(self.path)
                told = answer(body)
                if callable(told):
                    told(self)
                    return
                if 200 <= told <= 299:
                    receiver.taken.append(body)
                self.send_response(told)
                self.send_header("content-length", "2" if told != 204 else "0")
                self.end_headers()
                self.wfile.write(b"ok" if told != 204 else b"")

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._handler = Handler
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.port}/hooks?for=tasks"

    def start(self) -> None:
        """Listen, on the same port as before."""
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self.port = self.server.server_address[1]
        self._thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@contextmanager
def receiving(*args: Any) -> Iterator[Receiver]:
    """Yield a receiver that is gone after it."""
    receiver = Receiver(*args)
    try:
        yield receiver
    finally:
        receiver.stop()


def publisher_to(receiver: Receiver, **options: Any) -> WebhookPublisher:
    """Return a publisher to it."""
    return WebhookPublisher(receiver.url, ENVELOPE, secrets=SECRET, **options)


class TestWebhookPublisher(PublisherContract):
    """The contract."""

    receiver: Receiver

    @pytest.fixture
    def publisher(self) -> Iterator[WebhookPublisher]:
        """Give one to a receiver of its own."""
        with receiving() as self.receiver:
            yield publisher_to(self.receiver)

    def delivered(self) -> Sequence[tuple[str, str]]:
        """Return what the receiver took."""
        return [identified(body) for body in self.receiver.taken]

    def poison(self, message: Message) -> Message:
        """Return one that is too large."""
        return oversized(message)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Close the port."""
        self.receiver.stop()
        try:
            yield
        finally:
            self.receiver.start()

    def test_each_request_is_signed_and_says_what_it_is(self, publisher: WebhookPublisher) -> None:
        """A receiver verifies and reads each request, and knows by one id what comes again (O7)."""
        messages = history("a b", 3, tenant="north")
        assert publisher.publish(messages) == (None,) * 3
        for message, headers, body in zip(messages, self.receiver.headers, self.receiver.taken, strict=True):
            received = parse_cloudevent(body, source=SOURCE)
            assert verify_signature(headers, body, secrets=SECRET) == received.message_id
            assert (received.event.id, received.event.tenant) == (message.id, "north")
            assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
        assert self.receiver.paths == ["/hooks?for=tasks"] * 3
        assert self.receiver.connections == 1


@pytest.mark.parametrize("status", [199 + 101, 302, 400, 410, 429, 500, 503])
def test_an_answer_that_is_no_success_refuses_that_message_alone(status: int) -> None:
    """Redirects are not followed, and the others are delivered, also over the connection of the refused one (O2)."""
    with receiving(lambda body: status if b'"a.2"' in body else 200) as receiver:
        answers = publisher_to(receiver).publish([*history("a", 3), *history("b")])
        assert answers[1] == f"the receiver answered {status}"
        assert [answer is None for answer in answers] == [True, False, False, True]
        assert [identified(body)[1] for body in receiver.taken] == ["a.1", "b.1"]


def closes(handler: Any) -> None:
    """End the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def trickles(released: Event) -> Callable[[Any], None]:
    """Send one byte of a header after another, each sooner than a timeout of the socket, and never all."""

    def run(handler: Any) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
            while not released.wait(0.02):
                handler.wfile.write(b"y")
        except OSError:
            pass

    return run


def test_a_receiver_that_does_not_answer_one_message_answers_the_others() -> None:
    """A request that was taken and not answered is that message's fault, until the next one says otherwise (O4)."""
    released = Event()
    for misbehave in (closes, trickles(released), lambda handler: released.wait(10)):
        with receiving(lambda body, does=misbehave: does if b'"bad.1"' in body else 204) as receiver:
            publisher = publisher_to(receiver, timeout=SHORT)
            answers = publisher.publish([*history("a"), *history("bad", 2), *history("b")])
            assert answers[1] == "the receiver took it and did not answer"
            assert [answer is None for answer in answers] == [True, False, False, True]
            released.set()
        released.clear()


def test_silence_counts_only_in_a_row() -> None:
    """An answer in between shows that the receiver is there: all others are delivered (O4)."""
    with receiving(lambda body: closes if b'"bad' in body else 204) as receiver:
        messages = [message for name in ("bad-1", "a", "bad-2", "b", "bad-3", "c") for message in history(name)]
        answers = publisher_to(receiver).publish(messages)
        assert [answer is None for answer in answers] == [False, True] * 3


def test_a_receiver_that_answers_nobody_is_not_waited_for_again_and_again() -> None:
    """After two requests in a row without an answer no other one is tried in this call (O4)."""
    with receiving(lambda body: closes) as receiver:
        messages = [message for name in "abcde" for message in history(name)]
        answers = publisher_to(receiver).publish(messages)
        assert answers[:2] == ("the receiver took it and did not answer",) * 2
        assert answers[2:] == ("not tried: the broker was lost before",) * 3
        assert len(receiver.headers) == 2


def test_a_receiver_that_is_gone_in_the_middle_is_told_message_by_message() -> None:
    """What was delivered before is told so; the next call is an error (O1, O2)."""

    def leaves(handler: Any) -> None:
        receiver.server.shutdown()
        receiver.server.socket.close()
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")

    with receiving(lambda body: leaves) as receiver:
        answers = publisher_to(receiver).publish([*history("a"), *history("b"), *history("c")])
        assert answers[0] is None
        assert "nobody can connect" in str(answers[1])
        assert answers[2] == "not tried: the broker was lost before"
        with pytest.raises(PublishError, match="nobody can connect"):
            publisher_to(receiver).publish(history("b"))


def test_a_long_answer_is_not_read_to_its_end() -> None:
    """What is more than 64 KiB ends the connection, and the message was delivered all the same (S1)."""

    def talks(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", str(10**9))
        handler.end_headers()
        handler.wfile.write(b"x" * 100_000)
        handler.close_connection = True

    with receiving(lambda body: talks) as receiver:
        assert publisher_to(receiver).publish([*history("a"), *history("b")]) == (None, None)
        assert receiver.connections == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://e/",
        "e.com",
        "http://",
        "https://u:p@e/",
        "https://e/ x",
        "https://e/\r\nx: y",
        "https://é/",
        "http://e/#f",
        "http://[::1",
        "http://e:x/",
        "http://e:99999/",
        "http://e:0/",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """It is refused at once, and no header can be smuggled in by it (S6)."""
    with pytest.raises(InvalidInputError, match="url"):
        WebhookPublisher(url, ENVELOPE, secrets=SECRET)


def test_a_host_that_cannot_be_asked_for_is_an_error_that_names_none() -> None:
    """A host with an empty part or one of over 63 letters is nobody that can be connected to (S6)."""
    for host in ("a..b", "a" * 64 + ".example"):
        with pytest.raises(PublishError, match="nobody can connect"):
            WebhookPublisher(f"http://{host}/", ENVELOPE, secrets=SECRET).publish(history("a"))


def test_an_answer_in_chunks_that_cannot_be_refuses_that_message_alone() -> None:
    """A chunk of less than nothing is no answer, and what was delivered before it is told as delivered (S1)."""

    def shrinks(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab\r\n")
        handler.close_connection = True

    with receiving(lambda body: shrinks if b'"b.1"' in body else 200) as receiver:
        answers = publisher_to(receiver).publish([*history("a"), *history("b"), *history("c")])
        assert answers == (None, "the receiver took it and did not answer", None)


def test_a_receiver_is_authenticated(tmp_path: Path) -> None:
    """Over https a certificate that nobody vouches for is an error, one that the host trusts is not."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    try:
        subprocess.run([*make, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl to make a certificate")
    with receiving() as receiver:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = receiver.url.replace("http:", "https:")
        with pytest.raises(PublishError, match="nobody can connect"):
            WebhookPublisher(url, ENVELOPE, secrets=SECRET).publish(history("a"))
        trusting = ssl.create_default_context(cafile=str(cert))
        assert WebhookPublisher(url, ENVELOPE, secrets=SECRET, tls=trusting).publish(history("a")) == (None,)
