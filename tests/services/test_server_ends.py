"""A server of the tests ends when it should, whoever runs it and whatever happens, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Set
from pathlib import Path

import psycopg
import pytest

from support.keeper import as_user
from support.keeping import keep, missing, runs
from support.servers import postgres_job, start_postgres, unavailable, wheel_home

VERSION = os.environ.get("CASEWRIGHT_POSTGRES") or "17"
ROOT = os.geteuid() == 0

STARTS_AND_WAITS = """
import json, sys
from support.servers import start_postgres
kept = start_postgres(sys.argv[1]).kept
print(json.dumps([str(kept.folder), kept.pid]), flush=True)
sys.stdin.read()
"""
"""Starts a server of the version that is its argument, says where it is, and lives on."""


@pytest.fixture(autouse=True)
def startable() -> None:
    """Nothing here can be tried without a server of our own."""
    if reason := unavailable(VERSION):
        missing(reason, wanted="CASEWRIGHT_POSTGRES" in os.environ)


def connected(folder: Path) -> psycopg.Connection:
    """Connect to the server that is kept in the folder."""
    return psycopg.connect(host=str(folder), port=5432, user="casewright", dbname="postgres")


def at_work(connection: psycopg.Connection) -> set[int]:
    """Return all processes of the server but its first."""
    return {pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")}


def alive(pids: Set[int]) -> set[int]:
    """Return those of the processes that there still are."""
    found = set()
    for pid in pids:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        found.add(pid)
    return found


def ways(folder: Path) -> list[tuple[str, int, int, int]]:
    """Return the folders that lead to this one, with their modes and owners."""
    stats = [(str(one), one.stat()) for one in folder.parents]
    return [(name, stat.st_mode, stat.st_uid, stat.st_gid) for name, stat in stats]


def copied_wheel(folder: Path) -> Path:
    """Copy the package that brings the server, and what its programs need beside it."""
    home = wheel_home(VERSION)
    for one in (home, home.with_name(f"{home.name}.libs")):
        if one.is_dir():
            shutil.copytree(one, folder / one.name)
    return folder / home.name


def test_the_way_to_a_server_is_left_as_it_was() -> None:
    """Starting, using and stopping a server changes neither mode nor owner of any folder above its own."""
    above = Path(tempfile.gettempdir(), "any")
    before = ways(above)
    kept = start_postgres(VERSION).kept
    assert kept is not None
    assert kept.folder.parent == above.parent
    during = ways(above)
    kept.stop()
    assert [during, ways(above)] == [before, before]


def test_nothing_is_left_of_a_server_that_was_stopped() -> None:
    """After `stop` none of its processes lives and its folder is gone, even while somebody is connected to it."""
    kept = start_postgres(VERSION).kept
    assert kept is not None
    with_writer = connected(kept.folder)
    with_writer.execute("CREATE TABLE half_done (id integer)")
    pids = at_work(with_writer) | {kept.pid, kept.keeper.pid}
    assert alive(pids) == pids
    assert len(pids) > 4
    kept.stop()
    assert alive(pids) == set()
    assert not kept.folder.exists()
    kept.stop()
    with_writer.close()


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else; the other tests run as somebody else")
def test_who_is_not_root_starts_a_server_too() -> None:
    """Without rights the same server runs as whoever starts it, and all of it is theirs."""
    whole = [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"]
    new_enough = ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    python = next((one for one in whole if runs([one, *new_enough], "nobody")), None)
    if python is None:
        missing("nobody can run a Python from 3.11 up here", wanted=False)
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        kept = keep(postgres_job(copied_wheel(Path(public)), user=None), python=python, user="nobody")
        with connected(kept.folder) as connection:
            processes = at_work(connection) | {kept.pid, kept.keeper.pid}
            owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes} | {kept.folder.stat().st_uid}
        kept.stop()
    assert owners == {as_user("nobody")["user"]}
    assert not kept.folder.exists()


def test_programs_out_of_reach_are_copied(tmp_path: Path) -> None:
    """Where `nobody` cannot reach the programs, root runs a copy of them, and opens no folder for that."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = copied_wheel(closed)
    before = ways(home)
    kept = start_postgres(VERSION, home=home).kept
    assert kept is not None
    with connected(kept.folder) as connection:
        (programs,) = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
    kept.stop()
    assert Path(programs[0]).is_relative_to(kept.folder if ROOT else closed)
    assert ways(home) == before
    assert not kept.folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_when_who_started_it_is_killed(number: signal.Signals) -> None:
    """However the process of the tests ends, its server ends after it, with an open transaction or without."""
    command = [sys.executable, "-c", STARTS_AND_WAITS, VERSION]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True) as starter:
        assert starter.stdout is not None
        folder, first = json.loads(starter.stdout.readline())
        connection = connected(Path(folder))
        connection.execute("CREATE TABLE half_done (id integer)")
        pids = at_work(connection) | {first}
        assert alive(pids) == pids
        os.killpg(starter.pid, number)
        starter.communicate()  # until nobody holds its standard error, which the keeper has inherited
    assert alive(pids) == set()
    assert not Path(folder).exists()
    connection.close()
