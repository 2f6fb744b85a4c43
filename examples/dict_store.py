"""A store of one's own, as small as it can be: ``docs/how-to/write-a-store.md`` explains it."""

from __future__ import annotations

from threading import Lock
from typing import Any

import attrs

from casewright import (
    AlreadyExistsError,
    BufferingUnitOfWork,
    Case,
    Event,
    ItemId,
    Note,
    RowWrite,
    StaleVersionError,
    Task,
    Writes,
)

__all__ = ["DictStore", "DictUnitOfWork"]


class DictStore:
    """Keeps everything in one dictionary of this process."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: dict[tuple[str, str, str], Any] = {}
        self.lock = Lock()

    def begin(self, *, tenant: str, write: bool = True) -> DictUnitOfWork:
        """Return a new unit of work."""
        return DictUnitOfWork(self, tenant, write=write)


class DictUnitOfWork(BufferingUnitOfWork):
    """A unit of work on a `DictStore`."""

    def __init__(self, store: DictStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._store = store

    def _load(self, item_id: ItemId, *, lock: bool) -> Task | Case | None:
        return self._store.kept.get((self.tenant, "item", item_id))

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        events: tuple[Event, ...] = self._store.kept.get((self.tenant, "events", item_id), ())
        return events[after : None if limit is None else after + limit]

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        notes: tuple[Note, ...] = self._store.kept.get((self.tenant, "notes", item_id), ())
        return notes

    def _flush(self, writes: Writes) -> None:
        with self._store.lock:
            kept = dict(self._store.kept)
            for row in writes.rows:
                place = (self.tenant, "item", row.after.id)
                kept[place] = _compared_and_set(kept.get(place), row)
            for note in writes.notes:
                if (self.tenant, "note", note.id) in kept:
                    raise AlreadyExistsError(note.id, "note")
                kept[self.tenant, "note", note.id] = note
            for what, entries in (("events", writes.events), ("notes", writes.notes)):
                for entry in entries:
                    place = (self.tenant, what, entry.item_id)
                    kept[place] = (*kept.get(place, ()), entry)
            self._store.kept = kept  # one assignment: others see all of it, or nothing

    def _end(self) -> None:
        """Nothing is held. Give back a connection here, and undo what is not committed."""


def _compared_and_set(present: Task | Case | None, row: RowWrite) -> Task | Case:
    before, after = row.before, row.after
    if before is None:
        if present is not None:
            raise AlreadyExistsError(after.id)
        return after
    if present is None or (present.version, present.head) != (before.version, before.head):
        raise StaleVersionError(after.id, before.version, None if present is None else present.version)
    return attrs.evolve(present, **{name: getattr(after, name) for name in row.changed})
