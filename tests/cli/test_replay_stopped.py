"""`replay --into` stopped for real, at any point and by any means, and started again: exact, and nothing twice (T2)."""

from __future__ import annotations

import contextlib
import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from casewright.cli import main
from support.programs import a_long_log, run_program, write_replay

# Each counts, in the program's own process, what the database is asked, and stops the program at a given number.
KILLED = """
import os, signal
from sqlalchemy import Engine, event
left = [{number}]
def asked(statement):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(Engine, "connect", lambda connection, record: connection.set_trace_callback(asked))
"""
INTERRUPTED = """
import signal
from sqlalchemy import Engine, event
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may be told to ignore it
left = [{number}]
def taken(*_):
    left[0] -= 1
    if not left[0]:
        signal.raise_signal(signal.SIGINT)
event.listen(Engine, "checkout", taken)
"""
FULL = """
import atexit, resource
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({number}, before[1]))
atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, before)
"""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments that replay a log of 40 cases and 260 rows."""
    log = a_long_log(cases=40, rows=260, seed=20260302)
    return [*write_replay(tmp_path_factory.mktemp("log"), log), "--json"]


@pytest.fixture(scope="module")
def expected(replay: list[str]) -> dict[str, Any]:
    """What the replay answers without a database."""
    answer = answer_of(replay)
    assert answer["cases"] == answer["histories_verified"] == 40
    assert min(answer["allowed"], answer["refused"], answer["administrative"]) > 20
    return answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database."""
    return tmp_path / "store.db"


def answer_of(arguments: list[str]) -> dict[str, Any]:
    """Return what a replay answers that ends well, but for the time it took."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0
    answer: dict[str, Any] = json.loads(out.getvalue())
    del answer["seconds"]
    return answer


def rows_of(path: Path, statement: str) -> list[Any]:
    """Return what the database answers; nothing where it has no tables yet."""
    connection = sqlite3.connect(path)
    try:
        made = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return connection.execute(statement).fetchall() if made else []
    finally:
        connection.close()


def check_whole(path: Path) -> int:
    """Check that each command of which anything is there is there whole; return how many there are (T1)."""
    versions = dict(rows_of(path, "SELECT id, version FROM casewright_item"))
    events = rows_of(path, "SELECT item_id, version FROM casewright_event ORDER BY item_id, version")
    pointers = rows_of(path, "SELECT item_id, version FROM casewright_outbox ORDER BY item_id, version")
    assert events == [(id, version) for id in sorted(versions) for version in range(1, versions[id] + 1)]
    assert pointers == events
    return len(events)


def check_finished(path: Path, replay: list[str], expected: dict[str, Any]) -> None:
    """Check that a last run answers as expected, and that the database holds each change of the log once."""
    assert answer_of([*replay, "--into", f"sqlite:///{path}"]) == expected
    check_whole(path)
    logged = [line.split(",")[:2] for line in Path(replay[1]).read_text(encoding="utf-8").splitlines()[1:]]
    for case_id in {case_id for case_id, _ in logged}:
        statuses = [status for status, _ in groupby(status for one, status in logged if one == case_id)]
        found = rows_of(path, f"SELECT to_status FROM casewright_event WHERE item_id = '{case_id}' ORDER BY version")
        assert [status for (status,) in found] == statuses


def found(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many changes a replay says that it has found."""
    told = re.search(r"found [\d,]+ of [\d,]+ cases, ([\d,]+) of", done.stderr)
    return int(told[1].replace(",", "")) if told else 0


@pytest.mark.parametrize(
    "numbers",
    [(1, 123, 322), pytest.param(range(60, 160, 5), marks=pytest.mark.large)],
    ids=["some", "many"],
)
def test_a_killed_replay_goes_on(
    numbers: Iterable[int], replay: list[str], expected: dict[str, Any], path: Path
) -> None:
    """Killed again and again, after any statement, it has each change wholly or not at all, and goes on from there."""
    present = 0
    for number in numbers:
        done = run_program(*replay, "--into", f"sqlite:///{path}", first=KILLED.format(number=number))
        assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
        assert found(done) == present
        now = check_whole(path)
        assert now >= present
        present = now

    assert present > 30
    check_finished(path, replay, expected)


def test_an_interrupted_replay_goes_on(replay: list[str], expected: dict[str, Any], path: Path) -> None:
    """Ctrl-C ends it with 130 and without a word; started again, it goes on."""
    done = run_program(*replay, "--into", f"sqlite:///{path}", first=INTERRUPTED.format(number=60))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "casewright: the database had no tables of casewright: created them\n"
    assert 0 < check_whole(path) < expected["status_changes"]

    check_finished(path, replay, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="a file's size can be limited on POSIX only")
def test_a_replay_on_a_full_disk_goes_on_when_there_is_room(
    replay: list[str], expected: dict[str, Any], path: Path
) -> None:
    """Where the database can grow no more, the last line says so, with code 2; with more room, it goes on."""
    done = run_program(*replay, "--into", f"sqlite:///{path}", first=FULL.format(number=250_000))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("; start it again: it finds out what was done, and goes on\n")
    assert 0 < check_whole(path) < expected["status_changes"]

    check_finished(path, replay, expected)


def test_two_replays_at_a_time_do_nothing_twice(replay: list[str], expected: dict[str, Any], path: Path) -> None:
    """Of two at a time each ends well or says that somebody else is at it; nothing is lost, nothing is there twice."""
    command = [sys.executable, "-m", "casewright", *replay, "--into", f"sqlite:///{path}"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        out, err = one.communicate()
        if one.returncode:
            assert one.returncode == 2
            assert "somebody else changes it at the same time" in err
        else:
            assert json.loads(out)["histories_verified"] == 40
    check_whole(path)

    check_finished(path, replay, expected)
