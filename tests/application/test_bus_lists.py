"""Lists: what a filter asks for and the actor may read, page by page, and nothing else (A6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    Actor,
    CaseFilter,
    CommandBus,
    CompleteTask,
    CreateTask,
    Delete,
    InvalidInputError,
    MisuseError,
    OpenCase,
    Order,
    SetDue,
    StartTask,
    Store,
    TaskFilter,
)
from casewright.adapters.memory import MemoryStore
from casewright.domain.items import Item
from casewright.domain.terms import TermKind
from support.backends import BACKENDS, Backend
from support.buses import ANN, BEN, ROOT, START, STRANGER, WRITER, a_bus, failure_of
from support.watched_store import WatchedStore

pytestmark = pytest.mark.usefixtures("both_buses")

EVERYTHING = (TASK, SIMPLE_TASK, REGULATORY_CASE)
DAY = timedelta(days=1)
ALL = ("t-1", "t-2", "t-3", "t-4", "t-5", "t-6")


@pytest.fixture(scope="module", params=BACKENDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Return a store of each kind that is filled once: its tests only read."""
    backend = BACKENDS[request.param](tmp_path_factory.mktemp("lists"))
    fill(backend.store)
    yield backend
    backend.close()


@pytest.fixture
def full(shared: Backend) -> CommandBus:
    """Return a bus on it."""
    return a_bus(shared.store, EVERYTHING)


def fill(store: Store) -> CommandBus:
    """Put six tasks and a case there, of different people and in different places; return the bus."""
    bus = a_bus(store, EVERYTHING)
    bus.execute(OpenCase("A permit", id="c-1"), by=ROOT)
    bus.execute(CreateTask("free", id="t-1"), by=ANN, at=START + 5 * DAY)
    bus.execute(CreateTask("ben's", id="t-2", assignee_id="ben", due_at=START), by=ANN, at=START + 4 * DAY)
    bus.execute(CreateTask("by ben", id="t-3", due_at=START + DAY), by=BEN, at=START + 3 * DAY)
    bus.execute(CreateTask("done", id="t-4", due_at=START), by=ANN, at=START + 2 * DAY)
    bus.execute(CreateTask("in the case", id="t-5", case_id="c-1"), by=ROOT, at=START + DAY)
    bus.execute(CreateTask("simple", id="t-6", definition="simple_task"), by=ANN, at=START + DAY)
    bus.execute(CreateTask("deleted", id="t-7"), by=ANN)
    bus.execute(StartTask("t-2"), by=ANN)
    bus.execute(CompleteTask("t-4"), by=ANN)
    bus.execute(Delete("t-7"), by=ANN)
    return bus


def ids(items: Iterable[Item]) -> list[str]:
    """Return the ids of the items, in their order."""
    return [item.id for item in items]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (ROOT, ALL),
        (ANN, ("t-1", "t-2", "t-4", "t-6")),
        (BEN, ("t-2", "t-3")),
        (STRANGER, ()),
        (WRITER, ()),
        (Actor("root", roles=["admin"], tenant="other"), ()),
    ],
    ids=["root", "ann", "ben", "sam", "wil", "another tenant"],
)
def test_a_list_shows_and_counts_only_what_may_be_read(full: CommandBus, by: Actor, expected: tuple[str, ...]) -> None:
    """What a detail page would deny is neither shown nor counted, and does not shorten a page (A6)."""
    assert ids(full.find(TaskFilter(), by=by).items) == list(expected)
    assert full.count(TaskFilter(), by=by) == len(expected)
    for item_id in ALL:
        if item_id in expected:
            assert full.get(item_id, by=by) in full.find(TaskFilter(), by=by).items
        else:
            assert failure_of(full.get, item_id, by=by).code == "not_found"
    page = full.find(TaskFilter(), by=by, limit=2)
    assert (ids(page.items), page.next is None) == (list(expected[:2]), len(expected) <= 2)


def test_a_filter_by_what_is_hidden_counts_nothing(full: CommandBus) -> None:
    """No filter lets guess what a hidden item holds: it is looked for among what may be read only (A6, A8)."""
    for wanted in (TaskFilter(assignee_id="ben"), TaskFilter(case_id="c-1"), TaskFilter(created_by="ann")):
        assert (full.count(wanted, by=STRANGER), full.find(wanted, by=STRANGER).items) == (0, ())


def test_what_no_definition_here_judges_is_not_shown(shared: Backend) -> None:
    """A bus with fewer definitions shows and counts less, even where the filter names the one that is missing (A6)."""
    bus = a_bus(shared.store, [SIMPLE_TASK])
    assert ids(bus.find(TaskFilter(), by=ROOT).items) == ["t-6"]
    assert bus.count(TaskFilter(definition=["task", "simple_task"]), by=ROOT) == 1
    assert bus.count(TaskFilter(definition="task"), by=ROOT) == 0
    assert bus.find(CaseFilter(), by=ROOT).items == ()


def test_without_a_limit_a_page_holds_fifty(bus: CommandBus) -> None:
    """The default is 50, whatever there is."""
    bus.execute_many([CreateTask("A") for _ in range(51)], by=ANN, all_or_nothing=True)
    page = bus.find(TaskFilter(), by=ANN)
    assert (len(page.items), page.next is None, bus.count(TaskFilter(), by=ANN)) == (50, False, 51)


@pytest.mark.parametrize("limit", [0, -1, 1001, True, "5", 2.0, None])
def test_a_limit_is_from_1_to_1000(bus: CommandBus, limit: Any) -> None:
    """Anything else is an InvalidInputError (S1, S7)."""
    error = failure_of(bus.find, TaskFilter(), by=ANN, limit=limit)
    assert (type(error), error.field) == (InvalidInputError, "limit")


def test_a_cursor_of_another_order_is_refused(full: CommandBus) -> None:
    """Its place means nothing there; neither does what is no cursor (S4)."""
    page = full.find(TaskFilter(), by=ROOT, limit=1)
    assert page.next is not None
    for order in (Order("created"), Order(descending=True)):
        error = failure_of(full.find, TaskFilter(), by=ROOT, order=order, after=page.next)
        assert (type(error), error.field) == (InvalidInputError, "after")
    for after in (page.next.token, "t-1", 1, page):
        error = failure_of(full.find, TaskFilter(), by=ROOT, after=after)
        assert (type(error), error.field) == (InvalidInputError, "after")


@pytest.mark.parametrize("order", ["id", "title; DROP TABLE", None, "created"])
def test_an_order_is_a_value_of_its_own(bus: CommandBus, order: Any) -> None:
    """Text where an Order belongs is an InvalidInputError, even the name of one (S4)."""
    error = failure_of(bus.find, TaskFilter(), by=ANN, order=order)
    assert (type(error), error.field) == (InvalidInputError, "order")


@pytest.mark.parametrize("wanted", [None, "todo", {"status": "todo"}, TaskFilter, Order()], ids=repr)
def test_what_is_no_filter_is_refused(bus: CommandBus, wanted: Any) -> None:
    """It is an InvalidInputError, of `find` and of `count`."""
    for ask in (bus.find, bus.count):
        error = failure_of(ask, wanted, by=ANN)
        assert (type(error), error.field) == (InvalidInputError, "filter")


def test_a_list_makes_no_report(store: Store) -> None:
    """Nothing is denied by it, so nobody is told, not even where all is hidden."""
    reports: list[object] = []
    bus = a_bus(store, observers=[reports.append])
    bus.find(TaskFilter(), by=STRANGER)
    bus.count(CaseFilter(), by=STRANGER)
    assert reports == []


class NarrowStore(MemoryStore):
    """A store that serves fewer terms and orders."""

    def begin(self, **asked: Any) -> Any:
        """Return a unit that says so."""
        unit = super().begin(**asked)
        unit.terms = frozenset({TermKind.FIELD})
        unit.orders = frozenset({Order().by})
        return unit


def test_a_store_without_lists_is_named() -> None:
    """A MisuseError says that it has no Listing; commands and questions need none."""
    bus = a_bus(WatchedStore(MemoryStore()))
    task = bus.execute(CreateTask("A"), by=ANN)
    assert bus.get(task.id, by=ANN) == task
    for ask in (bus.find, bus.count):
        error = failure_of(ask, TaskFilter(), by=ANN)
        assert type(error) is MisuseError
        assert "Listing" in str(error)


def test_terms_and_orders_that_a_store_does_not_serve_are_named() -> None:
    """A MisuseError says which; what it does serve works (S4)."""
    bus = a_bus(NarrowStore())
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(SetDue("x-1", START), by=ANN)
    assert ids(bus.find(TaskFilter(assignee_id="ann", open=True), by=ROOT).items) == []
    assert bus.count(TaskFilter(open=True), by=ANN) == 1
    for ask in (bus.find, bus.count):
        terms = failure_of(ask, TaskFilter(assignee_id=None, overdue_at=START), by=ANN)
        assert (type(terms), "before, present" in str(terms)) == (MisuseError, True)
    order = failure_of(bus.find, TaskFilter(), by=ANN, order=Order("created"))
    assert (type(order), "created" in order.problem, "id" in order.advice) == (MisuseError, True, True)
