"""What makes the outbox of an `AsyncMemoryStore` one that can be relayed and kept."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from types import coroutine

from casewright.adapters.memory.relaying import MemoryRelaying
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import Backlog, Batch, Lease, Place, Settlement

__all__ = ["AsyncMemoryRelaying", "others_first"]


@coroutine
def others_first() -> Generator[None, None, None]:
    """Let the event loop run the other tasks: what `asyncio.sleep(0)` does, without loading asyncio."""
    yield


class AsyncMemoryRelaying:
    """`AsyncRelaying` and `AsyncOutboxKeeping` in memory."""

    _plain: MemoryRelaying

    async def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`."""
        await others_first()
        return self._plain.lease(owner, period=period, most=most)

    async def release(self, owner: str) -> None:
        """See `Relaying.release`."""
        await others_first()
        self._plain.release(owner)

    async def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`."""
        await others_first()
        return self._plain.due(lease, after=after, limit=limit)

    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """See `Relaying.settle`."""
        await others_first()
        return self._plain.settle(lease, settlements)

    async def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> tuple[OutboxPointer, ...]:
        """See `OutboxKeeping.dead_letters`."""
        await others_first()
        return self._plain.dead_letters(limit=limit, after=after)

    async def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`."""
        await others_first()
        return self._plain.replay_dead(tenant=tenant, item_id=item_id)

    async def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`."""
        await others_first()
        return self._plain.purge_dead(tenant=tenant, item_id=item_id, version=version)

    async def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`."""
        await others_first()
        return self._plain.purge_published(before=before, limit=limit)

    async def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`."""
        await others_first()
        return self._plain.backlog()
