"""Commands as JSON: one form for queues and for requests, as strict as everything that comes from outside."""

from __future__ import annotations

import itertools
from types import GenericAlias
from typing import Any

import attrs
import pytest
from cattrs.preconf.json import make_converter as make_json_converter

from casewright import (
    COMMANDS,
    UNSET,
    AddNote,
    Ask,
    BlockTask,
    CloseCase,
    Command,
    CreateTask,
    Delete,
    Edit,
    InvalidInputError,
    Note,
    Outcome,
    SetDue,
    StartTask,
    Tag,
    Task,
)
from casewright.adapters.memory import MemoryStore
from casewright.codec import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.codec.commands import COMMAND_NAMES
from support.buses import ANN, a_bus
from support.command_table import ROWS
from support.commands import AnyCommand, fields_of, good
from support.values import AT, HOSTILE

each_command = pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)
either: Any = StartTask | BlockTask | AddNote


def refused(data: object, cls: Any) -> str:
    """Return the text of the error that the data is refused with."""
    with pytest.raises(InvalidInputError) as caught:
        from_data(data, cls)
    return str(caught.value)


def test_names_of_commands() -> None:
    """Each command is called after its class, and no two by one name."""
    assert [*COMMAND_NAMES] == [*COMMANDS]
    assert len({*COMMAND_NAMES.values()}) == len(COMMANDS)
    for cls, name in COMMAND_NAMES.items():
        assert name.replace("_", "") == cls.__name__.lower()
        assert name.islower()
    assert COMMAND_NAMES[StartTask] == "start_task"
    assert COMMAND_NAMES[SetDue] == "set_due"


@each_command
def test_one_form_is_read_in_every_way(cls: type[AnyCommand]) -> None:
    """A command is written with its name, and read by it, by its class, and among a few; the name may be left out."""
    command: Any = good(cls)
    data = to_data(command)
    assert [*data] == ["command", *(field.name for field in fields_of(cls))]
    assert data.pop("command") == COMMAND_NAMES[cls]
    named = {"command": COMMAND_NAMES[cls], **data}
    among: Any = cls | next(other for other in COMMANDS if other is not cls)
    readings: list[tuple[Any, Any]] = [(named, cls), (named, Command), (named, among), (data, cls), (data, cls | None)]
    for given, target in readings:
        assert from_data(given, target) == command
        assert from_data([given], GenericAlias(list, (target,))) == [command]
        assert type(from_data(given, target)) is cls


@each_command
def test_a_command_is_not_read_as_another(cls: type[AnyCommand]) -> None:
    """A name that is none, another command's, or missing where there are several, is refused at its place (S7)."""
    data = to_data(good(cls))
    names: tuple[Any, ...] = ("", "no_such", "Command", cls.__name__, None, 1, True, [data["command"]], {})
    for wrong in names:
        for target in (cls, Command):
            assert refused({**data, "command": wrong}, target).startswith("command: must be ")
    for other in COMMANDS:
        if other is not cls:
            assert refused(data, other).startswith("command: must be ")
    del data["command"]
    assert refused(data, Command).startswith("command: must be ")


def test_only_commands_of_the_union_are_read() -> None:
    """A union lets in its own commands and no others: the application says what may be asked for from outside (S7)."""
    assert from_data({"command": "block_task", "item_id": "t-1"}, either) == BlockTask("t-1")
    assert from_data(None, either | None) is None
    told = refused({"command": "delete", "item_id": "t-1"}, either)
    assert told == 'command: must be "start_task", "block_task" or "add_note" here'
    assert refused([{"command": "start_task", "item_id": "t-1"}, {"item_id": "t-1"}], list[either]).startswith(
        "document[1].command: must be "
    )


@each_command
def test_unknown_keys_are_refused(cls: type[AnyCommand]) -> None:
    """No value slips in beside those that the command has: not by any name, not the actor, not the tenant (S7)."""
    data = to_data(good(cls))
    for name in ("is_admin", "by", "tenant", "version", "Command", "item_ID", "__class__"):
        for target in (cls, Command):
            assert refused({**data, name: True}, target).startswith(f"{name}: is unknown; there are command, ")


@each_command
def test_what_is_missing_is_named(cls: type[AnyCommand]) -> None:
    """The item, and the action of `Perform`, must be there; all else may be left out and is then as in Python."""
    required = [field.name for field in fields_of(cls) if field.default is attrs.NOTHING]
    data = to_data(good(cls))
    least = {name: data[name] for name in required}
    assert from_data(least, cls) == cls(**{name: getattr(good(cls), name) for name in required})
    for name in required:
        assert refused({other: data[other] for other in data if other != name}, cls) == f"{name}: is missing"
    assert required == [] or required[0] == "item_id"


def test_what_is_left_out_of_an_edit_stays_and_null_clears() -> None:
    """A key that is not there is UNSET, and UNSET is written as no key; null is None, where None is a value."""
    edit = from_json('{"item_id": "t-1", "description": null}', Edit)
    assert edit == Edit("t-1", description=None)
    assert edit.title is UNSET
    assert to_data(edit) == {"command": "edit", "item_id": "t-1", "description": None}
    assert to_data(Edit("t-1")) == {"command": "edit", "item_id": "t-1"}
    for name in ("title", "attributes"):
        assert refused({"item_id": "t-1", name: None}, Edit).startswith(f"{name}: must be ")
    assert refused({"item_id": "t-1", "title": "UNSET", "priority": {}}, Edit).startswith("priority: must be text")


def test_a_due_date_is_left_out_or_cleared() -> None:
    """A due date that is not there is missing; null means that there is to be none."""
    assert from_data({"item_id": "t-1"}, SetDue) == SetDue("t-1")
    assert from_data({"item_id": "t-1", "due_at": None}, SetDue) == SetDue("t-1", None)
    assert to_data(SetDue("t-1")) == {"command": "set_due", "item_id": "t-1"}
    assert to_data(SetDue("t-1", AT))["due_at"] == "2026-01-31T12:00:00.000000Z"


def test_an_incomplete_command_can_be_sent() -> None:
    """What a person left out or blank is for the decision to tell: it comes through and comes back."""
    for command in (CreateTask(), CreateTask(" ", due_at="  "), CloseCase("c-1"), AddNote("t-1", ""), Tag("t-1")):
        assert from_json(to_json(command), Command) == command


@pytest.mark.parametrize("cls", [Command, StartTask, either], ids=str)
def test_whatever_is_no_object_is_no_command(cls: Any) -> None:
    """Whatever stands where a command is meant, our error comes out (S2)."""
    for make in HOSTILE:
        refused(make(), cls)


@attrs.frozen
class Archive(Command[Task]):
    """A team's own command."""

    item_id: str
    tags: tuple[str, ...] = ()

    def ask(self) -> Ask:
        """Return what it asks for."""
        return Ask("archive", self.item_id, kind="task")


@attrs.frozen
class Envelope:
    """What a team's own queue holds."""

    command: Command[Any]
    known_as: str


@pytest.mark.parametrize("make", [make_converter, lambda: configure(make_json_converter())], ids=["ours", "preconf"])
def test_commands_of_ones_own(make: Any) -> None:
    """A team's own command is read by its class; its own classes may hold any command of the library."""
    converter = make()
    archive = Archive("t-1", ("a",))
    assert from_json(to_json(archive, converter=converter), Archive, converter=converter) == archive
    envelope = Envelope(good(Edit), "e-1")
    assert from_json(to_json(envelope, converter=converter), Envelope, converter=converter) == envelope
    with pytest.raises(InvalidInputError, match=r"^command: must be "):
        from_data({"command": "archive", "item_id": "t-1"}, Command, converter=converter)


@each_command
def test_a_command_from_json_does_the_same(cls: type[AnyCommand]) -> None:
    """A command that went through JSON asks for the same, to the last type of its inputs (I3 relies on it)."""
    for command in (good(cls), ROWS[cls].ask("x-1")):
        back = from_json(to_json(command), Command)
        assert back.ask() == command.ask()
        assert to_json(back) == to_json(command)
        assert hash(back) == hash(command)


def test_outcomes_come_back() -> None:
    """What a bus answered is read with the result's own type, or by what it is."""
    bus = a_bus(MemoryStore())
    made = bus.outcome(CreateTask("A", id="t-1"), by=ANN)
    noted = bus.outcome(AddNote("t-1", "b", note_id="n-1"), by=ANN)
    nothing = bus.outcome(Edit("t-1"), by=ANN)
    for outcome, cls in itertools.product((made, noted, nothing), (Outcome, Outcome[Any])):
        target: Any = cls
        assert from_json(to_json(outcome), target) == outcome
    assert from_json(to_json(made), Outcome[Task]) == made
    assert from_json(to_json(noted), Outcome[Note]) == noted
    wrong: list[tuple[object, Any]] = [(noted, Outcome[Task]), (made, Outcome[Note])]
    for outcome_, target in wrong:
        assert refused(to_data(outcome_), target).startswith("result.")
    assert refused({**to_data(made), "replayed": 1}, Outcome) == "replayed: must be true or false, not int"
    assert refused({**to_data(made), "result": {}}, Outcome) == "result.id: is missing"
    assert refused({**to_data(made), "is_admin": 1}, Outcome).startswith("is_admin: is unknown")
    assert bus.execute(from_json(to_json(Delete("t-1")), Delete), by=ANN).deleted_at is not None
