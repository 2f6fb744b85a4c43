"""Stores whose outbox is relayed or kept wrongly: one bug each, beside those that are shipped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from casewright import Batch, Lease, Place, Settlement
from casewright.adapters.memory import MemoryStore


class DropsPoison(MemoryStore):
    """What was refused for the last time is gone, and nobody is told."""

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """Take what is dead for delivered."""
        return super().settle(lease, [attrs.evolve(one, error=None) if one.dead else one for one in settlements])


class TriesForEver(MemoryStore):
    """What is dead is due again at once."""

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """Take what is dead for refused."""
        return super().settle(lease, [attrs.evolve(one, dead=False) for one in settlements])


class TellsTodaysItem(MemoryStore):
    """Each message holds the item as it is now."""

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Put in today's items."""
        batch = super().due(lease, after=after, limit=limit)
        due = []
        for one in batch.due:
            item = self.item(one.pointer.tenant, one.pointer.item_id)
            assert one.message is not None
            assert item is not None
            due.append(attrs.evolve(one, message=attrs.evolve(one.message, item=item)))
        return attrs.evolve(batch, due=tuple(due))


class GoesOnAfterTheRefused(MemoryStore):
    """Only the message that was refused waits, and the later ones of its item overtake it."""

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Look at each message for itself."""
        kept = dict(self._fates)
        now = self._now()
        waiting = {key for key, fate in kept.items() if fate.pointer.next_at is not None and fate.pointer.next_at > now}
        self._fates.update({key: attrs.evolve(kept[key], dropped=True) for key in waiting})
        try:
            return super().due(lease, after=after, limit=limit)
        finally:
            self._fates.update(kept)


class KeepsTheToken(MemoryStore):
    """A part that is taken over keeps its token."""

    def lease(self, owner: str, *, period: timedelta, most: int = 64) -> Lease:
        """Give tokens that never grow."""
        lease = super().lease(owner, period=period, most=most)
        return attrs.evolve(lease, tokens=tuple([(shard, 1) for shard in lease.shards]))


class NeverMakesRoom(MemoryStore):
    """Who holds all of it goes on doing so."""

    def lease(self, owner: str, *, period: timedelta, most: int = 64) -> Lease:
        """See nobody else."""
        seats = {shard: row for shard, row in self._holdings.items() if shard >= 64 and row.owner != owner}
        for shard in seats:
            del self._holdings[shard]
        return super().lease(owner, period=period, most=most)


class PurgesWhatIsOld(MemoryStore):
    """Purges by age, published or not."""

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """Drop whatever was tried."""
        self._fates.update({key: attrs.evolve(fate, dropped=True) for key, fate in self._fates.items()})
        return super().purge_published(before=before, limit=limit)


class ForgetsTheLimit(MemoryStore):
    """Purges all at once."""

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """Take no limit."""
        return super().purge_published(before=before, limit=limit * 1000 if limit > 0 else limit)


class ReplaysWithItsAttempts(MemoryStore):
    """A dead letter that is replayed dies again at its first refusal."""

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """Leave the attempts as they are."""
        attempts = {key: fate.pointer.attempts for key, fate in self._fates.items()}
        count = super().replay_dead(tenant=tenant, item_id=item_id)
        anew: dict[Any, Any] = {}
        for key, fate in self._fates.items():
            anew[key] = attrs.evolve(fate, pointer=attrs.evolve(fate.pointer, attempts=attempts[key]))
        self._fates.update(anew)
        return count
