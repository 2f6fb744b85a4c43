"""Denials: no command goes past the rules, a rule that fails denies, and each denial is told once (A5, A9, H1)."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from casewright import (
    COMMANDS,
    REGULATORY_CASE,
    TASK,
    Actor,
    Assign,
    CaseDefinition,
    Command,
    CommandBus,
    Correct,
    CreateTask,
    NotFoundError,
    OpenCase,
    Perform,
    Phase,
    RefusedError,
    Report,
    Rule,
    StartTask,
    TaskDefinition,
    any_of,
    has_role,
    predicate,
)
from support.backends import Backend
from support.buses import ANN, ROOT, STRANGER, WRITER, a_bus, failure_of
from support.command_table import ROWS, Row, prepared

pytestmark = pytest.mark.usefixtures("both_buses")

NOBODY = has_role("nobody")
DefinitionT = TypeVar("DefinitionT", TaskDefinition, CaseDefinition)


def ruled(definition: DefinitionT, rule: Rule, **others: Rule) -> DefinitionT:
    """Return the definition with this rule for every action and verb, but for these."""
    return definition.with_rules(dict.fromkeys(definition.authorization.rules, rule) | others)


CLOSED = (ruled(TASK, NOBODY), ruled(REGULATORY_CASE, NOBODY))
READ_ONLY = (
    ruled(TASK, NOBODY, read=has_role("reader")),
    ruled(REGULATORY_CASE, NOBODY, read=has_role("reader")),
)
READER = Actor("eve", roles=["reader"])

each_command = pytest.mark.parametrize("row", [pytest.param(ROWS.get(cls), id=cls.__name__) for cls in COMMANDS])


def give(bus: CommandBus, command: Command[Any], by: Actor, way: str) -> Any:
    """Give the command in one of the three ways, and return the error that comes of it."""
    if way == "execute":
        return failure_of(bus.execute, command, by=by)
    (answer,) = bus.execute_many([command], by=by, all_or_nothing=way == "together")
    return answer


@pytest.mark.parametrize("way", ["execute", "each for itself", "together"])
@each_command
def test_who_is_granted_nothing_does_nothing(backend: Backend, row: Row, way: str) -> None:
    """Every command ends in a denial, writes nothing at all, and makes exactly one report (A9, H1)."""
    prepared(a_bus(backend.store), row, "x-1")
    before = backend.dump()
    reports: list[Report] = []
    bus = a_bus(backend.store, CLOSED, observers=[reports.append])
    for by in (STRANGER, row.by, ROOT):
        error = give(bus, row.ask("x-1"), by, way)
        assert type(error) is (RefusedError if row.creates else NotFoundError)
        (report,) = reports
        assert (report.denial, report.actor_id, report.events) == (error, by.id, ())
        assert [reason.code for reason in report.reasons] == ["role_missing" if row.creates else "not_visible"]
        reports.clear()
    assert backend.dump() == before


@each_command
def test_who_may_only_read_does_nothing(backend: Backend, row: Row) -> None:
    """Every command is refused for permission and for nothing else, writes nothing, and makes one report (A9, H1)."""
    prepared(a_bus(backend.store), row, "x-1")
    before = backend.dump()
    reports: list[Report] = []
    bus = a_bus(backend.store, READ_ONLY, observers=[reports.append])
    error = give(bus, row.ask("x-1"), READER, "execute")
    (report,) = reports
    assert type(error) is RefusedError
    assert error.phase == Phase.PERMISSION
    assert [reason.params["rule"] for reason in error.reasons] == [repr(NOBODY)]
    assert (report.denial, report.reasons, report.events) == (error, error.reasons, ())
    assert (report.action, report.item_id) == (row.ask("x-1").ask().action, "x-1")
    assert backend.dump() == before


def breaks_down(actor: Actor, item: Any) -> bool:
    """Fail."""
    raise ZeroDivisionError(item.title)


def says_maybe(actor: Actor, item: Any) -> Any:
    """Answer what is no answer."""
    return "maybe"


POSITIONS: dict[str, tuple[str, Command[Any]]] = {
    "create": ("create", CreateTask("canary", id="new")),
    "assign at creation": ("assign", CreateTask("canary", id="new", assignee_id="ben")),
    "correct at creation": ("correct", CreateTask("canary", id="new", status="done", reason="it was")),
    "action": ("start", StartTask("x-1")),
    "action by name": ("complete", Perform("x-1", "complete")),
    "assign": ("assign", Assign("x-1", "ben")),
    "correct": ("correct", Correct("x-1", "done", reason="it was")),
}


@pytest.mark.parametrize("function", [breaks_down, says_maybe])
@pytest.mark.parametrize("position", POSITIONS)
def test_a_rule_that_fails_denies_and_is_named(backend: Backend, position: str, function: Any) -> None:
    """Whatever position it has, even beside a rule that grants; the report names it, and nothing is written (A5)."""
    action, command = POSITIONS[position]
    a_bus(backend.store).execute(CreateTask("canary", id="x-1"), by=ROOT)
    before = backend.dump()
    reports: list[Report] = []
    broken = predicate(function, code="never", text="never told")
    definition = TASK.with_rules({action: any_of(TASK.rule(action), broken)})
    bus = a_bus(backend.store, [definition], observers=[reports.append])
    error = failure_of(bus.execute, command, by=ROOT)
    (report,) = reports
    assert [(reason.code, reason.phase) for reason in error.reasons] == [("rule_error", "permission")]
    assert (report.denial, report.reasons) == (error, error.reasons)
    assert report.reasons[0].params["rule"] == repr(broken)
    assert function.__name__ in repr(broken)
    assert "canary" not in f"{error} {error!r} {report!r}"
    assert backend.dump() == before


def test_every_denied_question_is_reported_once(bus: CommandBus, reports: list[Report]) -> None:
    """A denied reading makes one report of the action ``read``, whether the item is hidden or is not there (H1)."""
    bus.execute(OpenCase("A", id="c-1"), by=WRITER)
    behalf = Actor("sam", on_behalf_of="ann")
    for ask in (bus.get, bus.actions, bus.history, bus.notes, bus.verify):
        for item_id, codes in (("c-1", ["not_visible"]), ("none", [])):
            reports.clear()
            error = failure_of(ask, item_id, by=behalf)
            (report,) = reports
            assert (report.action, report.item_id, report.denial) == ("read", item_id, error)
            assert (report.actor_id, report.on_behalf_of, report.attempts) == ("sam", "ann", 1)
            assert [reason.code for reason in report.reasons] == codes


def test_what_is_no_denial_is_not_reported(bus: CommandBus, reports: list[Report]) -> None:
    """Answered questions, `check`, wrong arguments and conflicts make no report."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    reports.clear()
    bus.get("x-1", by=ANN)
    bus.history("x-1", by=ANN)
    bus.check(StartTask("x-1"), by=ANN)
    bus.check(Perform("x-1", "reopen"), by=ANN)
    for call in (
        lambda: bus.check(StartTask("x-1"), by=STRANGER),
        lambda: bus.execute(CreateTask("B", id="x-1"), by=ANN),
        lambda: bus.execute(StartTask("x-1"), by=ANN, expected_version=7),
        lambda: bus.execute(Perform("x-1", "start", {"stray": 1.5}), by=ANN),
        lambda: bus.execute(CreateTask("B", definition="unknown"), by=ANN),
    ):
        failure_of(call)
    assert reports == []
