"""What makes the outbox of a `SqlAlchemyStore` one that can be relayed and kept.

Its statements are SQLAlchemy's, since a batch of them is for many messages. Each call is one transaction of the store's
own, or part of the caller's, and each reads the database's time in it. Leases are locked in the order of their numbers,
so that relays wait for each other and never in a circle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, literal, tuple_, update

from casewright.adapters.sqlalchemy.databases import Database
from casewright.adapters.sqlalchemy.outbox_queries import (
    among,
    backlog_query,
    failure,
    is_open,
    key,
    key_of,
    parts,
    published,
    runs,
)
from casewright.adapters.sqlalchemy.reading import read_pointer
from casewright.adapters.sqlalchemy.statements import Statements, raw
from casewright.adapters.sqlalchemy.talking import Talk, messages
from casewright.adapters.sqlalchemy.transactions import Transaction
from casewright.application.leasing import Holding, check_batch, check_lease, missing, share
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import Backlog, Batch, Lease, Place, Settlement
from casewright.domain.values import as_instant, as_integer

__all__ = ["SqlRelaying"]

T = TypeVar("T")


class SqlRelaying(ABC):
    """`Relaying` and `OutboxKeeping` in a SQL database."""

    _statements: Statements
    _database: Database

    @abstractmethod
    def _transaction(self, begin: str | None) -> Transaction:
        """Return a transaction that begins so."""

    @abstractmethod
    def make_ready(self) -> None:
        """Do what the first unit of a store waits for."""

    def lease(self, owner: str, *, period: timedelta, most: int = SHARDS) -> Lease:
        """See `Relaying.lease`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        check_lease(owner, period, most)

        def work(talk: Talk) -> Lease:
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
        free = update(lease).where(lease.c.owner == owner).values(owner=None, expires_at=None)

        def work(talk: Talk) -> None:
            talk.held(owner)  # locks them in their order
            talk.change(free)

        self._written(work)

    def due(self, lease: Lease, *, after: Place | None = None, limit: int = 100) -> Batch:
        """See `Relaying.due`.

        Raises:
            InvalidInputError: As there.
            StorageError: As for `begin`.
        """
        most = check_batch(limit)
        shards = [shard for shard in lease.shards if after is None or shard >= after.shard]

        def ask(talk: Talk) -> Batch:
            now = talk.now()
            rows = talk.sent(talk.relay.due(shards, after, now, most)) if shards else ()
            return Batch(now=now, due=tuple(messages(talk, rows)))

        return self._asked(ask)

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> tuple[bool, ...]:
        """See `Relaying.settle`.

        Raises:
            StorageError: As for `begin`; nothing was written.
            OutcomeUnknownError: The connection was lost while it committed.
        """
        tokens = dict(lease.tokens)

        def work(talk: Talk) -> tuple[bool, ...]:
            own = talk.held(lease.owner)
            now = talk.now()
            held = {shard for shard, token in own.items() if tokens.get(shard) == token}
            fenced = [one for one in settlements if one.pointer.shard in held]
            outbox = talk.tables.outbox
            done = [one.pointer for one in fenced if one.error is None]
            if done:
                talk.change_all(published(outbox), runs(done, now))
            for one in fenced:
                if one.error is not None:
                    talk.change(failure(outbox, one, now))
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
        query = raw(outbox).where(outbox.c.dead_at.is_not(None), is_open(outbox))
        if after is not None:
            query = query.where(tuple_(*key(outbox)) > tuple_(*map(literal, key_of(after))))
        query = query.order_by(*key(outbox)).limit(most)
        return self._asked(lambda talk: tuple(map(read_pointer, talk.rows(query))))

    def replay_dead(self, *, tenant: str | None = None, item_id: str | None = None) -> int:
        """See `OutboxKeeping.replay_dead`.

        Raises:
            StorageError: As for `begin`.
        """
        outbox = self._statements.tables.outbox
        anew = update(outbox).where(outbox.c.dead_at.is_not(None), is_open(outbox))
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
        dropped = delete(outbox).where(*own, outbox.c.dead_at.is_not(None), is_open(outbox))
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

        def work(talk: Talk) -> int:
            # Not one statement: MariaDB has no limit in a subquery, and deletes from no table that it selects from.
            pointers = [read_pointer(row) for row in talk.rows(old)]
            return sum([talk.change(delete(outbox).where(among(outbox, part))) for part in parts(pointers)])

        return self._written(work)

    def backlog(self) -> Backlog:
        """See `OutboxKeeping.backlog`.

        Raises:
            StorageError: As for `begin`.
        """

        def ask(talk: Talk) -> Backlog:
            now = talk.now()
            ((pending, parked, dead, oldest),) = talk.rows(backlog_query(talk.tables, now))
            return Backlog(now=now, pending=int(pending or 0), parked=int(parked or 0), dead=dead, oldest=oldest)

        return self._asked(ask)

    def _asked(self, ask: Callable[[Talk], T]) -> T:
        self.make_ready()
        with self._database.failures:
            transaction = self._transaction(self._database.begin_reading)
            try:
                answer = ask(Talk(transaction.connection(), transaction.open(), self._statements))
                transaction.finish()
            finally:
                transaction.end()
        return answer

    def _written(self, work: Callable[[Talk], T]) -> T:
        self.make_ready()
        answers: list[T] = []
        with self._database.failures:
            transaction = self._transaction(self._database.begin_writing)
            try:
                transaction.write(
                    lambda send: answers.append(work(Talk(transaction.connection(), send, self._statements)))
                )
            finally:
                transaction.end()
        return answers[0]


def _set(talk: Talk, rows: Iterable[Holding], **values: object) -> None:
    shards = [row.shard for row in rows]
    if shards:
        table = talk.tables.lease
        talk.change(update(table).where(table.c.shard.in_(shards)).values(values))
