"""Conformance: what a definition says of a log of what really happened.

Each change of status is judged at its logged time, by its logged actor, from its own status to its own status. What
the definition permits is applied as it was decided. What it refuses, and what goes to an administrative status, is
applied by an administrator all the same (``correct``, or a creation with a reason), so that the history equals the log.
Every change is sealed; in the end each history must prove itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any, Final, TypeAlias

import attrs

from casewright.domain.actors import Actor
from casewright.domain.definitions import Definition
from casewright.domain.events import Event
from casewright.domain.folding import fold
from casewright.domain.history import seal, verify
from casewright.domain.items import Case, Item, Kind, Task
from casewright.domain.ready_rules import always
from casewright.domain.reasons import Phase, Reason
from casewright.domain.verdicts import Permitted, Refused
from casewright.errors import HistoryError, InvalidInputError
from casewright.interchange.cells import typed_inputs
from casewright.interchange.event_log import LogRow

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

_ALWAYS: Final = {"read": always(), "create": always(), "correct": always()}
_CLASSES: Final[Mapping[Kind, type[Task | Case]]] = {"task": Task, "case": Case}
_REASON: Final = "replayed from a log: it happened so"

_Verdict: TypeAlias = Permitted[Any] | Refused


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
    """

    case_id: str
    rows: int
    judgements: tuple[Judgement, ...]
    events: tuple[Event, ...]
    problems: tuple[str, ...]


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
    # What is forced must not fail for want of a fact or a field that the log does not hold.
    forcing = attrs.evolve(definition.with_rules(_ALWAYS), guards={}, fields=None)
    for case_id, case_rows in cases.items():
        replay = _Replay(definition, forcing)
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


class _Replay:
    """One case on its way through its rows."""

    __slots__ = ("_definition", "_events", "_forcing", "_item", "_judgements")

    def __init__(self, definition: Definition[Any], forcing: Definition[Any]) -> None:
        self._definition = definition
        self._forcing = forcing
        self._item: Item | None = None
        self._events: list[Event] = []
        self._judgements: list[Judgement] = []

    def take(self, row: LogRow) -> None:
        """Judge the row if it changes the status, and apply it whatever the judgement."""
        present = None if self._item is None else self._item.status
        if row.event == "edit" or (row.event is None and row.status == present):
            return
        source = present if row.from_status is None else row.from_status or None
        try:
            verdict = self._verdict(row, source)
            # A verdict from another status than the present one, or on a second creation, does not fit the case.
            fitting = verdict if source == present and isinstance(verdict, Permitted) else None
            self._apply(fitting or self._forced(row), row)
        except InvalidInputError as error:
            raise InvalidInputError(f"row {row.number}, {error.field}", error.problem, error.advice) from None
        if isinstance(verdict, Refused):
            self._judgements.append(Judgement(row, source, Outcome.REFUSED, verdict.reasons))
        else:
            outcome = Outcome.ADMINISTRATIVE if verdict is None else Outcome.ALLOWED
            self._judgements.append(Judgement(row, source, outcome))

    def result(self, case_id: str, rows: int) -> CaseReplay:
        """Return the case as it is now, its history proved."""
        statuses = [judgement.row.status for judgement in self._judgements]
        problems = () if self._item is None else history_problems(self._events, self._item, statuses)
        return CaseReplay(case_id, rows, tuple(self._judgements), tuple(self._events), problems)

    def _verdict(self, row: LogRow, source: str | None) -> _Verdict | None:
        """What the definition says of the row; None where nobody asks it."""
        lifecycle = self._definition.lifecycle
        if row.status in lifecycle.administrative:
            return None
        if source is None:
            return self._created(self._definition, row.status, row, by=row.actor)
        action = lifecycle.action_between(source, row.status)
        if action is None:
            sentence = f"no action leads from {source} to {row.status}"
            return Refused((Reason("no_action", Phase.STATE, sentence, {"from": source, "to": row.status}),))
        steps = lifecycle.transitions
        declared = next(step.inputs for step in steps if step.action == action and source in step.sources)
        inputs = typed_inputs(declared, row.cells)
        return self._definition.decide(self._item_at(source, row), action, inputs, by=row.actor, at=row.at)

    def _item_at(self, source: str, row: LogRow) -> Item:
        """The case, or a copy at another status; where the log begins in its middle, one made up at that status."""
        item = self._item
        if item is not None and item.status == source:
            return item
        lifecycle = self._definition.lifecycle
        category = lifecycle.states[source]
        if item is not None:
            return attrs.evolve(item, status=source, category=category)
        return _CLASSES[self._definition.kind](
            id=row.case_id,
            definition=self._definition.name,
            lifecycle_version=lifecycle.version,
            status=source,
            category=category,
            title=row.case_id,
            created_by=ADMINISTRATOR.id,
            created_at=row.at,
            attributes=typed_inputs(self._definition.fields or (), row.cells),
        )

    def _forced(self, row: LogRow) -> _Verdict:
        """What the administrator does in the definition's place."""
        if self._item is None:
            return self._created(self._forcing, row.status, row, by=ADMINISTRATOR, reason=_REASON)
        inputs = {"status": row.status, "reason": _REASON}
        return self._forcing.decide(self._item, "correct", inputs, by=ADMINISTRATOR, at=row.at)

    def _created(
        self, definition: Definition[Any], status: str, row: LogRow, *, by: Actor, reason: str | None = None
    ) -> _Verdict:
        attributes = typed_inputs(self._definition.fields or (), row.cells)
        fields: dict[str, Any] = {"attributes": attributes} if attributes else {}
        return definition.create(
            row.case_id, by=by, at=row.at, title=row.case_id, status=status, reason=reason, **fields
        )

    def _apply(self, verdict: _Verdict, row: LogRow) -> None:
        change = verdict.change if verdict else None
        if change is not None:  # a correction to the status that it has already changes nothing
            sealed = seal(
                change, recorded_at=row.at, salt=f"row {row.number}"
            )  # no chance in it: values in, values out
            self._events.append(sealed.event)
            self._item = sealed.after


def _without_repeats(statuses: Iterable[str]) -> list[str]:
    return [status for status, _ in groupby(statuses)]


def _sorted_refusals(counts: Counter[tuple[str | None, str, str]]) -> tuple[Refusal, ...]:
    refusals = [Refusal(source, target, count, reason) for (source, target, reason), count in counts.items()]
    return tuple(sorted(refusals, key=lambda one: (-one.count, one.source or "", one.target, one.reason)))
