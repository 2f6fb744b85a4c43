"""What comes back from a store can never change, and what was passed in can be changed without a trace (E1)."""

from __future__ import annotations

import random
from typing import Any

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AddNote,
    CommandBus,
    CreateTask,
    Edit,
    OpenCase,
    Perform,
    Report,
    Store,
    Tag,
    UnknownDefinitionError,
)
from support.buses import a_bus, failure_of
from support.values import spoil

ROOT = Actor("root", roles=["admin"])


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
