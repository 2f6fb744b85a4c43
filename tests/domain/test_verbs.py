"""The verbs: what each sets, what changes nothing, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Category,
    InvalidInputError,
    Lifecycle,
    Permitted,
    Priority,
    Task,
    TaskDefinition,
    Transition,
    choice,
    guard,
    integer,
    text,
)
from casewright.domain.events import VERBS
from casewright.domain.verbs import VERB_TABLE
from casewright.testing.builders import a_case, a_task
from casewright.testing.strategies import definitions, inputs_for, items
from support import naive
from support.checks import SLOW_IS_FINE
from support.verdicts import ANN, BEN, EVERYONE, LATER, ROOT, after, change_of, codes, payload_of

PLAIN = TaskDefinition(
    "plain",
    lifecycle=Lifecycle(
        states={"new": Category.OPEN, "done": Category.DONE, "gone": Category.CANCELLED, "parked": Category.WAITING},
        initial="new",
        transitions=[Transition("end", "new", "done"), Transition("drop", "new", "gone")],
        administrative="parked",
    ),
    authorization=EVERYONE,
)


def test_each_verb_has_its_work() -> None:
    """Every reserved name but create and read is a verb with inputs and work; only reading leaves no event."""
    assert [*VERB_TABLE] == [name for name in VERBS if name not in {"create", "read"}]
    assert [name for name, event in VERBS.items() if not event] == ["read"]


def plain(**fields: Any) -> Task:
    """Return a task that everyone may do everything with."""
    return a_task(definition=PLAIN, **fields)


def do(item: Any, verb: str, by: Any = ANN, **inputs: Any) -> Any:
    """Ask for a verb."""
    return PLAIN.decide(item, verb, inputs, by=by, at=LATER)


def nothing(verdict: Any) -> bool:
    """Return whether it is permitted and changes nothing."""
    return bool(verdict == Permitted() and verdict.change is None and verdict.changes == ())


@pytest.mark.large
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_every_verb_does_what_the_oracle_says(data: st.DataObject) -> None:
    """For generated items and inputs each verb sets just the fields that the oracle sets, or nothing (E2)."""
    drawn: Any = data.draw(definitions())
    definition = attrs.evolve(drawn, authorization=EVERYONE, guards={})
    item = data.draw(items(definition))
    model = naive.observed(item)
    for verb in naive.VERB_INPUTS:
        inputs = data.draw(inputs_for(naive.inputs_of(definition, model, verb)))
        expected = naive.decide(definition, model, verb, inputs, by=ANN, at=LATER)
        verdict = definition.decide(item, verb, inputs, by=ANN, at=LATER)
        assert codes(verdict) == expected.reasons
        if isinstance(verdict, Permitted):
            assert naive.observed(verdict.change.after if verdict.change else item) == expected.item
            assert (verdict.change is None) is (expected.item is model)


@pytest.mark.large
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_a_verb_done_twice_changes_nothing_the_second_time(data: st.DataObject) -> None:
    """Every verb but add_note and delete, repeated with the same inputs on what it made, writes nothing."""
    drawn: Any = data.draw(definitions())
    definition = attrs.evolve(drawn, authorization=EVERYONE, guards={}, fields=None)
    item = attrs.evolve(data.draw(items(definition)), deleted_at=None)
    for verb in ("edit", "assign", "claim", "release", "set_due", "tag", "correct"):
        inputs = data.draw(inputs_for(naive.inputs_of(definition, naive.observed(item), verb)))
        verdict = definition.decide(item, verb, inputs, by=ANN, at=LATER)
        if isinstance(verdict, Permitted):
            made = verdict.change.after if verdict.change else item
            assert nothing(definition.decide(made, verb, inputs, by=ANN, at=LATER + timedelta(days=1)))


def test_edit_sets_what_it_is_given_and_nothing_else() -> None:
    """Title, description, priority and attributes are set; what is not named stays."""
    item = plain(description="old", priority="low", attributes={"a": 1, "b": 2})
    edited = after(do(item, "edit", title="New", attributes={"b": 3, "c": [4]}))
    assert (edited.title, edited.description, edited.priority) == ("New", "old", Priority.LOW)
    assert naive.thawed(edited.attributes) == {"a": 1, "b": 3, "c": (4,)}
    assert (edited.status, edited.version, edited.updated_at) == ("new", 2, LATER)


def test_edit_clears_with_none() -> None:
    """None clears description and priority and removes an attribute; a title cannot be cleared, so None leaves it."""
    item = plain(description="old", priority="low", attributes={"a": 1, "b": None})
    edited = after(do(item, "edit", title=None, description=None, priority=None, attributes={"a": None}))
    assert (edited.title, edited.description, edited.priority) == ("A task", None, None)
    assert dict(edited.attributes) == {}


def test_edit_records_only_what_differs() -> None:
    """The event names and holds the fields that differ, and of attributes only the keys that differ."""
    item = plain(description="same", attributes={"a": 1, "b": 2})
    change = change_of(do(item, "edit", description="same", title="New", attributes={"a": 1, "b": True, "c": None}))
    assert change.event.changed == ("attributes", "title")
    assert naive.thawed(payload_of(change)[1]) == {"title": "New", "attributes": {"b": True}}
    assert change.event.name == "edited"


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"title": "A task"},
        {"title": None},
        {"description": None, "priority": None},
        {"attributes": {}},
        {"attributes": {"a": 1}},
        {"attributes": {"missing": None}},
    ],
)
def test_an_edit_that_changes_nothing_writes_nothing(inputs: dict[str, object]) -> None:
    """An edit to what is there already is permitted with no change."""
    assert nothing(do(plain(attributes={"a": 1}), "edit", **inputs))


@pytest.mark.parametrize(
    ("old", "new"), [(1, True), (True, 1), (0, False), ("1", 1), ((1,), (True,)), ({"x": 0}, {"x": False})]
)
def test_edit_tells_values_apart_that_python_calls_equal(old: Any, new: Any) -> None:
    """True is not 1, at any depth: such an edit is a change (S7)."""
    edited = after(do(plain(attributes={"a": old}), "edit", attributes={"a": new}))
    assert repr(naive.thawed(edited.attributes["a"])) == repr(naive.thawed(new))


def test_attributes_stay_within_their_limit_as_a_whole() -> None:
    """Each edit may be small: what would be too large with what is there raises InvalidInputError (S1)."""
    item = plain(attributes={"a": "x" * 40_000})
    with pytest.raises(InvalidInputError, match="attributes"):
        do(item, "edit", attributes={"b": "x" * 40_000})
    assert after(do(item, "edit", attributes={"b": "x" * 40_000, "a": None})).attributes["b"] == "x" * 40_000


def test_typed_attributes_hold_for_edits() -> None:
    """With `fields=` an edit may set only declared attributes of their type, and may not remove a required one."""
    fields = [integer("amount"), choice("size", ["small", "large"], optional=True), text("colour", optional=True)]
    typed = attrs.evolve(PLAIN, fields=fields)
    item = plain(attributes={"amount": 1, "size": "small"})

    def edit(attributes: object) -> Any:
        return typed.decide(item, "edit", {"attributes": attributes}, by=ANN, at=LATER)

    assert dict(after(edit({"amount": 2, "size": None})).attributes) == {"amount": 2}
    assert dict(after(edit({"colour": "red"})).attributes) == {"amount": 1, "size": "small", "colour": "red"}
    assert codes(edit({"stray": 1})) == {("input", "input_unknown")}
    assert codes(edit({"amount": None})) == {("input", "input_missing")}
    old = attrs.evolve(item, attributes={"amount": 1, "stray": "from before the definition had fields"})
    removed = typed.decide(old, "edit", {"attributes": {"stray": None}}, by=ANN, at=LATER)
    assert dict(after(removed).attributes) == {"amount": 1}
    assert codes(edit({"size": "huge"})) == {("input", "input_not_a_choice")}
    with pytest.raises(InvalidInputError, match=r"^attributes\.amount: "):
        edit({"amount": "2"})


def test_assign_gives_the_item_to_someone() -> None:
    """`assign` sets the assignee, takes it from another, and changes nothing where it is so already."""
    assert after(do(plain(), "assign", assignee_id="ben")).assignee_id == "ben"
    assert after(do(plain(assignee_id="cy"), "assign", assignee_id="ben")).assignee_id == "ben"
    assert nothing(do(plain(assignee_id="ben"), "assign", assignee_id="ben"))
    assert codes(do(plain(assignee_id="ben"), "assign", assignee_id=None)) == {("input", "input_missing")}


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK, REGULATORY_CASE, PLAIN], ids=lambda one: one.name)
def test_claim_takes_what_nobody_has(definition: Any) -> None:
    """`claim` gives the item to the asker; its holder changes nothing; another's is refused in every definition."""
    make = a_case if definition.kind == "case" else a_task

    def claim(**fields: Any) -> Any:
        return definition.decide(make(definition=definition, **fields), "claim", by=ROOT, at=LATER)

    assert after(claim()).assignee_id == "root"
    assert nothing(claim(assignee_id="root"))
    assert codes(claim(assignee_id="ben")) == {("state", "already_assigned")}


def test_claim_is_by_the_actors_own_id() -> None:
    """Whoever stands in for the holder does not hold it."""
    deputy = attrs.evolve(ANN, on_behalf_of="ben")
    assert codes(do(plain(assignee_id="ben"), "claim", by=deputy)) == {("state", "already_assigned")}
    assert after(do(plain(), "claim", by=deputy)).assignee_id == "ann"


def test_release_gives_the_item_back() -> None:
    """`release` clears the assignee, whoever it is, and changes nothing where there is none."""
    assert after(do(plain(assignee_id="ben"), "release")).assignee_id is None
    assert after(do(plain(assignee_id="ann"), "release")).assignee_id is None
    assert nothing(do(plain(), "release"))


def test_a_guard_is_asked_before_a_verb_that_would_change_nothing() -> None:
    """A guard on a verb refuses whether or not anything would change: an answer does not depend on luck."""
    shut = PLAIN.with_guards({"release": guard(lambda *_: False, code="shut", text="t")})
    assert codes(shut.decide(plain(), "release", by=ANN, at=LATER)) == {("guard", "shut")}


def test_set_due_sets_and_clears() -> None:
    """A due date may be an aware time or its text, is kept in UTC, and None clears it; leaving it out is missing."""
    there = datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    expected = datetime(2026, 3, 31, 23, tzinfo=UTC)
    for value in (there, "2026-04-01T01:00:00+02:00", "2026-03-31T23:00:00Z"):
        item = after(do(plain(), "set_due", due_at=value))
        assert (item.due_at, item.due_at.tzinfo) == (expected, UTC)
        assert nothing(do(item, "set_due", due_at=value))
    assert after(do(item, "set_due", due_at=None)).due_at is None
    assert nothing(do(plain(), "set_due", due_at=None))
    assert codes(do(item, "set_due")) == {("input", "input_missing")}


def test_tag_adds_and_removes() -> None:
    """Tags are a sorted set; what is removed goes even if it is added at once; the same tags are no change."""
    item = plain(tags=["b", "a"])
    assert after(do(item, "tag", add=["c", "a"], remove=["b", "x"])).tags == ("a", "c")
    assert after(do(item, "tag", add=["z"], remove=["z", "a"])).tags == ("b",)
    assert after(do(item, "tag", remove=["a", "b"])).tags == ()
    unchanged: tuple[dict[str, Any], ...] = ({}, {"add": ["a"]}, {"remove": ["x"]}, {"add": [], "remove": []})
    for same in unchanged:
        assert nothing(do(item, "tag", **same))


def test_tags_stay_within_their_limit_as_a_whole() -> None:
    """More than 100 tags in all raise InvalidInputError; exactly 100 do not (S1)."""
    item = plain(tags=[f"t{number:02}" for number in range(99)])
    assert len(after(do(item, "tag", add=["x"])).tags) == 100
    with pytest.raises(InvalidInputError, match="tags"):
        do(item, "tag", add=["x", "y"])
    assert len(after(do(item, "tag", add=["x", "y"], remove=["t00"])).tags) == 100
    with pytest.raises(InvalidInputError):
        do(item, "tag", add="x")


def test_add_note_makes_a_note_and_no_copy_of_its_text() -> None:
    """A note is its own record; its event holds its id and digest only, and the item gets a version (H8)."""
    change = change_of(do(plain(version=4), "add_note", by=BEN, body="Secret words", note_id="n-1"))
    (note,) = change.notes
    assert (note.id, note.item_id, note.version, note.body) == ("n-1", "task-1", 5, "Secret words")
    assert (note.author_id, note.created_at, note.tenant) == ("ben", LATER, "")
    inputs, changes = payload_of(change)
    assert (set(inputs), inputs["note_id"], changes, change.event.changed) == ({"note_id", "digest"}, "n-1", {}, ())
    assert change.event.payload is not None
    assert "Secret" not in change.event.payload.text
    assert change.after.version == 5
    other = change_of(do(plain(version=4), "add_note", by=BEN, body="Secret word!", note_id="n-1"))
    assert payload_of(other)[0]["digest"] != inputs["digest"]


@pytest.mark.parametrize("source", ["new", "done", "gone", "parked"])
@pytest.mark.parametrize("target", ["new", "done", "gone", "parked"])
def test_correct_forces_any_status(source: str, target: str) -> None:
    """`correct` leads from any status to any other, administrative ones too, with closed_at as it then must be."""
    item = plain(status=source)
    verdict = do(item, "correct", status=target, reason="a mistake")
    if source == target:
        assert nothing(verdict)
        return
    change = change_of(verdict)
    closed = {"done", "gone"}
    assert (change.after.status, change.after.category) == (target, PLAIN.lifecycle.states[target])
    assert change.after.closed_at == (None if target not in closed else item.closed_at if source in closed else LATER)
    assert (change.event.from_status, change.event.to_status) == (source, target)
    assert payload_of(change) == ({"reason": "a mistake"}, {})
    assert change.after.performers == item.performers


def test_delete_leaves_a_tombstone() -> None:
    """`delete` is a last event that sets deleted_at only: status, data and history stay, nothing more can be done."""
    item = plain(title="Still here", assignee_id="ben")
    change = change_of(do(item, "delete"))
    expected = attrs.evolve(item, deleted_at=LATER, updated_at=LATER, version=2)
    assert change.after == expected
    assert (change.event.action, change.event.name, payload_of(change)) == ("delete", "deleted", ({}, {}))
    assert (change.event.from_status, change.event.to_status, change.after.open) == ("new", "new", False)
    for verb in ("delete", "edit", "read"):
        assert codes(do(change.after, verb)) == {("state", "deleted")}
