"""A program that keeps one server alive exactly as long as whoever started it holds a pipe open, and then cleans up.

It is started as `python -I -S` on this text, in a session of its own, so that neither Ctrl-C nor a signal to the group
of the test run reaches it. It reads one line, a `Job` in JSON, from its standard input, writes one line, the `Answer`,
and waits. When its input ends, since the pipe was closed or since the process that held it died, were it by SIGKILL,
it ends the server and deletes the folder. It needs the standard library alone, and starts quickly for that.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NotRequired, TypedDict

__all__ = ["Answer", "Job", "as_user"]

ROOM: Final = 60
"""The path of a socket may have about 100 bytes: as many are left for the folder that temporary ones are made in."""

GRACE: Final = 20
"""Seconds that a server has to end, before it is killed."""


class Job(TypedDict):
    """What is to be kept. In all texts but the first two, `{folder}` stands for the server's own temporary folder."""

    user: str | None
    """Who runs the server; None: whoever runs the keeper."""
    ready: str
    """What its standard error says once it takes connections."""
    files: dict[str, str]
    """The texts of files that stand in the folder, by name."""
    copies: dict[str, str]
    """Folders to be copied into the folder, by the name there."""
    prepare: list[list[str]]
    """Programs that run to their end before."""
    serve: list[str]
    """The server itself."""
    env: dict[str, str]
    """Its whole environment."""
    end: NotRequired[str]
    """The signal that ends it at once; SIGQUIT where nothing is said."""


class Answer(TypedDict):
    """How it went: where and as which process the server runs, or why it does not."""

    folder: NotRequired[str]
    pid: NotRequired[int]
    failure: NotRequired[str]


class FailureError(Exception):
    """The server does not run; the text says why."""


def as_user(name: str | None) -> dict[str, Any]:
    """Return what `subprocess.run` is to be told, so that the program runs as that user."""
    if name is None:
        return {}
    import pwd  # only where it is needed: Windows has none, and the suite is loaded there too

    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _main() -> None:
    job: Job = json.loads(sys.stdin.readline())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with _own_folder(job["user"]) as folder:
            _keep(_placed(job, folder), folder)
    except (FailureError, OSError, KeyError) as error:
        _say(Answer(failure=f"{type(error).__name__}: {error}"))


def _say(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


@contextmanager
def _own_folder(user: str | None) -> Iterator[str]:
    """Make a temporary folder that belongs to the user, where the user can reach it."""
    places = [place for place in (tempfile.gettempdir(), "/tmp", "/var/tmp") if len(os.fsencode(place)) <= ROOM]
    for place in places:
        folder = tempfile.mkdtemp(prefix="casewright-", dir=place)
        try:
            if user is not None:
                os.chown(folder, as_user(user)["user"], as_user(user)["group"])
            enter = ["/bin/sh", "-c", 'cd "$1"', "sh", folder]
            if subprocess.run(enter, check=False, stderr=subprocess.DEVNULL, **as_user(user)).returncode == 0:
                yield folder
                return
        finally:
            shutil.rmtree(folder)
    raise FailureError(f"{user or 'this user'} can reach none of the folders for temporary files: {places}")


def _placed(job: Job, folder: str) -> Job:
    def placed(text: str) -> str:
        return text.replace("{folder}", folder)

    return Job(
        user=job["user"],
        ready=job["ready"],
        files={name: placed(text) for name, text in job["files"].items()},
        copies=job["copies"],
        prepare=[[placed(word) for word in command] for command in job["prepare"]],
        serve=[placed(word) for word in job["serve"]],
        env={name: placed(text) for name, text in job["env"].items()},
        end=job.get("end", "SIGQUIT"),
    )


def _keep(job: Job, folder: str) -> None:
    """Start the server, say so, and end it when the input ends."""
    for name, text in job["files"].items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    for name, source in job["copies"].items():
        shutil.copytree(source, os.path.join(folder, name))
    if job["user"] is not None:
        _give(folder, job["user"])
    common: dict[str, Any] = {"cwd": folder, "env": job["env"], "stdin": subprocess.DEVNULL, **as_user(job["user"])}
    for command in job["prepare"]:
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", **common)
        if done.returncode:
            raise FailureError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
    with subprocess.Popen(job["serve"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **common) as server:
        try:
            _watch(server, job["ready"], folder)
        finally:
            _end(server, signal.Signals[job.get("end", "SIGQUIT")])


def _give(folder: str, user: str) -> None:
    """Make all that is in the folder the user's."""
    owner = as_user(user)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(root, name), owner["user"], owner["group"], follow_symlinks=False)


def _watch(server: subprocess.Popen[Any], ready: str, folder: str) -> None:
    """Read what the server writes, so that it never waits for a reader, until the input ends."""
    assert server.stderr is not None
    written = server.stderr.fileno()
    last: deque[bytes] = deque(maxlen=50)
    said, sources = False, [0, written]
    while True:
        readable, _, _ = select.select(sources, [], [])
        if 0 in readable:
            return
        if chunk := os.read(written, 65536):
            last.append(chunk)
        else:
            sources.remove(written)
        if not said and ready.encode() in b"".join(last):
            said = True
            _say(Answer(folder=folder, pid=server.pid))
        elif not said and not chunk:
            raise FailureError(f"{server.args!r} ended: {b''.join(last).decode(errors='replace')[-1000:]}")


def _end(server: subprocess.Popen[Any], by: signal.Signals) -> None:
    """End the server at once: what it holds is thrown away."""
    server.send_signal(by)
    try:
        server.wait(GRACE)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    _main()
