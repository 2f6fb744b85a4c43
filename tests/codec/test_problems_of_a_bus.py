"""Problem details of what a bus and a store really raise: each kind of no has its status, and says nothing more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    AddNote,
    Assign,
    BlockTask,
    CloseCase,
    CommandBus,
    CreateTask,
    Cursor,
    OpenCase,
    Order,
    Perform,
    StartReview,
    StartTask,
    SubmitCase,
    TaskFilter,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.codec import from_data, problem_details
from support.buses import ANN, BEN, REVIEWER, STRANGER, WRITER, a_bus, failure_of
from support.codec import is_plain

SECRET = "zaunkoenig"

Call = Callable[[CommandBus], object]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the store is: nothing of the path may be told."""
    return tmp_path_factory.mktemp("store") / f"{SECRET}.db"


@pytest.fixture(scope="module")
def bus(path: Path) -> Iterator[CommandBus]:
    """Return a bus on a SQLite file with a task, and a case under review that has an open task."""
    engine = create_engine(f"sqlite:///{path}")
    store = SqlAlchemyStore(engine, busy_timeout=timedelta(milliseconds=1))
    store.create_schema()
    bus = a_bus(store, [TASK, REGULATORY_CASE], max_attempts=2)
    bus.execute(CreateTask(SECRET, id="t-1", description=SECRET), by=ANN)
    bus.execute(Assign("t-1", "ben"), by=ANN)
    bus.execute(AddNote("t-1", SECRET, note_id="n-1"), by=ANN)
    bus.execute(OpenCase(SECRET, id="c-1"), by=WRITER)
    bus.execute(CreateTask(SECRET, id="t-2", case_id="c-1"), by=WRITER)
    bus.execute(SubmitCase("c-1"), by=WRITER)
    bus.execute(StartReview("c-1", "rea"), by=REVIEWER)
    yield bus
    engine.dispose()


def told(bus: CommandBus, call: Call) -> dict[str, Any]:
    """Return the problem details of the error that a call raises, having looked for what must not be in them."""
    details = problem_details(failure_of(lambda: call(bus)))
    text = json.dumps(details)
    assert is_plain(details)
    assert SECRET not in text
    assert not [word for word in ("SELECT", "INSERT", "UPDATE", "sqlite", "Traceback", ".db", ".py") if word in text]
    assert details["retryable"] is (details["status"] == 503)
    return details


NO: dict[str, tuple[int, str, Call]] = {
    "no such item": (404, "not_found", lambda bus: bus.get("t-9", by=ANN)),
    "not to be seen": (404, "not_found", lambda bus: bus.get("t-1", by=STRANGER)),
    "not to be seen, history": (404, "not_found", lambda bus: bus.history("t-1", by=STRANGER)),
    "not to be seen, command": (404, "not_found", lambda bus: bus.execute(StartTask("t-1"), by=STRANGER)),
    "of another tenant": (404, "not_found", lambda bus: bus.get("t-1", by=Actor("ann", tenant="other"))),
    "of another kind": (404, "not_found", lambda bus: bus.execute(CloseCase("t-1", "r"), by=ANN)),
    "in a hidden case": (404, "not_found", lambda bus: bus.execute(CreateTask("A", case_id="c-1"), by=ANN)),
    "not permitted": (403, "refused", lambda bus: bus.execute(Assign("t-1", "sam"), by=BEN)),
    "not permitted to create": (403, "refused", lambda bus: bus.execute(OpenCase("A"), by=ANN)),
    "wrong state": (409, "refused", lambda bus: bus.execute(Perform("t-1", "reopen"), by=ANN)),
    "held by another": (409, "refused", lambda bus: bus.execute(Perform("t-1", "claim"), by=ANN)),
    "guarded": (409, "refused", lambda bus: bus.execute(CloseCase("c-1", "done"), by=REVIEWER)),
    "wrong state and input": (409, "refused", lambda bus: bus.execute(BlockTask("t-1"), by=ANN)),
    "input missing": (422, "refused", lambda bus: bus.execute(CreateTask(), by=ANN)),
    "input blank": (422, "refused", lambda bus: bus.execute(CloseCase("c-1", " "), by=REVIEWER)),
    "input unknown": (422, "refused", lambda bus: bus.execute(Perform("t-1", "start", {"x": 1}), by=ANN)),
    "input of a wrong type": (
        422,
        "invalid_input",
        lambda bus: bus.execute(Perform("t-1", "tag", {"add": "a"}), by=ANN),
    ),
    "value of a wrong type": (422, "invalid_input", lambda bus: from_data({"item_id": 5}, StartTask)),
    "key that is unknown": (422, "invalid_input", lambda bus: from_data({"item_id": "t-1", "by": SECRET}, StartTask)),
    "token of a page": (422, "invalid_input", lambda bus: Cursor.from_token(SECRET)),
    "cursor of another order": (
        422,
        "invalid_input",
        lambda bus: bus.find(TaskFilter(), by=ANN, after=Cursor(Order("created"), ("a", "b"))),
    ),
    "stale": (409, "stale_version", lambda bus: bus.execute(StartTask("t-1"), by=ANN, expected_version=1)),
    "id that is taken": (409, "already_exists", lambda bus: bus.execute(CreateTask("A", id="t-2"), by=ANN)),
    "note that is there": (409, "already_exists", lambda bus: bus.execute(AddNote("t-1", "b", note_id="n-1"), by=ANN)),
    "another item": (500, "misuse", lambda bus: bus.execute(StartTask("t-2"), by=ANN, item=bus.get("t-1", by=ANN))),
}


@pytest.mark.parametrize("name", NO)
def test_each_no_of_a_bus_has_its_status(bus: CommandBus, name: str) -> None:
    """404 not there or not to be seen, 403 not permitted, 409 state, guard and conflict, 422 input, 500 our fault."""
    status, code, call = NO[name]
    details = told(bus, call)
    assert (details["status"], details["code"]) == (status, code)
    assert ("reasons" in details) is (code == "refused")


def test_not_there_and_not_to_be_seen_are_told_alike(bus: CommandBus) -> None:
    """To someone who may not read it, an item is told of as one that is not there is: in the same words (A8)."""
    hidden, absent = (told(bus, partial(CommandBus.get, item_id=one, by=STRANGER)) for one in ("t-1", "t-9"))
    assert {**hidden, "detail": ""} == {**absent, "detail": ""}
    assert hidden["detail"] == absent["detail"].replace("t-9", "t-1")


def test_a_stale_version_tells_both_numbers(bus: CommandBus) -> None:
    """A client that lost the race is told what it had and what there is, to decide anew."""
    details = told(bus, lambda bus: bus.execute(StartTask("t-1"), by=ANN, expected_version=1))
    assert (details["expected_version"], details["actual_version"]) == (1, 3)


def test_every_reason_of_a_refusal_is_told(bus: CommandBus) -> None:
    """All reasons stand in the answer, each with its phase: the first one gives the status."""
    details = told(bus, lambda bus: bus.execute(BlockTask("t-1"), by=ANN))
    assert [(reason["phase"], reason["code"]) for reason in details["reasons"]] == [
        ("state", "wrong_state"),
        ("input", "input_missing"),
    ]


def test_a_busy_store_is_told_as_503(bus: CommandBus, path: Path) -> None:
    """While another program holds the database, the answer is to come again; nothing of the driver is told (T6)."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        details = told(bus, lambda bus: bus.execute(StartTask("t-2"), by=WRITER))
        assert (details["status"], details["code"]) == (503, "storage_transient")
        other.execute("ROLLBACK")
        assert bus.execute(StartTask("t-2"), by=WRITER).status == "in_progress"
    finally:
        other.close()


def test_a_store_without_its_tables_is_told_as_500(tmp_path: Path) -> None:
    """A database that nobody set up is the application's fault: 500, and no word of tables or paths."""
    engine = create_engine(f"sqlite:///{tmp_path / SECRET}")
    details = told(a_bus(SqlAlchemyStore(engine)), lambda bus: bus.get("t-1", by=ANN))
    assert (details["status"], details["code"]) == (500, "storage")
    assert details["detail"] == "The request could not be handled. The fault is not in the request."
    engine.dispose()


def test_a_definition_that_is_not_there_is_told_as_500(bus: CommandBus, path: Path) -> None:
    """An item whose definition this program does not hold is the application's fault: 500, and no name of it."""
    engine = create_engine(f"sqlite:///{path}")
    details = told(a_bus(SqlAlchemyStore(engine), [SIMPLE_TASK]), lambda bus: bus.get("t-1", by=ANN))
    assert (details["status"], details["code"]) == (500, "unknown_definition")
    engine.dispose()
