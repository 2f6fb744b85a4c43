"""The ports: what a store must be for a bus to work with it.

What is demanded here of every store has a test in the contract suite, as far as any store can be brought to it; what
takes a connection that breaks, a schema that is another one, or a transaction of the caller's, is tested with the
adapter. What is promised to a store, such as what it is never given, is tested with the bus.

The core contract is `Store` and `UnitOfWork`. Everything else (`Listing`, `Outbox`) is a protocol of its own that a
unit of work may also have; a bus that needs one that is not there says so in a MisuseError.

A store knows no definition: what it writes is in the `Change`, and what it reads back is plain data. It promises
read committed plus compare-and-set, and no more. A bus tries again after StaleVersionError and TransientStorageError,
and passes on every other error. Derive from `casewright.application.buffering.BufferingUnitOfWork`: it keeps most of
what is written here, and leaves an adapter one load and one flush to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self, runtime_checkable
from zlib import crc32

import attrs

from casewright.domain.events import Change, Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind

__all__ = [
    "SHARDS",
    "Items",
    "Joining",
    "Listing",
    "Outbox",
    "OutboxPointer",
    "Store",
    "UnitOfWork",
    "shard_of",
]


class Items(Protocol):
    """The items of one tenant, to be read one by one."""

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """Return the item as it is, deleted or not.

        What this unit has recorded is seen at once, with and without ``lock``.

        Args:
            id: Its id. An id of another tenant (A11), and one that no store could hold (S2), is the id of no item.
            lock: A hint that the item will be changed. A store that has row locks takes one; others pass it over.

        Returns:
            The item, equal to the one that was recorded, whatever it holds within the limits (S1); its instants are the
            same ones (S3), and nothing in it can be changed (E1). None where there is none.
        """
        ...


class UnitOfWork(Protocol):
    """What is read and written together, for one tenant. Used in a ``with`` block, by one thread.

    Of what others do, only what they have committed is seen, in memory as in a database (L5): at the first read of
    a unit, all that was committed before it; later no less than it has seen, and perhaps what was committed since.
    That goes across all that is read: neither histories and notes nor lists are older than an item that was read
    before them. Units that want the same item wait for each other, and none is refused for a lock that another one
    is about to give up (L3).

    A unit ends by `commit`, whether it returns or raises, by `rollback`, or with its block. Leaving the block without
    `commit` rolls back, whatever exception led out of it (T4); after `commit` nothing is undone. That exception is
    passed on. Once a unit has ended, `record`, `commit` and all that reads raise MisuseError; `rollback` and leaving
    the block do nothing.
    """

    @property
    def items(self) -> Items:
        """The items of the tenant."""
        ...

    def record(self, *changes: Change[Any]) -> None:
        """Take changes to be written: row, event, notes and outbox pointer, all together or not at all (T1, H2).

        Each version of a row has just one event (H1).

        This is the only way to write. Of a row that is there only the fields that differ between before and after
        are written. The changes of one decision are recorded in one call, and of a task and its case both are
        written, or neither (L2). Changes of one item chain: the second one is decided on what the first one made.

        The store may write here already, or only in `commit`; so each of the two conflicts below may come from either.
        After one, `record`, `commit` and all that reads raise MisuseError, and nothing is left to do but to roll back.
        After a MisuseError about changes nothing of this call is taken, and the unit may go on.

        What is checked of a change is that it belongs to its item and its event and that these follow the ones before;
        that its row is what its event makes is not, and only `verify` finds out.

        Args:
            changes: Sealed changes of items of the tenant; none at all are no error.

        Raises:
            MisuseError: What is given is no change, lacks a part, is not sealed, or does not fit its event; it is of
                another tenant; it opens or closes a task of a case, and the change by which the case counts that is
                not in this call, or the other way round; or the unit only reads.
            StaleVersionError: The item has another version, or another head, than the one the change was decided on
                (L1, H5). It names the item, and the version that was expected.
            AlreadyExistsError: A new item has an id that is taken in the tenant, by a task or a case, living or
                deleted; or a new note has the id of another note. It names the id as ``item_id``, and what was to have
                it, "item" or "note", as ``what``. Notes have ids of their own: one may have that of an item.
        """
        ...

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """Return the events of an item by version, each equal to the one that was recorded.

        The text of a payload comes back as it was hashed (H4), and an erased event comes back erased (H8).

        Args:
            id: The item's id.
            after: Only events of a later version than this, from 0.
            limit: At most so many, from 1, the earliest ones; None for all.

        Returns:
            The events; empty where there is no such item. Those that this unit has recorded are among them.

        Raises:
            InvalidInputError: ``after`` or ``limit`` is less than that.
        """
        ...

    def notes(self, id: str) -> Sequence[Note]:
        """Return the notes of an item, in the order in which they were added; empty where there is no such item.

        Those that this unit has recorded are among them.
        """
        ...

    def commit(self) -> None:
        """Write all that was recorded, and end the unit. Once it returns, every later unit sees all of it.

        Where nothing was recorded, also in a unit that only reads, it ends the unit and that is all. Where it raises,
        the unit has ended too.

        Raises:
            StaleVersionError: As for `record`.
            AlreadyExistsError: As for `record`.
            TransientStorageError: The store could not do it this time; nothing was written.
            StorageError: The store could not do it; nothing was written.
            OutcomeUnknownError: The connection was lost while it committed.
        """
        ...

    def rollback(self) -> None:
        """Drop all that was recorded, and end the unit. Once the unit has ended, this does nothing."""
        ...

    def __enter__(self) -> Self:
        """Return the unit."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back unless the unit has ended; pass every exception on."""
        ...


class Store(Protocol):
    """Where items, histories and notes are kept."""

    def begin(self, *, tenant: str, write: bool = True) -> UnitOfWork:
        """Return a new unit of work.

        Args:
            tenant: Whose data it reads and writes; nothing of another tenant is ever seen.
            write: Whether it may record. A unit that only reads sees no more and no less than one that writes.

        Raises:
            InvalidInputError: The tenant is neither empty nor one that a store could hold; see `as_tenant`.
            StorageError: The store cannot be reached, or holds another schema than it should.
        """
        ...


@runtime_checkable
class Joining(Protocol):
    """A store whose units take part in a transaction of the caller's: they never begin, commit or retry anything."""

    joined: bool
    """Whether they do. A bus passes a conflict in such a store on, since only the caller can begin anew."""


@runtime_checkable
class Listing(Protocol):
    """A unit of work that can also list items.

    Once it has recorded something itself, each answer counts that in, or is a MisuseError: it never lacks it.
    """

    terms: frozenset[TermKind]
    """The kinds of terms that it can translate: it is never given others."""

    orders: frozenset[OrderBy]
    """What it can order by, one at least: it is never given another."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> Sequence[Item]:
        """Return the items of a kind that are in the scope, in order; deleted ones are left out.

        Args:
            kind: Tasks or cases.
            where: Just the items that it `matches` are returned (A6).
            order: By code point of the ids, or by time of creation and then so.
            limit: At most so many, from 1, of those that are in the scope.
            after: Only items that come after it in this order; never a cursor of another one.

        Returns:
            The items.

        Raises:
            InvalidInputError: The limit is less than 1.
        """
        ...

    def count(self, kind: Kind, where: Scope) -> int:
        """Return how many items `find` would give without a limit."""
        ...


SHARDS: Final = 64
"""Into how many parts the outbox is divided; all events of an item are in one."""


def shard_of(tenant: Tenant, item_id: ItemId) -> int:
    """Return the part of the outbox that the events of an item are in: the same in every process and for ever."""
    return crc32(f"{tenant}\n{item_id}".encode()) % SHARDS


@attrs.frozen(kw_only=True)
class OutboxPointer:
    """What says that an event is to be published: a pointer, never a copy.

    Attributes:
        shard: See `shard_of`.
        tenant: Whose data it is.
        item_id: The item.
        version: The version of the event.
        attempts: How often it was tried.
        next_at: When to try again (UTC); None for at once.
        error: What the last attempt failed with, without any payload; None where none did.
        dead_at: When it was given up (UTC), until somebody has it tried again; None where it was not.
    """

    shard: int
    tenant: Tenant
    item_id: ItemId
    version: int
    attempts: int = 0
    next_at: datetime | None = None
    error: str | None = None
    dead_at: datetime | None = None


@runtime_checkable
class Outbox(Protocol):
    """A unit of work that also says what is to be published. What it has recorded itself, it treats as `Listing`."""

    def pending(self, *, limit: int) -> Sequence[OutboxPointer]:
        """Return pointers to events of the tenant that are not published yet.

        Each event whose change says ``published`` has one, from the commit that wrote it on (O1).

        Args:
            limit: At most so many, from 1.

        Returns:
            The pointers by item id (by code point) and version.

        Raises:
            InvalidInputError: The limit is less than 1.
        """
        ...
