"""`BufferingUnitOfWork`: everything about a unit of work that is the same for every store.

It checks what is recorded, lets the changes of one item chain, shows the unit its own records, and hands all of it to
the adapter at once. So an adapter writes one load and one flush.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from casewright.application.ports import Items, OutboxPointer, shard_of
from casewright.application.writes import RowWrite, Writes, check_changes
from casewright.domain.events import Change, Event
from casewright.domain.ids import ItemId, Tenant, as_item_id, as_tenant
from casewright.domain.items import Item, Note
from casewright.domain.values import as_integer
from casewright.errors import AlreadyExistsError, InvalidInputError, MisuseError, StaleVersionError

__all__ = ["BufferingUnitOfWork"]


class BufferingUnitOfWork(ABC):
    """A unit of work that keeps what is recorded until `commit`. An adapter derives from it.

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
        self._ended = False
        self._conflict = False

    # ------------------------------------------------------------ what an adapter writes

    @abstractmethod
    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        """Return the item of the tenant as it is committed; None where there is none."""

    @abstractmethod
    def _flush(self, writes: Writes) -> None:
        """Write all of it and commit, or raise and leave nothing of it.

        Raises:
            StaleVersionError: A row has not the version and head that it was decided on.
            AlreadyExistsError: A new row, or a new note, has an id that is taken.
        """

    @abstractmethod
    def _end(self) -> None:
        """Give back what the unit holds, and undo what is not committed. Called once, however the unit ends."""

    @abstractmethod
    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> Sequence[Event]:
        """Return the committed events of an item of the tenant, by version; see `UnitOfWork.history`."""

    @abstractmethod
    def _notes(self, item_id: ItemId) -> Sequence[Note]:
        """Return the committed notes of an item of the tenant, in the order in which they were added."""

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

    # ------------------------------------------------------------ what is the same for all

    @property
    def items(self) -> Items:
        """The items of the tenant."""
        return self

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """See `Items.get`."""
        self._check_open()
        item_id = _possible(id)
        if item_id is None:
            return None
        row = self._rows.get(item_id)
        return self._load(item_id, lock=lock) if row is None else row.after

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """See `UnitOfWork.history`."""
        self._check_open()
        least = as_integer(after, "after", least=0)
        most = None if limit is None else as_integer(limit, "limit", least=1)
        item_id = _possible(id)
        if item_id is None:
            return ()
        kept = self._history(item_id, after=least, limit=most)
        events = [change.event for change in self._changes if change.after.id == item_id]
        own = [event for event in events if event.version > least]
        return (*kept, *own)[:most] if own else kept

    def notes(self, id: str) -> Sequence[Note]:
        """See `UnitOfWork.notes`."""
        self._check_open()
        item_id = _possible(id)
        if item_id is None:
            return ()
        kept = self._notes(item_id)
        own = [note for change in self._changes if change.after.id == item_id for note in change.notes]
        return (*kept, *own) if own else kept

    def record(self, *changes: Change[Any]) -> None:
        """See `UnitOfWork.record`."""
        self._check_open()
        if not self._write:
            raise MisuseError("a unit of work that only reads was given changes", "begin it with write=True")
        check_changes(changes, self.tenant)
        self._conflict = True  # until all is taken, so that whatever is raised in between leaves nothing to commit
        for change in changes:
            self._take(change)
        self._changes += changes
        self._conflict = False

    def commit(self) -> None:
        """See `UnitOfWork.commit`."""
        self._check_open()
        try:
            if self._changes:
                self._flush(self._writes())
        finally:
            self._finish()

    def rollback(self) -> None:
        """See `UnitOfWork.rollback`."""
        if not self._ended:
            self._finish()

    def __enter__(self) -> Self:
        """Return the unit."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back unless the unit has ended."""
        self.rollback()

    def _finish(self) -> None:
        self._changes = []
        self._rows = {}
        try:
            self._end()
        finally:  # not before: what interrupts on the way here must not keep the block from giving back what is held
            self._ended = True

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

    def _writes(self) -> Writes:
        changes, rows = self._changes, self._rows.values()
        published = (change.event for change in changes if change.published)
        return Writes(
            tuple(rows if len(rows) == 1 else sorted(rows, key=lambda row: (row.after.kind, row.after.id))),
            tuple([change.event for change in changes]),
            tuple([note for change in changes for note in change.notes]),
            tuple([_pointer(event) for event in published]),
        )


def _possible(id: str) -> ItemId | None:
    """The id, or None for one that no item can have: not every store could even look for it (S2)."""
    try:
        return as_item_id(id)
    except InvalidInputError:
        return None


def _pointer(event: Event) -> OutboxPointer:
    tenant, item_id = event.tenant, event.item_id
    return OutboxPointer(shard=shard_of(tenant, item_id), tenant=tenant, item_id=item_id, version=event.version)
