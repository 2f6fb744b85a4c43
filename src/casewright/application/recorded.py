"""`Recorded`: what a unit of work has recorded, and all that follows from it without asking the store.

It is what `BufferingUnitOfWork` and `AsyncBufferingUnitOfWork` share: these two only add the calls into the adapter.
"""

from __future__ import annotations

from typing import Any

from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer, shard_of
from casewright.application.writes import RowWrite, Writes, check_changes
from casewright.domain.events import Change, Event
from casewright.domain.ids import ItemId, Tenant, as_actor_id, as_item_id, as_tenant
from casewright.domain.items import Note
from casewright.domain.values import MAX_ID, as_integer, as_name
from casewright.errors import AlreadyExistsError, InvalidInputError, MisuseError, StaleVersionError

__all__ = ["Recorded", "possible", "possible_key"]


class Recorded:
    """What a unit of work keeps until `commit`. An adapter derives from one of the two units that are built on it.

    Args:
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    def __init__(self, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        self.tenant: Tenant = as_tenant(tenant)
        self._write = write
        self._changes: list[Change[Any]] = []
        self._rows: dict[ItemId, RowWrite] = {}
        self._entries: dict[tuple[str, str], LedgerEntry] = {}
        self._ended = False
        self._conflict = False

    # ------------------------------------------------------------ what an adapter calls in methods of its own

    def _check_open(self) -> None:
        """Check that the unit can still be used.

        Raises:
            MisuseError: It has ended, or met a conflict.
        """
        if self._ended:
            raise MisuseError("the unit of work has ended", "begin a new one")
        if self._conflict:
            raise MisuseError("the unit of work met a conflict or was interrupted", "roll it back, and begin a new one")

    def _check_complete(self) -> None:
        """Check that the unit can list items: the first line of `Listing.count`.

        What it has recorded itself is not written yet, so a list would lack it, and a fact that counts would be wrong.

        Raises:
            MisuseError: It has recorded something; or as for `_check_open`.
        """
        self._check_open()
        if self._changes:
            problem = "a unit of work that has recorded changes was asked for a list or a count"
            raise MisuseError(problem, "commit first; of what is recorded, items are read one by one")

    def _check_limit(self, limit: int) -> int:
        """Check as `_check_complete` does, and return the limit: the first line of `find` and of `pending`.

        Raises:
            MisuseError: As for `_check_complete`.
            InvalidInputError: The limit is no integer from 1.
        """
        self._check_complete()
        return as_integer(limit, "limit", least=1)

    # ------------------------------------------------------------ what the units call

    def _take_all(self, changes: tuple[Change[Any], ...]) -> None:
        """Take changes as `UnitOfWork.record` says."""
        self._check_open()
        if not self._write:
            raise MisuseError("a unit of work that only reads was given changes", "begin it with write=True")
        check_changes(changes, self.tenant)
        self._conflict = True  # until all is taken, so that whatever is raised in between leaves nothing to commit
        for change in changes:
            self._take(change)
        self._changes += changes
        self._conflict = False

    def _take(self, change: Change[Any]) -> None:
        """Put the change on top of what was recorded of its item before."""
        before, after = change.before, change.after
        row = self._rows.get(after.id)
        if row is None:
            self._rows[after.id] = RowWrite(before, after)
            return
        if before is None:
            raise AlreadyExistsError(after.id)
        if (before.version, before.head) != (row.after.version, row.after.head):
            raise StaleVersionError(after.id, before.version, row.after.version)
        self._rows[after.id] = RowWrite(row.before, after)

    def _take_entry(self, entry: LedgerEntry) -> None:
        """Take an entry as `Ledger.enter` says."""
        self._check_open()
        if not self._write:
            raise MisuseError("a unit of work that only reads was given an entry", "begin it with write=True")
        if not isinstance(entry, LedgerEntry):
            raise MisuseError(f"a {type(entry).__name__} is no entry of a ledger", "pass a LedgerEntry")
        if entry.tenant != self.tenant:
            raise MisuseError("an entry is of another tenant", "begin a unit of work for the actor's tenant")
        place = (entry.actor_id, entry.key)
        if place in self._entries:
            self._conflict = True
            raise AlreadyExistsError(entry.key, "key")
        self._entries[place] = entry

    @property
    def _unwritten(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._changes or self._entries)

    def _own_events(self, item_id: ItemId, *, after: int) -> list[Event]:
        """The events of the item that are recorded here, of later versions than this."""
        events = [change.event for change in self._changes if change.after.id == item_id]
        return [event for event in events if event.version > after]

    def _own_notes(self, item_id: ItemId) -> list[Note]:
        """The notes of the item that are recorded here."""
        return [note for change in self._changes if change.after.id == item_id for note in change.notes]

    def _forget(self) -> None:
        """Drop all that was recorded."""
        self._changes = []
        self._rows = {}
        self._entries = {}

    def _writes(self) -> Writes:
        """All that was recorded, as the adapter is to write it."""
        changes, rows = self._changes, self._rows.values()
        published = (change.event for change in changes if change.published)
        return Writes(
            tuple(rows if len(rows) == 1 else sorted(rows, key=lambda row: (row.after.kind, row.after.id))),
            tuple([change.event for change in changes]),
            tuple([note for change in changes for note in change.notes]),
            tuple([_pointer(event) for event in published]),
            tuple([self._entries[place] for place in sorted(self._entries)]),
        )


def possible_key(actor_id: str, key: str) -> tuple[str, str] | None:
    """Return both, or None where no entry can have them (S2)."""
    try:
        return as_actor_id(actor_id), as_name(key, "key", MAX_ID)
    except InvalidInputError:
        return None


def possible(id: str) -> ItemId | None:
    """Return the id, or None for one that no item can have: not every store could even look for it (S2)."""
    try:
        return as_item_id(id)
    except InvalidInputError:
        return None


def _pointer(event: Event) -> OutboxPointer:
    tenant, item_id = event.tenant, event.item_id
    return OutboxPointer(shard=shard_of(tenant, item_id), tenant=tenant, item_id=item_id, version=event.version)
