"""Stores with one bug each, planted into the store in memory: a contract that they pass would be worth nothing.

Longer than 300 lines, because each is small and they only make sense side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, ClassVar, Final

import attrs

from casewright import (
    Change,
    Cursor,
    Event,
    FrozenMapping,
    ItemId,
    Note,
    Order,
    OutboxPointer,
    RowWrite,
    Scope,
    StaleVersionError,
    Tenant,
    Writes,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.folding import evolve
from casewright.domain.ids import as_item_id, as_tenant
from casewright.domain.items import Item, Kind

__all__ = ["SABOTEURS", "sabotaged"]


class _Store(MemoryStore):
    """A `MemoryStore` whose units are of a class of their own."""

    unit: ClassVar[type[MemoryUnitOfWork]] = MemoryUnitOfWork

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit of that class."""
        return self.unit(self, as_tenant(tenant), write=write)


def sabotaged(saboteur: type[MemoryStore] | type[MemoryUnitOfWork]) -> Callable[[], MemoryStore]:
    """Return what makes an empty store with the bug, whether that is in the store or in its units."""
    if issubclass(saboteur, MemoryStore):
        return saboteur
    store: type[MemoryStore] = type(f"StoreOf{saboteur.__name__}", (_Store,), {"unit": saboteur})
    return store


# ---------------------------------------------------------------- what is written


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

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        item = super()._load(item_id, lock=lock)
        return item and evolve(item, {"created_at": item.created_at.replace(microsecond=0)})


# ---------------------------------------------------------------- what is compared


class NeverCompares(_Store):
    """Overwrites whatever version is there."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        return super()._compared(tenant, row) if row.before is None or kept is None else kept


class IgnoresTheHead(_Store):
    """Compares the version alone."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        if row.before is None or kept is None or kept.item.version != row.before.version:
            return super()._compared(tenant, row)
        return kept


class _ComparesInRecord(MemoryUnitOfWork):
    def record(self, *changes: Change[Any]) -> None:
        fresh = [change for change in changes if change.after.id not in self._rows]
        for change in fresh:
            there = self._load(change.after.id, lock=False)
            if change.before is not None and (there is None or there.head != change.before.head):
                self._conflict = True
                raise StaleVersionError(change.after.id, change.before.version)
        super().record(*changes)


class ComparesTooEarly(NeverCompares):
    """Compares in Python when it is recorded, and no more when it is written."""

    unit = _ComparesInRecord


class ForgetsTheDeleted(_Store):
    """Gives the ids of deleted items away again."""

    def _compared(self, tenant: Tenant, row: RowWrite) -> Any:
        kept = self.kept(tenant, row.after.id)
        if row.before is None and kept is not None and kept.item.deleted_at is not None:
            del self._kept[tenant, "item", row.after.id]
        return super()._compared(tenant, row)


# ---------------------------------------------------------------- how units end


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


class CatchesExceptionsOnly(MemoryUnitOfWork):
    """Rolls back on an Exception, and on nothing else that leads out of the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back on an Exception."""
        if kind is None or issubclass(kind, Exception):
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


# ---------------------------------------------------------------- what is read


class ShowsOtherTenants(_Store):
    """Looks for an item whosever it is."""

    def kept(self, tenant: Tenant, item_id: ItemId) -> Any:
        """Return the first one of that id."""
        found = (kept for (_, what, known_id), kept in self._kept.items() if (what, known_id) == ("item", item_id))
        return super().kept(tenant, item_id) or next(found, None)


class ListsOtherTenants(_Store):
    """Lists items whosever they are."""

    def all_of(self, tenant: Tenant) -> Any:
        """Return those of every tenant."""
        return (kept for (_, what, _), kept in list(self._kept.items()) if what == "item")


class RaisesForOddIds(MemoryUnitOfWork):
    """Looks for ids that no item can have."""

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """Check the id first."""
        return super().get(as_item_id(id), lock=lock)


class FoldsTheCase(_Store):
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


class LimitsFirst(MemoryUnitOfWork):
    """Counts the limit of a history from its beginning."""

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return super()._history(item_id, after=0, limit=limit)[after:]


# ---------------------------------------------------------------- what is listed


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


SABOTEURS: Final[Mapping[str, Sequence[type[MemoryStore] | type[MemoryUnitOfWork]]]] = {
    "test_an_item_and_its_events_come_back_equal": [ForgetsTheEvent, MixesTrueWithOne],
    "test_notes_come_in_the_order_in_which_they_were_added": [ForgetsTheNote, SortsNotes],
    "test_each_published_event_has_a_pointer": [ForgetsThePointer, PublishesAll],
    "test_nothing_of_a_refused_unit_is_there": [KeepsHalf],
    "test_others_see_nothing_before_the_commit_and_all_of_it_after": [WritesAtOnce],
    "test_what_can_never_be_recorded_is_a_misuse": [TakesAnything],
    "test_an_instant_comes_back_as_the_same_instant": [LosesMicroseconds],
    "test_a_change_of_another_version_or_head_is_stale": [NeverCompares, IgnoresTheHead],
    "test_of_two_units_at_once_exactly_one_commits": [ComparesTooEarly],
    "test_an_id_is_never_used_twice": [ForgetsTheDeleted],
    "test_a_unit_that_has_ended_can_do_nothing_more": [NeverRollsBack],
    "test_leaving_the_block_without_commit_rolls_back": [CommitsInTheEnd],
    "test_every_exception_rolls_back_and_is_passed_on": [CatchesExceptionsOnly, HidesTheException],
    "test_nothing_of_another_tenant_is_ever_seen": [ShowsOtherTenants],
    "test_nothing_of_another_tenant_is_found": [ListsOtherTenants],
    "test_an_id_that_no_store_could_hold_is_the_id_of_no_item": [RaisesForOddIds],
    "test_tenants_and_ids_are_told_apart_by_code_point": [FoldsTheCase],
    "test_nothing_that_was_read_can_change_what_is_kept": [SharesAList, SharesADict],
    "test_a_deleted_item_is_still_read": [HidesTheDeleted],
    "test_history_is_by_version_from_after_on_up_to_the_limit": [LimitsFirst],
    "test_just_the_items_that_the_scope_matches_are_found": [FiltersAfterPaging, CountsThePage],
    "test_deleted_items_are_left_out": [ListsTheDeleted],
    "test_items_come_in_order_page_by_page": [IgnoresTies],
    "test_pointers_come_by_item_id_and_version_up_to_the_limit": [ComparesUtf16],
}
"""Which test must catch which of them."""
