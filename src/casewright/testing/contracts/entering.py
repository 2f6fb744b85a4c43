"""What the contracts of ledgers share: entries, ways to enter them, and threads that do so at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, Final

import attrs

from casewright.application.ledger import KeyPurging, Ledger, LedgerEntry
from casewright.application.ports import Store, UnitOfWork
from casewright.domain.catalog import TASK
from casewright.domain.events import Change
from casewright.domain.ids import NO_TENANT, ActorId, ItemId, Tenant
from casewright.errors import AlreadyExistsError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import must_raise
from casewright.testing.contracts.contention import fast_switching
from casewright.testing.contracts.driving import NOTHING_THERE, all_of, created

__all__ = [
    "an_entry",
    "check_one",
    "enter",
    "entered",
    "exact_entry",
    "ledger",
    "purging",
    "raced",
    "refused_key",
]

_THREADS: Final = 8


def an_entry(key: str = "k", *, actor_id: str = "ann", tenant: str = "", **fields: Any) -> LedgerEntry:  # noqa: ANN401 - each is checked by attrs
    """Return an entry; what is not given has some value."""
    usual: dict[str, Any] = {"command": "Edit", "fingerprint": "f" * 64, "item_id": ItemId("a"), "version": 1}
    usual |= {"changed": True, "recorded_at": SOME_TIME}
    return LedgerEntry(tenant=Tenant(tenant), actor_id=ActorId(actor_id), key=key, **{**usual, **fields})


def ledger(uow: UnitOfWork) -> Ledger:
    """Return the unit as what it must be."""
    assert isinstance(uow, Ledger), "a unit of work that keeps keys has entry() and enter()"
    return uow


def enter(store: Store, entry: LedgerEntry, *changes: Change[Any]) -> None:
    """Enter it in a unit of its own, with these changes, and commit."""
    with store.begin(tenant=entry.tenant) as uow:
        ledger(uow).enter(entry)
        uow.record(*changes)
        uow.commit()


def entered(store: Store, key: str = "k", *, actor_id: str = "ann", tenant: str = "") -> LedgerEntry | None:
    """Return what a new unit finds under a key."""
    with store.begin(tenant=tenant, write=False) as uow:
        return ledger(uow).entry(actor_id, key)


def refused_key(store: Store, entry: LedgerEntry, *changes: Change[Any]) -> None:
    """Demand that the key is taken, and that the error says so."""
    error = must_raise(AlreadyExistsError, partial(enter, store, entry, *changes), "enter() or commit()")
    assert (error.item_id, error.what) == (entry.key, "key"), "the error does not name the key"


def purging(store: Store) -> KeyPurging:
    """Return the store as what it must be."""
    assert isinstance(store, KeyPurging), "a store that keeps keys has purge_keys()"
    return store


def exact_entry(entry: LedgerEntry) -> list[str]:
    """Return the fields as texts that tell apart True and 1, and two zones."""
    return [f"{type(value).__name__} {value!r}" for value in attrs.astuple(entry)]


def raced(store: Store, key: str, commits: Callable[[int], bool]) -> list[bool]:
    """Let threads enter one key, each with an item of its own; return which of them has committed."""
    barrier = Barrier(_THREADS, timeout=60)

    def work(worker: int) -> bool:
        barrier.wait()
        try:
            with store.begin(tenant=NO_TENANT) as uow:
                ledger(uow).enter(an_entry(key, item_id=f"{key}.{worker}", version=worker + 1))
                uow.record(*created(TASK, f"{key}.{worker}"))
                if commits(worker):
                    uow.commit()
                    return True
        except AlreadyExistsError as error:
            return error.what != "key"  # which nobody could have done
        return False

    with ThreadPoolExecutor(_THREADS) as pool, fast_switching():
        return list(pool.map(work, range(_THREADS)))


def check_one(store: Store, key: str, winner: int) -> None:
    """Demand that just the winner's item and entry are there."""
    found = [all_of(store, f"{key}.{worker}") != NOTHING_THERE for worker in range(_THREADS)]
    assert found == [worker == winner for worker in range(_THREADS)], "something of a loser is there"
    entry = entered(store, key)
    assert entry is not None
    assert entry.version == winner + 1, "the entry is not the winner's"
