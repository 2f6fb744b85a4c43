"""Units and stores that read or list wrongly, in one way each; see `support.saboteurs`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import attrs

from casewright import (
    Cursor,
    Event,
    ItemId,
    Note,
    Order,
    OutboxPointer,
    Payload,
    Scope,
    Tenant,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.folding import evolve
from casewright.domain.ids import as_item_id
from casewright.domain.items import Item, Kind


class ShowsOtherTenants(MemoryStore):
    """Looks for an item whosever it is."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Return the first one of that id."""
        found = (kept for (_, what, known_id), kept in self._kept.items() if (what, known_id) == ("item", item_id))
        return super().kept(tenant, item_id) or next(found, None)


class ListsOtherTenants(MemoryStore):
    """Lists items whosever they are."""

    def all_of(self, tenant: Tenant) -> Any:
        """Return those of every tenant."""
        return (kept for (_, what, _), kept in list(self._kept.items()) if what == "item")


class SeesWhatItBeganWith(MemoryUnitOfWork):
    """Reads items as they were when the unit began."""

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Keep them."""
        super().__init__(store, tenant, write=write)
        self._found = {kept.item.id: kept.item for kept in store.all_of(self.tenant)}

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        return self._found.get(item_id)


class RemembersItems(MemoryStore):
    """Reads each item once, and has it at hand from then on, whichever unit asks."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.known: dict[ItemId, Item | None] = {}

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that looks there first."""
        return _Remembering(self, tenant, write=write)


class _Remembering(MemoryUnitOfWork):
    _store: RemembersItems

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        if item_id not in self._store.known:
            self._store.known[item_id] = super()._load(item_id, lock=lock)
        return self._store.known[item_id]


class GoesBack(MemoryUnitOfWork):
    """Reads by turns from a store and from a copy that lags behind."""

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing read."""
        super().__init__(store, tenant, write=write)
        self._read: list[Item | None] = []

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        self._read.append(super()._load(item_id, lock=lock))
        return self._read[-1 if len(self._read) % 3 else 0]


class EndsHistories(MemoryUnitOfWork):
    """Gives the first 500 events where no limit is set."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return super()._history(item_id, after=after, limit=500 if limit is None else limit)


class EndsNotes(MemoryUnitOfWork):
    """Gives the first 50 notes."""

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return super()._notes(item_id)[:50]


class RaisesForOddIds(MemoryUnitOfWork):
    """Looks for ids that no item can have."""

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """Check the id first."""
        return super().get(as_item_id(id), lock=lock)


class FoldsTheCase(MemoryStore):
    """Takes ids that differ in upper and lower case for one."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Return the first one of such an id."""
        found = (kept for (_, what, known_id), kept in self._kept.items() if known_id.lower() == item_id.lower())
        return super().kept(tenant, item_id) or next(found, None)


class SharesAList(MemoryUnitOfWork):
    """Hands out the very list that it keeps."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> Any:
        kept = self._store.kept(self.tenant, item_id)
        whole = kept is not None and (after, limit) == (0, None)
        return kept.events.entries if kept and whole else super()._history(item_id, after=after, limit=limit)


class SharesADict(MemoryUnitOfWork):
    """Hands out items whose attributes can be changed."""

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        return item and evolve(item, {"attributes": dict(item.attributes)})


class HidesTheDeleted(MemoryUnitOfWork):
    """Gets no item that was deleted."""

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        return None if item and item.deleted_at else item


class SortsNotes(MemoryUnitOfWork):
    """Gives notes by their ids."""

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return tuple(sorted(super()._notes(item_id), key=attrgetter("id")))


class LosesMicrosecondsOfNotes(MemoryUnitOfWork):
    """Keeps by the millisecond when a note was added."""

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return tuple(
            attrs.evolve(note, created_at=note.created_at.replace(microsecond=0)) for note in super()._notes(item_id)
        )


class WritesPayloadsAnew(MemoryUnitOfWork):
    """Makes the text of a payload from what it understands of it."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        events = super()._history(item_id, after=after, limit=limit)
        return tuple(
            attrs.evolve(event, payload=Payload(inputs=event.payload.inputs, changes=event.payload.changes))
            if event.payload
            else event
            for event in events
        )


class ReadsOldHistories(MemoryUnitOfWork):
    """Reads histories and notes as they were when it first read an item, and items as they are."""

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing read."""
        super().__init__(store, tenant, write=write)
        self._first: Any = None

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        self._first = self._first or self._store.kept(self.tenant, item_id)
        return super()._load(item_id, lock=lock)

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        events = super()._history(item_id, after=after, limit=limit)
        return events if self._first is None else events[: self._first.events.length]

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        notes = super()._notes(item_id)
        return notes if self._first is None else notes[: self._first.notes.length]


class TakesAnyBounds(MemoryUnitOfWork):
    """Gives what there is where a history is to begin or to end nowhere."""

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Return it."""
        return super().history(id, after=max(after, 0), limit=limit and max(limit, 1))


class LimitsFirst(MemoryUnitOfWork):
    """Counts the limit of a history from its beginning."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return super()._history(item_id, after=0, limit=limit)[after:]


class FiltersAfterPaging(MemoryUnitOfWork):
    """Asks for a page first, and which of its items are meant then."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """Return what is left of the page."""
        page = super().find(kind, Scope(((),)), order=order, limit=min(limit, 7), after=after)
        return tuple(item for item in page if where.matches(item))


class CountsThePage(MemoryUnitOfWork):
    """Counts up to seven."""

    def count(self, kind: Kind, where: Scope) -> int:
        """Return the number."""
        return min(super().count(kind, where), 7)


class EndsLists(MemoryUnitOfWork):
    """Finds the first 1,000 items."""

    def _matching(self, kind: Kind, where: Scope) -> list[Item]:
        return super()._matching(kind, where)[:1000]


class EndsTheOutbox(MemoryUnitOfWork):
    """Gives 100 pointers at most."""

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return so many."""
        return super().pending(limit=min(limit, 100))


class ListsTheDeleted(MemoryUnitOfWork):
    """Finds deleted items too."""

    def _matching(self, kind: Kind, where: Scope) -> list[Item]:
        items = [kept.item for kept in self._store.all_of(self.tenant)]
        return [item for item in items if item.kind == kind and where.matches(item)]


class IgnoresTies(MemoryUnitOfWork):
    """Begins a page after all items of the time at which the one before ended."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """Return the page without them."""
        page = super().find(kind, where, order=order, limit=limit, after=after)
        return tuple(item for item in page if after is None or order.key(item)[0] != after.key[0])


class ComparesUtf16(MemoryUnitOfWork):
    """Orders ids as Java and JavaScript do."""

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return the pointers in that order."""
        pointers = super().pending(limit=1000)
        return tuple(sorted(pointers, key=lambda one: (one.item_id.encode("utf-16-be"), one.version))[:limit])
