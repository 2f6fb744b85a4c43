"""Creation: what it takes, who may, and the item that comes of it.

Longer than 300 lines: creation is one decision with every field of an item.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    Category,
    InvalidInputError,
    Lifecycle,
    MisuseError,
    Permitted,
    Priority,
    Refused,
    TaskDefinition,
    Transition,
    all_of,
    choice,
    forbid,
    guard,
    has_role,
    in_status,
    instant,
    integer,
    is_assignee,
    is_creator,
    never,
    no_open_tasks,
    performed,
    text,
)
from casewright.testing.builders import SOME_TIME, a_case
from casewright.testing.strategies import actors, case_definitions, definitions, instants, items
from support import naive
from support.checks import SLOW_IS_FINE
from support.verdicts import ANN, EVERYONE, LATER, ROOT, after, change_of, codes, payload_of

LIFECYCLE = Lifecycle(
    states={"idea": Category.DRAFT, "new": Category.OPEN, "done": Category.DONE, "void": Category.CANCELLED},
    initial=("new", "idea"),
    transitions=[Transition("end", ["new", "idea"], "done")],
    administrative="void",
)
PLAIN = TaskDefinition("plain", lifecycle=LIFECYCLE, authorization=EVERYONE)
UNORDERED = attrs.evolve(PLAIN, lifecycle=attrs.evolve(LIFECYCLE, initial=frozenset({"new", "idea"})))
ONE = attrs.evolve(PLAIN, lifecycle=attrs.evolve(LIFECYCLE, initial={"new"}, legacy="idea"))


def create(definition: Any = PLAIN, *, by: Actor = ANN, **fields: Any) -> Permitted[Any] | Refused:
    """Ask for a creation with a title."""
    verdict: Permitted[Any] | Refused = definition.create("t-1", by=by, at=LATER, **({"title": "T"} | fields))
    return verdict


@pytest.mark.large
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_any_creation_is_decided_as_the_oracle_does(data: st.DataObject) -> None:
    """For generated definitions, actors, fields and cases the answer and the items are the oracle's (E2)."""
    definition: Any = data.draw(definitions())
    by, at = data.draw(actors()), data.draw(instants())
    parent = data.draw(st.none() | case_definitions().flatmap(items)) if definition.kind == "task" else None
    fields = {
        "title": st.sampled_from(("A title", "A title", " ", None)),
        "status": st.sampled_from((*definition.lifecycle.states, "no such status")),
        "reason": st.sampled_from(("as agreed", " ")),
        "assignee_id": st.sampled_from((by.id, "ben", None)),
        "priority": st.sampled_from((*Priority, "enormous", None)),
        "tags": st.just(["b", "a", "b"]),
        "attributes": st.sampled_from(({"team": "red", "amount": 1}, {}, {"amount": None}, {"stray": 1})),
        "due_at": instants(),
        "description": st.sampled_from(("words", " ", None)),
        "unknown": st.just(1),
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(fields)), max_size=4)) | {"title"}
    given = {name: data.draw(fields[name]) for name in sorted(chosen)}
    seen = None if parent is None else naive.observed(parent)
    expected = naive.create(definition, "t-1", by=by, at=at, given=given, parent=seen)
    verdict = definition.create("t-1", by=by, at=at, parent=parent, **given)
    assert codes(verdict) == expected.reasons
    if isinstance(verdict, Permitted):
        changed = [naive.observed(change.after) for change in verdict.changes]
        moved = [] if expected.parent is seen else [expected.parent]
        assert changed == [expected.item, *moved]
        assert change_of(verdict).before is None


def test_the_event_of_a_creation() -> None:
    """Its event comes from nowhere, is called created, and holds the fields as changes and the reason as input."""
    change = change_of(create(by=ROOT, status="done", reason="imported", priority=Priority.LOW))
    event = change.event
    assert (event.action, event.name, event.version, event.from_status, event.to_status) == (
        "create", "created", 1, None, "done",
    )  # fmt: skip
    assert event.changed == ("priority", "title")
    assert payload_of(change) == ({"reason": "imported"}, {"priority": "low", "title": "T"})
    assert change.before is None


def test_without_a_status_the_first_initial_one_is_taken() -> None:
    """Of several initial statuses in order the first one is the default, and each may be named without a reason."""
    assert after(create()).status == "new"
    assert after(create(status="idea")).status == "idea"
    assert after(create(ONE)).status == "new"


def test_of_a_set_of_initial_statuses_one_must_be_named() -> None:
    """Several initial statuses without an order have no default: the status is a missing input."""
    assert codes(create(UNORDERED)) == {("input", "input_missing")}
    verdict = create(UNORDERED)
    assert isinstance(verdict, Refused)
    assert verdict.reasons[0].params["input"] == "status"
    assert after(create(UNORDERED, status="idea")).status == "idea"


@pytest.mark.parametrize("status", ["done", "void"])
def test_a_status_that_is_not_initial_needs_a_reason(status: str) -> None:
    """A later or administrative status at creation is a correction in advance: without a reason it is refused."""
    assert codes(create(status=status)) == {("input", "input_missing")}
    blank = create(status=status, reason=" ")
    assert isinstance(blank, Refused)
    assert [reason.code for reason in blank.reasons] == ["input_blank"]
    item = after(create(status=status, reason="imported"))
    assert (item.status, item.category, item.closed_at) == (status, LIFECYCLE.states[status], LATER)


def test_a_status_that_is_not_initial_needs_the_right_to_correct() -> None:
    """The rule of `correct` is asked besides that of `create`, of the item as it would be."""
    denied = PLAIN.with_rules({"correct": never()})
    assert codes(create(denied, status="done", reason="r")) == {("permission", "never")}
    assert create(denied, status="idea").permitted
    as_it_would_be = PLAIN.with_rules({"correct": in_status("done")})
    assert create(as_it_would_be, status="done", reason="r").permitted
    assert codes(create(as_it_would_be, status="void", reason="r")) == {("permission", "not_in_status")}


def test_an_assignee_needs_the_right_to_assign() -> None:
    """The rule of `assign` is asked besides that of `create`, of the item as it would be."""
    denied = PLAIN.with_rules({"assign": never()})
    assert codes(create(denied, assignee_id="ben")) == {("permission", "never")}
    assert create(denied).permitted
    assert create(denied, assignee_id=None).permitted
    to_oneself = PLAIN.with_rules({"assign": is_assignee()})
    assert create(to_oneself, assignee_id="ann").permitted
    assert codes(create(to_oneself, assignee_id="ben")) == {("permission", "not_assignee")}


def test_all_missing_permissions_are_told_and_nothing_else() -> None:
    """Create, correct and assign are asked together; without them no input or guard is spoken of."""
    rules = {"create": has_role("maker"), "correct": has_role("mender"), "assign": has_role("giver")}
    strict = PLAIN.with_rules(rules)
    verdict = create(strict, status="done", assignee_id="ben", title=" ", stray=1)
    assert isinstance(verdict, Refused)
    assert [reason.text for reason in verdict.reasons] == [
        "needs the role maker",
        "needs the role mender",
        "needs the role giver",
    ]


def test_rules_of_create_see_the_item_as_it_would_be() -> None:
    """On create the actor is the creator and the performer of create, and the status is the new one."""
    for rule in (is_creator(), performed("create"), in_status("new"), all_of(is_creator(), forbid(in_status("idea")))):
        assert create(PLAIN.with_rules({"create": rule})).permitted
    assert not create(PLAIN.with_rules({"create": forbid(performed("create"))})).permitted


def test_reading_is_not_asked_at_creation() -> None:
    """Who may create but not read what is created may still create it."""
    assert create(PLAIN.with_rules({"read": never()})).permitted


def test_guards_of_create_see_the_item_as_it_would_be() -> None:
    """A guard on create judges the item that would come of it, with facts, and refuses with its reason."""
    seen: list[Any] = []

    def look(item: Any, inputs: Any, facts: Any, at: datetime) -> bool:
        seen.append((item, dict(inputs), dict(facts), at))
        return bool(facts["room"])

    room = guard(look, code="no_room", text="wait for room", inputs=["title", "tags"], facts=["room"])
    guarded = PLAIN.with_guards({"create": room})
    assert codes(create(guarded)) == {("guard", "fact_missing")}
    assert codes(create(guarded, facts={"room": 0}, tags=["x"])) == {("guard", "no_room")}
    item = after(create(guarded, facts={"room": 1}, tags=["x"]))
    assert seen[-1] == (item, {"title": "T", "tags": ("x",)}, {"room": 1}, LATER)


def test_a_guard_that_reads_inputs_waits_for_all_of_them() -> None:
    """While an input of a creation lacks, a guard that reads inputs is not asked, as in `decide`."""
    short = guard(lambda item, inputs, *_: len(inputs["title"]) < 9, code="long", text="t", inputs=["title"])
    guarded = PLAIN.with_guards({"create": short})
    assert codes(create(guarded, title=None)) == {("input", "input_missing")}
    assert codes(create(guarded, title="A longer title")) == {("guard", "long")}
    assert codes(create(guarded, stray=1)) == {("input", "input_unknown")}


def test_a_guard_on_every_input_and_on_open_tasks_fits_create() -> None:
    """All that a creation takes may be read by its guards; a new case has no open tasks."""
    every = ("title", "description", "priority", "assignee_id", "due_at", "tags", "attributes", "status", "reason")
    reads = guard(lambda *_: True, code="c", text="t", inputs=every)
    assert create(PLAIN.with_guards({"create": reads})).permitted
    guarded = REGULATORY_CASE.with_guards({"create": no_open_tasks()})
    assert create(guarded, by=ROOT, status="CLOSED", reason="imported").permitted


TYPED = attrs.evolve(
    PLAIN,
    fields=[
        integer("amount"),
        choice("size", ["small", "large"], optional=True),
        text("colour", optional=True, max_length=5),
        instant("until", optional=True),
    ],
)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"amount": 1}, []),
        ({"amount": 1, "size": "small", "colour": "red"}, []),
        (None, ["input_missing"]),
        ({}, ["input_missing"]),
        ({"amount": None}, ["input_missing"]),
        ({"size": "large"}, ["input_missing"]),
        ({"amount": 1, "size": "huge"}, ["input_not_a_choice"]),
        ({"amount": 1, "colour": " "}, ["input_blank"]),
        ({"amount": 1, "stray": 2}, ["input_unknown"]),
        ({"amount": 1, "colour": None}, []),
    ],
)
def test_typed_attributes_are_checked_as_a_whole(attributes: Any, expected: list[str]) -> None:
    """With `fields=` a creation needs the required attributes, of their types, and no others."""
    verdict = create(TYPED, attributes=attributes)
    assert codes(verdict) == {("input", code) for code in expected}
    assert verdict.permitted is (not expected)


def test_what_a_person_can_mend_is_a_reason() -> None:
    """Missing, blank and unknown fields and statuses are all told at once, phase input."""
    verdict = create(title=None, priority="enormous", status="gone", stray=1)
    assert isinstance(verdict, Refused)
    assert [reason.code for reason in verdict.reasons] == [
        "input_missing",
        "input_not_a_choice",
        "input_not_a_choice",
        "input_unknown",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", 3),
        ("title", "x" * 501),
        ("title", "a\0b"),
        ("description", "\udfff"),
        ("priority", 3),
        ("assignee_id", ["ann"]),
        ("due_at", datetime(2026, 1, 1)),  # noqa: DTZ001 - that it is refused is the point
        ("due_at", "tomorrow"),
        ("tags", "one"),
        ("tags", ["x" * 101]),
        ("attributes", [1]),
        ("attributes", {"price": 1.5}),
        ("attributes", {"at": SOME_TIME}),
        ("status", 3),
        ("reason", "x" * 2001),
    ],
)
def test_a_value_that_no_store_can_hold_is_an_error(name: str, value: Any) -> None:
    """A wrong type or a value over its limit raises InvalidInputError that names the field (S1, S2, S3)."""
    with pytest.raises(InvalidInputError) as caught:
        create(**{name: value})
    assert caught.value.field.startswith(name)


def test_a_parent_that_is_none_is_misuse() -> None:
    """Only a task has a case, of the same tenant, and `case_id=` alone does not say what it is now."""
    elsewhere = a_case(tenant="elsewhere")
    for definition, more in (
        (REGULATORY_CASE, {"parent": a_case()}),
        (TASK, {"parent": elsewhere}),
        (TASK, {"parent": "case-1"}),
        (TASK, {"case_id": "case-1"}),
        (TASK, {"case_id": "case-2", "parent": a_case()}),
    ):
        with pytest.raises(MisuseError):
            create(definition, by=ROOT, **more)
    assert after(create(TASK, case_id="case-1", parent=a_case())).case_id == "case-1"
