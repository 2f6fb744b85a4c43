"""Conformance: judged as logged, applied as logged, and each history equal to its log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from casewright import (
    Actor,
    CaseDefinition,
    Category,
    InvalidInputError,
    Lifecycle,
    Transition,
    all_of,
    always,
    choice,
    fold,
    forbid,
    guard,
    has_role,
    instant,
    integer,
    is_creator,
    no_open_tasks,
    performed,
    text,
)
from casewright.domain.ids import ActorId
from casewright.interchange.conformance import (
    ADMINISTRATOR,
    Outcome,
    Refusal,
    check_conformance,
    conformance_report,
    history_problems,
    input_columns,
    replay_cases,
)
from support.event_logs import AT, PLAIN, a_definition, a_lifecycle, outcomes, replayed, row, statuses_of


def test_what_is_allowed_is_recorded_of_its_own_actor_and_time() -> None:
    """An allowed change stands in the history as its actor's action at its own time, also where time goes back."""
    bob = Actor("bob")
    early = attrs.evolve(row(3, "work", actor=bob), at=AT - timedelta(days=400))
    case = replayed([row(2, "open"), early])

    assert [(event.action, event.actor_id, event.occurred_at) for event in case.events] == [
        ("create", "ann", AT + timedelta(hours=2)),
        ("open_to_work", "bob", AT - timedelta(days=400)),
    ]


def test_the_same_log_makes_the_same_history() -> None:
    """Replay is a pure function of the log: no clock and no chance, down to the digests."""
    rows = [row(2, "open"), row(3, "done"), row(4, "open")]

    assert replayed(rows) == replayed(rows)


def test_a_refused_change_is_applied_by_the_administrator() -> None:
    """What the definition refuses becomes a correction with a reason, by the administrator, at the logged time."""
    case = replayed([row(2, "open"), row(3, "done")])

    event = case.events[1]
    assert outcomes(case) == [Outcome.ALLOWED, Outcome.REFUSED]
    assert (event.action, event.actor_id, event.occurred_at) == ("correct", ADMINISTRATOR.id, AT + timedelta(hours=3))
    assert event.payload
    assert event.payload.inputs["reason"]
    assert [reason.text for reason in case.judgements[1].reasons] == ["no action leads from open to done"]


def test_a_move_to_an_administrative_status_is_not_judged() -> None:
    """A change to an administrative status is counted apart and applied, whoever did it, also as a start."""
    moved = replayed([row(2, "open"), row(3, "moved")])
    started = replayed([row(2, "moved")])

    assert outcomes(moved) == [Outcome.ALLOWED, Outcome.ADMINISTRATIVE]
    assert outcomes(started) == [Outcome.ADMINISTRATIVE]
    assert [event.action for event in (*moved.events, *started.events)] == ["create", "correct", "create"]


@pytest.mark.parametrize("status", ["old", "work"])
def test_a_start_elsewhere_is_refused_as_a_creation(status: str) -> None:
    """A legacy or other start that is not initial needs the right to correct; the administrator creates it so."""
    case = replayed([row(2, status)])

    assert outcomes(case) == [Outcome.REFUSED]
    assert [reason.text for reason in case.judgements[0].reasons] == ["nobody may do this"]
    assert [(event.action, event.actor_id, event.to_status) for event in case.events] == [
        ("create", ADMINISTRATOR.id, status)
    ]


def test_a_second_creation_is_judged_as_a_start() -> None:
    """A creation of a case that is there is judged as a start, and stored as a correction of the case."""
    case = replayed(
        [row(2, "open", from_status=""), row(3, "moved", from_status="open"), row(4, "open", from_status="")]
    )

    assert outcomes(case) == [Outcome.ALLOWED, Outcome.ADMINISTRATIVE, Outcome.ALLOWED]
    assert [event.action for event in case.events] == ["create", "correct", "correct"]


def test_a_log_that_begins_in_the_middle_is_judged_from_where_it_says() -> None:
    """The first row of a case may have a status before it: it is judged from there, and the history begins after it."""
    case = replayed([row(2, "done", from_status="work"), row(3, "open", from_status="done")])
    wrong = replayed([row(2, "done", from_status="open")])

    assert outcomes(case) == [Outcome.ALLOWED, Outcome.ALLOWED]
    assert [event.action for event in case.events] == ["create", "done_to_open"]
    assert outcomes(wrong) == [Outcome.REFUSED]


def test_a_step_back_to_the_same_status_is_an_action_of_its_own() -> None:
    """A row that says it is a change of status is judged also where the status stays; refused, it leaves no event."""
    definition = a_definition(a_lifecycle("open>open", "open>done"))
    rows = [row(number, "open", event="status") for number in (2, 3)]

    assert [event.action for event in replayed(rows, definition).events] == ["create", "open_to_open"]
    assert [event.action for event in replayed(rows).events] == ["create"]
    assert outcomes(replayed(rows)) == [Outcome.ALLOWED, Outcome.REFUSED]


def test_each_change_is_judged_by_its_actors_roles() -> None:
    """A role that the log does not name is not there: the reason is that of the rule (A1)."""
    definition = a_definition(PLAIN.lifecycle, {"open_to_work": has_role("officer")})
    rows = [row(2, "open"), row(3, "work"), row(4, "open"), row(5, "work", actor=Actor("olga", roles=["officer"]))]
    report = check_conformance(definition, rows)

    assert report.refusals == (Refusal("open", "work", 1, "needs the role officer"),)
    assert (report.allowed, report.refused) == (3, 1)


def test_relations_are_those_of_the_history() -> None:
    """Four eyes and creators are judged by who did what earlier in the log; a forced step is nobody's (A11)."""
    rules = {"work_to_done": all_of(always(), forbid(performed("open_to_work"))), "work_to_open": is_creator()}
    definition = a_definition(PLAIN.lifecycle, rules)
    bob = Actor("bob")
    rows = [row(2, "open"), row(3, "work", actor=bob), row(4, "done", actor=bob)]
    rows += [row(5, "open"), row(6, "work"), row(7, "open", actor=bob), row(8, "work"), row(9, "open")]

    case = replayed(rows, definition)
    refused = {one.row.number: one.reasons[0].code for one in case.judgements if one.outcome is Outcome.REFUSED}
    assert refused == {4: "forbidden", 7: "not_creator"}


def _with_inputs(*inputs: Any, **options: Any) -> CaseDefinition:
    steps = [Transition("finish", "open", "done", inputs=inputs, **options)]
    states = {"open": Category.OPEN, "done": Category.DONE}
    return a_definition(Lifecycle(states=states, initial="open", transitions=steps))


def test_inputs_are_taken_from_the_columns_of_their_names() -> None:
    """What an action must be given is read from the log, and its lack is a refusal like any other."""
    definition = _with_inputs(choice("outcome", ["yes", "no"]), integer("amount"), text("remark", optional=True))
    good = {"outcome": "yes", "amount": "12", "remark": ""}
    case = replayed([row(2, "open"), row(3, "done", cells=good)], definition)
    lacking = replayed([row(2, "open"), row(3, "done", cells={"outcome": "perhaps"})], definition)

    assert input_columns(definition) == {"outcome", "amount", "remark"}
    assert case.events[1].payload
    assert dict(case.events[1].payload.inputs) == {"outcome": "yes", "amount": 12}
    assert [reason.text for reason in lacking.judgements[1].reasons] == [
        "the outcome must be yes or no",
        "give an amount",
    ]


@pytest.mark.parametrize(
    ("cells", "where"),
    [({"due": "2026-01-01"}, "row 3, due"), ({"due": "soon"}, "row 3, due"), ({"amount": "1.5"}, "row 3, amount")],
)
def test_a_cell_that_cannot_be_its_input_names_its_row(cells: dict[str, str], where: str) -> None:
    """A value of a wrong type is no refusal but a bad log: the error names row and column (S1)."""
    definition = _with_inputs(instant("due"), integer("amount", optional=True))

    with pytest.raises(InvalidInputError) as caught:
        list(replay_cases(definition, [row(2, "open"), row(3, "done", cells=cells)]))
    assert caught.value.field == where


def test_fields_are_taken_from_the_columns_of_their_names() -> None:
    """Typed attributes come from the log; where it lacks one that must be, the creation is refused and made anyway."""
    definition = attrs.evolve(PLAIN, fields=[integer("amount"), text("branch", optional=True)])
    case = replayed([row(2, "open", cells={"amount": "12"}), row(3, "work")], definition)
    bare = replayed([row(2, "open")], definition)
    middle = replayed([row(2, "done", from_status="work", cells={"amount": "12"})], definition)

    assert dict(fold(case.events).attributes) == dict(fold(middle.events).attributes) == {"amount": 12}
    assert outcomes(case) == [Outcome.ALLOWED, Outcome.ALLOWED]
    assert [reason.text for reason in bare.judgements[0].reasons] == ["give an amount"]
    assert statuses_of(bare.events) == ["open"]


def test_what_the_log_cannot_tell_refuses_but_never_stops_the_replay() -> None:
    """A guard without its fact refuses, on a correction too; the administrator applies the change all the same."""
    fact = guard(lambda *_: True, code="known", text="must be known", facts=["weather"])
    definition = PLAIN.with_guards({"open_to_work": fact, "correct": [fact, no_open_tasks()], "create": fact})
    case = replayed([row(2, "open"), row(3, "work"), row(4, "done")], definition)

    assert outcomes(case) == [Outcome.REFUSED, Outcome.REFUSED, Outcome.ALLOWED]
    assert {reason.code for one in case.judgements for reason in one.reasons} == {"fact_missing"}
    assert not case.problems


def test_the_report_adds_up() -> None:
    """Cases and rows are all counted; refusals stand by pair and reason, the most frequent first."""
    rows = [row(2, "open", "a"), row(3, "done", "a"), row(4, "open", "b"), row(5, "done", "b"), row(6, "work", "a")]
    rows += [row(7, "old", "c"), row(8, "work", "d", event="edit"), row(9, "moved", "b")]
    report = check_conformance(PLAIN, rows)

    assert (report.cases, report.rows, report.status_changes) == (4, 8, 7)
    assert (report.allowed, report.refused, report.administrative) == (2, 4, 1)
    assert report.refusals == (
        Refusal("open", "done", 2, "no action leads from open to done"),
        Refusal(None, "old", 1, "nobody may do this"),
        Refusal("done", "work", 1, "no action leads from done to work"),
    )
    assert report.histories_verified == 3  # nothing ever happened to d but an edit
    assert report.problems == ()


def test_a_history_that_is_not_the_logs_is_told() -> None:
    """A history that was tampered with, does not fold to the case, or is not the log's is found (H6)."""
    case = replayed([row(2, "open"), row(3, "work"), row(4, "done")])
    item = fold(case.events)
    statuses = ["open", "work", "done"]
    forged = (case.events[0], attrs.evolve(case.events[1], actor_id=ActorId("eve")), case.events[2])

    assert history_problems(case.events, item, statuses) == ()
    assert history_problems(case.events, item, ["open", "done"]) == (
        "its history does not run through the statuses of the log",
    )
    assert history_problems(case.events, attrs.evolve(item, title="other"), statuses) == (
        "its history does not fold to the case",
    )
    assert len(history_problems(forged, item, statuses)) == 2
    assert "does not fold: event at position 0" in history_problems(case.events[1:], item, ["work", "done"])[-1]
    assert history_problems((), item, []) == ("its history does not fold: there are no events",)


def test_a_report_counts_only_sound_histories() -> None:
    """A case whose history does not hold is not counted as verified, and is named in the report."""
    sound = replayed([row(2, "open")])
    broken = attrs.evolve(sound, case_id="c2", problems=("it does not hold",))
    report = conformance_report([sound, broken])

    assert report.histories_verified == 1
    assert report.problems == ("case c2: it does not hold",)
