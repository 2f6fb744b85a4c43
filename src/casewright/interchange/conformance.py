"""Conformance: what a definition says of a log of what really happened.

Each change of status is judged at its logged time, by its logged actor, from its own status to its own status. What
the definition permits is applied as it was decided. What it refuses, and what goes to an administrative status, is
applied by an administrator all the same (``correct``, or a creation with a reason), so that the history equals the log.
Every change is sealed; in the end each history must prove itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.definitions import Definition
from casewright.domain.events import Event
from casewright.domain.folding import fold
from casewright.domain.history import seal, verify
from casewright.domain.items import Item
from casewright.domain.reasons import Reason
from casewright.domain.verdicts import Refused
from casewright.errors import HistoryError, InvalidInputError
from casewright.interchange.event_log import LogRow
from casewright.interchange.judging import Judge, Step

__all__ = [
    "ADMINISTRATOR",
    "CaseReplay",
    "ConformanceReport",
    "Judgement",
    "Outcome",
    "Refusal",
    "check_conformance",
    "conformance_report",
    "history_problems",
    "input_columns",
    "replay_cases",
]

ADMINISTRATOR: Final = Actor("administrator")
"""Who applies what the definition does not."""


class Outcome(StrEnum):
    """What came of one change of status."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    ADMINISTRATIVE = "administrative"


@attrs.frozen
class Judgement:
    """What the definition says of one change of status.

    Attributes:
        row: The row of the log.
        source: The status it was judged from; None for a creation.
        outcome: What came of it.
        reasons: Why it was refused; empty if it was not.
    """

    row: LogRow
    source: str | None
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


@attrs.frozen
class CaseReplay:
    """One case of the log, replayed.

    Attributes:
        case_id: Its id.
        rows: How many rows of the log are about it.
        judgements: One for each change of status, in the order of the log.
        events: Its history as replayed, sealed; empty where its status never changed.
        problems: What does not hold in that history; empty when sound.
        steps: What was done, one for each event.
    """

    case_id: str
    rows: int
    judgements: tuple[Judgement, ...]
    events: tuple[Event, ...]
    problems: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses of the log, one for each judgement."""
        return tuple([judgement.row.status for judgement in self.judgements])


@attrs.frozen
class Refusal:
    """How often one change was refused for one reason.

    Attributes:
        source: The status it was to lead from; None for a creation.
        target: The status it was to lead to.
        count: How often.
        reason: Why, all reasons in one sentence.
    """

    source: str | None
    target: str
    count: int
    reason: str


@attrs.frozen(kw_only=True)
class ConformanceReport:
    """What a definition says of a whole log.

    Attributes:
        cases: How many cases there are.
        rows: How many rows.
        status_changes: How many of them change a status; the next three add up to it.
        allowed: How many of these the definition permits.
        refused: How many it refuses.
        administrative: How many lead to an administrative status, which is not judged.
        refusals: What was refused, the most frequent first.
        histories_verified: How many cases have a history that proves itself and equals the log.
        problems: Of each other history, what does not hold.
    """

    cases: int
    rows: int
    status_changes: int
    allowed: int
    refused: int
    administrative: int
    refusals: tuple[Refusal, ...]
    histories_verified: int
    problems: tuple[str, ...] = ()


def check_conformance(definition: Definition[Any], rows: Iterable[LogRow]) -> ConformanceReport:
    """Judge a whole log.

    Args:
        definition: What judges; its current lifecycle is the one of every case.
        rows: The log, in order.

    Returns:
        What it says.

    Raises:
        InvalidInputError: A row holds an input of a wrong type or over a limit; ``field`` names the row.
    """
    return conformance_report(replay_cases(definition, rows))


def input_columns(definition: Definition[Any]) -> frozenset[str]:
    """Return the names of the columns that a log may have for the definition: its actions' inputs, and its fields."""
    steps = definition.lifecycle.transitions
    return frozenset(
        spec.name for spec in (*(definition.fields or ()), *(one for step in steps for one in step.inputs))
    )


def replay_cases(definition: Definition[Any], rows: Iterable[LogRow]) -> Iterator[CaseReplay]:
    """Replay a log case by case: cases do not depend on each other, so no more than one history is held at a time.

    Args:
        definition: What judges.
        rows: The log, in order; it is read to its end before the first case is replayed.

    Yields:
        The cases, in order of first appearance.

    Raises:
        InvalidInputError: As `check_conformance`.
    """
    cases: dict[str, list[LogRow]] = {}
    for row in rows:
        cases.setdefault(row.case_id, []).append(row)
    judge = Judge(definition, ADMINISTRATOR)
    for case_id, case_rows in cases.items():
        replay = _Replay(judge)
        for row in case_rows:
            replay.take(row)
        yield replay.result(case_id, len(case_rows))


def conformance_report(replays: Iterable[CaseReplay]) -> ConformanceReport:
    """Add replayed cases up.

    Args:
        replays: The cases; they are read once.

    Returns:
        The report.
    """
    outcomes: Counter[Outcome] = Counter()
    refusals: Counter[tuple[str | None, str, str]] = Counter()
    problems: list[str] = []
    cases = rows = verified = 0
    for replay in replays:
        cases += 1
        rows += replay.rows
        verified += bool(replay.events) and not replay.problems
        problems += [f"case {replay.case_id}: {problem}" for problem in replay.problems]
        for judgement in replay.judgements:
            outcomes[judgement.outcome] += 1
            if judgement.outcome is Outcome.REFUSED:
                reason = "; ".join(reason.text for reason in judgement.reasons)
                refusals[judgement.source, judgement.row.status, reason] += 1
    return ConformanceReport(
        cases=cases,
        rows=rows,
        status_changes=outcomes.total(),
        allowed=outcomes[Outcome.ALLOWED],
        refused=outcomes[Outcome.REFUSED],
        administrative=outcomes[Outcome.ADMINISTRATIVE],
        refusals=_sorted_refusals(refusals),
        histories_verified=verified,
        problems=tuple(problems),
    )


def history_problems(events: Sequence[Event], item: Item, statuses: Iterable[str]) -> tuple[str, ...]:
    """Return what does not hold in a replayed history.

    Args:
        events: The history.
        item: What it should fold to.
        statuses: The statuses of the log that it should run through; a status that follows itself counts once.

    Returns:
        Sentences; empty when the history verifies, folds to the item and runs through the statuses.
    """
    problems = [str(finding) for finding in verify(events)]
    try:
        if fold(events) != item:
            problems.append("its history does not fold to the case")
    except HistoryError as error:
        problems.append(f"its history does not fold: {error}")
    if _without_repeats(event.to_status for event in events) != _without_repeats(statuses):
        problems.append("its history does not run through the statuses of the log")
    return tuple(problems)


@attrs.define
class _Replay:
    """One case on its way through its rows."""

    judge: Judge
    item: Item | None = None
    events: list[Event] = attrs.field(factory=list)
    steps: list[Step] = attrs.field(factory=list)
    judgements: list[Judgement] = attrs.field(factory=list)

    def take(self, row: LogRow) -> None:
        """Judge the row if it changes the status, and apply it whatever the judgement."""
        present = None if self.item is None else self.item.status
        if row.event == "edit" or (row.event is None and row.status == present):
            return
        source = present if row.from_status is None else row.from_status or None
        try:
            judged = self.judge.judge(row, source, self.item)
        except InvalidInputError as error:
            raise InvalidInputError(f"row {row.number}, {error.field}", error.problem, error.advice) from None
        if isinstance(judged.verdict, Refused):
            self.judgements.append(Judgement(row, source, Outcome.REFUSED, judged.verdict.reasons))
        else:
            outcome = Outcome.ADMINISTRATIVE if judged.verdict is None else Outcome.ALLOWED
            self.judgements.append(Judgement(row, source, outcome))
        if judged.change is not None:  # a correction to the status that it has already changes nothing
            sealed = seal(judged.change, recorded_at=row.at, salt=f"row {row.number}")  # no chance in it
            self.events.append(sealed.event)
            self.steps.append(judged.step)
            self.item = sealed.after

    def result(self, case_id: str, rows: int) -> CaseReplay:
        """Return the case as it is now, its history proved."""
        case = CaseReplay(case_id, rows, tuple(self.judgements), tuple(self.events), (), tuple(self.steps))
        if self.item is None:
            return case
        return attrs.evolve(case, problems=history_problems(self.events, self.item, case.statuses))


def _without_repeats(statuses: Iterable[str]) -> list[str]:
    return [status for status, _ in groupby(statuses)]


def _sorted_refusals(counts: Counter[tuple[str | None, str, str]]) -> tuple[Refusal, ...]:
    refusals = [Refusal(source, target, count, reason) for (source, target, reason), count in counts.items()]
    return tuple(sorted(refusals, key=lambda one: (-one.count, one.source or "", one.target, one.reason)))
