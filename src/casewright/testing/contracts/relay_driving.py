"""What the parts of `RelayContract` share: ways to lease, to ask and to settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

from casewright.application.ports import Store
from casewright.application.relaying import Due, Lease, OutboxKeeping, Relaying, Settlement
from casewright.domain.catalog import TASK
from casewright.testing.contracts.driving import Changes, created, edited

__all__ = ["LONG", "NOW", "RelayStore", "all_due", "all_leased", "histories", "ids", "refusal", "relaying", "told"]

LONG: Final = timedelta(minutes=5)
"""A period that does not run out in a test."""

NOW: Final = timedelta(0)
"""A period that has run out at once."""


class RelayStore(Store, Relaying, OutboxKeeping, Protocol):
    """What the contract is about."""


def relaying(store: Store) -> RelayStore:
    """Return the store as what it must be."""
    assert isinstance(store, Relaying), "a store that can be relayed has lease(), release(), due() and settle()"
    assert isinstance(store, OutboxKeeping), "a store whose outbox can be kept has dead_letters(), backlog() and others"
    return store


def all_leased(store: Store, owner: str = "a", *, period: timedelta = LONG) -> Lease:
    """Return a lease of all that can be had."""
    return relaying(store).lease(owner, period=period)


def all_due(store: Store, lease: Lease) -> Sequence[Due]:
    """Return all that is due of the parts that are leased."""
    return relaying(store).due(lease, limit=1000).due


def ids(due: Sequence[Due]) -> list[str]:
    """Return the ids of the events."""
    return [f"{one.pointer.item_id}.{one.pointer.version}" for one in due]


def told(due: Sequence[Due]) -> list[Settlement]:
    """Return that all of them were delivered."""
    return [Settlement(pointer=one.pointer) for one in due]


def refusal(due: Due, *, pause: timedelta = NOW, dead: bool = False) -> Settlement:
    """Return that one was not."""
    return Settlement(pointer=due.pointer, error="the broker said no", pause=pause, dead=dead)


def histories(*item_ids: str, versions: int = 2, tenant: str = "") -> Changes:
    """Return changes that make tasks with so many events each."""
    changes: Changes = ()
    for item_id in item_ids:
        changes += created(TASK, item_id, tenant=tenant)
        for number in range(1, versions):
            changes += edited(changes[-1].after, f"{item_id} {number}")
    return changes
