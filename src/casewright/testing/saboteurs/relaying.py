"""Bugs planted into the outbox of the store in memory: what is due too early, never, twice, or for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import attrs

from casewright.adapters.memory.store import MemoryStore, MemoryUnitOfWork
from casewright.application.ports import SHARDS, OutboxPointer, shard_of
from casewright.application.relaying import Batch, Due, Lease, Place, Settlement
from casewright.domain.events import Change, Event
from casewright.domain.ids import ItemId, Tenant

__all__ = [
    "AcknowledgesWithoutFencing",
    "FollowsASequence",
    "LetsPoisonBlock",
    "PublishesBeforeTheCommit",
    "SkipsWhatOthersTook",
]


class PublishesBeforeTheCommit(MemoryStore):
    """Tells of an event as soon as it is recorded: what is rolled back afterwards is delivered all the same."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.early: list[Event] = []

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that tells early."""
        return _TellsEarly(self, tenant, write=write)

    def all_pointers(self) -> Iterator[OutboxPointer]:
        """Yield those that are committed, and those that may be."""
        known = list(super().all_pointers())
        yield from known
        there = {(pointer.tenant, pointer.item_id, pointer.version) for pointer in known}
        for event in self.early:
            if (event.tenant, event.item_id, event.version) not in there:
                shard = shard_of(event.tenant, event.item_id)
                yield OutboxPointer(shard=shard, tenant=event.tenant, item_id=event.item_id, version=event.version)

    def history(self, tenant: Tenant, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        """Return what is committed, or else what may be."""
        committed = super().history(tenant, item_id, after=after, limit=limit)
        return committed or tuple(
            event
            for event in self.early
            if (event.tenant, event.item_id) == (tenant, item_id) and event.version > after
        )


class _TellsEarly(MemoryUnitOfWork):
    def record(self, *changes: Change[Any]) -> None:
        super().record(*changes)
        store: Any = self._store
        store.early += [change.event for change in changes if change.published]

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        return MemoryStore.history(self._store, self.tenant, item_id, after=after, limit=limit)


class FollowsASequence(MemoryStore):
    """Numbers events when they are recorded, and asks for those after the last it has seen: late ones are skipped."""

    def __init__(self) -> None:
        """Begin at 0."""
        super().__init__()
        self.numbers: dict[tuple[str, str, int], int] = {}
        self._seen = 0

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that numbers what it records."""
        return _Numbers(self, tenant, write=write)

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Return what has a higher number than all that was acknowledged."""
        batch = super().due(lease, after=after, limit=limit)
        return attrs.evolve(batch, due=tuple([one for one in batch.due if self._number(one.pointer) > self._seen]))

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """Go on after the highest number."""
        self._seen = max([self._seen, *[self._number(one.pointer) for one in settlements]])
        return super().settle(lease, settlements)

    def _number(self, pointer: OutboxPointer) -> int:
        return self.numbers[pointer.tenant, pointer.item_id, pointer.version]


class _Numbers(MemoryUnitOfWork):
    def record(self, *changes: Change[Any]) -> None:
        super().record(*changes)
        store: Any = self._store
        for change in changes:
            event = change.event
            store.numbers[event.tenant, event.item_id, event.version] = len(store.numbers) + 1


class SkipsWhatOthersTook(MemoryStore):
    """Gives each relay the next rows that no other one is busy with: two of them have events of one item at once."""

    def __init__(self) -> None:
        """Begin with nothing taken."""
        super().__init__()
        self._taken: dict[tuple[str, str, int], str] = {}

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Return rows of whatever part, but for those that another owner has."""
        everything = attrs.evolve(lease, tokens=tuple([(shard, 0) for shard in range(SHARDS)]))
        batch = super().due(everything, after=after, limit=1000)
        free = [one for one in batch.due if self._taken.setdefault(_key(one), lease.owner) == lease.owner]
        return attrs.evolve(batch, due=tuple(free[:limit]))


def _key(due: Due) -> tuple[str, str, int]:
    return due.pointer.tenant, due.pointer.item_id, due.pointer.version


class LetsPoisonBlock(MemoryStore):
    """Goes through the outbox in order and stops at what is to be tried again later: all that follows waits for it."""

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Return what comes before the first item that waits."""
        batch = super().due(lease, after=after, limit=limit)
        waiting = [Place.of(pointer) for pointer in self.all_pointers() if self._waits(pointer, batch)]
        before = [one for one in batch.due if not waiting or Place.of(one.pointer) < min(waiting)]
        return attrs.evolve(batch, due=tuple(before))

    def _waits(self, pointer: OutboxPointer, batch: Batch) -> bool:
        fate = self.fate(pointer)
        until = fate.pointer.next_at
        return fate.is_open and until is not None and batch.now < until <= batch.now + timedelta(hours=1)


class AcknowledgesWithoutFencing(MemoryStore):
    """Marks rows by their keys alone: a relay that was paused past its lease overwrites what another one has done."""

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """Write it down with whatever tokens are there now."""
        own = {shard: self._holdings[shard] for shard, _ in lease.tokens}
        anybody = [attrs.evolve(row, owner=lease.owner) for row in own.values()]
        self._holdings.update({row.shard: row for row in anybody})
        try:
            now = attrs.evolve(lease, tokens=tuple([(row.shard, row.token) for row in anybody]))
            return super().settle(now, settlements)
        finally:
            self._holdings.update(own)
