"""What keeps a server: it tells why one does not start, lets it write, and leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.keeper import Job
from support.keeping import keep, runs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="servers of our own need POSIX")


def a_job(serve: str, *, prepare: str = "true") -> Job:
    """Return a job that is a shell's; its server has all that the folder's name leads to as `$0`."""
    return Job(
        user=None,
        ready="now ready",
        files={"given": "in {folder}"},
        copies={},
        prepare=[["/bin/sh", "-c", prepare, "{folder}"]],
        serve=["/bin/sh", "-c", serve, "{folder}"],
        env={"PATH": "/usr/bin:/bin", "WHERE": "{folder}"},
    )


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the folder be made where nobody else makes any, and see that nothing is left in it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)
        assert list(Path(place).iterdir()) == []


def test_a_server_finds_all_that_was_given_to_it() -> None:
    """Files, preparations, environment and arguments all name the same folder, and the answer does."""
    serve = 'cat given made >&2; echo "$WHERE" >&2; echo now ready >&2; exec cat "$0/pipe"'
    kept = keep(a_job(serve, prepare='echo " made in $0" > made; mkfifo pipe'))
    assert (kept.folder / "given").read_text() == f"in {kept.folder}"
    assert (kept.folder / "made").read_text() == f" made in {kept.folder}\n"
    kept.stop()


@pytest.mark.parametrize(
    ("serve", "prepare", "reason"),
    [
        ("echo all broken >&2; exit 3", "true", "all broken"),
        ("echo now ready >&2", "echo cannot prepare >&2; exit 3", "ended with 3: cannot prepare"),
        ("exec /no/such/program", "true", "no/such/program"),
    ],
)
def test_a_server_that_does_not_start_says_why(serve: str, prepare: str, reason: str) -> None:
    """What it or its preparation wrote last is in the error."""
    with pytest.raises(RuntimeError, match=reason):
        keep(a_job(serve, prepare=prepare))


def test_a_server_may_write_as_much_as_it_likes() -> None:
    """Its messages are read for as long as it lives, so it never waits for a reader."""
    serve = "echo now ready >&2; head -c 1000000 /dev/zero >&2; echo written > pipe; exec cat pipe"
    kept = keep(a_job(serve, prepare="mkfifo pipe"))
    assert (kept.folder / "pipe").read_text() == "written\n"
    kept.stop()


def test_a_server_that_ended_by_itself_is_stopped_as_well() -> None:
    """To stop what has ended cleans up all the same, once or twice."""
    kept = keep(a_job("echo now ready >&2"))
    kept.stop()
    kept.stop()
    assert not kept.folder.exists()


def test_what_a_user_can_run_is_found_out() -> None:
    """A program that is not there, that may not be run, or that fails, is none; as another user as well."""
    own = [None, "nobody"] if os.geteuid() == 0 else [None]
    for user in own:
        assert runs(["/bin/sh", "-c", "exit 0"], user)
        assert not runs(["/bin/sh", "-c", "exit 1"], user)
        assert not runs(["/etc/passwd"], user)
        assert not runs(["/no/such/program"], user)
