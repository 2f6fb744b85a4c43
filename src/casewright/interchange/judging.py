"""Judging: what one row of a log asks for, what the definition says of it, and what is done in the end.

All of it is pure: a row and the item before it in, a command and its change out. Whoever keeps the history runs the
command, or takes the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from casewright.application.commands import Command, Correct, CreateTask, OpenCase, Perform
from casewright.domain.actors import Actor
from casewright.domain.definitions import Definition
from casewright.domain.events import Change
from casewright.domain.items import Case, Item, Kind, Task
from casewright.domain.ready_rules import always
from casewright.domain.reasons import Phase, Reason
from casewright.domain.verdicts import Permitted, Refused
from casewright.interchange.cells import typed_inputs
from casewright.interchange.event_log import LogRow

__all__ = ["Judge", "Judged", "Step", "forcing"]

_ALWAYS: Final = {"read": always(), "create": always(), "correct": always()}
_CLASSES: Final[Mapping[Kind, type[Task | Case]]] = {"task": Task, "case": Case}
_CREATING: Final[Mapping[Kind, type[CreateTask | OpenCase]]] = {"task": CreateTask, "case": OpenCase}
_REASON: Final = "replayed from a log: it happened so"

_Verdict: TypeAlias = Permitted[Any] | Refused

DefinitionT = TypeVar("DefinitionT", bound=Definition[Any])


def forcing(definition: DefinitionT) -> DefinitionT:
    """Return the definition as the administrator uses it: nothing that he does fails for want of a right.

    Nor does it fail for want of a fact or a field, which a log does not hold.
    """
    return attrs.evolve(definition.with_rules(_ALWAYS), guards={}, fields=None)


@attrs.frozen
class Step:
    """What is done for one row of a log.

    Attributes:
        command: What is asked for.
        by: Who asks.
        at: The effective time (UTC).
        forced: Whether it is the administrator who does it, by the definition that is `forcing`.
    """

    command: Command[Any]
    by: Actor
    at: datetime
    forced: bool


@attrs.frozen
class Judged:
    """What came of one row.

    Attributes:
        verdict: What the definition says of it; None where nobody asks it.
        step: What is done.
        change: What that changes, not sealed; None where it changes nothing.
    """

    verdict: Permitted[Any] | Refused | None
    step: Step
    change: Change[Any] | None


class Judge:
    """Judges the rows of a log by a definition.

    Args:
        definition: What judges.
        administrator: Who does what the definition does not permit.
    """

    __slots__ = ("_administrator", "_definition", "_forcing")

    def __init__(self, definition: Definition[Any], administrator: Actor) -> None:
        """Work out how to force what is refused."""
        self._definition = definition
        self._forcing = forcing(definition)
        self._administrator = administrator

    def judge(self, row: LogRow, source: str | None, item: Item | None) -> Judged:
        """Judge a change of status, and say what is done whatever the judgement.

        Args:
            row: The row that holds it.
            source: The status it is judged from; None for a creation.
            item: The item before it; None where there is none.

        Raises:
            InvalidInputError: The row holds an input of a wrong type or over a limit.
        """
        logged = self._logged(row, source)
        verdict = self._asked(logged, row, source, item) if isinstance(logged, Command) else logged
        present = None if item is None else item.status
        # A verdict from another status than the present one, or on a second creation, does not fit the item.
        if isinstance(logged, Command) and isinstance(verdict, Permitted) and source == present:
            return Judged(verdict, Step(logged, row.actor, row.at, forced=False), verdict.change)
        forced = self._forced(row, item)
        done = _answer(self._forcing, forced, item, by=self._administrator, at=row.at)
        step = Step(forced, self._administrator, row.at, forced=True)
        return Judged(verdict, step, done.change if isinstance(done, Permitted) else None)

    def _logged(self, row: LogRow, source: str | None) -> Command[Any] | Refused | None:
        """What the row asks the definition for: nothing, or something that does not exist, or a command."""
        lifecycle = self._definition.lifecycle
        if row.status in lifecycle.administrative:
            return None
        if source is None:
            return self._creation(row)
        action = lifecycle.action_between(source, row.status)
        if action is None:
            sentence = f"no action leads from {source} to {row.status}"
            return Refused((Reason("no_action", Phase.STATE, sentence, {"from": source, "to": row.status}),))
        steps = lifecycle.transitions
        declared = next(step.inputs for step in steps if step.action == action and source in step.sources)
        return Perform(row.case_id, action, typed_inputs(declared, row.cells))

    def _asked(self, command: Command[Any], row: LogRow, source: str | None, item: Item | None) -> _Verdict:
        at_source = None if source is None else self._item_at(source, row, item)
        return _answer(self._definition, command, at_source, by=row.actor, at=row.at)

    def _item_at(self, source: str, row: LogRow, item: Item | None) -> Item:
        """The item, or a copy at another status; where the log begins in its middle, one made up at that status."""
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
            created_by=self._administrator.id,
            created_at=row.at,
            attributes=self._attributes(row),
        )

    def _forced(self, row: LogRow, item: Item | None) -> Command[Any]:
        """What the administrator asks for in the actor's place."""
        return self._creation(row, _REASON) if item is None else Correct(row.case_id, row.status, reason=_REASON)

    def _creation(self, row: LogRow, reason: str | None = None) -> Command[Any]:
        return _CREATING[self._definition.kind](
            row.case_id,
            id=row.case_id,
            status=row.status,
            reason=reason,
            attributes=self._attributes(row) or None,
        )

    def _attributes(self, row: LogRow) -> dict[str, object]:
        return typed_inputs(self._definition.fields or (), row.cells)


def _answer(
    definition: Definition[Any], command: Command[Any], item: Item | None, *, by: Actor, at: datetime
) -> _Verdict:
    """What the definition says of the command on the item; of a creation, where there is none."""
    ask = command.ask()
    if item is None:
        return definition.create(str(ask.item_id), by=by, at=at, **ask.inputs)
    return definition.decide(item, ask.action, ask.inputs, by=by, at=at)
