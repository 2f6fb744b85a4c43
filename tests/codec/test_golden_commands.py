"""The forms of commands and lists, written out: whoever queues or sends them may rely on every character."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    COMMANDS,
    CaseFilter,
    Command,
    CreateTask,
    Cursor,
    Edit,
    Order,
    Outcome,
    Page,
    StartTask,
    Task,
    TaskFilter,
)
from casewright.codec import from_json, to_json
from support.commands import AnyCommand, good
from support.values import AT, a_note, a_task

ITEM = (
    '"title":"Paint the fence","id":"x-1","definition":"own","status":"todo","reason":"it rained",'
    '"description":"Both sides.","priority":"high","assignee_id":"bob","due_at":"2026-01-31T12:00:00.000000Z",'
    '"tags":["garden","wood"],"attributes":{"litres":2,"colours":["red",{"rim":null}]}'
)
TEXTS: dict[str, str] = {
    "CreateTask": '{"command":"create_task",' + ITEM + ',"case_id":"c-1"}',
    "StartTask": '{"command":"start_task","item_id":"t-1"}',
    "BlockTask": '{"command":"block_task","item_id":"t-1","reason":"it rains"}',
    "UnblockTask": '{"command":"unblock_task","item_id":"t-1"}',
    "CompleteTask": '{"command":"complete_task","item_id":"t-1"}',
    "CancelTask": '{"command":"cancel_task","item_id":"t-1","reason":"no fence"}',
    "ReopenTask": '{"command":"reopen_task","item_id":"t-1"}',
    "OpenCase": '{"command":"open_case",' + ITEM + "}",
    "SubmitCase": '{"command":"submit_case","item_id":"c-1"}',
    "StartReview": '{"command":"start_review","item_id":"c-1","reviewer_id":"rita"}',
    "EscalateCase": '{"command":"escalate_case","item_id":"c-1","reason":"hard"}',
    "CloseCase": '{"command":"close_case","item_id":"c-1","reason":"done"}',
    "Edit": (
        '{"command":"edit","item_id":"x-1","title":"Paint","description":null,"priority":"low",'
        '"attributes":{"litres":null,"brushes":[1,{"wide":true}]}}'
    ),
    "Assign": '{"command":"assign","item_id":"x-1","assignee_id":"bob"}',
    "Claim": '{"command":"claim","item_id":"x-1"}',
    "Release": '{"command":"release","item_id":"x-1"}',
    "SetDue": '{"command":"set_due","item_id":"x-1","due_at":"2026-01-31T12:00:00.000000Z"}',
    "Tag": '{"command":"tag","item_id":"x-1","add":["a","b"],"remove":["c"]}',
    "AddNote": '{"command":"add_note","item_id":"x-1","body":"It rained.","note_id":"n-1"}',
    "Correct": '{"command":"correct","item_id":"x-1","status":"done","reason":"a slip"}',
    "Delete": '{"command":"delete","item_id":"x-1"}',
    "Perform": (
        '{"command":"perform","item_id":"x-1","action":"paint","inputs":{"coats":2,"colours":["red"],'
        '"until":"2026-01-31T12:00:00.000000Z","tools":["brush","roller"]}}'
    ),
}


@pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)
def test_command(cls: type[AnyCommand]) -> None:
    """A command is an object of its name and its fields, in their order."""
    assert to_json(good(cls)) == TEXTS[cls.__name__]
    assert from_json(TEXTS[cls.__name__], Command) == good(cls)


def test_command_of_which_little_is_said() -> None:
    """What is None is null, what is UNSET is no key, and what is empty is an empty list."""
    assert to_json(CreateTask("A")) == (
        '{"command":"create_task","title":"A","id":null,"definition":null,"status":null,"reason":null,'
        '"description":null,"priority":null,"assignee_id":null,"due_at":null,"tags":[],"attributes":null,"case_id":null}'
    )
    assert to_json(Edit("x-1", priority=None)) == '{"command":"edit","item_id":"x-1","priority":null}'
    assert from_json('{"item_id":"x-1"}', StartTask) == StartTask("x-1")


LISTS: dict[str, tuple[Any, Any, str]] = {
    "filter of tasks": (
        TaskFilter,
        TaskFilter(status="todo", category=["open", "draft"], open=True, assignee_id=None, overdue_at=AT, case_id="c"),
        '{"status":["todo"],"category":["draft","open"],"open":true,"assignee_id":null,'
        '"definition":null,"overdue_at":"2026-01-31T12:00:00.000000Z","case_id":"c"}',
    ),
    "filter of cases": (
        CaseFilter,
        CaseFilter(created_by="ann"),
        '{"status":null,"category":null,"open":null,"created_by":"ann","definition":null,"overdue_at":null}',
    ),
    "order": (Order, Order("created", descending=True), '{"by":"created","descending":true}'),
    "cursor": (Cursor, Cursor(Order(), ("x-1",)), '"eyJieSI6ImlkIiwiZGVzY2VuZGluZyI6ZmFsc2UsImtleSI6WyJ4LTEiXX0"'),
    "last page": (Page, Page(()), '{"items":[],"next":null}'),
    "page": (
        Page[Task],
        Page((a_task(),), Cursor(Order(), ("x1",))),
        f'{{"items":[{to_json(a_task())}],"next":"eyJieSI6ImlkIiwiZGVzY2VuZGluZyI6ZmFsc2UsImtleSI6WyJ4MSJdfQ"}}',
    ),
    "outcome": (
        Outcome,
        Outcome(a_note(), a_task()),
        f'{{"result":{to_json(a_note())},"item":{to_json(a_task())},"events":[],"replayed":false}}',
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_list(name: str) -> None:
    """A filter is an object of its conditions, a cursor its token, a page and an outcome objects of their parts."""
    cls, value, text = LISTS[name]
    assert to_json(value) == text
    assert from_json(text, cls) == value
