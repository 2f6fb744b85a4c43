"""Who acts: the actor of the call and nobody else, in any thread and task, and in that actor's tenant only."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Final

import pytest

from casewright import (
    COMMANDS,
    Actor,
    AddNote,
    CaseFilter,
    CasewrightError,
    Command,
    CommandBus,
    CreateTask,
    Edit,
    OpenCase,
    Outcome,
    TaskFilter,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import DEFINITIONS, ROOT, a_bus
from support.command_table import ROWS

SHARED: Final = [f"shared-{number}" for number in range(8)]


def an_administrator(number: int) -> Actor:
    """Return one of many who may do everything, each standing in for somebody else."""
    return Actor(f"actor-{number}", roles=["admin"], on_behalf_of=f"principal-{number}")


def act(bus: CommandBus, number: int, place: int) -> bool:
    """Create a task, or add a note to a shared one, that says whose it is; return whether the answer says so too."""
    by = an_administrator(number)
    if place % 10:
        noted = bus.outcome(AddNote(SHARED[(number + place) % len(SHARED)], by.id), by=by)
        author, events = noted.result.author_id, noted.events
    else:
        created = bus.outcome(CreateTask(by.id), by=by)
        author, events = created.result.created_by, created.events
    (event,) = events
    return author == event.actor_id == by.id and event.on_behalf_of == by.on_behalf_of


def in_threads(bus: CommandBus, workers: int, count: int) -> Counter[bool]:
    """Let that many threads work at once; count the right and the wrong answers."""
    ready = Barrier(workers)

    def work(number: int) -> list[bool]:
        ready.wait()
        return [act(bus, number, place) for place in range(count)]

    with ThreadPoolExecutor(workers) as pool:
        return Counter(answer for answers in pool.map(work, range(workers)) for answer in answers)


def in_tasks(bus: CommandBus, workers: int, count: int) -> Counter[bool]:
    """Let that many asynchronous tasks work at once, each command in some thread; count right and wrong answers."""

    async def work(number: int) -> list[bool]:
        return [await asyncio.to_thread(act, bus, number, place) for place in range(count)]

    async def everybody() -> list[list[bool]]:
        return await asyncio.gather(*map(work, range(workers)))

    return Counter(answer for answers in asyncio.run(everybody()) for answer in answers)


def kept_in(bus: CommandBus) -> Counter[bool]:
    """Count what the store has kept under the right name, and what under another one."""
    kept: Counter[bool] = Counter()
    for item_id in SHARED:
        notes = {note.version: note for note in bus.notes(item_id, by=ROOT)}
        for event in bus.history(item_id, by=ROOT, after=1):
            note = notes[event.version]
            kept[note.body == note.author_id == event.actor_id] += 1
    page = bus.find(TaskFilter(), by=ROOT, limit=1000)
    kept.update(item.title == item.created_by for item in page.items if item.id not in SHARED)
    return kept


@pytest.mark.parametrize("commands", [10, pytest.param(100, marks=pytest.mark.large)])
@pytest.mark.parametrize("run", [in_threads, in_tasks])
def test_the_actor_is_the_one_of_the_call(run: Callable[[CommandBus, int, int], Counter[bool]], commands: int) -> None:
    """64 threads, and 64 asynchronous tasks, of 100 commands each, on the same bus and items: 0 wrong actors (H3)."""
    bus = CommandBus(MemoryStore(), DEFINITIONS, max_attempts=1000)
    for item_id in SHARED:
        bus.execute(CreateTask("A", id=item_id), by=ROOT)
    assert run(bus, 64, commands) == {True: 64 * commands}
    assert kept_in(bus) == {True: 64 * commands}
    assert [bus.verify(item_id, by=ROOT) for item_id in SHARED] == [()] * len(SHARED)


TENANTS: Final = ("north", "south")
IDS: Final = [f"{kind}-{number}" for kind in ("task", "case") for number in range(4)]


def someone(rng: random.Random) -> Actor:
    """Return an administrator or somebody else of one of the tenants."""
    roles = rng.choice([["admin"], ["admin"], ["case_writer", "reviewer"], []])
    return Actor(rng.choice(["ann", "root"]), roles=roles, tenant=rng.choice(TENANTS))


def a_command(rng: random.Random, tenant: str) -> Command[Any]:
    """Return any command on one of the few ids, whose texts name the tenant."""
    item_id = rng.choice(IDS)
    of_case = rng.choice([None, *(one for one in IDS if one.startswith("case"))])
    return rng.choice(
        [
            CreateTask(tenant, id=item_id, case_id=of_case)
            if item_id.startswith("task")
            else OpenCase(tenant, id=item_id),
            Edit(item_id, title=tenant, description=f"{tenant} {rng.random()}"),
            AddNote(item_id, tenant),
            ROWS[rng.choice([cls for cls in COMMANDS if not ROWS[cls].creates])].ask(item_id),
        ]
    )


def owners(bus: CommandBus, by: Actor, item_id: str, outcome: Outcome[Any]) -> set[str]:
    """Return whose data an outcome holds, and all questions about the same item and the lists."""
    found = [outcome.item, *outcome.events, *bus.history(item_id, by=by), *bus.notes(item_id, by=by)]
    found += [*bus.find(TaskFilter(), by=by).items, *bus.find(CaseFilter(), by=by).items]
    words = {note.body for note in bus.notes(item_id, by=by)} - {"It drips."}
    words |= {item.title for item in found if hasattr(item, "title")} - {"Mend the valve"}
    return {thing.tenant for thing in found} | words


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.large)])
def test_nobody_reads_what_is_another_tenants(backend: Backend, seed: int) -> None:
    """400 random commands of two tenants on the same ids: each sees, changes and counts its own only (A11)."""
    rng = random.Random(seed)
    bus = a_bus(backend.store)
    done: Counter[str] = Counter()
    for _ in range(400):
        by = someone(rng)
        command = a_command(rng, by.tenant)
        (answer,) = bus.execute_many([command], by=by)
        if isinstance(answer, CasewrightError):
            done[answer.code] += 1
            continue
        done[by.tenant] += 1
        reader = Actor("root", roles=["admin"], tenant=by.tenant)
        assert owners(bus, reader, answer.item.id, answer) == {by.tenant}
    assert min(done[tenant] for tenant in TENANTS) > 50
    assert {"not_found", "refused", "already_exists"} <= set(done)
    for tenant in TENANTS:
        reader = Actor("root", roles=["admin"], tenant=tenant)
        for item in bus.find(TaskFilter(), by=reader).items:
            assert bus.verify(item.id, by=reader) == ()
