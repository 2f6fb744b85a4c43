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
from support.keeper import Answer, Job

__all__ = ["Kept", "keep", "missing"]


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


def keep(job: Job) -> Kept:
    """Start a server with its keeper, and wait until it takes connections."""
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
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


def missing(reason: str, *, wanted: bool) -> NoReturn:
    """Skip the test that asked for a service; where it was wanted, and in CI, fail, or the suite would quietly shrink."""
    if wanted or os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)
