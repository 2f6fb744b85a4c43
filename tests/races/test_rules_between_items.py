"""Rules that rest on what another worker may be changing: on another item, or on who has the item."""

from __future__ import annotations

from collections import Counter

import pytest

from casewright import Case, CreateTask, OpenCase, TaskFilter
from support.buses import ANN, ROOT, a_bus
from support.contenders import act_or_reassign, close_or_open_task
from support.racing import WORKERS, Race


@pytest.mark.parametrize("cases", [25, pytest.param(400, marks=pytest.mark.large)])
def test_no_closed_case_has_an_open_task(race: Race, cases: int) -> None:
    """While some close cases and others open tasks in them, no case is ever closed that has an open task (L2)."""
    bus = a_bus(race.store)
    ids = [f"c{number}" for number in range(cases)]
    for case_id in ids:
        bus.execute(OpenCase("c", id=case_id, status="UNDER_REVIEW", reason="r"), by=ROOT)

    seen = race.run(close_or_open_task, ids)

    answers = sum((one.answers for one in seen), Counter[str]())
    assert answers.total() == WORKERS * cases
    closed = 0
    for case_id in ids:
        case, tasks = bus.get(case_id, by=ROOT), bus.count(TaskFilter(case_id=case_id, open=True), by=ROOT)
        assert isinstance(case, Case)
        assert case.open_tasks == tasks
        assert case.open or not tasks
        closed += not case.open
        assert bus.verify(case_id, by=ROOT) == ()
    assert 0 < closed < cases


@pytest.mark.parametrize("tasks", [25, pytest.param(200, marks=pytest.mark.large)])
def test_nobody_acts_on_what_they_no_longer_have(race: Race, tasks: int) -> None:
    """After an item was given to somebody else, no action of the one who had it is written (A10)."""
    bus = a_bus(race.store)
    ids = [f"t{number}" for number in range(tasks)]
    for task_id in ids:
        bus.execute(CreateTask("t", id=task_id, assignee_id=ANN.id), by=ROOT)

    seen = race.run(act_or_reassign, ids)

    answers = sum((one.answers for one in seen), Counter[str]())
    assert answers.total() == WORKERS * tasks
    for task_id in ids:
        actors = [event.actor_id for event in bus.history(task_id, by=ROOT)]
        assert ANN.id not in actors[actors.index(ROOT.id, 1) :]
        assert bus.verify(task_id, by=ROOT) == ()
