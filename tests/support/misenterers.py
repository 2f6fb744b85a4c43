"""Stores in memory with one bug each in how they keep idempotency keys, for `support.saboteurs`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs

from casewright import AlreadyExistsError, LedgerEntry, Tenant, Writes
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork, by_place
from casewright.domain.ids import ItemId, as_item_id
from casewright.domain.items import Item
from casewright.testing.saboteurs.memory import _others_have_their_turn as others_have_their_turn


class RoundsWhenItWas(MemoryUnitOfWork):
    """Keeps whole seconds."""

    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        entry = super()._entry(actor_id, key)
        return entry and attrs.evolve(entry, recorded_at=entry.recorded_at.replace(microsecond=0))


class FoldsKeys(MemoryStore):
    """Takes keys that differ in their case for one."""

    def _entered(self, tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[Any, Any]:
        return super()._entered(tenant, [attrs.evolve(entry, key=entry.key.lower()) for entry in entries])


class SharesKeys(MemoryUnitOfWork):
    """Finds the key whoever has used it."""

    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        entries = [one for one in self._store._kept.values() if isinstance(one, LedgerEntry)]
        return next((one for one in entries if one.tenant == self.tenant and one.key == key), None)


class ForgetsLonelyEntries(MemoryUnitOfWork):
    """Writes nothing where no item was changed."""

    def _flush(self, writes: Writes) -> None:
        if writes.rows:
            super()._flush(writes)


class EntersFirst(MemoryStore):
    """Enters keys before it compares items."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write in two steps."""
        with self._lock:
            self._kept.update(self._entered(tenant, writes.entries))
        super().write(tenant, attrs.evolve(writes, entries=()))


class EntersLast(MemoryStore):
    """Enters keys once all else is written."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write in two steps."""
        super().write(tenant, attrs.evolve(writes, entries=()))
        with self._lock:
            self._kept.update(self._entered(tenant, writes.entries))


class EntersAtOnce(MemoryUnitOfWork):
    """Enters a key before the commit, so that it stays where there is none."""

    def enter(self, entry: LedgerEntry) -> None:
        """Keep it at once."""
        super().enter(entry)
        self._store._kept.update(by_place(self.tenant, [entry]))
        self._entries.clear()


class HidesItsOwnEntries(MemoryUnitOfWork):
    """Asks the store alone."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Pass over what was entered here."""
        super().entry(actor_id, key)
        return self._entry(actor_id, key)


class RaisesForOddKeys(MemoryUnitOfWork):
    """Passes on what encodes a key."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Encode both first."""
        if "\0" in f"{actor_id}{key}".encode().decode():
            raise ValueError
        return super().entry(actor_id, key)


class TakesAKeyTwice(MemoryUnitOfWork):
    """Keeps the later one of two entries of a unit."""

    def enter(self, entry: LedgerEntry) -> None:
        """Forget the earlier one."""
        self._entries.pop((entry.actor_id, entry.key), None)
        super().enter(entry)


class EntersAnything(MemoryUnitOfWork):
    """Takes an entry wherever it comes from."""

    def enter(self, entry: Any) -> None:
        """Do not look."""
        self._check_open()
        if isinstance(entry, LedgerEntry):
            self._entries[entry.actor_id, entry.key] = entry


class NamesNoKey(MemoryStore):
    """Says that an item is there where a key is."""

    def _entered(self, tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[Any, Any]:
        try:
            return super()._entered(tenant, entries)
        except AlreadyExistsError as error:
            raise AlreadyExistsError(error.item_id) from None


class RefusesWhoeverWaits(MemoryStore):
    """Takes a key for taken as soon as anybody has looked for it, though they may roll back."""

    def __init__(self) -> None:
        """Nobody has looked."""
        super().__init__()
        self.wanted: set[tuple[str, str]] = set()

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that says what it wants."""
        return _Wanting(self, tenant, write=write)


class _Wanting(MemoryUnitOfWork):
    def enter(self, entry: LedgerEntry) -> None:
        wanted: Any = self._store
        if (entry.actor_id, entry.key) in wanted.wanted:
            raise AlreadyExistsError(entry.key, "key")
        wanted.wanted.add((entry.actor_id, entry.key))
        super().enter(entry)


class PurgesTooMuch(MemoryStore):
    """Takes the very moment for before it."""

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Purge a moment more."""
        return super().purge_keys(before=before + timedelta(microseconds=1), limit=limit)


class PurgesAll(MemoryStore):
    """Knows no limit."""

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Pass the limit over."""
        return super().purge_keys(before=before)


class ReadsItemsThatAreOld(MemoryUnitOfWork):
    """Reads the item, and then the entry that speaks of a later one."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Let others write in between."""
        self._old = self._store.item(self.tenant, as_item_id("a"))
        others_have_their_turn()
        return super().entry(actor_id, key)

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        return vars(self).get("_old") or super()._load(item_id, lock=lock)
