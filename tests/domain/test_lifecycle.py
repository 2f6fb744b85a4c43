"""A lifecycle as a value: what it answers about its own table."""

from __future__ import annotations

import pickle
from enum import StrEnum
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import Category, InvalidInputError, Lifecycle, Transition
from casewright.testing.strategies import lifecycles


class Step(StrEnum):
    """A team's own statuses."""

    NEW = "new"
    BUSY = "busy"
    DONE = "done"


def a_lifecycle(**changes: Any) -> Lifecycle:
    """Return new -> busy -> done, with a way back, and with the parts that are given in place of its own."""
    parts: dict[str, Any] = {
        "states": {"new": Category.OPEN, "busy": Category.ACTIVE, "done": Category.DONE},
        "initial": "new",
        "transitions": [
            Transition("start", "new", "busy"),
            Transition("stop", "busy", "new"),
            Transition("finish", ["new", "busy"], "done"),
        ],
    }
    return Lifecycle(**(parts | changes))


def walks(lifecycle: Lifecycle, start: str, steps: int) -> dict[str, int]:
    """Return each status that some walk of 1 to `steps` actions ends in, with the length of the shortest one."""
    found: dict[str, int] = {}
    here = {start}
    for length in range(1, steps + 1):
        here = {step.target for step in lifecycle.transitions if here & set(step.sources)}
        for status in here:
            found.setdefault(status, length)
    return found


def follow(lifecycle: Lifecycle, status: str, actions: tuple[str, ...]) -> str:
    """Return where the actions lead from the status."""
    for action in actions:
        (step,) = (one for one in lifecycle.transitions if one.action == action and status in one.sources)
        status = step.target
    return status


@settings(max_examples=40, deadline=None)
@given(lifecycles())
def test_reachable_statuses_are_those_that_walks_end_in(lifecycle: Lifecycle) -> None:
    """`reachable_from` is just what walks of any length end in, itself only on a cycle, and `analysis` agrees."""
    for status in lifecycle.states:
        expected = walks(lifecycle, status, len(lifecycle.states)).keys()
        assert lifecycle.reachable_from(status) == expected
        assert lifecycle.analysis().reachable[status] == expected


@settings(max_examples=40, deadline=None)
@given(lifecycles())
def test_the_way_to_an_end_is_a_shortest_one(lifecycle: Lifecycle) -> None:
    """`analysis` names a shortest way to a closed status: empty when closed, None when there is none."""
    ways = lifecycle.analysis().ways_to_closed
    assert set(ways) == set(lifecycle.states)
    for status, way in ways.items():
        if status in lifecycle.closed:
            assert way == ()
            continue
        lengths = walks(lifecycle, status, len(lifecycle.states))
        ends = [length for end, length in lengths.items() if end in lifecycle.closed]
        assert (way is None) is (not ends)
        if way is not None:
            assert len(way) == min(ends)
            assert follow(lifecycle, status, way) in lifecycle.closed


@settings(max_examples=40, deadline=None)
@given(lifecycles())
def test_dead_ends_are_the_statuses_that_no_action_leaves(lifecycle: Lifecycle) -> None:
    """`analysis` lists for each category its statuses without a way out, in order of declaration."""
    sources = {source for step in lifecycle.transitions for source in step.sources}
    for category in Category:
        expected = [s for s, kind in lifecycle.states.items() if kind is category and s not in sources]
        assert lifecycle.analysis().dead_ends[category] == tuple(expected)


@settings(max_examples=40, deadline=None)
@given(lifecycles())
def test_allowed_and_action_between_read_the_table(lifecycle: Lifecycle) -> None:
    """`allowed`, `action_between`, `actions` and `closed` say what a scan of the transitions says."""
    assert set(lifecycle.actions) == {step.action for step in lifecycle.transitions}
    assert len(lifecycle.actions) == len(set(lifecycle.actions))
    assert lifecycle.closed == {s for s, kind in lifecycle.states.items() if kind in ("done", "cancelled")}
    for source in lifecycle.states:
        leaving = [step for step in lifecycle.transitions if source in step.sources]
        assert lifecycle.allowed(source) == tuple(step.action for step in leaving)
        for target in lifecycle.states:
            direct = [step.action for step in leaving if step.target == target]
            assert lifecycle.action_between(source, target) == (direct[0] if direct else None)


@settings(max_examples=40, deadline=None)
@given(lifecycles())
def test_a_lifecycle_is_a_value(lifecycle: Lifecycle) -> None:
    """A lifecycle built again from its parts is equal and has the same hash; another version makes another one."""
    again = attrs.evolve(lifecycle)
    assert again is not lifecycle
    assert again == lifecycle
    assert hash(again) == hash(lifecycle)
    assert attrs.evolve(lifecycle, version=lifecycle.version + 1) != lifecycle


@pytest.mark.parametrize("question", ["allowed", "reachable_from"])
@pytest.mark.parametrize("status", ["gone", "", "New"])
def test_a_question_about_an_unknown_status_is_an_error(question: str, status: str) -> None:
    """A status that is not there raises InvalidInputError, which names those that are."""
    with pytest.raises(InvalidInputError, match="new, busy, done"):
        getattr(a_lifecycle(), question)(status)


def test_action_between_unknown_statuses_is_an_error() -> None:
    """`action_between` knows both of its ends."""
    with pytest.raises(InvalidInputError, match="new, busy, done"):
        a_lifecycle().action_between("new", "gone")
    with pytest.raises(InvalidInputError, match="new, busy, done"):
        a_lifecycle().action_between("gone", "new")


def test_a_team_may_use_its_own_strenum() -> None:
    """A StrEnum's members are statuses, actions and targets, and are kept as plain text."""
    lifecycle = Lifecycle(
        states={Step.NEW: Category.OPEN, Step.BUSY: Category.ACTIVE, Step.DONE: Category.DONE},
        initial=Step.NEW,
        transitions=[Transition("start", Step.NEW, Step.BUSY), Transition("finish", list(Step)[:2], Step.DONE)],
        administrative=(),
    )
    kept = [*lifecycle.states, *lifecycle.initial, *(s for t in lifecycle.transitions for s in (*t.sources, t.target))]
    assert {type(status) for status in kept} == {str}
    assert lifecycle.allowed(Step.BUSY) == ("finish",)
    assert lifecycle.reachable_from(Step.NEW) == {"busy", "done"}


def test_one_str_is_one_status() -> None:
    """`sources`, `initial`, `administrative` and `legacy` take a single str as one status, not as its letters."""
    lifecycle = a_lifecycle(
        states={"new": "open", "busy": "active", "done": "done", "void": "cancelled", "old": "done"},
        administrative="void",
        legacy="old",
    )
    assert lifecycle.initial == ("new",)
    assert lifecycle.administrative == ("void",)
    assert lifecycle.legacy == ("old",)
    assert lifecycle.transitions[0].sources == ("new",)


def test_categories_may_be_given_by_value() -> None:
    """The text of a category is as good as its member."""
    assert a_lifecycle(states={"new": "open", "busy": "active", "done": "done"}) == a_lifecycle()


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_of_initial_statuses_has_no_first(kind: type[set[str]]) -> None:
    """A set stays a set, so that the creator must name one; a list keeps its order."""
    assert a_lifecycle(initial=kind(["busy", "new"])).initial == frozenset({"busy", "new"})
    assert a_lifecycle(initial=["busy", "new"]).initial == ("busy", "new")


def test_sources_given_as_a_set_are_sorted() -> None:
    """The order of a set never shows."""
    assert Transition("go", {"b", "c", "a"}, "d").sources == ("a", "b", "c")


def test_one_part_stands_for_a_tuple_of_one() -> None:
    """A transition takes one guard, input or effect without brackets."""
    from casewright import clear, no_open_tasks, text

    step = Transition("go", "a", "b", inputs=text("reason"), guards=no_open_tasks(), effects=clear("due_at"))
    assert (step.inputs, step.guards, step.effects) == ((text("reason"),), (no_open_tasks(),), (clear("due_at"),))


def test_with_transitions_adds_and_leaves_the_original() -> None:
    """`with_transitions` returns a new lifecycle with more transitions and statuses, and perhaps a new version."""
    before = a_lifecycle()
    after = before.with_transitions(
        Transition("park", "busy", "parked"),
        Transition("unpark", "parked", "busy"),
        states={"parked": Category.WAITING},
        version=2,
    )
    assert before == a_lifecycle()
    assert after.version == 2
    assert after.allowed("busy") == ("stop", "finish", "park")
    assert after.states["parked"] is Category.WAITING
    assert before.with_transitions(Transition("skip", "new", "done")).version == 1


@pytest.mark.parametrize("states", [None, ["new", "done"], "new"])
def test_states_that_are_no_mapping_are_refused(states: object) -> None:
    """Statuses without categories raise InvalidInputError with advice."""
    with pytest.raises(InvalidInputError, match="map statuses to categories"):
        a_lifecycle(states=states)


def test_a_lifecycle_cannot_be_changed() -> None:
    """A lifecycle keeps what it was built from, whatever happens to the mappings and lists afterwards (E1)."""
    states = {"new": Category.OPEN, "done": Category.DONE}
    steps = [Transition("finish", "new", "done")]
    lifecycle = Lifecycle(states=states, initial="new", transitions=steps)
    states["more"] = Category.OPEN
    steps.clear()
    assert dict(lifecycle.states) == {"new": Category.OPEN, "done": Category.DONE}
    assert lifecycle.allowed("new") == ("finish",)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", lifecycle).version = 2


def test_a_lifecycle_survives_pickling() -> None:
    """A lifecycle without functions of a team's own can be sent to another process."""
    again = pickle.loads(pickle.dumps(a_lifecycle()))
    assert again == a_lifecycle()
    assert again.allowed("new") == ("start", "finish")


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_order_of_declaration_is_kept(data: st.DataObject) -> None:
    """Statuses and transitions stay in the order in which a team wrote them."""
    lifecycle = data.draw(lifecycles())
    statuses = data.draw(st.permutations(list(lifecycle.states.items())))
    steps = data.draw(st.permutations(lifecycle.transitions))
    again = attrs.evolve(lifecycle, states=dict(statuses), transitions=steps)
    assert list(again.states) == [status for status, _ in statuses]
    assert again.transitions == tuple(steps)
    assert again.closed == lifecycle.closed
