"""What a bus makes of arguments that cannot be meant: a typed error that says so, and nothing written."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AddNote,
    AlreadyExistsError,
    Ask,
    Assign,
    CaseFilter,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Cursor,
    InvalidInputError,
    MisuseError,
    NotFoundError,
    OpenCase,
    Order,
    Outcome,
    Report,
    Store,
    Task,
    UnitOfWork,
    any_of,
    guard,
    same,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, a_bus, failure_of, guarded

ROOT_OF_ALL = Actor("root", roles=["admin", "case_writer"])


@attrs.frozen
class Saying(Command[Any]):
    """A team's own command that asks for whatever it is made with."""

    asked: Any

    def ask(self) -> Ask:
        """Return it."""
        asked: Ask = self.asked
        return asked


def test_one_observer_alone_is_one_observer() -> None:
    """A function that is passed without a list around it is told all the same."""
    told: list[Any] = []
    alone: Any = told.append
    bus = CommandBus(MemoryStore(), [TASK], observers=alone)
    bus.execute(CreateTask("A"), by=ANN)
    assert len(told) == 1


@pytest.mark.usefixtures("both_buses")
@pytest.mark.parametrize("wrong", [None, 5, "abc", CreateTask("A")], ids=lambda value: type(value).__name__)
def test_many_commands_are_several(bus: CommandBus, wrong: Any) -> None:
    """One command alone, or what holds none, is an InvalidInputError."""
    assert type(failure_of(bus.execute_many, wrong, by=ANN)) is InvalidInputError


@pytest.mark.usefixtures("both_buses")
@pytest.mark.parametrize("said", [{"expected_version": 1}, {"item": None}])
def test_of_what_is_created_no_version_is_known(backend: Backend, said: dict[str, Any]) -> None:
    """A version of, or an item for, what is about to be created is a MisuseError, and nothing is written."""
    bus = a_bus(backend.store)
    given = said if "expected_version" in said else {"item": bus.execute(CreateTask("A", id="x-1"), by=ANN)}
    before = backend.dump()
    assert type(failure_of(bus.execute, CreateTask("B", id="x-1"), by=ANN, **given)) is MisuseError
    assert backend.dump() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": None},
        {"inputs": {1: "x"}},
        {"kind": "cse"},
        {"kind": []},
        {"definition": []},
        {"definition": "two\nlines"},
    ],
    ids=repr,
)
def test_what_a_command_asks_for_is_checked(wrong: dict[str, Any]) -> None:
    """What a team's own command asks for is checked like what those of the library do (S7)."""
    asked = {"action": "start", "item_id": "x-1", **wrong}
    assert type(failure_of(lambda: Ask(**asked))) is InvalidInputError


@pytest.mark.usefixtures("both_buses")
def test_a_command_must_ask(bus: CommandBus) -> None:
    """A command whose `ask` gives something else is a MisuseError that names it."""
    error = failure_of(bus.execute, Saying(("start", "x-1")), by=ANN)
    assert type(error) is MisuseError
    assert "Saying" in str(error)


@pytest.mark.usefixtures("both_buses")
def test_reading_is_no_command(bus: CommandBus) -> None:
    """A command that asks for read would be neither done nor reported: it is an InvalidInputError."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert type(failure_of(bus.execute, Saying(Ask("read", "x-1")), by=ANN)) is InvalidInputError


@pytest.mark.parametrize("name", ["id", "self", "by", "at", "facts", "parent", "case_id"])
def test_what_the_bus_says_of_a_new_item_is_no_field(bus: CommandBus, name: str) -> None:
    """A field of a new item cannot say who asks, when, or in which case (S7)."""
    error = failure_of(bus.execute, Saying(Ask("create", None, {"title": "A", name: "x"}, kind="task")), by=ANN)
    assert type(error) is InvalidInputError
    assert error.field == name


@pytest.mark.parametrize("kind", [None, "case"])
def test_a_command_may_leave_open_what_it_creates(bus: CommandBus, kind: Any) -> None:
    """Without a definition the first one of the kind is taken, and without a kind the first one of all."""
    definition = None if kind is None else "regulatory_case"
    made = bus.execute(Saying(Ask("create", None, {"title": "A"}, definition=definition)), by=ROOT_OF_ALL)
    assert made.kind == ("task" if kind is None else "case")


@pytest.mark.parametrize("key", [("\ud800",), (5,), (), ("a", "b"), "a", None])
def test_a_cursor_holds_the_key_of_its_order(key: Any) -> None:
    """A cursor that no page has given is refused when it is made, not by a store (S2, S4)."""
    assert type(failure_of(Cursor, Order(), key)) is InvalidInputError


def test_a_list_is_read_in_a_bounded_number_of_ways(store: Store) -> None:
    """More alternatives than any database answers are refused, with what would do instead (S1)."""
    wide = any_of(*[same(f"a{number}", f"b{number}") for number in range(600)])
    cases = [attrs.evolve(REGULATORY_CASE.with_rules({"read": wide}), name=name) for name in ("one", "two")]
    bus = CommandBus(store, cases)
    by = Actor("ann", attributes={f"a{number}": "x" for number in range(600)})
    error = failure_of(bus.find, CaseFilter(), by=by)
    assert type(error) is InvalidInputError
    assert bus.find(CaseFilter(definition="one"), by=by).items == ()


@pytest.mark.usefixtures("both_buses")
def test_an_error_that_is_none_of_the_stores_is_passed_on(store: Store) -> None:
    """What a fact provider raises in a batch is not taken for the conflict of a command that did not cause it."""
    known = guard(lambda item, inputs, facts, at: True, code="n", text="n", facts=["n"])

    def raising(uow: object, item: object) -> object:
        raise AlreadyExistsError("elsewhere")

    bus = a_bus(store, [TASK.with_guards({"create": known})], facts={"n": raising})
    error = failure_of(bus.execute_many, [CreateTask("A")], by=ANN, all_or_nothing=True)
    assert type(error) is AlreadyExistsError


@pytest.mark.usefixtures("both_buses")
def test_a_taken_note_is_told_to_the_command_that_adds_it(bus: CommandBus) -> None:
    """An item may have the id of a note: together, only the command that wants the taken one is told (T1)."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(AddNote("x-1", "hello", note_id="n"), by=ANN)
    answers = bus.execute_many([AddNote("x-1", "B", note_id="n"), CreateTask("C", id="n")], by=ANN, all_or_nothing=True)
    first: Any = answers[0]
    assert (type(first), first.what) == (AlreadyExistsError, "note")
    assert type(answers[1]) is not AlreadyExistsError


@pytest.mark.usefixtures("both_buses")
def test_a_hidden_case_is_not_shown_by_its_tasks(store: Store) -> None:
    """Who may finish a task but not read its case learns nothing of the case; observers learn all (A8, H1)."""
    reports: list[Any] = []
    bus = a_bus(store, observers=[reports.append])
    writer, tom = Actor("wim", roles=["case_writer"]), Actor("tom")
    bus.execute(OpenCase("A secret", id="c-1"), by=writer)
    bus.execute(CreateTask("A", id="x-1", case_id="c-1"), by=writer)
    bus.execute(Assign("x-1", "tom"), by=writer)
    assert type(failure_of(bus.get, "c-1", by=tom)) is NotFoundError
    checked: Any = bus.check(CompleteTask("x-1"), by=tom)
    assert [change.after.id for change in checked.changes] == ["x-1"]
    (together,) = bus.execute_many([CompleteTask("x-1")], by=tom, all_or_nothing=True)
    assert isinstance(together, Outcome)
    assert [event.item_id for event in together.events] == ["x-1"]
    assert [event.item_id for event in reports[-1].events] == ["x-1", "c-1"]
    assert isinstance(bus.get("x-1", by=tom), Task)
    case: Any = bus.get("c-1", by=writer)
    assert case.open_tasks == 0


def test_a_provider_that_is_async_is_misuse(store: Store) -> None:
    """A coroutine is no fact, and a guard that takes it for true is never asked (fail closed)."""

    async def signed(uow: UnitOfWork, item: Any) -> bool:
        return False

    bus = a_bus(store, [guarded(TASK, {"complete": ("signed",)})], facts={"signed": signed})
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    with pytest.raises(MisuseError, match="'signed' is an async function"):
        bus.execute(CompleteTask("x-1"), by=ANN)
    assert bus.get("x-1", by=ANN).version == 1


def test_an_observer_that_is_async_is_told_of_in_the_log(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be waited for, so the log says that it hears nothing, and the others hear all."""
    seen: list[str] = []

    async def observer(report: Report) -> None:
        seen.append("never")

    bus = a_bus(store, observers=[observer, lambda report: seen.append(report.action)])
    bus.execute(CreateTask("A"), by=ANN)
    assert seen == ["create"]
    assert [record.getMessage() for record in caplog.records] == [
        "an observer of type 'function' is an async function: it was told nothing"
    ]
