"""Converters of one's own: our hooks beside one's own classes, and errors that are ours all the same."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, Literal, NewType

import attrs
import cattrs
import pytest
from cattrs.preconf.json import make_converter as make_json_converter

from casewright import (
    Case,
    Category,
    Change,
    Event,
    FrozenMapping,
    InvalidInputError,
    JsonValue,
    MisuseError,
    Permitted,
    Task,
)
from casewright.codec import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.domain.items import Item
from casewright.domain.verdicts import Verdict
from support.codec import a_change, is_plain
from support.codec_documents import GOOD
from support.values import AT, a_case, a_task

Colour = enum.StrEnum("Colour", ["RED"])
Level = enum.IntEnum("Level", ["LOW"])
Name = NewType("Name", str)


def _even(value: int) -> int:
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


@attrs.frozen(kw_only=True)
class Inner:
    """Something of the user's own with everything that is ours in it."""

    item: Item
    owner: Task | None
    either: Task | Case | None
    verdict: Verdict[Task]
    events: dict[str, list[Event]]
    data: FrozenMapping[JsonValue]
    category: Category
    change: Change[Any]


@attrs.frozen(kw_only=True)
class Outer:
    """Something of the user's own, with a converter of attrs and scalars of all kinds."""

    inner: list[Inner]
    when: datetime
    number: int
    flag: bool
    colour: Colour
    level: Level
    name: Name
    even: int = attrs.field(default=0, converter=_even)
    word: Literal["a", "b"] = "a"


CHANGE_OF_TASK: Change[Any] = Change(None, a_task(), a_change().event)


def an_outer() -> Outer:
    """Return one of each."""
    permitted: Permitted[Any] = Permitted((CHANGE_OF_TASK,))
    inner = Inner(
        item=a_case(),
        owner=None,
        either=a_task(),
        verdict=permitted,
        events={"c1": [a_change().event]},
        data=FrozenMapping({"a": (1, None)}),
        category=Category.DONE,
        change=a_change(),
    )
    scalars: dict[str, Any] = {"colour": Colour.RED, "level": Level.LOW, "name": Name("n"), "flag": True}
    return Outer(inner=[inner], when=AT, number=7, **scalars)


@pytest.mark.parametrize("converter", [make_converter(), configure(make_json_converter())], ids=["ours", "preconf"])
def test_classes_of_ones_own(converter: cattrs.Converter) -> None:
    """Classes of the user's own may hold ours, on our converter and on one of cattrs' own."""
    text = to_json(an_outer(), converter=converter)
    assert from_json(text, Outer, converter=converter) == an_outer()
    assert from_json(text, Outer) == an_outer()
    assert is_plain(to_data(an_outer(), converter=converter)["inner"])


def test_configure_returns_the_same_converter() -> None:
    """`configure` hands back the very converter, so that it can be called around the making of one."""
    converter = make_json_converter()
    assert configure(converter) is converter
    assert converter.loads(converter.dumps(a_task()), Task) == a_task()


def test_configure_leaves_the_rest_alone() -> None:
    """What a converter of one's own does with one's own classes is not touched: it may stay as lax as it was."""
    converter = configure(cattrs.Converter())
    assert converter.structure("7", int) == 7
    assert converter.unstructure(AT) is AT
    with pytest.raises(InvalidInputError):
        converter.structure({**GOOD_TASK, "version": "7"}, Task)


GOOD_TASK = to_data(a_task())


@pytest.mark.parametrize("detailed", [True, False])
def test_errors_of_hooks_are_ours(detailed: bool) -> None:
    """A hook of ours raises our error through any converter, not one of cattrs (S2)."""
    converter = configure(cattrs.Converter(detailed_validation=detailed))
    with pytest.raises(InvalidInputError) as caught:
        converter.structure({**GOOD_TASK, "title": 5}, Task)
    assert caught.value.field == "title"


def _spoil(data: Any, *path: Any, value: Any = ...) -> Any:
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


PATHS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("inner", 0, "item", "title"), 5, "inner[0].item.title: must be text, not int"),
    (("inner", 0, "owner"), [], "inner[0].owner: must be an object, not list"),
    (("inner", 0, "verdict", "changes", 0, "after"), GOOD["Case"][1][0], ""),
    (("inner", 0, "events", "c1", 0, "version"), True, "inner[0].events[c1][0].version: must be an integer, not bool"),
    (("inner", 0, "events", "x\ny"), [5], "inner[0].events[?][0]: must be an object, not int"),
    (("inner", 0, "events"), 5, "inner[0].events: has a wrong type or value"),
    (("inner", 0, "data"), {"a": {"b": 1.5}}, ""),
    (("inner", 0, "category"), ..., "inner[0].category: is missing"),
    (("inner", 0, "is_admin"), True, "inner[0].is_admin: is unknown"),
    (("number",), "7", "number: must be an integer, not str"),
    (("number",), True, "number: must be an integer, not bool"),
    (("number",), 2**63, ""),
    (("flag",), 1, "flag: must be true or false, not int"),
    (("colour",), "blue", "colour: has a wrong type or value"),
    (("colour",), 5, "colour: must be text, not int"),
    (("level",), 2, "level: has a wrong type or value"),
    (("level",), True, "level: must be an integer, not bool"),
    (("name",), "\0", "name: holds NUL or a lone surrogate, which no store can keep; remove it"),
    (("when",), "2026-01-31T12:00:00", "when: has no time zone; give it one, such as tzinfo=UTC"),
    (("word",), "zaunkoenig", "word: has a wrong type or value"),
    (("even",), 3, "document: has a wrong type or value"),
    (("is_admin",), True, "is_admin: is unknown"),
]


@pytest.mark.parametrize(("path", "value", "problem"), PATHS)
def test_errors_in_classes_of_ones_own(path: tuple[Any, ...], value: Any, problem: str) -> None:
    """In classes of the user's own, too, the error is ours, with the whole path and without the value (S2, S7)."""
    with pytest.raises(InvalidInputError) as caught:
        from_data(_spoil(to_data(an_outer()), *path, value=value), Outer)
    error = caught.value
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    assert str(error) == problem if problem else error.field.startswith(dotted)
    assert "zaunkoenig" not in str(error)


def test_strictness_without_details() -> None:
    """On a converter without detailed errors the error is ours too; the path is then as far as cattrs tells."""
    converter = configure(make_json_converter(detailed_validation=False, forbid_extra_keys=True))
    whole = to_data(an_outer())
    for data in ({**whole, "is_admin": 1}, {**whole, "inner": 5}, _spoil(to_data(an_outer()), "inner")):
        with pytest.raises(InvalidInputError):
            from_data(data, Outer, converter=converter)


class Unknown:
    """A class that nobody made a hook for."""


def _unknown(value: str) -> Unknown:
    if type(value) is not str:
        raise InvalidInputError("part", "must be text")
    return Unknown()


def _several(values: list[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise InvalidInputError("words", "must be several")
    return tuple(values)


@attrs.frozen
class Converted:
    """Something whose own converter knows what to do."""

    part: Unknown = attrs.field(converter=_unknown)
    words: tuple[str, ...] = attrs.field(default=(), converter=_several)


def test_converters_of_attrs_come_first() -> None:
    """Our converter leaves a field to its attrs converter, whatever its type; an error is told with its path."""
    assert isinstance(from_json('{"part": "x"}', Converted).part, Unknown)
    with pytest.raises(InvalidInputError) as caught:
        from_data([{"part": 5}], list[Converted])
    assert caught.value.field == "document[0].part"
    with pytest.raises(InvalidInputError, match="words: must be several"):
        from_data({"part": "x", "words": "ab"}, Converted)


@pytest.mark.parametrize("cls", [Unknown, list[Unknown], FrozenMapping[Unknown], [], "Task"], ids=str)
def test_unknown_types(cls: Any) -> None:
    """A type without a hook is the caller's mistake and not the document's."""
    with pytest.raises(MisuseError, match="there is no hook for the type to be read"):
        from_data({"a": {}}, cls)


def test_values_without_an_end() -> None:
    """A list that holds itself, or is nested too deeply, is a typed error."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInputError, match="holds itself, or is nested too deeply"):
        to_data(endless)


def test_values_without_a_form() -> None:
    """A value of a class without a hook is not written, and the error does not show it."""
    for value in (Unknown(), [Unknown()], {"a": object()}, float("nan")):
        with pytest.raises(InvalidInputError, match="document: holds a value that is no JSON"):
            to_json(value)


@attrs.frozen
class Holder:
    """Something that holds one."""

    part: Unknown | None = None


def test_unknown_types_inside() -> None:
    """A class that holds a type without a hook is the caller's mistake too, found at the latest when it is met."""
    with pytest.raises(MisuseError, match="there is no hook for"):
        from_data({"part": {}}, Holder)
