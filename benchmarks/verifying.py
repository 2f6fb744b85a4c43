"""Verifying a whole store in SQLite (H7): its time by that of hashing the same rows alone, and its memory.

Run by itself it takes the number of events: ``python benchmarks/verifying.py 1000000``.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import Bar, measure, report
from sqlalchemy import create_engine

from casewright import TASK, Actor, Change, proved, seal
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.proving import Proof

__all__ = ["run"]

AT = datetime(2026, 1, 1, tzinfo=UTC)
BY = Actor("ann", roles=["admin"])
STEPS: tuple[tuple[str, dict[str, object]], ...] = (
    ("start", {}),
    ("edit", {"title": "Call him"}),
    ("assign", {"assignee_id": "bob"}),
    ("block", {"reason": "waiting for him"}),
    ("unblock", {}),
    ("edit", {"attributes": {"seen": 1}}),
    ("tag", {"add": ["urgent"]}),
    ("set_due", {"due_at": AT + timedelta(days=3)}),
    ("complete", {}),
)
PER_ITEM = len(STEPS) + 1


def run(rounds: int, events: int = 20_000) -> bool:
    """Print the figures and return whether every bar is met."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = _filled(path, events)
        timings = measure(
            {"verify": lambda _: _verified(store), "read and hash alone": lambda _: _hashed(path)},
            calls=events,
            rounds=max(1, rounds // 5),
            clock=time.process_time_ns,
        )
        bars = [
            Bar("verify by reading and hashing alone", timings.ratio("verify", "read and hash alone"), 3),
            Bar("MB at most in Python, while it verifies", _peak(store) / 1e6, 20),
        ]
        store.engine.dispose()
    return report(f"Verify {events:,} events in SQLite, a call being one event", timings, bars)


def _history(number: int) -> list[Change[Any]]:
    fields: dict[str, Any] = {"title": "Call Mr Miller", "description": "He is in hospital", "attributes": {"a": "b"}}
    verdict: Any = TASK.create(f"task-{number:08}", by=BY, at=AT, **fields)
    changes = [seal(verdict.change, recorded_at=AT)]
    for place, (action, inputs) in enumerate(STEPS):
        verdict = TASK.decide(changes[-1].after, action, inputs, by=BY, at=AT + timedelta(hours=place))
        changes.append(seal(verdict.change, recorded_at=AT))
    return changes


def _filled(path: Path, events: int) -> SqlAlchemyStore:
    store = SqlAlchemyStore(create_engine(f"sqlite:///{path}"))
    store.create_schema()
    numbers = range(events // PER_ITEM)
    for first in numbers[::100]:
        with store.begin(tenant="") as uow:
            for number in numbers[first : first + 100]:
                uow.record(*_history(number))
            uow.commit()
    return store


def _verified(store: SqlAlchemyStore) -> None:
    found = [proof for proof in proved(store) if not _is_whole(proof)]
    assert not found


def _is_whole(proof: Proof) -> bool:
    return not proof.findings and proof.events == PER_ITEM


def _hashed(path: Path) -> None:
    """What nobody could leave out: read each row in order, and hash its header and its payload."""
    connection = sqlite3.connect(path)
    for row in connection.execute("SELECT * FROM casewright_event ORDER BY tenant, item_id, version"):
        hashlib.sha256("|".join(map(str, row[:22])).encode()).hexdigest()
        hashlib.sha256(row[23].encode()).hexdigest()
    connection.close()


def _peak(store: SqlAlchemyStore) -> float:
    tracemalloc.start()
    _verified(store)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return float(peak)


if __name__ == "__main__":
    sys.exit(0 if run(5, int(sys.argv[1])) else 1)
