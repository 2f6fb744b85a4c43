"""Units and stores that write, compare or end wrongly, in one way each; see `support.saboteurs`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, ClassVar

import attrs

from casewright import (
    AlreadyExistsError,
    Change,
    FrozenMapping,
    ItemId,
    OutboxPointer,
    RowWrite,
    Tenant,
    TransientStorageError,
    Writes,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.folding import evolve
from casewright.domain.items import Item


class ForgetsTheEvent(MemoryUnitOfWork):
    """Writes the row without its event."""

    def _flush(self, writes: Writes) -> None:
        super()._flush(attrs.evolve(writes, events=()))


class ForgetsTheNote(MemoryUnitOfWork):
    """Writes the event without its note."""

    def _flush(self, writes: Writes) -> None:
        super()._flush(attrs.evolve(writes, notes=()))


class ForgetsThePointer(MemoryUnitOfWork):
    """Writes the event without its pointer."""

    def _flush(self, writes: Writes) -> None:
        super()._flush(attrs.evolve(writes, pointers=()))


class PublishesAll(MemoryUnitOfWork):
    """Writes a pointer for every event."""

    def record(self, *changes: Change[Any]) -> None:
        """Record them as published."""
        super().record(*(attrs.evolve(change, published=True) for change in changes))


class KeepsHalf(MemoryUnitOfWork):
    """Writes one row after the other, each with what belongs to it."""

    def _flush(self, writes: Writes) -> None:
        for row in writes.rows:
            own = [event for event in writes.events if event.item_id == row.after.id]
            notes = [note for note in writes.notes if note.item_id == row.after.id]
            pointers = [pointer for pointer in writes.pointers if pointer.item_id == row.after.id]
            super()._flush(Writes((row,), tuple(own), tuple(notes), tuple(pointers)))


class KeepsTheOther(KeepsHalf):
    """Does so with the last row first."""

    def _flush(self, writes: Writes) -> None:
        super()._flush(attrs.evolve(writes, rows=writes.rows[::-1]))


class PublishesFirst(MemoryStore):
    """Writes the pointers before all else."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.pointers: list[OutboxPointer] = []

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that does so."""
        return PublishingFirst(self, tenant, write=write)


class PublishingFirst(MemoryUnitOfWork):
    """A unit of such a store."""

    _store: PublishesFirst

    def _flush(self, writes: Writes) -> None:
        self._store.pointers += writes.pointers
        super()._flush(writes)

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return what was written before all else."""
        return tuple(sorted(self._store.pointers, key=attrgetter("item_id", "version")))[:limit]


class WritesRowByRow(KeepsHalf):
    """Checks everything first, and then writes one row after the other, with a way to the database in between."""

    def _flush(self, writes: Writes) -> None:
        for row in writes.rows:
            self._store._compared(self.tenant, row)
        for row in writes.rows:
            super()._flush(attrs.evolve(writes, rows=(row,)))
            threading.Event().wait(0.001)


class KeepsHalfInARace(KeepsHalf):
    """Compares everything first, and then compares and writes one row after the other."""

    def _flush(self, writes: Writes) -> None:
        for row in writes.rows:
            self._store._compared(self.tenant, row)
        threading.Event().wait(0.0001)
        super()._flush(writes)


class WritesAtOnce(MemoryUnitOfWork):
    """Writes what is recorded before the commit."""

    def record(self, *changes: Change[Any]) -> None:
        """Record and write."""
        super().record(*changes)
        super()._flush(self._writes())
        self._changes = []


class TakesAnything(MemoryUnitOfWork):
    """Checks nothing of what is recorded."""

    def record(self, *changes: Change[Any]) -> None:
        """Keep the changes."""
        self._check_open()
        for change in changes:
            self._take(change)
        self._changes += changes


class MixesTrueWithOne(MemoryUnitOfWork):
    """Keeps booleans as integers."""

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        if item is None:
            return None
        numbers = {name: +value if isinstance(value, bool) else value for name, value in item.attributes.items()}
        return evolve(item, {"attributes": FrozenMapping(numbers)})


class LosesMicroseconds(MemoryUnitOfWork):
    """Keeps times by the second."""

    fields: ClassVar[Sequence[str]] = ("created_at",)

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        times = {name: getattr(item, name) for name in self.fields if getattr(item, name, None)}
        return item and evolve(item, {name: time.replace(microsecond=0) for name, time in times.items()})


class LosesMicrosecondsOfClosing(LosesMicroseconds):
    """Keeps by the second when an item was closed."""

    fields = ("closed_at",)


class LosesMicrosecondsOfDeleting(LosesMicroseconds):
    """Keeps by the second when an item was deleted."""

    fields = ("deleted_at",)


def _pretending(row: RowWrite, **fields: Any) -> RowWrite:
    """Return the row as if it had been decided on an item with these fields."""
    return row if row.before is None else attrs.evolve(row, before=evolve(row.before, fields))


class WritesWholeRows(MemoryStore):
    """Writes the item as it was after the changes, and all of it."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        return attrs.evolve(super()._compared(tenant, row), item=row.after)


class NeverCompares(MemoryStore):
    """Overwrites whatever version is there."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        there = {} if kept is None else {"version": kept.item.version, "head": kept.item.head}
        return super()._compared(tenant, _pretending(row, **there))


class IgnoresTheHead(MemoryStore):
    """Compares the version alone."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        return super()._compared(tenant, row if kept is None else _pretending(row, head=kept.item.head))


class ForgetsTheDeleted(MemoryStore):
    """Gives the ids of deleted items away again."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        if row.before is None and kept is not None and kept.item.deleted_at is not None:
            del self._kept[tenant, "item", row.after.id]
        return super()._compared(tenant, row)


class CallsNotesItems(MemoryStore):
    """Says of a note whose id is taken that it is an item."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write it, or say so."""
        try:
            super().write(tenant, writes)
        except AlreadyExistsError as error:
            raise AlreadyExistsError(error.item_id) from None


class NeverRollsBack(MemoryUnitOfWork):
    """Does nothing in `rollback`, so that what was recorded waits for a commit."""

    def rollback(self) -> None:
        """Do nothing."""


class CommitsInTheEnd(MemoryUnitOfWork):
    """Writes what is left when the block is left."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit unless the unit has ended."""
        if not self._ended and not self._conflict:
            self.commit()
        self.rollback()


class HidesTheException(MemoryUnitOfWork):
    """Passes on an exception of its own."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back and raise anew."""
        self.rollback()
        if kind is not None:
            raise kind(*getattr(error, "args", ())) from error


class KeepsItsTurn(MemoryStore):
    """Lets one thread write at a time, and an interrupted one for ever."""

    def __init__(self) -> None:
        """Begin with nobody's turn."""
        super().__init__()
        self.turn = threading.RLock()

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that takes its turn."""
        return _InTurn(self, tenant, write=write)


class _InTurn(MemoryUnitOfWork):
    _store: KeepsItsTurn
    _mine = False

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        if lock:
            self._take_turn()
        return super()._load(item_id, lock=lock)

    def _flush(self, writes: Writes) -> None:
        self._take_turn()
        super()._flush(writes)

    def _take_turn(self) -> None:
        if not self._mine and not self._store.turn.acquire(blocking=False):
            raise TransientStorageError("it is the turn of another thread")
        self._mine = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._mine and (kind is None or issubclass(kind, Exception)):
            self._store.turn.release()
