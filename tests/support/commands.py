"""Commands, filters and what comes of them: one good example of each command, and strategies for any of them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import strategies as st

from casewright import (
    COMMANDS,
    UNSET,
    AddNote,
    Assign,
    BlockTask,
    CancelTask,
    CaseFilter,
    Category,
    Claim,
    CloseCase,
    Command,
    CompleteTask,
    Correct,
    CreateTask,
    Cursor,
    Delete,
    Edit,
    EscalateCase,
    OpenCase,
    Order,
    Page,
    Perform,
    Priority,
    Release,
    ReopenTask,
    SetDue,
    StartReview,
    StartTask,
    SubmitCase,
    Tag,
    Task,
    TaskFilter,
    UnblockTask,
)
from casewright.domain.events import RESERVED
from support import values

AnyCommand: TypeAlias = Command[Any]

_ITEM: Final[Mapping[str, Any]] = {
    "title": "Paint the fence",
    "id": "x-1",
    "definition": "own",
    "status": "todo",
    "reason": "it rained",
    "description": "Both sides.",
    "priority": Priority.HIGH,
    "assignee_id": "bob",
    "due_at": values.AT,
    "tags": ["wood", "garden", "wood"],
    "attributes": {"litres": 2, "colours": ["red", {"rim": None}]},
}
_GOOD: Final[Mapping[type[AnyCommand], Mapping[str, Any]]] = {
    CreateTask: {**_ITEM, "case_id": "c-1"},
    StartTask: {"item_id": "t-1"},
    BlockTask: {"item_id": "t-1", "reason": "it rains"},
    UnblockTask: {"item_id": "t-1"},
    CompleteTask: {"item_id": "t-1"},
    CancelTask: {"item_id": "t-1", "reason": "no fence"},
    ReopenTask: {"item_id": "t-1"},
    OpenCase: _ITEM,
    SubmitCase: {"item_id": "c-1"},
    StartReview: {"item_id": "c-1", "reviewer_id": "rita"},
    EscalateCase: {"item_id": "c-1", "reason": "hard"},
    CloseCase: {"item_id": "c-1", "reason": "done"},
    Edit: {
        "item_id": "x-1",
        "title": "Paint",
        "description": None,
        "priority": "low",
        "attributes": {"litres": None, "brushes": [1, {"wide": True}]},
    },
    Assign: {"item_id": "x-1", "assignee_id": "bob"},
    Claim: {"item_id": "x-1"},
    Release: {"item_id": "x-1"},
    SetDue: {"item_id": "x-1", "due_at": values.AT},
    Tag: {"item_id": "x-1", "add": ["b", "a", "b"], "remove": {"c"}},
    AddNote: {"item_id": "x-1", "body": "It rained.", "note_id": "n-1"},
    Correct: {"item_id": "x-1", "status": "done", "reason": "a slip"},
    Delete: {"item_id": "x-1"},
    Perform: {
        "item_id": "x-1",
        "action": "paint",
        "inputs": {"coats": 2, "colours": ["red"], "until": values.AT, "tools": {"roller", "brush"}},
    },
}


def good_fields(cls: type[AnyCommand]) -> dict[str, Any]:
    """Return values for every field of a command, in containers of one's own; a KeyError says that a row lacks."""
    return deepcopy(dict(_GOOD[cls]))


def fields_of(cls: Any) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of a command's class."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
    return fields


def good(cls: type[AnyCommand]) -> AnyCommand:
    """Return a command with a value in every field."""
    return cls(**good_fields(cls))


_ids: Final = values.names()
_texts: Final = st.none() | values.texts() | st.just(" ")
_people: Final = st.none() | _ids | st.just("")
_objects: Final = st.dictionaries(values.names(), values.json_inputs(5), max_size=3)
_tags: Final = st.lists(values.names(), max_size=3) | st.sets(values.names(), max_size=3)
_priorities: Final = st.none() | st.sampled_from([*Priority, "low", "unknown"])
_instants: Final = st.none() | values.instants() | st.just(" ")
_inputs: Final = st.dictionaries(
    values.names(),
    values.json_inputs(5) | values.instants() | st.sets(values.names(), max_size=3) | st.sampled_from(Category),
    max_size=3,
)

_BY_FIELD: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "action": _ids.filter(lambda name: name not in {*RESERVED}) | st.sampled_from(["edit", "start", "delete"]),
    "add": _tags,
    "assignee_id": _people,
    "attributes": st.none() | _objects,
    "body": _texts,
    "case_id": st.none() | _ids,
    "definition": st.none() | _ids,
    "description": _texts,
    "due_at": _instants,
    "id": st.none() | _ids,
    "inputs": _inputs,
    "item_id": _ids,
    "note_id": _people,
    "priority": _priorities,
    "reason": _texts,
    "remove": _tags,
    "reviewer_id": _people,
    "status": st.none() | _ids | st.just(" "),
    "tags": _tags,
    "title": _texts,
}
_EDITED: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "title": st.just(UNSET) | values.texts(),
    "description": st.just(UNSET) | _texts,
    "priority": st.just(UNSET) | _priorities,
    "attributes": st.just(UNSET) | _objects,
}


def commands_of(cls: Any) -> st.SearchStrategy[AnyCommand]:
    """Return a strategy for commands of a class, as callers may build them; what has a default may be left out."""
    own = {Edit: _EDITED, SetDue: {"due_at": st.just(UNSET) | _instants}}.get(cls, {})
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields_of(cls):
        known = required if field.default is attrs.NOTHING else optional
        known[field.name] = {**_BY_FIELD, **own}[field.name]
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: cls(**given))


def commands() -> st.SearchStrategy[AnyCommand]:
    """Return a strategy for all commands there are."""
    return st.sampled_from(COMMANDS).flatmap(commands_of)


def filters(cls: type[TaskFilter | CaseFilter] = TaskFilter) -> st.SearchStrategy[Any]:
    """Return a strategy for filters, as callers may build them."""
    several = st.none() | _ids | st.lists(_ids, max_size=3)
    holders = st.just(UNSET) | st.none() | _ids
    conditions: dict[str, st.SearchStrategy[Any]] = {
        "status": several,
        "category": st.none() | st.sampled_from(Category) | st.sets(st.sampled_from(Category)),
        "open": st.none() | st.booleans(),
        "assignee_id": holders,
        "created_by": _ids,
        "definition": several,
        "overdue_at": st.none() | values.instants(),
    }
    if cls is TaskFilter:
        conditions["case_id"] = holders
    return st.fixed_dictionaries({}, optional=conditions).map(lambda given: cls(**given))


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    """Return a strategy for cursors of every order."""
    order = Order(draw(st.sampled_from(["id", "created"])), descending=draw(st.booleans()))
    last = values.a_task(id=draw(values.names(255)), created_at=draw(values.instants()))
    return Cursor(order, order.key(last))


def pages(items: st.SearchStrategy[Task]) -> st.SearchStrategy[Page[Task]]:
    """Return a strategy for pages of such items."""
    return st.builds(Page, st.lists(items, max_size=3).map(tuple), st.none() | cursors())
