"""Hostile values through whole commands: each store gives the same answer to each, and every instant comes back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import URL

from casewright import (
    COMMANDS,
    Actor,
    CasewrightError,
    Command,
    CommandBus,
    CreateTask,
    InvalidInputError,
    Note,
    Perform,
    TaskFilter,
)
from casewright.codec import to_data
from support.backends import with_postgres
from support.buses import ANN, ROOT, START, a_bus
from support.command_table import ROWS, prepared
from support.commands import good_fields
from support.values import CANARY, HOSTILE, TZIF_RULES, zone


@pytest.fixture
def buses(tmp_path: Path, postgres_database: URL) -> Iterator[list[CommandBus]]:
    """Return a bus on a store of each kind; their clocks and ids run alike."""
    backends = [make(tmp_path) for make in with_postgres(postgres_database).values()]
    yield [a_bus(backend.store) for backend in backends]
    for backend in backends:
        backend.close()


def answer(bus: CommandBus, command: Command[Any], by: Actor) -> object:
    """Return what a command comes to: what is answered as plain data, or the error."""
    try:
        result = bus.execute(command, by=by, at=START)
    except CasewrightError as error:
        return shown(error)
    return to_data(result if isinstance(result, Note) else attrs.evolve(result, head=""))  # a head holds random salt


def shown(error: CasewrightError) -> tuple[type[CasewrightError], str]:
    """Return class and text of an error; only ids and names may be seen in it, and in one line (A7, S6)."""
    text = str(error)
    assert text.isprintable()
    assert not isinstance(error, InvalidInputError) or CANARY not in text
    return type(error), text


INPUTS: dict[str, dict[str, Any]] = {
    "edit": {"title": "B", "description": "d", "priority": "low", "attributes": {}},
    "assign": {"assignee_id": "bob"},
    "set_due": {"due_at": START},
    "tag": {"add": ["a"], "remove": ["b"]},
    "add_note": {"body": "b", "note_id": "n"},
    "correct": {"status": "done", "reason": "r"},
}


def hostile_commands(cls: type[Command[Any]]) -> Iterator[Command[Any]]:
    """Yield commands on the item ``x-1`` with a hostile value in one field each, as far as they can be built."""
    sound: Any = ROWS[cls].ask("x-1")
    for make in HOSTILE:
        for name in good_fields(cls):
            hostile: dict[str, Any] = {name: make()}
            with suppress(InvalidInputError):
                yield attrs.evolve(sound, **hostile)
        for verb, inputs in INPUTS.items() if cls is Perform else ():
            for name in inputs:
                with suppress(InvalidInputError):
                    yield Perform("x-1", verb, {**inputs, name: make()})


@pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)
def test_hostile_values_get_the_same_answer_from_every_store(buses: list[CommandBus], cls: type[Command[Any]]) -> None:
    """Every hostile value in every field of every command: the same error, or the same item, on each store (S2)."""
    row = ROWS[cls]
    tried = 0
    for tried, command in enumerate(hostile_commands(cls), 1):
        by = attrs.evolve(ROOT if cls is Perform else row.by, tenant=f"t{tried}")
        found = []
        for bus in buses:
            prepared(bus, row, "x-1", tenant=by.tenant)
            found.append(answer(bus, command, by))
        assert found == [found[0]] * len(buses), command
    assert tried >= 5


ASKED: dict[str, Callable[[CommandBus, Any], Any]] = {
    "get": lambda bus, item_id: bus.get(item_id, by=ANN),
    "actions": lambda bus, item_id: bus.actions(item_id, by=ANN),
    "history": lambda bus, item_id: bus.history(item_id, by=ANN),
    "notes": lambda bus, item_id: bus.notes(item_id, by=ANN),
    "verify": lambda bus, item_id: bus.verify(item_id, by=ANN),
    "after": lambda bus, after: bus.history("x-1", by=ANN, after=after),
    "limit": lambda bus, limit: bus.find(TaskFilter(), by=ANN, limit=limit),
    "tenant": lambda bus, tenant: bus.get("x-1", by=Actor("ann", tenant=tenant)),
}


@pytest.mark.parametrize("name", ASKED)
def test_hostile_questions_get_the_same_error_from_every_store(buses: list[CommandBus], name: str) -> None:
    """A hostile id, number or tenant in a question is the same error everywhere, and never one of a driver (S2)."""
    for bus in buses:
        bus.execute(CreateTask("A", id="x-1"), by=ANN)
    for make in HOSTILE:
        value = make()
        found: list[object] = []
        for bus in buses:
            try:
                ASKED[name](bus, value)
            except CasewrightError as error:
                found.append(shown(error))
            else:
                found.append("an answer")
        assert found == [found[0]] * len(buses), value


def instants() -> Iterator[datetime]:
    """Yield 500 instants in all sorts of zones: many within hours of a change of the clocks, of both folds."""
    rng = random.Random(3)
    for number in range(500):
        rule = TZIF_RULES[number % len(TZIF_RULES)]
        if number % 5 == 4:
            offset = timezone(timedelta(minutes=rng.randrange(-1439, 1440), microseconds=rng.randrange(60_000_000)))
            yield datetime(rng.randrange(2, 9999), rng.randrange(1, 13), 28, 23, 59, 59, 999_999, tzinfo=offset)
        else:
            month, day = rng.choice([(3, 29), (10, 26), (4, 3), (9, 26), (11, 2)])
            change = datetime(rng.randrange(1990, 2080), month, day, tzinfo=zone(rule))
            moment = change + timedelta(minutes=rng.randrange(-3_000, 3_000), microseconds=rng.randrange(1_000_000))
            yield moment.replace(fold=number % 2)
