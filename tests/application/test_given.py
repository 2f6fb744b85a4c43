"""What a bus has given: which items it believes when they come back."""

from __future__ import annotations

import attrs

from casewright import CommandBus, CreateTask, Store, TaskFilter
from casewright.application.given import MAX_GIVEN, Given
from casewright.testing.builders import a_task
from support.buses import ANN, a_bus


def test_only_the_very_item_is_believed() -> None:
    """An equal copy is not the one that was given, nor is an older version of it (A10)."""
    given = Given()
    task = a_task(id="x-1")
    given.add(task)
    assert given.has(task)
    assert not given.has(attrs.evolve(task))
    given.add(attrs.evolve(task, version=2))
    assert not given.has(task)


def test_the_same_id_of_another_tenant_is_another_item() -> None:
    """Items of two tenants do not push each other out."""
    given = Given()
    here, there = a_task(id="x-1"), a_task(id="x-1", tenant="there")
    given.add(here)
    given.add(there)
    assert given.has(here)
    assert given.has(there)


def test_no_more_are_remembered_than_the_limit_says() -> None:
    """The one that was given longest ago goes first; what is given again counts as new."""
    given = Given()
    tasks = [a_task(id=f"x-{number}") for number in range(MAX_GIVEN + 1)]
    for task in tasks[:MAX_GIVEN]:
        given.add(task)
    given.add(tasks[0])
    given.add(tasks[MAX_GIVEN])
    assert [given.has(task) for task in (tasks[0], tasks[1], tasks[2], tasks[MAX_GIVEN])] == [True, False, True, True]


def test_whatever_a_bus_answers_with_is_believed(store: Store) -> None:
    """What `execute`, `get` and `find` give is remembered, in the version that was given last."""
    bus: CommandBus = a_bus(store)
    made = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert bus._given.has(made)
    got = bus.get("x-1", by=ANN)
    assert bus._given.has(got)
    (found,) = bus.find(TaskFilter(), by=ANN).items
    assert bus._given.has(found)
