"""Every type comes back as it went out, whichever converter carries it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from types import GenericAlias
from typing import Any, assert_type

import attrs
import cattrs
import pytest
from cattrs.preconf.json import JsonConverter
from cattrs.preconf.json import make_converter as make_json_converter
from hypothesis import given
from hypothesis import strategies as st

from casewright import Actor, Case, Change, Event, InvalidInputError, Permitted, Phase, Reason, Task, verify
from casewright.codec import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.codec.known import CLASSES, reader_of
from support.codec import BY_TYPE, a_change, is_plain
from support.histories import long_histories
from support.values import a_note, a_task, thorough

CONVERTERS: dict[str, Callable[[], cattrs.BaseConverter]] = {
    "ours": make_converter,
    "preconf.json": lambda: configure(make_json_converter()),
    "Converter": lambda: configure(cattrs.Converter()),
    "without details": lambda: configure(cattrs.Converter(detailed_validation=False)),
    "BaseConverter": lambda: configure(cattrs.BaseConverter()),
}


@pytest.mark.parametrize("examples", [5, pytest.param(25, marks=pytest.mark.large)])
@pytest.mark.parametrize("name", BY_TYPE)
def test_round_trip(name: str, examples: int) -> None:
    """A value of every type is written as plain JSON data, and is the same after it, to the last key and type."""
    cls, strategy = BY_TYPE[name]

    @thorough(examples)
    @given(strategy)
    def check(value: Any) -> None:
        assert is_plain(to_data(value))
        text = to_json(value)
        assert json.loads(text) == to_data(value)
        back = from_json(text, cls)
        assert back == value
        assert type(back) is type(value)
        assert to_json(back) == text  # 1 is not True, though Python finds them equal

    check()


@pytest.mark.parametrize("make", CONVERTERS.values(), ids=CONVERTERS)
def test_any_converter(make: Callable[[], cattrs.BaseConverter]) -> None:
    """A converter of the user's own carries every type after `configure`, in the same form as ours."""
    converter = make()

    @thorough(25)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        cls, strategy = BY_TYPE[data.draw(st.sampled_from(sorted(BY_TYPE)))]
        value = data.draw(strategy)
        plain = converter.unstructure(value)
        assert plain == to_data(value)
        assert is_plain(plain)
        assert converter.structure(plain, cls) == value
        several: Any = GenericAlias(list, (cls,))
        assert from_json(to_json([value], converter=converter), several, converter=converter) == [value]

    check()


def test_every_class_is_tried() -> None:
    """No class that the codec reads is without a strategy here."""
    tried = {cls for cls, _ in BY_TYPE.values() if isinstance(cls, type)}
    assert {cls for cls in CLASSES if cls not in tried} == set()
    assert all(reader_of(cls) for cls, _ in BY_TYPE.values())


def test_histories_still_verify() -> None:
    """A history that went through JSON verifies as before: every header is hashed to the same bytes (H4, H5)."""
    for events in long_histories(10, 5):
        back = from_json(to_json(events), list[Event])
        assert back == events
        assert verify(back) == ()


CHANGE = a_change()
ONE_OF_EACH: dict[str, object] = {
    "actor": Actor("ann"),
    "change": CHANGE,
    "event": CHANGE.event,
    "note": a_note(),
    "reason": Reason("c", Phase.STATE, "t"),
    "kind": CHANGE.after,
    "kind of task": a_task(),
    "permitted": Permitted(),
}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_names_of_fields_are_keys(name: str) -> None:
    """The keys of an object are the names of the class's fields, in their order, after the key that tells its kind."""
    value: Any = ONE_OF_EACH[name]
    tag = name.split(maxsplit=1)[0]
    fields = [field.name for field in attrs.fields(type(value))]
    assert list(to_data(value)) == ([tag, *fields] if tag in ("kind", "permitted") else fields)


GOOD_TASK = to_data(a_task())
CHANGE_OF_TASK: Change[Any] = Change(None, a_task(), a_change().event)


def test_types_are_told() -> None:
    """A type checker knows what comes out: the class that was asked for."""
    assert_type(from_json(to_json(a_task()), Task), Task)
    assert_type(from_data(GOOD_TASK, Task, converter=make_converter()), Task)
    assert_type(to_json(a_task()), str)
    assert_type(configure(make_json_converter()), JsonConverter)


@pytest.mark.parametrize(
    ("cls", "good", "bad"),
    [
        (Change[Task], CHANGE_OF_TASK, a_change()),
        (Change[Case], a_change(), CHANGE_OF_TASK),
        (Permitted[Case], Permitted((a_change(), CHANGE_OF_TASK)), None),
        (Permitted[Case], Permitted(), Permitted((CHANGE_OF_TASK, a_change()))),
    ],
)
def test_generic_types_are_kept(cls: Any, good: Any, bad: Any) -> None:
    """A change of a task is not read from a change of a case: what a type says, comes out."""
    assert from_data(to_data(good), cls) == good
    if bad is not None:
        with pytest.raises(InvalidInputError, match="kind: must be"):
            from_data(to_data(bad), cls)


PROBE = """
import sys
import casewright.codec as codec
codec.to_json([]), codec.problem_details
heavy = {"sqlalchemy", "asyncio", "pytest", "hypothesis", "orjson", "msgspec", "cattrs.preconf.json"} & set(sys.modules)
raise SystemExit(f"loaded {sorted(heavy)}" if heavy else 0)
"""


def test_import_is_light() -> None:
    """Importing and using the codec loads no adapter's library and no preconfigured converter."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
