"""The example of a web application: what its clients are answered, and what they are not told."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from casewright import REGULATORY_CASE, Actor, CommandBus, StorageError, SubmitCase, erase, seal
from casewright.testing.builders import SOME_TIME

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fastapi_app.py"
PAGE = ROOT / "docs" / "how-to" / "put-under-fastapi.md"

WIM, RITA, SAM = ({"Authorization": f"Bearer token-of-{name}"} for name in ("wim", "rita", "sam"))


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("fastapi_app", EXAMPLE)
    assert spec
    assert spec.loader
    module = sys.modules["fastapi_app"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fastapi_app"]


@pytest.fixture
def client(example: ModuleType, tmp_path: Path) -> Iterator[TestClient]:
    """A client of the application, on a database with one draft: R-17."""
    engine = create_engine(f"sqlite:///{tmp_path / 'cases.db'}")
    client = TestClient(example.create_app(engine))
    assert client.post("/cases", json={"id": "R-17", "title": "Prospectus"}, headers=WIM).status_code == 201
    yield client
    engine.dispose()


def told(answer: Any) -> tuple[int, str]:
    """Return the status of a problem, and its code."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["code"]


def test_a_case_goes_its_way(client: TestClient) -> None:
    """A case is submitted, reviewed and closed; each answer is the item with its version as ETag."""
    steps = [
        client.post("/items/R-17/actions/submit", headers=WIM),
        client.post("/cases/R-17/review", json={"reviewer_id": "rita"}, headers=RITA | {"If-Match": '"2"'}),
        client.post("/items/R-17/actions/close", json={"reason": "fine"}, headers=RITA | {"If-Match": '"3"'}),
        client.get("/items/R-17", headers=WIM),
    ]
    assert [(step.status_code, step.headers["ETag"], step.json()["status"]) for step in steps] == [
        (200, '"2"', "SUBMITTED"),
        (200, '"3"', "UNDER_REVIEW"),
        (200, '"4"', "CLOSED"),
        (200, '"4"', "CLOSED"),
    ]
    history = client.get("/items/R-17/history", params={"after": 1}, headers=WIM).json()
    assert [(event["version"], event["actor_id"], event["action"]) for event in history] == [
        (2, "wim", "submit"),
        (3, "rita", "start_review"),
        (4, "rita", "close"),
    ]


def test_a_request_that_is_sent_again_is_done_once(client: TestClient) -> None:
    """The same request under the same key is answered as the first time; another body is a conflict (I1, I3)."""
    keyed = WIM | {"Idempotency-Key": "4711"}
    first, again = (client.post("/cases", json={"title": "Fund"}, headers=keyed) for _ in range(2))
    assert (again.status_code, again.json(), again.headers["ETag"]) == (201, first.json(), first.headers["ETag"])
    assert told(client.post("/cases", json={"title": "Other"}, headers=keyed)) == (409, "idempotency_key_reused")
    for number in (2, 2):
        sent = client.post("/items/R-17/actions/submit", headers=WIM | {"Idempotency-Key": "4712", "If-Match": '"1"'})
        assert (sent.status_code, sent.json()["version"]) == (200, number)


@pytest.mark.parametrize(
    ("path", "headers", "body", "expected"),
    [
        ("/cases", RITA, {"title": "Prospectus"}, (403, "refused")),
        ("/cases", WIM, {"title": "Prospectus", "id": "R-17"}, (409, "already_exists")),
        ("/cases", WIM, {"title": " "}, (422, "refused")),
        ("/cases", WIM, {"title": "Prospectus", "state": "CLOSED"}, (422, "invalid_input")),
        ("/cases", WIM, {"title": "Prospectus", "attributes": {"fee": 1.5}}, (422, "invalid_input")),
        ("/cases", WIM, ["Prospectus"], (422, "invalid_input")),
        ("/items/R-17/actions/close", WIM, {"reason": "fine"}, (403, "refused")),
        ("/items/R-17/actions/close", RITA, {"reason": "fine"}, (409, "refused")),
        ("/items/R-17/actions/create", WIM, {}, (422, "invalid_input")),
        ("/items/R-17/actions/edit", WIM, {"headline": "New"}, (422, "refused")),
        ("/items/R-18/actions/submit", WIM, {}, (404, "not_found")),
        ("/items/R-17/actions/submit", WIM | {"If-Match": '"7"'}, {}, (412, "stale_version")),
        ("/items/R-17/actions/submit", WIM | {"If-Match": "seven"}, {}, (422, "invalid_input")),
        ("/items/R-17/actions/submit", WIM | {"If-Match": "*"}, {}, (422, "invalid_input")),
        ("/items/R-17/actions/submit", WIM | {"If-Match": 'W/"1"'}, {}, (422, "invalid_input")),
        ("/items/R-17/actions/submit", WIM | {"If-Match": '"1", "2"'}, {}, (422, "invalid_input")),
        ("/cases/R-17/review", RITA, {"reviewer_id": "rita", "status": "CLOSED"}, (422, "invalid_input")),
        ("/cases/R-17/review", RITA, {}, (422, "invalid_input")),
    ],
)
def test_each_failure_has_its_status(
    client: TestClient, path: str, headers: dict[str, str], body: object, expected: tuple[int, str]
) -> None:
    """What is refused, missing, stale or not valid is told as a problem of its own, and changes nothing (E2, S7)."""
    assert told(client.post(path, json=body, headers=headers)) == expected
    assert client.get("/items/R-17", headers=WIM).headers["ETag"] == '"1"'


def test_who_does_not_say_who_they_are_is_told_nothing(client: TestClient) -> None:
    """Without a token that is known, every answer is 401."""
    for headers in ({}, {"Authorization": "Bearer nobody"}, {"Authorization": "token-of-wim"}):
        assert client.get("/items/R-17", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/items/{id}"),
        ("GET", "/items/{id}/detail"),
        ("GET", "/items/{id}/actions"),
        ("GET", "/items/{id}/history"),
        ("POST", "/items/{id}/actions/submit"),
        ("POST", "/items/{id}/actions/vanish"),
    ],
)
def test_what_is_hidden_looks_like_what_is_missing(client: TestClient, method: str, path: str) -> None:
    """Who may not see an item gets the very answer that a missing one gets, but for the id that they sent (A8)."""
    hidden = client.request(method, path.format(id="R-17"), headers=SAM | {"If-Match": '"1"'})
    missing = client.request(method, path.format(id="R-99"), headers=SAM | {"If-Match": '"1"'})
    assert told(hidden) == (404, "not_found")
    assert hidden.text == missing.text.replace("R-99", "R-17")
    assert dict(hidden.headers) == dict(missing.headers)


def test_the_detail_of_an_item_has_its_buttons(client: TestClient) -> None:
    """The detail is the item with its ETag, and beside it just what the list of actions says."""
    detail = client.get("/items/R-17/detail", headers=WIM)
    assert detail.headers["ETag"] == f'"{detail.json()["item"]["version"]}"' == '"1"'
    assert detail.json()["item"] == client.get("/items/R-17", headers=WIM).json()
    assert detail.json()["actions"] == client.get("/items/R-17/actions", headers=WIM).json()


def test_what_comes_between_two_readings_is_caught(
    example: ModuleType, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a command comes between item and buttons, the ETag is that of the item, so that it is stale."""
    actions = example.CommandBus.actions

    def late(bus: CommandBus, item_id: str, *, by: Actor) -> object:
        bus.execute(SubmitCase(item_id), by=by)
        return actions(bus, item_id, by=by)

    monkeypatch.setattr(example.CommandBus, "actions", late)
    detail = client.get("/items/R-17/detail", headers=WIM)
    shown = detail.json()
    assert (shown["item"]["status"], detail.headers["ETag"]) == ("DRAFT", '"1"')
    assert [action["permitted"] for action in shown["actions"] if action["action"] == "submit"] == [False]
    tried = client.post(
        "/items/R-17/actions/tag", json={"add": ["x"]}, headers=WIM | {"If-Match": detail.headers["ETag"]}
    )
    assert told(tried) == (412, "stale_version")


def test_the_history_is_told_without_what_proves_it(client: TestClient) -> None:
    """An event is told with name, actor, time, inputs and changes, and with neither salt nor digest."""
    client.post("/items/R-17/actions/edit", json={"title": "Prospectus of a fund"}, headers=WIM)
    client.post("/items/R-17/actions/submit", headers=WIM)
    client.post("/cases/R-17/review", json={"reviewer_id": "rita"}, headers=RITA)
    created, edited, _, started = client.get("/items/R-17/history", headers=WIM).json()
    assert [event["changes"] for event in (created, edited)] == [
        {"title": "Prospectus"},
        {"title": "Prospectus of a fund"},
    ]
    assert (started["name"], started["actor_id"], started["to_status"]) == ("review_started", "rita", "UNDER_REVIEW")
    assert started["inputs"] == {"reviewer_id": "rita"}
    assert datetime.fromisoformat(started["occurred_at"]) >= datetime.fromisoformat(created["occurred_at"])
    assert not any("salt" in event or "digest" in key for event in (created, started) for key in event)


def test_an_erased_event_is_told_without_what_it_held(example: ModuleType) -> None:
    """Of an event whose payload was erased, inputs and changes are told as None."""
    created = REGULATORY_CASE.create("R-1", by=Actor("wim", roles=["case_writer"]), at=SOME_TIME, title="Prospectus")
    assert created
    assert created.change
    shown = example.told(erase(seal(created.change, recorded_at=SOME_TIME).event))
    assert (shown["name"], shown["inputs"], shown["changes"]) == ("created", None, None)


def test_a_list_is_paged_and_shows_what_its_reader_may_see(client: TestClient) -> None:
    """Pages hold each visible case once, the newest first; the token of one leads to the next (A6)."""
    for number in range(18, 21):
        client.post("/cases", json={"id": f"R-{number}", "title": "Another"}, headers=WIM)
    client.post("/items/R-19/actions/submit", headers=WIM)
    asked: dict[str, Any] = {"status": "DRAFT", "open": True, "limit": 2}
    first = client.get("/cases", params=asked, headers=RITA).json()
    second = client.get("/cases", params=asked | {"cursor": first["next"]}, headers=RITA).json()
    assert [item["id"] for page in (first, second) for item in page["items"]] == ["R-20", "R-18", "R-17"]
    assert second["next"] is None
    assert client.get("/cases", headers=SAM).json() == {"items": [], "next": None}


@pytest.mark.parametrize("asked", [{"state": "DRAFT"}, {"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"open": "?"}])
def test_a_list_refuses_what_it_does_not_know(client: TestClient, asked: dict[str, Any]) -> None:
    """An unknown key, a limit out of range and a cursor that is none are not valid (S4, S7)."""
    assert told(client.get("/cases", params=asked, headers=WIM)) == (422, "invalid_input")


def test_the_actions_are_what_can_be_done(client: TestClient) -> None:
    """What the list of actions permits can be done, and what it denies is denied with the same reasons."""
    actions = {action["action"]: action for action in client.get("/items/R-17/actions", headers=RITA).json()}
    assert not actions["submit"]["permitted"]
    denied = client.post("/items/R-17/actions/submit", headers=RITA)
    assert denied.json()["reasons"] == actions["submit"]["reasons"]
    assert actions["add_note"]["permitted"]
    assert client.post("/items/R-17/actions/add_note", json={"body": "Seen."}, headers=RITA).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"title": NaN}',
        b'{"title": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"title": "\\u0000"}',
    ],
)
def test_no_body_makes_the_application_fail(client: TestClient, body: bytes) -> None:
    """Whatever the body holds, the fault is with the request (S2)."""
    headers = WIM | {"Content-Type": "application/json"}
    assert client.post("/cases", content=body, headers=headers).status_code in {400, 422}


def test_what_is_the_applications_own_fault_is_logged(
    example: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a store that fails the client is told nothing but 500, and the log is told the error with its traceback."""
    engine = create_engine(f"sqlite:///{tmp_path / 'cases.db'}")
    client = TestClient(example.create_app(engine))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE casewright_note")
    assert client.get("/cases", headers=WIM).status_code == 500
    (record,) = [record for record in caplog.records if record.name == "fastapi_app"]
    assert record.exc_info
    assert isinstance(record.exc_info[1], StorageError)
    engine.dispose()


def test_the_page_shows_the_example_as_it_is() -> None:
    """Each part of the application on the how-to page stands in the example word for word."""
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    source = EXAMPLE.read_text(encoding="utf-8")
    _small_app, _small_try_out, _imports, *parts, _try_out, _other_clients = shown
    assert len(parts) > 5
    assert [part for part in parts if part not in source] == []


def test_it_is_ready_while_the_database_is(
    client: TestClient, example: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`/ready` is 204, and 503 as soon as the tables are not those that it needs; only the log says why."""
    assert client.get("/ready").status_code == 204
    with sqlite3.connect(tmp_path / "cases.db") as database:
        database.execute("ALTER TABLE casewright_event RENAME TO elsewhere")
    answer = client.get("/ready")
    assert (answer.status_code, answer.content) == (503, b"")
    (record,) = [record for record in caplog.records if record.name == "fastapi_app"]
    assert "casewright_event" in record.getMessage()
    database.close()
