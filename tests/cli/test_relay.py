"""`relay`: what the outbox of a database holds is delivered, and the program ends as it should."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import nats
import pytest
import redis
from sqlalchemy import URL

from casewright.adapters.publishers.signing import new_secret, verify_signature
from casewright.cli import main
from casewright.cli.destinations import SECRET
from casewright.testing.portal import Portal
from support.brokers import Broker
from support.outboxes import filled, shown

COUNTS: Final = {"delivered": 0, "failed": 0, "dead": 0, "lost": 0}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with three tasks of two events each."""
    return filled(f"sqlite:///{tmp_path / 'tasks.db'}")


def relay(database: str, to: str, *more: str) -> list[str]:
    """Return the arguments of a relay."""
    return ["relay", "--database", database, "--to", to, *more]


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Answer each request so; yield the address, and what came."""
    came: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep still."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/events", came
        server.shutdown()
        thread.join()


def ids(lines: str) -> list[str]:
    """Return the ids of events, a line each."""
    return [json.loads(line)["id"] for line in lines.splitlines()]


def test_stdout_gets_a_line_for_each_event(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--to -` prints CloudEvents, those of an item in order, each once; stderr sums up (O1, O2)."""
    options = ("--source", "https://example.com/x", "--prefix", "com.example", "--public", "description")
    assert main(relay(database, "-", "--once", *options)) == 0
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert sorted(event["id"] for event in events) == [
        f"x-{place}.{version}" for place in range(3) for version in (1, 2)
    ]
    for place in range(3):
        assert [event["id"] for event in events if f"x-{place}." in event["id"]] == [f"x-{place}.1", f"x-{place}.2"]
    first = next(event for event in events if event["id"] == "x-0.1")
    assert (first["source"], first["type"]) == ("https://example.com/x", "com.example.task.created.v1")
    assert first["data"]["changes"]["description"] == "canary"
    assert err == "casewright: delivered 6, failed 0, dead 0, lost 0\n"

    assert main(relay(database, "-", "--once")) == 0
    assert capsys.readouterr() == ("", "casewright: delivered 0, failed 0, dead 0, lost 0\n")


def test_what_does_not_travel_can_be_chosen(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Descriptions do not travel unless they are asked for; titles do, unless they are held back."""
    assert main(relay(database, "-", "--once", "--private", "title")) == 0
    out, _ = capsys.readouterr()
    assert "canary" not in out
    assert "Water" not in out


def test_a_broker_that_is_away_is_said_and_nothing_is_lost(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--once` the code is 2 then and stdout empty; the log and the last line say why, without the URL (O1)."""
    assert main(relay(database, "redis://user:secret@127.0.0.1:1", "--once")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    log, last = err.splitlines()
    assert "nothing can be delivered" in log
    assert last.startswith("casewright: not everything could be delivered: ")
    assert last.endswith("; start it again: what was not acknowledged is delivered again")
    assert "secret" not in err
    assert main(relay(database, "-", "--once")) == 0
    assert len(ids(capsys.readouterr().out)) == 6


@pytest.mark.parametrize("status", [204, 400])
def test_a_webhook_is_signed_and_its_answer_counts(
    database: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--to -` prints CloudEvents, those of an item in order, each once; stderr sums up (O1, O2)."""
    old, new = new_secret(), new_secret()
    monkeypatch.setenv(SECRET, f"{old} {new}")
    with receiver(status) as (url, came):
        code, counts = shown(capsys, *relay(database, url, "--once"))
    if status == 204:
        assert (code, counts) == (0, {**COUNTS, "delivered": 6})
        assert sorted(json.loads(body)["id"] for _, body in came)[:2] == ["x-0.1", "x-0.2"]
    else:
        assert (code, counts) == (1, {**COUNTS, "failed": 3})
        assert [json.loads(body)["data"]["version"] for _, body in came] == [1, 1, 1]
    for headers, body in came:
        assert verify_signature({name.lower(): value for name, value in headers.items()}, body, secrets=new)
        assert verify_signature({name.lower(): value for name, value in headers.items()}, body, secrets=old)


def test_people_get_a_table(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--json`, what came of it is one line for each outcome, in 80 columns; refusals are on stderr."""
    monkeypatch.setenv(SECRET, new_secret())
    with receiver(500) as (url, _):
        assert main(relay(database, url, "--once")) == 1
    out, err = capsys.readouterr()
    assert [line.split(": ")[0].split() for line in out.splitlines()] == [
        ["0", "delivered"],
        ["3", "failed"],
        ["0", "dead"],
        ["0", "lost"],
    ]
    assert max(map(len, out.splitlines())) <= 80
    assert "3 messages were refused" in err
    assert "the receiver answered 500" in err


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("", "is no URL of a place to deliver to"),
        ("nonsense", "is no URL of a place to deliver to"),
        ("amqp://user:secret@host", "is no URL of a place to deliver to"),
        ("redis://host:secret", "is no URL that its kind of server has"),
        ("https://example.com/secret", "there is no secret to sign requests with"),
    ],
)
def test_what_is_no_place_is_bad_input(
    database: str, to: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A URL of an unknown kind, a wrong one and a webhook without a secret are code 2, and never shown."""
    monkeypatch.delenv(SECRET, raising=False)
    assert main(relay(database, to, "--once")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("casewright: --to: ")
    assert says in err
    assert "host:secret" not in err
    assert "/secret" not in err


def test_a_secret_that_is_none_is_named_by_its_variable(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What signs nothing is told by the variable that holds it, with the command that makes one, and is not shown."""
    monkeypatch.setenv(SECRET, f"{new_secret()} hunter2")
    assert main(relay(database, "https://example.com", "--once")) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        f"casewright: {SECRET}: holds something that is no secret to sign with; this makes one: python"
    )
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--json"], "--json: prints one object on stdout"),
        (["--source", "no uri"], "source: must be a URI"),
        (["--prefix", "-"], "prefix: must be"),
        (["--name", "a\tb"], "name: "),
    ],
)
def test_options_that_cannot_be_meant_are_bad_input(
    database: str, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is delivered where an option is wrong."""
    assert main([*relay(database, "-", "--once"), *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


@pytest.mark.parametrize("to", ["redis://127.0.0.1:1", "nats://127.0.0.1:1"])
def test_a_topic_that_is_none_is_bad_input(database: str, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So is a topic that the kind of server cannot have."""
    assert main(relay(database, to, "--once", "--topic", "")) == 2
    assert capsys.readouterr().out == ""


def test_a_database_without_tables_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No table is made: a relay in front of the wrong database ends before it has done anything."""
    (tmp_path / "empty.db").touch()
    assert main(relay(f"sqlite:///{tmp_path / 'empty.db'}", "-")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "the database has no casewright_" in err


@pytest.mark.parametrize(("module", "to"), [("redis", "valkey://host"), ("nats", "nats://host")])
def test_a_missing_extra_is_named(
    database: str, module: str, to: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the client of a broker is not installed, the line names what installs it."""
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"casewright.adapters.publishers.{module}", raising=False)
    assert main(relay(database, to, "--once")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f'python -m pip install "casewright[{module}]"' in err


def test_it_delivers_to_valkey(database: str, valkey_broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    """On a real server the stream of that topic has each event once, those of an item in their order (O2)."""
    code, counts = shown(capsys, *relay(database, valkey_broker.url, "--once", "--topic", "of-the-relay"))
    assert (code, counts) == (0, {**COUNTS, "delivered": 6})
    with redis.Redis.from_url(valkey_broker.url) as client:
        answer: Any = client.xrange("of-the-relay")
    events = [json.loads(fields[b"event"]) for _, fields in answer]
    assert [event["data"]["version"] for event in events if event["subject"] == "task/x-1"] == [1, 2]
    assert len(events) == 6


def test_it_delivers_to_nats(database: str, nats_broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    """On a real server a stream with the subjects of that topic has each event."""

    async def made() -> None:
        client = await nats.connect(nats_broker.url)
        await client.jetstream().add_stream(name="of-the-relay", subjects=["of-the-relay.>"])
        await client.close()

    async def held() -> int:
        client = await nats.connect(nats_broker.url)
        state = (await client.jetstream().stream_info("of-the-relay")).state
        await client.close()
        return state.messages

    with Portal() as portal:
        portal.run(made())
        code, counts = shown(capsys, *relay(database, nats_broker.url, "--once", "--topic", "of-the-relay"))
        assert (code, counts) == (0, {**COUNTS, "delivered": 6})
        assert portal.run(held()) == 6


class Reader(io.StringIO):
    """A stdout whose reader interrupts the program once it has read six lines."""

    lines = 0

    def flush(self) -> None:
        """Look whether they are there."""
        before, self.lines = self.lines, self.getvalue().count("\n")
        if before < self.lines == 6:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_it_cleanly(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends a relay with 0 once its batch is acknowledged; its leases are given back, its handlers put back."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Reader())
        assert main(relay(database, "-")) == 0
    assert capsys.readouterr().err.splitlines() == ENDED
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    filled(database, items=1, tenant="north")
    assert main(relay(database, "-", "--once")) == 0  # at once, though a lease is for half a minute
    assert ids(capsys.readouterr().out) == ["x-0.1", "x-0.2"]


def test_it_relays_postgresql(
    postgres_database: URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The outbox of a PostgreSQL database is delivered likewise, once and until it is told to end."""
    url = filled(postgres_database)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Reader())
        assert main(relay(url, "-")) == 0
    assert capsys.readouterr().err.splitlines() == ENDED
    filled(url, items=2, tenant="north")
    assert main(relay(url, "-", "--once")) == 0
    assert len(ids(capsys.readouterr().out)) == 4


ENDED: Final = [
    "casewright: delivering; Ctrl-C or SIGTERM ends it",
    "casewright: delivered 6, failed 0, dead 0, lost 0",
]


def started(database: str) -> subprocess.Popen[str]:
    """Start a relay that writes to stdout until it is told to end."""
    command = [sys.executable, "-m", "casewright", *relay(database, "-")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_sigterm_ends_it_cleanly(database: str) -> None:
    """SIGTERM ends a relay with 0, as a supervisor expects it: what was delivered is acknowledged."""
    with started(database) as process:
        assert process.stdout is not None
        read = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert (process.returncode, out) == (0, "")
    assert len(set(ids("".join(read)))) == 6
    assert err.splitlines() == ENDED


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads ends a program on POSIX only")
def test_it_ends_where_nobody_reads(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where stdout's reader has gone, the relay ends as other programs do; what was not read is delivered later."""
    with started(database) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.read()
        assert process.wait() == 141
    assert main(relay(database, "-", "--once")) == 0
    assert len(ids(capsys.readouterr().out)) == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full device is Linux's")
def test_a_stdout_without_room_is_said(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where stdout cannot be written, the code is 2 and nothing is lost."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "casewright", *relay(database, "-", "--once")]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("casewright: the answer cannot be written: No space left on device\n")
    assert main(relay(database, "-", "--once")) == 0
    assert len(ids(capsys.readouterr().out)) == 6
