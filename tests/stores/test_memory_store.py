"""`MemoryStore` keeps every contract; and wherever a commit is interrupted, all of it is there or nothing."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import count

import attrs
import pytest

from casewright import REGULATORY_CASE, TASK, MisuseError, UnitOfWork, drive
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.domain.ids import NO_TENANT
from casewright.testing.contracts import LedgerContract, ListingContract, OutboxContract, Rows, StoreContract
from casewright.testing.contracts.driving import Changes, all_of, created, decided, write
from support.oracles import memory_rows
from support.stepping import interrupted, stepped


class TestMemoryStore(StoreContract, ListingContract, OutboxContract, LedgerContract):
    """The store in memory keeps all contracts (L5)."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Return an empty store."""
        return MemoryStore()

    def oracle(self, store: MemoryStore) -> Rows:
        """Return what is kept."""
        return memory_rows(store)


(OPENING,) = created(REGULATORY_CASE, "case")
(FIRST,) = created(TASK, "a")
ENTERING: Changes = created(TASK, "b", parent=OPENING.after)
NOTING: Changes = decided(FIRST.after, "add_note", {"note_id": "n", "body": "why"})
LATER: Changes = (attrs.evolve(created(TASK, "later")[0], published=False),)
"""What `seen` does not show."""


def seen(store: MemoryStore) -> object:
    """Return all that a reader sees of it."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        pointers = uow.pending(limit=10)
    return [*(all_of(store, item_id) for item_id in ("a", "b", "case")), pointers]


def about_to_commit() -> tuple[MemoryStore, UnitOfWork]:
    """Return a store, and a unit that has recorded a new item, two changed ones, and a note."""
    store = MemoryStore()
    write(store, OPENING, FIRST)
    uow = store.begin(tenant=NO_TENANT)
    uow.record(*ENTERING, *NOTING)
    return store, uow


def test_an_interruption_anywhere_in_a_commit_leaves_all_or_nothing() -> None:
    """A KeyboardInterrupt after any step leaves what was there or what is then, and the store goes on (T1, T4)."""
    store, uow = about_to_commit()
    nothing = seen(store)
    uow.commit()
    all_there = seen(store)
    outcomes = []
    for steps in count(1):
        store, uow = about_to_commit()
        if not interrupted(uow.commit, after=steps):
            break
        outcomes.append(seen(store))
        uow.rollback()
        write(store, *(ENTERING + NOTING if outcomes[-1] == nothing else LATER))
        assert seen(store) == all_there
    assert [outcome for outcome in outcomes if outcome not in (nothing, all_there)] == []
    assert nothing in outcomes
    assert all_there in outcomes


def test_a_reader_never_sees_half_a_commit() -> None:
    """After each step of a commit another unit sees what was there, and from one on all of it (T1)."""
    store, uow = about_to_commit()
    sights = [seen(store)]

    def look() -> None:
        sight = seen(store)
        if sight != sights[-1]:
            sights.append(sight)

    stepped(uow.commit, look)
    assert len(sights) == 2
    assert sights[-1] == seen(store)


def test_an_interruption_anywhere_in_record_leaves_no_half_of_it_to_commit() -> None:
    """Whoever catches it and commits writes all of what was being recorded, or nothing, or meets MisuseError (T1)."""
    outcomes = set()
    for steps in count(1):
        store = MemoryStore()
        write(store, FIRST)
        uow = store.begin(tenant=NO_TENANT)
        uow.record(*LATER)
        if not interrupted(partial(uow.record, *NOTING), after=steps):
            break
        with suppress(MisuseError):
            uow.commit()
        item, events, notes = all_of(store, "a")
        outcomes.add((item and item.version, len(events), len(notes)))
    assert outcomes <= {(1, 1, 0), (2, 2, 1)}
    assert (1, 1, 0) in outcomes


def test_it_is_always_ready() -> None:
    """A store in memory answers a readiness probe as every store does, awaited or not."""
    MemoryStore().ping()
    drive(AsyncMemoryStore().ping())
