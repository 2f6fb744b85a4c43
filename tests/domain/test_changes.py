"""What a permitted decision makes: the event, the item after it, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import attrs

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    Category,
    Lifecycle,
    TaskDefinition,
    Transition,
)
from casewright.testing.builders import SOME_TIME, a_case, a_task
from support.verdicts import ANN, EVERYONE, LATER, ROOT, change_of, payload_of

STATES = {"new": Category.OPEN, "done": Category.DONE}
PLAIN = TaskDefinition(
    "plain",
    lifecycle=Lifecycle(states=STATES, initial="new", transitions=[Transition("end", "new", "done")]),
    authorization=EVERYONE,
)


def test_the_event_says_what_happened() -> None:
    """An event's header holds who, what, when, from where and to where; the payload holds inputs and changes."""
    by = Actor("rita", roles=["reviewer"], on_behalf_of="ben", tenant="north")
    case = a_case(status="SUBMITTED", version=4, tenant="north")
    change = change_of(REGULATORY_CASE.decide(case, "start_review", {"reviewer_id": "cy"}, by=by, at=LATER))
    event = change.event
    header = {name: getattr(event, name) for name in ("tenant", "item_id", "kind", "version", "action", "name")}
    assert header == {
        "tenant": "north",
        "item_id": "case-1",
        "kind": "case",
        "version": 5,
        "action": "start_review",
        "name": "review_started",
    }
    assert (event.from_status, event.to_status, event.category) == ("SUBMITTED", "UNDER_REVIEW", Category.ACTIVE)
    assert (event.actor_id, event.on_behalf_of, event.occurred_at) == ("rita", "ben", LATER)
    assert (event.definition, event.lifecycle_version, event.schema, event.id) == ("regulatory_case", 1, 1, "case-1.5")
    assert (event.recorded_at, event.previous, event.digest, event.payload_digest, event.salt) == (
        None,
        "",
        "",
        "",
        None,
    )
    assert (event.correlation_id, event.causation_id, event.traceparent) == (None, None, None)
    assert event.changed == ("assignee_id",)
    assert payload_of(change) == ({"reviewer_id": "cy"}, {"assignee_id": "cy"})
    assert (change.before, change.notes, change.published) == (case, (), True)


def test_an_event_is_called_by_its_action_where_it_has_no_name() -> None:
    """Without `event=` the action is the name for the outside as well."""
    assert change_of(PLAIN.decide(a_task(definition=PLAIN), "end", by=ANN, at=LATER)).event.name == "end"


def test_a_change_leaves_everything_else_alone() -> None:
    """A transition sets status, category, version, updated_at and performers, and what its effects say; no more."""
    task = a_task(tags=["x"], attributes={"k": 1}, due_at=SOME_TIME, priority="low", description="d", assignee_id="ben")
    after = change_of(TASK.decide(task, "start", by=ANN, at=LATER)).after
    moved = {"status", "category", "version", "updated_at", "performers"}
    for field in attrs.fields(type(task)):
        same = getattr(after, field.name) == getattr(task, field.name)
        assert same is (field.name not in moved), field.name


def test_head_is_ignored_by_decide() -> None:
    """A script may chain decisions unsealed: whatever the head is, the answer is the same and unsealed."""
    sealed = a_task(head="abc")
    one = change_of(TASK.decide(sealed, "start", by=ANN, at=LATER))
    two = change_of(TASK.decide(a_task(), "start", by=ANN, at=LATER))
    assert one.after == two.after
    assert one.event == two.event
    assert one.after.head == ""


def test_time_may_go_backwards() -> None:
    """An effective time before the last one is legal: updated_at follows it, versions still count up (O8)."""
    early = SOME_TIME - timedelta(days=400)
    change = change_of(TASK.decide(a_task(), "complete", by=ANN, at=early))
    assert (change.after.updated_at, change.after.closed_at, change.after.version) == (early, early, 2)
    assert change.after.created_at == SOME_TIME


def test_closed_at_is_set_on_entering_and_cleared_on_leaving() -> None:
    """closed_at is the time of entering a closed category, stays while there, and goes on leaving it."""
    day = timedelta(days=1)
    done = change_of(TASK.decide(a_task(), "complete", by=ANN, at=SOME_TIME + day)).after
    assert done.closed_at == SOME_TIME + day
    other = change_of(
        TASK.decide(done, "correct", {"status": "cancelled", "reason": "r"}, by=ROOT, at=SOME_TIME + 2 * day)
    ).after
    assert (other.category, other.closed_at) == (Category.CANCELLED, SOME_TIME + day)
    edited = change_of(TASK.decide(other, "edit", {"title": "T"}, by=ANN, at=SOME_TIME + 3 * day)).after
    assert edited.closed_at == SOME_TIME + day
    reopened = change_of(TASK.decide(edited, "reopen", by=ANN, at=SOME_TIME + 4 * day)).after
    assert reopened.closed_at is None


def test_performers_are_kept_with_their_principals() -> None:
    """Each lifecycle action keeps all who did it, each once, and whom they stood in for; verbs keep nobody."""
    deputy = Actor("root", roles=["admin"], on_behalf_of="ben")
    item = a_task(performers=("create", "ann"))
    for action, by in (("start", ANN), ("complete", deputy), ("reopen", ROOT), ("start", deputy), ("complete", deputy)):
        item = change_of(TASK.decide(item, action, by=by, at=LATER)).after
        item = change_of(TASK.decide(item, "edit", {"title": f"T{item.version}"}, by=ROOT, at=LATER)).after
    assert item.performers_of("start") == ("ann", "root", "ben")
    assert item.performers_of("complete") == ("root", "ben")
    assert item.performers_of("reopen") == ("root",)
    assert item.performers_of("edit") == ()
    assert item.performers_of("create") == ("ann",)


def test_only_the_named_actions_are_published() -> None:
    """`published=` names the actions whose changes are marked for the outside; without it all are."""
    some = attrs.evolve(TASK, published={"complete", "create", "edit"})
    for action, inputs in (("start", {}), ("complete", {}), ("edit", {"title": "T"}), ("claim", {})):
        assert change_of(TASK.decide(a_task(), action, inputs, by=ANN, at=LATER)).published is True
        change = change_of(some.decide(a_task(), action, inputs, by=ANN, at=LATER))
        assert change.published is (action in ("complete", "edit"))
    for definition, expected in ((TASK, True), (some, True), (attrs.evolve(TASK, published=()), False)):
        created = definition.create("t-1", by=ANN, at=LATER, title="T")
        assert change_of(created).published is expected
