"""Rivals with the same key: whatever a loser has read, it is answered as the winner was (I1, I5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import attrs
import pytest

from casewright import (
    AlreadyExistsError,
    Claim,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Delete,
    Edit,
    IdempotencyKeyReusedError,
    ItemId,
    LedgerEntry,
    OpenCase,
    Outcome,
    RefusedError,
    Release,
    Report,
    StaleVersionError,
    StartTask,
    Tag,
    TransientStorageError,
    Writes,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item
from casewright.domain.terms import EVERYTHING
from support.buses import ROOT, START, a_bus, counting_ids, failure_of

pytestmark = pytest.mark.usefixtures("every_bus")


class Interrupted(MemoryStore):
    """A store in memory in which something happens, once, at a certain point of a unit that writes.

    Attributes:
        at: Where: ``"ask"``, before the ledger is read; ``"entry"``, once it was;
            ``"load"``, once an item was; ``"flush"``, before the write.
        do: What.
    """

    at: str = ""

    def __init__(self) -> None:
        """Begin with nothing to happen."""
        super().__init__()
        self.do: Callable[[], object] = lambda: None

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit in which it happens."""
        return _Unit(self, tenant, write=write)

    def come_to(self, point: str) -> None:
        """Let it happen, where this is the point."""
        if point == self.at:
            self.at = ""
            self.do()


class _Unit(MemoryUnitOfWork):
    _store: Interrupted

    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        self._store.come_to("ask")
        entry = super()._entry(actor_id, key)
        self._store.come_to("entry")
        return entry

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        self._store.come_to("load")
        return item

    def _flush(self, writes: Writes) -> None:
        self._store.come_to("flush")
        super()._flush(writes)


GIVEN: Final = (OpenCase("c", id="c"), CreateTask("t", id="t", case_id="c"))

RACES: Final[Mapping[str, tuple[Command[Any], Mapping[str, Any], str]]] = {
    "refused": (StartTask("t"), {}, "entry"),
    "deleted": (Delete("t"), {}, "entry"),
    "outdated": (Edit("t", title="u"), {"expected_version": 1}, "entry"),
    "taken item": (CreateTask("u", id="u"), {}, "flush"),
    "taken item in a case": (CreateTask("u", id="u", case_id="c"), {}, "entry"),
    "taken key": (CreateTask("u"), {}, "flush"),
    "nothing to change": (Claim("t"), {}, "entry"),
    "nothing to change at all": (Release("t"), {}, "load"),
    "changed meanwhile": (Tag("t", add=["wet"]), {}, "load"),
    "changed before the write": (CompleteTask("t"), {}, "flush"),
}
"""What a loser meets: the command, how it is sent, and when the winner is done."""


def made(reports: list[Report], **more: Any) -> tuple[Interrupted, CommandBus, CommandBus]:
    """Return a store with a task in a case, a bus, and a rival's bus."""
    store = Interrupted()
    rival = a_bus(store, new_id=counting_ids("theirs"))
    for command in GIVEN:
        rival.execute(command, by=ROOT)
    return store, a_bus(store, observers=[reports.append], **more), rival


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize("race", RACES)
def test_a_loser_is_answered_as_the_winner(race: str, attempts: int) -> None:
    """Whatever it was refused for, it gets the winner's answer, nothing is done twice, and no denial told (I1)."""
    command, more, point = RACES[race]
    reports: list[Report] = []
    store, bus, rival = made(reports, max_attempts=attempts)
    answers: list[Outcome[Any]] = []
    store.do = lambda: answers.append(rival.outcome(command, by=ROOT, key="k", **more))
    store.at = point
    loser = bus.outcome(command, by=ROOT, key="k", **more)
    (winner,) = answers
    assert loser == attrs.evolve(winner, replayed=True)
    assert reports == []
    assert bus.outcome(command, by=ROOT, key="k", **more) == loser
    assert len(bus.history(loser.item.id, by=ROOT)) == loser.item.version


@pytest.mark.parametrize("race", ["refused", "outdated", "taken item"])
def test_a_rival_without_the_key_is_no_winner(race: str) -> None:
    """What is against a command stands where the same was done by somebody else, or under another key (I1, I6)."""
    command, more, point = RACES[race]
    for by, key in ((ROOT, None), (ROOT, "other")):
        store, bus, rival = made([])
        store.do = partial(rival.execute, command, by=by, key=key, **more)
        store.at = point
        error = failure_of(bus.execute, command, by=ROOT, key="k", **more)
        assert type(error) in {RefusedError, StaleVersionError, AlreadyExistsError}


@pytest.mark.parametrize("race", RACES)
def test_a_rival_that_did_something_else_under_the_key_is_told(race: str) -> None:
    """Where the key went to another command meanwhile, the loser does nothing, and is told so (I3)."""
    command, more, point = RACES[race]
    store, bus, rival = made([])
    store.do = lambda: rival.execute(OpenCase("other"), by=ROOT, key="k")
    store.at = point
    assert type(failure_of(bus.execute, command, by=ROOT, key="k", **more)) is IdempotencyKeyReusedError


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_key_that_is_given_up_at_once_is_tried_again(attempts: int) -> None:
    """Where the winner's entry is purged before the loser can read it, the key counts as new (I5, I7)."""
    store, bus, rival = made([], max_attempts=attempts)

    def win() -> None:
        rival.execute(CreateTask("u"), by=ROOT, key="k")
        store.do, store.at = lambda: store.purge_keys(before=START + timedelta(days=1)), "ask"

    store.do, store.at = win, "flush"
    if attempts == 1:
        error = failure_of(bus.execute, CreateTask("u"), by=ROOT, key="k")
        assert type(error) is TransientStorageError
        assert "in a new transaction" in str(error)  # in a joined one that began earlier it would be taken for ever
    else:
        assert not bus.outcome(CreateTask("u"), by=ROOT, key="k").replayed
    assert len(store.matching(NO_TENANT, "task", EVERYTHING)) == 1 + attempts
