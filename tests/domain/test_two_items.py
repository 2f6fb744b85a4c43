"""Two items: a case counts its open tasks, and each change of the count is an event of its own (L2).

Longer than 300 lines: it is the two-item rule in full.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    Case,
    Category,
    Change,
    Context,
    Event,
    Lifecycle,
    MisuseError,
    Permitted,
    Task,
    TaskDefinition,
    Transition,
    fold,
    never,
    seal,
    verify,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task
from casewright.testing.strategies import case_definitions, inputs_for, instants, task_definitions
from support import naive
from support.checks import SLOW_IS_FINE
from support.verdicts import ANN, EVERYONE, LATER, ROOT, after, codes, payload_of

STATUSES = {
    "todo": Category.OPEN,
    "waiting": Category.WAITING,
    "done": Category.DONE,
    "void": Category.CANCELLED,
}
# Every status leads to every status, itself included.
WEB = Lifecycle(
    states=STATUSES,
    initial=frozenset(STATUSES),
    transitions=[Transition(f"to {target}", list(STATUSES), target) for target in STATUSES],
)
WEB_TASK = TaskDefinition("web", lifecycle=WEB, authorization=EVERYONE)
OPEN = ("todo", "waiting")
CLOSED = ("done", "void")


def in_case(status: str = "todo", **fields: Any) -> Task:
    """Return a task of case-1."""
    return a_task(definition=WEB_TASK, status=status, case_id="case-1", **fields)


def changes_of(verdict: Any) -> tuple[Change[Any], ...]:
    """Return the changes of a permission."""
    assert isinstance(verdict, Permitted), codes(verdict)
    return verdict.changes


def ways_to(target: str) -> list[tuple[str, dict[str, object]]]:
    """Return each action that leads to the status, with its inputs."""
    return [(f"to {target}", {}), ("correct", {"status": target, "reason": "r"})]


# ---------------------------------------------------------------- the count over whole histories


@pytest.mark.large
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_the_count_is_the_number_of_open_tasks_over_any_history(data: st.DataObject) -> None:
    """Over random histories of several tasks in a case, open_tasks is the number of them that are open (L2, E3)."""
    loose: dict[str, Any] = {"authorization": EVERYONE, "guards": {}, "fields": None}
    task_def: Any = attrs.evolve(data.draw(task_definitions()), **loose)
    case_def: Any = attrs.evolve(data.draw(case_definitions()), **loose)
    opening = {"title": "A case", "status": next(iter(case_def.lifecycle.states)), "reason": "r"}
    histories: dict[str, list[Event]] = {}
    items: dict[str, Any] = {}

    def keep(verdict: Any) -> None:
        for change in verdict.changes if isinstance(verdict, Permitted) else ():
            sealed = seal(change, recorded_at=SOME_TIME)
            items[sealed.after.id] = sealed.after
            histories.setdefault(sealed.after.id, []).append(sealed.event)

    keep(case_def.create("case-1", by=ROOT, at=SOME_TIME, **opening))
    for step in range(30):
        case = items["case-1"]
        what = data.draw(st.integers(0, 9))
        at = data.draw(instants())
        tasks = [item for item in items.values() if isinstance(item, Task)]
        if what == 0:
            model = naive.observed(case)
            action = data.draw(st.sampled_from((*case_def.lifecycle.actions, "correct", "delete")))
            inputs = data.draw(inputs_for(naive.inputs_of(case_def, model, action)))
            keep(case_def.decide(case, action, inputs, by=ROOT, at=at, facts={"quota": 1}))
        elif what < 4 or not tasks:
            status = data.draw(st.sampled_from(list(task_def.lifecycle.states)))
            keep(task_def.create(f"t-{step}", by=ROOT, at=at, parent=case, title="T", status=status, reason="r"))
        else:
            task = data.draw(st.sampled_from(tasks))
            action = data.draw(st.sampled_from((*task_def.lifecycle.actions, "correct", "delete", "edit", "claim")))
            inputs = data.draw(inputs_for(naive.inputs_of(task_def, naive.observed(task), action)))
            keep(task_def.decide(task, action, inputs, by=ROOT, at=at, facts={"quota": 1}, parent=case))
        tasks = [item for item in items.values() if isinstance(item, Task)]
        open_now = sum(task.deleted_at is None and task.category not in ("done", "cancelled") for task in tasks)
        assert items["case-1"].open_tasks == open_now
    for item_id, history in histories.items():
        assert fold(history) == items[item_id]
        assert verify(history) == ()


# ---------------------------------------------------------------- each way in and out


@pytest.mark.parametrize(("source", "target"), list(product(STATUSES, STATUSES)))
def test_a_change_of_openness_is_an_event_of_the_case_and_nothing_else_is(source: str, target: str) -> None:
    """For each status to each: leaving or entering openness makes one counter event, all else makes none (L2)."""
    case = a_case(open_tasks=3, version=7)
    for action, inputs in ways_to(target):
        verdict = WEB_TASK.decide(in_case(source), action, inputs, by=ANN, at=LATER, parent=case)
        changed = changes_of(verdict)
        if (source in OPEN) is (target in OPEN):
            assert len(changed) == (0 if action == "correct" and source == target else 1)
            continue
        own, counted = changed
        assert own.after.status == target
        assert counted.before is case
        assert counted.event.action == ("task_opened" if target in OPEN else "task_closed")
        assert (counted.after.open_tasks, counted.after.version) == (4 if target in OPEN else 2, 8)


@pytest.mark.parametrize("status", STATUSES)
def test_creation_and_deletion_count_where_the_task_is_open(status: str) -> None:
    """Creating an open task opens, deleting one closes; closed tasks come and go without a counter event (L2)."""
    case = a_case(open_tasks=1)
    created = changes_of(WEB_TASK.create("t-1", by=ANN, at=LATER, title="T", status=status, parent=case))
    deleted = changes_of(WEB_TASK.decide(in_case(status), "delete", by=ANN, at=LATER, parent=case))
    expected = [["task_opened"], ["task_closed"]] if status in OPEN else [[], []]
    assert [[change.event.action for change in changed[1:]] for changed in (created, deleted)] == expected
    assert [change.after.open_tasks for change in (*created[1:], *deleted[1:])] == ([2, 0] if status in OPEN else [])
    assert created[0].after.case_id == "case-1"


@pytest.mark.parametrize("verb", ["edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct"])
def test_verbs_that_change_no_status_never_count(verb: str) -> None:
    """A verb that leaves the status alone needs no case and makes one change at most."""
    sample: dict[str, object] = {"assignee_id": "cy", "due_at": SOME_TIME, "body": "b", "note_id": "n", "reason": "r"}
    inputs = {spec.name: sample.get(spec.name, "todo") for spec in naive.VERB_INPUTS[verb] if not spec.optional}
    inputs |= {"title": "Another"} if verb == "edit" else {"add": ["x"]} if verb == "tag" else {}
    item = in_case(assignee_id="ann" if verb in ("claim", "release") else None)
    assert len(changes_of(WEB_TASK.decide(item, verb, inputs, by=ANN, at=LATER))) <= 1


def test_a_task_without_a_case_counts_nowhere() -> None:
    """A task of no case makes its own change only."""
    for action in ("to done", "delete"):
        assert (
            len(changes_of(WEB_TASK.decide(a_task(definition=WEB_TASK, status="todo"), action, by=ANN, at=LATER))) == 1
        )


# ---------------------------------------------------------------- the counter event


def test_the_counter_event_says_which_task_moved_it() -> None:
    """Same actor, principal and time as the task's event, which it names as its cause; the case's own header else."""
    by = Actor("ann", on_behalf_of="ben", tenant="north")
    case = a_case(open_tasks=2, version=4, status="ESCALATED", tenant="north")
    task = in_case(version=6, tenant="north")
    own, counted = changes_of(WEB_TASK.decide(task, "to done", by=by, at=LATER, parent=case))
    event = counted.event
    assert (event.actor_id, event.on_behalf_of, event.occurred_at, event.tenant) == ("ann", "ben", LATER, "north")
    assert event.causation_id == own.event.id == "task-1.7"
    assert (event.item_id, event.kind, event.version, event.id) == ("case-1", "case", 5, "case-1.5")
    assert (event.action, event.name, event.changed) == ("task_closed", "task_closed", ("open_tasks",))
    assert (event.from_status, event.to_status, event.category) == ("ESCALATED", "ESCALATED", Category.ACTIVE)
    assert (event.definition, event.lifecycle_version) == ("regulatory_case", 1)
    assert payload_of(counted) == ({}, {"open_tasks": 1})
    assert own.event.causation_id is None


def test_the_count_changes_nothing_else_of_the_case() -> None:
    """Of the case only count, version and time of the last change are new: it has no new performer, for one."""
    case = a_case(open_tasks=2, version=4, assignee_id="rita", tags=["x"], attributes={"k": 1})
    _, counted = changes_of(WEB_TASK.decide(in_case(), "to void", by=ANN, at=LATER, parent=case))
    assert counted.after == attrs.evolve(case, open_tasks=1, version=5, updated_at=LATER)
    assert counted.notes == ()


def test_the_cause_survives_sealing() -> None:
    """A request's own causation id goes onto the task's event; the counter event keeps the task's."""
    case = a_case(open_tasks=1, head="abc")
    task = in_case(head="def")
    context = Context(correlation_id="c-1", causation_id="m-1")
    changed = changes_of(WEB_TASK.decide(task, "to done", by=ANN, at=LATER, parent=case))
    own, counted = (seal(change, recorded_at=LATER, context=context).event for change in changed)
    assert (own.causation_id, own.correlation_id) == ("m-1", "c-1")
    assert (counted.causation_id, counted.correlation_id) == (own.id, "c-1")


@pytest.mark.parametrize("published", [None, {"to done", "create"}, {"delete"}, set()])
def test_the_counter_event_is_published_as_the_tasks_is(published: set[str] | None) -> None:
    """Whether the case's event goes outside is what the task's definition says of the action (not the case's)."""
    definition = attrs.evolve(WEB_TASK, published=published)
    case = a_case(open_tasks=1)
    for action in ("to done", "to void", "delete"):
        own, counted = changes_of(definition.decide(in_case(), action, by=ANN, at=LATER, parent=case))
        assert own.published is counted.published is (published is None or action in published)
    created = changes_of(definition.create("t", by=ANN, at=LATER, title="T", status="todo", parent=case))
    assert [change.published for change in created] == [published is None or "create" in published] * 2


def test_the_counter_asks_no_right_on_the_case() -> None:
    """Whoever may finish the task finishes it, readable case or not; the counter follows (creation is the bus's)."""
    secret = attrs.evolve(REGULATORY_CASE, name="secret").with_rules({"read": never()})
    case = a_case(definition=secret, open_tasks=1)
    assert not secret.may_read(case, by=ANN)
    _, counted = changes_of(WEB_TASK.decide(in_case(), "to done", by=ANN, at=LATER, parent=case))
    assert counted.after.open_tasks == 0
    assert counted.event.definition == "secret"


def test_time_may_go_backwards_for_the_count_too() -> None:
    """The counter event takes the task's effective time, even before the case's last one (O8)."""
    early = SOME_TIME - timedelta(days=9)
    _, counted = changes_of(WEB_TASK.decide(in_case(), "to done", by=ANN, at=early, parent=a_case(open_tasks=1)))
    assert counted.after.updated_at == counted.event.occurred_at == early


# ---------------------------------------------------------------- a closed or deleted case

SHUT = {
    "closed": a_case(status="CLOSED", open_tasks=1),
    "deleted": a_case(open_tasks=1, deleted_at=LATER),
    "both": a_case(status="CLOSED", open_tasks=1, deleted_at=LATER),
}


@pytest.mark.parametrize("how", SHUT)
def test_nothing_enters_openness_in_a_case_that_is_shut(how: str) -> None:
    """Creating, reopening and correcting into openness are refused, phase guard, in a closed or deleted case (L2)."""
    parent = SHUT[how]
    expected = {("guard", "case_closed")}
    for source, target in product(CLOSED, OPEN):
        for action, inputs in ways_to(target):
            verdict = WEB_TASK.decide(in_case(source), action, inputs, by=ANN, at=LATER, parent=parent)
            assert codes(verdict) == expected
    for target in OPEN:
        assert codes(WEB_TASK.create("t", by=ANN, at=LATER, title="T", status=target, parent=parent)) == expected


@pytest.mark.parametrize("how", SHUT)
def test_leaving_openness_is_always_possible(how: str) -> None:
    """Finishing, cancelling, correcting and deleting go on in a closed or deleted case, and are counted (L2)."""
    parent = SHUT[how]
    for source, target in product(OPEN, CLOSED):
        for action, inputs in ways_to(target):
            _, counted = changes_of(WEB_TASK.decide(in_case(source), action, inputs, by=ANN, at=LATER, parent=parent))
            assert counted.after.open_tasks == 0
            assert (counted.after.closed_at, counted.after.deleted_at) == (parent.closed_at, parent.deleted_at)
        _, counted = changes_of(WEB_TASK.decide(in_case(source), "delete", by=ANN, at=LATER, parent=parent))
        assert counted.event.action == "task_closed"


@pytest.mark.parametrize("how", SHUT)
def test_what_does_not_enter_openness_does_not_ask_the_case(how: str) -> None:
    """Closed tasks may be created in a shut case, and moved, edited or deleted there; open ones may stay open."""
    parent = SHUT[how]
    asked: dict[str, Any] = {"by": ANN, "at": LATER, "parent": parent}
    for status in CLOSED:
        assert len(changes_of(WEB_TASK.create("t", title="T", status=status, **asked))) == 1
        assert len(changes_of(WEB_TASK.decide(in_case(status), "to void", **asked))) == 1
        assert len(changes_of(WEB_TASK.decide(in_case(status), "delete", **asked))) == 1
    assert len(changes_of(WEB_TASK.decide(in_case("todo"), "to waiting", **asked))) == 1


# ---------------------------------------------------------------- misuse

NO_CASE: dict[str, Case | None] = {
    "missing": None,
    "another": a_case(id="case-2", open_tasks=1),
    "of another tenant": a_case(tenant="elsewhere", open_tasks=1),
}


@pytest.mark.parametrize("how", NO_CASE)
@pytest.mark.parametrize("status", STATUSES)
def test_where_openness_changes_the_case_must_be_given(how: str, status: str) -> None:
    """A task's way in or out of openness without its own case at hand is MisuseError, never a wrong count (L2)."""
    asked: dict[str, Any] = {"by": ANN, "at": LATER, "parent": NO_CASE[how]}
    for target in CLOSED if status in OPEN else OPEN:
        for action, inputs in ways_to(target):
            with pytest.raises(MisuseError):
                WEB_TASK.decide(in_case(status), action, inputs, **asked)
    if status in OPEN:
        with pytest.raises(MisuseError):
            WEB_TASK.decide(in_case(status), "delete", **asked)


def test_an_action_from_a_wrong_status_asks_for_no_case() -> None:
    """What is not possible from the item's status changes no openness: the case is neither needed nor judged."""
    done = a_task(status="done", case_id="case-1")
    for parent in (None, a_case(status="CLOSED", open_tasks=1)):
        for action in ("start", "complete", "cancel", "unblock"):
            assert codes(TASK.decide(done, action, by=ANN, at=LATER, parent=parent)) == {("state", "wrong_state")}


def test_a_case_that_counts_no_open_task_cannot_lose_one() -> None:
    """A case from before the task was opened is MisuseError: the count never goes below zero."""
    with pytest.raises(MisuseError, match="pass the case as it is now"):
        WEB_TASK.decide(in_case(), "to done", by=ANN, at=LATER, parent=a_case(open_tasks=0))


def test_a_task_never_changes_its_case() -> None:
    """The case is set at creation and by nothing else: no verb takes it, no effect sets it."""
    case = a_case(open_tasks=1)
    made = after(TASK.create("t-1", by=ANN, at=LATER, title="T", parent=case))
    assert made.case_id == "case-1"
    verdict = TASK.decide(made, "edit", {"case_id": "case-2"}, by=ANN, at=LATER, parent=case)
    assert codes(verdict) == {("input", "input_unknown")}
    assert after(TASK.create("t-1", by=ANN, at=LATER, title="T")).case_id is None
