"""Every command of the library with an item that it can be done to: a new command needs a new row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from casewright import (
    COMMANDS,
    Actor,
    AddNote,
    Assign,
    BlockTask,
    CancelTask,
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
from support.buses import ANN, REVIEWER, ROOT, START, WRITER

Make = Callable[[str], Command[Any]]


@dataclass(frozen=True)
class Row:
    """How one command is tried.

    Attributes:
        kind: The kind of the item.
        by: Who may do it.
        ask: Makes the command from the item's id.
        earlier: Makes what is done to the item first.
        after: Fields of the item afterwards.
    """

    kind: Literal["task", "case"]
    by: Actor
    ask: Make
    earlier: tuple[Make, ...] = ()
    after: Mapping[str, object] = field(default_factory=dict)

    @property
    def creates(self) -> bool:
        """Whether it makes the item."""
        return self.ask("any").ask().action == "create"


def _block(item_id: str) -> Command[Any]:
    return BlockTask(item_id, "no parts")


def _review(item_id: str) -> Command[Any]:
    return StartReview(item_id, "rea")


def _escalate(item_id: str) -> Command[Any]:
    return EscalateCase(item_id, "hard")


def _close(item_id: str) -> Command[Any]:
    return CloseCase(item_id, "granted")


ROWS: Final[Mapping[type[Command[Any]], Row]] = {
    CreateTask: Row("task", ANN, lambda i: CreateTask("Mend the pump", id=i), after={"status": "todo"}),
    StartTask: Row("task", ANN, StartTask, after={"status": "in_progress"}),
    BlockTask: Row("task", ANN, _block, (StartTask,), {"status": "blocked"}),
    UnblockTask: Row("task", ANN, UnblockTask, (StartTask, _block), {"status": "in_progress"}),
    CompleteTask: Row("task", ANN, CompleteTask, after={"status": "done"}),
    CancelTask: Row("task", ANN, CancelTask, after={"status": "cancelled"}),
    ReopenTask: Row("task", ANN, ReopenTask, (CompleteTask,), {"status": "todo", "closed_at": None}),
    OpenCase: Row("case", WRITER, lambda i: OpenCase("A permit", id=i), after={"status": "DRAFT"}),
    SubmitCase: Row("case", WRITER, SubmitCase, after={"status": "SUBMITTED"}),
    StartReview: Row("case", REVIEWER, _review, (SubmitCase,), {"status": "UNDER_REVIEW", "assignee_id": "rea"}),
    EscalateCase: Row("case", REVIEWER, _escalate, (SubmitCase, _review), {"status": "ESCALATED"}),
    CloseCase: Row("case", REVIEWER, _close, (SubmitCase, _review), {"status": "CLOSED"}),
    Edit: Row("task", ANN, lambda i: Edit(i, title="Mend the valve"), after={"title": "Mend the valve"}),
    Assign: Row("task", ANN, lambda i: Assign(i, "ben"), after={"assignee_id": "ben"}),
    Claim: Row("task", ANN, Claim, after={"assignee_id": "ann"}),
    Release: Row("task", ANN, Release, (Claim,), {"assignee_id": None}),
    SetDue: Row("task", ANN, lambda i: SetDue(i, START), after={"due_at": START}),
    Tag: Row("task", ANN, lambda i: Tag(i, add=["wet"]), after={"tags": ("wet",)}),
    AddNote: Row("task", ANN, lambda i: AddNote(i, "It drips."), after={"status": "todo"}),
    Correct: Row("task", ROOT, lambda i: Correct(i, "done", reason="it was"), after={"status": "done"}),
    Delete: Row("task", ANN, Delete, after={"status": "todo"}),
    Perform: Row("task", ANN, lambda i: Perform(i, "start"), after={"status": "in_progress"}),
}
"""A row for each command class."""

ON_AN_ITEM: Final = tuple(cls for cls in COMMANDS if cls in ROWS and not ROWS[cls].creates)
"""The commands on an item that is there."""


def prepared(bus: CommandBus, row: Row, item_id: str, *, tenant: str = "") -> None:
    """Bring the item to where the row's command can be done: made by ann or wil, what comes then done by root."""
    if row.creates:
        return
    maker, new = (ANN, CreateTask("Mend the pump", id=item_id)) if row.kind == "task" else _new_case(item_id)
    bus.execute(new, by=_of(maker, tenant))
    for make in row.earlier:
        command = make(item_id)
        bus.execute(command, by=_of(ANN if isinstance(command, Claim) else ROOT, tenant))


def _new_case(item_id: str) -> tuple[Actor, Command[Any]]:
    return WRITER, OpenCase("A permit", id=item_id)


def _of(actor: Actor, tenant: str) -> Actor:
    return Actor(actor.id, roles=actor.roles, tenant=tenant)
