"""The ledger: which idempotency keys were used and for what, so that a command that is sent twice is done once.

`Ledger` is an optional protocol of a unit of work, `KeyPurging` one of a store. An entry holds no answer: a bus makes
it again from the history of the item, up to the version that the entry names (I2).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from casewright.domain.ids import ActorId, ItemId, Tenant

__all__ = ["AsyncKeyPurging", "AsyncLedger", "Expecting", "KeyPurging", "Ledger", "LedgerEntry"]


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """What a command has left under an idempotency key. It is final: no entry is ever written over.

    Attributes:
        tenant: Whose data it is.
        actor_id: Who sent the command; a key of another actor is another key (I6).
        key: The key.
        command: The name of the command's class.
        fingerprint: SHA-256 of what was asked for, in hexadecimal.
        item_id: The item that it was done to, or that it made.
        version: The version of that item after it; where it changed nothing, the version that it saw.
        changed: Whether it changed anything.
        recorded_at: When it was recorded (UTC).
    """

    tenant: Tenant
    actor_id: ActorId
    key: str
    command: str
    fingerprint: str
    item_id: ItemId
    version: int
    changed: bool
    recorded_at: datetime


@runtime_checkable
class Ledger(Protocol):
    """A unit of work that also keeps idempotency keys."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Return what was entered under a key of an actor of the tenant.

        What this unit has entered is seen at once; of what others do, only what they have committed. No item that is
        read after it is older than the entry: it has the entry's version at least.

        Args:
            actor_id: Whose key; one of another actor or another tenant is never seen (I6, A11).
            key: The key. A text that no store could hold is the key of no entry (S2).

        Returns:
            The entry, equal to the one that was entered. None where there is none.
        """
        ...

    def enter(self, entry: LedgerEntry) -> None:
        """Take an entry to be written together with what is recorded, or alone: all of it or nothing (T1, I4).

        The store may write here already, or only in `commit`. Of units that enter the same key at once just one
        commits; a unit whose rival rolls back commits as if there had been none (I1, I5). Nothing is left of an entry
        whose unit did not commit, and none is ever written over.

        Args:
            entry: The entry, of the unit's tenant.

        Raises:
            AlreadyExistsError: The key is taken, as in `UnitOfWork.record` either here or in `commit`. It names the
                key as ``item_id``, and has ``what="key"``.
            MisuseError: It is no entry, or of another tenant; or the unit only reads.
        """
        ...


@runtime_checkable
class AsyncLedger(Protocol):
    """A unit of work that also keeps idempotency keys; see `Ledger`."""

    async def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Return what was entered under a key of an actor of the tenant. See `Ledger.entry`."""
        ...

    async def enter(self, entry: LedgerEntry) -> None:
        """Take an entry to be written together with what is recorded, or alone. See `Ledger.enter`."""
        ...


@runtime_checkable
class Expecting(Protocol):
    """A unit of work that can read an entry and an item in one go, where it is told beforehand which item."""

    def expect(self, id: str) -> None:
        """Say which item will be asked for after the next entry. It reads nothing, and is a hint.

        Args:
            id: The item's id.
        """
        ...


@runtime_checkable
class KeyPurging(Protocol):
    """A store whose old ledger entries can be removed. After that their keys count as new (I7)."""

    def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove entries of all tenants that were recorded before a time; of no other.

        Args:
            before: The time (aware).
            limit: At most so many, from 1, in one transaction.

        Returns:
            How many were removed; less than the limit where no more are left.

        Raises:
            InvalidInputError: The time is naive, or the limit is less than 1.
            StorageError: The store could not do it.
        """
        ...


@runtime_checkable
class AsyncKeyPurging(Protocol):
    """A store whose old ledger entries can be removed; see `KeyPurging`."""

    async def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove entries of all tenants that were recorded before a time. See `KeyPurging.purge_keys`."""
        ...
