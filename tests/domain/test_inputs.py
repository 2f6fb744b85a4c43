"""Typed inputs: what is missing, unknown or blank is a reason; what no program may give is an error (S1, S2, S7)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import (
    AuthorizationPolicy,
    Category,
    DefinitionError,
    FrozenMapping,
    Input,
    InvalidInputError,
    Lifecycle,
    Permitted,
    Phase,
    Refused,
    TaskDefinition,
    Transition,
    actor,
    always,
    boolean,
    choice,
    instant,
    integer,
    mapping,
    names,
    text,
)
from casewright.domain.inputs import INPUT_SHAPES, InputKind
from casewright.testing.pools import INPUTS
from support.values import (
    ADMIN,
    AT,
    CANARY,
    HOSTILE,
    Flood,
    a_task,
    impurities,
    json_inputs,
    refusal,
    spoil,
    texts,
    thorough,
    unseen,
)


class Outcome(StrEnum):
    """A team's own choice."""

    GRANTED = "granted"
    DENIED = "denied"


@attrs.frozen
class Kind:
    """What an input of one kind takes, and what it refuses in which way."""

    make: Callable[..., Input]
    taken: tuple[tuple[Any, Any], ...]
    within: tuple[Any, ...]
    wrong: tuple[Any, ...]
    beyond: tuple[Any, ...]
    blank: tuple[str, ...] = ()


BLANK = ("", " ", "\t\n", "\u3000")
UNSTORABLE = ("a\0", "\ud800")
NAIVE = (AT.replace(tzinfo=None), "2026-01-31T12:00:00")
KINDS = {
    "text": Kind(
        lambda **options: text("x", max_length=20, **options),
        ((" a b\n", " a b\n"), (Outcome.DENIED, "denied")),
        ("\u20ac" * 20,),
        (5, True, b"a", ["a"], {"a": 1}, 1.5, AT),
        ("a" * 21, " " * 21, *UNSTORABLE),
        BLANK,
    ),
    "actor": Kind(
        lambda **options: actor("x", **options),
        (("ann", "ann"),),
        ("\u20ac" * 255,),
        (5, True, b"ann", ["ann"], {"ann": 1}, ADMIN),
        ("a" * 256, "a\nb", *UNSTORABLE),
        BLANK,
    ),
    "choice": Kind(
        lambda **options: choice("x", Outcome, **options),
        (("granted", "granted"), (Outcome.DENIED, "denied")),
        (),
        (5, True, b"granted", ["granted"], {"granted": 1}, Outcome),
        ("a" * 256, *UNSTORABLE),
    ),
    "instant": Kind(
        lambda **options: instant("x", **options),
        (
            (AT, "2026-01-31T12:00:00.000000Z"),
            (AT.astimezone(timezone(timedelta(hours=2))), "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31T12:00:00.5-01:00", "2026-01-31T13:00:00.500000Z"),
        ),
        (datetime.max.replace(tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (5, True, b"2026", 1.5, AT.date(), ["2026"], {}),
        ("tomorrow", "9999-12-31T23:59:59-01:00", *NAIVE, *UNSTORABLE),
        BLANK,
    ),
    "integer": Kind(
        lambda **options: integer("x", **options),
        ((0, 0), (-7, -7)),
        (2**63 - 1, -(2**63)),
        (True, "1", 1.0, b"1", [1], {}),
        (2**63, -(2**63) - 1, 10**5_000),
    ),
    "boolean": Kind(
        lambda **options: boolean("x", **options), ((True, True), (False, False)), (), (0, 1, "true", "", [], {}), ()
    ),
    "names": Kind(
        lambda **options: names("x", max_length=20, **options),
        ((["b", "a", "b"], ("a", "b")), ({"b"}, ("b",)), ((), ()), (iter(["c"]), ("c",))),
        ([f"{number:020}" for number in range(100)],),
        ("urgent", 5, True, b"a", {"a": 1}, [1], [None], [["a"]]),
        ([f"{number:03}" for number in range(101)], ["a" * 21], [""], [" "], ["a\nb"], ["a\0"], ["\ud800"]),
    ),
    "mapping": Kind(
        lambda **options: mapping("x", **options),
        (({}, FrozenMapping()), ({"a": [1, None]}, FrozenMapping({"a": (1, None)}))),
        ({"k": "a" * (64 * 1024 - 8)},),
        ("a", 5, True, [], [("a", 1)], {1: 1}, {"a": 1.5}, {"a": {2}}),
        ({"k": "a" * (64 * 1024 - 7)}, {"": 1}, {"a\nb": 1}, {"a": "\0"}, {"a": {"b": 2**63}}),
    ),
}
CLEARABLE = [kind for kind in KINDS if kind not in {"names", "mapping"}]
ITEM = a_task(definition="probe", status="open")


def test_every_kind_of_input_is_described_and_drawn() -> None:
    """Each kind has its shape, whose function makes inputs of that kind, and is among what is tested and drawn here."""
    assert INPUT_SHAPES.keys() == set(InputKind) == KINDS.keys() == {spec.kind for spec in INPUTS}
    for kind, shape in INPUT_SHAPES.items():
        assert KINDS[kind].make().kind is kind
        assert shape.make.__name__ == kind
        assert shape.textual is all(type(recorded) is str for _, recorded in KINDS[kind].taken)


def probe(*inputs: Input) -> TaskDefinition:
    """Return a definition with one action that takes these inputs."""
    lifecycle = Lifecycle(
        states={"open": Category.OPEN, "done": Category.DONE},
        initial="open",
        transitions=[Transition("go", "open", "done", inputs=inputs)],
    )
    return TaskDefinition("probe", lifecycle=lifecycle, authorization=AuthorizationPolicy({}, default=always()))


def ask(spec: Input, given_inputs: Any) -> Any:
    """Return what was recorded of the inputs, or the refusal."""
    verdict = probe(spec).decide(ITEM, "go", given_inputs, by=ADMIN, at=AT)
    if isinstance(verdict, Refused):
        assert verdict.phase is Phase.INPUT
        return verdict
    assert verdict.change is not None
    assert verdict.change.event.payload is not None
    return dict(verdict.change.event.payload.inputs)


def codes(verdict: Any) -> list[str]:
    """Return the codes of a refusal's reasons."""
    return [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize("kind", KINDS)
def test_missing_input_is_a_reason(kind: str) -> None:
    """An input that is not given, or given as None, is asked for by name; an optional one is left out."""
    make = KINDS[kind].make
    for given_inputs in ({}, {"x": None}, None):
        refused = ask(make(), given_inputs)
        assert codes(refused) == ["input_missing"]
        assert refused.reasons[0].params == {"input": "x"}
        assert "x" in refused.reasons[0].text
        assert ask(make(optional=True), given_inputs) == {}


@pytest.mark.parametrize("kind", CLEARABLE)
@pytest.mark.parametrize("optional", [False, True])
def test_clearable_input_takes_none_as_a_value(kind: str, optional: bool) -> None:
    """None is a value of its own where an input is clearable, and is told from an input that is not given."""
    spec = KINDS[kind].make(clearable=True, optional=optional)
    assert ask(spec, {"x": None}) == {"x": None}
    assert ask(spec, {}) == {} if optional else codes(ask(spec, {})) == ["input_missing"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optional", [False, True])
def test_blank_input_is_a_reason(kind: str, optional: bool) -> None:
    """Blank text is a reason of phase input where text is meant: a person can mend it, also in an optional input."""
    for blank in KINDS[kind].blank:
        refused = ask(KINDS[kind].make(optional=optional), {"x": blank})
        assert codes(refused) == ["input_blank"]
        assert refused.reasons[0].params == {"input": "x"}


@pytest.mark.parametrize("kind", KINDS)
def test_input_is_recorded_frozen(kind: str) -> None:
    """A good value is recorded as a frozen JSON value: times as canonical text, names sorted and each once (E1, H4)."""
    for value, recorded in KINDS[kind].taken:
        found = ask(KINDS[kind].make(), {"x": value})
        assert found == {"x": recorded}
        assert type(found["x"]) is type(recorded)
        assert list(impurities(found["x"])) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"optional": True}], ids=["required", "optional"])
def test_wrong_type_is_an_error(kind: str, options: dict[str, Any]) -> None:
    """A value of a wrong type is an error, not a reason: only a program can mend it; True is no integer (S7)."""
    for value in KINDS[kind].wrong:
        with pytest.raises(InvalidInputError):
            ask(KINDS[kind].make(**options), {"x": value})


@pytest.mark.parametrize("kind", KINDS)
def test_limit_of_each_kind_is_exact(kind: str) -> None:
    """A value at its limit is taken; one over it, or one that no store can hold, is an error (S1, S2, S3)."""
    for value in KINDS[kind].within:
        assert ask(KINDS[kind].make(), {"x": value}).keys() == {"x"}
    for value in KINDS[kind].beyond:
        with pytest.raises(InvalidInputError):
            ask(KINDS[kind].make(), {"x": value})


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_inputs_meet_one_error(kind: str) -> None:
    """Whatever an input is given, it is taken clean, asked for again, or refused without repeating it (S1, S2, S6)."""
    for make in HOSTILE:
        error = refusal(ask, KINDS[kind].make(), {"x": make()})
        assert error.isprintable()
        assert CANARY not in error
    with pytest.raises(InvalidInputError):
        ask(KINDS[kind].make(), {"x": unseen("a" * 10_000_000)})


@thorough(150)
@given(json_inputs(), texts())
def test_inputs_are_copied(value: Any, words: str) -> None:
    """What was passed in can be changed later without a trace in what was recorded (E1)."""
    given_inputs = {"x": {"a": value, "words": words}}
    verdict = probe(mapping("x")).decide(ITEM, "go", given_inputs, by=ADMIN, at=AT)
    assert isinstance(verdict, Permitted)
    before = pickle.dumps(verdict)
    spoil(given_inputs)
    assert list(impurities(verdict)) == []
    assert pickle.dumps(verdict) == before


@pytest.mark.parametrize("bad", ["", " ", "GRANTED", "granted ", "other"])
def test_other_choice_is_a_reason_with_the_choices(bad: str) -> None:
    """A text that is not among the choices is a reason that names them all."""
    refused = ask(choice("outcome", Outcome), {"outcome": bad})
    assert codes(refused) == ["input_not_a_choice"]
    assert refused.reasons[0].params == {"input": "outcome", "choices": ("granted", "denied")}
    assert "granted or denied" in refused.reasons[0].text


def test_choices_keep_their_order() -> None:
    """Choices are shown in the order given; those of a set, which has none, are sorted."""
    assert choice("x", ["b", "a"]).choices == ("b", "a")
    assert choice("x", Outcome).choices == ("granted", "denied")
    assert choice("x", {"b": 1, "a": 2}).choices == ("b", "a")
    assert choice("x", {"b", "c", "a"}).choices == choice("x", frozenset("cab")).choices == ("a", "b", "c")


@thorough(150)
@given(st.data())
def test_every_input_has_its_say(data: st.DataObject) -> None:
    """All inputs are judged together: the reasons name just those that are missing, blank or unknown, in order."""
    specs = [text(name, optional=data.draw(st.booleans())) for name in ("a", "b", "c", "d")]
    given_inputs = data.draw(
        st.dictionaries(st.sampled_from([*"abcd", "u", "v"]), st.sampled_from(["ok", "", None]), max_size=6)
    )
    expected = []
    for spec in specs:
        if given_inputs.get(spec.name) is None and not spec.optional:
            expected.append(("input_missing", spec.name))
        elif given_inputs.get(spec.name) == "":
            expected.append(("input_blank", spec.name))
    expected += [("input_unknown", name) for name in sorted(given_inputs.keys() & {"u", "v"})]
    verdict = probe(*specs).decide(ITEM, "go", given_inputs, by=ADMIN, at=AT)
    found = [] if verdict else [(reason.code, reason.params["input"]) for reason in verdict.reasons]
    assert found == expected
    if isinstance(verdict, Permitted):
        assert verdict.change is not None
        assert verdict.change.event.payload is not None
        assert verdict.change.event.payload.inputs == {name: "ok" for name in "abcd" if given_inputs.get(name)}


def test_unknown_input_is_told_what_is_known() -> None:
    """An unknown input is a reason that names what the action takes, so nothing is assigned in bulk (S7)."""
    refused = ask(text("reason", optional=True), {"reasons": "x", "assignee_id": "eve"})
    assert codes(refused) == ["input_unknown", "input_unknown"]
    assert [reason.params["input"] for reason in refused.reasons] == ["assignee_id", "reasons"]
    assert "it takes reason" in refused.reasons[0].text
    nothing = probe().decide(ITEM, "go", {"x": 1}, by=ADMIN, at=AT)
    assert isinstance(nothing, Refused)
    assert "it takes none" in nothing.reasons[0].text


@pytest.mark.parametrize("name", [1, None, b"x", "", " ", "a\nb", "a\0", "\ud800", "a" * 101], ids=repr)
def test_unknown_name_that_is_no_name_is_an_error(name: Any) -> None:
    """A key that no input could have is an error, so that no reason repeats it (S6)."""
    with pytest.raises(InvalidInputError):
        ask(text("x", optional=True), {name: "a"})


def test_flood_of_unknown_inputs_is_an_error() -> None:
    """A flood of unknown inputs is refused early and makes no flood of reasons (S1)."""
    flood = Flood()
    with pytest.raises(InvalidInputError):
        ask(text("x", optional=True), flood)
    assert 0 < flood.read < 50_000


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_values(kind: str) -> None:
    """An input is frozen, equal to one made alike, hashable, and survives copy and pickle (E1)."""
    make = KINDS[kind].make
    spec: Any = make(optional=True)
    assert spec == make(optional=True) != make()
    assert hash(spec) == hash(make(optional=True))
    for other in (copy.copy(spec), copy.deepcopy(spec), pickle.loads(pickle.dumps(spec))):
        assert other == spec
        assert ask(other, {}) == {}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        spec.name = "y"


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "a\0", "\ud800", "a" * 101, None, 5, b"x", ["x"]], ids=repr)
@pytest.mark.parametrize(
    "make", [text, actor, instant, integer, boolean, names, mapping], ids=lambda make: make.__name__
)
def test_inputs_have_names(make: Callable[[Any], Input], bad: Any) -> None:
    """Every input has a name that is printable, not blank and not too long."""
    with pytest.raises(InvalidInputError):
        make(bad)
    with pytest.raises(InvalidInputError):
        choice(bad, ["a"])


@pytest.mark.parametrize("bad", [0, -1, 10_001, True, "5", None, 1.5, 2**63], ids=repr)
def test_lengths_are_from_one_to_ten_thousand(bad: Any) -> None:
    """A text or name may be declared from 1 to 10,000 characters long, so that every field has a limit (S1)."""
    assert (text("x", max_length=1).max_length, text("x", max_length=10_000).max_length) == (1, 10_000)
    for make in (text, names):
        with pytest.raises(InvalidInputError):
            make("x", max_length=bad)


@pytest.mark.parametrize("bad", ["abc", 5, None, b"ab", [1], [""], [" "], ["a\nb"], ["a" * 256], ["\ud800"]], ids=repr)
def test_choices_are_several_names(bad: Any) -> None:
    """Choices are several printable texts; a single str in their place is refused."""
    with pytest.raises(InvalidInputError):
        choice("x", bad)


@pytest.mark.parametrize("kind", ["float", "", None, 5, []], ids=repr)
def test_kinds_are_known(kind: Any) -> None:
    """An input of a kind that does not exist cannot be declared."""
    with pytest.raises(InvalidInputError, match="use one of text, actor, choice"):
        Input(name="x", kind=kind)


def test_choice_of_nothing_cannot_be_declared() -> None:
    """A choice among nothing can never be met, so it cannot be declared (E4)."""
    with pytest.raises(DefinitionError) as caught:
        choice("x", [])
    assert [problem.code for problem in caught.value.problems] == ["no_choices"]
