"""What makes the outbox of a `MemoryStore` one that can be relayed and kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from threading import Lock
from typing import TypeAlias

import attrs

from casewright.application.leasing import Holding, check_batch, check_lease, is_parked, missing, share
from casewright.application.messages import due as due_of
from casewright.application.messages import left_by
from casewright.application.new_ids import Clock
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import Backlog, Batch, Due, Lease, Place, Settlement
from casewright.domain.events import Event
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.values import as_instant, as_integer

__all__ = ["Fate", "MemoryRelaying"]

_Key: TypeAlias = tuple[Tenant, ItemId, int]


@attrs.frozen
class Fate:
    """What came of a pointer since it was written.

    Attributes:
        pointer: It, as it is now.
        published_at: When it was published; None where it was not.
        dropped: Whether it is gone.
    """

    pointer: OutboxPointer
    published_at: datetime | None = None
    dropped: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is still to be published."""
        return self.published_at is None and not self.dropped


class MemoryRelaying(ABC):
    """`Relaying` and `OutboxKeeping` in memory. What is written in one call is one update of one dict (T1)."""

    _lock: Lock
    _clock: Clock

    def __init__(self) -> None:
        """Begin with nothing tried and nothing leased."""
        self._fates: dict[_Key, Fate] = {}
        self._holdings: dict[int, Holding] = {}

    @abstractmethod
    def all_pointers(self) -> Iterator[OutboxPointer]:
        """Yield the pointers of all tenants, as they were written; those of an item by version."""

    @abstractmethod
    def history(self, tenant: Tenant, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        """Return the events of an item."""

    def fate(self, pointer: OutboxPointer) -> Fate:
        """Return what came of a pointer."""
        return self._fates.get(_key(pointer)) or Fate(pointer)

    def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`."""
        check_lease(owner, period, most)
        with self._lock:
            now = self._now()
            rows = list(self._holdings.values())
            rows += missing(rows, owner, now)
            sharing = share(sorted(rows, key=lambda row: row.shard), owner, now, most)
            until = now + period
            held = [attrs.evolve(row, expires_at=until) for row in sharing.kept]
            held += [attrs.evolve(row, owner=owner, token=row.token + 1, expires_at=until) for row in sharing.taken]
            given = [attrs.evolve(row, owner=None, expires_at=None) for row in sharing.given]
            self._holdings.update({row.shard: row for row in (*rows, *held, *given)})
            return sharing.lease(owner, now, period)

    def release(self, owner: str) -> None:
        """See `Relaying.release`."""
        with self._lock:
            own = [row for row in self._holdings.values() if row.owner == owner]
            self._holdings.update({row.shard: attrs.evolve(row, owner=None, expires_at=None) for row in own})

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`."""
        most = check_batch(limit)
        with self._lock:
            now = self._now()
            held = set(lease.shards)
            items = [
                own
                for place, own in self._open_items()
                if place.shard in held and (after is None or place > after) and not _is_stuck(own, now)
            ]
            due = (one for own in items for one in self._messages(own))
            return Batch(now=now, due=tuple(islice(due, most)))

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """See `Relaying.settle`."""
        with self._lock:
            now = self._now()
            held = {shard for shard, token in lease.tokens if self._is_held(lease.owner, shard, token)}
            written = tuple([one.pointer.shard in held for one in settlements])
            fates = [
                _settled(self.fate(one.pointer), one, now)
                for one, there in zip(settlements, written, strict=True)
                if there
            ]
            self._fates.update({_key(fate.pointer): fate for fate in fates})
            return written

    def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> tuple[OutboxPointer, ...]:
        """See `OutboxKeeping.dead_letters`."""
        most = as_integer(limit, "limit", least=1)
        with self._lock:
            keys = sorted([key for key, fate in self._fates.items() if _is_dead(fate)])
            later = [self._fates[key].pointer for key in keys if after is None or key > _key(after)]
            return tuple(later[:most])

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`."""
        with self._lock:
            dead = [
                fate.pointer
                for (owner, item, _), fate in self._fates.items()
                if _is_dead(fate) and tenant in {None, owner} and item_id in {None, item}
            ]
            anew = [attrs.evolve(pointer, attempts=0, next_at=None, dead_at=None) for pointer in dead]
            self._fates.update({_key(pointer): Fate(pointer) for pointer in anew})
            return len(dead)

    def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`."""
        key = (Tenant(tenant), ItemId(item_id), version)
        with self._lock:
            fate = self._fates.get(key)
            if fate is None or not _is_dead(fate):
                return 0
            self._fates[key] = attrs.evolve(fate, dropped=True)
            return 1

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`."""
        moment, most = as_instant(before, "before"), as_integer(limit, "limit", least=1)
        with self._lock:
            old = sorted(
                [
                    (fate.published_at, key)
                    for key, fate in self._fates.items()
                    if fate.published_at is not None and fate.published_at < moment and not fate.dropped
                ]
            )[:most]
            self._fates.update({key: attrs.evolve(self._fates[key], dropped=True) for _, key in old})
            return len(old)

    def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`."""
        with self._lock:
            now = self._now()
            left = [(pointer, _is_stuck(own, now)) for _, own in self._open_items() for pointer in own]
            living = [(pointer, stuck) for pointer, stuck in left if pointer.dead_at is None]
            recorded = [self._recorded_at(pointer) for pointer, _ in living]
            return Backlog(
                now=now,
                pending=sum(not stuck for _, stuck in living),
                parked=sum(stuck for _, stuck in living),
                dead=len(left) - len(living),
                oldest=min([moment for moment in recorded if moment is not None], default=None),
            )

    def _now(self) -> datetime:
        return as_instant(self._clock(), "clock")

    def _is_held(self, owner: str, shard: int, token: int) -> bool:
        row = self._holdings.get(shard)
        return row is not None and (row.owner, row.token) == (owner, token)

    def _open_items(self) -> list[tuple[Place, list[OutboxPointer]]]:
        """Return what is to be published of each item, by place."""
        left = [fate.pointer for pointer in self.all_pointers() if (fate := self.fate(pointer)).is_open]
        left.sort(key=lambda pointer: (Place.of(pointer), pointer.version))
        return [(place, list(own)) for place, own in groupby(left, key=Place.of)]

    def _messages(self, pointers: Sequence[OutboxPointer]) -> Iterator[Due]:
        first = pointers[0]
        history = self.history(first.tenant, first.item_id, after=0, limit=None)
        events = {event.version: event for event in history}
        versions = {pointer.version for pointer in pointers}
        items, problem = left_by(history[: max(versions)], versions)
        for pointer in pointers:
            version = pointer.version
            yield due_of(pointer, events.get(version), items.get(version), problem)

    def _recorded_at(self, pointer: OutboxPointer) -> datetime | None:
        events = self.history(pointer.tenant, pointer.item_id, after=pointer.version - 1, limit=1)
        return events[0].recorded_at if events else None


def _key(pointer: OutboxPointer) -> _Key:
    return pointer.tenant, pointer.item_id, pointer.version


def _is_dead(fate: Fate) -> bool:
    return fate.is_open and fate.pointer.dead_at is not None


def _is_stuck(pointers: Sequence[OutboxPointer], now: datetime) -> bool:
    return any(pointer.dead_at is not None or is_parked(pointer.next_at, now) for pointer in pointers)


def _settled(fate: Fate, settlement: Settlement, now: datetime) -> Fate:
    if not fate.is_open:
        return fate
    tried = attrs.evolve(fate.pointer, attempts=fate.pointer.attempts + 1, error=settlement.error)
    if settlement.error is None:
        return Fate(attrs.evolve(tried, next_at=None), published_at=now)
    if settlement.dead:
        return Fate(attrs.evolve(tried, next_at=None, dead_at=now))
    return Fate(attrs.evolve(tried, next_at=now + settlement.pause))
