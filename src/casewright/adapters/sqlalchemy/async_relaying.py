"""What makes the outbox of an `AsyncSqlAlchemyStore` one that can be relayed and kept: each call is one hop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from casewright.adapters.sqlalchemy.relaying import SqlRelaying
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import Backlog, Batch, Lease, Place, Settlement

__all__ = ["AsyncSqlRelaying"]

T = TypeVar("T")


class AsyncSqlRelaying(ABC):
    """`AsyncRelaying` and `AsyncOutboxKeeping` in a SQL database."""

    _relaying: SqlRelaying

    @abstractmethod
    async def _run(self, work: Callable[[], T], *, write: bool = False) -> T:
        """Do the work in one hop."""

    async def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`."""
        return await self._run(partial(self._relaying.lease, owner, period=period, most=most), write=True)

    async def release(self, owner: str) -> None:
        """See `Relaying.release`."""
        await self._run(partial(self._relaying.release, owner), write=True)

    async def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`."""
        return await self._run(partial(self._relaying.due, lease, after=after, limit=limit))

    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """See `Relaying.settle`."""
        return await self._run(partial(self._relaying.settle, lease, settlements), write=True)

    async def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> tuple[OutboxPointer, ...]:
        """See `OutboxKeeping.dead_letters`."""
        return await self._run(partial(self._relaying.dead_letters, limit=limit, after=after))

    async def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`."""
        return await self._run(partial(self._relaying.replay_dead, tenant=tenant, item_id=item_id), write=True)

    async def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`."""
        work = partial(self._relaying.purge_dead, tenant=tenant, item_id=item_id, version=version)
        return await self._run(work, write=True)

    async def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`."""
        return await self._run(partial(self._relaying.purge_published, before=before, limit=limit), write=True)

    async def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`."""
        return await self._run(self._relaying.backlog)
