"""JSON values: frozen once inside, within limits, and with one canonical text (E1, H4, S1, S2)."""

from __future__ import annotations

import copy
import json
import pickle
import random
from collections import UserDict
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import FrozenMapping, HistoryError, InvalidInputError
from casewright.domain.json_values import (
    EMPTY,
    JSON_MAX_BYTES,
    JSON_MAX_DEPTH,
    canonical_json,
    freeze_json,
    freeze_object,
    parse_canonical,
    parse_json,
)
from support.make_vectors import canonical
from support.values import (
    AT,
    CANARY,
    HOSTILE,
    Flood,
    impurities,
    json_inputs,
    names,
    nested,
    refusal,
    spoil,
    texts,
    thorough,
    unseen,
)


class CountingList(list[Any]):
    """A list that counts how much of it was read."""

    read = 0

    def __iter__(self) -> Iterator[Any]:
        for part in super().__iter__():
            self.read += 1
            yield part


def _type(value: object) -> str:
    return type(value).__name__


def plain(value: Any) -> Any:
    """Return a frozen value as the JSON parser of the standard library would have made it."""
    if isinstance(value, FrozenMapping):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, tuple) else value


@thorough(100)
@given(json_inputs())
def test_frozen_values_are_immutable_copies(value: Any) -> None:
    """A value is copied deeply when it is frozen: no change of what was passed in can reach it (E1)."""
    frozen = freeze_json(value, "field")
    before = copy.deepcopy(plain(frozen))
    assert list(impurities(frozen)) == []
    spoil(value)
    assert plain(frozen) == before
    assert hash(frozen) == hash(freeze_json(before, "field"))


@thorough(100)
@given(json_inputs())
def test_freezing_keeps_the_value_and_is_done_once(value: Any) -> None:
    """Freezing changes no value, and freezing what is frozen changes nothing (E1)."""
    frozen = freeze_json(value, "field")
    assert json.dumps(plain(frozen), sort_keys=True) == json.dumps(value, sort_keys=True)
    again = freeze_json(frozen, "field")
    assert (type(again), again) == (type(frozen), frozen)
    assert canonical_json(again) == canonical_json(frozen)


@thorough(100)
@given(json_inputs())
def test_canonical_text_is_that_of_the_oracle(value: Any) -> None:
    """The canonical text is what the independent oracle writes, and reads back as the same value (H4)."""
    frozen = freeze_json(value, "field")
    text = canonical_json(frozen)
    assert text == canonical(plain(frozen))
    for given_text in (text, text.encode(), json.dumps(plain(frozen)), json.dumps(plain(frozen), indent=3)):
        assert canonical_json(parse_json(given_text, "field")) == text
    assert canonical_json(parse_canonical(text)) == text


@thorough(100)
@given(st.dictionaries(texts(6), json_inputs(4), max_size=6), st.randoms(use_true_random=False))
def test_order_of_keys_does_not_matter(value: dict[str, Any], rng: random.Random) -> None:
    """Equal mappings have one canonical text and one hash, whatever the order of their keys (H4)."""
    keys = list(value)
    rng.shuffle(keys)
    one, two = freeze_json(value, "field"), freeze_json({key: value[key] for key in keys}, "field")
    assert one == two
    assert hash(one) == hash(two)
    assert canonical_json(one) == canonical_json(two)


@pytest.mark.parametrize("container", [dict, MappingProxyType, UserDict, FrozenMapping])
def test_any_mapping_and_any_sequence_is_taken(container: Any) -> None:
    """Every mapping with text keys and every list or tuple is taken for what it is."""
    assert freeze_json(container({"a": [1, (2,)]}), "field") == FrozenMapping({"a": (1, (2,))})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (1.5, "f"),
        ([1.5], "f[0]"),
        ({"a": [0, {"b": {2}}]}, "f.a[1].b"),
        ({"a\nb": {"c": b""}}, "f.?.c"),
        ({"k" * 101: 1j}, "f.?"),
        ({"a": {1: 2}}, "a key of f.a"),
        ({"a": ["x", "\0"]}, "f.a[1]"),
        ({"a": [2**63]}, "f.a[0]"),
    ],
)
def test_refusal_names_the_place(value: Any, path: str) -> None:
    """A refusal names the place of what is wrong, in printable text, and never the value (S6)."""
    with pytest.raises(InvalidInputError) as caught:
        freeze_json(value, "f")
    assert caught.value.field == path
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", [lambda part: [part], lambda part: (part,), lambda part: {"a": part}], ids="ltd")
def test_depth_limit_is_exact(kind: Any) -> None:
    """Values nested 16 deep are accepted, deeper ones refused, and 100,000 levels end no process (S1, S2)."""
    assert canonical_json(freeze_json(nested(JSON_MAX_DEPTH, kind), "f"))
    for depth in (JSON_MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(InvalidInputError, match=r"^f: is nested more than 16 deep; flatten it$"):
            freeze_json(nested(depth, kind), "f")


@pytest.mark.large
@thorough(200)
@given(
    json_inputs(), st.sampled_from(["a", "\u00e9", "\u20ac", "\U0001f642", "\n", "\x01", '"', "\\"]), st.integers(-2, 2)
)
def test_size_limit_is_exact(value: Any, filler: str, excess: int) -> None:
    """64 KiB of canonical bytes are accepted, one byte more is refused, whatever the value is made of (S1)."""
    start = [freeze_json(value, "f"), ""]
    room = JSON_MAX_BYTES - len(canonical_json(start).encode())
    width = len(canonical_json(filler).encode()) - 2
    whole = [value, filler * (room // width) + "x" * (room % width + excess)]
    size = len(canonical(plain(freeze_json(value, "f"))).encode()) + len(canonical(whole[1]).encode()) + 3
    if room % width + excess < 0:
        return
    assert size == JSON_MAX_BYTES + excess
    for given_value in (whole, tuple(whole)):
        assert bool(refusal(freeze_json, given_value, "f")) is (excess > 0)
    assert bool(refusal(parse_json, canonical(plain(whole)), "f")) is (excess > 0)


@pytest.mark.parametrize("filler", ["a", "\u00e9", "\u20ac", "\U0001f642", "\x01"])
def test_size_limit_holds_for_text_alone(filler: str) -> None:
    """Text that is the whole value has the same limit as any other value: 64 KiB of canonical bytes (S1)."""
    width = len(canonical(filler).encode()) - 2
    fits = filler * ((JSON_MAX_BYTES - 2) // width)
    assert freeze_json(fits, "f") == fits
    with pytest.raises(InvalidInputError, match="larger than 65536 bytes"):
        freeze_json(fits + filler, "f")


def test_huge_values_are_refused_early() -> None:
    """Of a value of 10 MB no more is looked at than the limit allows (S1)."""
    for huge in (Flood(), Flood([]), CountingList([1] * 200_000), CountingList([["a"]] * 200_000)):
        with pytest.raises(InvalidInputError, match="larger than 65536 bytes"):
            freeze_json({"a": huge}, "f")
        assert huge.read <= JSON_MAX_BYTES + 1
    for text in ({"a": unseen("a" * 10_000_000)}, {unseen("a" * 10_000_000): 1}):
        with pytest.raises(InvalidInputError, match="larger than 65536 bytes"):
            freeze_json(text, "f")


@pytest.mark.parametrize("text", ["[" + "0," * 5_000_000 + "0]", '"' + "a" * 10_000_000 + '"', "[" * 10_000_000])
@pytest.mark.parametrize("form", [str, str.encode])
def test_huge_json_is_refused_unread(text: str, form: Any) -> None:
    """10 MB of JSON text are refused by their length, before anything reads them (S1)."""
    with pytest.raises(InvalidInputError, match=r"^f: is longer than"):
        parse_json(unseen(form(text)), "f")


def test_hostile_values_meet_one_error() -> None:
    """Whatever is given, alone or inside, freezing accepts it or refuses it without repeating it (S1, S2)."""
    wraps: list[Any] = [lambda x: x, lambda x: [x], lambda x: {"a": x}, lambda x: ({"a": [x]}, 1)]
    texts_of_errors = [refusal(freeze_json, wrap(make()), "f") for make in HOSTILE for wrap in wraps]
    assert all(text.isprintable() and CANARY not in text for text in texts_of_errors)
    assert 20 < texts_of_errors.count("") < len(texts_of_errors) / 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a":1,"\\u0061":2}', "has the same key twice in one object"),
        ("[1.0]", "holds a number that is no integer; send it as text or in a smaller unit"),
        ("NaN", "holds a number that is no integer; send it as text or in a smaller unit"),
        ("1" * 21, "holds an integer beyond 64 bits"),
        ("-" + "1" * 5_000, "holds an integer beyond 64 bits"),
        (b'"\xff"', "is not UTF-8"),
        ("[" * 100_000, "is nested too deep; flatten it"),
        ("[" * 17 + "]" * 17, "is nested more than 16 deep; flatten it"),
        ("{", "is no JSON"),
        ("[" + "0," * 3_000_000 + "0]", "is longer than 4194304 characters of JSON; send less at a time"),
    ],
    ids=range(10),
)
def test_parser_says_what_is_wrong(text: str | bytes, problem: str) -> None:
    """A refusal of JSON text says what is wrong with it, in words without its content."""
    assert refusal(parse_json, text, "f") == f"f: {problem}"


@thorough(200)
@given(st.text(max_size=40) | st.binary(max_size=40) | st.text('[]{}",:0-+.eE\\u \ud800\0', max_size=30))
def test_parser_accepts_or_refuses_any_text(text: str | bytes) -> None:
    """Any text and any bytes are either JSON that comes out canonical, or refused with one error (S2)."""
    refused = refusal(parse_json, text, "f")
    assert refused.isprintable()
    assert refused or freeze_json(json.loads(text), "f") == parse_json(text, "f")


@thorough(100)
@given(st.dictionaries(names(), json_inputs(4), max_size=4))
def test_objects_have_names_as_keys(value: dict[str, Any]) -> None:
    """An object whose keys are names is frozen like any value."""
    assert freeze_object(value, "f") == freeze_json(value, "f")


@pytest.mark.parametrize("key", ["", " ", "a\nb", "\x1b", "k" * 101, "\u2028"])
def test_other_keys_are_refused_at_the_top_only(key: str) -> None:
    """A key that is no name is refused in attributes and inputs, but may stand deeper in the value."""
    with pytest.raises(InvalidInputError):
        freeze_object({key: 1}, "f")
    assert freeze_object({"a": {key: 1}}, "f") == FrozenMapping({"a": FrozenMapping({key: 1})})


@pytest.mark.parametrize(
    "bad", [None, [], "a", 1, {"a"}, [("a", 1)], True], ids=lambda bad: f"{type(bad).__name__}{bad}"
)
def test_objects_are_mappings(bad: object) -> None:
    """What is no mapping is refused, even where a dict could be made of it."""
    with pytest.raises(InvalidInputError, match=r"^f: must be a mapping, not"):
        freeze_object(bad, "f")


@thorough(100)
@given(st.dictionaries(texts(6), json_inputs(4), max_size=6))
def test_frozen_mapping_is_a_mapping(value: dict[str, Any]) -> None:
    """A frozen mapping reads like the dict it was made of, and equals it."""
    items: dict[str, Any] = {key: freeze_json(part, "f") for key, part in value.items()}
    frozen = FrozenMapping(items)
    assert (dict(frozen), len(frozen), list(frozen), bool(frozen)) == (items, len(items), list(items), bool(items))
    assert frozen == items == FrozenMapping(items.items())
    others: tuple[Any, ...] = ("absent absent", 1, None)
    for key in (*items, *others):
        assert (key in frozen) is (key in items)
        assert frozen.get(key, 7) == items.get(key, 7)
    with pytest.raises(KeyError):
        frozen["absent absent"]
    assert frozen != {**items, "absent absent": 1}


@thorough(100)
@given(json_inputs())
def test_frozen_values_travel(value: Any) -> None:
    """A frozen value survives pickle, copy and deepcopy, and its repr evaluates to an equal one (E1)."""
    frozen = freeze_json(value, "f")
    made = [pickle.loads(pickle.dumps(frozen, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in (*made, copy.copy(frozen), copy.deepcopy(frozen), eval(repr(frozen))):
        assert (type(other), other) == (type(frozen), frozen)
        assert hash(other) == hash(frozen)


def test_frozen_mapping_cannot_be_changed() -> None:
    """No statement changes a frozen mapping, and what it was made of does not reach it (E1)."""
    source = {"a": 1}
    frozen: Any = FrozenMapping(source)
    source["a"] = 2
    with pytest.raises(TypeError):
        frozen["a"] = 3
    with pytest.raises(TypeError):
        del frozen["a"]
    for name in ("update", "clear", "pop", "popitem", "setdefault"):
        assert not hasattr(frozen, name)
    with pytest.raises(AttributeError):
        frozen.b = 1
    with pytest.raises(TypeError):
        frozen |= {"b": 1}
    assert frozen == {"a": 1}
    assert EMPTY == {}


def test_stored_text_stays_readable_beyond_the_limits() -> None:
    """What was stored once is read back frozen, also if it would be over a limit today."""
    text = canonical({"a": [{"b": ["x" * (2 * JSON_MAX_BYTES)]}], "c": nested(40), "d": {}})
    stored = parse_canonical(text)
    assert list(impurities(stored)) == []
    assert canonical_json(stored) == text
    assert stored["d"] is EMPTY


@pytest.mark.parametrize("text", ["", "{", "nul", '{"a":1,"a":2}', "[" * 100_000, "9" * 5_000], ids=range(6))
def test_stored_text_that_is_no_json_is_a_broken_history(text: str) -> None:
    """Stored text that is no JSON is reported as a history that cannot be read, never as a foreign error (S2)."""
    with pytest.raises(HistoryError, match="no JSON"):
        parse_canonical(text)


@pytest.mark.parametrize("value", [b"", {1, 2}, AT, object()], ids=_type)
def test_only_json_has_canonical_text(value: object) -> None:
    """What is no JSON value has no canonical text (H4)."""
    with pytest.raises(TypeError):
        canonical_json({"a": value})


@pytest.mark.parametrize("bad", [None, 5, 1.5, True, ["[]"], {}, object()], ids=_type)
def test_parser_takes_text_and_bytes_only(bad: Any) -> None:
    """What is neither text nor bytes is no JSON text, and is refused like any other wrong type (S1)."""
    with pytest.raises(InvalidInputError):
        parse_json(bad, "f")
