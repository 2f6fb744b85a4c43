"""What an actor may not see looks like what is not there, whatever is asked (A7, A8)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from casewright import (
    TASK,
    Actor,
    AddNote,
    Assign,
    CasewrightError,
    CommandBus,
    Context,
    CreateTask,
    Delete,
    Edit,
    NotFoundError,
    OpenCase,
    Report,
    StartTask,
    Store,
)
from casewright.adapters.memory import MemoryStore
from support.buses import ANN, BEN, REVIEWER, ROOT, START, STRANGER, WRITER, a_bus, asking, failure_of, guarded
from support.command_table import ON_AN_ITEM, ROWS, Row, prepared

CANARY = "canary"
WORDS: dict[str, Any] = {
    "description": "canary in the description",
    "tags": ["canary-tag"],
    "attributes": {"canary-key": "canary-value"},
    "assignee_id": "canary-actor",
}

Ask = Callable[[CommandBus, Actor], object]


def commanding(row: Row) -> dict[str, Ask]:
    """Return every way to give the row's command to a bus."""
    command = row.ask("x-1")
    return {
        "execute": lambda bus, by: bus.execute(command, by=by),
        "execute with a version": lambda bus, by: bus.execute(command, by=by, expected_version=1),
        "execute at a time": lambda bus, by: bus.execute(command, by=by, at=START, context=Context()),
        "outcome": lambda bus, by: bus.outcome(command, by=by),
        "check": lambda bus, by: bus.check(command, by=by),
        "execute_many": lambda bus, by: raised(bus.execute_many([command], by=by)),
        "execute_many together": lambda bus, by: raised(bus.execute_many([command], by=by, all_or_nothing=True)),
    }


READING: dict[str, Ask] = {
    "get": lambda bus, by: bus.get("x-1", by=by),
    "actions": lambda bus, by: bus.actions("x-1", by=by),
    "history": lambda bus, by: bus.history("x-1", by=by),
    "history after": lambda bus, by: bus.history("x-1", by=by, after=1, limit=1),
    "notes": lambda bus, by: bus.notes("x-1", by=by),
    "verify": lambda bus, by: bus.verify("x-1", by=by),
}


def raised(answers: tuple[object, ...]) -> object:
    """Raise the only answer if it is an error."""
    (answer,) = answers
    if isinstance(answer, CasewrightError):
        raise answer
    return answer


def a_watched_bus(store: Store, reports: list[Report]) -> CommandBus:
    """Return a bus on which time stands still, so that reports can be compared."""
    return a_bus(store, clock=lambda: START, observers=[reports.append])


def looks(error: CasewrightError) -> tuple[object, ...]:
    """Return all that a caller can see of an error."""
    shown = (type(error), str(error), repr(error), error.args, vars(error), error.code)
    return (*shown, error.__cause__, error.__suppress_context__)


def audit(report: Report) -> tuple[object, ...]:
    """Return a report but for the reasons, which only those who watch may know."""
    denial = report.denial
    assert denial is not None
    return (
        (report.action, report.item_id, report.tenant, report.actor_id, report.on_behalf_of, report.at),
        (report.attempts, report.events, looks(denial)),
    )


def compared(store: Store, ask: Ask, by: Actor, present: Actor) -> tuple[list[Report], list[Report]]:
    """Ask for an item that is there for others, and where it is not; return both lists of reports."""
    here: list[Report] = []
    there: list[Report] = []
    hidden = failure_of(ask, a_watched_bus(store, here), by)
    absent = failure_of(ask, a_watched_bus(MemoryStore(), there), by)
    assert type(hidden) is NotFoundError
    assert looks(hidden) == looks(absent)
    assert [audit(report) for report in here] == [audit(report) for report in there]
    assert a_bus(store).get("x-1", by=present).id == "x-1"
    return here, there


each_row = pytest.mark.parametrize("row", [pytest.param(ROWS[cls], id=cls.__name__) for cls in ON_AN_ITEM])


@each_row
def test_a_hidden_item_looks_like_none_to_every_command(store: Store, row: Row) -> None:
    """Same type, text, repr and fields of the error, same report; only `check` reports nothing (A8)."""
    prepared(a_bus(store), row, "x-1")
    for name, ask in commanding(row).items():
        here, there = compared(store, ask, STRANGER, ROOT)
        assert len(here) == len(there) == (0 if name == "check" else 1)
        assert [report.reasons for report in there] == [()] * len(there)
        assert all(report.reasons[0].code == "not_visible" for report in here)


@each_row
def test_an_item_of_another_tenant_looks_like_none(store: Store, row: Row) -> None:
    """Even for an administrator, for every command; and the report does not know more either (A8, A11)."""
    prepared(a_bus(store), row, "x-1", tenant="theirs")
    theirs = Actor("root", roles=["admin"], tenant="theirs")
    for ask in commanding(row).values():
        here, there = compared(store, ask, ROOT, theirs)
        assert [report.reasons for report in [*here, *there]] == [()] * 2 * len(here)


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("kind", ["task", "case"])
def test_a_hidden_item_looks_like_none_to_every_question(store: Store, name: str, kind: str) -> None:
    """Reading, listing actions, history, notes and verifying answer alike and report alike (A8)."""
    bus = a_bus(store)
    if kind == "task":
        bus.execute(CreateTask("A", id="x-1"), by=ANN)
    else:
        bus.execute(OpenCase("A", id="x-1"), by=WRITER)
    bus.execute(AddNote("x-1", "secret"), by=ROOT)
    here, there = compared(store, READING[name], STRANGER, ROOT)
    assert len(here) == len(there) == 1
    assert here[0].action == "read"
    compared(store, READING[name], Actor("root", roles=["admin"], tenant="other"), ROOT)


@pytest.mark.parametrize("cls", [cls for cls in ON_AN_ITEM if ROWS[cls].ask("x").ask().kind is not None])
def test_an_item_of_the_other_kind_looks_like_none(store: Store, cls: Any) -> None:
    """A command on tasks does not find a case, nor one on cases a task, even where the actor may see it (A8)."""
    bus, command = a_bus(store), ROWS[cls].ask("x-1")
    other = OpenCase("A", id="x-1") if command.ask().kind == "task" else CreateTask("A", id="x-1")
    bus.execute(other, by=ROOT)
    compared(store, lambda bus, by: bus.execute(command, by=by), ROOT, ROOT)


def test_a_deleted_item_looks_like_none_to_who_may_not_read_it(store: Store) -> None:
    """Also history, notes and verify of it, and every command (A8)."""
    bus = a_bus(store)
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(Delete("x-1"), by=ANN)
    asks = [*READING.values(), *commanding(ROWS[StartTask]).values(), *commanding(ROWS[Delete]).values()]
    for ask in asks:
        hidden = failure_of(ask, bus, STRANGER)
        absent = failure_of(ask, a_bus(MemoryStore()), STRANGER)
        assert looks(hidden) == looks(absent)


def test_a_hidden_case_looks_like_none_to_a_new_task(store: Store) -> None:
    """Who names a case at creation without a right to read it is told that there is none (A8)."""
    a_bus(store).execute(OpenCase("A", id="c-1"), by=WRITER)
    a_bus(store).execute(CreateTask("A task", id="x-1"), by=ROOT)
    new = CreateTask("A", id="new", case_id="c-1")
    for name, ask in {
        "execute": lambda bus, by: bus.execute(new, by=by),
        "check": lambda bus, by: bus.check(new, by=by),
        "execute_many": lambda bus, by: raised(bus.execute_many([new], by=by, all_or_nothing=True)),
    }.items():
        here, _ = compared(store, ask, STRANGER, ROOT)
        assert len(here) == (0 if name == "check" else 1)
        assert "c-1" in str(failure_of(ask, a_bus(store), STRANGER))
        assert [report.item_id for report in here] == ["new"] * len(here)
    of_task = failure_of(a_bus(store).execute, CreateTask("A", case_id="x-1"), by=ROOT)
    assert str(of_task) == str(NotFoundError("x-1"))


def test_a_version_is_told_only_to_who_may_read(store: Store) -> None:
    """Neither a right nor a wrong expected version, nor an item from before, lets a version be guessed (A8)."""
    bus = a_bus(store)
    seen = bus.execute(CreateTask("A", id="x-1", assignee_id="ben"), by=ANN)
    bus.execute(Assign("x-1", "cyd"), by=ANN)
    for version in (1, 2, 3):
        for item in (None, seen):
            error = failure_of(bus.execute, Edit("x-1", title="B"), by=BEN, expected_version=version, item=item)
            assert (type(error), str(error)) == (NotFoundError, str(NotFoundError("x-1")))


def test_no_fact_is_asked_for_a_hidden_item(store: Store) -> None:
    """What guards need to know is looked up only for who may read the item, so nothing else gives it away (A8)."""
    asked: list[Any] = []
    definition = guarded(TASK, {"start": ("ready",)})
    bus = a_bus(store, [definition], facts={"ready": asking(asked)})
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert isinstance(failure_of(bus.execute, StartTask("x-1"), by=STRANGER), NotFoundError)
    assert isinstance(failure_of(bus.actions, "x-1", by=STRANGER), NotFoundError)
    assert asked == []


def test_nothing_of_a_hidden_item_is_in_an_error_or_a_report(store: Store) -> None:
    """No word of its fields, notes or reasons stands in the text, repr or pickle of a denial (A7)."""
    reports: list[Report] = []
    bus = a_watched_bus(store, reports)
    bus.execute(CreateTask("canary title", id="x-1", **WORDS), by=ANN)
    bus.execute(AddNote("x-1", "canary note", note_id="canary-note"), by=ANN)
    reports.clear()
    errors = [
        failure_of(ask, bus, STRANGER)
        for ask in [*READING.values(), *(ask for cls in ON_AN_ITEM for ask in commanding(ROWS[cls]).values())]
    ]
    texts = [f"{error} {error!r} {error.args} {vars(error)} {pickle.dumps(error)!r}" for error in errors]
    texts += [f"{report!r} {report.denial} {pickle.dumps(report)!r}" for report in reports]
    assert len(texts) > 200
    assert [text for text in texts if CANARY in text.lower()] == []


def test_nothing_of_a_readable_item_is_in_a_refusal(store: Store) -> None:
    """Refusals on an item that may be read speak of rules, statuses and inputs, not of its words (A7)."""
    reports: list[Report] = []
    bus = a_watched_bus(store, reports)
    bus.execute(CreateTask("canary title", id="x-1", **{**WORDS, "assignee_id": "ben"}), by=ANN)
    bus.execute(OpenCase("canary title", id="c-1", **WORDS), by=ROOT)
    reports.clear()
    by_kind = {"task": (BEN, "x-1"), "case": (REVIEWER, "c-1")}
    texts = []
    for cls in ON_AN_ITEM:
        actor, item_id = by_kind[ROWS[cls].kind]
        answer = bus.execute_many([ROWS[cls].ask(item_id)], by=actor)[0]
        texts += [f"{answer} {answer!r} {vars(answer)}"] if isinstance(answer, CasewrightError) else []
    texts += [f"{report!r} {report.denial}" for report in reports if report.denial is not None]
    assert len(texts) >= 20
    assert [text for text in texts if CANARY in text.lower()] == []
