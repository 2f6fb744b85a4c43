"""What is special to MariaDB, through PyMySQL and asyncmy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, false, func
from sqlalchemy import insert as plain_insert
from sqlalchemy.sql.dml import Insert

from casewright.adapters.sqlalchemy.databases.base import SCHEMA_LOCK, Condition, Database
from casewright.adapters.sqlalchemy.failures import (
    DOUBLED,
    FULL,
    LOCKED,
    LOST,
    READ_ONLY,
    UNREACHABLE,
    Failures,
    Trouble,
    own_error,
)
from casewright.adapters.sqlalchemy.sending import Send
from casewright.domain.terms import Term

__all__ = ["MariaDb"]

_DOUBLED: Final = 1062

_TROUBLES: Final[Mapping[int, Trouble]] = {
    1020: LOCKED,  # the row has changed since it was read
    1021: FULL,
    1040: LOCKED,
    1044: UNREACHABLE,
    1045: UNREACHABLE,
    1048: DOUBLED,
    1049: UNREACHABLE,
    1053: LOST,
    1114: FULL,
    1205: LOCKED,
    1213: LOCKED,
    1290: READ_ONLY,
    1792: READ_ONLY,
    1927: LOST,
    2006: LOST,
    2013: LOST,
    4025: DOUBLED,
    _DOUBLED: DOUBLED,
}

_FINAL: Final = frozenset({1021, 1114, 1205, 1213, 1290, 1792})
"""What a server says of a commit that it has refused, after which it has undone all of it."""


class _MariaDbFailures(Failures):
    def trouble(self, error: Exception) -> Trouble:
        number = _number(error)
        if number == 0:  # the driver speaks for itself: there was no answer of the server's
            return LOST
        unknown = Trouble(
            f"the database refused what the store asked (error {number})",
            "store.ping() tells whether its tables are as they should be",
        )
        return _TROUBLES.get(number, unknown)

    def told(self, error: Exception) -> bool:
        return _TROUBLES.get(_number(error)) in {LOCKED, LOST, UNREACHABLE}

    def is_final(self, error: Exception) -> bool:
        return _number(own_error(error)) in _FINAL

    def is_doubled(self, error: Exception) -> bool:
        return _number(own_error(error)) == _DOUBLED


def _number(error: BaseException | None) -> int:
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0


class MariaDb(Database):
    """MariaDB, by one of its drivers. Lists cannot ask for attributes.

    Args:
        dbapi: The driver, as SQLAlchemy has loaded it.
    """

    paramstyle = "format"
    row_locks = True
    attributes = False
    transactional_ddl = False
    collation = "utf8mb4_nopad_bin"
    # Else a row that is locked would be newer than all that is read after it.
    begin_reading = begin_writing = begin_schema = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"

    def __init__(self, dbapi: Any) -> None:  # noqa: ANN401 - a module, or what stands for one
        """Choose what translates its failures."""
        self.failures = _MariaDbFailures(dbapi.Error)

    def new_row(self, table: Table, *key: str) -> Insert:
        """See `Database.new_row`: whether the key is taken is told by an error."""
        return plain_insert(table)

    def contains(self, column: ColumnElement[Any], text: str) -> Condition:
        """See `Database.contains`."""
        return func.instr(column, text) > 0

    def attribute(self, item: Table, term: Term) -> Condition:
        """See `Database.attribute`: it is never asked."""
        return false()

    def columns(self, tables: Sequence[Table]) -> str:
        """See `Database.columns`."""
        return f"SELECT lower(table_name), column_name FROM {_columns(tables)}"  # noqa: S608 - the names are ours, or were checked

    def collations(self, tables: Sequence[Table]) -> str:
        """See `Database.collations`."""
        held = "collation_name IS NOT NULL"
        return f"SELECT lower(table_name), column_name, collation_name FROM {_columns(tables)} AND {held}"  # noqa: S608 - as above

    @contextmanager
    def schema_locked(self, send: Send) -> Iterator[None]:
        """See `Database.schema_locked`: it outlives transactions, as what changes a schema ends them."""
        send(f"SELECT GET_LOCK('{SCHEMA_LOCK}', 60)").fetchall()
        try:
            yield
        finally:
            send(f"SELECT RELEASE_LOCK('{SCHEMA_LOCK}')").fetchall()


def _columns(tables: Sequence[Table]) -> str:
    names = ", ".join(f"'{table.name}'" for table in tables)
    schema = "DATABASE()" if tables[0].schema is None else f"'{tables[0].schema}'"
    return f"information_schema.columns WHERE table_schema = {schema} AND table_name IN ({names})"
