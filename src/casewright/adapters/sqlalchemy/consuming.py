"""Each message once: a consumer notes what it has taken in the very transaction that holds the effect (O7).

A broker delivers at least once. The row (consumer, message id) is written with the effect, so both are there or
neither. Of two deliveries of one message at a time the second waits for the first: where that commits the second is
told so, where it rolls back the second goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    and_,
    bindparam,
    delete,
    select,
)
from sqlalchemy.schema import conv

from casewright.adapters.sqlalchemy.columns import INNODB, text
from casewright.adapters.sqlalchemy.databases import Database, database_of
from casewright.adapters.sqlalchemy.sending import Channel
from casewright.adapters.sqlalchemy.tables import Instant, as_prefix, as_schema
from casewright.application.new_ids import Clock, system_clock
from casewright.domain.values import MAX_ID, MAX_TEXT, as_instant, as_integer, as_name, instant_text
from casewright.errors import MisuseError

__all__ = ["INBOX", "Inbox", "once"]

_DIGEST: Final = "sha256:"


class Inbox:
    """The table in which consumers note what they have taken, on a `MetaData` of its own or of the caller's.

    ``inbox.metadata.create_all(engine)`` makes it; or let your own migrations make it.

    Args:
        metadata: Where it is attached; a new one where None.
        prefix: What its name begins with: ``casewright_inbox``.
        schema: The schema that it is in; the database's default one where None.
        clock: Tells when a message came, which only `purge` asks for.

    Attributes:
        metadata: See above.
        table: The table: ``consumer``, ``message_id`` and ``received_at``.

    Raises:
        InvalidInputError: The prefix or the schema is none; see `Tables`.
    """

    def __init__(
        self,
        metadata: MetaData | None = None,
        *,
        prefix: str = "casewright_",
        schema: str | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Attach it."""
        name = f"{as_prefix(prefix)}inbox"
        self.metadata: MetaData = MetaData() if metadata is None else metadata
        self._clock = clock
        self.table: Table = Table(
            name,
            self.metadata,
            text("consumer", MAX_ID),
            text("message_id", MAX_ID),
            Column("received_at", Instant, nullable=False),
            PrimaryKeyConstraint("consumer", "message_id", name=conv(f"pk_{name}")),
            schema=None if schema is None else as_schema(schema),
            **INNODB,
        )
        Index(conv(f"ix_{name}_received_at"), self.table.c.received_at)

    def once(self, connection: Connection, message_id: str, *, consumer: str) -> bool:
        """Return whether a message is new to a consumer, and note in the connection's transaction that it has come.

        Write the effect in the same transaction, and acknowledge the message to its broker after the commit, whatever
        this returned. With an `AsyncConnection`: ``await connection.run_sync(inbox.once, message_id, consumer=...)``.

        Args:
            connection: A connection in the consumer's own transaction.
            message_id: The id that every delivery of the message has, unique among all that come to the consumer:
                `Received.message_id`, or the ``webhook-id``. Longer ones than 255 characters are kept as their hash.
            consumer: The name of the consumer: each takes each message once.

        Raises:
            InvalidInputError: The id or the name is blank or cannot be printed, or too long.
            MisuseError: The connection autocommits, so that the note and the effect would be two; or nobody has tried
                this database.
            StorageError: The database cannot do it. Roll back, and let the message come again.
        """
        key = as_name(consumer, "consumer", MAX_ID), _short(as_name(message_id, "message_id", MAX_TEXT))
        database = database_of(connection.dialect)
        received = instant_text(as_instant(self._clock(), "clock"))
        of_dialect: Any = type(connection.dialect)
        row, taken = _compiled(of_dialect, database, self.table)
        with database.failures:
            _check_open(connection)
            return database.is_new(Channel.reporting(connection).send, row, (*key, received), taken, key)

    def purge(self, connection: Connection, *, before: datetime, limit: int = 1000) -> int:
        """Forget messages that came before a time, the oldest first; what is forgotten would be new again.

        Keep them for longer than any broker delivers again. Call it until it returns less than the limit, each time in
        a transaction of its own, so that none is long.

        Args:
            connection: A connection.
            before: The time, aware.
            limit: How many at most.

        Returns:
            How many it found.

        Raises:
            InvalidInputError: The time is naive, or the limit is none.
            StorageError: The database cannot do it.
        """
        columns = self.table.c
        oldest = (
            select(columns.consumer, columns.message_id)
            .where(columns.received_at < as_instant(before, "before"))
            .order_by(columns.received_at)
            .limit(as_integer(limit, "limit", least=1))
        )
        one = and_(columns.consumer == bindparam("who"), columns.message_id == bindparam("what"))
        with database_of(connection.dialect).failures:
            found = connection.execute(oldest).all()
            if found:
                connection.execute(delete(self.table).where(one), [{"who": who, "what": what} for who, what in found])
        return len(found)


INBOX: Final = Inbox()
"""The table under the name that it has where nobody says otherwise, on a metadata of its own."""


def once(connection: Connection, message_id: str, *, consumer: str) -> bool:
    """Return whether a message is new to a consumer, and note it: `Inbox.once` of `INBOX`."""
    return INBOX.once(connection, message_id, consumer=consumer)


@lru_cache(maxsize=32)
def _compiled(make: Callable[..., Dialect], database: Database, table: Table) -> tuple[str, str]:
    """Return what the driver is sent: the row, unless its key is taken, and the question whether it is."""
    dialect, key = make(paramstyle=database.paramstyle), (table.c.consumer, table.c.message_id)
    taken = select(key[0]).where(*[column == bindparam(f"own_{column.name}") for column in key])
    row = database.new_row(table, *[column.name for column in key])
    return str(row.compile(dialect=dialect)), str(database.current(taken).compile(dialect=dialect))


def _short(message_id: str) -> str:
    """Return the id, or its hash where a key has no room for it."""
    return message_id if len(message_id) <= MAX_ID else _DIGEST + hashlib.sha256(message_id.encode()).hexdigest()


def _check_open(connection: Connection) -> None:
    """Check that what is written now is not committed by itself."""
    proxied: Any = connection.connection
    begun = getattr(proxied.driver_connection, "in_transaction", False)  # of SQLite: begun by hand
    if connection.dialect.detect_autocommit_setting(proxied.dbapi_connection) and not begun:
        problem = "the connection autocommits, so a message could be noted without its effect"
        raise MisuseError(problem, "with engine.begin() as connection: ...")
