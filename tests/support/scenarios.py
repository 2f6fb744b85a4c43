"""Things to ask of a bus while something goes wrong: every command there is, batches, questions, and a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from casewright import (
    AddNote,
    CaseFilter,
    CloseCase,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    OpenCase,
    Release,
    StartTask,
)
from casewright.domain.actors import Actor
from support.command_table import ROWS, Row

Work: TypeAlias = Callable[[CommandBus, Actor], object]


@attrs.frozen
class Scenario:
    """Something to be done.

    Attributes:
        given: The commands that lead there.
        work: What is done.
        key: Under which key, where there is one: then it is there with what is done, and not otherwise.
    """

    given: tuple[Command[Any], ...]
    work: Work
    key: str | None = None


_CASE: Final = (OpenCase("c", id="c"),)
_TASK: Final = (*_CASE, CreateTask("t", id="t", case_id="c"))
_DONE: Final = (*_TASK, CompleteTask("t"))
_REVIEWED: Final = (OpenCase("c", id="c", status="UNDER_REVIEW", reason="r"), _TASK[1])
_BATCH: Final = (CreateTask("u", id="u", case_id="c"), StartTask("u"), AddNote("c", "b"), CompleteTask("t"))


def _executing(command: Command[Any]) -> Work:
    return lambda bus, by: bus.execute(command, by=by)


def _once(command: Command[Any]) -> Work:
    return lambda bus, by: bus.execute(command, by=by, key="k")


def _of_the_table(row: Row) -> Scenario:
    """What the row's command needs, a task in a case, and the command."""
    made, item_id = (_TASK, "t") if row.kind == "task" else (_CASE, "c")
    earlier = tuple(make(item_id) for make in row.earlier)
    return Scenario(() if row.creates else (*made, *earlier), _executing(row.ask(item_id)))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    **{cls.__name__: _of_the_table(row) for cls, row in ROWS.items()},
    "create a task in a case": Scenario(_CASE, _executing(_TASK[1])),
    "create with an id that is taken": Scenario(_TASK, _executing(_TASK[1])),
    "change nothing": Scenario(_TASK, _executing(Release("t"))),
    "be refused": Scenario(_REVIEWED, _executing(CloseCase("c", "r"))),
    "do once": Scenario(_TASK, _once(CompleteTask("t")), "k"),
    "create once": Scenario(_CASE, _once(CreateTask("u", case_id="c")), "k"),
    "add a note once": Scenario(_CASE, _once(AddNote("c", "b")), "k"),
    "change nothing once": Scenario(_TASK, _once(Release("t")), "k"),
    "be refused once": Scenario(_REVIEWED, _once(CloseCase("c", "r"))),
    "find nothing": Scenario((), _executing(StartTask("t"))),
    "several together": Scenario(_TASK, lambda bus, by: bus.execute_many(_BATCH, by=by, all_or_nothing=True)),
    "several together, one refused": Scenario(
        _DONE, lambda bus, by: bus.execute_many(_BATCH, by=by, all_or_nothing=True)
    ),
    "check": Scenario(_TASK, lambda bus, by: bus.check(StartTask("t"), by=by)),
    "actions": Scenario(_TASK, lambda bus, by: bus.actions("t", by=by)),
    "get": Scenario(_TASK, lambda bus, by: bus.get("t", by=by)),
    "history": Scenario(_TASK, lambda bus, by: bus.history("t", by=by)),
    "notes": Scenario((*_TASK, AddNote("t", "b")), lambda bus, by: bus.notes("t", by=by)),
    "verify": Scenario(_TASK, lambda bus, by: bus.verify("t", by=by)),
    "find": Scenario(_CASE, lambda bus, by: bus.find(CaseFilter(), by=by)),
    "count": Scenario(_CASE, lambda bus, by: bus.count(CaseFilter(), by=by)),
}
"""All that is tried, by name. What it does, it does together or not at all."""
