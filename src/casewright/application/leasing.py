"""Who gets which part of the outbox: the pure rule by which every store shares it out.

A store keeps one row for each part, and behind them one *seat* for each relay that was ever there at the same time. A
relay that holds no part yet is seen by its seat: without it nobody would make room for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from casewright.application.ports import SHARDS
from casewright.application.relaying import LONGEST_LEASE, LONGEST_PAUSE, Lease
from casewright.domain.values import MAX_ID, as_integer, as_name
from casewright.errors import InvalidInputError

__all__ = ["MAX_BATCH", "Holding", "Pace", "Sharing", "check_batch", "check_lease", "is_parked", "missing", "share"]

MAX_BATCH: Final = 1000
"""How many events one batch may hold."""


@attrs.frozen
class Holding:
    """One row: a part of the outbox, or a seat.

    Attributes:
        shard: The number of the part; seats go on from `SHARDS`.
        owner: Who holds it; None where nobody does.
        token: How often it has had another owner.
        expires_at: Until when it is held (UTC); None where it is not.
    """

    shard: int
    owner: str | None = None
    token: int = 0
    expires_at: datetime | None = None

    def is_held(self, now: datetime) -> bool:
        """Return whether somebody holds it, and has not taken it before a clock was set back."""
        return self.expires_at is not None and now < self.expires_at <= now + LONGEST_LEASE


@attrs.frozen(kw_only=True)
class Sharing:
    """What becomes of the rows.

    Attributes:
        kept: The owner renews these.
        taken: The owner takes these, and their tokens grow by one.
        given: The owner gives these back.
    """

    kept: tuple[Holding, ...]
    taken: tuple[Holding, ...]
    given: tuple[Holding, ...]

    def lease(self, owner: str, now: datetime, period: timedelta) -> Lease:
        """Return the lease that the owner has then."""
        tokens = [(row.shard, row.token) for row in self.kept] + [(row.shard, row.token + 1) for row in self.taken]
        held = tuple(sorted([pair for pair in tokens if pair[0] < SHARDS]))
        return Lease(owner=owner, tokens=held, now=now, expires_at=now + period)


class Pace:
    """How many messages a relay hands over at once: as many as it can acknowledge before its lease has run out.

    Two relays of a slow publisher would else take over from each other for ever, deliver all and acknowledge nothing.

    Args:
        period: For how long the relay leases; where that is nothing, nothing fits.
    """

    def __init__(self, period: timedelta) -> None:
        """Begin with as many as there may be."""
        self._longest = period.total_seconds() / 3
        self._most = MAX_BATCH

    def most(self, limit: int) -> int:
        """Return how many at most, where somebody wants so many."""
        return min(limit, self._most)

    def took(self, count: int, seconds: float) -> None:
        """Take for how long a batch of so many has taken."""
        if seconds > self._longest > 0:
            self._most = max(1, min(count, self._most) // 2)
        elif count and seconds < self._longest / 2:
            self._most = min(MAX_BATCH, self._most + 1 + self._most // 10)


def missing(rows: Sequence[Holding], owner: str, now: datetime) -> tuple[Holding, ...]:
    """Return the rows that must be made before anything can be shared: all parts, and a seat for the owner.

    Args:
        rows: Those that are there.
        owner: Who asks.
        now: The store's time.
    """
    parts = set(range(SHARDS)) - {row.shard for row in rows}
    seats = [row for row in rows if row.shard >= SHARDS]
    if not any(row.owner == owner or not row.is_held(now) for row in seats):
        parts.add(SHARDS + len(seats))
    return tuple(map(Holding, sorted(parts)))


def share(rows: Sequence[Holding], owner: str, now: datetime, most: int) -> Sharing:
    """Share out the parts; see `Relaying.lease`.

    Args:
        rows: All rows, by number.
        owner: Who asks.
        now: The store's time.
        most: At most so many parts.
    """
    owners = {row.owner for row in rows if row.is_held(now)} | {owner}
    fair = min(most, -(-SHARDS // len(owners)))
    seats, parts = [row for row in rows if row.shard >= SHARDS], [row for row in rows if row.shard < SHARDS]
    own = [row for row in parts if row.owner == owner]
    free = [row for row in parts if row.owner != owner and not row.is_held(now)]
    seated = [row for row in seats if row.owner == owner]
    empty = [row for row in seats if row.owner != owner and not row.is_held(now)]
    return Sharing(
        kept=(*own[:fair], *seated),
        taken=(*free[: max(fair - len(own), 0)], *(() if seated else empty[:1])),
        given=tuple(own[fair:]),
    )


def check_lease(owner: str, period: timedelta, most: int) -> None:
    """Check the arguments of `Relaying.lease`.

    Raises:
        InvalidInputError: One of them is none.
    """
    as_name(owner, "owner", MAX_ID)
    as_integer(most, "most", least=0)
    if not isinstance(period, timedelta) or not timedelta(0) <= period <= LONGEST_LEASE:
        raise InvalidInputError("period", "must be a timedelta from 0 to 10 minutes", "timedelta(seconds=30)")


def check_batch(limit: int) -> int:
    """Return how many events a batch may hold.

    Raises:
        InvalidInputError: It is none, less than 1 or more than `MAX_BATCH`.
    """
    if as_integer(limit, "limit", least=1) > MAX_BATCH:
        raise InvalidInputError("limit", f"must be from 1 to {MAX_BATCH}")
    return limit


def is_parked(next_at: datetime | None, now: datetime) -> bool:
    """Return whether an event waits for its next attempt, and not only since a clock was set back."""
    return next_at is not None and now < next_at <= now + LONGEST_PAUSE
