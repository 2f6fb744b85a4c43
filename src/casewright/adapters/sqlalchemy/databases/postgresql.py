"""What is special to PostgreSQL, through psycopg and asyncpg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, cast, false, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql.dml import Insert

from casewright.adapters.sqlalchemy.databases.base import SCHEMA_LOCK, Condition, Database, scalars, texts
from casewright.adapters.sqlalchemy.failures import (
    DAMAGED,
    DOUBLED,
    FORBIDDEN,
    FULL,
    FULL_HOUSE,
    LOCKED,
    LOST,
    READ_ONLY,
    STOPPED,
    UNREACHABLE,
    UNUSABLE,
    Failures,
    Trouble,
    own_error,
)
from casewright.adapters.sqlalchemy.sending import Send
from casewright.domain.terms import Term

__all__ = ["Postgresql"]

_IDLED: Final = Trouble(
    "the server ended the transaction: it was open for longer than it may be, and nothing was committed",
    "try again; let facts be found quickly, or see idle_in_transaction_session_timeout and transaction_timeout",
    transient=True,
)
_CHANGED: Final = Trouble(
    "the tables were changed while connections were open to them, or have rules of their own",
    "try again; store.ping() tells whether the tables are as they should be",
    transient=True,
)
_NO_SCHEMA: Final = Trouble(
    "the schema that the tables are to be in is not there",
    "CREATE SCHEMA makes it; this user must be allowed to make tables there",
)

_TROUBLES: Final[Mapping[str, Trouble]] = {
    "08": LOST,
    "0A": _CHANGED,
    "23": DOUBLED,
    "25006": READ_ONLY,
    "25P03": _IDLED,
    "25P04": _IDLED,
    "28": UNREACHABLE,
    "3D": UNREACHABLE,
    "3F": _NO_SCHEMA,
    "40": LOCKED,
    "42501": FORBIDDEN,
    "53100": FULL,
    "53300": FULL_HOUSE,
    "55P03": LOCKED,
    "57014": STOPPED,
    "57P": LOST,
    "58": DAMAGED,
    "XX": DAMAGED,
}
"""By the beginning of SQLSTATE, the longest one that there is: a class, or a condition."""

_FINAL: Final = ("23", "25", "40", "53", "55")
"""Classes of what a server says of a commit that it has refused, after which it has undone all of it."""


_HARMLESS: Final = ("08", "28", "3D", "40", "53", "57")
"""Classes whose text speaks of connections and locks, and never shows a row."""


class _PostgresqlFailures(Failures):
    def __init__(
        self, *raised: type[Exception], lost: tuple[type[Exception], ...], stale: tuple[type[Exception], ...]
    ) -> None:
        super().__init__(*raised)
        self._lost = lost
        self._stale = stale

    def trouble(self, error: Exception) -> Trouble:
        state = _state(error)
        if not state:  # the driver speaks for itself: there was no answer of the server's
            if isinstance(error, self._stale):
                return _CHANGED
            return LOST if isinstance(error, self._lost) else UNUSABLE
        unknown = Trouble(
            f"the database refused what the store asked (SQLSTATE {state})",
            "store.ping() tells whether its tables are as they should be",
        )
        return next((_TROUBLES[state[:size]] for size in (5, 3, 2) if state[:size] in _TROUBLES), unknown)

    def unreachable(self, error: Exception) -> Trouble:
        """What the server has said, where it has answered at all; it may be full, or on its way."""
        known = self.trouble(error) if _state(error) else UNREACHABLE
        return UNREACHABLE if known is LOST else known

    def is_outdated(self, error: Exception) -> bool:
        return self.trouble(error) is _CHANGED

    def told(self, error: Exception) -> bool:
        return _state(error).startswith(_HARMLESS) or isinstance(error, OSError)

    def is_final(self, error: Exception) -> bool:
        return _state(own_error(error)).startswith(_FINAL)


def _state(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", None) or ""


class Postgresql(Database):
    """PostgreSQL, by one of its drivers.

    Args:
        dbapi: The driver, as SQLAlchemy has loaded it.
        paramstyle: See `Database`.
    """

    row_locks: ClassVar[bool] = True
    collation: ClassVar[str | None] = "C"
    one_statement: ClassVar[bool] = True
    # Else, at a stricter level, whoever waited for the lock would not see what was made meanwhile.
    begin_schema: ClassVar[str | None] = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
    # Not now(), which is when the transaction began: it may have waited for a lock since.
    now: ClassVar[str] = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

    def __init__(self, dbapi: Any, paramstyle: str) -> None:  # noqa: ANN401 - a module, or what stands for one
        """Choose what translates its failures."""
        own = getattr(dbapi, "asyncpg", None)  # which SQLAlchemy passes on unchanged while it connects
        unchanged = () if own is None else (own.PostgresError, own.InterfaceError)
        lost = (dbapi.OperationalError, dbapi.InterfaceError, *unchanged)
        # What SQLAlchemy raises for asyncpg's error of that name, without its SQLSTATE.
        stale = () if own is None else (dbapi.InvalidCachedStatementError,)
        self.failures: Failures = _PostgresqlFailures(dbapi.Error, *unchanged, lost=lost, stale=stale)
        self.paramstyle: str = paramstyle
        self.outdates: bool = own is not None

    def new_row(self, table: Table, *key: str) -> Insert:
        """See `Database.new_row`."""
        return insert(table).on_conflict_do_nothing(index_elements=[table.c[name] for name in key])

    def chosen(self, query: Select[Any]) -> Select[Any]:
        """See `Database.chosen`: what one has locked, another skips.

        Apart from the rest of the statement, so that it is asked once: a plan may ask a subquery anew for each row, and
        then skips what is removed already, so that in the end more than the limit are gone.
        """
        return select(*query.with_for_update(skip_locked=True).cte("chosen").c)

    def contains(self, column: ColumnElement[Any], text: str) -> Condition:
        """See `Database.contains`."""
        return func.strpos(column, text) > 0

    def attribute(self, item: Table, term: Term) -> Condition:
        """See `Database.attribute`."""
        values = scalars(term.values)
        if not values or not texts((term.name,)):
            return false()
        return cast(item.c.attributes, JSONB)[term.name].in_([literal(value, JSONB) for value in values])

    def has_begun(self, connection: Connection) -> bool:
        """See `Database.has_begun`: the drivers begin at the first statement, and not before."""
        driver: Any = connection.connection.driver_connection
        info = getattr(driver, "info", None)  # psycopg's
        return bool(driver.is_in_transaction() if info is None else info.transaction_status)

    def columns(self, tables: Sequence[Table]) -> str:
        """See `Database.columns`: of the tables that statements reach, in whichever schema of the search path."""
        return (
            "SELECT c.relname, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "  # noqa: S608 - the names are ours, or were checked
            f"WHERE c.oid IN ({_reached(tables)}) AND a.attnum > 0 AND NOT a.attisdropped"
        )

    def collations(self, tables: Sequence[Table]) -> str:
        """See `Database.collations`."""
        return (
            "SELECT c.relname, a.attname, l.collname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "  # noqa: S608 - as above
            "JOIN pg_collation AS l ON l.oid = a.attcollation "
            f"WHERE c.oid IN ({_reached(tables)}) AND a.attnum > 0 AND NOT a.attisdropped"
        )

    @contextmanager
    def schema_locked(self, send: Send) -> Iterator[None]:
        """See `Database.schema_locked`: until the transaction ends."""
        send(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
        yield


def _reached(tables: Sequence[Table]) -> str:
    names = [table.name if table.schema is None else f'"{table.schema}".{table.name}' for table in tables]
    return ", ".join(f"to_regclass('{name}')" for name in names)
