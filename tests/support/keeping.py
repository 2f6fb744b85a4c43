"""Servers that live as long as this process, were it killed, and no longer than they are wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import attrs
import pytest

from support import keeper
from support.keeper import Answer, Job, as_user

__all__ = ["Kept", "keep", "missing", "runs"]


@attrs.frozen(kw_only=True)
class Kept:
    """A server that lives as long as this process, and no longer than it is wanted.

    Attributes:
        keeper: The process that ends it.
        folder: All that it has on disk.
        pid: Its first process.
    """

    keeper: subprocess.Popen[str]
    folder: Path
    pid: int

    def stop(self) -> None:
        """End it, and wait until nothing is left of it. It may have ended before."""
        assert self.keeper.stdin is not None
        assert self.keeper.stdout is not None
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()


def keep(job: Job, *, python: str = sys.executable, user: str | None = None) -> Kept:
    """Start a server with its keeper, and wait until it takes connections.

    Args:
        job: The server.
        python: The interpreter that runs the keeper.
        user: Who runs the keeper; None: whoever runs the tests.
    """
    started = subprocess.Popen(
        [python, "-I", "-S", "-c", Path(keeper.__file__).read_text(encoding="utf-8")],  # the file may be out of reach
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        start_new_session=True,
        **as_user(user),
    )
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(json.dumps(job) + "\n")
    started.stdin.flush()
    answer: Answer = json.loads(started.stdout.readline() or '{"failure": "its keeper died"}')
    if "folder" in answer and "pid" in answer:
        return Kept(keeper=started, folder=Path(answer["folder"]), pid=answer["pid"])
    started.communicate()
    raise RuntimeError(f"The server does not start. {answer.get('failure')}")


def runs(command: list[str], user: str | None, *, env: dict[str, str] | None = None) -> bool:
    """Whether the user can reach and run the program, and it ends well."""
    try:
        tried = subprocess.run(command, check=False, capture_output=True, cwd="/", env=env, **as_user(user))
    except (FileNotFoundError, PermissionError):
        return False
    return tried.returncode == 0


def missing(reason: str, *, wanted: bool) -> NoReturn:
    """Skip the test that asked for a service; in CI, and where it was wanted, fail: no suite shrinks unseen."""
    if wanted or os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)
