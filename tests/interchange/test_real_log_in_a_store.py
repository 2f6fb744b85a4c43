"""The log of all Ethereum Improvement Proposals in a database: what a bus answers is what the log says."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

import attrs
import pytest

from casewright import Actor, CaseFilter, Category, CommandBus, Order
from casewright.cli import main
from casewright.cli.loading import load_definition
from support.stores import sqlite_store

pytestmark = pytest.mark.large

ANYONE = Actor("anyone")
TARGET = f"{Path(__file__).parents[2] / 'examples' / 'eip_process.py'}:EIP"
EIP = load_definition(TARGET)


@attrs.frozen
class Logged:
    """One change of status, as the file has it."""

    case_id: str
    status: str
    at: datetime
    actor_id: str


@pytest.fixture(scope="module")
def changes(log: Path) -> dict[str, list[Logged]]:
    """The changes of each case, read from the file without any of the package."""
    cases: dict[str, list[Logged]] = {}
    with log.open(encoding="utf-8", newline="") as file:
        for one in csv.DictReader(file):
            if one["event"] == "status":
                at = datetime.fromisoformat(one["time:timestamp"])
                change = Logged(one["case:concept:name"], one["concept:name"], at, one["org:resource"])
                cases.setdefault(change.case_id, []).append(change)
    return cases


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database."""
    return tmp_path_factory.mktemp("eip") / "eip.db"


@pytest.fixture(scope="module")
def answers(log: Path, path: Path) -> list[dict[str, object]]:
    """What the replay answers without the database, and twice with it."""
    found = []
    for more in ([], ["--into", f"sqlite:///{path}"], ["--into", f"sqlite:///{path}"]):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main(["replay", str(log), "--definition", TARGET, "--json", *more]) == 0
        found.append({**json.loads(out.getvalue()), "seconds": 0})
    return found


@pytest.fixture
def bus(answers: list[dict[str, object]], path: Path) -> Iterator[CommandBus]:
    """A bus on the database, with the log in it."""
    store = sqlite_store(path)
    yield CommandBus(store, (EIP,))
    store.engine.dispose()


def listed(bus: CommandBus, wanted: CaseFilter, order: Order, limit: int) -> list[str]:
    """Return the ids of all cases that are found, page by page."""
    ids: list[str] = []
    after = None
    while True:
        page = bus.find(wanted, by=ANYONE, order=order, limit=limit, after=after)
        ids += [case.id for case in page.items]
        if page.next is None:
            return ids
        after = page.next


def test_with_and_without_a_database_the_log_is_judged_the_same(answers: list[dict[str, object]]) -> None:
    """The 2,796 changes performed one by one give just the answer that they give without a database, and once more."""
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["histories_verified"] == 958


def test_each_status_and_category_is_counted_as_the_log_says(bus: CommandBus, changes: dict[str, list[Logged]]) -> None:
    """`count` by status, by several, by category and by openness is what the last rows of the cases add up to (A6)."""
    last = Counter(rows[-1].status for rows in changes.values())
    states = EIP.lifecycle.states
    closed = {Category.DONE, Category.CANCELLED}

    assert bus.count(CaseFilter(), by=ANYONE) == last.total() == 958
    for status in states:
        assert bus.count(CaseFilter(status=status), by=ANYONE) == last[status]
    assert bus.count(CaseFilter(status=["Draft", "Final"]), by=ANYONE) == last["Draft"] + last["Final"]
    for category in Category:
        expected = sum(count for status, count in last.items() if states[status] is category)
        assert bus.count(CaseFilter(category=category), by=ANYONE) == expected
    for is_open in (True, False):
        expected = sum(count for status, count in last.items() if (states[status] not in closed) is is_open)
        assert bus.count(CaseFilter(open=is_open), by=ANYONE) == expected


@pytest.mark.parametrize("status", ["Stagnant", "Final", "Moved", "Last Call"])
def test_each_case_is_found_in_its_place(status: str, bus: CommandBus, changes: dict[str, list[Logged]]) -> None:
    """`find` lists just the cases that ended so, by id and by time of creation, whatever the size of a page (A6)."""
    ended = {case_id: rows[0].at for case_id, rows in changes.items() if rows[-1].status == status}
    by_id, by_time = sorted(ended), sorted(ended, key=lambda case_id: (ended[case_id], case_id))
    wanted = CaseFilter(status=status)

    for limit in (1000, 7):
        assert listed(bus, wanted, Order(), limit) == by_id
        assert listed(bus, wanted, Order("created"), limit) == by_time
        assert listed(bus, wanted, Order("created", descending=True), limit) == by_time[::-1]


def test_each_history_is_that_of_the_log(bus: CommandBus, changes: dict[str, list[Logged]]) -> None:
    """`history` has the statuses and times of the log, by its actors where that is permitted, and verifies (H5)."""
    assert len(changes) == 958
    for case_id, rows in changes.items():
        events = bus.history(case_id, by=ANYONE)
        runs = [next(run) for _, run in groupby(rows, key=lambda one: one.status)]
        assert [(one.to_status, one.occurred_at) for one in events] == [(one.status, one.at) for one in runs]
        assert all(event.actor_id in {one.actor_id, "administrator"} for event, one in zip(events, runs, strict=True))
        assert bus.verify(case_id, by=ANYONE) == ()
        case = bus.get(case_id, by=ANYONE)
        assert (case.version, case.status, case.created_at) == (len(runs), rows[-1].status, rows[0].at)
