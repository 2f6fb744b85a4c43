"""`BufferingUnitOfWork`: everything about a unit of work that is the same for every store.

It checks what is recorded, lets the changes of one item chain, shows the unit its own records, and hands all of it to
the adapter at once. So an adapter writes one load and one flush. `AsyncBufferingUnitOfWork` has the same statements.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from casewright.application.ledger import LedgerEntry
from casewright.application.ports import Items
from casewright.application.recorded import Recorded, possible, possible_key
from casewright.application.writes import Writes
from casewright.domain.events import Change, Event
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Note
from casewright.domain.values import as_integer

__all__ = ["BufferingUnitOfWork", "LedgerUnitOfWork"]


class BufferingUnitOfWork(Recorded, ABC):
    """A unit of work that keeps what is recorded until `commit`. An adapter derives from it.

    Args:
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

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

    # ------------------------------------------------------------ what is the same for all

    @property
    def items(self) -> Items:
        """The items of the tenant."""
        return self

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """See `Items.get`."""
        self._check_open()
        item_id = possible(id)
        if item_id is None:
            return None
        row = self._rows.get(item_id)
        return self._load(item_id, lock=lock) if row is None else row.after

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """See `UnitOfWork.history`."""
        self._check_open()
        least = as_integer(after, "after", least=0)
        most = None if limit is None else as_integer(limit, "limit", least=1)
        item_id = possible(id)
        if item_id is None:
            return ()
        kept = self._history(item_id, after=least, limit=most)
        own = self._own_events(item_id, after=least)
        return (*kept, *own)[:most] if own else kept

    def notes(self, id: str) -> Sequence[Note]:
        """See `UnitOfWork.notes`."""
        self._check_open()
        item_id = possible(id)
        if item_id is None:
            return ()
        kept = self._notes(item_id)
        own = self._own_notes(item_id)
        return (*kept, *own) if own else kept

    def record(self, *changes: Change[Any]) -> None:
        """See `UnitOfWork.record`."""
        self._take_all(changes)

    def commit(self) -> None:
        """See `UnitOfWork.commit`."""
        self._check_open()
        try:
            if self._unwritten:
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
        self._forget()
        try:
            self._end()
        finally:  # not before: what interrupts on the way here must not keep the block from giving back what is held
            self._ended = True


class LedgerUnitOfWork(BufferingUnitOfWork, ABC):
    """A `BufferingUnitOfWork` that also keeps idempotency keys: an adapter derives from it, with one load more.

    Args:
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    @abstractmethod
    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """Return the committed entry of the tenant; None where there is none."""

    def entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        """See `Ledger.entry`."""
        self._check_open()
        place = possible_key(actor_id, key)
        if place is None:
            return None
        own = self._entries.get(place)
        return self._entry(*place) if own is None else own

    def enter(self, entry: LedgerEntry) -> None:
        """See `Ledger.enter`."""
        self._take_entry(entry)
