"""A store of one's own, as small as it can be: ``docs/how-to/write-a-store.md`` explains it."""

from __future__ import annotations

from threading import Lock
from typing import Any

from casewright import (
    AlreadyExistsError,
    BufferingUnitOfWork,
    Case,
    Cursor,
    Event,
    ItemId,
    Note,
    Order,
    OutboxPointer,
    Scope,
    Task,
    Writes,
)
from casewright.domain.filters import OrderBy
from casewright.domain.items import Item, Kind
from casewright.domain.terms import TermKind

__all__ = ["DictStore", "DictUnitOfWork", "ListingDictStore", "ListingDictUnitOfWork"]


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
                kept[place] = row.onto(kept.get(place))
            for note in writes.notes:
                if (self.tenant, "note", note.id) in kept:
                    raise AlreadyExistsError(note.id, "note")
                kept[self.tenant, "note", note.id] = note
            for what, entries in (("events", writes.events), ("notes", writes.notes), ("pointers", writes.pointers)):
                for entry in entries:
                    place = (self.tenant, what, entry.item_id)
                    kept[place] = (*kept.get(place, ()), entry)
            self._store.kept = kept  # one assignment: others see all of it, or nothing

    def _end(self) -> None:
        """Nothing is held. Give back a connection here, and undo what is not committed."""


class ListingDictStore(DictStore):
    """A `DictStore` whose units also list items and the outbox."""

    def begin(self, *, tenant: str, write: bool = True) -> ListingDictUnitOfWork:
        """Return a new unit of work."""
        return ListingDictUnitOfWork(self, tenant, write=write)


class ListingDictUnitOfWork(DictUnitOfWork):
    """A unit of work on a `ListingDictStore`."""

    terms = frozenset(TermKind)
    orders = frozenset(OrderBy)

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """Return the items of the kind that are in the scope, in order."""
        most = self._check_limit(limit)
        found = sorted(self._matching(kind, where), key=order.key, reverse=order.descending)
        if after is not None:
            found = [item for item in found if _lies_after(item, after)]
        return tuple(found[:most])

    def count(self, kind: Kind, where: Scope) -> int:
        """Return how many items `find` would give without a limit."""
        self._check_complete()
        return len(self._matching(kind, where))

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return pointers to events that are not published yet."""
        most = self._check_limit(limit)
        pointers = [pointer for of_item in self._kept("pointers") for pointer in of_item]
        return tuple(sorted(pointers, key=lambda pointer: (pointer.item_id, pointer.version))[:most])

    def _matching(self, kind: Kind, where: Scope) -> list[Item]:
        living = (item for item in self._kept("item") if item.deleted_at is None)
        return [item for item in living if item.kind == kind and where.matches(item)]

    def _kept(self, what: str) -> list[Any]:
        return [value for key, value in self._store.kept.items() if key[:2] == (self.tenant, what)]


def _lies_after(item: Item, cursor: Cursor) -> bool:
    key = cursor.order.key(item)
    return key < cursor.key if cursor.order.descending else key > cursor.key
