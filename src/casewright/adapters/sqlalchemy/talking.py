"""What a relay asks and writes in one transaction, and how rows become what is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Select, and_, or_, select
from sqlalchemy.sql.expression import ColumnElement, Executable

from casewright.adapters.sqlalchemy.outbox_queries import AT_ONCE
from casewright.adapters.sqlalchemy.reading import read_event, read_item, read_pointer
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements, raw
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.application.leasing import Holding
from casewright.application.messages import due as due_of
from casewright.application.messages import left_by
from casewright.application.relaying import Due
from casewright.domain.events import Event
from casewright.domain.items import Item
from casewright.domain.values import as_instant
from casewright.errors import StorageError

__all__ = ["Talk", "messages"]

T = TypeVar("T")

_ItemKey: TypeAlias = tuple[str, str]


class Talk:
    """What is asked and written in one transaction.

    Args:
        connection: What executes statements of SQLAlchemy's.
        send: What sends those that are text.
        statements: Those.
    """

    def __init__(self, connection: Connection, send: Send, statements: Statements) -> None:
        """Keep them."""
        self._connection = connection
        self._send = send
        self._statements = statements
        self.tables: Tables = statements.tables

    def now(self) -> datetime:
        """Return the database's time."""
        (text,) = self._send(self._statements.database.now).fetchone()
        return as_instant(text if text.endswith("Z") else f"{text}Z", "the database's time")

    def rows(self, query: Select[Any]) -> Sequence[Any]:
        """Return what a query finds."""
        return self._connection.execute(query).fetchall()

    def change(self, statement: Executable) -> int:
        """Change rows, and return how many."""
        result: Any = self._connection.execute(statement)
        number: int = result.rowcount
        return number

    def holdings(self, *only: ColumnElement[bool]) -> list[Holding]:
        """Return leases, which nobody else changes until the end of the transaction."""
        lease = self.tables.lease
        query = select(lease.c.shard, lease.c.owner, lease.c.token, lease.c.expires_at).where(*only)
        query = query.order_by(lease.c.shard)
        return [Holding(*row) for row in self.rows(query.with_for_update() if self._locks else query)]

    def add_lease(self, row: Holding) -> None:
        """Add a row, unless somebody else just has."""
        send, statements = self._send, self._statements
        asking, values = statements.lease_token, (row.shard, row.token)
        statements.database.is_new(send, statements.new_lease, values, asking, (row.shard,))

    @property
    def _locks(self) -> bool:
        return self._statements.database.row_locks


def messages(talk: Talk, rows: Sequence[Any]) -> list[Due]:
    """Return what is due: rows of `due_query`, and the histories of items that have gone on since."""
    tables = talk.tables
    first, second = len(tables.outbox.c), len(tables.outbox.c) + len(tables.event.c)
    read = [
        (read_pointer(row[:first]), *_read(read_event, row[first:second]), *_read(read_item, row[second:]))
        for row in rows
    ]
    older: dict[_ItemKey, list[int]] = {}
    for pointer, event, _, item, problem in read:
        if event is not None and item is None and not problem:
            older.setdefault((pointer.tenant, pointer.item_id), []).append(pointer.version)
    known = _left_by(talk, older)
    found = []
    for pointer, event, of_event, item, of_item in read:
        items, of_history = known.get((pointer.tenant, pointer.item_id), ({}, ""))
        state = items.get(pointer.version) if item is None else item
        found.append(due_of(pointer, event, state, of_event or of_item or of_history))
    return found


def _read(read: Callable[[Sequence[Any]], T], row: Sequence[Any]) -> tuple[T | None, str]:
    """Read a row that may not be there, and tell why it cannot be read: others must not wait for it."""
    if row[0] is None:
        return None, ""
    try:
        return read(tuple(row)), ""
    except StorageError as error:
        return None, error.problem


def _left_by(talk: Talk, versions: Mapping[_ItemKey, Sequence[int]]) -> dict[_ItemKey, tuple[Mapping[int, Item], str]]:
    """Return the items as these events left them."""
    event = talk.tables.event
    keys = list(versions)
    found: dict[_ItemKey, tuple[Mapping[int, Item], str]] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        own = [
            and_(
                event.c.tenant == tenant, event.c.item_id == item_id, event.c.version <= max(versions[tenant, item_id])
            )
            for tenant, item_id in some
        ]
        query = raw(event).where(or_(*own)).order_by(event.c.tenant, event.c.item_id, event.c.version)
        for key, rows in groupby(talk.rows(query), key=lambda row: (row[0], row[1])):
            read = [_read(read_event, row) for row in rows]
            events: list[Event] = []
            for one, _ in read:
                if one is None:
                    break
                events.append(one)
            items, problem = left_by(events, versions[key])
            found[key] = items, next((told for _, told in read if told), problem)
    return found
