"""`Database`: what is special to each database, and to each of its drivers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, TypeAlias
from zlib import crc32

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    bindparam,
    delete,
    false,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.expression import ClauseElement

from casewright.adapters.sqlalchemy.failures import Failures
from casewright.adapters.sqlalchemy.loans import Loan
from casewright.adapters.sqlalchemy.sending import Channel, Send
from casewright.domain.json_values import JSON_MAX_BYTES, JsonValue
from casewright.domain.terms import Term
from casewright.domain.values import INTEGER_MAX, INTEGER_MIN, as_text
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["SCHEMA_LOCK", "Condition", "Database", "among", "integers", "plain_creation", "scalars", "texts"]

Condition: TypeAlias = ColumnElement[bool]

SCHEMA_LOCK: Final = crc32(b"casewright schema")
"""The number of the lock that whoever changes the schema holds, on servers that have such locks."""


class Database(ABC):
    """How one database is spoken to."""

    paramstyle: str
    """How parameters stand in a statement, by position; see PEP 249."""

    row_locks: ClassVar[bool]
    """Whether a row that is read can be locked."""

    one_statement: ClassVar[bool] = False
    """Whether one statement can write to several tables."""

    outdates: bool = False
    """Whether its driver keeps statements that a change of the tables makes useless, which only SQLAlchemy notices."""

    waits: ClassVar[bool] = False
    """Whether a store can say for how long a unit waits for a lock."""

    transactional_ddl: ClassVar[bool] = True
    """Whether a change of the schema can be undone, and commits nothing by itself."""

    collation: ClassVar[str | None] = None
    """The collation that each column of text must have; None where the database's own way is by code point."""

    begin_reading: ClassVar[str | None] = None
    """The statement that begins a transaction that only reads; None where the driver begins by itself."""

    begin_writing: ClassVar[str | None] = None
    """The statement that begins a transaction that may write."""

    begin_schema: ClassVar[str | None] = None
    """The statement that begins a transaction that makes tables."""

    now: ClassVar[str]
    """The query for its clock, whose answer is the text of an instant in UTC: that of the server, where it is one."""

    failures: Failures
    """What turns the driver's errors into casewright's."""

    @abstractmethod
    def new_row(self, table: Table, *key: str) -> Insert:
        """Return the statement that inserts a row unless its key is taken."""

    def is_new(self, send: Send, statement: str, values: tuple[Any, ...], asking: str, key: tuple[Any, ...]) -> bool:
        """Send a `new_row`, and return whether its key was free.

        Args:
            send: Sends it.
            statement: The statement.
            values: Its parameters.
            asking: The query for the row that has the key.
            key: Its parameters.
        """
        return send(statement, values).rowcount == 1

    def removal(self, table: Table, key: Sequence[str], moment: Column[Any]) -> ClauseElement:
        """Return the statement that removes rows that are older than a time, at most so many: its two parameters.

        Args:
            table: The table.
            key: The columns of its primary key.
            moment: The column with the time.
        """
        own = [table.c[name] for name in key]
        most = bindparam("limit", type_=BigInteger())
        first: ColumnElement[int] = literal_column("0")  # else SQLAlchemy would send it as a parameter
        old: Any = select(*own).where(moment < bindparam("before")).order_by(moment).limit(most).offset(first)
        return delete(table).where(tuple_(*own).in_(self.chosen(old)))

    def chosen(self, query: Select[Any]) -> Select[Any]:
        """Return the query for rows that are about to be removed, so that others who remove at once choose others."""
        return query

    @abstractmethod
    def contains(self, column: ColumnElement[Any], text: str) -> Condition:
        """Return the condition that the column's text holds this text, code point by code point."""

    @abstractmethod
    def attribute(self, item: Table, term: Term) -> Condition:
        """Return the condition that an attribute has one of the values of a term."""

    def current(self, query: Select[Any]) -> Select[Any]:
        """Return the query so that it sees all that was committed, wherever the transaction looks at an older state."""
        return query

    def lend(self, engine: Engine, *, busy_timeout: int | None, sql_events: bool) -> Loan:
        """Return a connection of the engine, ready for a transaction of the store's own."""
        return Loan(engine, self.failures, sql_events=sql_events)

    def channel(self, cursor: DBAPICursor) -> Channel:
        """Return a channel straight to the driver, which gives rows as sequences."""
        return Channel.adapted(cursor)

    def check_joined(self, connection: Connection) -> None:
        """Check that a transaction is open on a connection of the caller's, to take part in.

        Raises:
            MisuseError: None is, or each statement would be its own.
        """
        driver = connection.connection.dbapi_connection
        if driver is None or connection.dialect.detect_autocommit_setting(driver):
            problem = "the connection that was to be joined autocommits, so each statement would be its own"
            raise MisuseError(problem, "pass a connection without isolation_level=AUTOCOMMIT, and begin on it")
        if not connection.in_transaction():
            problem = "no transaction is open on the connection that was to be joined"
            raise MisuseError(problem, "with engine.begin() as connection: ...")

    def check_rows(self, connection: Connection) -> None:  # noqa: B027 - most databases have nothing to check
        """Check that SQLAlchemy can read the rows that a connection of the caller's gives.

        Raises:
            MisuseError: It is set up so that it cannot.
        """

    def let_go(self, connection: Connection) -> None:  # noqa: B027 - as above
        """Leave a connection of the caller's as its owner can use it."""

    def is_in_transaction(self, connection: Connection) -> bool:
        """Return whether the database still has a transaction open on a connection of the caller's."""
        return True

    def has_begun(self, connection: Connection) -> bool:
        """Return whether the driver has begun the transaction that SQLAlchemy says is begun."""
        return self.is_in_transaction(connection)

    @abstractmethod
    def columns(self, tables: Sequence[Table]) -> str:
        """Return the query for the names of tables and of their columns, of those that are there."""

    def collations(self, tables: Sequence[Table]) -> str:
        """Return the query for the names of tables, columns and collations, of those that are there.

        It is asked only where there is a `collation` that they must have.
        """
        return ""

    def check_creation(self, *, joined: bool) -> None:  # noqa: B027 - as above
        """Check that tables may be made, in a transaction of the store's own or in one that was joined.

        Raises:
            MisuseError: It would commit what others have written.
        """

    def creation(self, table: Table) -> Iterator[ClauseElement]:
        """Yield what makes a table with its indexes, so that it is never seen without them."""
        yield from plain_creation(table)

    @contextmanager
    def schema_locked(self, send: Send) -> Iterator[None]:
        """Let nobody else change the schema in between; SQLite's own lock sees to that."""
        yield

    @contextmanager
    def overwriting(self, send: Send) -> Iterator[None]:
        """Let what is taken out of rows be overwritten where it stood, as far as that can be asked for."""
        yield

    def forget(self, engine: Engine, *, sql_events: bool) -> None:  # noqa: B027 - as above
        """Do what can be done, after rows were overwritten, so that older states of them are kept nowhere."""

    def prepare(self, engine: Engine, *, sql_events: bool) -> None:  # noqa: B027 - as above
        """Do what is to be done once for a database, before it is first used."""


def plain_creation(table: Table) -> Iterator[CreateTable | CreateIndex]:
    """Yield a table, then its indexes by name."""
    yield CreateTable(table)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield CreateIndex(index)


def among(column: ColumnElement[Any], values: Sequence[str | int]) -> Condition:
    """Return the condition that the column has one of the values."""
    if len(values) == 1:
        return column == values[0]
    return column.in_(values) if values else false()


def texts(values: Iterable[JsonValue]) -> list[str]:
    """Return those that are text, not empty, and such that an item could hold them."""
    return [text for value in values if (text := _storable(value))]


def integers(values: Iterable[JsonValue]) -> list[int]:
    """Return those that are integers, and such that an item could hold them."""
    return [value for value in values if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX]


def scalars(values: Iterable[JsonValue]) -> list[bool | str | int]:
    """Return those that an attribute can be found by: True and False, text and integers."""
    known = list(values)
    return [*(value for value in known if isinstance(value, bool)), *texts(known), *integers(known)]


def _storable(value: JsonValue) -> str:
    try:
        return as_text(value, "value", JSON_MAX_BYTES)
    except InvalidInputError:
        return ""
