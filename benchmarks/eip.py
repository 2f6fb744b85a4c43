"""The commands of a real log, to be run through a bus: the status changes of the Ethereum Improvement Proposals.

What the process permits is performed by whoever did it; the rest is corrected by an administrator. Without the log a
made-up one of the same shape serves.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs

from casewright import Actor, Command, Correct, OpenCase, Perform, always

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from eip_process import EIP  # noqa: E402 - it stands beside the benchmarks, in no package

__all__ = ["PROCESS", "Step", "steps"]

PROCESS: Final = attrs.evolve(EIP.with_rules({"correct": always()}), guards={})
"""The process, with corrections by anyone: the log knows no administrator."""

LOG: Final = ROOT.parent / "shared" / "data" / "eip_status_events.csv"


@attrs.frozen
class Step:
    """One command of the log.

    Attributes:
        command: What is done.
        by: By whom.
        at: When.
    """

    command: Command[Any]
    by: Actor
    at: datetime


def steps(most: int) -> list[Step]:
    """Return the first commands of the log, at most so many."""
    present: dict[str, str] = {}
    found: list[Step] = []
    for case_id, status, who, at in _changes():
        if present.get(case_id) == status:
            continue
        command = _command(case_id, present.get(case_id), status)
        found.append(Step(command, Actor(who or "unknown"), at))
        present[case_id] = status
        if len(found) == most:
            break
    return found


def _command(case_id: str, source: str | None, status: str) -> Command[Any]:
    if source is None:
        return OpenCase(case_id, id=case_id, status=status, reason="it happened so")
    action = PROCESS.lifecycle.action_between(source, status)
    return Correct(case_id, status, reason="it happened so") if action is None else Perform(case_id, action)


def _changes() -> list[tuple[str, str, str, datetime]]:
    if not LOG.exists():
        return _made_up()
    with LOG.open(encoding="utf-8", newline="") as file:
        return [
            (
                row["case:concept:name"],
                row["concept:name"],
                row["org:resource"],
                datetime.fromisoformat(row["time:timestamp"]),
            )
            for row in csv.DictReader(file)
            if row["event"] == "status"
        ]


def _made_up() -> list[tuple[str, str, str, datetime]]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    way = ("Draft", "Review", "Last Call", "Final")
    return [
        (f"EIP-{number}", status, f"p{number % 40:04}", start + timedelta(hours=number * 4 + hour))
        for number in range(800)
        for hour, status in enumerate(way)
    ]
