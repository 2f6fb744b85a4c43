"""Effects: which fields a transition sets, proven to fit when declared, folded like any other change (E3, E4)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from datetime import UTC, timedelta, timezone
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import (
    AuthorizationPolicy,
    Category,
    DefinitionError,
    Effect,
    FrozenMapping,
    Input,
    InvalidInputError,
    Lifecycle,
    Permitted,
    Priority,
    Task,
    TaskDefinition,
    Transition,
    actor,
    always,
    boolean,
    choice,
    clear,
    copy_input,
    fold,
    instant,
    integer,
    mapping,
    names,
    seal,
    set_value,
    text,
    verify,
)
from support.values import (
    ADMIN,
    AT,
    CANARY,
    HOSTILE,
    impurities,
    json_inputs,
    refusal,
    spoil,
    thorough,
)

UTC_TEXT = "2026-01-31T12:00:00.000000Z"
FIELDS = ("title", "description", "priority", "assignee_id", "due_at", "tags")
INPUTS: dict[str, Input] = {
    "text": text("i"),
    "short text": text("i", max_length=500),
    "long title": text("i", max_length=501),
    "clearable text": text("i", max_length=500, clearable=True),
    "actor": actor("i"),
    "clearable actor": actor("i", clearable=True),
    "priority": choice("i", Priority),
    "some priorities": choice("i", ["low", "high"]),
    "clearable priority": choice("i", Priority, clearable=True),
    "other choice": choice("i", ["low", "lowest"]),
    "instant": instant("i"),
    "clearable instant": instant("i", clearable=True),
    "integer": integer("i"),
    "boolean": boolean("i"),
    "tags": names("i"),
    "short tags": names("i", max_length=1),
    "long tags": names("i", max_length=101),
    "mapping": mapping("i"),
}
FITTING = {
    "title": {"short text"},
    "description": {"text", "short text", "long title", "clearable text"},
    "priority": {"priority", "some priorities", "clearable priority"},
    "assignee_id": {"actor", "clearable actor"},
    "due_at": {"instant", "clearable instant"},
    "tags": {"tags", "short tags"},
    "attributes.x": set(INPUTS),
}
CONSTANTS: dict[str, tuple[tuple[Any, Any], ...]] = {
    "title": (("New", "New"), ("\u20ac" * 500, "\u20ac" * 500)),
    "description": (("d", "d"), ("\u20ac" * 10_000, "\u20ac" * 10_000)),
    "priority": ((Priority.HIGH, Priority.HIGH), ("low", Priority.LOW)),
    "assignee_id": (("bob", "bob"), ("a" * 255, "a" * 255)),
    "due_at": ((AT.astimezone(timezone(timedelta(hours=1))), AT), ("2026-01-31T12:00:00Z", AT)),
    "tags": (
        (["b", "a", "b"], ("a", "b")),
        ([f"{n:0100}" for n in range(100)], tuple(f"{n:0100}" for n in range(100))),
    ),
}
MISFITS: dict[str, tuple[Any, ...]] = {
    "title": ("", " ", "a" * 501, 5, True, ["a"], "a\0", "\ud800"),
    "description": ("", " ", "a" * 10_001, 5, b"a", "a\0"),
    "priority": ("", "HIGH", "lowest", 1, True, ["low"]),
    "assignee_id": ("", " ", "a" * 256, 5, "a\nb", ADMIN),
    "due_at": ("", "tomorrow", AT.replace(tzinfo=None), "2026-01-31T12:00:00", 5),
    "tags": ("urgent", 5, [1], [""], ["a" * 101], [f"{n}" for n in range(101)], {"a": 1}),
}


def probe(effects: Iterable[Effect], inputs: Iterable[Input] = ()) -> TaskDefinition:
    """Return a definition with one action that has these effects and inputs."""
    lifecycle = Lifecycle(
        states={"open": Category.OPEN, "done": Category.DONE},
        initial="open",
        transitions=[Transition("go", "open", "done", effects=effects, inputs=inputs)],
    )
    return TaskDefinition("probe", lifecycle=lifecycle, authorization=AuthorizationPolicy({}, default=always()))


def outcome(definition: TaskDefinition, inputs: Any = None, **fields: Any) -> Task:
    """Return the task after the action; its sealed history verifies and folds to the same."""
    created = definition.create("t1", by=ADMIN, at=AT, title="t", **fields)
    assert isinstance(created, Permitted)
    assert created.change is not None
    first = seal(created.change, recorded_at=AT)
    decided = definition.decide(first.after, "go", inputs, by=ADMIN, at=AT)
    assert isinstance(decided, Permitted)
    assert decided.change is not None
    second = seal(decided.change, recorded_at=AT)
    assert verify([first.event, second.event]) == ()
    assert fold([first.event, second.event]) == second.after
    assert list(impurities(second.event)) == []
    task: Task = second.after
    return task


@pytest.mark.parametrize(("field", "kind"), [*product(FITTING, INPUTS)], ids=lambda part: part.replace(" ", "-"))
def test_input_fits_its_field_or_the_definition_is_refused(field: str, kind: str) -> None:
    """An input is copied only into a field that can hold all it may be given; anything else cannot be built (E4)."""
    effects = [copy_input("i", to=field)]
    if kind in FITTING[field]:
        assert probe(effects, [INPUTS[kind]]).name == "probe"
        return
    with pytest.raises(DefinitionError) as caught:
        probe(effects, [INPUTS[kind]])
    (problem,) = caught.value.problems
    assert "'i'" in problem.what
    assert field in problem.what


@pytest.mark.parametrize(
    "field", ["status", "id", "version", "attributes", "attributes.", "created_by", "case_id", "x", "Title"]
)
def test_only_settable_fields_can_be_set(field: str) -> None:
    """An effect on a field that a transition must not set is found when the lifecycle is built (E4)."""
    for effect in (copy_input("i", to=field), set_value(field, "x"), clear(field)):
        with pytest.raises(DefinitionError, match="unknown field"):
            probe([effect], [text("i")])


@pytest.mark.parametrize("field", [*FIELDS, "attributes.x"])
def test_only_what_may_be_missing_can_be_cleared(field: str) -> None:
    """A title and tags are never cleared; every other field can be, and is None then."""
    if field in {"title", "tags"}:
        with pytest.raises(DefinitionError, match=f"clears {field}"):
            probe([clear(field)])
        return
    full = {"description": "d", "priority": "low", "assignee_id": "bob", "due_at": AT, "attributes": {"x": 1, "y": 2}}
    task = outcome(probe([clear(field)]), **full)
    if field == "attributes.x":
        assert task.attributes == FrozenMapping({"y": 2})
    else:
        assert getattr(task, field) is None


@pytest.mark.parametrize("field", FIELDS)
def test_constant_is_set(field: str) -> None:
    """A constant that fits its field is what the field holds after the transition."""
    for value, kept in CONSTANTS[field]:
        assert getattr(outcome(probe([set_value(field, value)])), field) == kept


@pytest.mark.parametrize("field", FIELDS)
def test_constant_that_does_not_fit_is_refused(field: str) -> None:
    """A constant that its field could not hold is refused when it is declared, in words about the field (S1, S3)."""
    for value in MISFITS[field]:
        with pytest.raises(InvalidInputError) as caught:
            set_value(field, value)
        assert caught.value.field.startswith(field)
        assert "Reason" not in str(caught.value)


@pytest.mark.parametrize("field", FIELDS)
def test_effect_made_by_hand_is_proven_too(field: str) -> None:
    """An effect made by no helper, with a constant that its field could not hold, is found when built in (E4)."""
    misfits = [value for value in MISFITS[field] if isinstance(value, (str, int))]
    for value in misfits:
        with pytest.raises(DefinitionError, match=f"sets {field} to a value that does not fit"):
            probe([Effect(field, value=value)])
    no_field: Any = 5
    with pytest.raises(DefinitionError):
        probe([Effect(no_field)])


@thorough(150)
@given(json_inputs())
def test_attribute_constants_are_any_json(value: Any) -> None:
    """A constant attribute is any JSON value, copied when it is declared (E1); None removes the attribute."""
    effect = set_value("attributes.x", value)
    before = repr(effect.value)
    task = outcome(probe([effect]), attributes={"x": "old", "y": 2})
    spoil(value)
    assert repr(effect.value) == before
    assert task.attributes == FrozenMapping({"y": 2} if effect.value is None else {"x": effect.value, "y": 2})


def test_hostile_constants_meet_one_error() -> None:
    """Whatever constant is declared, it is taken clean or refused without repeating it (S1, S2, S6)."""
    for field, make in product((*FIELDS, "attributes.x"), HOSTILE):
        error = refusal(set_value, field, make())
        assert error.isprintable()
        assert CANARY not in error
    for make in HOSTILE:
        for call in (lambda value: copy_input(value, to="title"), lambda value: copy_input("i", to=value), clear):
            assert refusal(call, make()).isprintable()


@pytest.mark.parametrize(
    ("field", "kind", "value", "kept"),
    [
        ("title", "short text", "new", "new"),
        ("description", "text", "long", "long"),
        ("description", "clearable text", None, None),
        ("priority", "priority", "urgent", Priority.URGENT),
        ("priority", "clearable priority", None, None),
        ("assignee_id", "actor", "bob", "bob"),
        ("assignee_id", "clearable actor", None, None),
        ("due_at", "instant", AT.astimezone(timezone(timedelta(hours=-3))), AT),
        ("due_at", "clearable instant", None, None),
        ("tags", "tags", ["b", "a"], ("a", "b")),
        ("attributes.x", "integer", 7, FrozenMapping({"x": 7})),
        ("attributes.x", "boolean", False, FrozenMapping({"x": False})),
        ("attributes.x", "instant", AT, FrozenMapping({"x": UTC_TEXT})),
        ("attributes.x", "tags", ["b", "a"], FrozenMapping({"x": ("a", "b")})),
        ("attributes.x", "mapping", {"k": [1]}, FrozenMapping({"x": FrozenMapping({"k": (1,)})})),
        ("attributes.x", "clearable text", None, FrozenMapping()),
    ],
    ids=str,
)
def test_input_is_copied_into_its_field(field: str, kind: str, value: Any, kept: Any) -> None:
    """What an input is given stands in its field afterwards, in the field's own type."""
    task = outcome(probe([copy_input("i", to=field)], [INPUTS[kind]]), {"i": value})
    found = getattr(task, field.partition(".")[0])
    assert found == kept
    assert type(found) is type(kept)
    if field == "due_at" and found:
        assert found.tzinfo is UTC


def test_input_that_is_not_given_sets_nothing() -> None:
    """An optional input that is left out leaves its field as it was."""
    inputs = [text("i", optional=True), text("j", optional=True, max_length=500)]
    effects = [copy_input("i", to="description"), copy_input("j", to="title"), copy_input("i", to="attributes.x")]
    task = outcome(probe(effects, inputs), description="old", attributes={"x": "old"})
    assert (task.title, task.description, task.attributes) == ("t", "old", FrozenMapping({"x": "old"}))


_numbers = st.integers(-(2**63), 2**63 - 1)


@thorough(100)
@given(
    st.dictionaries(st.sampled_from("abc"), _numbers), st.dictionaries(st.sampled_from("abcd"), st.none() | _numbers)
)
def test_attributes_are_merged_by_key(old: dict[str, int], new: dict[str, int | None]) -> None:
    """Effects on attributes change only the keys they name; None removes a key."""
    task = outcome(probe([set_value(f"attributes.{key}", value) for key, value in new.items()]), attributes=old)
    assert task.attributes == {key: value for key, value in {**old, **new}.items() if value is not None}


def test_attributes_as_a_whole_stay_within_the_limit() -> None:
    """An effect that would make the attributes too large as a whole is refused, though its own value is not (S1)."""
    definition = probe([copy_input("i", to="attributes.x")], [text("i")])
    half = {"y": "a" * 60_000}
    assert len(outcome(definition, {"i": "a" * 5_000}, attributes=half).attributes) == 2
    with pytest.raises(InvalidInputError, match=r"^attributes: is larger than 65536 bytes"):
        outcome(definition, {"i": "a" * 6_000}, attributes=half)


def test_effects_are_values_that_read_as_calls() -> None:
    """An effect is frozen, survives pickle, and its repr is the call that makes it, without its constant (S6)."""
    shown: dict[Any, str] = {
        copy_input("who", to="assignee_id"): 'copy_input("who", to="assignee_id")',
        clear("due_at"): 'clear("due_at")',
        set_value("title", CANARY): 'set_value("title", ...)',
        set_value("attributes.x", {"a": [CANARY]}): 'set_value("attributes.x", ...)',
    }
    for effect, text_of in shown.items():
        assert repr(effect) == text_of
        assert copy.deepcopy(effect) == pickle.loads(pickle.dumps(effect)) == effect
        assert list(impurities(effect)) == []
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            effect.field = "title"
