"""Stores that take two names for one, or a name or a value for none, in one way each; see `support.saboteurs`."""

from __future__ import annotations

import unicodedata
from typing import Any

from casewright import AlreadyExistsError, InvalidInputError, ItemId, Note, StorageError, Tenant, Writes
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.codec import to_json


class FoldsNoteIds(MemoryStore):
    """Takes ids of notes that differ in upper and lower case for one."""

    def same(self, text: str) -> str:
        """Return the one form of all that are the same."""
        return text.casefold()

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write it, unless a note has such an id."""
        taken = {self.same(note_id) for owner, what, note_id in self._kept if (owner, what) == (tenant, "note")}
        for note in writes.notes:
            if self.same(note.id) in taken:
                raise AlreadyExistsError(note.id, "note")
        super().write(tenant, writes)


class NormalizesNoteIds(FoldsNoteIds):
    """Takes ids of notes that look alike for one."""

    def same(self, text: str) -> str:
        """Return the one form of all that look so."""
        return unicodedata.normalize("NFKC", text)


class MixesNotesWithItems(MemoryStore):
    """Gives the id of an item to no note."""

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write it, unless a note has such an id."""
        for note in writes.notes:
            if self.kept(tenant, ItemId(note.id)) is not None:
                raise AlreadyExistsError(note.id, "note")
        super().write(tenant, writes)


class CutsIds(MemoryStore):
    """Looks at the first 64 characters of an id."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Return the first one that begins so."""
        found = (
            kept for (owner, _, known), kept in self._kept.items() if (owner, known[:64]) == (tenant, item_id[:64])
        )
        return super().kept(tenant, item_id) or next(found, None)


class CutsTenants(MemoryStore):
    """Looks at the first 64 characters of a tenant."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Return the first one of those that begin so."""
        found = (
            kept for (owner, _, known), kept in self._kept.items() if (owner[:64], known) == (tenant[:64], item_id)
        )
        return super().kept(tenant, item_id) or next(found, None)


class TakesAnyTenant(MemoryStore):
    """Begins a unit for whatever it is given."""

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return it."""
        try:
            return super().begin(tenant=tenant, write=write)
        except InvalidInputError:
            return super().begin(tenant="", write=write)


class ReadsNotesOfNeighbours(MemoryUnitOfWork):
    """Finds notes by how the id of their item begins."""

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        found = [kept for kept in self._store.all_of(self.tenant) if kept.item.id.startswith(item_id)]
        return tuple(note for kept in found for note in kept.notes.part())


class RefusesLargeItems(MemoryUnitOfWork):
    """Keeps items of 64 KiB at most."""

    def _flush(self, writes: Writes) -> None:
        if any(len(to_json(row.after).encode()) > 2**16 for row in writes.rows):
            raise StorageError("an item is too large")
        super()._flush(writes)
