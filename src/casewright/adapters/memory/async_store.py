"""`AsyncMemoryStore`: a `MemoryStore` to be awaited.

Each question and each commit lets other tasks run first, as one that goes to a database does: so whatever tasks can do
to each other there, they can do here (L5). What is done then is done in one go.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from casewright.adapters.memory.async_relaying import AsyncMemoryRelaying, others_first
from casewright.adapters.memory.store import MemoryStore, in_order
from casewright.application.async_buffering import AsyncLedgerUnitOfWork
from casewright.application.denials import Denial
from casewright.application.erasing import Erased
from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.application.writes import Writes
from casewright.domain.events import Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind

__all__ = ["AsyncMemoryStore", "AsyncMemoryUnitOfWork"]


class AsyncMemoryStore(AsyncMemoryRelaying):
    """Keeps items, histories, notes, outbox and keys in memory, for one process and any number of tasks and threads.

    Args:
        store: Where it keeps them; in a new store where None. Both may be used at the same time.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        """Begin with what is there."""
        self.store: MemoryStore = MemoryStore() if store is None else store
        self._plain = self.store

    def begin(self, *, tenant: str, write: bool = True) -> AsyncMemoryUnitOfWork:
        """Return a new unit of work; see `AsyncStore.begin`."""
        return AsyncMemoryUnitOfWork(self.store, tenant, write=write)

    async def ping(self) -> None:
        """Do nothing; see `MemoryStore.ping`."""

    async def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item; see `Erasure.erase`."""
        await others_first()
        return self.store.erase(item_id, tenant=tenant, versions=versions)

    async def add_denial(self, denial: Denial) -> None:
        """Keep a denial; see `DenialLog.add_denial`."""
        await others_first()
        self.store.add_denial(denial)

    async def denials(self, *, tenant: str, after: str = "", limit: int) -> tuple[Denial, ...]:
        """Return denials of a tenant; see `DenialLog.denials`."""
        await others_first()
        return self.store.denials(tenant=tenant, after=after, limit=limit)

    async def purge_keys(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove old entries of the ledger; see `KeyPurging.purge_keys`."""
        await others_first()
        return self.store.purge_keys(before=before, limit=limit)


class AsyncMemoryUnitOfWork(AsyncLedgerUnitOfWork):
    """A unit of work on an `AsyncMemoryStore`; it also lists items and the outbox, and keeps keys.

    Args:
        store: What is behind it.
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    terms: frozenset[TermKind] = frozenset(TermKind)
    orders: frozenset[OrderBy] = frozenset(OrderBy)

    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._store = store

    async def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """See `Listing.find`."""
        most = self._check_limit(limit)
        await others_first()
        return in_order(self._store.matching(self.tenant, kind, where), order, most, after)

    async def count(self, kind: Kind, where: Scope) -> int:
        """See `Listing.count`."""
        self._check_complete()
        await others_first()
        return len(self._store.matching(self.tenant, kind, where))

    async def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """See `Outbox.pending`."""
        most = self._check_limit(limit)
        await others_first()
        return self._store.pending(self.tenant, limit=most)

    async def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        await others_first()
        return self._store.item(self.tenant, item_id)

    async def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        await others_first()
        return self._store.history(self.tenant, item_id, after=after, limit=limit)

    async def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        await others_first()
        return self._store.notes(self.tenant, item_id)

    async def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        await others_first()
        return self._store.entry(self.tenant, actor_id, key)

    async def _flush(self, writes: Writes) -> None:
        await others_first()
        self._store.write(self.tenant, writes)

    async def _end(self) -> None:
        """Nothing is held."""
