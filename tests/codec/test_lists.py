"""Filters, orders, cursors and pages as JSON: what a list is asked for from outside, and what it answers (S4, S7)."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import pytest

from casewright import (
    UNSET,
    Case,
    CaseFilter,
    CreateTask,
    Cursor,
    InvalidInputError,
    OpenCase,
    Order,
    Page,
    Scope,
    Task,
    TaskFilter,
    Term,
)
from casewright.adapters.memory import MemoryStore
from casewright.codec import from_data, from_json, to_data, to_json
from support.buses import ANN, WRITER, a_bus
from support.values import AT, HOSTILE, a_case, a_task


def refused(data: object, cls: Any) -> str:
    """Return the text of the error that the data is refused with."""
    with pytest.raises(InvalidInputError) as caught:
        from_data(data, cls)
    return str(caught.value)


@pytest.mark.parametrize("cls", [TaskFilter, CaseFilter], ids=lambda cls: cls.__name__)
def test_a_condition_may_be_left_out(cls: Any) -> None:
    """A filter of no keys asks for everything; each key alone is that one condition."""
    assert from_data({}, cls) == cls()
    for name in attrs.fields_dict(cls):
        value: Any = {"open": False, "overdue_at": AT, "category": "done"}.get(name, "x")
        given: dict[str, Any] = {name: value}
        data = to_data(cls(**given))
        assert from_data({name: data[name]}, cls) == cls(**given)


@pytest.mark.parametrize("name", ["status", "category", "definition"])
def test_one_choice_or_several(name: str) -> None:
    """A choice may be one text or a list; it is written as a list, sorted, each once."""
    one: dict[str, Any] = {name: "done"}
    several: dict[str, Any] = {name: ["open", "done", "open"]}
    assert from_data(one, TaskFilter) == TaskFilter(**one)
    assert from_data(several, TaskFilter) == TaskFilter(**several)
    assert to_data(TaskFilter(**several))[name] == ["done", "open"]
    assert from_data({name: []}, TaskFilter) != TaskFilter()
    assert from_data({name: None}, TaskFilter) == TaskFilter()
    assert refused({name: {"done": 1}}, TaskFilter) == f"{name}: must be a list, not dict"
    assert refused({name: ["done", 5]}, TaskFilter).startswith(f"{name}: must be text, not int")
    assert refused([{name: [""]}], list[TaskFilter]).startswith(f"document[0].{name}: must not be blank")


@pytest.mark.parametrize("name", ["assignee_id", "case_id"])
def test_nobody_is_null_and_anybody_no_key(name: str) -> None:
    """Null asks for what nobody has or what is in no case; a key that is not there asks for any."""
    nobody: dict[str, Any] = {name: None}
    assert from_data(nobody, TaskFilter) == TaskFilter(**nobody)
    assert getattr(from_data({}, TaskFilter), name) is UNSET
    assert name not in to_data(TaskFilter())
    assert to_data(TaskFilter(**nobody))[name] is None


WRONG: list[tuple[str, Any, str]] = [
    ("open", 1, "open: must be True or False, not int"),
    ("open", "true", "open: must be True or False, not str"),
    ("assignee_id", 5, "assignee_id: must be text, not int"),
    ("assignee_id", "", "assignee_id: must not be blank"),
    ("created_by", "a\0", "created_by: holds NUL or a lone surrogate, which no store can keep; remove it"),
    ("category", "busy", "category: is no category; use one of draft, open, active, waiting, done, cancelled"),
    ("overdue_at", "2026-01-31T12:00:00", "overdue_at: has no time zone; give it one, such as tzinfo=UTC"),
    ("status", ["s"] * 101, "status: holds more than 100; pass fewer"),
    ("kind", "task", "kind: is unknown; there are "),
    ("tenant", "other", "tenant: is unknown; there are "),
    ("order", "id; drop table", "order: is unknown; there are "),
    ("where", "1=1", "where: is unknown; there are "),
]


@pytest.mark.parametrize(("name", "wrong", "problem"), WRONG)
def test_what_is_wrong_with_a_condition(name: str, wrong: Any, problem: str) -> None:
    """A condition that is wrong or unknown is refused by its name: nobody widens a list from outside (S4, S7)."""
    assert refused({name: wrong}, TaskFilter).startswith(problem)
    assert refused({name: wrong}, CaseFilter).startswith(problem)


def test_a_case_is_in_no_case() -> None:
    """A filter of cases has no condition on a case."""
    assert refused({"case_id": None}, CaseFilter).startswith("case_id: is unknown")


def test_orders_come_from_an_allow_list() -> None:
    """An order is read by name; another name, a wrong direction and another key are refused (S4, S7)."""
    assert from_data({}, Order) == Order()
    assert from_data({"by": "created"}, Order) == Order("created")
    assert refused({"by": "title"}, Order) == "by: is no order of a list; use id or created"
    assert refused({"by": "id desc"}, Order) == "by: is no order of a list; use id or created"
    assert refused({"descending": 1}, Order) == "descending: must be True or False, not int"
    assert refused({"nulls": "last"}, Order).startswith("nulls: is unknown; there are by, descending")


def test_a_cursor_is_its_token() -> None:
    """A cursor goes out and comes in as the text that stands in an address; its parts are no cursor."""
    order = Order("created")
    cursor = Cursor(order, order.key(a_task()))
    assert to_data(cursor) == cursor.token
    assert from_json(f'"{cursor.token}"', Cursor) == cursor
    assert refused(to_data(order), Cursor).startswith("document: is no cursor of a list")
    for make in HOSTILE:
        assert refused(make(), Cursor).startswith("document: is no cursor of a list")
    other = base64.urlsafe_b64encode(b'{"by":"title","descending":false,"key":["x"]}').decode()
    assert refused({"items": [], "next": other}, Page).startswith("next: is no cursor of a list")


def test_pages_come_back() -> None:
    """What a bus found is read as a page of tasks, of cases, or of either; the next one begins where it ended."""
    bus = a_bus(MemoryStore())
    for number in range(5):
        bus.execute(CreateTask("A", id=f"t-{number}"), by=ANN)
        bus.execute(OpenCase("A", id=f"c-{number}"), by=WRITER)
    tasks = bus.find(from_data({"status": "todo"}, TaskFilter), by=ANN, order=Order("created"), limit=2)
    cases = bus.find(from_json("{}", CaseFilter), by=WRITER, limit=2)
    assert from_json(to_json(tasks), Page[Task]) == tasks
    assert from_json(to_json(cases), Page[Case]) == cases
    assert from_json(to_json(cases), Page) == cases
    after = from_data(to_data(tasks)["next"], Cursor)
    rest = bus.find(TaskFilter(), by=ANN, order=Order("created"), after=after).items
    assert [item.id for item in rest] == ["t-2", "t-3", "t-4"]
    assert refused(to_data(tasks), Page[Case]).startswith('items[0].kind: must be "case" here')
    assert refused({"items": []} | {"total": 9}, Page).startswith("total: is unknown")
    assert refused({"next": None}, Page) == "items: is missing"


MOMENT = "2026-01-31T12:00:00.000000Z"
TERMS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "present", "name": "due_at", "values": []}, ""),
    ({"kind": "present", "name": "password", "values": []}, "name: is no field of an item"),
    ({"kind": "present", "name": "due_at", "values": [None]}, "values: must be empty here"),
    ({"kind": "before", "name": "due_at", "values": [MOMENT]}, ""),
    ({"kind": "before", "name": "due_at", "values": ["2026-01-31T13:00:00+01:00"]}, ""),
    ({"kind": "before", "name": "title", "values": [MOMENT]}, "name: is no field of an item"),
    ({"kind": "before", "name": "due_at", "values": []}, "values: must be one instant here"),
    ({"kind": "before", "name": "due_at", "values": [MOMENT, MOMENT]}, "values: must be one instant here"),
    ({"kind": "before", "name": "due_at", "values": ["9"]}, "values[0]: is no ISO 8601 time"),
    ({"kind": "before", "name": "due_at", "values": [5]}, "values[0]: must be an aware datetime, not int"),
]


@pytest.mark.parametrize(("data", "problem"), TERMS)
def test_terms_of_filters_are_read_as_strictly(data: dict[str, Any], problem: str) -> None:
    """A term on what no item has, or with values that it cannot take, is refused; an instant becomes canonical (S4)."""
    if problem:
        assert refused(data, Term).startswith(problem)
        assert refused({"alternatives": [[data]]}, Scope).startswith(f"alternatives[0][0].{problem}")
    else:
        term = from_data(data, Term)
        assert to_data(term) == {**data, "values": [MOMENT] if data["values"] else [], "negated": False}
        assert term.matches(a_task(due_at=AT.replace(year=2025)))
        assert not term.matches(a_case())
