"""A replayed log in a store: the same as without one, wherever it was stopped, and nothing twice."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    Actor,
    CommandBus,
    InvalidInputError,
    Lifecycle,
    TaskDefinition,
    all_of,
    always,
    fold,
    forbid,
    guard,
    has_role,
    integer,
    performed,
)
from casewright.interchange.conformance import ADMINISTRATOR, CaseReplay, conformance_report, replay_cases
from casewright.interchange.event_log import LogRow
from casewright.interchange.store_replay import StoreReplay
from support.backends import BACKENDS, Backend
from support.event_logs import AT, PLAIN, a_definition, row
from support.random_logs import heaps, walks

ROWS = [row(2, "open"), row(3, "work"), row(4, "open"), row(5, "done"), row(6, "moved"), row(7, "open", "c2")]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each store, empty."""
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


def stored(backend: Backend, cases: Sequence[CaseReplay], definition: Any = PLAIN) -> list[CaseReplay]:
    """Put the cases into the store, and return them as it holds them."""
    replay = StoreReplay(backend.store, definition)
    found = replay.found(cases)
    for case in cases:
        replay.keep(case, found[case.case_id])
    return [replay.proved(case) for case in cases]


def until(case: CaseReplay, version: int) -> CaseReplay:
    """Return the case as it would be if the log ended with that version."""
    return attrs.evolve(case, events=case.events[:version], steps=case.steps[:version])


def told(case: CaseReplay) -> list[object]:
    """Return what the events say, but for what is new each time."""
    new: dict[str, Any] = {"recorded_at": None, "previous": "", "payload_digest": "", "digest": "", "salt": None}
    return [attrs.evolve(event, **new) for event in case.events]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), log=st.one_of(walks().map(lambda walk: walk[:2]), heaps()))
@pytest.mark.parametrize("make", BACKENDS.values(), ids=BACKENDS)
def test_a_store_holds_what_the_log_makes_wherever_it_was_stopped(
    make: Callable[[Path], Backend], data: st.DataObject, log: tuple[Lifecycle, list[LogRow]]
) -> None:
    """Of any log, also of one performed in two parts, the store holds the same histories and items (E3, T2)."""
    lifecycle, rows = log
    definition = a_definition(lifecycle)
    cases = list(replay_cases(definition, rows))
    with tempfile.TemporaryDirectory() as folder:
        backend = make(Path(folder))
        begun = data.draw(st.tuples(*[st.integers(0, len(case.events)) for case in cases]))
        stored(backend, list(map(until, cases, begun)), definition)
        found = StoreReplay(backend.store, definition).found(cases)
        kept = stored(backend, cases, definition)
        bus = CommandBus(backend.store, (definition,))
        items = {case.case_id: bus.get(case.case_id, by=ADMINISTRATOR) for case in cases if case.events}
        backend.close()

    assert found == {case.case_id: count for case, count in zip(cases, begun, strict=True)}
    assert conformance_report(kept) == conformance_report(cases)
    assert list(map(told, kept)) == list(map(told, cases))
    for case in kept:
        assert not case.events or fold(case.events) == items[case.case_id]


def test_what_a_definition_asks_is_asked_by_its_bus_too(backend: Backend) -> None:
    """Roles, relations, guards, inputs and fields are judged the same with a store as without one (A1, A11)."""
    fact = guard(lambda *_: True, code="known", text="must be known", facts=["weather"])
    rules = {"work_to_done": all_of(always(), forbid(performed("open_to_work"))), "open_to_work": has_role("clerk")}
    definition = a_definition(PLAIN.lifecycle, rules, guards={"done_to_open": fact}, fields=[integer("amount")])
    rows = [row(2, "open", cells={"amount": "12"}), row(3, "work"), row(4, "done", actor=Actor("bob")), row(5, "open")]
    rows += [row(6, "open", "c2"), row(7, "work", "c2", actor=Actor("bob")), row(8, "open", "c3")]
    rows += [row(9, "work", "c3"), row(10, "done", "c3")]
    cases = list(replay_cases(definition, rows))
    kept = stored(backend, cases, definition)

    assert [[event.action for event in case.events] for case in kept] == [
        ["create", "open_to_work", "work_to_done", "correct"],
        ["create", "correct"],
        ["create", "open_to_work", "correct"],
    ]
    assert not any(case.problems for case in kept)
    assert list(map(told, kept)) == list(map(told, cases))


def test_whoever_may_not_read_is_refused_and_forced(backend: Backend) -> None:
    """A log of people who may not see the case is refused throughout, and kept all the same (A8)."""
    definition = a_definition(PLAIN.lifecycle, {"read": has_role("boss")})
    kept = stored(backend, list(replay_cases(definition, ROWS[:2])), definition)

    assert [event.action for event in kept[0].events] == ["create", "correct"]
    assert kept[0].judgements[1].reasons[0].code == "not_visible"


def test_tasks_are_kept_as_cases_are(backend: Backend) -> None:
    """A log of tasks is performed by a definition of tasks."""
    definition = TaskDefinition("job", lifecycle=PLAIN.lifecycle, authorization=PLAIN.authorization)
    kept = stored(backend, list(replay_cases(definition, ROWS)), definition)

    assert {event.kind for case in kept for event in case.events} == {"task"}
    assert [len(case.events) for case in kept] == [5, 1]
    assert not any(case.problems for case in kept)


def test_a_case_that_only_was_edited_is_not_in_the_store(backend: Backend) -> None:
    """A case without a change of status makes no item, and is counted all the same."""
    (case,) = stored(backend, list(replay_cases(PLAIN, [row(2, "open", event="edit")])))

    assert (case.rows, case.events, case.problems) == (1, (), ())


def test_a_replay_that_is_done_changes_nothing(backend: Backend) -> None:
    """Performed once more, a log changes nothing, to the last byte of the store."""
    cases = list(replay_cases(PLAIN, ROWS))
    first = stored(backend, cases)
    before = backend.dump()

    assert stored(backend, cases) == first
    assert backend.dump() == before


BOB = Actor("bob")
FORCED = [row(2, "open"), row(3, "work", actor=ADMINISTRATOR, from_status="moved")]
OTHERS: dict[str, tuple[list[LogRow], list[LogRow]]] = {
    "it is longer": (ROWS, ROWS[:4]),
    "another actor": ([ROWS[0], attrs.evolve(ROWS[1], actor=BOB)], ROWS),
    "another time": ([ROWS[0], attrs.evolve(ROWS[1], at=AT)], ROWS),
    "another status": ([row(2, "work")], [row(2, "done")]),
    "another action": (FORCED, [row(2, "open"), row(3, "work", actor=ADMINISTRATOR)]),
}


@pytest.mark.parametrize(("present", "rows"), OTHERS.values(), ids=OTHERS)
def test_another_history_is_refused(present: list[LogRow], rows: list[LogRow], backend: Backend) -> None:
    """A case whose history does not begin as the log's does is named, and nothing is written."""
    stored(backend, list(replay_cases(PLAIN, present)))
    before = backend.dump()

    with pytest.raises(InvalidInputError, match="another history") as caught:
        stored(backend, list(replay_cases(PLAIN, [row(2, "open", "c0"), *rows])))
    assert caught.value.field == "case c1"
    assert backend.dump() == before


def test_an_item_of_another_definition_is_another_history(backend: Backend) -> None:
    """An id that another definition's item has, of either kind, or one of an older lifecycle, is refused."""
    others = (
        attrs.evolve(PLAIN, name="other"),
        TaskDefinition("matter", lifecycle=PLAIN.lifecycle, authorization=PLAIN.authorization),
        attrs.evolve(PLAIN, lifecycle=attrs.evolve(PLAIN.lifecycle, version=2)),
    )
    cases = list(replay_cases(PLAIN, ROWS))
    stored(backend, cases)

    for definition in others:
        with pytest.raises(InvalidInputError, match="another history"):
            stored(backend, list(replay_cases(definition, ROWS)), definition)


def of_amount(amount: str, *, by: Actor = ADMINISTRATOR) -> list[CaseReplay]:
    """Return the case of a log that was created with an amount, by someone."""
    return list(replay_cases(AMOUNTS, [row(2, "open", cells={"amount": amount}, actor=by), row(3, "work")]))


AMOUNTS = a_definition(PLAIN.lifecycle, fields=[integer("amount")])
EDITED: dict[str, list[CaseReplay]] = {
    "a payload": of_amount("13"),
    "no payload": of_amount(""),
    "a principal": of_amount("12", by=attrs.evolve(ADMINISTRATOR, on_behalf_of="eve")),
    "a name": [
        attrs.evolve(case, events=tuple(attrs.evolve(event, name="made") for event in case.events))
        for case in of_amount("12")
    ],
}


@pytest.mark.parametrize("edited", EDITED.values(), ids=EDITED)
def test_an_edited_log_is_another_history(edited: list[CaseReplay], backend: Backend) -> None:
    """A log that gives another input, principal or name than the store holds is refused, and is not proved (E3, H6)."""
    (case,) = stored(backend, of_amount("12"), AMOUNTS)
    replay = StoreReplay(backend.store, AMOUNTS)

    assert case.problems == ()
    with pytest.raises(InvalidInputError, match="another history"):
        replay.found(edited)
    assert replay.proved(edited[0]).problems == ("its history is not the one that the log makes",)


def test_what_was_erased_in_the_store_is_passed_over(backend: Backend) -> None:
    """Of an erased event nobody can know the payload: the log is still the same, and goes on (H8)."""
    (case,) = of_amount("12")
    stored(backend, [until(case, 1)], AMOUNTS)
    backend.set_event("c1", 1, payload=None, salt=None)

    assert StoreReplay(backend.store, AMOUNTS).found([case]) == {"c1": 1}
    assert stored(backend, [case], AMOUNTS)[0].problems == ()


@pytest.mark.parametrize("found", [0, 1, 2])
def test_nothing_is_done_twice_by_two_at_a_time(found: int, backend: Backend) -> None:
    """If another process has gone on since the store was asked, nothing is done again, and it is told (L1)."""
    (case, _) = replay_cases(PLAIN, ROWS)
    replay = StoreReplay(backend.store, PLAIN)
    replay.keep(until(case, 3), 0)
    before = backend.dump()

    with pytest.raises(InvalidInputError, match="somebody else") as caught:
        replay.keep(case, found)
    assert caught.value.field == "case c1"
    assert backend.dump() == before
    replay.keep(case, 3)
    assert replay.proved(case).problems == ()


def test_what_was_changed_in_the_store_is_found(backend: Backend) -> None:
    """A row, an event or a history that is not what was written is a problem of its case alone (E3, H5, H6)."""
    rows = [row(number, status, f"c{case}") for case in range(4) for number, status in ((2, "open"), (3, "work"))]
    cases = list(replay_cases(PLAIN, rows))
    stored(backend, cases)
    backend.set_item("c1", title="other")
    backend.set_event("c2", 2, actor_id="eve")
    backend.cut_history("c3", after=1)
    replay = StoreReplay(backend.store, PLAIN)
    problems = [replay.proved(case).problems for case in cases]

    assert problems[0] == ()
    assert problems[1] == ("event at position 2: the row is not what the history makes: title",)
    other = "its history is not the one that the log makes"
    assert problems[2] == ("event at position 1: its header is not what was sealed", other)
    assert len(problems[3]) == 2
    assert problems[3][1] == other
    assert conformance_report(map(replay.proved, cases)).histories_verified == 1


def test_a_case_that_is_gone_is_found(backend: Backend) -> None:
    """A case that the store does not hold is a problem, not an error."""
    (case, _) = replay_cases(PLAIN, ROWS)

    assert StoreReplay(backend.store, PLAIN).proved(case).problems == ("the store does not hold it any more",)
