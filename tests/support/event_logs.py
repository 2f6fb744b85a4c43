"""Event logs made in memory, and a definition to judge them by."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from casewright import (
    Actor,
    AuthorizationPolicy,
    CaseDefinition,
    Category,
    Event,
    Lifecycle,
    Transition,
    always,
    never,
)
from casewright.domain.ids import as_item_id
from casewright.interchange.conformance import CaseReplay, Outcome, replay_cases
from casewright.interchange.event_log import LogRow

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN = Actor("ann", roles=["clerk"])


def row(number: int, status: str, case: str = "c1", **fields: Any) -> LogRow:
    """A row of a log."""
    at = AT + timedelta(hours=number)
    return LogRow(number=number, case_id=as_item_id(case), status=status, at=at, **{"actor": ANN, **fields})


def a_lifecycle(*edges: str, first: str = "open", **options: Any) -> Lifecycle:
    """A lifecycle of ``source>target`` edges, each an action of its own; statuses in d... are DONE, the others OPEN."""
    pairs = [edge.split(">") for edge in edges]
    names = dict.fromkeys([first, *(name for pair in pairs for name in pair)])
    states = {name: Category.DONE if name.startswith("d") else Category.OPEN for name in names}
    states |= dict.fromkeys(
        [*options.get("administrative", ()), *options.get("legacy", ())],
        Category.CANCELLED,
    )
    steps = [Transition(f"{source}_to_{target}", source, target) for source, target in pairs]
    return Lifecycle(states=states, initial=options.pop("initial", first), transitions=steps, **options)


def a_definition(lifecycle: Lifecycle, rules: dict[str, Any] | None = None, **options: Any) -> CaseDefinition:
    """A case that everyone may do everything with, but for the rules given."""
    policy = AuthorizationPolicy({"correct": never(), **(rules or {})}, default=always())
    return CaseDefinition("matter", lifecycle=lifecycle, authorization=policy, **options)


PLAIN = a_definition(
    a_lifecycle("open>work", "work>done", "work>open", "done>open", administrative=("moved",), legacy=("old",))
)


def replayed(rows: list[LogRow], definition: CaseDefinition = PLAIN) -> CaseReplay:
    """The one case of a log."""
    (case,) = replay_cases(definition, rows)
    return case


def outcomes(case: CaseReplay) -> list[Outcome]:
    """What came of each change."""
    return [judgement.outcome for judgement in case.judgements]


def statuses_of(events: tuple[Event, ...]) -> list[str]:
    """The statuses a history runs through."""
    return [event.to_status for event in events]


def as_csv(rows: list[LogRow]) -> bytes:
    """The log as a file, with the optional columns that its rows have a say on."""
    columns: dict[str, list[Any]] = {
        "case:concept:name": [one.case_id for one in rows],
        "event": [one.event for one in rows],
        "from_status": [one.from_status for one in rows],
        "concept:name": [one.status for one in rows],
        "time:timestamp": [one.at.isoformat() for one in rows],
        "org:resource": [one.actor.id for one in rows],
        "org:role": [";".join(one.actor.roles) for one in rows],
    }
    kept = {name: cells for name, cells in columns.items() if None not in cells}
    text = io.StringIO(newline="")
    csv.writer(text).writerows([list(kept), *zip(*kept.values(), strict=True)])
    return text.getvalue().encode()
