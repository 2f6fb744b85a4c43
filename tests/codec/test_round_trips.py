"""Every type comes back as it went out, whichever converter carries it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import pytest
from cattrs.preconf.json import make_converter as make_json_converter
from hypothesis import given
from hypothesis import strategies as st

from casewright import Actor, Case, Change, Event, Note, Reason, Task, verify
from casewright.codec import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.codec.known import reader_of
from support.codec import BY_TYPE, a_change, is_plain
from support.histories import long_histories
from support.values import thorough

CONVERTERS: dict[str, Callable[[], cattrs.BaseConverter]] = {
    "ours": make_converter,
    "preconf.json": lambda: configure(make_json_converter()),
    "Converter": lambda: configure(cattrs.Converter()),
    "without details": lambda: configure(cattrs.Converter(detailed_validation=False)),
    "BaseConverter": lambda: configure(cattrs.BaseConverter()),
}


@pytest.mark.parametrize("name", BY_TYPE)
def test_round_trip(name: str) -> None:
    """A value of every type is the same after JSON and back, to the last key and type."""
    cls, strategy = BY_TYPE[name]

    @thorough(60)
    @given(strategy)
    def check(value: Any) -> None:
        text = to_json(value)
        back = from_json(text, cls)
        assert back == value
        assert type(back) is type(value)
        assert to_json(back) == text  # 1 is not True, though Python finds them equal

    check()


@pytest.mark.parametrize("name", BY_TYPE)
def test_plain_data(name: str) -> None:
    """What is written is plain JSON data: exact dicts, lists, str, int, bool and None, and nothing else."""

    @thorough(30)
    @given(BY_TYPE[name][1])
    def check(value: Any) -> None:
        data = to_data(value)
        assert is_plain(data)
        assert json.loads(json.dumps(data)) == data

    check()


@pytest.mark.parametrize("make", CONVERTERS.values(), ids=CONVERTERS)
def test_any_converter(make: Callable[[], cattrs.BaseConverter]) -> None:
    """A converter of the user's own carries every type after `configure`, in the same form as ours."""
    converter = make()

    @thorough(60)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        cls, strategy = BY_TYPE[data.draw(st.sampled_from(sorted(BY_TYPE)))]
        value = data.draw(strategy)
        plain = converter.unstructure(value)
        assert plain == to_data(value)
        assert is_plain(plain)
        assert converter.structure(plain, cls) == value
        assert from_json(to_json([value], converter=converter), list[cls], converter=converter) == [value]

    check()


def test_every_class_is_tried() -> None:
    """No class that the codec reads is without a strategy here."""
    from casewright.codec.known import CLASSES

    tried = {cls for cls, _ in BY_TYPE.values() if isinstance(cls, type)}
    assert {cls for cls in CLASSES if cls not in tried} == set()
    assert all(reader_of(cls) for cls, _ in BY_TYPE.values())


def test_histories_still_verify() -> None:
    """A history that went through JSON verifies as before: every header is hashed to the same bytes (H4, H5)."""
    for events in long_histories(10, 5):
        back = from_json(to_json(events), list[Event])
        assert back == events
        assert verify(back) == ()


@pytest.mark.parametrize("cls", [Actor, Case, Change, Event, Note, Reason, Task])
def test_names_of_fields_are_keys(cls: Any) -> None:
    """The keys of an object are the names of the class's fields, in their order, after the key that tells its kind."""
    change = attrs.evolve(a_change(), before=a_change().after)
    note = Note(id="n", item_id="c1", version=2, body="b", author_id="ann", created_at=change.event.occurred_at)
    task = BY_TYPE["Task"][1].example() if cls is Task else None
    found = {Actor: Actor("ann"), Case: change.after, Change: change, Event: change.event, Note: note, Task: task}
    value = found.get(cls, Reason("c", "state", "t"))
    keys = [field.name for field in attrs.fields(cls)]
    assert list(to_data(value)) == (["kind", *keys] if cls in (Case, Task) else keys)
