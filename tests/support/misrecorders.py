"""Units that record, meet conflicts or end wrongly, in one way each; see `support.saboteurs`."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from casewright import AlreadyExistsError, Change, ConflictError, ItemId, MisuseError, StaleVersionError, Writes
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.items import Item
from support.miswriters import PublishesFirst, PublishingFirst


class GoesOnAfterAConflict(MemoryUnitOfWork):
    """Stays open where `commit` met a conflict."""

    def commit(self) -> None:
        """Commit, or stay open."""
        try:
            super().commit()
        except ConflictError:
            self._ended = False
            raise


class NamesNoItem(MemoryUnitOfWork):
    """Says of a conflict that there was one, and not on what."""

    def commit(self) -> None:
        """Commit, or say so."""
        try:
            super().commit()
        except StaleVersionError as error:
            raise StaleVersionError("", error.expected) from None


class CallsAllConflictsStale(MemoryUnitOfWork):
    """Says of an id that is taken that its item has another version."""

    def commit(self) -> None:
        """Commit, or say so."""
        try:
            super().commit()
        except AlreadyExistsError as error:
            raise StaleVersionError(error.item_id, 0) from None


class KeepsWhatCameBeforeAMisuse(MemoryUnitOfWork):
    """Takes the changes of a call one by one, up to the one that it refuses."""

    def record(self, *changes: Change[Any]) -> None:
        """Record as many as can be."""
        try:
            super().record(*changes)
        except MisuseError:
            with suppress(MisuseError):
                for change in changes:
                    super().record(change)
            raise


class NeverForgives(MemoryUnitOfWork):
    """Does nothing more once it was given what is no change."""

    def record(self, *changes: Change[Any]) -> None:
        """Record, or end."""
        try:
            super().record(*changes)
        except MisuseError:
            self._conflict = True
            raise


class StumblesOverNothing(MemoryUnitOfWork):
    """Asks what it is given for its parts before it looks whether it has any."""

    def record(self, *changes: Change[Any]) -> None:
        """Record those that have an event."""
        super().record(*(change for change in changes if change.event.digest is not None))


class TakesWhatItRefuses(MemoryUnitOfWork):
    """Raises where it only reads, and writes all the same."""

    def record(self, *changes: Change[Any]) -> None:
        """Record, and raise then."""
        only_reads, self._write = not self._write, True
        super().record(*changes)
        if only_reads:
            raise MisuseError("the unit only reads", "begin it with write=True")


class CommitsNoReading(MemoryUnitOfWork):
    """Refuses the commit of a unit that only reads."""

    def commit(self) -> None:
        """Commit, if it writes."""
        if not self._write:
            raise MisuseError("the unit only reads", "roll it back")
        super().commit()


class ForgetsItselfUnderALock(MemoryUnitOfWork):
    """Reads from the store what it is to lock, even what it has recorded."""

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """Return the item, or what is committed of it."""
        return self._load(ItemId(id), lock=lock) if lock and not self._ended and id else super().get(id, lock=lock)


class UndoesWhatIsCommitted(MemoryUnitOfWork):
    """Puts back what was there when an exception leads out of the block, wherever it comes from."""

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Keep what is there."""
        super().__init__(store, tenant, write=write)
        self._before = dict(store._kept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put it back, or roll back."""
        if kind is not None:
            self._store._kept = self._before
        super().__exit__(kind, error, trace)


class WritesInParts(MemoryUnitOfWork):
    """Writes a hundred rows at a time, each with what belongs to it, as a store does that takes no more in one go."""

    def _flush(self, writes: Writes) -> None:
        for start in range(0, len(writes.rows), 100):
            rows = writes.rows[start : start + 100]
            ids = {row.after.id for row in rows}
            super()._flush(
                Writes(
                    rows,
                    tuple(event for event in writes.events if event.item_id in ids),
                    tuple(note for note in writes.notes if note.item_id in ids),
                    tuple(pointer for pointer in writes.pointers if pointer.item_id in ids),
                )
            )


class PublishesLast(PublishesFirst):
    """Writes the pointers after all else."""

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that does so."""
        return _PublishingLast(self, tenant, write=write)


class _PublishingLast(PublishingFirst):
    def _flush(self, writes: Writes) -> None:
        MemoryUnitOfWork._flush(self, writes)
        threading.Event().wait(0.001)
        self._store.pointers += writes.pointers
