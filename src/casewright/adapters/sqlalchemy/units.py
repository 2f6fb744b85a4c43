"""The unit of work: reads through a transaction, and writes all that was recorded in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from sqlalchemy import Select, func, literal, select, tuple_

from casewright.adapters.sqlalchemy.reading import read_entry, read_event, read_item, read_note, read_pointer
from casewright.adapters.sqlalchemy.rows import entry_values, event_values, item_values, note_values, pointer_values
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements, raw
from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.application.buffering import LedgerUnitOfWork
from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.application.recorded import possible
from casewright.application.writes import RowWrite, Writes
from casewright.domain.events import Event
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Kind, Note
from casewright.domain.terms import Scope, TermKind
from casewright.domain.values import INTEGER_MAX
from casewright.errors import AlreadyExistsError, StaleVersionError, StorageError

__all__ = ["SqlAlchemyUnitOfWork"]

_COLUMNS: Final = tuple(TABLES.item.c.keys())
_ITEM: Final = len(_COLUMNS)
_WHOLE_ITEM: Final = item_values(_COLUMNS)


class SqlAlchemyUnitOfWork(LedgerUnitOfWork):
    """A unit of work on a `SqlAlchemyStore`; it also lists items and the outbox, and keeps keys.

    Args:
        transaction: What it reads and writes through; it is opened at the first of both.
        statements: What it sends.
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    terms: frozenset[TermKind]
    orders: frozenset[OrderBy] = frozenset(OrderBy)

    def __init__(self, transaction: Transaction, statements: Statements, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        super().__init__(tenant, write=write)
        self._transaction = transaction
        self._statements = statements
        self._translated = statements.database.failures
        self.terms = statements.conditions.terms
        self._expected: ItemId | None = None
        self._ahead: dict[ItemId, Any] = {}

    @property
    def idle(self) -> bool:
        """Whether it holds nothing of the database's, so that to end it asks nothing of it."""
        return self._transaction.idle

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """See `Listing.find`."""
        most = self._check_limit(limit)
        query = raw(self._statements.tables.item).where(*self._matching(kind, where))
        return tuple(map(read_item, self._query(self._ordered(query, order, after).limit(most))))

    def count(self, kind: Kind, where: Scope) -> int:
        """See `Listing.count`."""
        self._check_complete()
        query = select(func.count()).select_from(self._statements.tables.item).where(*self._matching(kind, where))
        number: int = self._query(query)[0][0]
        return number

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """See `Outbox.pending`."""
        most = self._check_limit(limit)
        return tuple(map(read_pointer, self._rows_of(self._statements.pointers, self.tenant, most)))

    def _matching(self, kind: Kind, where: Scope) -> list[Any]:
        item = self._statements.tables.item
        own = [item.c.tenant == self.tenant, item.c.kind == kind, item.c.deleted_at.is_(None)]
        return [*own, self._statements.conditions.of(where)]

    def _query(self, query: Select[Any]) -> Sequence[Any]:
        with self._translated:
            return self._transaction.connection().execute(query).fetchall()

    def _rows_of(self, statement: str, *parameters: object) -> Sequence[Any]:
        with self._translated:
            return self._transaction.open()(statement, parameters).fetchall()

    def expect(self, id: str) -> None:
        """See `Expecting.expect`."""
        self._expected = possible(id)

    def _entry(self, actor_id: str, key: str) -> LedgerEntry | None:
        place, item_id = (self.tenant, actor_id, key), self._expected
        if item_id is not None:
            self._expected = None
            rows = self._rows_of(self._statements.item_and_entry, *place, self.tenant, item_id)
            if rows:
                row = rows[0]
                self._ahead[item_id] = row[:_ITEM]
                return None if row[_ITEM] is None else read_entry(row[_ITEM:])
        rows = self._rows_of(self._statements.entry, *place)
        return read_entry(rows[0]) if rows else None

    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        ahead = self._ahead.pop(item_id, None)
        if ahead is not None and not lock:
            return read_item(ahead)
        statement = self._statements.locked_item if lock and self._write else self._statements.item
        rows = self._rows_of(statement, self.tenant, item_id)
        return read_item(rows[0]) if rows else None

    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> tuple[Event, ...]:
        most = INTEGER_MAX if limit is None else limit
        return tuple(map(read_event, self._rows_of(self._statements.events, self.tenant, item_id, after, most)))

    def _notes(self, item_id: ItemId) -> tuple[Note, ...]:
        return tuple(map(read_note, self._rows_of(self._statements.notes, self.tenant, item_id)))

    def _flush(self, writes: Writes) -> None:
        with self._translated:
            self._transaction.write(lambda send: self._send_all(send, writes))

    def _end(self) -> None:
        self._transaction.end()

    def _ordered(self, query: Select[Any], order: Order, after: Cursor | None) -> Select[Any]:
        item = self._statements.tables.item
        columns = [item.c.id] if order.by is OrderBy.ID else [item.c.created_at, item.c.id]
        if after is not None:
            here, there = tuple_(*columns), tuple_(*map(literal, after.key))
            query = query.where(here < there if order.descending else here > there)
        return query.order_by(*[column.desc() if order.descending else column.asc() for column in columns])

    def _send_all(self, send: Send, writes: Writes) -> None:
        statements = self._statements
        one = len(writes.rows) == len(writes.events) == 1 and not writes.notes and len(writes.entries) <= 1
        if one and statements.database.one_statement:
            self._send_one(send, writes)
            return
        for row in writes.rows:
            self._send_row(send, row)
        for event in writes.events:
            _add(send, statements.new_event, event_values(event))
        for place, note in enumerate(writes.notes):
            if not self._is_new(send, statements.new_note, note_values(note, place), statements.note_item, note.id):
                raise AlreadyExistsError(note.id, "note")
        for pointer in writes.pointers:
            _add(send, statements.new_pointer, pointer_values(pointer))
        for entry in writes.entries:  # last, so that whoever waits for the item does not wait for the key as well
            own = (entry.actor_id, entry.key)
            if not self._is_new(send, statements.new_entry, entry_values(entry), statements.entry_version, *own):
                raise AlreadyExistsError(entry.key, "key")

    def _send_one(self, send: Send, writes: Writes) -> None:
        """Send an item, its event, pointer and key as one statement: one way to the server and back, not three."""
        ((row,), (event,)) = writes.rows, writes.events
        before, after = row.before, row.after
        names = _COLUMNS if before is None else row.changed
        published, keyed = bool(writes.pointers), bool(writes.entries)
        write = self._statements.one_write(names, new=before is None, published=published, keyed=keyed)
        own = () if before is None else (after.tenant, after.id, before.version, before.head)
        pointers = [value for pointer in writes.pointers for value in pointer_values(pointer)]
        entries = [value for entry in writes.entries for value in entry_values(entry)]
        values = write.arranged([*write.values(after), *own, *event_values(event), *pointers, *entries])
        items, *others = send(write.sql, values).fetchone()
        if items != 1:
            self._refuse(send, row)
        if keyed and others.pop() != 1:
            raise AlreadyExistsError(writes.entries[0].key, "key")
        if any(number != 1 for number in others):
            raise StorageError(*_LEFT_OUT)

    def _send_row(self, send: Send, row: RowWrite) -> None:
        statements, before, after = self._statements, row.before, row.after
        if before is None:
            values = tuple(_WHOLE_ITEM(after))
            written = self._is_new(send, statements.new_item, values, statements.item_version, after.id)
        else:
            update = statements.item_update(row.changed)
            own = (after.tenant, after.id, before.version, before.head)
            written = send(update.sql, (*update.values(after), *own)).rowcount == 1
        if not written:
            self._refuse(send, row)

    def _refuse(self, send: Send, row: RowWrite) -> NoReturn:
        """Tell the conflict that a row met."""
        before, after = row.before, row.after
        if before is None:
            raise AlreadyExistsError(after.id)
        found = send(self._statements.item_version, (after.tenant, after.id)).fetchone()
        if found is not None and tuple(found) == (before.version, before.head):
            raise StorageError(*_LEFT_OUT)
        raise StaleVersionError(after.id, before.version, None if found is None else found[0])

    def _is_new(self, send: Send, statement: str, values: tuple[Any, ...], asking: str, *key: str) -> bool:
        """Send a row, and return whether its key was free; ``asking`` finds the row that has the key."""
        return self._statements.database.is_new(send, statement, values, asking, (self.tenant, *key))


def _add(send: Send, statement: str, values: tuple[Any, ...]) -> None:
    if send(statement, values).rowcount != 1:
        raise StorageError(*_LEFT_OUT)


_LEFT_OUT: Final = (
    "a row was left out without an error, as a trigger that was added to the tables can do",
    "find out who else changes its tables; nothing was written",
)
