"""The unit of work: reads through a transaction, and writes all that was recorded in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, func, literal, select, tuple_

from casewright.adapters.sqlalchemy.conditions import TERMS, condition
from casewright.adapters.sqlalchemy.failures import TRANSLATED
from casewright.adapters.sqlalchemy.reading import read_event, read_item, read_note, read_pointer
from casewright.adapters.sqlalchemy.rows import event_values, item_values, note_values, pointer_values
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import SQLITE, raw
from casewright.adapters.sqlalchemy.tables import ITEM
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.application.buffering import BufferingUnitOfWork
from casewright.application.ports import OutboxPointer
from casewright.application.writes import RowWrite, Writes
from casewright.domain.events import Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind
from casewright.domain.values import INTEGER_MAX
from casewright.errors import AlreadyExistsError, StaleVersionError, StorageError

__all__ = ["SqlAlchemyUnitOfWork"]

_WHOLE_ITEM: Final = item_values(ITEM.c.keys())


class SqlAlchemyUnitOfWork(BufferingUnitOfWork):
    """A unit of work on a `SqlAlchemyStore`; it also lists items and the outbox.

    Args:
        transaction: What it reads and writes through; it is opened at the first of both.
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    terms: frozenset[TermKind] = TERMS
    orders: frozenset[OrderBy] = frozenset(OrderBy)

    def __init__(self, transaction: Transaction, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._transaction = transaction

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """See `Listing.find`."""
        most = self._check_limit(limit)
        query = raw(ITEM).where(*self._matching(kind, where))
        return tuple(map(read_item, self._query(_ordered(query, order, after).limit(most))))

    def count(self, kind: Kind, where: Scope) -> int:
        """See `Listing.count`."""
        self._check_complete()
        query = select(func.count()).select_from(ITEM).where(*self._matching(kind, where))
        number: int = self._query(query)[0][0]
        return number

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """See `Outbox.pending`."""
        most = self._check_limit(limit)
        return tuple(map(read_pointer, self._rows_of(SQLITE.pointers, self.tenant, most)))

    def _matching(self, kind: Kind, where: Scope) -> list[Any]:
        own = [ITEM.c.tenant == self.tenant, ITEM.c.kind == kind, ITEM.c.deleted_at.is_(None)]
        return [*own, condition(where)]

    def _query(self, query: Select[Any]) -> Sequence[Any]:
        with TRANSLATED:
            return self._transaction.connection().execute(query).fetchall()

    def _rows_of(self, statement: str, *parameters: object) -> Sequence[Any]:
        with TRANSLATED:
            return self._transaction.open()(statement, parameters).fetchall()

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        rows = self._rows_of(SQLITE.item, self.tenant, item_id)
        return read_item(rows[0]) if rows else None

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        most = INTEGER_MAX if limit is None else limit
        return tuple(map(read_event, self._rows_of(SQLITE.events, self.tenant, item_id, after, most)))

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return tuple(map(read_note, self._rows_of(SQLITE.notes, self.tenant, item_id)))

    def _flush(self, writes: Writes) -> None:
        with TRANSLATED:
            self._transaction.write(lambda send: _write(send, writes))

    def _end(self) -> None:
        self._transaction.end()


def _ordered(query: Select[Any], order: Order, after: Cursor | None) -> Select[Any]:
    columns = [ITEM.c.id] if order.by is OrderBy.ID else [ITEM.c.created_at, ITEM.c.id]
    if after is not None:
        here, there = tuple_(*columns), tuple_(*map(literal, after.key))
        query = query.where(here < there if order.descending else here > there)
    return query.order_by(*[column.desc() if order.descending else column.asc() for column in columns])


def _write(send: Send, writes: Writes) -> None:
    for row in writes.rows:
        _write_row(send, row)
    for event in writes.events:
        _add(send, SQLITE.new_event, event_values(event))
    for place, note in enumerate(writes.notes):
        if send(SQLITE.new_note, note_values(note, place)).rowcount != 1:
            raise AlreadyExistsError(note.id, "note")
    for pointer in writes.pointers:
        _add(send, SQLITE.new_pointer, pointer_values(pointer))


def _add(send: Send, statement: str, values: tuple[Any, ...]) -> None:
    if send(statement, values).rowcount != 1:
        problem = "a new row was left out without an error, as a trigger that was added to the tables can do"
        raise StorageError(problem, "find out who else changes its tables; nothing was written")


def _write_row(send: Send, row: RowWrite) -> None:
    before, after = row.before, row.after
    if before is None:
        if send(SQLITE.new_item, tuple(_WHOLE_ITEM(after))).rowcount != 1:
            raise AlreadyExistsError(after.id)
        return
    update = SQLITE.item_update(row.changed)
    own = (after.tenant, after.id)
    if send(update.sql, (*update.values(after), *own, before.version, before.head)).rowcount != 1:
        found = send(SQLITE.item_version, own).fetchone()
        raise StaleVersionError(after.id, before.version, None if found is None else found[0])
