"""Whole histories, made by real decisions from a seed, so that a failure names the one that shows it again."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from casewright import REGULATORY_CASE, TASK, Actor, Change, Context, Event, Input, Priority, Task, seal
from casewright.domain.inputs import InputKind
from support.values import ADMIN, AT, CANARY

_ENDINGS: Final = ("", "\u00e9", "\U0001f642", 'quote " and \\', "a\nb", "\u2028")
_ACTORS: Final = (
    ADMIN,
    Actor("wim", roles=["case_writer"]),
    Actor("rhea", roles=["reviewer", "admin"]),
    Actor("deputy", roles=["case_writer", "reviewer", "admin"], on_behalf_of="chief"),
)


def random_histories(seed: int, steps: int = 15) -> dict[str, list[Change[Any]]]:
    """Return the sealed histories of a case and some tasks in it, made by random decisions.

    Args:
        seed: Makes them the same again.
        steps: How many actions are tried.

    Returns:
        By item id, the changes in order; every text that may be personal holds `CANARY`.
    """
    return _World(seed).run(steps)


def long_histories(count: int, least: int) -> list[list[Event]]:
    """Return that many histories of at least so many events."""
    found: list[list[Event]] = []
    seed = 0
    while len(found) < count:
        found.extend(events_of(chain) for chain in random_histories(seed, 20).values() if len(chain) >= least)
        seed += 1
    return found[:count]


def events_of(changes: list[Change[Any]]) -> list[Event]:
    """Return the events of the changes, and check that each change starts where the one before ended."""
    assert all(one.after == two.before for one, two in pairwise(changes))
    return [change.event for change in changes]


class _World:
    """A case and its tasks, changed at random."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.changes: dict[str, list[Change[Any]]] = {}
        self.at = AT

    def run(self, steps: int) -> dict[str, list[Change[Any]]]:
        self._record(REGULATORY_CASE.create("case", by=ADMIN, at=self.at, **self._fields()))
        for step in range(steps):
            self.at += timedelta(microseconds=self.rng.randrange(-(10**9), 10**11))
            if self.rng.random() < 0.15 or step == 0:
                self._create_task(f"task{step}")
            else:
                self._change(self.rng.choice(list(self.changes)))
        return self.changes

    def _create_task(self, task_id: str) -> None:
        parent = self._now("case") if self.rng.random() < 0.8 else None
        status = self.rng.choice([None, None, "blocked", "done"])
        reason = None if status is None else self._text()
        by = self.rng.choice(_ACTORS)
        fields = self._fields()
        self._record(TASK.create(task_id, by=by, at=self.at, status=status, reason=reason, parent=parent, **fields))

    def _change(self, item_id: str) -> None:
        item, by = self._now(item_id), self.rng.choice(_ACTORS)
        parent = self._now(item.case_id) if isinstance(item, Task) and item.case_id else None
        definition: Any = TASK if isinstance(item, Task) else REGULATORY_CASE
        verdicts = definition.actions(item, by=by, at=self.at, parent=parent)
        possible = [verdict for verdict in verdicts if verdict.permitted and self._wanted(verdict.action)]
        if possible:
            verdict = self.rng.choice(possible)
            given = {
                spec.name: self._input(spec) for spec in verdict.inputs if not spec.optional or self.rng.random() < 0.6
            }
            self._record(definition.decide(item, verdict.action, given, by=by, at=self.at, parent=parent))

    def _wanted(self, action: str) -> bool:
        return action != "delete" or self.rng.random() < 0.1

    def _record(self, decision: Any) -> None:
        for change in decision.changes if decision else ():
            context = Context(correlation_id=f"r{self.rng.randrange(99)}", traceparent=None)
            salt = f"{self.rng.getrandbits(128):032x}"
            recorded_at = self.at + timedelta(microseconds=self.rng.randrange(10**9))
            sealed = seal(change, recorded_at=recorded_at, context=context, salt=salt)
            self.changes.setdefault(sealed.after.id, []).append(sealed)

    def _now(self, item_id: str) -> Any:
        return self.changes[item_id][-1].after

    def _fields(self) -> dict[str, Any]:
        every = {
            "description": self._text(),
            "priority": self.rng.choice([*Priority]),
            "assignee_id": self.rng.choice(_ACTORS).id,
            "due_at": self.at + timedelta(days=3),
            "tags": self._names(),
            "attributes": self._json(2),
        }
        return {"title": self._text()} | {name: part for name, part in every.items() if self.rng.random() < 0.5}

    def _text(self) -> str:
        return f"{CANARY} {self.rng.choice(_ENDINGS)} {self.rng.randrange(99)}"

    def _names(self) -> list[str]:
        return [f"{CANARY}{self.rng.randrange(4)}" for _ in range(self.rng.randrange(4))]

    def _json(self, depth: int) -> dict[str, Any]:
        keys = [f"{CANARY}{number}" for number in range(3) if self.rng.random() < 0.6]
        scalars = [None, True, 1, -(2**63), self._text(), [self._text(), None]]
        return {
            key: self._json(depth - 1) if depth and self.rng.random() < 0.3 else self.rng.choice(scalars)
            for key in keys
        }

    def _input(self, spec: Input) -> Any:
        if spec.clearable and self.rng.random() < 0.3:
            return None
        if spec.kind is InputKind.TEXT:
            return f"{CANARY}{self.rng.randrange(10**6)}" if spec.name == "note_id" else self._text()
        if spec.kind is InputKind.ACTOR:
            return self.rng.choice(_ACTORS).id
        if spec.kind is InputKind.CHOICE:
            return self.rng.choice(spec.choices)
        if spec.kind is InputKind.INSTANT:
            return self.at + timedelta(hours=self.rng.randrange(99))
        return self._names() if spec.kind is InputKind.NAMES else self._json(2)
