"""Lifecycles as data: everything but the functions, and no guard lost on the way."""

from __future__ import annotations

import copy
import json
from typing import Any

import attrs
import pytest
from hypothesis import given

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Category,
    DefinitionError,
    InvalidInputError,
    Lifecycle,
    Transition,
    guard,
    no_open_tasks,
)
from casewright.codec import from_data, from_json, lifecycle_from_data, to_data, to_json
from casewright.codec.lifecycles import STATUSES_MAX, TRANSITIONS_MAX, WAYS_MAX
from casewright.testing.strategies import lifecycles
from support.codec_documents import GUARDS, guarded
from support.values import thorough

SMALL = Lifecycle(
    states={"new": Category.OPEN, "over": Category.DONE}, initial="new", transitions=[Transition("end", "new", "over")]
)


def _codes(error: DefinitionError) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in error.problems]


@thorough(100)
@given(lifecycles())
def test_any_lifecycle(lifecycle: Lifecycle) -> None:
    """Any lifecycle is the same after JSON and back, order of statuses and all, once it is given its guards."""
    guards = {one.code: one for step in lifecycle.transitions for one in step.guards}
    text = to_json(lifecycle)
    back = lifecycle_from_data(json.loads(text), guards=guards)
    assert back == lifecycle
    assert list(back.states) == list(lifecycle.states)
    assert type(back.initial) is type(lifecycle.initial)
    assert to_json(back) == text
    assert format(back, "mermaid") == format(lifecycle, "mermaid")


@thorough(50)
@given(lifecycles())
def test_guards_are_demanded(lifecycle: Lifecycle) -> None:
    """Without its guards a lifecycle that has some is never read: each that is missing is named, where it stands."""
    named = [(place, one) for place, step in enumerate(lifecycle.transitions) for one in enumerate(step.guards)]
    if not named:
        assert from_json(to_json(lifecycle), Lifecycle) == lifecycle
        return
    with pytest.raises(DefinitionError) as caught:
        from_json(to_json(lifecycle), Lifecycle)
    assert _codes(caught.value) == [
        ("guard_missing", f"transitions[{place}].guards[{number}]") for place, (number, _) in named
    ]
    assert all(one.code in problem.what for problem, (_, (_, one)) in zip(caught.value.problems, named, strict=True))


@pytest.mark.parametrize("definition", [TASK, SIMPLE_TASK, REGULATORY_CASE], ids=lambda one: one.name)
def test_catalog(definition: Any) -> None:
    """The lifecycles of the catalog can be stored as data and come back."""
    guards = {"open_tasks": no_open_tasks()}
    text = to_json(definition.lifecycle)
    assert lifecycle_from_data(from_json(text, dict), guards=guards) == definition.lifecycle


def test_one_missing_guard() -> None:
    """One guard that is not given is enough to refuse, though the other is there; more than needed are welcome."""
    data = to_data(guarded())
    paid = GUARDS["paid"]
    with pytest.raises(DefinitionError) as caught:
        lifecycle_from_data(data, guards={"paid": paid})
    assert _codes(caught.value) == [("guard_missing", "transitions[0].guards[0]")]
    assert str(caught.value).endswith("names the guard 'open_tasks', which was not given; pass it in guards=")
    more = guard(lambda *_: True, code="more", text="more")
    assert lifecycle_from_data(data, guards={**GUARDS, "more": more}) == guarded()


def test_guards_under_wrong_codes() -> None:
    """A guard given under a code that is not its own, or no guard at all, is refused: it would be another guard."""
    wrong: Any = {"paid": no_open_tasks(), "open_tasks": len}
    with pytest.raises(DefinitionError) as caught:
        lifecycle_from_data(to_data(guarded()), guards=wrong)
    assert _codes(caught.value) == [("guard_code", "guards['paid']"), ("not_a_guard", "guards['open_tasks']")]


def test_two_guards_of_one_code() -> None:
    """Two different guards of one code are not written: nobody could tell them apart again."""
    other = guard(lambda *_: False, code="paid", text="another one")
    last = attrs.evolve(guarded().transitions[1], guards=[other])
    lifecycle = attrs.evolve(guarded(), transitions=[guarded().transitions[0], last])
    with pytest.raises(DefinitionError) as caught:
        to_json(lifecycle)
    assert _codes(caught.value) == [("guard_ambiguous", "transition 'take'")]


def test_unsound_data() -> None:
    """Data of the right shape that makes no sound lifecycle tells every problem at once, as Lifecycle does (E4)."""
    data = to_data(SMALL)
    data["states"]["lost"] = "open"
    data["transitions"][0]["target"] = "nowhere"
    with pytest.raises(DefinitionError) as caught:
        from_data(data, Lifecycle)
    assert {code for code, _ in _codes(caught.value)} == {"unknown_status", "unreachable", "trap"}


@pytest.mark.parametrize(
    ("initial", "read"),
    [
        (["new"], ("new",)),
        (["ready", "new"], ("ready", "new")),
        ({"any_of": ["ready", "new"]}, frozenset({"new", "ready"})),
    ],
)
def test_initial(initial: Any, read: object) -> None:
    """A list of initial statuses has a first one; `any_of` marks those that the creator must choose from."""
    lifecycle = lifecycle_from_data({**to_data(guarded()), "initial": initial}, guards=GUARDS)
    assert lifecycle.initial == read
    assert lifecycle_from_data(to_data(lifecycle), guards=GUARDS) == lifecycle


def _with(**parts: Any) -> dict[str, Any]:
    return {**copy.deepcopy(to_data(SMALL)), **parts}


MANY = {"action": "end", "sources": ["new"], "target": "over"}


@pytest.mark.parametrize(
    ("most", "field", "make"),
    [
        (STATUSES_MAX, "states", lambda n: _with(states=dict.fromkeys(map(str, range(n)), "done"), initial=["0"])),
        (TRANSITIONS_MAX, "transitions", lambda n: _with(transitions=[{**MANY, "sources": []}] * n)),
        (WAYS_MAX, "transitions", lambda n: _with(transitions=[{**MANY, "sources": ["new"] * n}])),
    ],
    ids=["statuses", "transitions", "ways"],
)
def test_limits(most: int, field: str, make: Any) -> None:
    """Data beyond a limit is refused before anyone tries to prove it sound; at the limit the proof answers (S1)."""
    with pytest.raises(InvalidInputError) as caught:
        from_data(make(most + 1), Lifecycle)
    assert str(caught.value) == f"{field}: holds more than {most}; split the lifecycle"
    with pytest.raises(DefinitionError):
        from_data(make(most), Lifecycle)
