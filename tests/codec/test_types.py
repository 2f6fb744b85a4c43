"""What the codec promises of types: what is asked for comes out, and nothing heavy is loaded for it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any, assert_type

import pytest
from cattrs.preconf.json import JsonConverter
from cattrs.preconf.json import make_converter as make_json_converter

from casewright import Case, Change, InvalidInputError, Permitted, Task, WorkItem
from casewright.codec import configure, from_data, from_json, make_converter, to_data, to_json
from casewright.domain.items import Item
from support.codec import a_change
from support.values import AT, a_case, a_task

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


@pytest.mark.parametrize("cls", [Item, WorkItem, Item | None], ids=str)
def test_items_are_told_apart(cls: Any) -> None:
    """An item comes back as the class that its kind says."""
    assert type(from_data(to_data(a_task()), cls)) is Task
    assert type(from_data(to_data(a_case()), cls)) is Case


def test_instants_keep_their_moment() -> None:
    """An instant given with any offset is the same moment, and is written in UTC (S3)."""
    data = {**GOOD_TASK, "due_at": "2026-03-29T02:30:00.25+05:30"}
    task = from_data(data, Task)
    assert task.due_at == datetime(2026, 3, 28, 21, 0, 0, 250_000, tzinfo=UTC)
    assert to_data(task)["due_at"] == "2026-03-28T21:00:00.250000Z"
    assert from_json(to_json(AT), datetime) == AT


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
