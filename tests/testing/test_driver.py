"""The driver and its records: what a bus has told is held against the store, and whatever else is there is found."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    OpenCase,
    Order,
    Store,
    TaskFilter,
)
from casewright.adapters.memory import MemoryStore
from casewright.testing.builders import SOME_TIME
from casewright.testing.driver import Driver
from casewright.testing.records import Call
from support.watched_store import WatchedStore

ROOT = Actor("root", roles=["admin"])
DEFINITIONS = (TASK, REGULATORY_CASE)
FIRST: tuple[Command[Any], ...] = (OpenCase("A", id="c-1"), CreateTask("A", id="x-1", case_id="c-1"))


def driven(store: Store, *commands: Command[Any], by: Actor = ROOT) -> Driver:
    """Return a driver on the store after these commands."""
    driver = Driver(store, DEFINITIONS)
    for command in commands:
        driver.ask(Call(command=command, by=by, at=SOME_TIME))
    return driver


def test_items_of_all_tenants_are_held_against_the_store() -> None:
    """Each tenant's items, histories and pointers are told apart, also under one id."""
    driver = driven(MemoryStore(), *FIRST)
    for command in FIRST:
        driver.ask(Call(command=command, by=Actor("root", roles=["admin"], tenant="elsewhere"), at=SOME_TIME))
    driver.records.check()
    assert driver.records.ids() == ["c-1", "x-1"]
    assert [item.version for item in driver.records.items(ROOT.tenant)] == [2, 1]


def test_a_store_that_cannot_list_is_asked_for_no_list() -> None:
    """Where units have the core contract only, lists are passed over, and the rest is held against the store."""
    driver = driven(WatchedStore(MemoryStore()), *FIRST)
    driver.list(TaskFilter(), by=ROOT, order=Order("created"), limit=2)
    driver.records.check()


@pytest.mark.parametrize("secret", [CompleteTask("x-1"), CreateTask("B", id="x-2", case_id="c-1")], ids=repr)
def test_what_nobody_told_is_found(secret: Command[Any]) -> None:
    """A change that came into the store some other way is no part of what was told (H2)."""
    store = MemoryStore()
    driver = driven(store, *FIRST)
    driver.records.check()
    CommandBus(store, DEFINITIONS).execute(secret, by=ROOT)
    with pytest.raises(AssertionError, match="not what was told"):
        driver.records.check()
