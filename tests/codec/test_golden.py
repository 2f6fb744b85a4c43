"""The forms, written out: whoever stores or sends them may rely on every character."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from casewright import REGULATORY_CASE, TASK, Actor, Change, Event, Refused, Task, erase, seal
from casewright.codec import from_json, lifecycle_from_data, to_data, to_json
from support.codec_documents import GUARDS, guarded
from support.values import a_task

AT = datetime(2026, 1, 31, 13, 30, 0, 5, tzinfo=timezone(timedelta(hours=1)))
WRITER = Actor("wim", roles=["case_writer"], tenant="acme", on_behalf_of="rhea")

TASK_TEXT = (
    '{"kind":"task","id":"t1","tenant":"acme","definition":"task","lifecycle_version":1,"status":"todo",'
    '"category":"open","version":3,"title":"Grüße \\"an\\" alle","description":null,"priority":"high",'
    '"created_by":"ann","created_at":"2026-01-31T12:30:00.000005Z","updated_at":"2026-01-31T12:30:00.000005Z",'
    '"assignee_id":null,"due_at":"2026-01-31T12:30:00.000005Z","closed_at":null,"deleted_at":null,"tags":["a","b"],'
    '"attributes":{"z":1,"a":[true,null,{}]},"performers":["create","ann"],"head":"","case_id":"c1"}'
)

EVENT_TEXT = (
    '{"tenant":"acme","item_id":"c1","kind":"case","version":1,"action":"create","name":"created","from_status":null,'
    '"to_status":"DRAFT","category":"draft","actor_id":"wim","on_behalf_of":"rhea",'
    '"occurred_at":"2026-01-31T12:30:00.000005Z","recorded_at":"2026-01-31T12:30:00.000005Z","schema":1,'
    '"definition":"regulatory_case","lifecycle_version":1,"correlation_id":null,"causation_id":null,"traceparent":null,'
    '"changed":["attributes","title"],"previous":"",'
    '"payload_digest":"fdf1a093269ecf613ec142915393dfdb23ce675a6b343b2e694a958e1bd3d263",'
    '"digest":"5c8f310d2c11b2b13bbaab27dd0f294f82a78767184ea7c5a31d51442ec70726",'
    '"payload":"{\\"changes\\":{\\"attributes\\":{\\"a\\":2,\\"b\\":1},\\"title\\":\\"A matter\\"},\\"inputs\\":{}}",'
    '"salt":"00000000000000000000000000000000"}'
)

REFUSAL_TEXT = (
    '{"permitted":false,"reasons":[{"code":"wrong_state","phase":"state",'
    '"text":"block is possible from in_progress only, not from todo",'
    '"params":{"status":"todo","sources":["in_progress"],"possible":["start","complete","cancel"]}},'
    '{"code":"input_missing","phase":"input","text":"give a reason","params":{"input":"reason"}}]}'
)

LIFECYCLE_DATA = {
    "states": {"new": "open", "ready": "open", "held": "waiting", "over": "done", "gone": "cancelled"},
    "initial": {"any_of": ["new", "ready"]},
    "transitions": [
        {
            "action": "finish",
            "sources": ["new", "ready"],
            "target": "over",
            "inputs": [],
            "guards": [
                {"code": "open_tasks", "text": "finish or cancel the open tasks first"},
                {"code": "paid", "text": "wait for the fee"},
            ],
            "effects": [],
            "event": "finished",
        },
        {
            "action": "take",
            "sources": ["new"],
            "target": "ready",
            "inputs": [
                {
                    "name": "by_id",
                    "kind": "actor",
                    "optional": False,
                    "clearable": False,
                    "max_length": 255,
                    "choices": [],
                },
                {
                    "name": "how",
                    "kind": "choice",
                    "optional": True,
                    "clearable": False,
                    "max_length": 255,
                    "choices": ["fast", "slow"],
                },
            ],
            "guards": [{"code": "paid", "text": "wait for the fee"}],
            "effects": [
                {"field": "assignee_id", "source": "by_id"},
                {"field": "due_at", "value": None},
                {"field": "attributes.seen", "value": [True]},
            ],
            "event": None,
        },
    ],
    "administrative": ["held"],
    "legacy": ["gone"],
    "version": 3,
}


def _sealed() -> Change[Any]:
    decision = REGULATORY_CASE.create("c1", by=WRITER, at=AT, title="A matter", attributes={"b": 1, "a": 2})
    assert decision
    assert decision.change
    return seal(decision.change, recorded_at=AT, salt="0" * 32)


def test_task() -> None:
    """A task is an object of its fields, with instants in UTC and attributes in their order."""
    fields: dict[str, Any] = {"title": 'Grüße "an" alle', "tags": ["b", "a"], "created_at": AT, "due_at": AT}
    fields |= {"attributes": {"z": 1, "a": [True, None, {}]}, "performers": ["create", "ann"], "priority": "high"}
    task = a_task(id="t1", tenant="acme", version=3, case_id="c1", **fields)
    assert to_json(task) == TASK_TEXT
    assert from_json(TASK_TEXT, Task) == task


def test_event() -> None:
    """An event is an object of its header, with the payload as the text that was hashed and its salt."""
    event = _sealed().event
    assert to_json(event) == EVENT_TEXT
    assert from_json(EVENT_TEXT, Event) == event


def test_erased_event() -> None:
    """An erased event has None for payload and salt, and is as it was in all else."""
    event = erase(_sealed().event)
    data = to_data(event)
    assert (data["payload"], data["salt"]) == (None, None)
    assert data | {"payload": "", "salt": ""} == to_data(_sealed().event) | {"payload": "", "salt": ""}
    assert from_json(to_json(event), Event) == event
    assert event.erased


def test_refusal() -> None:
    """A refusal says so, with every reason."""
    refused = TASK.decide(a_task(), "block", by=Actor("ann"), at=AT)
    assert to_json(refused) == REFUSAL_TEXT
    assert from_json(REFUSAL_TEXT, Refused) == refused


def test_lifecycle() -> None:
    """A lifecycle is its data, with each guard as its code and its sentence."""
    assert to_data(guarded()) == LIFECYCLE_DATA
    assert lifecycle_from_data(LIFECYCLE_DATA, guards=GUARDS) == guarded()
