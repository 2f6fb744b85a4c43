"""Values: at random, hostile, and walked to their last leaf; zones that need no database on the machine."""

from __future__ import annotations

import io
import struct
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from casewright import Actor, Case, Category, FrozenMapping, InvalidInputError, Note, Payload, Priority, Task

AT: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
ADMIN: Final = Actor("root", roles=["admin"])
CANARY: Final = "kanarienvogel"
"""Stands in each text of a random history that may be personal."""


def thorough(examples: int) -> settings:
    """Return settings for that many examples on a machine that others load too."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


def a_task(**fields: Any) -> Task:
    """Return a task of which only the fields that matter are named."""
    return Task(**{**_ONE, "definition": "task", "status": "todo", "category": Category.OPEN, **fields})


def a_case(**fields: Any) -> Case:
    """Return a case of which only the fields that matter are named."""
    given = {"definition": "regulatory_case", "status": "DRAFT", "category": Category.DRAFT, **fields}
    return Case(**{**_ONE, **given})


def a_note(**fields: Any) -> Note:
    """Return a note of which only the fields that matter are named."""
    given = {"id": "n1", "item_id": "x1", "version": 2, "body": "b", "author_id": "ann", "created_at": AT, **fields}
    return Note(**given)


_ONE: Final[Mapping[str, Any]] = {"id": "x1", "title": "t", "created_by": "ann", "created_at": AT}


def texts(most: int = 30) -> st.SearchStrategy[str]:
    """Return any text that a store can hold."""
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=most)


def names(most: int = 20) -> st.SearchStrategy[str]:
    """Return names and ids: printable and not blank."""
    kinds = st.characters(categories=["L", "M", "N", "P", "S", "Zs"])
    return st.text(kinds, min_size=1, max_size=most).filter(lambda name: name.isprintable() and not name.isspace())


def json_inputs(leaves: int = 10) -> st.SearchStrategy[Any]:
    """Return JSON values as callers have them: with lists, tuples and dicts."""
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts()
    return st.recursive(
        scalars,
        lambda part: (
            st.lists(part, max_size=4) | st.lists(part, max_size=3).map(tuple) | st.dictionaries(texts(9), part)
        ),
        max_leaves=leaves,
    )


def instants() -> st.SearchStrategy[datetime]:
    """Return aware datetimes in many offsets."""
    offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    early, late = AT.replace(year=2, tzinfo=None), AT.replace(year=9998, tzinfo=None)
    return st.datetimes(early, late, timezones=offsets)


def _attributes() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names(), json_inputs(), max_size=4)


_ids: Final = names()
_optional_ids: Final = st.none() | _ids
_optional_instants: Final = st.none() | instants()


def actor_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Return what an actor is made of, in containers that a caller could change later."""
    return st.fixed_dictionaries(
        {"id": _ids, "roles": st.lists(names()) | st.sets(names()), "attributes": _attributes(), "tenant": _ids},
        optional={"on_behalf_of": _optional_ids},
    )


def _item_fields(**own: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": _ids,
            "definition": names(),
            "status": names(),
            "category": st.sampled_from(Category),
            "title": texts().filter(lambda title: bool(title) and not title.isspace()),
            "created_by": _ids,
            "created_at": instants(),
            "tags": st.lists(names(), max_size=5) | st.sets(names(), max_size=5),
            "attributes": _attributes(),
            "performers": st.lists(st.tuples(names(), _ids), max_size=3).map(lambda pairs: [*sum(pairs, ())]),
        },
        optional={
            "tenant": _ids,
            "lifecycle_version": st.integers(1, 2**63 - 1),
            "version": st.integers(1, 2**63 - 1),
            "description": st.none() | texts(),
            "priority": st.none() | st.sampled_from([*Priority, "low", "urgent"]),
            "updated_at": instants(),
            "assignee_id": _optional_ids,
            "due_at": _optional_instants,
            "closed_at": _optional_instants,
            "deleted_at": _optional_instants,
            "head": texts(),
            **own,
        },
    )


def task_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Return what a task is made of."""
    return _item_fields(case_id=_optional_ids)


def case_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Return what a case is made of."""
    return _item_fields(open_tasks=st.integers(0, 2**63 - 1))


def note_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Return what a note is made of."""
    required = {"id": _ids, "item_id": _ids, "author_id": _ids, "body": texts(), "created_at": instants()}
    return st.fixed_dictionaries({**required, "version": st.integers(1, 9)}, optional={"tenant": _ids})


def impurities(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything reachable that could be changed."""
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from impurities(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Payload):
        yield from impurities((value.inputs, value.changes), f"{path}.payload")
    elif isinstance(value, FrozenMapping):
        for key, part in value.items():
            yield from impurities(key, f"{path} key")
            yield from impurities(part, f"{path}[{key!r}]")
    elif type(value) in (tuple, frozenset):
        for part in value:
            yield from impurities(part, f"{path}[]")
    elif not (isinstance(value, Enum) or type(value) in (type(None), bool, int, str, datetime)):
        yield f"{path}: {type(value).__name__}"


def spoil(value: Any) -> None:
    """Change every list, dict and set inside."""
    if isinstance(value, Mapping):
        parts = list(value.values())
    else:
        parts = list(value) if isinstance(value, (list, tuple)) else []
    for part in parts:
        spoil(part)
    if isinstance(value, list):
        value.append("spoilt")
    elif isinstance(value, set):
        value.add("spoilt")
    elif isinstance(value, dict):
        value["spoilt"] = "spoilt"


def nested(depth: int, kind: Callable[[Any], Any] = lambda part: [part]) -> Any:
    """Return a value that is nested that deep, without recursion."""
    value: Any = 0
    for _ in range(depth):
        value = kind(value)
    return value


def cyclic() -> list[Any]:
    """Return a list that holds itself, twice."""
    value: list[Any] = []
    value.extend((value, value))
    return value


def unseen(text: str | bytes) -> Any:
    """Return the text as one that may be measured, but not looked at."""

    def touched(*_: object) -> Any:
        raise AssertionError("it was looked at")

    looks = ("__contains__", "__iter__", "decode", "encode", "isascii", "isprintable", "isspace", "startswith", "strip")
    return type("Unseen", (type(text),), dict.fromkeys(looks, touched))(text)


def refusal(function: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """Return the text of the InvalidInputError that a call raises; empty where it raises none."""
    try:
        function(*args, **kwargs)
    except InvalidInputError as error:
        return str(error)
    return ""


class Flood(Mapping[str, Any]):
    """A mapping of 200,000 keys that counts how many of them were read."""

    read = 0

    def __init__(self, part: Any = 1) -> None:
        """Remember what each key has."""
        self.part = part

    def __getitem__(self, key: str) -> Any:
        if key in self:
            return self.part
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.startswith("flood")

    def __len__(self) -> int:
        return 200_000

    def __iter__(self) -> Iterator[str]:
        for number in range(200_000):
            self.read += 1
            yield f"flood{number}"


class _Colour(Enum):
    RED = 1


ODD: Final[tuple[Callable[[], Any], ...]] = (
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 2**63,
    lambda: -(2**63) - 1,
    lambda: 10**5_000,
    lambda: 1.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: 1j,
    lambda: Decimal("1.0"),
    lambda: "",
    lambda: " ",
    lambda: "\t\n",
    lambda: "\u3000",
    lambda: f"{CANARY}\0",
    lambda: f"{CANARY}\ud800",
    lambda: f"\udfff{CANARY}",
    lambda: f"{CANARY}\n{CANARY}",
    lambda: f"\x1b[31m{CANARY}\u202e",
    lambda: f"{CANARY}\u2028\x7f\x85",
    lambda: f"{CANARY}; DROP TABLE item; --",
    lambda: "%s%n{0.__class__}",
    lambda: "2026-01-31T12:00:00",
    lambda: "0001-01-01T00:00:00+23:59",
    CANARY.encode,
    lambda: bytearray(b"\xff"),
    lambda: memoryview(b"x"),
    lambda: AT.replace(tzinfo=None),
    lambda: datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
    lambda: date(2026, 1, 31),
    lambda: timedelta(1),
    lambda: [],
    lambda: [CANARY] * 3,
    lambda: ["\0"],
    lambda: [[]],
    lambda: [None],
    lambda: [1.5],
    lambda: (1, {2}),
    lambda: {"b", "a"},
    lambda: frozenset({1}),
    lambda: iter([CANARY, 1]),
    lambda: (part for part in (1, 2)),
    lambda: range(3),
    lambda: {},
    lambda: {"a": 1.5},
    lambda: {1: "a"},
    lambda: {None: "a"},
    lambda: {"\0": 1},
    lambda: {"\ud800": 1},
    lambda: {"": 1},
    lambda: {"a\nb": CANARY},
    lambda: {"k" * 101: 1},
    lambda: {"a": {"b": {"c": {1}}}},
    lambda: UserDict({"a": object()}),
    lambda: nested(17),
    lambda: _Colour.RED,
    lambda: Priority.HIGH,
    lambda: Category,
    object,
    lambda: len,
    lambda: ...,
    lambda: ValueError(CANARY),
)
"""Makers of small values that somebody may give where something else is meant; each makes a new one."""

HUGE: Final[tuple[Callable[[], Any], ...]] = tuple(
    map(
        cache,
        (
            lambda: CANARY * 1_000,
            lambda: "\u20ac" * 70_000,
            lambda: "a" * 10_000_000,
            lambda: nested(100_000),
            lambda: nested(100_000, lambda part: {"a": part}),
            cyclic,
            lambda: list(range(70_000)),
            lambda: [CANARY * 10] * 7_000,
        ),
    )
)
"""Makers of values that are far too large or too deep; each made once."""

HOSTILE: Final = (*ODD, *HUGE)


TZIF_RULES: Final = (
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "GMT0BST,M3.5.0/1,M10.5.0",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
    "<+0545>-5:45",
    "<+14>-14",
    "<-12>12",
)
"""The rules of ten places, in POSIX notation: half hours, two hours, quarters and both ends of the world."""


def zone(rule: str) -> ZoneInfo:
    """Return the zone of a POSIX rule: the tests need no zone database on the machine."""
    block = struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"LMT\0"
    head = b"TZif2" + bytes(15)
    return ZoneInfo.from_file(io.BytesIO(head + block + head + block + b"\n" + rule.encode() + b"\n"), key=rule)
