"""How long idempotency keys are kept, and what removes those that are older (I7). The host says when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from casewright.application.ledger import AsyncKeyPurging, KeyPurging
from casewright.application.new_ids import Clock, system_clock
from casewright.domain.values import as_instant, as_integer
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["KEY_RETENTION", "async_purge_keys", "purge_keys"]

KEY_RETENTION: Final = timedelta(hours=72)
"""How long a key is kept where nobody says otherwise: a retry that comes later is a new command."""

_FIRST: Final = datetime.min.replace(tzinfo=UTC)


def purge_keys(
    store: KeyPurging, *, clock: Clock = system_clock, retention: timedelta = KEY_RETENTION, batch: int = 1000
) -> int:
    """Remove all idempotency keys that are older than they need to be, a batch after the other.

    Args:
        store: Where they are kept.
        clock: Tells the time.
        retention: How long keys are kept.
        batch: How many are removed in one transaction.

    Returns:
        How many were removed.

    Raises:
        MisuseError: The store cannot purge keys.
        InvalidInputError: The retention is no timedelta, or negative; or the batch is less than 1.
        StorageError: The store could not do it; the batches before stay removed.
    """
    if not isinstance(store, KeyPurging):
        raise _no_purging(store)
    before, limit = _bounds(clock, retention, batch)
    removed = 0
    while True:
        found = store.purge_keys(before=before, limit=limit)
        removed += found
        if found < limit:
            return removed


async def async_purge_keys(
    store: AsyncKeyPurging, *, clock: Clock = system_clock, retention: timedelta = KEY_RETENTION, batch: int = 1000
) -> int:
    """Remove all idempotency keys that are older than they need to be; see `purge_keys`.

    Args:
        store: As for `purge_keys`, and so all that follows.
        clock: Tells the time.
        retention: How long keys are kept.
        batch: How many are removed in one transaction.

    Returns:
        How many were removed.

    Raises:
        MisuseError: As for `purge_keys`.
        InvalidInputError: As for `purge_keys`.
        StorageError: As for `purge_keys`.
    """
    if not isinstance(store, AsyncKeyPurging):
        raise _no_purging(store)
    before, limit = _bounds(clock, retention, batch)
    removed = 0
    while True:
        found = await store.purge_keys(before=before, limit=limit)
        removed += found
        if found < limit:
            return removed


def _no_purging(store: object) -> MisuseError:
    return MisuseError(f"a {type(store).__name__} has no purge_keys", "pass a store that keeps idempotency keys")


def _bounds(clock: Clock, retention: timedelta, batch: int) -> tuple[datetime, int]:
    if not isinstance(retention, timedelta) or retention < timedelta(0):
        raise InvalidInputError("retention", "must be a timedelta that is not negative", "timedelta(hours=72)")
    now = as_instant(clock(), "clock")
    return now - min(retention, now - _FIRST), as_integer(batch, "batch", least=1)
