"""Memory of an item, and time to import, each against its bar."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from harness import Bar, report

from casewright import TASK, Actor, Task

__all__ = ["run"]

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_DECISION = """
from datetime import UTC, datetime
from casewright import REGULATORY_CASE, Actor
verdict = REGULATORY_CASE.create("c", by=Actor("a", roles=["admin"]), at=datetime.now(UTC), title="t")
assert verdict
import sys
assert not {"cattrs", "sqlalchemy"} & set(sys.modules)
"""


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    task = _closed_task()
    sizes = [
        Bar("bytes of an item (sys.getsizeof)", sys.getsizeof(task), 260),
        Bar("in all, closed", _in_all(task), 450),
    ]
    small = report("Memory (closed task with four performers, its text apart)", None, sizes)
    statements = {
        "nothing": "pass",
        "attrs": "import attrs",
        "casewright": "import casewright",
        "first": FIRST_DECISION,
    }
    # Compiled once, as an installed package is: the warm-up round writes what the others read.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for turn in range(rounds + 1):
        for name, statement in statements.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
            if turn:
                taken[name].append(time.perf_counter() - start)
    net = {name: statistics.median(values) - statistics.median(taken["nothing"]) for name, values in taken.items()}
    bars = [
        Bar("import casewright by import attrs", net["casewright"] / net["attrs"], 1.2),
        Bar("first decision by import attrs", net["first"] / net["attrs"], 3),
    ]
    return report("Import in a fresh interpreter (its own start taken off)", None, bars) and small


def _closed_task() -> Task:
    actors = [Actor(f"actor-{number}", roles=["admin"]) for number in range(4)]
    verdict = TASK.create("task-1", by=actors[0], at=AT, title="A task")
    assert verdict
    assert verdict.change is not None
    task = verdict.change.after
    for hours, (action, inputs) in enumerate([("start", {}), ("block", {"reason": "waits"}), ("cancel", {})], start=1):
        step = TASK.decide(task, action, inputs, by=actors[hours % 4], at=AT + timedelta(hours=hours))
        assert step
        assert step.change is not None
        task = step.change.after
    return task


def _in_all(task: Task) -> int:
    """The item, its tuple of performers and its own instants; its texts apart, shared constants not counted."""
    instants = {id(moment): moment for moment in (task.created_at, task.updated_at, task.closed_at)}
    parts = [task, task.performers, *instants.values()]
    return sum(map(sys.getsizeof, parts))
