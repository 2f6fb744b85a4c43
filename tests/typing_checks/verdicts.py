"""What a type checker knows of a decision: checked by mypy and pyright, never run."""

# Both checkers report an ignore comment that nothing needs: so each one proves that the line is an error.
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, assert_never, assert_type

from casewright import (
    REGULATORY_CASE,
    TASK,
    ActionVerdict,
    Actor,
    Case,
    Change,
    Event,
    Input,
    Permitted,
    Phase,
    Reason,
    Refused,
    Task,
    fold,
    seal,
)

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def deciding_on_a_task(task: Task, by: Actor) -> str:
    """Both answers of a decision on a task, told apart in every way."""
    verdict = TASK.decide(task, "start", by=by, at=AT)
    assert_type(verdict, Permitted[Task] | Refused)
    assert_type(bool(verdict), bool)

    if verdict:
        assert_type(verdict, Permitted[Task])
        assert_type(verdict.permitted, Literal[True])
        assert_type(verdict.change, Change[Task] | None)
        if verdict.change is not None:
            assert_type(verdict.change.before, Task | None)
            assert_type(verdict.change.after, Task)
            assert_type(verdict.change.event, Event)
            assert_type(seal(verdict.change, recorded_at=AT), Change[Task])
        return "yes"
    assert_type(verdict, Refused)
    assert_type(verdict.permitted, Literal[False])
    assert_type(verdict.reasons, tuple[Reason, ...])
    assert_type(verdict.phase, Phase)
    return verdict.reasons[0].text


def deciding_on_a_case(case: Case, by: Actor) -> Case:
    """A decision on a case, the refusal first."""
    verdict = REGULATORY_CASE.decide(case, "close", {"reason": "done"}, by=by, at=AT)
    assert_type(verdict, Permitted[Case] | Refused)
    if not verdict:
        assert_type(verdict, Refused)
        raise PermissionError(verdict.reasons[0].code)
    assert_type(verdict, Permitted[Case])
    return case if verdict.change is None else verdict.change.after


def by_the_field(task: Task, by: Actor) -> tuple[Reason, ...]:
    """`.permitted` tells the two apart as well."""
    verdict = TASK.decide(task, "start", by=by, at=AT)
    if verdict.permitted is True:
        assert_type(verdict, Permitted[Task])
        return ()
    assert_type(verdict, Refused)
    return verdict.reasons


def by_the_class(task: Task, by: Actor) -> str:
    """There is no third answer."""
    verdict = TASK.create("t-1", by=by, at=AT, title="Paint", parent=None, tags=["blue"])
    assert_type(verdict, Permitted[Task] | Refused)
    match verdict:
        case Permitted():
            return "yes"
        case Refused():
            return "no"
        case _:
            assert_never(verdict)


def listing(task: Task, by: Actor) -> None:
    """What `actions` gives is plain data."""
    verdicts = TASK.actions(task, by=by, at=AT)
    assert_type(verdicts, tuple[ActionVerdict, ...])
    assert_type(verdicts[0].permitted, bool)
    assert_type(verdicts[0].target, str | None)
    assert_type(verdicts[0].inputs, tuple[Input, ...])
    assert_type(TASK.may_read(task, by=by), bool)


def folding(events: list[Event]) -> None:
    """What a history makes is either kind."""
    assert_type(fold(events), Task | Case)


def unproven(task: Task, by: Actor) -> object:
    """Only a permission has a change: a checker objects where nobody has asked which answer it is."""
    return TASK.decide(task, "start", by=by, at=AT).change  # type: ignore[union-attr]  # the point of this line
