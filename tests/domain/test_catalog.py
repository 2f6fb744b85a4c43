"""The catalog, written out: every status, transition, input and permission of the three shipped definitions."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import REGULATORY_CASE, SIMPLE_TASK, TASK, Actor, Permitted, Refused
from casewright.testing.builders import SOME_TIME, a_case, a_task

BY_NAME: dict[str, Any] = {one.name: one for one in (TASK, SIMPLE_TASK, REGULATORY_CASE)}

STATES = {
    "task": {
        "todo": "open",
        "in_progress": "active",
        "blocked": "waiting",
        "done": "done",
        "cancelled": "cancelled",
    },
    "simple_task": {
        "pending": "open",
        "in_progress": "active",
        "completed": "done",
        "cancelled": "cancelled",
    },
    "regulatory_case": {
        "DRAFT": "draft",
        "SUBMITTED": "open",
        "UNDER_REVIEW": "active",
        "ESCALATED": "active",
        "CLOSED": "done",
    },
}

TARGETS = {
    "task": {
        ("todo", "start"): "in_progress",
        ("todo", "complete"): "done",
        ("in_progress", "complete"): "done",
        ("in_progress", "block"): "blocked",
        ("blocked", "unblock"): "in_progress",
        ("todo", "cancel"): "cancelled",
        ("in_progress", "cancel"): "cancelled",
        ("blocked", "cancel"): "cancelled",
        ("done", "reopen"): "todo",
        ("cancelled", "reopen"): "todo",
    },
    "simple_task": {
        ("pending", "start"): "in_progress",
        ("pending", "complete"): "completed",
        ("in_progress", "complete"): "completed",
        ("pending", "cancel"): "cancelled",
        ("in_progress", "cancel"): "cancelled",
    },
    "regulatory_case": {
        ("DRAFT", "submit"): "SUBMITTED",
        ("SUBMITTED", "start_review"): "UNDER_REVIEW",
        ("UNDER_REVIEW", "escalate"): "ESCALATED",
        ("UNDER_REVIEW", "close"): "CLOSED",
        ("ESCALATED", "close"): "CLOSED",
    },
}

VERB_INPUTS = {
    "edit": ["title?", "description?", "priority?", "attributes?"],
    "assign": ["assignee_id"],
    "claim": [],
    "release": [],
    "set_due": ["due_at"],
    "tag": ["add?", "remove?"],
    "add_note": ["body", "note_id"],
    "correct": ["status", "reason"],
    "delete": [],
}
INPUTS: dict[str, dict[str, list[str]]] = {
    "task": {"start": [], "complete": [], "block": ["reason"], "unblock": [], "cancel": ["reason?"], "reopen": []},
    "simple_task": {"start": [], "complete": [], "cancel": []},
    "regulatory_case": {"submit": [], "start_review": ["reviewer_id"], "escalate": ["reason"], "close": ["reason"]},
}

EVENTS = {
    "task": ["started", "completed", "blocked", "unblocked", "cancelled", "reopened"],
    "simple_task": ["started", "completed", "cancelled"],
    "regulatory_case": ["submitted", "review_started", "escalated", "closed"],
}

# Who may, in whatever status, of: c(reator), a(ssignee), A(dmin), o(ther).
WORKERS = {
    "create": "c a A o",
    "read": "c a A",
    "edit": "c a A",
    "set_due": "c a A",
    "tag": "c a A",
    "add_note": "c a A",
    "release": "c a A",
    "start": "c a A",
    "complete": "c a A",
    "block": "c a A",
    "unblock": "c a A",
    "assign": "c A",
    "claim": "c A",
    "cancel": "c A",
    "reopen": "c A",
    "delete": "c A",
    "correct": "A",
}
# Who may, of: w(riter), r(eviewer), A(dmin), o(ther); a second entry is for every status but DRAFT.
OFFICERS = {
    "create": ("w A", "w A"),
    "submit": ("w A", "w A"),
    "read": ("w r A", "w r A"),
    "add_note": ("w r A", "w r A"),
    "edit": ("w A", "A"),
    "set_due": ("w A", "A"),
    "tag": ("w A", "A"),
    "start_review": ("r A", "r A"),
    "escalate": ("r A", "r A"),
    "close": ("r A", "r A"),
    "assign": ("r A", "r A"),
    "claim": ("r A", "r A"),
    "release": ("r A", "r A"),
    "correct": ("A", "A"),
    "delete": ("A", "A"),
}

TASK_ACTORS = {"c": Actor("cleo"), "a": Actor("abe"), "A": Actor("root", roles=["admin"]), "o": Actor("otto")}
CASE_ACTORS = {
    "w": Actor("will", roles=["case_writer"]),
    "r": Actor("rita", roles=["reviewer"]),
    "A": Actor("root", roles=["admin"]),
    "o": Actor("otto", roles=["clerk"]),
}
SAMPLES = {
    "reason": "because",
    "reviewer_id": "rita",
    "title": "T",
    "assignee_id": "abe",
    "due_at": None,
    "body": "words",
    "note_id": "n-1",
}


def an_item(definition: Any, status: str) -> Any:
    """Return an item in the status, created by cleo and held by abe."""
    if definition.kind == "case":
        return a_case(definition=definition, status=status)
    return a_task(definition=definition, status=status, created_by="cleo", assignee_id="abe")


def sample_inputs(action: str, inputs: list[str], status: str) -> dict[str, object]:
    """Return inputs that are accepted, the required ones only."""
    names = [name for name in inputs if not name.endswith("?")]
    return {name: status if (action, name) == ("correct", "status") else SAMPLES[name] for name in names}


def denied(verdict: Permitted[Any] | Refused) -> bool:
    """Return whether permission lacked."""
    return isinstance(verdict, Refused) and verdict.phase == "permission"


@pytest.mark.parametrize("name", BY_NAME)
def test_statuses_and_categories_are_these(name: str) -> None:
    """The statuses of each shipped definition, in order, with their categories; version 1, and nothing set apart."""
    lifecycle = BY_NAME[name].lifecycle
    assert {status: str(category) for status, category in lifecycle.states.items()} == STATES[name]
    assert list(lifecycle.states) == list(STATES[name])
    assert lifecycle.initial == (next(iter(STATES[name])),)
    assert (lifecycle.version, lifecycle.administrative, lifecycle.legacy) == (1, (), ())


@pytest.mark.parametrize("name", BY_NAME)
def test_transitions_inputs_and_events_are_these(name: str) -> None:
    """The transitions of each shipped definition, what they take, and what their events are called."""
    lifecycle = BY_NAME[name].lifecycle
    assert {(s, step.action): step.target for step in lifecycle.transitions for s in step.sources} == TARGETS[name]
    taken = {step.action: [spec.name + "?" * spec.optional for spec in step.inputs] for step in lifecycle.transitions}
    assert taken == INPUTS[name]
    assert [step.event for step in lifecycle.transitions] == EVENTS[name]


def test_the_rest_of_each_definition_is_this() -> None:
    """Kinds, guards, effects, typed attributes, earlier lifecycles and what is published."""
    assert [one.kind for one in BY_NAME.values()] == ["task", "task", "case"]
    for definition in BY_NAME.values():
        assert (definition.earlier, definition.fields, definition.published) == ((), None, None)
        guarded = {
            step.action: [repr(g) for g in step.guards] for step in definition.lifecycle.transitions if step.guards
        }
        effects = {
            step.action: [repr(e) for e in step.effects] for step in definition.lifecycle.transitions if step.effects
        }
        verbs = {action: [repr(g) for g in guards] for action, guards in definition.guards.items()}
        if definition is REGULATORY_CASE:
            assert guarded == {"close": ["no_open_tasks()"]}
            assert verbs == {"correct": ["no_open_tasks()"]}
            assert effects == {"start_review": ['copy_input("reviewer_id", to="assignee_id")']}
        else:
            assert (guarded, verbs, effects) == ({}, {}, {})


@pytest.mark.parametrize("name", BY_NAME)
def test_the_inputs_of_verbs_are_these(name: str) -> None:
    """`actions` lists every action and then every verb with its inputs; `create` and `read` are not among them."""
    definition = BY_NAME[name]
    verdicts = definition.actions(an_item(definition, next(iter(STATES[name]))), by=TASK_ACTORS["A"], at=SOME_TIME)
    listed = {v.action: [spec.name + "?" * spec.optional for spec in v.inputs] for v in verdicts}
    assert listed == INPUTS[name] | VERB_INPUTS
    assert list(listed) == [*INPUTS[name], *VERB_INPUTS]


@pytest.mark.parametrize("name", BY_NAME)
def test_from_every_status_only_the_listed_actions_lead_on(name: str) -> None:
    """For each status and action an administrator gets just what the table says, and the item just that status (E2)."""
    definition = BY_NAME[name]
    for status in STATES[name]:
        for action, inputs in INPUTS[name].items():
            item = an_item(definition, status)
            given = sample_inputs(action, inputs, status)
            verdict = definition.decide(item, action, given, by=TASK_ACTORS["A"], at=SOME_TIME)
            target = TARGETS[name].get((status, action))
            if target is None:
                assert [reason.code for reason in verdict.reasons] == ["wrong_state"]
                continue
            after = verdict.change.after
            assert (after.status, str(after.category)) == (target, STATES[name][target])
            assert after.version == item.version + 1


def who_may(name: str, status: str, action: str) -> set[str]:
    """Return the initials of who may, from the tables above."""
    if name == "regulatory_case":
        return set(OFFICERS[action][status != "DRAFT"].split())
    return set(WORKERS[action].split())


@pytest.mark.parametrize("name", BY_NAME)
def test_who_may_do_what_in_which_status(name: str) -> None:
    """For each status, action, verb and kind of actor, permission is given just where the tables say (A1)."""
    definition = BY_NAME[name]
    people = CASE_ACTORS if definition.kind == "case" else TASK_ACTORS
    for status in STATES[name]:
        item = an_item(definition, status)
        for initial, by in people.items():
            reads = initial in who_may(name, status, "read")
            assert definition.may_read(item, by=by) is reads
            assert denied(definition.decide(item, "read", by=by, at=SOME_TIME)) is not reads
            listed = {v.action: v for v in definition.actions(item, by=by, at=SOME_TIME)}
            for action, inputs in (INPUTS[name] | VERB_INPUTS).items():
                expected = initial in who_may(name, status, action)
                given = sample_inputs(action, inputs, status)
                verdict = definition.decide(item, action, given, by=by, at=SOME_TIME)
                assert denied(verdict) is not expected, (status, action, initial)
                assert ("permission" in {r.phase for r in listed[action].reasons}) is not expected
                if not reads:
                    assert [reason.code for reason in verdict.reasons] == ["not_visible"]


@pytest.mark.parametrize("name", BY_NAME)
def test_who_may_create(name: str) -> None:
    """Anyone creates a task; a case is created by writers and administrators, in any other status by the latter."""
    definition = BY_NAME[name]
    people = CASE_ACTORS if definition.kind == "case" else TASK_ACTORS
    first, *others = STATES[name]
    for initial, by in people.items():
        may = initial in who_may(name, first, "create")
        assert denied(definition.create("x-1", by=by, at=SOME_TIME, title="T")) is not may
        for status in others:
            verdict = definition.create("x-1", by=by, at=SOME_TIME, title="T", status=status, reason="imported")
            assert denied(verdict) is (initial != "A")
