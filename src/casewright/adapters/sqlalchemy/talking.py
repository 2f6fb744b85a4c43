"""What a relay asks and writes in one transaction, and how rows become what is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Select, select
from sqlalchemy.sql.expression import Executable

from casewright.adapters.sqlalchemy.outbox_queries import RelayStatements, parts, relay_statements
from casewright.adapters.sqlalchemy.reading import read_event, read_item, read_pointer
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements
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
        self.relay: RelayStatements = relay_statements(statements)

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

    def sent(self, statement: tuple[str, tuple[Any, ...]]) -> Sequence[Any]:
        """Return what a statement finds that the driver is sent as it is."""
        return self._send(*statement).fetchall()

    def change_all(self, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
        """Change rows by one statement for each set of parameters, on one way to the server where the driver can."""
        self._connection.execute(statement, rows)

    def holdings(self) -> list[Holding]:
        """Return all leases, which nobody else changes until the end of the transaction."""
        lease = self.tables.lease
        query: Any = select(lease.c.shard, lease.c.owner, lease.c.token, lease.c.expires_at).order_by(lease.c.shard)
        locked = query.with_for_update() if self._statements.database.row_locks else query
        return [Holding(*row) for row in self.rows(locked)]

    def held(self, owner: str) -> dict[int, int]:
        """Return the tokens that an owner has, which nobody else changes until the end of the transaction."""
        held = self.relay.held
        return {shard: token for shard, _, token, _ in self.sent((held.sql, held.values({"owner": owner})))}

    def add_lease(self, row: Holding) -> None:
        """Add a row, unless somebody else just has."""
        send, statements = self._send, self._statements
        asking, values = statements.lease_token, (row.shard, row.token)
        statements.database.is_new(send, statements.new_lease, values, asking, (row.shard,))


def messages(talk: Talk, rows: Sequence[Any]) -> list[Due]:
    """Return what is due, from rows of `RelayStatements.due` and the histories of items that have gone on since."""
    tables = talk.tables
    first, second = len(tables.outbox.c), len(tables.outbox.c) + len(tables.event.c)
    read = [
        (read_pointer(row[:first]), *_read(read_event, row[first:second]), *_read(read_item, row[second:]))
        for row in rows
    ]
    own: defaultdict[_ItemKey, list[Event]] = defaultdict(list)
    older: defaultdict[_ItemKey, list[int]] = defaultdict(list)
    for pointer, event, _, item, problem in read:
        if event is not None:
            own[pointer.tenant, pointer.item_id].append(event)
            if item is None and not problem:
                older[pointer.tenant, pointer.item_id].append(pointer.version)
    known = _left_by(talk, older, own)
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


def _left_by(
    talk: Talk, versions: Mapping[_ItemKey, Sequence[int]], own: Mapping[_ItemKey, Sequence[Event]]
) -> dict[_ItemKey, tuple[Mapping[int, Item], str]]:
    """Return the items as these events left them: most of a history is often in the batch itself."""
    upto = {key: _missing(own[key]) for key in versions}
    earlier: dict[_ItemKey, list[Any]] = {}
    for some in parts([(*key, version) for key, version in upto.items() if version]):
        for key, rows in groupby(talk.sent(talk.relay.histories(some)), key=lambda row: (row[0], row[1])):
            earlier[key] = list(rows)
    found: dict[_ItemKey, tuple[Mapping[int, Item], str]] = {}
    for key, needed in versions.items():
        read = [_read(read_event, row) for row in earlier.get(key, ())]
        later = [event for event in own[key] if event.version > upto[key]]
        history = [*[event for event, _ in read if event is not None], *later]
        items, problem = left_by([event for event in history if event.version <= max(needed)], needed)
        found[key] = items, next((told for _, told in read if told), problem)
    return found


def _missing(events: Sequence[Event]) -> int:
    """Up to which version a history is to be asked for, of which these events are there."""
    first, last = events[0].version, events[-1].version
    return first - 1 if last - first + 1 == len(events) else last - 1
