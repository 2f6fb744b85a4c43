"""Facts: what guards need to know beyond the item, found out inside the transaction that writes."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import (
    REGULATORY_CASE,
    TASK,
    CompleteTask,
    CreateTask,
    Edit,
    MisuseError,
    OpenCase,
    Report,
    StartTask,
    Store,
    TaskFilter,
    UnitOfWork,
    guard,
)
from casewright.adapters.memory import MemoryStore
from support.backends import Backend
from support.buses import ANN, WRITER, a_bus, asking, guarded, told_by
from support.watched_store import WatchedStore, on_attempts

pytestmark = pytest.mark.usefixtures("both_buses")

NEEDY = guarded(TASK, {"start": ("quota",), "complete": ("signed", "paid"), "create": ("quota",)})


def a_needy_bus(store: Store, **facts: Any) -> Any:
    """Return a bus whose tasks need facts, with these providers."""
    return a_bus(store, [NEEDY, REGULATORY_CASE], facts=facts)


def test_only_the_facts_of_this_action_are_found_out(store: Store) -> None:
    """A provider is called for the actions whose guards need its fact, once for each decision, and for no other."""
    asked: dict[str, list[Any]] = {name: [] for name in ("quota", "signed", "paid", "other")}
    bus = a_needy_bus(store, **{name: asking(found) for name, found in asked.items()})
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert {name: len(found) for name, found in asked.items()} == {"quota": 1, "signed": 0, "paid": 0, "other": 0}
    bus.execute(Edit("x-1", title="B"), by=ANN)
    bus.get("x-1", by=ANN)
    bus.find(TaskFilter(), by=ANN)
    bus.history("x-1", by=ANN)
    assert sum(map(len, asked.values())) == 1
    bus.execute(StartTask("x-1"), by=ANN)
    bus.check(CompleteTask("x-1"), by=ANN)
    bus.execute(OpenCase("A permit"), by=WRITER)
    assert {name: len(found) for name, found in asked.items()} == {"quota": 2, "signed": 1, "paid": 1, "other": 0}


def test_actions_find_out_the_facts_of_all_actions(store: Store) -> None:
    """Each once, so that what is shown as possible is what `execute` would permit."""
    asked: list[Any] = []
    bus = a_needy_bus(store, quota=asking([]), signed=asking(asked, False), paid=asking(asked))
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    verdicts = {verdict.action: verdict for verdict in bus.actions("x-1", by=ANN)}
    assert asked == [task, task]
    assert verdicts["start"].permitted
    assert [reason.code for reason in verdicts["complete"].reasons] == ["facts"]


def test_a_fact_is_about_the_item_as_it_was_loaded(store: Store) -> None:
    """It is asked for after the item whose version guards it, with None where there is no item yet."""
    order: list[tuple[str, Any]] = []
    watched = WatchedStore(store)

    def provider(uow: UnitOfWork, item: Any) -> bool:
        order.append((f"{len(watched.loads)} loaded", item))
        return True

    bus = a_needy_bus(watched, quota=provider)
    task = bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN)
    assert order == [("0 loaded", None), ("1 loaded", task)]


def test_a_fact_is_read_in_the_transaction_of_the_command(backend: Backend) -> None:
    """A provider has the unit of work: it reads there, in the actor's tenant, while nothing is committed yet."""
    seen: list[Any] = []
    watched = WatchedStore(backend.store)

    def provider(uow: UnitOfWork, item: Any) -> bool:
        quota = uow.items.get("quota")
        seen.append((watched.open, quota and quota.title, len(uow.history("quota")), uow.notes("quota")))
        return True

    a_bus(backend.store).execute(OpenCase("three", id="quota"), by=WRITER)
    before = backend.dump()
    bus = a_needy_bus(watched, quota=provider)
    bus.check(CreateTask("A"), by=ANN)
    bus.execute(CreateTask("A"), by=ANN)
    assert seen == [(1, "three", 1, ())] * 2
    assert backend.dump() != before


def test_a_fact_that_nobody_provides_is_missing(backend: Backend) -> None:
    """A guard whose fact has no provider refuses with ``fact_missing``; on create, on an action, and in a list."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    bus = a_needy_bus(backend.store, paid=asking([]))
    for command in (CreateTask("B"), StartTask("x-1"), CompleteTask("x-1")):
        assert told_by(bus, command, ANN) == ["fact_missing"]
    missing = {
        verdict.action for verdict in bus.actions("x-1", by=ANN) if verdict.reasons[:1] and not verdict.permitted
    }
    assert {"start", "complete"} <= missing
    assert backend.dump() == before


def test_none_is_a_fact(store: Store) -> None:
    """What a provider answers reaches the guard as it is, whatever it is."""
    told: list[object] = []

    def passes(item: object, inputs: object, facts: Any, at: object) -> bool:
        told.append(facts["quota"])
        return True

    definition = TASK.with_guards({"start": guard(passes, code="c", text="t", facts=["quota"])})
    for number, answer in enumerate((None, 0, [1], object)):
        bus = a_bus(store, [definition], facts={"quota": lambda uow, item, known=answer: known})
        bus.execute(CreateTask("A", id=f"x-{number}"), by=ANN)
        bus.execute(StartTask(f"x-{number}"), by=ANN)
    assert told == [None, 0, [1], object]


@pytest.mark.parametrize("error", [KeyError("planted"), KeyboardInterrupt(), MisuseError("planted", "none")], ids=repr)
def test_what_a_provider_raises_is_passed_on(backend: Backend, error: BaseException) -> None:
    """The same object comes out of each method that asked, nothing is written, no unit stays open, nobody is told."""
    a_bus(backend.store).execute(CreateTask("A", id="x-1"), by=ANN)
    before = backend.dump()
    reports: list[Report] = []
    watched = WatchedStore(backend.store)

    def provider(uow: UnitOfWork, item: Any) -> object:
        raise error

    bus = a_bus(watched, [NEEDY], facts={"quota": provider}, observers=[reports.append])
    calls: list[Any] = [
        lambda: bus.execute(StartTask("x-1"), by=ANN),
        lambda: bus.execute(CreateTask("B"), by=ANN),
        lambda: bus.check(StartTask("x-1"), by=ANN),
        lambda: bus.actions("x-1", by=ANN),
    ]
    for call in calls:
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
    assert (watched.open, reports, backend.dump()) == (0, [], before)


def test_each_attempt_finds_the_facts_out_anew() -> None:
    """A retry judges by what is true then, in its own transaction; in memory, where a rival can come in between."""
    store = MemoryStore()
    asked: list[Any] = []
    watched = WatchedStore(store)
    bus = a_bus(watched, [NEEDY], facts={"quota": asking(asked)})
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    watched.before_commit = on_attempts(2, do=lambda: a_bus(store).execute(Edit("x-1", title="B"), by=ANN))
    bus.execute(StartTask("x-1"), by=ANN)
    assert [item and item.title for item in asked] == [None, "A", "B"]
