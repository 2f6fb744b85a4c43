"""Things to ask of a bus while something goes wrong: every command there is, batches, questions, and a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from casewright import (
    AddNote,
    Assign,
    BlockTask,
    CancelTask,
    CaseFilter,
    Claim,
    CloseCase,
    Command,
    CommandBus,
    CompleteTask,
    Correct,
    CreateTask,
    Delete,
    Edit,
    EscalateCase,
    OpenCase,
    Perform,
    Release,
    ReopenTask,
    SetDue,
    StartReview,
    StartTask,
    SubmitCase,
    Tag,
    UnblockTask,
)
from casewright.domain.actors import Actor
from support.buses import START

__all__ = ["COMMANDS_TRIED", "SCENARIOS", "Scenario", "Work"]

Work: TypeAlias = Callable[[CommandBus, Actor], object]


@attrs.frozen
class Scenario:
    """Something to be done.

    Attributes:
        given: The commands that lead there.
        work: What is done.
    """

    given: tuple[Command[Any], ...]
    work: Work


def _case(status: str, *more: Command[Any]) -> tuple[Command[Any], ...]:
    if status == "DRAFT":
        return (OpenCase("c", id="c"), *more)
    return (OpenCase("c", id="c", status=status, reason="r"), *more)


def _task(status: str, *more: Command[Any]) -> tuple[Command[Any], ...]:
    """A task in a case."""
    given: dict[str, Any] = {} if status == "todo" else {"status": status, "reason": "r"}
    return _case("DRAFT", CreateTask("t", id="t", case_id="c", **given), *more)


_BATCH: Final = (CreateTask("u", id="u", case_id="c"), StartTask("u"), AddNote("c", "b"), CompleteTask("t"))

_COMMANDS: Final[Mapping[str, tuple[tuple[Command[Any], ...], Command[Any]]]] = {
    "create a task": ((), CreateTask("t", id="t", tags=["a"], attributes={"a": 1})),
    "create a task in a case": (_case("DRAFT"), CreateTask("t", id="t", case_id="c")),
    "create with an id that is taken": (_task("todo"), CreateTask("t", id="t", case_id="c")),
    "start": (_task("todo"), StartTask("t")),
    "block": (_task("in_progress"), BlockTask("t", "r")),
    "unblock": (_task("blocked"), UnblockTask("t")),
    "complete": (_task("in_progress"), CompleteTask("t")),
    "cancel": (_task("todo"), CancelTask("t", "r")),
    "reopen": (_task("done"), ReopenTask("t")),
    "open a case": ((), OpenCase("c", id="c")),
    "submit": (_case("DRAFT"), SubmitCase("c")),
    "start review": (_case("SUBMITTED"), StartReview("c", "rea")),
    "escalate": (_case("UNDER_REVIEW"), EscalateCase("c", "r")),
    "close": (_case("ESCALATED"), CloseCase("c", "r")),
    "edit": (_task("todo"), Edit("t", title="u", description="d", attributes={"b": 2})),
    "assign": (_task("todo"), Assign("t", "ann")),
    "claim": (_task("todo"), Claim("t")),
    "release": (_task("todo", Assign("t", "ann")), Release("t")),
    "set due": (_task("todo"), SetDue("t", START)),
    "tag": (_task("todo"), Tag("t", add=["b"])),
    "add a note": (_task("todo"), AddNote("t", "body", note_id="n")),
    "correct": (_task("done"), Correct("t", "todo", reason="r")),
    "delete": (_task("todo"), Delete("t")),
    "perform": (_task("in_progress"), Perform("t", "complete")),
    "change nothing": (_task("todo"), Release("t")),
    "be refused": (_case("UNDER_REVIEW", CreateTask("t", id="t", case_id="c")), CloseCase("c", "r")),
    "find nothing": ((), StartTask("t")),
}


def _executing(command: Command[Any]) -> Work:
    return lambda bus, by: bus.execute(command, by=by)


SCENARIOS: Final[Mapping[str, Scenario]] = {
    **{name: Scenario(given, _executing(command)) for name, (given, command) in _COMMANDS.items()},
    "several together": Scenario(_task("todo"), lambda bus, by: bus.execute_many(_BATCH, by=by, all_or_nothing=True)),
    "several together, one refused": Scenario(
        _task("done"), lambda bus, by: bus.execute_many(_BATCH, by=by, all_or_nothing=True)
    ),
    "check": Scenario(_task("todo"), lambda bus, by: bus.check(StartTask("t"), by=by)),
    "actions": Scenario(_task("todo"), lambda bus, by: bus.actions("t", by=by)),
    "get": Scenario(_task("todo"), lambda bus, by: bus.get("t", by=by)),
    "history": Scenario(_task("todo"), lambda bus, by: bus.history("t", by=by)),
    "notes": Scenario(_task("todo", AddNote("t", "b")), lambda bus, by: bus.notes("t", by=by)),
    "verify": Scenario(_task("todo"), lambda bus, by: bus.verify("t", by=by)),
    "find": Scenario(_case("DRAFT"), lambda bus, by: bus.find(CaseFilter(), by=by)),
    "count": Scenario(_case("DRAFT"), lambda bus, by: bus.count(CaseFilter(), by=by)),
}
"""All that is tried, by name. What it does, it does together or not at all."""

COMMANDS_TRIED: Final = frozenset(type(command) for _, command in _COMMANDS.values())
"""The classes of commands among it."""
