"""What comes back from a store can never change, and what was passed in can be changed without a trace (E1)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AddNote,
    CaseFilter,
    Change,
    CommandBus,
    CreateTask,
    Edit,
    OpenCase,
    Order,
    Perform,
    Report,
    Store,
    Tag,
    TaskFilter,
    UnknownDefinitionError,
)
from casewright.domain.json_values import canonical_json
from support.backends import BACKENDS
from support.buses import a_bus, failure_of
from support.histories import random_histories
from support.values import impurities, spoil

ROOT = Actor("root", roles=["admin"])


def recorded(store: Store, seed: int) -> list[Change[Any]]:
    """Record random histories, and return the last change of each item."""
    chains = random_histories(seed)
    with store.begin(tenant=ROOT.tenant) as uow:
        uow.record(*[change for chain in chains.values() for change in chain])
        uow.commit()
    return [chain[-1] for chain in chains.values()]


def read(store: Store) -> Iterator[Any]:
    """Yield everything that a bus reads from the store."""
    bus = a_bus(store)
    wanted: tuple[Any, ...] = (TaskFilter(), CaseFilter())
    for where in wanted:
        page = bus.find(where, by=ROOT, limit=1000)
        yield page
        for item in page.items:
            yield bus.get(item.id, by=ROOT)
            yield from bus.history(item.id, by=ROOT)
            yield from bus.notes(item.id, by=ROOT)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_comes_back_is_immutable(backend: str, tmp_path: Path) -> None:
    """No list, dict or set can be reached from 1,000 random entities that a store gives back (E1)."""
    walked = 0
    for seed in range(60):
        (tmp_path / str(seed)).mkdir()
        kept = BACKENDS[backend](tmp_path / str(seed))
        last = recorded(kept.store, seed)
        for entity in read(kept.store):
            assert list(impurities(entity)) == []
            walked += 1
        with kept.store.begin(tenant=ROOT.tenant, write=False) as uow:
            for change in last:
                item: Any = uow.items.get(change.after.id)
                assert item == change.after
                assert canonical_json(item.attributes) == canonical_json(change.after.attributes)
                assert type(item.tags) is type(item.performers) is tuple
        kept.close()
    assert walked >= 1_000


def nested(rng: random.Random) -> dict[str, Any]:
    """Return attributes full of lists and dicts."""
    return {f"key {n}": [rng.choice([[1, [2]], {"a": [None]}, "text"]), {"b": {"c": [True]}}] for n in range(3)}


def test_what_was_passed_in_can_be_changed_without_a_trace(store: Store) -> None:
    """Changing what commands and actors were made of changes nothing that is kept, answered or still to be run (E1)."""
    rng = random.Random(1)
    bus = a_bus(store)
    for number in range(50):
        roles, mine, tags = ["admin"], nested(rng), ["b", "a"]
        attributes, edited, inputs = nested(rng), nested(rng), {"title": "t", "attributes": nested(rng)}
        by = Actor("ann", roles=roles, attributes=mine)
        opened = OpenCase("A case", id=f"case {number}", attributes=attributes, tags=tags)
        changes = [
            Edit(f"case {number}", attributes=edited),
            Perform(f"case {number}", "edit", inputs),
            Tag(f"case {number}", add=tags),
            AddNote(f"case {number}", "A note"),
        ]
        before = [repr(one) for one in (by, opened, *changes)]
        first = bus.execute(opened, by=by)
        told = [repr(first)]
        for passed in (roles, mine, tags, attributes, edited, inputs):
            spoil(passed)
        assert [repr(one) for one in (by, opened, *changes)] == before
        assert [repr(first)] == told
        assert "spoilt" not in repr([bus.execute(change, by=by) for change in changes])
        assert "spoilt" not in repr([bus.get(first.id, by=by), *bus.notes(first.id, by=by)])
        assert "spoilt" not in "".join(
            str(event.payload and event.payload.text) for event in bus.history(first.id, by=by)
        )


def test_what_a_store_answers_with_can_be_changed_without_a_trace(store: Store) -> None:
    """Where a unit of work answers with a list, changing it changes nothing that is kept (E1)."""
    recorded(store, 1)
    with store.begin(tenant=ROOT.tenant, write=False) as uow:
        found: Any = uow
        item_id = "case"

        def answers() -> list[Any]:
            where = TASK.scope(ROOT)
            listed = found.find("task", where, order=Order(), limit=9)
            return [uow.history(item_id), uow.notes(item_id), found.pending(limit=9), listed]

        before = [list(answer) for answer in answers()]
        assert all(before)
        spoil(answers())
        assert [list(answer) for answer in answers()] == before


def test_a_bus_keeps_its_own_copy_of_what_it_was_made_of(store: Store) -> None:
    """Definitions, observers and facts that are added to a list or dict afterwards are not the bus's (E1)."""
    definitions: list[Any] = [TASK]
    reports: list[Report] = []
    observers: list[Any] = []
    bus = CommandBus(store, definitions, observers=observers)
    definitions.append(REGULATORY_CASE)
    observers.append(reports.append)
    assert isinstance(failure_of(lambda: bus.execute(OpenCase("A case"), by=ROOT)), UnknownDefinitionError)
    bus.execute(CreateTask("A task"), by=ROOT)
    assert reports == []
