"""`MemoryStore`: read committed and compare-and-set in one process, honest under threads.

Each item is kept as one immutable `_Kept`, and a commit puts all that it changes in place in one step: a reader sees
all of it or nothing, whatever exception or signal falls in between (T1). Histories are lists that only grow, handed on
from one `_Kept` to the next: each says how much of them is its own, so the ten-thousandth event of an item costs no
more than the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from threading import Lock
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import attrs

from casewright.adapters.memory.relaying import MemoryRelaying
from casewright.application.buffering import LedgerUnitOfWork
from casewright.application.denials import Denial
from casewright.application.erasing import Erased, as_erasing
from casewright.application.ledger import LedgerEntry
from casewright.application.new_ids import Clock, system_clock
from casewright.application.ports import OutboxPointer
from casewright.application.proving import Mark, Place, Proof, prove
from casewright.application.writes import RowWrite, Writes
from casewright.domain.events import Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import ItemId, Tenant, as_tenant
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind
from casewright.domain.values import as_instant, as_integer
from casewright.errors import AlreadyExistsError, NotFoundError

__all__ = ["MemoryStore", "MemoryUnitOfWork", "by_place", "in_order"]

EntryT = TypeVar("EntryT")
_RecordT = TypeVar("_RecordT", Event, Note, OutboxPointer)
_What: TypeAlias = Literal["item", "note", "key"]


@attrs.frozen
class _Log(Generic[EntryT]):
    """The first ``length`` entries of a list that only grows. What lies beyond was never committed."""

    entries: list[EntryT] = attrs.field(factory=list)
    length: int = 0

    def and_then(self, more: Iterable[EntryT]) -> _Log[EntryT]:
        """Return the log with more entries; only one thread may do so at a time."""
        del self.entries[self.length :]  # what a commit that was interrupted has left
        self.entries.extend(more)
        return _Log(self.entries, len(self.entries))

    def part(self, start: int = 0, stop: int | None = None) -> tuple[EntryT, ...]:
        return tuple(self.entries[start : self.length if stop is None else min(stop, self.length)])


@attrs.frozen
class _Kept:
    """All that is kept of one item."""

    item: Item
    events: _Log[Event]
    notes: _Log[Note]
    pointers: _Log[OutboxPointer]


class MemoryStore(MemoryRelaying):
    """Keeps items, histories, notes, outbox and keys in memory, for one process and any number of threads.

    Args:
        clock: Tells the time by which leases run out and messages are tried again.
    """

    def __init__(self, *, clock: Clock = system_clock) -> None:
        """Begin empty."""
        super().__init__()
        self._clock = clock
        # Ids of items and ids of notes under one roof, so that one update of one dict commits everything; the id of a
        # note leads to what is kept of its item; actor and key, in two lines, to an entry of the ledger.
        self._kept: dict[tuple[Tenant, _What, str], Any] = {}
        self._lock = Lock()
        self._denials: dict[tuple[Tenant, str], Denial] = {}

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a new unit of work; see `Store.begin`."""
        return MemoryUnitOfWork(self, tenant, write=write)

    def ping(self) -> None:
        """Do nothing: there is nothing that could not be reached. Stores with a database have this for readiness."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> _Kept | None:
        """Return all that is kept of an item."""
        kept: _Kept | None = self._kept.get((tenant, "item", item_id))
        return kept

    def all_of(self, tenant: Tenant) -> Iterator[_Kept]:
        """Return all that is kept of a tenant, as it is now."""
        return (kept for (owner, what, _), kept in list(self._kept.items()) if what == "item" and owner == tenant)

    def item(self, tenant: Tenant, item_id: ItemId) -> Item | None:
        """Return an item as it is; None where there is none."""
        kept = self.kept(tenant, item_id)
        return None if kept is None else kept.item

    def history(self, tenant: Tenant, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        """Return the events of an item; see `UnitOfWork.history`."""
        kept = self.kept(tenant, item_id)
        return () if kept is None else kept.events.part(after, None if limit is None else after + limit)

    def notes(self, tenant: Tenant, item_id: ItemId) -> tuple[Note, ...]:
        """Return the notes of an item; see `UnitOfWork.notes`."""
        kept = self.kept(tenant, item_id)
        return () if kept is None else kept.notes.part()

    def proofs(self, *, after: Place | None = None, limit: int) -> tuple[Proof, ...]:
        """Prove the next items; see `Proving.proofs`."""
        most = as_integer(limit, "limit", least=1)
        places = sorted((tenant, name) for tenant, what, name in list(self._kept) if what == "item")
        later = [place for place in places if after is None or place > after][:most]
        kept = ((place, self._kept[place[0], "item", place[1]]) for place in later)
        return tuple([prove(place, one.item, one.events.part(), one.notes.part()) for place, one in kept])

    def digests(self, marks: Sequence[Mark]) -> tuple[str | None, ...]:
        """Return the digests of events; see `Proving.digests`."""
        found = [self.history(mark.tenant, mark.item_id, after=mark.version - 1, limit=1) for mark in marks]
        return tuple([events[0].digest if events else None for events in found])

    def kept_items(self) -> int:
        """Return how many items there are; see `Proving.kept_items`."""
        return sum(what == "item" for _, what, _ in list(self._kept))

    def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item; see `Erasure.erase`."""
        erasing = as_erasing(item_id, tenant, versions)
        with self._lock:
            kept = self.kept(erasing.tenant, erasing.item_id)
            if kept is None:
                raise NotFoundError(erasing.item_id)
            events, notes = kept.events.part(), kept.notes.part()
            left, noted = tuple(erasing.left(events)), tuple(map(erasing.noted, notes))
            fresh = _Kept(
                erasing.row(kept.item, events),
                _Log(list(left), len(left)),
                _Log(list(noted), len(noted)),
                kept.pointers,
            )
            places: list[tuple[Tenant, _What, str]] = [(erasing.tenant, "item", erasing.item_id)]
            for note in notes:
                places.append((erasing.tenant, "note", note.id))  # noqa: PERF401 - as pyright can follow it
            self._kept.update(dict.fromkeys(places, fresh))
        lost = sum(one != other for one, other in zip(events, left, strict=True))
        return Erased(lost, sum(one != other for one, other in zip(notes, noted, strict=True)))

    def add_denial(self, denial: Denial) -> None:
        """Keep a denial; see `DenialLog.add_denial`."""
        if self._denials.setdefault((denial.tenant, denial.id), denial) is not denial:
            raise AlreadyExistsError(denial.id, "denial")

    def denials(self, *, tenant: str, after: str = "", limit: int) -> tuple[Denial, ...]:
        """Return denials of a tenant; see `DenialLog.denials`."""
        own, most = as_tenant(tenant), as_integer(limit, "limit", least=1)
        found = [one for one in list(self._denials.values()) if one.tenant == own and one.id > after]
        return tuple(sorted(found, key=attrgetter("id"))[:most])

    def matching(self, tenant: Tenant, kind: Kind, where: Scope) -> list[Item]:
        """Return the living items of a kind that are in the scope, in no order."""
        items = (kept.item for kept in self.all_of(tenant))
        return [item for item in items if item.kind == kind and item.deleted_at is None and where.matches(item)]

    def pending(self, tenant: Tenant, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return pointers to events that are not published yet; see `Outbox.pending`."""
        written = (pointer for kept in self.all_of(tenant) for pointer in kept.pointers.part())
        pointers = [fate.pointer for pointer in written if (fate := self.fate(pointer)).is_open]
        pointers.sort(key=attrgetter("item_id", "version"))
        return tuple(pointers[:limit])

    def all_pointers(self) -> Iterator[OutboxPointer]:
        """Yield the pointers of all tenants; see `MemoryRelaying`."""
        for (_, what, _), kept in list(self._kept.items()):
            if what == "item":
                yield from kept.pointers.part()

    def entry(self, tenant: Tenant, actor_id: str, key: str) -> LedgerEntry | None:
        """Return what was entered under a key; see `Ledger.entry`."""
        entry: LedgerEntry | None = self._kept.get((tenant, "key", _place(actor_id, key)))
        return entry

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove old entries of the ledger; see `KeyPurging.purge_keys`."""
        moment, most = as_instant(before, "before"), as_integer(limit, "limit", least=1)
        with self._lock:
            entries = [(place, one) for place, one in self._kept.items() if isinstance(one, LedgerEntry)]
            old = [place for place, entry in entries if entry.recorded_at < moment][:most]
            for place in old:
                del self._kept[place]
        return len(old)

    def write(self, tenant: Tenant, writes: Writes) -> None:
        """Write all of it or nothing; see `BufferingUnitOfWork._flush`."""
        with self._lock:
            compared = [self._compared(tenant, row) for row in writes.rows]
            for note in writes.notes:
                if (tenant, "note", note.id) in self._kept:
                    raise AlreadyExistsError(note.id, "note")
            fresh: dict[tuple[Tenant, _What, str], Any] = self._entered(tenant, writes.entries)
            events, notes, pointers = _by_item(writes.events), _by_item(writes.notes), _by_item(writes.pointers)
            for kept in compared:
                item_id = kept.item.id
                fresh[tenant, "item", item_id] = _Kept(
                    kept.item,
                    kept.events.and_then(events[item_id]),
                    kept.notes.and_then(notes[item_id]),
                    kept.pointers.and_then(pointers[item_id]),
                )
            for note in writes.notes:
                if (tenant, "note", note.id) in fresh:
                    raise AlreadyExistsError(note.id, "note")
                fresh[tenant, "note", note.id] = fresh[tenant, "item", note.item_id]
            self._kept.update(fresh)

    def _entered(self, tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[tuple[Tenant, _What, str], Any]:
        """The entries by where they are kept, if no key is taken."""
        places = by_place(tenant, entries)
        for place, entry in places.items():
            if place in self._kept:
                raise AlreadyExistsError(entry.key, "key")
        return places

    def _compared(self, tenant: Tenant, row: RowWrite) -> _Kept:
        kept = self.kept(tenant, row.after.id)
        item = row.onto(None if kept is None else kept.item)
        if kept is None:
            return _Kept(item, _Log(), _Log(), _Log())
        return _Kept(item, kept.events, kept.notes, kept.pointers)


def by_place(tenant: Tenant, entries: Iterable[LedgerEntry]) -> dict[tuple[Tenant, _What, str], Any]:
    """Return entries by where they are kept."""
    return {(tenant, "key", _place(entry.actor_id, entry.key)): entry for entry in entries}


def _place(actor_id: str, key: str) -> str:
    """Ids and keys hold no line feed."""
    return f"{actor_id}\n{key}"


def _by_item(records: Iterable[_RecordT]) -> Mapping[ItemId, list[_RecordT]]:
    """The records of each item, in their order."""
    found: defaultdict[ItemId, list[_RecordT]] = defaultdict(list)
    for record in records:
        found[record.item_id].append(record)
    return found


class MemoryUnitOfWork(LedgerUnitOfWork):
    """A unit of work on a `MemoryStore`; it also lists items and the outbox, and keeps keys.

    Args:
        store: The store.
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    terms: frozenset[TermKind] = frozenset(TermKind)
    orders: frozenset[OrderBy] = frozenset(OrderBy)

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._store = store

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """See `Listing.find`."""
        most = self._check_limit(limit)
        return in_order(self._matching(kind, where), order, most, after)

    def count(self, kind: Kind, where: Scope) -> int:
        """See `Listing.count`."""
        self._check_complete()
        return len(self._matching(kind, where))

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """See `Outbox.pending`."""
        most = self._check_limit(limit)
        return self._store.pending(self.tenant, limit=most)

    def _matching(self, kind: Kind, where: Scope) -> list[Item]:
        return self._store.matching(self.tenant, kind, where)

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        return self._store.item(self.tenant, item_id)

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return self._store.history(self.tenant, item_id, after=after, limit=limit)

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return self._store.notes(self.tenant, item_id)

    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        return self._store.entry(self.tenant, actor_id, key)

    def _flush(self, writes: Writes) -> None:
        self._store.write(self.tenant, writes)

    def _end(self) -> None:
        """Nothing is held."""


def in_order(found: list[Item], order: Order, limit: int, after: Cursor | None) -> tuple[Item, ...]:
    """Return what was found, as `Listing.find` gives it."""
    if after is not None:
        found = [item for item in found if _lies_after(item, after, order)]
    found.sort(key=order.key, reverse=order.descending)
    return tuple(found[:limit])


def _lies_after(item: Item, cursor: Cursor, order: Order) -> bool:
    key = order.key(item)
    return key < cursor.key if order.descending else key > cursor.key
