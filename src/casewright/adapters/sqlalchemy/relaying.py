"""What makes the outbox of a `SqlAlchemyStore` one that can be relayed and kept.

Its statements are SQLAlchemy's, since a batch of them is for many messages. Each call is one transaction of the store's
own, or part of the caller's, and each reads the database's time in it. Leases are locked in the order of their numbers,
so that relays wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, Table, and_, case, delete, func, literal, or_, select, tuple_, update
from sqlalchemy.sql.expression import ColumnElement, Executable

from casewright.adapters.sqlalchemy.databases import Database
from casewright.adapters.sqlalchemy.reading import read_event, read_item, read_pointer
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements, raw, raw_columns
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.application.leasing import Holding, check_batch, check_lease, missing, share
from casewright.application.messages import due as due_of
from casewright.application.messages import left_by
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import LONGEST_PAUSE, Backlog, Batch, Due, Lease, Place, Settlement
from casewright.domain.events import Event
from casewright.domain.items import Item
from casewright.domain.values import as_instant, as_integer
from casewright.errors import StorageError

__all__ = ["SqlRelaying"]

T = TypeVar("T")

_ItemKey = tuple[str, str]

_AT_ONCE: Final = 200
"""How many rows one statement names, which has a limited number of parameters."""


class _Talk:
    """What is asked and written in one transaction."""

    def __init__(self, connection: Connection, send: Send, statements: Statements) -> None:
        self._connection = connection
        self._send = send
        self._statements = statements
        self.tables: Tables = statements.tables

    def now(self) -> datetime:
        """The database's time."""
        (text,) = self._send(self._statements.database.now).fetchone()
        return as_instant(text if text.endswith("Z") else f"{text}Z", "the database's time")

    def rows(self, query: Select[Any]) -> Sequence[Any]:
        return self._connection.execute(query).fetchall()

    def change(self, statement: Executable) -> int:
        result: Any = self._connection.execute(statement)
        number: int = result.rowcount
        return number

    def holdings(self, *only: ColumnElement[bool]) -> list[Holding]:
        """The leases, which nobody else changes until the end of the transaction."""
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


class SqlRelaying:
    """`Relaying` and `OutboxKeeping` in a SQL database."""

    ready: bool
    _statements: Statements
    _database: Database

    def _transaction(self, begin: str | None) -> Transaction:
        raise NotImplementedError

    def make_ready(self) -> None:
        """Do what the first unit of a store waits for."""
        raise NotImplementedError

    def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        check_lease(owner, period, most)

        def work(talk: _Talk) -> Lease:
            rows = talk.holdings()
            now = talk.now()
            while new := missing(rows, owner, now):
                for row in new:
                    talk.add_lease(row)
                rows, now = talk.holdings(), talk.now()
            sharing = share(rows, owner, now, most)
            lease, until = talk.tables.lease, now + period
            _set(talk, sharing.kept, expires_at=until)
            _set(talk, sharing.taken, owner=owner, token=lease.c.token + 1, expires_at=until)
            _set(talk, sharing.given, owner=None, expires_at=None)
            return sharing.lease(owner, now, period)

        return self._written(work)

    def release(self, owner: str) -> None:
        """See `Relaying.release`.

        Raises:
            StorageError: As for `begin`.
        """
        lease = self._statements.tables.lease
        self._written(lambda talk: _set(talk, talk.holdings(lease.c.owner == owner), owner=None, expires_at=None))

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        most = check_batch(limit)
        shards = [shard for shard in lease.shards if after is None or shard >= after.shard]

        def ask(talk: _Talk) -> Batch:
            now = talk.now()
            rows = talk.rows(_due(talk.tables, shards, after, now).limit(most)) if shards else ()
            return Batch(now=now, due=tuple(_messages(talk, rows)))

        return self._asked(ask)

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """See `Relaying.settle`.

        Raises:
            StorageError: As for `begin`; nothing was written.
            OutcomeUnknownError: The connection was lost while it committed.
        """
        tokens = dict(lease.tokens)

        def work(talk: _Talk) -> tuple[bool, ...]:
            table = talk.tables.lease
            own = talk.holdings(table.c.owner == lease.owner)
            now = talk.now()
            held = {row.shard for row in own if tokens.get(row.shard) == row.token}
            fenced = [one for one in settlements if one.pointer.shard in held]
            outbox = talk.tables.outbox
            done = [one.pointer for one in fenced if one.error is None]
            published = {"published_at": now, "attempts": outbox.c.attempts + 1, "next_at": None, "error": None}
            for part in _parts(done):
                talk.change(update(outbox).where(_among(outbox, part), _open(outbox)).values(published))
            for one in fenced:
                if one.error is not None:
                    talk.change(_failed(outbox, one, now))
            return tuple([one.pointer.shard in held for one in settlements])

        return self._written(work)

    def dead_letters(self, *, limit: int = 100, after: OutboxPointer | None = None) -> tuple[OutboxPointer, ...]:
        """See `OutboxKeeping.dead_letters`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        most = as_integer(limit, "limit", least=1)
        outbox = self._statements.tables.outbox
        query = raw(outbox).where(outbox.c.dead_at.is_not(None), _open(outbox))
        if after is not None:
            query = query.where(tuple_(*_key(outbox)) > tuple_(*map(literal, _key_of(after))))
        query = query.order_by(*_key(outbox)).limit(most)
        return self._asked(lambda talk: tuple(map(read_pointer, talk.rows(query))))

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`.

        Raises:
            StorageError: As for `begin`.
        """
        outbox = self._statements.tables.outbox
        anew = update(outbox).where(outbox.c.dead_at.is_not(None), _open(outbox))
        for column, value in ((outbox.c.tenant, tenant), (outbox.c.item_id, item_id)):
            if value is not None:
                anew = anew.where(column == value)
        values = {"attempts": 0, "next_at": None, "dead_at": None}
        return self._written(lambda talk: talk.change(anew.values(values)))

    def purge_dead(self, *, tenant: str, item_id: str, version: int) -> int:
        """See `OutboxKeeping.purge_dead`.

        Raises:
            StorageError: As for `begin`.
        """
        outbox = self._statements.tables.outbox
        own = (outbox.c.tenant == tenant, outbox.c.item_id == item_id, outbox.c.version == version)
        dropped = delete(outbox).where(*own, outbox.c.dead_at.is_not(None), _open(outbox))
        return self._written(lambda talk: talk.change(dropped))

    def purge_published(self, *, before: datetime, limit: int = 1000) -> int:
        """See `OutboxKeeping.purge_published`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        moment, most = as_instant(before, "before"), as_integer(limit, "limit", least=1)
        outbox = self._statements.tables.outbox
        old = raw(outbox).where(outbox.c.published_at < moment).order_by(outbox.c.published_at).limit(most)

        def work(talk: _Talk) -> int:
            # Not one statement: MariaDB has no limit in a subquery, and deletes from no table that it selects from.
            pointers = [read_pointer(row) for row in talk.rows(old)]
            return sum([talk.change(delete(outbox).where(_among(outbox, part))) for part in _parts(pointers)])

        return self._written(work)

    def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`.

        Raises:
            StorageError: As for `begin`.
        """

        def ask(talk: _Talk) -> Backlog:
            now = talk.now()
            ((pending, parked, dead, oldest),) = talk.rows(_backlog(talk.tables, now))
            return Backlog(now=now, pending=int(pending or 0), parked=int(parked or 0), dead=dead, oldest=oldest)

        return self._asked(ask)

    def _asked(self, ask: Callable[[_Talk], T]) -> T:
        if not self.ready:
            self.make_ready()
        with self._database.failures:
            transaction = self._transaction(self._database.begin_reading)
            try:
                return ask(_Talk(transaction.connection(), transaction.open(), self._statements))
            finally:
                transaction.end()

    def _written(self, work: Callable[[_Talk], T]) -> T:
        if not self.ready:
            self.make_ready()
        answers: list[T] = []
        with self._database.failures:
            transaction = self._transaction(self._database.begin_writing)
            try:
                transaction.write(
                    lambda send: answers.append(work(_Talk(transaction.connection(), send, self._statements)))
                )
            finally:
                transaction.end()
        return answers[0]


def _set(talk: _Talk, rows: Iterable[Holding], **values: object) -> None:
    shards = [row.shard for row in rows]
    if shards:
        table = talk.tables.lease
        talk.change(update(table).where(table.c.shard.in_(shards)).values(values))


def _key(outbox: Table) -> tuple[ColumnElement[Any], ...]:
    return outbox.c.tenant, outbox.c.item_id, outbox.c.version


def _key_of(pointer: OutboxPointer) -> tuple[str, str, int]:
    return pointer.tenant, pointer.item_id, pointer.version


def _among(outbox: Table, pointers: Sequence[OutboxPointer]) -> ColumnElement[bool]:
    return tuple_(*_key(outbox)).in_([_key_of(pointer) for pointer in pointers])


def _parts(pointers: Sequence[OutboxPointer]) -> list[Sequence[OutboxPointer]]:
    return [pointers[start : start + _AT_ONCE] for start in range(0, len(pointers), _AT_ONCE)]


def _open(outbox: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table, or an alias of it
    condition: ColumnElement[bool] = outbox.c.published_at.is_(None)
    return condition


def _stuck(outbox: Table, now: datetime) -> ColumnElement[bool]:
    """Whether an item has an event that waits for its next attempt, and not since a clock was set back, or is dead."""
    other = outbox.alias("other")
    waits = and_(other.c.next_at > now, other.c.next_at <= now + LONGEST_PAUSE)
    same = (other.c.shard == outbox.c.shard, other.c.tenant == outbox.c.tenant, other.c.item_id == outbox.c.item_id)
    return select(literal(1)).where(*same, _open(other), or_(other.c.dead_at.is_not(None), waits)).exists()


def _due(tables: Tables, shards: Sequence[int], after: Place | None, now: datetime) -> Select[Any]:
    """What is due, each with its event, and with its item where that is still as the event has left it."""
    outbox, event, item = tables.outbox, tables.event, tables.item
    of_event = and_(
        event.c.tenant == outbox.c.tenant, event.c.item_id == outbox.c.item_id, event.c.version == outbox.c.version
    )
    of_item = and_(item.c.tenant == outbox.c.tenant, item.c.id == outbox.c.item_id, item.c.version == outbox.c.version)
    columns = [*raw_columns(outbox), *raw_columns(event), *raw_columns(item)]
    query: Select[Any] = select(*columns).select_from(outbox.outerjoin(event, of_event).outerjoin(item, of_item))
    query = query.where(outbox.c.shard.in_(shards), _open(outbox), ~_stuck(outbox, now))
    place = (outbox.c.shard, outbox.c.tenant, outbox.c.item_id)
    if after is not None:
        query = query.where(
            tuple_(*place) > tuple_(literal(after.shard), literal(after.tenant), literal(after.item_id))
        )
    return query.order_by(*place, outbox.c.version)


def _backlog(tables: Tables, now: datetime) -> Select[Any]:
    outbox, event = tables.outbox, tables.event
    of_event = and_(
        event.c.tenant == outbox.c.tenant, event.c.item_id == outbox.c.item_id, event.c.version == outbox.c.version
    )
    living = outbox.c.dead_at.is_(None)
    each = (
        select(outbox.c.dead_at, event.c.recorded_at, _stuck(outbox, now).label("stuck"))
        .select_from(outbox.outerjoin(event, of_event))
        .where(_open(outbox))
        .subquery("each")
    )
    living = each.c.dead_at.is_(None)
    return select(
        func.sum(case((and_(living, ~each.c.stuck), 1), else_=0)),
        func.sum(case((and_(living, each.c.stuck), 1), else_=0)),
        func.count(each.c.dead_at),
        func.min(case((living, each.c.recorded_at))),
    )


def _failed(outbox: Table, settlement: Settlement, now: datetime) -> Executable:
    pointer = settlement.pointer
    values = {"attempts": outbox.c.attempts + 1, "error": settlement.error}
    times = {"next_at": None, "dead_at": now} if settlement.dead else {"next_at": now + settlement.pause}
    return update(outbox).where(_among(outbox, [pointer]), _open(outbox)).values({**values, **times})


def _messages(talk: _Talk, rows: Sequence[Any]) -> list[Due]:
    """Read rows of `_due`, and the histories of items that have gone on since."""
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


def _left_by(talk: _Talk, versions: Mapping[_ItemKey, Sequence[int]]) -> dict[_ItemKey, tuple[Mapping[int, Item], str]]:
    """Return the items as these events left them."""
    event = talk.tables.event
    keys = list(versions)
    found: dict[_ItemKey, tuple[Mapping[int, Item], str]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
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
