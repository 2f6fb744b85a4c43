"""Bugs planted into the store in memory: what is audited, compared, counted, kept and loaded wrongly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from threading import local
from time import sleep
from types import TracebackType
from typing import Any

import attrs

from casewright.adapters.memory.store import MemoryStore, MemoryUnitOfWork, _Kept, by_place
from casewright.application.ledger import LedgerEntry
from casewright.application.writes import RowWrite, Writes
from casewright.domain.events import Event
from casewright.domain.folding import evolve
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Case, Item

__all__ = [
    "AuditsAfterTheCommit",
    "ComparesInPython",
    "CountsBesideTheVersion",
    "CutsWhatWasHashed",
    "DropsTheOffset",
    "ForksTheChain",
    "KeepsAnIdentityMap",
    "LooksBeforeItEnters",
    "StoreOf",
    "WritesOverEntries",
]


class StoreOf(MemoryStore):
    """A store in memory whose units are of a class of their own: of one with a bug.

    Args:
        unit: The class.
    """

    def __init__(self, unit: type[MemoryUnitOfWork]) -> None:
        """Begin empty."""
        super().__init__()
        self._unit = unit

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a new unit of that class."""
        return self._unit(self, tenant, write=write)


class AuditsAfterTheCommit(MemoryUnitOfWork):
    """Writes the rows, and the events on the way out of the block: what goes wrong in between is in no history."""

    _unaudited: Sequence[Event] = ()

    def _flush(self, writes: Writes) -> None:
        super()._flush(attrs.evolve(writes, events=()))
        self._unaudited = writes.events

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the events in a transaction of their own, where all went well."""
        super().__exit__(kind, error, trace)
        if kind is None:
            for event in self._unaudited:
                kept = self._store._kept[self.tenant, "item", event.item_id]
                audited = attrs.evolve(kept, events=kept.events.and_then([event]))
                self._store._kept[self.tenant, "item", event.item_id] = audited


class ComparesInPython(MemoryStore):
    """Reads the row, compares it, and writes it: nothing keeps others from doing the same in between."""

    _lock: Any

    def __init__(self) -> None:
        """Begin empty, and without the lock."""
        super().__init__()
        self._lock = nullcontext()

    def _compared(self, tenant: Tenant, row: RowWrite) -> _Kept:
        compared = super()._compared(tenant, row)
        _others_have_their_turn()
        return compared


class CountsBesideTheVersion(MemoryUnitOfWork):
    """Adds to the counter of a case wherever the case may be by now, and leaves its version and its history alone."""

    def _flush(self, writes: Writes) -> None:
        counting = {row.after.id for row in writes.rows if _only_counts(row)}
        super()._flush(
            Writes(
                tuple(row for row in writes.rows if row.after.id not in counting),
                tuple(event for event in writes.events if event.item_id not in counting),
                writes.notes,
                tuple(pointer for pointer in writes.pointers if pointer.item_id not in counting),
            )
        )
        for row in writes.rows:
            if row.after.id in counting:
                self._add(row.after.id, _counter(row.after) - _counter(row.before))

    def _add(self, case_id: ItemId, opened: int) -> None:
        with self._store._lock:
            kept = self._store._kept[self.tenant, "item", case_id]
            case = evolve(kept.item, {"open_tasks": _counter(kept.item) + opened})
            self._store._kept[self.tenant, "item", case_id] = attrs.evolve(kept, item=case)


def _only_counts(row: RowWrite) -> bool:
    return {"open_tasks"} < set(row.changed) <= {"open_tasks", "version", "head", "updated_at"}


def _counter(item: Item | None) -> int:
    return item.open_tasks if isinstance(item, Case) else 0


class DropsTheOffset(MemoryUnitOfWork):
    """Keeps the times of an item as a column without a zone does: what comes back is naive."""

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        times = {name: getattr(item, name, None) for name in ("created_at", "updated_at", "due_at", "closed_at")}
        naive = {name: time.replace(tzinfo=None) for name, time in times.items() if isinstance(time, datetime)}
        return item and evolve(item, naive)


class CutsWhatWasHashed(MemoryUnitOfWork):
    """Keeps the times of events by the millisecond: their digests were made of microseconds."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return tuple(
            attrs.evolve(event, recorded_at=event.recorded_at and _cut(event.recorded_at))
            for event in super()._history(item_id, after=after, limit=limit)
        )


def _cut(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class ForksTheChain(MemoryStore):
    """Reads the head of the history before it takes the lock: two that read the same head both go on from there."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Compare, and then append to what is there by now."""
        for row in writes.rows:
            super()._compared(tenant, row)
        _others_have_their_turn()
        super().write(tenant, writes)

    def _compared(self, tenant: Tenant, row: RowWrite) -> _Kept:
        kept = self.kept(tenant, row.after.id)
        return super()._compared(tenant, row) if kept is None else attrs.evolve(kept, item=row.after)


class LooksBeforeItEnters(MemoryStore):
    """Looks whether a key is free, and then inserts: nothing claims it, so others who have looked do so as well."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Look, and then write."""
        super()._entered(tenant, writes.entries)
        _others_have_their_turn()
        super().write(tenant, writes)

    def _entered(self, tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[Any, Any]:
        return by_place(tenant, entries)


class WritesOverEntries(MemoryStore):
    """Inserts a key or, where it is there, writes over it: whoever comes second is told of success for nothing."""

    def _entered(self, tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[Any, Any]:
        return by_place(tenant, entries)


class KeepsAnIdentityMap(MemoryStore):
    """Reads through a session of each thread's own, which gives what it has loaded once, also under a lock."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._session = local()

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that reads through the session of this thread."""
        return _InASession(self, tenant, write=write, known=self._known())

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write it, and load anew what this thread has written."""
        super().write(tenant, writes)
        for row in writes.rows:
            self._known().pop((tenant, row.after.id), None)

    def _known(self) -> dict[Any, Item]:
        return vars(self._session)


class _InASession(MemoryUnitOfWork):
    def __init__(self, store: MemoryStore, tenant: str, *, write: bool, known: dict[Any, Item]) -> None:
        super().__init__(store, tenant, write=write)
        self._known = known

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        place = (self.tenant, item_id)
        if place not in self._known:
            item = super()._load(item_id, lock=lock)
            if item is None:
                return None
            self._known[place] = item
        return self._known[place]


def _others_have_their_turn() -> None:
    """Let other threads run, as they do while a statement is on its way to a database."""
    sleep(0.001)
