"""What commands take and what they refuse: the same limits everywhere, told by field and never by value."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import COMMANDS, Case, InvalidInputError, Perform
from casewright.domain.inputs import MAX_INPUTS
from casewright.domain.values import MAX_ID, MAX_NAME, MAX_TAG, MAX_TAGS, MAX_TEXT, MAX_TITLE
from support.commands import AnyCommand, good_fields
from support.values import AT, CANARY, HOSTILE, impurities, nested, unseen

each_command = pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)

LIMITS: dict[str, int] = {
    "action": MAX_NAME,
    "assignee_id": MAX_ID,
    "body": MAX_TEXT,
    "case_id": MAX_ID,
    "definition": MAX_NAME,
    "description": MAX_TEXT,
    "id": MAX_ID,
    "item_id": MAX_ID,
    "note_id": MAX_ID,
    "priority": MAX_NAME,
    "reason": MAX_TEXT,
    "reviewer_id": MAX_ID,
    "status": MAX_NAME,
    "title": MAX_TITLE,
}
SEVERAL = ("tags", "add", "remove")
OBJECTS = ("attributes", "inputs")
INSTANTS = ("due_at",)
NAMES = {name for name, limit in LIMITS.items() if limit < MAX_TITLE} - {"priority"}
ARGUMENTS = [(cls, name) for cls in COMMANDS for name in good_fields(cls)]


def build(cls: type[AnyCommand], name: str, value: Any) -> AnyCommand:
    """Return a good command of which one field has this value."""
    return cls(**{**good_fields(cls), name: value})


def refused(cls: type[AnyCommand], name: str, value: Any) -> InvalidInputError:
    """Return the error that the command refuses a value with; it names the field and does not show the value."""
    with pytest.raises(InvalidInputError) as caught:
        build(cls, name, value)
    error = caught.value
    assert error.field == name or error.field.startswith((f"{name}.", f"{name}[", f"a key of {name}"))
    assert CANARY not in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 300
    return error


def arguments(*names: str) -> pytest.MarkDecorator:
    """Parametrise a test over every field of these names in every command."""
    found = [(cls, name) for cls, name in ARGUMENTS if name in names]
    return pytest.mark.parametrize(("cls", "name"), found, ids=[f"{cls.__name__}-{name}" for cls, name in found])


def test_every_field_is_tried() -> None:
    """Each field of each command is of a sort that these tests know: a new one needs a line above."""
    assert {name for _, name in ARGUMENTS} == {*LIMITS, *SEVERAL, *OBJECTS, *INSTANTS}


@each_command
def test_an_unknown_argument_is_refused(cls: type[AnyCommand]) -> None:
    """No value can be slipped in under a name that the command does not have (S7)."""
    for name in ("is_admin", "tenant", "version", "created_by", "__class__", "actor"):
        with pytest.raises(TypeError, match=name):
            cls(**good_fields(cls), **{name: True})


@arguments(*LIMITS)
def test_text_has_a_limit(cls: type[AnyCommand], name: str) -> None:
    """Text of just the limit is taken; of one character more it is refused before it is looked at (S1)."""
    assert getattr(build(cls, name, "x" * LIMITS[name]), name) == "x" * LIMITS[name]
    error = refused(cls, name, unseen("x" * (LIMITS[name] + 1)))
    assert error.problem == f"is longer than {LIMITS[name]} characters"
    refused(cls, name, unseen("x" * 10_000_000))


NO_TEXT: tuple[Any, ...] = (True, 1, 1.5, b"x", ["x"], {"x": 1}, AT, object())
UNSTORABLE = (f"{CANARY}\0", f"\ud800{CANARY}", "\udfff")
UNPRINTABLE = (f"{CANARY}\n", f"\x1b[31m{CANARY}", f"{CANARY}\u2028", "\u202ex")
BLANK = ("", " ", "\u3000")
NAMING = {"item_id", "id", "case_id", "definition", "action"}


@arguments(*LIMITS)
def test_text_is_text_that_can_be_stored(cls: type[AnyCommand], name: str) -> None:
    """Nothing else, no NUL or lone surrogate, a name in one line, and what names something not blank (S2, S6, S7)."""
    more = (*(UNPRINTABLE if name in NAMES else ()), *(BLANK if name in NAMING else ()))
    for value in (*NO_TEXT, *UNSTORABLE, *more):
        refused(cls, name, value)


@arguments("item_id", "action")
def test_what_a_command_is_about_must_be_there(cls: type[AnyCommand], name: str) -> None:
    """Without the item, or the action, there is no command at all."""
    fields = good_fields(cls)
    del fields[name]
    with pytest.raises(TypeError, match=name):
        cls(**fields)
    refused(cls, name, None)


@arguments(*SEVERAL)
def test_several_names_have_limits(cls: type[AnyCommand], name: str) -> None:
    """100 tags of 100 characters are taken and no more; an endless supply is not read to its end (S1)."""
    most = [f"{number:0{MAX_TAG}}" for number in range(MAX_TAGS)]
    assert getattr(build(cls, name, most), name) == tuple(most)
    endless = iter(int, 1)
    assert refused(cls, name, map(str, endless)).problem == f"holds more than {MAX_TAGS}"
    assert refused(cls, name, ["x" * (MAX_TAG + 1)]).problem == f"is longer than {MAX_TAG} characters"


@arguments(*SEVERAL)
def test_one_text_is_not_several_names(cls: type[AnyCommand], name: str) -> None:
    """A str where several are meant is refused and not taken letter by letter; so are mappings and numbers (S7)."""
    single: tuple[Any, ...] = (CANARY, b"ab", {"a": 1}, None, 5, True)
    for value in single:
        assert refused(cls, name, value).problem == f"must be several names, not {type(value).__name__}"
    wrong: tuple[Any, ...] = ([None], [1], ["\0"], [""], [["a"]], [b"a"])
    for value in wrong:
        refused(cls, name, value)


@arguments(*OBJECTS)
def test_an_object_holds_json_values_within_limits(cls: type[AnyCommand], name: str) -> None:
    """Attributes and inputs are mappings of names to JSON values: 64 KiB, 16 deep, 64 bits, no floats (S1, S2)."""
    for value in (2**63 - 1, -(2**63), True, None, "", [1, [None]], {"": {"a": 1}}, nested(15)):
        build(cls, name, {"a": value})
    for value in (2**63, -(2**63) - 1, 10**5_000, 1.5, float("nan"), float("inf"), b"x", object(), 1j):
        assert refused(cls, name, {"a": value}).field == f"{name}.a"
    for value in (nested(17), nested(100_000), "x" * 70_000, [CANARY] * 70_000):
        refused(cls, name, {"a": value})
    for key in (None, 1, "", " ", "\0", "\ud800", "a\nb", "k" * (MAX_NAME + 1)):
        refused(cls, name, {key: 1})
    for value in ([], "x", 5, True, [("a", 1)]):
        assert refused(cls, name, value).problem == f"must be a mapping, not {type(value).__name__}"


@arguments(*INSTANTS)
def test_a_due_date_is_an_instant(cls: type[AnyCommand], name: str) -> None:
    """A naive time, a time out of range, and what is no time at all are refused (S3)."""
    assert refused(cls, name, AT.replace(tzinfo=None)).problem == "has no time zone"
    assert refused(cls, name, "2026-01-31T12:00:00").problem == "has no time zone"
    assert refused(cls, name, "9999-12-31T23:59:59-01:00").problem == "is outside the years 1 to 9999 in UTC"
    assert refused(cls, name, CANARY).problem == "is no ISO 8601 time"
    for value in (AT.date(), 0, True, 1.5, b"2026", [AT], unseen(" " * (MAX_NAME + 1))):
        assert refused(cls, name, value).problem == f"must be an aware datetime, not {type(value).__name__}"


@pytest.mark.parametrize(("cls", "name"), ARGUMENTS, ids=[f"{cls.__name__}-{name}" for cls, name in ARGUMENTS])
def test_whatever_is_passed_builds_or_is_refused_by_name(cls: type[AnyCommand], name: str) -> None:
    """Whatever object stands in whichever field: a sound command, or an InvalidInputError that names the field (S2)."""
    taken = 0
    for make in HOSTILE:
        value = make()
        try:
            command = build(cls, name, value)
        except InvalidInputError:
            refused(cls, name, make())
        else:
            assert list(impurities(command)) == []
            assert repr(command).encode()
            taken += 1
    assert taken < len(HOSTILE) / 2


RESERVED: dict[str, str] = {
    "create": "use CreateTask or OpenCase",
    "read": "call bus.get",
    "task_opened": "close or reopen the task",
    "task_closed": "close or reopen the task",
}


@pytest.mark.parametrize("action", RESERVED)
def test_nobody_performs_what_is_reserved(action: str) -> None:
    """Reading, creating and counting are no actions on an item: `Perform` refuses them and says what would do."""
    assert refused(Perform, "action", action).advice == RESERVED[action]


def test_the_inputs_of_any_action_have_a_limit() -> None:
    """A hundred inputs are taken, and not one more (S1)."""
    assert len(Perform("t-1", "paint", {f"n{number}": number for number in range(MAX_INPUTS)}).inputs) == MAX_INPUTS
    error = refused(Perform, "inputs", {f"n{number}": number for number in range(MAX_INPUTS + 1)})
    assert error.problem == f"holds more than {MAX_INPUTS}"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (AT.replace(tzinfo=None), "inputs.due"),
        (frozenset({1}), "inputs.due"),
        ({""}, "inputs.due"),
        ({"x" * (MAX_TEXT + 1)}, "inputs.due"),
        ([AT], "inputs.due[0]"),
        ({"at": AT}, "inputs.due.at"),
        ([{"a"}], "inputs.due[0]"),
    ],
    ids=repr,
)
def test_an_input_that_is_wrong_is_told_by_its_place(value: Any, field: str) -> None:
    """Times and sets are taken as inputs, not within them; what is wrong is told by the input's own name (S2, S3)."""
    assert refused(Perform, "inputs", {"due": value}).field == field


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31m", "k" * 300])
@pytest.mark.parametrize("value", [1, AT.replace(tzinfo=None), {1}], ids=repr)
def test_a_hostile_name_of_an_input_is_never_shown(name: str, value: Any) -> None:
    """An error fits into one line of a log, whatever the input was called (S6)."""
    assert refused(Perform, "inputs", {name: value}).field == "inputs"


def test_items_are_not_taken_for_ids() -> None:
    """A task is not its id: passing the item itself is an InvalidInputError that shows nothing of it (A7)."""
    item = Case(id="c", definition="d", status="s", category="open", title=CANARY, created_by="a", created_at=AT)
    for cls, name in ARGUMENTS:
        if name in {"item_id", "case_id"}:
            assert refused(cls, name, item).problem == "must be text, not Case"
