"""Rules that rest on what another worker may be changing: on another item, or on who has the item."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import URL

from casewright import Case, CompleteTask, CreateTask, OpenCase, TaskFilter
from support.buses import ANN, ROOT, a_bus
from support.contenders import act_or_reassign, close_or_open_task, complete_or_reopen
from support.plain_sql import rows_of
from support.racing import WORKERS, LastOneWins, MemoryRace, ProcessRace, Race
from support.sizes import full


def raced_for_cases(race: Race, cases: int) -> list[str]:
    """Let some workers close cases while others open tasks in them, new or finished; return the ids of the cases."""
    ids = [f"c{number}" for number in range(cases)]
    bus = a_bus(race.store)
    for case_id in ids:
        bus.execute(OpenCase("c", id=case_id, status="UNDER_REVIEW", reason="r"), by=ROOT)
        bus.execute(CreateTask("t", id=f"{case_id}.done", case_id=case_id), by=ROOT)
        bus.execute(CompleteTask(f"{case_id}.done"), by=ROOT)
    seen = race.run(close_or_open_task, ids)
    assert sum(one.answers.total() for one in seen) == WORKERS * cases
    return ids


def check_cases(race: Race, ids: list[str]) -> None:
    """Check that no case is closed that has an open task, and that each counts its open tasks."""
    bus = a_bus(race.store)
    closed = 0
    for case_id in ids:
        case, tasks = bus.get(case_id, by=ROOT), bus.count(TaskFilter(case_id=case_id, open=True), by=ROOT)
        assert isinstance(case, Case)
        assert case.open_tasks == tasks
        assert case.open or not tasks
        assert bus.verify(case_id, by=ROOT) == ()
        closed += not case.open
    assert 0 < closed < len(ids)


def raced_for_tasks(race: Race, tasks: int) -> list[str]:
    """Let some workers act on tasks as ann, who has them, while others take them away; return the ids of the tasks."""
    ids = [f"t{number}" for number in range(tasks)]
    for task_id in ids:
        a_bus(race.store).execute(CreateTask("t", id=task_id, assignee_id=ANN.id), by=ROOT)
    seen = race.run(act_or_reassign, ids)
    assert sum(one.answers.total() for one in seen) == WORKERS * tasks
    return ids


def check_actors(race: Race, ids: list[str]) -> None:
    """Check that ann did nothing on any task after it was given to somebody else."""
    bus = a_bus(race.store)
    for task_id in ids:
        actors = [event.actor_id for event in bus.history(task_id, by=ROOT)]
        assert ANN.id not in actors[actors.index(ROOT.id, 1) :]
        assert bus.verify(task_id, by=ROOT) == ()


@pytest.mark.parametrize("cases", [50, full(400)])
def test_no_closed_case_has_an_open_task(race: Race, cases: int) -> None:
    """While some close cases and others open tasks in them, new or again, no closed case has an open task (L2)."""
    check_cases(race, raced_for_cases(race, cases))


@pytest.mark.parametrize("tasks", [30, full(200)])
def test_nobody_acts_on_what_they_no_longer_have(race: Race, tasks: int) -> None:
    """After an item was given to somebody else, no action of the one who had it is written (A10)."""
    check_actors(race, raced_for_tasks(race, tasks))


@pytest.mark.parametrize("times", [15, full(100)])
def test_a_task_and_its_case_change_together(race: Race, times: int) -> None:
    """While many complete one task and open it again, each is done or refused, and its case counts right (L2, L4)."""
    bus = a_bus(race.store)
    bus.execute(OpenCase("c", id="c"), by=ROOT)
    bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
    seen = race.run(complete_or_reopen, times)

    answers = sum((one.answers for one in seen), Counter[str]())
    assert answers.keys() <= {"done", "refused", *(["stale_version"] if isinstance(race, MemoryRace) else [])}
    task, case = bus.get("t", by=ROOT), bus.get("c", by=ROOT)
    assert isinstance(case, Case)
    assert (task.version, case.version) == (answers["done"] + 1, answers["done"] + 2)
    assert case.open_tasks == task.open
    if isinstance(race, ProcessRace) and isinstance(race.place, URL):
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert rows_of(race.place, deadlocks) == [(0,)]


def test_a_store_that_compares_nothing_is_caught() -> None:
    """The races have teeth: where the last one wins, they find closed cases with open tasks, and late actions."""
    race = MemoryRace(LastOneWins())
    with pytest.raises(AssertionError):
        check_cases(race, raced_for_cases(race, 50))
    with pytest.raises(AssertionError):
        check_actors(race, raced_for_tasks(race, 50))
