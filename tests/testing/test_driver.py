"""The driver of the machine, where a store has less than it could."""

from __future__ import annotations

from casewright import TASK, Actor, CreateTask, Order, TaskFilter
from casewright.adapters.memory import MemoryStore
from casewright.testing.builders import SOME_TIME
from casewright.testing.driver import Driver
from casewright.testing.records import Call
from support.watched_store import WatchedStore


def test_a_store_that_cannot_list_is_passed_over() -> None:
    """A store of the core contract alone is driven all the same, its lists left out."""
    ann = Actor("ann")
    for store in (WatchedStore(MemoryStore()), MemoryStore()):
        driver = Driver(store, (TASK,))
        driver.ask(Call(command=CreateTask("A", id="x-1"), by=ann, at=SOME_TIME))
        driver.list(TaskFilter(), ann, order=Order(), limit=1)
        assert driver.look("x-1", ann) is not None
