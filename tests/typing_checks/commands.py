"""What a type checker knows of commands and of a bus: checked by mypy and pyright, never run."""

# Both checkers report an ignore comment that nothing needs: so each one proves that the line is an error.
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_type

import attrs

from casewright import (
    REGULATORY_CASE,
    TASK,
    UNSET,
    ActionVerdict,
    Actor,
    AddNote,
    Ask,
    Assign,
    BlockTask,
    Case,
    CaseFilter,
    CasewrightError,
    Claim,
    CloseCase,
    Command,
    CommandBus,
    CompleteTask,
    Correct,
    CreateTask,
    Cursor,
    Delete,
    Edit,
    Event,
    Finding,
    FrozenMapping,
    ItemId,
    JsonValue,
    Note,
    OpenCase,
    Order,
    Outcome,
    Page,
    Perform,
    Permitted,
    Refused,
    Report,
    SetDue,
    StartTask,
    Store,
    SubmitCase,
    Tag,
    Task,
    TaskFilter,
    Unset,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.codec import from_data, from_json
from casewright.domain.items import Item

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Status(StrEnum):
    """A team's own statuses."""

    TODO = "todo"
    DONE = "done"


class Level(StrEnum):
    """A team's own priorities."""

    HIGH = "high"


# Kept in variables on purpose: a literal in a call would be given the type that the call asks for.
own_tags = ["blue", "red"]
own_words = {Level.HIGH}
own_attributes = {"unit": "north", "grade": 3}
own_inputs = {"reason": "because", "until": AT, "colours": {"red"}}
plain_id: str = "t-1"


def buses(by: Actor, memory: MemoryStore, sql: SqlAlchemyStore) -> CommandBus:
    """Either store is a store; definitions of both kinds come in any collection."""
    stores: list[Store] = [memory, sql]
    told: list[Report] = []
    CommandBus(stores[0], [TASK], clock=lambda: AT, new_id=lambda: "t-1", observers=[told.append])
    return CommandBus(sql, (TASK, REGULATORY_CASE), facts={"rain": lambda uow, item: uow.items.get("c-1") is None})


def commands() -> None:
    """Commands take plain text for ids, any collection of tags, a dict for attributes, and a team's own enums."""
    task = CreateTask("Paint", case_id=plain_id, status=Status.TODO, priority=Level.HIGH, tags=own_tags, due_at=AT)
    assert_type(task.title, str | None)
    assert_type(task.tags, tuple[str, ...])
    assert_type(task.case_id, ItemId | None)
    assert_type(task.ask(), Ask)
    OpenCase("File", id=plain_id, tags=("a",), attributes=own_attributes, due_at="2026-01-31T12:00:00Z")
    assert_type(StartTask(plain_id).item_id, ItemId)
    Tag(plain_id, add=own_words, remove=own_tags)
    Edit(plain_id, title="A", description=None, priority=Level.HIGH, attributes=own_attributes)
    assert_type(Edit(plain_id).title, str | Unset)
    Edit(plain_id, title=UNSET, attributes=UNSET)
    SetDue(plain_id, None)
    Assign(plain_id, "bob")
    Correct(plain_id, Status.DONE, reason="a slip")
    BlockTask(plain_id)
    assert_type(Perform(plain_id, Level.HIGH, own_inputs).inputs, FrozenMapping[JsonValue])


def executing(bus: CommandBus, by: Actor, command: Command[Any]) -> None:
    """What `execute` answers with is the command's own: a task, a case, either, or a note."""
    assert_type(bus.execute(CreateTask("A"), by=by), Task)
    assert_type(bus.execute(StartTask(plain_id), by=by), Task)
    assert_type(bus.execute(CompleteTask(plain_id), by=by, expected_version=3, at=AT), Task)
    assert_type(bus.execute(OpenCase("A"), by=by), Case)
    assert_type(bus.execute(SubmitCase(plain_id), by=by), Case)
    assert_type(bus.execute(CloseCase(plain_id, "done"), by=by), Case)
    assert_type(bus.execute(AddNote(plain_id, "b"), by=by), Note)
    for item in (
        bus.execute(Edit(plain_id), by=by),
        bus.execute(Claim(plain_id), by=by),
        bus.execute(Delete(plain_id), by=by),
        bus.execute(Perform(plain_id, "start"), by=by),
    ):
        assert_type(item, Task | Case)
    assert_type(bus.execute(command, by=by), Any)


def outcomes(bus: CommandBus, by: Actor) -> None:
    """An outcome knows its result, the item and the events; several commands are answered one by one."""
    done = bus.outcome(StartTask(plain_id), by=by)
    assert_type(done, Outcome[Task])
    assert_type(done.result, Task)
    assert_type(done.item, Task | Case)
    assert_type(done.events, tuple[Event, ...])
    assert_type(bus.outcome(AddNote(plain_id, "b"), by=by).result, Note)
    assert_type(bus.outcome(Edit(plain_id), by=by), Outcome[Item])
    queue: Sequence[Command[Any]] = [StartTask(plain_id), OpenCase("A"), AddNote(plain_id, "b")]
    for answer in bus.execute_many(queue, by=by, all_or_nothing=True):
        if isinstance(answer, CasewrightError):
            assert_type(answer.code, str)
        else:
            assert_type(answer.events, tuple[Event, ...])
    assert_type(bus.check(StartTask(plain_id), by=by), Permitted[Any] | Refused)


def reading(bus: CommandBus, by: Actor) -> None:
    """Lists know their kind by the filter; what is read one by one is either kind."""
    tasks = bus.find(TaskFilter(), by=by)
    assert_type(tasks, Page[Task])
    assert_type(tasks.items[0].case_id, ItemId | None)
    assert_type(tasks.next, Cursor | None)
    cases = bus.find(CaseFilter(status=[Status.TODO], category="open", assignee_id=None), by=by, order=Order("created"))
    assert_type(cases, Page[Case])
    assert_type(cases.items[0].open_tasks, int)
    TaskFilter(status=Status.TODO, definition={"task"}, case_id=plain_id, overdue_at=AT, open=True)
    assert_type(bus.count(TaskFilter(), by=by), int)
    assert_type(bus.get(plain_id, by=by), Task | Case)
    assert_type(bus.actions(plain_id, by=by), tuple[ActionVerdict, ...])
    assert_type(bus.history(plain_id, by=by), tuple[Event, ...])
    assert_type(bus.notes(plain_id, by=by), tuple[Note, ...])
    assert_type(bus.verify(plain_id, by=by), tuple[Finding, ...])


def from_outside(data: object) -> None:
    """A command that is read by its class is that class."""
    assert_type(from_data(data, StartTask), StartTask)
    assert_type(from_json("{}", TaskFilter), TaskFilter)


@attrs.frozen
class Archive(Command[Case]):
    """A team's own command: nothing is registered, and a checker knows what it answers with."""

    item_id: str

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("archive", self.item_id, kind="case")


@attrs.frozen
class Count(Command[int]):
    """A team's own command with an answer of its own."""

    item_id: str

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("claim", self.item_id)

    def result(self, item: Item, notes: tuple[Note, ...]) -> int:
        """Return the version."""
        return item.version


def own_commands(bus: CommandBus, by: Actor) -> None:
    """What a team's own command says it answers with, comes out."""
    assert_type(bus.execute(Archive("c-1"), by=by), Case)
    assert_type(bus.outcome(Archive("c-1"), by=by), Outcome[Case])
    assert_type(bus.execute(Count("t-1"), by=by), int)


def misused(bus: CommandBus, by: Actor) -> None:
    """What can never be right is an error before it is run."""
    bus.execute(StartTask(plain_id))  # type: ignore[call-arg]  # nobody asks
    CreateTask("A", version=1)  # type: ignore[call-arg]  # no mass assignment
    Edit(plain_id, title=None)  # type: ignore[arg-type]  # a title cannot be cleared
    bus.find(StartTask(plain_id), by=by)  # type: ignore[arg-type]  # a command is no filter
