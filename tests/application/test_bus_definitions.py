"""What a bus is made of, and which definition judges: by name, by kind, and by its lifecycles."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    CaseFilter,
    Category,
    CommandBus,
    CompleteTask,
    CreateTask,
    DefinitionError,
    Edit,
    MisuseError,
    OpenCase,
    Perform,
    StartTask,
    Store,
    TaskDefinition,
    TaskFilter,
    Transition,
    UnknownDefinitionError,
    always,
    fold,
    is_creator,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, ROOT, START, WRITER, a_bus, failure_of, told_by

OTHER_CASE = attrs.evolve(REGULATORY_CASE, name="other_case")


def test_a_bus_with_the_least(store: Store) -> None:
    """A store and definitions are enough; one definition need not be in a tuple."""
    several: tuple[Any, ...] = ([TASK], (TASK,), iter([TASK]), TASK)
    for definitions in several:
        bus = CommandBus(store, definitions)
        assert bus.execute(CreateTask("A"), by=ANN).definition == "task"


@pytest.mark.parametrize(
    ("definitions", "codes"),
    [
        ([], ["no_definition"]),
        ([TASK, TASK], ["double_definition"]),
        ([TASK, attrs.evolve(REGULATORY_CASE, name="task")], ["double_definition"]),
        ([TASK, OTHER_CASE, TASK, OTHER_CASE, SIMPLE_TASK], ["double_definition", "double_definition"]),
    ],
)
def test_every_definition_has_a_name_of_its_own(definitions: Any, codes: list[str]) -> None:
    """None at all, and two of one name, are a DefinitionError with every problem (E4)."""
    error = failure_of(CommandBus, MemoryStore(), definitions)
    assert (type(error), [problem.code for problem in error.problems]) == (DefinitionError, codes)


WRONG: dict[str, dict[str, Any]] = {
    "a definition": {"definitions": ["task"]},
    "no definitions": {"definitions": 5},
    "no store": {"store": None},
    "an engine": {"store": "sqlite://"},
    "no clock": {"clock": START},
    "no function of ids": {"new_id": "x-1"},
    "no observer": {"observers": ["log"]},
    "no observers": {"observers": 5},
    "no provider of a fact": {"facts": {"quota": True}},
    "no facts": {"facts": [1]},
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_what_a_bus_cannot_work_with_is_misuse(given: dict[str, Any]) -> None:
    """It is a MisuseError when the bus is made, that says what was passed and what to pass."""
    whole = {"store": MemoryStore(), "definitions": [TASK], **given}
    error = failure_of(CommandBus, **whole)
    assert type(error) is MisuseError
    assert error.advice


def test_without_a_name_the_first_of_the_kind_makes_it(store: Store) -> None:
    """The order of the definitions decides; a name decides otherwise."""
    bus = a_bus(store, [OTHER_CASE, SIMPLE_TASK, TASK, REGULATORY_CASE])
    assert bus.execute(CreateTask("A"), by=ANN).definition == "simple_task"
    assert bus.execute(CreateTask("A", definition="task"), by=ANN).definition == "task"
    assert bus.execute(OpenCase("A"), by=WRITER).definition == "other_case"
    assert bus.execute(OpenCase("A", definition="regulatory_case"), by=WRITER).definition == "regulatory_case"


def test_a_definition_that_is_not_there_makes_nothing(backend: Backend) -> None:
    """An unknown name, and a kind of which there is none, are an UnknownDefinitionError; the other kind is misuse."""
    before = backend.dump()
    bus = a_bus(backend.store, [TASK])
    for ask in (bus.execute, bus.check):
        unknown = failure_of(ask, CreateTask("A", definition="tusk"), by=ANN)
        none = failure_of(ask, OpenCase("A"), by=WRITER)
        wrong = failure_of(ask, OpenCase("A", definition="task"), by=WRITER)
        assert (type(unknown), unknown.name) == (UnknownDefinitionError, "tusk")
        assert (type(none), none.name) == (UnknownDefinitionError, "any case")
        assert type(wrong) is MisuseError
    assert backend.dump() == before


def test_an_item_without_a_definition_here_is_an_error_of_every_method(backend: Backend) -> None:
    """Reads and writes raise UnknownDefinitionError with the name; lists pass it over, even for an administrator."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ROOT)
    before = backend.dump()
    bus = a_bus(backend.store, [SIMPLE_TASK, REGULATORY_CASE])
    calls: list[Any] = [
        *(lambda ask=ask: ask("x-1", by=ROOT) for ask in (bus.get, bus.actions, bus.history, bus.notes, bus.verify)),
        *(lambda ask=ask: ask(StartTask("x-1"), by=ROOT) for ask in (bus.execute, bus.outcome, bus.check)),
    ]
    for call in calls:
        error = failure_of(call)
        assert (type(error), error.name, error.version) == (UnknownDefinitionError, "task", None)
    (answer,) = bus.execute_many([StartTask("x-1")], by=ROOT)
    assert isinstance(answer, UnknownDefinitionError)
    assert (bus.find(TaskFilter(), by=ROOT).items, bus.count(TaskFilter(), by=ROOT)) == ((), 0)
    assert backend.dump() == before


def test_two_definitions_of_one_kind_judge_their_own_items(store: Store) -> None:
    """An action of the one is unknown to items of the other; a list shows both, or those of one by name."""
    bus = a_bus(store, [TASK, SIMPLE_TASK])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(CreateTask("B", id="y-1", definition="simple_task"), by=ANN)
    assert told_by(bus, Perform("y-1", "reopen"), ANN) == ["no_rule"]
    assert bus.execute(CompleteTask("y-1"), by=ANN).status == "completed"
    assert [item.id for item in bus.find(TaskFilter(), by=ANN).items] == ["x-1", "y-1"]
    assert [item.id for item in bus.find(TaskFilter(definition="simple_task"), by=ANN).items] == ["y-1"]
    assert bus.find(TaskFilter(definition="nothing"), by=ANN).items == ()
    assert bus.find(CaseFilter(), by=ANN).items == ()


def newer() -> TaskDefinition:
    """Return TASK with a second version of its lifecycle, which can be archived."""
    return TASK.with_transitions(
        Transition("archive", "done", "archived"),
        states={"archived": Category.DONE},
        rules={"archive": is_creator()},
        version=2,
    )


def test_an_item_stays_under_the_lifecycle_that_it_was_created_under(store: Store) -> None:
    """The old item does not know the new action, the new one does; rules are today's for both."""
    a_bus(store).execute(CreateTask("A", id="old"), by=ANN)
    bus = a_bus(store, [newer().with_rules({"start": always()})])
    bus.execute(CreateTask("B", id="young"), by=ANN)
    for item_id in ("old", "young"):
        bus.execute(StartTask(item_id), by=ANN)
        bus.execute(CompleteTask(item_id), by=ANN)
    assert told_by(bus, Perform("old", "archive"), ANN) == ["unknown_action"]
    assert bus.execute(Perform("young", "archive"), by=ANN).status == "archived"
    assert [bus.get(item_id, by=ANN).lifecycle_version for item_id in ("old", "young")] == [1, 2]
    assert {verdict.action for verdict in bus.actions("young", by=ANN)} - {
        verdict.action for verdict in bus.actions("old", by=ANN)
    } == {"archive"}
    assert fold(bus.history("young", by=ANN)).lifecycle_version == 2


def test_a_lifecycle_that_is_not_held_any_more_is_told_by_its_version(backend: Backend) -> None:
    """Deciding on an item that is pinned to it is an UnknownDefinitionError; reading it is still possible."""
    bus = a_bus(backend.store, [newer()])
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    old = a_bus(backend.store)
    for call in (
        lambda: old.execute(StartTask("x-1"), by=ANN),
        lambda: old.execute(Edit("x-1", title="B"), by=ANN),
        lambda: old.check(StartTask("x-1"), by=ANN),
        lambda: old.actions("x-1", by=ANN),
    ):
        error = failure_of(call)
        assert (type(error), error.name, error.version) == (UnknownDefinitionError, "task", 2)
    assert old.get("x-1", by=ANN).title == "A"
    assert old.verify("x-1", by=ANN) == ()
    assert backend.dump() == before
