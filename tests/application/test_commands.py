"""Commands as values: built from what callers have, frozen, and asking for the same every time."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import attrs
import pytest
from hypothesis import given

import casewright
from casewright import COMMANDS, Ask, Case, Command, Edit, FrozenMapping, InvalidInputError, SetDue, Tag
from casewright.application.commands.base import ItemCommand
from casewright.domain.items import Item
from casewright.domain.verbs import VERB_TABLE
from support.commands import AnyCommand, commands, fields_of, good, good_fields
from support.values import AT, impurities, spoil, thorough

each_command = pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)

INSTANT = "2026-01-31T12:00:00.000000Z"
FIELDS: dict[str, Any] = {
    "title": "Paint the fence",
    "status": "todo",
    "reason": "it rained",
    "description": "Both sides.",
    "priority": "high",
    "assignee_id": "bob",
    "due_at": AT,
    "tags": ("garden", "wood"),
    "attributes": FrozenMapping({"litres": 2, "colours": ("red", FrozenMapping({"rim": None}))}),
}
EDITED: dict[str, Any] = {
    "title": "Paint",
    "description": None,
    "priority": "low",
    "attributes": FrozenMapping({"litres": None, "brushes": (1, FrozenMapping({"wide": True}))}),
}
PERFORMED: dict[str, Any] = {"coats": 2, "colours": ("red",), "until": INSTANT, "tools": ("brush", "roller")}


def asked(action: str, item_id: str, kind: Any = None, /, **inputs: Any) -> Ask:
    """Return what a command on an item that is there asks for."""
    return Ask(action, item_id, FrozenMapping(inputs), kind=kind)


ASKS: dict[str, Ask] = {
    "CreateTask": Ask(
        "create",
        "x-1",
        FrozenMapping(FIELDS),
        kind="task",
        definition="own",
        case_id="c-1",
    ),
    "StartTask": asked("start", "t-1", "task"),
    "BlockTask": asked("block", "t-1", "task", reason="it rains"),
    "UnblockTask": asked("unblock", "t-1", "task"),
    "CompleteTask": asked("complete", "t-1", "task"),
    "CancelTask": asked("cancel", "t-1", "task", reason="no fence"),
    "ReopenTask": asked("reopen", "t-1", "task"),
    "OpenCase": Ask("create", "x-1", FrozenMapping(FIELDS), kind="case", definition="own"),
    "SubmitCase": asked("submit", "c-1", "case"),
    "StartReview": asked("start_review", "c-1", "case", reviewer_id="rita"),
    "EscalateCase": asked("escalate", "c-1", "case", reason="hard"),
    "CloseCase": asked("close", "c-1", "case", reason="done"),
    "Edit": asked("edit", "x-1", **EDITED),
    "Assign": asked("assign", "x-1", assignee_id="bob"),
    "Claim": asked("claim", "x-1"),
    "Release": asked("release", "x-1"),
    "SetDue": asked("set_due", "x-1", due_at=AT),
    "Tag": asked("tag", "x-1", add=("a", "b"), remove=("c",)),
    "AddNote": asked("add_note", "x-1", body="It rained.", note_id="n-1"),
    "Correct": asked("correct", "x-1", status="done", reason="a slip"),
    "Delete": asked("delete", "x-1"),
    "Perform": asked("paint", "x-1", **PERFORMED),
}


def test_every_command_is_listed() -> None:
    """COMMANDS holds each command that the facade has, and each has its rows in these tests."""
    shown = [getattr(casewright, name) for name in casewright.__all__]
    public = {one for one in shown if inspect.isclass(one) and issubclass(one, Command) and one is not Command}
    assert set(COMMANDS) == public
    assert len(COMMANDS) == len(public)
    assert {cls.__name__ for cls in COMMANDS} == set(ASKS)
    actions = {cls.action for cls in COMMANDS if issubclass(cls, ItemCommand)}
    assert actions >= set(VERB_TABLE), "each verb has a command"
    for cls in COMMANDS:
        assert good_fields(cls).keys() == {field.name for field in fields_of(cls)}


@each_command
def test_a_command_asks_for_one_action_with_what_it_was_given(cls: type[AnyCommand]) -> None:
    """`ask` is pure: it names action, item, kind and inputs, and the same command always asks for the same."""
    command = good(cls)
    assert command.ask() == ASKS[cls.__name__]
    assert command.ask() == command.ask()
    assert command == good(cls)


@each_command
def test_a_command_says_nothing_of_what_it_was_not_given(cls: type[AnyCommand]) -> None:
    """What is left out is no input: the decision says what is missing, and an edit leaves it as it is."""
    required = {name: value for name, value in good_fields(cls).items() if name in {"item_id", "action"}}
    ask = cls(**required).ask()
    whole = ASKS[cls.__name__]
    assert ask.inputs == {}
    assert (ask.action, ask.kind) == (whole.action, whole.kind)
    assert ask.item_id == required.get("item_id")
    assert (ask.definition, ask.case_id) == (None, None)


@pytest.mark.parametrize("field", ["title", "description", "priority", "attributes"])
def test_an_edit_tells_nothing_from_none(field: str) -> None:
    """What is left out of an edit stays; None clears a description and a priority, and is refused for the others."""
    cleared: dict[str, Any] = {field: None}
    if field in {"description", "priority"}:
        assert Edit("t-1", **cleared).ask().inputs == cleared
    else:
        with pytest.raises(InvalidInputError) as caught:
            Edit("t-1", **cleared)
        assert caught.value.field == field


def test_a_due_date_is_set_cleared_or_missing() -> None:
    """None says that there is no due date; a due date that is left out is missing."""
    assert SetDue("t-1", None).ask().inputs == {"due_at": None}
    assert SetDue("t-1").ask().inputs == {}
    assert SetDue("t-1", "2026-01-31T13:00:00+01:00").ask().inputs == {"due_at": AT}


@each_command
def test_a_command_is_a_frozen_value(cls: type[AnyCommand]) -> None:
    """A command cannot be changed; it is equal by value, and can be hashed, copied and pickled."""
    command = good(cls)
    for field in fields_of(cls):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(command, field.name, getattr(command, field.name))
    assert not hasattr(command, "__dict__")
    for same in (copy.copy(command), copy.deepcopy(command), pickle.loads(pickle.dumps(command))):
        assert same == command
        assert type(same) is cls
        assert hash(same) == hash(command)
    assert command not in [good(other) for other in COMMANDS if other is not cls]


@each_command
def test_a_command_keeps_no_hold_of_what_it_was_given(cls: type[AnyCommand]) -> None:
    """Whatever is done later to the lists, sets and dicts that were passed in, the command stays as it was (E1)."""
    fields = good_fields(cls)
    command = cls(**fields)
    for value in fields.values():
        spoil(value)
    assert command == good(cls)
    assert list(impurities(command)) == []


@thorough(200)
@given(commands())
def test_any_command_is_deeply_immutable(command: AnyCommand) -> None:
    """Nothing that can be changed is reachable from a command, or from what it asks for (E1)."""
    assert list(impurities(command)) == []
    assert list(impurities(command.ask().inputs)) == []
    assert pickle.loads(pickle.dumps(command)) == command


@each_command
def test_the_subject_comes_first_and_all_else_is_named(cls: type[AnyCommand]) -> None:
    """At most two arguments are positional, `Perform` alone takes three: item, action, inputs."""
    places = [p for p in inspect.signature(cls).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    assert places[0].name in {"item_id", "title"}
    assert len(places) <= (3 if cls is casewright.Perform else 2)


class Word(StrEnum):
    """A team's own words."""

    PAINT = "paint"
    URGENT = "urgent"


def test_own_enumerations_become_plain_text() -> None:
    """A StrEnum is taken wherever text is, and what is kept is exact str, so that no store meets the enumeration."""
    command = casewright.CreateTask(
        Word.PAINT, status=Word.PAINT, priority=Word.URGENT, tags=[Word.PAINT], attributes={Word.PAINT: Word.URGENT}
    )
    assert command.attributes is not None
    kept = [command.title, command.status, command.priority, *command.tags, *command.attributes.items()]
    assert kept == ["paint", "paint", "urgent", "paint", ("paint", "urgent")]
    performed = casewright.Perform("t-1", Word.PAINT, {"word": Word.URGENT, "words": {Word.URGENT, Word.PAINT}})
    assert performed.ask() == asked("paint", "t-1", word="urgent", words=("paint", "urgent"))
    flat = [performed.action, performed.inputs["word"], *command.tags, command.title, command.status, command.priority]
    assert {type(one) for one in flat} == {str}


@pytest.mark.parametrize("make", [list, tuple, set, frozenset, iter], ids=lambda make: make.__name__)
def test_several_names_come_in_any_collection(make: Any) -> None:
    """Tags may be any iterable, and are kept sorted, each once."""
    assert Tag("t-1", add=make(["b", "a", "b"]), remove=make([])).ask().inputs == {"add": ("a", "b")}
    assert casewright.CreateTask("t", tags=make(["b", "a"])).tags == ("a", "b")


@pytest.mark.parametrize("make", [set, frozenset], ids=lambda make: make.__name__)
def test_a_set_is_an_input_of_names(make: Any) -> None:
    """`Perform` takes any set of names, and keeps them sorted; a list is kept as it is."""
    assert casewright.Perform("t-1", "paint", {"tools": make(["b", "a"])}).inputs == {"tools": ("a", "b")}
    assert casewright.Perform("t-1", "paint", {"tools": ["b", "a"]}).inputs == {"tools": ("b", "a")}


def test_times_are_kept_in_utc() -> None:
    """An aware datetime of any zone, or its text, is the same instant in UTC (S3)."""
    east = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 1, 31, 17, 30, tzinfo=east)
    for command in (SetDue("t-1", moment), casewright.CreateTask("t", due_at=moment), SetDue("t-1", "2026-01-31T12Z")):
        assert command.due_at == AT
        assert isinstance(command.due_at, datetime)
        assert command.due_at.utcoffset() == timedelta(0)
    assert casewright.Perform("t-1", "wait", {"until": moment}).inputs == {"until": INSTANT}


def test_a_command_without_ask_cannot_be_made() -> None:
    """`ask` is what makes a command: a class without it cannot be instantiated."""

    class Silent(Command[Item]):
        __slots__ = ()

    for cls in (Silent, Command):
        made: Any = cls
        with pytest.raises(TypeError, match="ask"):
            made()


def test_a_note_is_answered_with_the_note() -> None:
    """Each command of the library answers with the item, `AddNote` alone with its note."""
    item: Any = Case(id="c", definition="d", status="s", category="open", title="t", created_by="a", created_at=AT)
    note: Any = object()
    for cls in COMMANDS:
        assert good(cls).result(item, (note,)) is (note if cls is casewright.AddNote else item)
