"""The ports of a relay: what a store must be whose outbox is to be delivered, and what those who keep it can ask.

They are ports of a store and not of a unit of work, since a relay serves all tenants. What is demanded has its test in
`casewright.testing.contracts.RelayContract`.

Two things keep the order of each item, and neither is a clock or a sequence. What is due is a set: all that is not
published yet, item by item and by version, so that a transaction which commits late is in it whenever it commits (O3).
And each part of the outbox is leased with a token that grows whenever it gets another owner, which is compared where
deliveries are acknowledged (O6).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

import attrs

from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.publishing import Message
from casewright.domain.ids import ItemId, Tenant

__all__ = [
    "LONGEST_LEASE",
    "LONGEST_PAUSE",
    "AsyncOutboxKeeping",
    "AsyncRelaying",
    "Backlog",
    "Batch",
    "Due",
    "Lease",
    "OutboxKeeping",
    "Place",
    "Relaying",
    "Settlement",
]

LONGEST_LEASE: Final = timedelta(minutes=10)
"""The longest period of a lease. One that ends later was taken before a clock was set back, and holds nobody up."""

LONGEST_PAUSE: Final = timedelta(hours=1)
"""The longest pause between two attempts; one that ends later was begun before a clock was set back."""


@attrs.frozen(kw_only=True)
class Lease:
    """Which parts of the outbox a relay holds.

    Attributes:
        owner: Who holds them.
        tokens: Of each part its number and its fencing token, by number.
        now: The store's time when they were leased (UTC).
        expires_at: Until when (UTC), by the store's clock.
    """

    owner: str
    tokens: tuple[tuple[int, int], ...]
    now: datetime
    expires_at: datetime

    @property
    def shards(self) -> tuple[int, ...]:
        """The numbers of the parts."""
        return tuple([shard for shard, _ in self.tokens])


@attrs.frozen(order=True)
class Place:
    """Where an item stands in the order in which a relay goes through the outbox.

    Attributes:
        shard: The part of the outbox; see `shard_of`.
        tenant: Whose data it is.
        item_id: The item.
    """

    shard: int
    tenant: Tenant
    item_id: ItemId

    @classmethod
    def of(cls, pointer: OutboxPointer) -> Place:
        """Return the place of the item of a pointer."""
        return cls(pointer.shard, pointer.tenant, pointer.item_id)


@attrs.frozen(kw_only=True)
class Due:
    """An event that is to be delivered.

    Attributes:
        pointer: What says so.
        message: What is delivered; None where it cannot be read.
        problem: Why it cannot be read, without any payload; empty where it can.
    """

    pointer: OutboxPointer
    message: Message | None
    problem: str = ""


@attrs.frozen(kw_only=True)
class Batch:
    """What is due.

    Attributes:
        now: The store's time (UTC).
        due: Events by shard, tenant, item and version; those of an item without a gap, from its first one on.
    """

    now: datetime
    due: tuple[Due, ...]


@attrs.frozen(kw_only=True)
class Settlement:
    """What came of one attempt to deliver an event.

    Attributes:
        pointer: Which one, as it was due.
        error: Why it was not delivered, without any payload; None where it was.
        pause: For how long to leave it and its item alone.
        dead: Whether it is given up, and its item waits for somebody to replay or drop it.
    """

    pointer: OutboxPointer
    error: str | None = None
    pause: timedelta = timedelta(0)
    dead: bool = False


@attrs.frozen(kw_only=True)
class Backlog:
    """What is not published yet, of all tenants.

    Attributes:
        now: The store's time (UTC).
        pending: How many messages nothing keeps from being delivered.
        parked: How many wait for an earlier one of their item, or for their next attempt.
        dead: How many are dead letters.
        oldest: When the oldest one was recorded that is no dead letter (UTC); None where there is none.
    """

    now: datetime
    pending: int
    parked: int
    dead: int
    oldest: datetime | None

    @property
    def lag(self) -> timedelta:
        """How old the oldest one is; never less than nothing, whatever clocks say."""
        return timedelta(0) if self.oldest is None else max(self.now - self.oldest, timedelta(0))


@runtime_checkable
class Relaying(Protocol):
    """A store whose outbox can be delivered by any number of relays at once. All times are the store's own (O8)."""

    def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """Take, renew and give back parts of the outbox, so that all owners have a fair share, and return what is held.

        What the owner holds is renewed, with its token, also where it has run out and nobody has taken it. What nobody
        holds, or whose lease has run out, is taken, with a new token that is greater than all it had before. What is
        more than the share is given back. The share is 64 by the number of owners that have asked within their
        period, rounded up; so the next time that they ask, others make room for a new one.

        Args:
            owner: Who asks; another name for each relay that runs.
            period: For how long, from 0, where it runs out at once, to `LONGEST_LEASE`.
            most: At most so many parts, from 0.

        Raises:
            InvalidInputError: An argument is none of that.
        """
        ...

    def release(self, owner: str) -> None:
        """Give back all that the owner holds, so that others need not wait until it runs out."""
        ...

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """Return what is due of the parts that are held, by shard, tenant, item (by code point) and version.

        All that is committed and not published is due (O1, O3), but for items that are parked: where the first event of
        an item waits for its next attempt, or is a dead letter, nothing of the item is due (O4). Of an item that does
        not fit into the limit, the first events are given.

        Args:
            lease: What `lease` has returned.
            after: Only items that come after this place; all where None.
            limit: At most so many, from 1 to 1000.

        Returns:
            The batch. Each message holds the item as its event has left it, not as it is now.

        Raises:
            InvalidInputError: The limit is none of that.
        """
        ...

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> Sequence[bool]:
        """Write down what came of a batch, in one transaction.

        What was delivered is published, once and for all. What was not has one attempt more, and is due again after
        the pause, or is a dead letter. Nothing is written of a part that has had another owner since it was leased, or
        was given back: its token is another one (O6).

        Args:
            lease: The lease with which it was due.
            settlements: Each of another event.

        Returns:
            For each whether it was written.
        """
        ...


@runtime_checkable
class OutboxKeeping(Protocol):
    """A store whose outbox can be looked after."""

    def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> Sequence[OutboxPointer]:
        """Return dead letters of all tenants, by tenant, item (by code point) and version (O5).

        Args:
            limit: At most so many, from 1.
            after: Only those that come after this one; all where None.

        Raises:
            InvalidInputError: The limit is less than 1.
        """
        ...

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """Let dead letters be tried again, as often as new ones, in the order of their items (O5).

        Args:
            tenant: Only those of this tenant; of all where None.
            item_id: Only those of items of this id; of all where None.

        Returns:
            How many there were.
        """
        ...

    def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """Drop one dead letter for good: its event is never published, and the later ones of its item go on (O5).

        Nothing else ever drops what was not published, and nothing that is no dead letter is dropped here. The event
        stays in the history.

        Returns:
            How many were dropped: 1, or 0 where this is no dead letter.
        """
        ...

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """Drop pointers to events that were published before a time, the oldest first (O5).

        Args:
            before: The time (aware).
            limit: At most so many, from 1, in one transaction. Call it until it returns less.

        Returns:
            How many were dropped.

        Raises:
            InvalidInputError: The time is naive, or the limit is less than 1.
        """
        ...

    def backlog(self) -> Backlog:
        """Return how much is not published yet. It looks at all of that, so do not ask at each turn."""
        ...


@runtime_checkable
class AsyncRelaying(Protocol):
    """`Relaying` for a store that is awaited."""

    async def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`."""
        ...

    async def release(self, owner: str) -> None:
        """See `Relaying.release`."""
        ...

    async def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`."""
        ...

    async def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> Sequence[bool]:
        """See `Relaying.settle`."""
        ...


@runtime_checkable
class AsyncOutboxKeeping(Protocol):
    """`OutboxKeeping` for a store that is awaited."""

    async def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> Sequence[OutboxPointer]:
        """See `OutboxKeeping.dead_letters`."""
        ...

    async def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`."""
        ...

    async def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`."""
        ...

    async def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`."""
        ...

    async def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`."""
        ...
