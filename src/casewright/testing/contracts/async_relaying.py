"""`AsyncRelayContract`: the very same tests for a store that is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from casewright.application.async_ports import AsyncStore
from casewright.application.ports import SHARDS, OutboxPointer, Store
from casewright.application.relaying import Backlog, Batch, Lease, Place, Settlement
from casewright.testing.contracts.asynchronous import _AsyncContract
from casewright.testing.contracts.relaying import RelayContract
from casewright.testing.portal import Portal, SynchronousStore

__all__ = ["AsyncRelayContract", "SynchronousRelaying"]


class AsyncRelayContract(_AsyncContract, RelayContract):
    """What a store promises that is `AsyncRelaying` and `AsyncOutboxKeeping`. Give the fixture ``async_store``."""

    @pytest.fixture
    def store(self, async_store: AsyncStore, portal: Portal) -> Store:
        """Give the store as a plain one."""
        return SynchronousRelaying(async_store, portal)


class SynchronousRelaying(SynchronousStore):
    """An asynchronous store as a plain one, whose outbox can be relayed and kept.

    Args:
        store: The store.
        portal: Where it runs.
    """

    def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`."""
        lease: Lease = self._call("lease", owner, period=period, most=most)
        return lease

    def release(self, owner: str) -> None:
        """See `Relaying.release`."""
        self._call("release", owner)

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`."""
        batch: Batch = self._call("due", lease, after=after, limit=limit)
        return batch

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> Sequence[bool]:
        """See `Relaying.settle`."""
        written: Sequence[bool] = self._call("settle", lease, settlements)
        return written

    def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> Sequence[OutboxPointer]:
        """See `OutboxKeeping.dead_letters`."""
        letters: Sequence[OutboxPointer] = self._call("dead_letters", limit=limit, after=after)
        return letters

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`."""
        count: int = self._call("replay_dead", tenant=tenant, item_id=item_id)
        return count

    def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`."""
        count: int = self._call("purge_dead", tenant=tenant, item_id=item_id, version=version)
        return count

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`."""
        count: int = self._call("purge_published", before=before, limit=limit)
        return count

    def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`."""
        backlog: Backlog = self._call("backlog")
        return backlog

    def _call(self, name: str, *arguments: object, **named: object) -> Any:  # noqa: ANN401 - what the method gives
        async def called() -> object:
            answer = getattr(self.inner, name)(*arguments, **named)
            assert asyncio.iscoroutine(answer), f"{name}() gives a {type(answer).__name__}, and no coroutine"
            return await answer

        return self._portal.run(called())
