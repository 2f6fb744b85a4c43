"""Two items: a case counts its open tasks, and each change of the count is an event of its own (L2)."""

from __future__ import annotations

from itertools import product
from typing import Any

import attrs
import pytest

from casewright import (
    REGULATORY_CASE,
    Actor,
    Category,
    Change,
    Lifecycle,
    MisuseError,
    Permitted,
    Task,
    TaskDefinition,
    Transition,
    never,
)
from casewright.domain.deciding import with_counter
from casewright.testing.builders import a_case, a_task
from support.verdicts import ANN, EVERYONE, LATER, codes, payload_of

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


def test_no_change_of_openness_gets_past_the_count() -> None:
    """Whatever made it, a change by which a task enters or leaves openness is refused without the task's case (L2)."""
    for action in ("to done", "delete"):
        own, _ = changes_of(WEB_TASK.decide(in_case(), action, by=ANN, at=LATER, parent=a_case(open_tasks=1)))
        for other in (None, a_case(id="case-2", open_tasks=1)):
            with pytest.raises(MisuseError, match="the task's case 'case-1'"):
                with_counter(own, other)


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


def test_a_status_of_another_category_meanwhile_is_counted_all_the_same() -> None:
    """An item remembers its category: one that counts as open is closed by a status that was made a closed one (L2)."""
    states = {**STATUSES, "waiting": Category.CANCELLED}
    changed = attrs.evolve(WEB_TASK, lifecycle=attrs.evolve(WEB, states=states))
    task = in_case("waiting")
    assert task.open
    assert changed.needs(task, "to done").parent
    own, counted = changes_of(changed.decide(task, "to done", by=ANN, at=LATER, parent=a_case(open_tasks=1)))
    assert (own.after.open, counted.after.open_tasks) == (False, 0)


def test_a_case_that_counts_no_open_task_cannot_lose_one() -> None:
    """A case from before the task was opened is MisuseError: the count never goes below zero."""
    with pytest.raises(MisuseError, match="pass the case as it is now"):
        WEB_TASK.decide(in_case(), "to done", by=ANN, at=LATER, parent=a_case(open_tasks=0))
