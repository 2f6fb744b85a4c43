"""The program run as a process, and a log for it to replay."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

MATTER: Final = """
from casewright import *
MATTER = CaseDefinition(
    "matter",
    lifecycle=Lifecycle(
        states={"open": Category.OPEN, "done": Category.DONE, "moved": Category.CANCELLED},
        initial="open",
        transitions=[Transition("finish", "open", "done", inputs=[instant("due", optional=True)])],
        administrative=["moved"],
    ),
    authorization=AuthorizationPolicy({"finish": has_role("clerk"), "correct": never()}, default=always()),
)
"""
"""A file that holds a definition."""

HEADER: Final = "case:concept:name,concept:name,time:timestamp,org:role,due\n"
LOG: Final = (
    HEADER
    + """a,open,2026-01-01T00:00Z,,
a,done,2026-01-02T00:00Z,clerk,2026-01-03T00:00Z
b,open,2026-01-01T00:00Z,,
b,open,2026-01-01T00:00Z,,
b,done,2026-01-02T00:00Z,boss,
b,moved,2026-01-02T00:00Z,boss,
c,done,2026-01-02T00:00Z,clerk,
"""
)
"""A log of three cases and six changes, of which the definition refuses two."""


def write_replay(folder: Path, log: str | bytes = LOG) -> list[str]:
    """Write definition and log into a folder, and return the arguments that replay the one by the other."""
    (folder / "matter.py").write_text(MATTER)
    (folder / "log.csv").write_bytes(log if isinstance(log, bytes) else log.encode())
    return ["replay", str(folder / "log.csv"), "--definition", f"{folder / 'matter.py'}:MATTER"]


def a_long_log(*, cases: int, rows: int, seed: int) -> str:
    """Return a log of cases that begin as they should and then go anywhere, their rows mixed."""
    chance = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    begun: set[int] = set()
    lines = []
    for number in range(rows):
        case = chance.randrange(cases)
        status = chance.choice(["open", "done", "moved"]) if case in begun else "open"
        begun.add(case)
        at, role = start + timedelta(minutes=number), chance.choice(["clerk", "clerk", "boss", ""])
        lines.append(f"c{case},{status},{at.isoformat()},{role},\n")
    return HEADER + "".join(lines)


def run_program(
    *arguments: str, first: str | None = None, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the program as a process.

    Args:
        arguments: Its arguments.
        first: Python code to run before it, in the same process.
        env: Further variables of the environment.
        options: What `subprocess.run` takes.
    """
    start = ["-m", "casewright"]
    if first is not None:
        start = ["-c", f"{first}\nimport sys\nfrom casewright.cli import main\nsys.exit(main())"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        **options,
    )


def without_sqlalchemy(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process in which SQLAlchemy cannot be imported."""
    return run_program(*arguments, first="import sys; sys.modules['sqlalchemy'] = None")
