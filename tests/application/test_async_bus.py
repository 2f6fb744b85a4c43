"""What only an asynchronous bus promises: cancellation, tasks, one hop a command, async facts and observers."""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import Coroutine, Sequence
from functools import partial
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from casewright import (
    TASK,
    Actor,
    AddNote,
    AlreadyExistsError,
    AsyncCommandBus,
    AsyncStore,
    AsyncUnitOfWork,
    CommandBus,
    CreateTask,
    Edit,
    Event,
    ItemId,
    MisuseError,
    Note,
    NotFoundError,
    RefusedError,
    ReopenTask,
    Report,
    StartTask,
    TaskFilter,
    Writes,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.memory.async_store import AsyncMemoryUnitOfWork
from casewright.domain.ids import as_tenant
from casewright.domain.items import Item
from support.async_buses import AwaitedStore, HostingStore, a_turn, run
from support.backends import MemoryBackend
from support.buses import ANN, BEN, DEFINITIONS, ROOT, STRANGER, Clock, counting_ids, guarded
from support.scenarios import SCENARIOS, Scenario


def a_bus(store: AsyncStore, definitions: Any = DEFINITIONS, **more: Any) -> AsyncCommandBus:
    """Return an asynchronous bus with a ticking clock and counting ids."""
    return AsyncCommandBus(store, definitions, **{"clock": Clock(), "new_id": counting_ids(), **more})


class Leaky:
    """A store in memory whose units hold something from their first method to their end, and suspend everywhere."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.backend = MemoryBackend(Path())
        self.held = 0

    def begin(self, *, tenant: str, write: bool = True) -> Holding:
        """Return a unit."""
        return Holding(self, tenant, write)


class Holding(AsyncMemoryUnitOfWork):
    """A unit of `Leaky`."""

    def __init__(self, leaky: Leaky, tenant: str, write: bool) -> None:
        """Hold nothing yet."""
        super().__init__(leaky.backend.store, as_tenant(tenant), write=write)
        self._leaky = leaky
        self._holds = False

    async def _hold(self) -> None:
        self._leaky.held += not self._holds
        self._holds = True
        await a_turn()

    async def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        await self._hold()
        return await super()._load(item_id, lock=lock)

    async def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        await self._hold()
        return await super()._history(item_id, after=after, limit=limit)

    async def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        await self._hold()
        return await super()._notes(item_id)

    async def _flush(self, writes: Writes) -> None:
        await self._hold()
        await super()._flush(writes)
        await a_turn()

    async def _end(self) -> None:
        try:
            await a_turn()
        finally:
            self._leaky.held -= self._holds
            self._holds = False


def cancelled(work: Coroutine[Any, Any, object], *, at: Sequence[int]) -> BaseException | None:
    """Run a coroutine and cancel it at these turns; return what it raised, None where it came to its end."""
    for number in count():
        try:
            work.throw(CancelledError()) if number in at else work.send(None)
        except StopIteration:
            return None
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
            return error
    raise AssertionError


_COMMANDS: Final = sorted(
    name for name in SCENARIOS if name[0].isupper() or name in {"several together", "create a task in a case", "check"}
)


@pytest.mark.parametrize("name", _COMMANDS)
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_a_command_that_is_cancelled_at_any_await_is_done_or_not(name: str, again: bool) -> None:
    """At each await of each command: it ends cancelled, all is written or nothing, nothing is held, the next one works.

    Also where it is cancelled once more while its unit ends (T1, T5).
    """
    scenario = SCENARIOS[name]
    leaky, bus, work = prepared(scenario)
    run(work)
    everything = unsalted(leaky.backend.dump())
    turns = 0
    while True:
        leaky, bus, work = prepared(scenario)
        nothing = leaky.backend.dump()
        raised = cancelled(work, at=[turns + 1, turns + 2] if again else [turns + 1])
        if raised is None:
            break
        turns += 1
        assert type(raised) is CancelledError
        assert leaky.held == 0
        left = leaky.backend.dump()
        assert left == nothing or unsalted(left) == everything
        run(bus.execute(CreateTask("next", id="next"), by=ROOT))
        assert run(bus.verify("next", by=ROOT)) == ()
    assert turns > 1


def prepared(scenario: Scenario) -> tuple[Leaky, AsyncCommandBus, Any]:
    """Return a store where all is as the scenario wants it, a bus on it, and the coroutine that does the work."""
    leaky = Leaky()
    before = CommandBus(leaky.backend.store, DEFINITIONS, clock=Clock(), new_id=counting_ids("given"))
    for command in scenario.given:
        before.execute(command, by=ROOT)
    bus: Any = a_bus(leaky)
    return leaky, bus, scenario.work(bus, ROOT)


def unsalted(dump: Any) -> object:
    """What a store holds, but for the salts of events and what follows from them."""
    return {
        key: (item.version, item.status, item.tags, [event.action for event in events], [note.body for note in notes])
        for key, (item, events, notes, _) in dump.items()
    }


def test_many_tasks_never_mix_up_their_actors() -> None:
    """64 tasks run commands at the same time, and each event has the actor of its own command (H3)."""
    store = MemoryStore()
    bus = AsyncCommandBus(AsyncMemoryStore(store), DEFINITIONS)

    async def work(number: int) -> None:
        by = Actor(f"actor-{number}", on_behalf_of=f"principal-{number}")
        task = await bus.execute(CreateTask("A", id=f"t-{number}"), by=by)
        for turn in range(20):
            note = await bus.execute(AddNote(task.id, f"{turn}"), by=by)
            assert note.author_id == by.id

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(64):
                group.create_task(work(number))

    asyncio.run(together())
    for number in range(64):
        by = Actor(f"actor-{number}")
        events = run(bus.history(f"t-{number}", by=by))
        assert {(event.actor_id, event.on_behalf_of) for event in events} == {(by.id, f"principal-{number}")}
        assert [event.version for event in events] == list(range(1, 22))


def test_tasks_that_change_one_item_lose_no_update() -> None:
    """Conflicts between tasks are tried again until each of them has written: versions have no gap (L1, L4)."""
    bus = AsyncCommandBus(AsyncMemoryStore(), DEFINITIONS, max_attempts=100)

    async def together() -> tuple[Event, ...]:
        await bus.execute(CreateTask("A", id="x-1"), by=ANN)
        await asyncio.gather(*[bus.execute(AddNote("x-1", f"{number}"), by=ANN) for number in range(16)])
        assert sorted(note.body for note in await bus.notes("x-1", by=ANN)) == sorted(map(str, range(16)))
        assert await bus.verify("x-1", by=ANN) == ()
        return await bus.history("x-1", by=ANN)

    assert [event.version for event in asyncio.run(together())] == list(range(1, 18))


def test_a_command_on_a_store_that_hosts_is_one_hop() -> None:
    """Each attempt of a command, each batch and each question is one hop, and nothing is asked outside of it."""
    store = HostingStore(MemoryStore())
    bus = a_bus(store)
    work: list[Any] = [
        bus.execute(CreateTask("A", id="x-1"), by=ANN),
        bus.execute(StartTask("x-1"), by=ANN),
        bus.execute_many([AddNote("x-1", "a"), AddNote("x-1", "b")], by=ANN, all_or_nothing=True),
        bus.check(ReopenTask("x-1"), by=ANN),
        bus.get("x-1", by=ANN),
        bus.actions("x-1", by=ANN),
        bus.history("x-1", by=ANN),
        bus.notes("x-1", by=ANN),
        bus.verify("x-1", by=ANN),
        bus.find(TaskFilter(), by=ANN),
        bus.count(TaskFilter(), by=ANN),
    ]
    for number, one in enumerate(work, 1):
        run(one)
        assert (store.hops, store.outside) == (number, 0)
    for denied in (bus.execute(ReopenTask("x-1"), by=ANN), bus.get("x-1", by=STRANGER), bus.get("none", by=ANN)):
        with pytest.raises((RefusedError, NotFoundError)):
            run(denied)
    with pytest.raises(AlreadyExistsError):
        run(bus.execute(CreateTask("A", id="x-1"), by=ANN))
    assert (store.hops, store.outside) == (len(work) + 4, 0)


def test_with_facts_to_find_out_nothing_is_hosted() -> None:
    """A provider may await anything, so a bus that has one asks the store step by step."""
    store = HostingStore(MemoryStore())
    bus = a_bus(store, facts={"quota": lambda uow, item: True})
    run(bus.execute(CreateTask("A", id="x-1"), by=ANN))
    assert store.hops == 0
    assert store.outside > 0


NEEDY = guarded(TASK, {"start": ("quota",)})


async def answer(value: object) -> object:
    """Give a value after a turn of the loop."""
    await asyncio.sleep(0)
    return value


@pytest.mark.parametrize(
    ("provider", "permitted"),
    [
        (lambda uow, item: True, True),
        (lambda uow, item: False, False),
        (lambda uow, item: answer(True), True),
        (lambda uow, item: answer(False), False),
        (lambda uow, item: asyncio.ensure_future(answer(False)), False),
        (lambda uow, item: answer(answer(False)), False),
    ],
    ids=["plain, true", "plain, false", "async, true", "async, false", "a future", "a coroutine of a coroutine"],
)
def test_a_fact_may_be_awaited(provider: Any, permitted: bool) -> None:
    """A provider is an async function or a plain one; what can be awaited is never taken for a fact that is true."""
    bus = a_bus(AsyncMemoryStore(), [NEEDY], facts={"quota": provider})

    async def work() -> bool:
        await bus.execute(CreateTask("A", id="x-1"), by=ANN)
        actions = {one.action: one.permitted for one in await bus.actions("x-1", by=ANN)}
        assert bool(await bus.check(StartTask("x-1"), by=ANN)) is actions["start"]
        return actions["start"]

    assert asyncio.run(work()) is permitted


def test_an_async_provider_reads_in_the_transaction() -> None:
    """It gets the unit of work of the command, to be awaited, and what it raises is passed on (T4)."""
    asked: list[Any] = []
    planted = KeyError("planted")

    async def quota(uow: AsyncUnitOfWork, item: Any) -> object:
        asked.append(await uow.items.get("x-1"))
        if len(asked) > 1:
            raise planted
        return True

    leaky = Leaky()
    bus = a_bus(leaky, [NEEDY], facts={"quota": quota})
    made = run(bus.execute(CreateTask("A", id="x-1"), by=ANN))
    started = run(bus.execute(StartTask("x-1"), by=ANN))
    with pytest.raises(KeyError) as caught:
        run(bus.check(StartTask("x-1"), by=ANN))
    assert caught.value is planted
    assert (asked, leaky.held) == ([made, started], 0)


@pytest.mark.parametrize("hosting", [False, True])
def test_async_observers_are_waited_for_after_the_commit(hosting: bool) -> None:
    """Plain and async ones are told one after the other, of commands and denials, outside the unit and the hop (H1)."""
    inner = MemoryStore()
    store = HostingStore(inner) if hosting else AwaitedStore(inner)
    other = CommandBus(inner, DEFINITIONS)
    told: list[tuple[str, str]] = []

    async def slow(report: Report) -> None:
        await a_turn()
        if report.denial is None:
            assert other.history(report.item_id, by=ANN)
        told.append(("slow", report.action))

    bus = a_bus(store, observers=[slow, lambda report: told.append(("plain", report.action))])
    run(bus.execute(CreateTask("A", id="x-1"), by=ANN))
    with pytest.raises(RefusedError):
        run(bus.execute(ReopenTask("x-1"), by=ANN))
    with pytest.raises(NotFoundError):
        run(bus.get("x-1", by=STRANGER))
    run(bus.execute_many([StartTask("x-1")], by=ANN, all_or_nothing=True))
    assert told == [(who, what) for what in ("create", "reopen", "read", "start") for who in ("slow", "plain")]


def test_what_an_async_observer_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The command stays done and the next observer is told; the log has its type and no payload (S6)."""

    async def fails(report: Report) -> None:
        await a_turn()
        raise RuntimeError("canary")

    told: list[Report] = []
    bus = a_bus(AsyncMemoryStore(), observers=[fails, told.append])
    assert run(bus.execute(CreateTask("canary", id="x-1"), by=ANN)).version == 1
    assert len(told) == 1
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.ERROR, "an observer of type 'function' raised 'RuntimeError'")
    ]


def test_a_cancellation_in_an_observer_undoes_nothing() -> None:
    """Whoever is cancelled while an observer is waited for ends cancelled, and the command is done (T4, T5)."""

    async def slow(report: Report) -> None:
        for _ in range(50):
            await a_turn()

    bus = a_bus(AsyncMemoryStore(), observers=[slow])
    assert type(cancelled(bus.execute(CreateTask("A", id="x-1"), by=ANN), at=[20])) is CancelledError
    assert run(bus.get("x-1", by=ANN)).version == 1


def test_between_attempts_a_bus_waits_on_the_loop() -> None:
    """`asyncio.sleep` is what waits where no other pause is given: a cancelled wait leaves no unit behind (T5, T6)."""
    leaky = Leaky()
    rival = CommandBus(leaky.backend.store, DEFINITIONS, new_id=counting_ids("theirs"))
    rival.execute(CreateTask("A", id="x-1"), by=ANN)
    held: list[int] = []

    async def pause(seconds: float) -> None:
        held.append(leaky.held)
        raise CancelledError

    bus = a_bus(leaky, pause=pause)
    work = bus.execute(Edit("x-1", title="mine"), by=ANN)
    with pytest.raises(CancelledError):
        run(_each_turn(work, partial(_one_more, rival)))
    assert held == [0]
    default: Any = signature(AsyncCommandBus).parameters["pause"].default
    assert default is asyncio.sleep


def _one_more(rival: CommandBus) -> None:
    rival.execute(AddNote("x-1", "theirs"), by=ANN)


async def _each_turn(work: Coroutine[Any, Any, object], between: Any) -> None:
    """Run the work and let something happen before each of its turns."""
    while True:
        between()
        try:
            work.send(None)
        except StopIteration:
            return
        await a_turn()


def test_a_plain_store_is_told_apart_from_an_asynchronous_one() -> None:
    """A store that begins no units is a MisuseError when the bus is made."""
    wrong: Any = object()
    with pytest.raises(MisuseError, match="is no store"):
        a_bus(wrong)
    assert run(a_bus(AsyncMemoryStore()).count(TaskFilter(), by=BEN)) == 0
