"""An item that the caller still has: not loaded again, never trusted further than a write proves it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any, Final

import attrs
import pytest

from casewright import (
    TASK,
    Actor,
    Assign,
    Claim,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    MisuseError,
    NotFoundError,
    OpenCase,
    Release,
    ReopenTask,
    Report,
    StaleVersionError,
    StartTask,
    Store,
    SubmitCase,
    Tag,
    TaskFilter,
)
from casewright.application.given import MAX_GIVEN, Given
from casewright.domain.items import Item
from casewright.testing.builders import a_task
from support.backends import Backend
from support.buses import ANN, BEN, ROOT, STRANGER, WRITER, a_bus, asking, failure_of, guarded, told_by
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("both_buses")


def test_a_given_item_is_not_loaded(store: Store) -> None:
    """A chain of commands on what each one gave loads nothing, and makes the very history of one that does."""
    watched = WatchedStore(store)
    bus = a_bus(watched)
    task: Item = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    for command in (Claim("x-1"), StartTask("x-1"), CompleteTask("x-1"), ReopenTask("x-1")):
        task = bus.outcome(command, by=ANN, item=task).item
    assert (watched.loads, task.version, task.status) == ([], 5, "todo")
    assert bus.get("x-1", by=ANN) == task
    assert bus.verify("x-1", by=ANN) == ()


def test_a_given_item_may_have_been_elsewhere(store: Store) -> None:
    """One that `get` gave is believed; one that was pickled, or that another bus gave, is loaded (A10)."""
    watched = WatchedStore(store)
    bus = a_bus(watched)
    bus.execute(CreateTask("A", id="x-1", attributes={"a": 1}, tags=["t"]), by=ANN)
    bus.execute(Edit("x-1", title="B"), by=ANN)
    got = bus.get("x-1", by=ANN)
    watched.loads.clear()
    bus.execute(Edit("x-1", title="C"), by=ANN, item=got)
    assert watched.loads == []
    item = pickle.loads(pickle.dumps(a_bus(store).get("x-1", by=ANN)))
    done = bus.outcome(Edit("x-1", attributes={"b": 2}), by=ANN, item=item, expected_version=3)
    assert watched.loads == [("x-1", False)]
    assert bus.get("x-1", by=ANN) == done.item
    assert done.item.attributes == {"a": 1, "b": 2}


COPIES: Final[Mapping[str, dict[str, Any]]] = {
    "the creator": {"created_by": "eve"},
    "the status": {"status": "in_progress", "category": "active"},
    "the performers": {"performers": ("create", "eve")},
    "the case": {"case_id": "elsewhere"},
}


@pytest.mark.parametrize("forged", COPIES.values(), ids=COPIES)
def test_a_copy_that_says_something_else_is_not_believed(store: Store, forged: dict[str, Any]) -> None:
    """Whatever a caller has changed of an item that the bus gave, the rules see the item as it is kept (A10, L2)."""
    bus = a_bus(store)
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    copy = attrs.evolve(task, **forged)
    error = failure_of(bus.execute, CompleteTask("x-1"), by=Actor("eve"), item=copy)
    assert type(error) is NotFoundError
    assert bus.execute(CompleteTask("x-1"), by=ANN, item=copy) == attrs.evolve(
        task, status="done", category="done", **_closing(bus)
    )
    assert bus.verify("x-1", by=ANN) == ()


def _closing(bus: CommandBus) -> dict[str, Any]:
    now = bus.get("x-1", by=ANN)
    return {name: getattr(now, name) for name in ("version", "updated_at", "closed_at", "head", "performers")}


def test_the_case_of_a_given_task_is_loaded(store: Store) -> None:
    """Where the task enters or leaves openness its case is looked at; elsewhere it is not."""
    watched = WatchedStore(store)
    bus = a_bus(watched)
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    task: Any = bus.execute(CreateTask("A", id="x-1", case_id="c-1"), by=WRITER)
    watched.loads.clear()
    task = bus.execute(StartTask("x-1"), by=WRITER, item=task)
    assert watched.loads == []
    bus.execute(CompleteTask("x-1"), by=WRITER, item=task)
    assert watched.loads == [("c-1", False)]


@pytest.mark.parametrize("way", ["another id", "another tenant", "a new item"])
def test_an_item_that_cannot_be_meant_is_misuse(backend: Backend, way: str) -> None:
    """An item of another id or tenant, or one for a command that creates, is a MisuseError that says which."""
    bus = a_bus(backend.store)
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    by = Actor("ann", tenant="theirs") if way == "another tenant" else ANN
    command: Command[Any] = StartTask("other" if way == "another id" else "x-1")
    before = backend.dump()
    error = failure_of(bus.execute, CreateTask("B") if way == "a new item" else command, by=by, item=task)
    assert type(error) is MisuseError
    assert error.problem.startswith("what is about to be created" if way == "a new item" else "item= is")
    assert backend.dump() == before


def test_a_given_item_of_the_other_kind_is_not_found(bus: CommandBus) -> None:
    """A command on cases with a task under that id answers as it would without it."""
    task = bus.execute(CreateTask("A", id="x-1"), by=ROOT)
    assert isinstance(failure_of(bus.execute, SubmitCase("x-1"), by=ROOT, item=task), NotFoundError)


def test_a_stale_item_is_loaded_after_all(store: Store) -> None:
    """What others did since is kept, and what the command sets is decided on it (L1)."""
    reports: list[Report] = []
    watched = WatchedStore(store)
    bus = a_bus(watched, observers=[reports.append])
    old = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    a_bus(store).execute(Assign("x-1", "ben"), by=ANN)
    done = bus.outcome(StartTask("x-1"), by=ANN, item=old)
    assert (done.item.assignee_id, done.item.status, done.item.version) == ("ben", "in_progress", 3)
    assert (watched.loads, reports[-1].attempts) == ([("x-1", False), ("x-1", True)], 2)


def test_a_stale_item_with_its_version_is_a_conflict(backend: Backend) -> None:
    """Who says what they have seen is told that it is no longer so, with the number that it has now."""
    bus = a_bus(backend.store)
    old = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    new = bus.execute(Edit("x-1", title="B"), by=ANN)
    before = backend.dump()
    for item, expected in ((old, 1), (old, 7), (new, 1)):
        error = failure_of(bus.execute, StartTask("x-1"), by=ANN, item=item, expected_version=expected)
        assert (type(error), error.expected, error.actual) == (StaleVersionError, expected, 2)
    assert backend.dump() == before
    assert bus.execute(StartTask("x-1"), by=ANN, item=old, expected_version=2).version == 3


def test_nothing_is_denied_or_refused_on_an_old_item(bus: CommandBus) -> None:
    """Who got the right, or the state, in between is not turned away because of what an old item said."""
    old: Any = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(Assign("x-1", "ben"), by=ANN)
    assert bus.execute(StartTask("x-1"), by=BEN, item=old).status == "in_progress"
    assert bus.execute(CompleteTask("x-1"), by=BEN, item=old).status == "done"
    assert bus.execute(ReopenTask("x-1"), by=ANN, item=old).status == "todo"


def test_nothing_is_an_error_because_of_an_old_item(bus: CommandBus) -> None:
    """A limit that it would pass, and a case that no longer counts it, are errors of the present item or none."""
    full = bus.execute(CreateTask("A", id="x-1", tags=[f"tag-{number}" for number in range(100)]), by=ANN)
    bus.execute(Tag("x-1", remove=["tag-1"]), by=ANN)
    assert "new" in bus.execute(Tag("x-1", add=["new"]), by=ANN, item=full).tags
    bus.execute(OpenCase("A permit", id="c-1"), by=WRITER)
    still_open = bus.execute(CreateTask("A", id="y-1", case_id="c-1"), by=WRITER)
    bus.execute(CompleteTask("y-1"), by=WRITER)
    assert told_by(bus, CompleteTask("y-1"), WRITER, item=still_open) == ["wrong_state"]


def test_nothing_is_taken_for_done_on_an_old_item(bus: CommandBus) -> None:
    """A claim or release that would change nothing of an old item is done on the present one."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    mine = bus.execute(Claim("x-1"), by=ANN)
    free = bus.execute(Release("x-1"), by=ANN)
    assert bus.outcome(Claim("x-1"), by=ANN, item=mine).events != ()
    assert bus.outcome(Release("x-1"), by=ANN, item=free).events != ()
    bus.execute(Assign("x-1", "ben"), by=ANN)
    assert told_by(bus, Claim("x-1"), ANN, item=mine) == ["already_assigned"]


def test_a_denial_on_a_given_item_is_reported_once(store: Store) -> None:
    """Deciding anew on the present item is still the first attempt, and one report (H1)."""
    reports: list[Report] = []
    bus = a_bus(store, observers=[reports.append])
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    reports.clear()
    for by, command in ((STRANGER, StartTask("x-1")), (ANN, ReopenTask("x-1"))):
        failure_of(bus.execute, command, by=by, item=task)
    assert [(report.actor_id, report.attempts) for report in reports] == [("sam", 1), ("ann", 1)]


FORGED: dict[str, Any] = {
    "title": "forged",
    "description": "forged",
    "assignee_id": "forged",
    "tags": ("forged",),
    "attributes": {"forged": True},
    "performers": ("create", "forged", "start", "forged"),
    "priority": "urgent",
}


def test_only_what_the_event_changed_is_written(bus: CommandBus) -> None:
    """Fields of a forged item never reach the store: the row is still what its history makes (E3, H2)."""
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(Edit("x-1", priority="high"), by=ANN, item=attrs.evolve(task, **FORGED))
    kept: Any = bus.get("x-1", by=ANN)
    assert (kept.priority, kept.title, kept.description, kept.assignee_id) == ("high", "A", None, None)
    assert (kept.tags, kept.attributes, kept.performers) == ((), {}, ("create", "ann"))
    assert bus.verify("x-1", by=ANN) == ()


@pytest.mark.parametrize("forged", [{"version": 1}, {"head": "0" * 64}, {"version": 3}], ids=repr)
def test_a_forged_place_in_the_history_is_a_conflict(bus: CommandBus, forged: dict[str, Any]) -> None:
    """A version or head that is not the stored one writes nothing; the command is decided on the present item (H5)."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    task = bus.execute(Edit("x-1", title="B"), by=ANN)
    forgery = attrs.evolve(task, assignee_id="sam", **forged)
    assert isinstance(failure_of(bus.execute, StartTask("x-1"), by=STRANGER, item=forgery), NotFoundError)
    assert bus.execute(StartTask("x-1"), by=ANN, item=forgery).assignee_id is None
    assert [event.version for event in bus.history("x-1", by=ANN)] == [1, 2, 3]
    assert bus.verify("x-1", by=ANN) == ()


def test_facts_are_asked_about_the_given_item(store: Store) -> None:
    """A guard's facts are looked up for the item that is decided on."""
    asked: list[Any] = []
    bus = a_bus(store, [guarded(TASK, {"start": ("ready",)})], facts={"ready": asking(asked)})
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN, item=task)
    assert asked == [task]


def test_only_the_very_item_is_believed() -> None:
    """An equal copy is not the one that was given, nor is an older version of it (A10)."""
    given = Given()
    task = a_task(id="x-1")
    given.add(task)
    assert given.has(task)
    assert not given.has(attrs.evolve(task))
    given.add(attrs.evolve(task, version=2))
    assert not given.has(task)


def test_the_same_id_of_another_tenant_is_another_item() -> None:
    """Items of two tenants do not push each other out."""
    given = Given()
    here, there = a_task(id="x-1"), a_task(id="x-1", tenant="there")
    given.add(here)
    given.add(there)
    assert given.has(here)
    assert given.has(there)


def test_no_more_are_remembered_than_the_limit_says() -> None:
    """The one that was given longest ago goes first; what is given again counts as new."""
    given = Given()
    tasks = [a_task(id=f"x-{number}") for number in range(MAX_GIVEN + 1)]
    for task in tasks[:MAX_GIVEN]:
        given.add(task)
    given.add(tasks[0])
    given.add(tasks[MAX_GIVEN])
    assert [given.has(task) for task in (tasks[0], tasks[1], tasks[2], tasks[MAX_GIVEN])] == [True, False, True, True]


def test_whatever_a_bus_answers_with_is_believed(store: Store) -> None:
    """What `execute`, `get` and `find` give is remembered, in the version that was given last."""
    bus: CommandBus = a_bus(store)
    made = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert bus._given.has(made)
    got = bus.get("x-1", by=ANN)
    assert bus._given.has(got)
    (found,) = bus.find(TaskFilter(), by=ANN).items
    assert bus._given.has(found)
