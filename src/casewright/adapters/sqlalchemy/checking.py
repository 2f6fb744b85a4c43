"""All in which a database is not as this version of casewright needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Index, Table, inspect, select
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedIndex
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from casewright.adapters.sqlalchemy.databases import Database, database_of
from casewright.adapters.sqlalchemy.sources import as_tables, check_connection
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.versions import Difference, command, version_problem

__all__ = ["check"]


def check(connection: Connection, *, tables: Tables | None = None) -> tuple[Difference, ...]:
    """Return all in which the tables are not as they should be: nothing where all is well.

    It looks at tables, columns, keys, indexes and collations, and at the revision where the database keeps it. It
    writes nothing. What else there is, such as further indexes, is the owner's own matter. An asynchronous connection
    runs it by ``await connection.run_sync(check)``.

    Args:
        connection: The connection.
        tables: The tables; `TABLES` where None.

    Raises:
        InvalidInputError: An argument is of another type.
        MisuseError: The connection is to a database that nobody has tried.
        StorageError: The database cannot be reached or read.
    """
    tables = as_tables(tables)
    check_connection(connection, "check")
    database = database_of(connection.dialect)
    with database.failures:
        return tuple(_Check(connection, database, tables).differences())


class _Check:
    """What a database holds, beside what it should hold.

    Args:
        connection: The connection.
        database: The database that it is to.
        tables: The tables.
    """

    def __init__(self, connection: Connection, database: Database, tables: Tables) -> None:
        """Look at all of it."""
        inspector, names = inspect(connection), [table.name for table in tables.all]
        where: dict[str, Any] = {"schema": tables.schema, "filter_names": names}
        self._tables = tables
        self._dialect = connection.dialect
        self._mend = f"bring it up to date: {command('--upgrade', tables)}, or your own migrations"
        self._columns = {key[1]: rows for key, rows in inspector.get_multi_columns(**where).items()}
        self._keys = {key[1]: held for key, held in inspector.get_multi_pk_constraint(**where).items()}
        self._indexes = {key[1]: rows for key, rows in inspector.get_multi_indexes(**where).items()}
        self._version: list[str] = []
        if inspector.has_table(tables.version.name, schema=tables.schema):
            self._version = list(connection.scalars(select(tables.version.c.version_num)))
        self._collation = database.collation
        self._collations: list[tuple[str, str, str]] = []
        if database.collation is not None:
            found = connection.exec_driver_sql(database.collations(tables.all))
            self._collations = [(table, column, collation) for table, column, collation in found]

    def differences(self) -> Iterator[Difference]:
        """Yield each difference."""
        problem = version_problem(self._version, self._tables)
        if problem is not None:
            yield problem
        for table in self._tables.all:
            if table.name in self._columns:
                yield from self._in_columns(table)
                yield from self._in_key(table)
                yield from self._in_indexes(table)
            else:
                yield self._found("no_table", f"the table {table.name}", "is not there")
        mend = f'ALTER TABLE ... ALTER COLUMN ... TYPE text COLLATE "{self._collation}", or make the tables anew'
        for name, column, collation in self._collations:
            if collation != self._collation:
                what = f"has the collation {collation}, not {self._collation}, which orders by code point"
                yield Difference("collation", f"the column {name}.{column}", what, mend)

    def _in_columns(self, table: Table) -> Iterator[Difference]:
        found = {row["name"]: row for row in self._columns[table.name]}
        for column in table.c:
            if column.name in found:
                yield from self._in_column(table, column, found[column.name])
            else:
                yield self._found("no_column", f"the table {table.name}", f"lacks the column {column.name}")
        for name in found.keys() - table.c.keys():
            mend = "use the version of casewright that made it, or drop the column"
            yield Difference("column", f"the table {table.name}", f"also has the column {name}", mend)

    def _in_column(self, table: Table, column: Column[Any], found: ReflectedColumn) -> Iterator[Difference]:
        where = f"the column {table.name}.{column.name}"
        expected, present = (_kind(type_, self._dialect) for type_ in (column.type, found["type"]))
        if present != expected:
            yield self._found("type", where, f"is of the type {present}, not {expected}")
        if found["nullable"] != column.nullable:
            yield self._found("null", where, "may be NULL" if found["nullable"] else "must not be NULL")

    def _in_key(self, table: Table) -> Iterator[Difference]:
        expected = [column.name for column in table.primary_key]
        found = list(self._keys[table.name]["constrained_columns"])
        if found != expected:
            what = f"has the primary key ({', '.join(found)}), not ({', '.join(expected)})"
            yield self._found("key", f"the table {table.name}", what)

    def _in_indexes(self, table: Table) -> Iterator[Difference]:
        found = {row["name"]: row for row in self._indexes[table.name]}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in found:
                yield self._found("no_index", f"the table {table.name}", f"lacks the index {index.name}")
            elif not _alike(found[index.name], index, self._dialect):
                yield self._found("index", f"the index {index.name}", "is of other columns, or of other rows")

    def _found(self, code: str, where: str, what: str) -> Difference:
        return Difference(code, where, what, self._mend)


def _kind(type_: TypeEngine[Any], dialect: Dialect) -> str:
    """Return what the database calls a type, without its length and collation."""
    try:
        name = type_.compile(dialect=dialect)
    except CompileError:  # SQLite's columns need no type
        return "none"
    return name.partition("(")[0].partition(" ")[0]


def _alike(found: ReflectedIndex, index: Index, dialect: Dialect) -> bool:
    """Return whether an index has the columns that it should have, of the rows that it should have."""
    option = f"{dialect.name}_where"
    present, wanted = found.get("dialect_options", {}).get(option), index.dialect_kwargs.get(option)
    columns = [column.name for column in index.columns]
    return found["column_names"] == columns and not found["unique"] and _plain(present) == _plain(wanted)


def _plain(condition: object) -> str:
    """Return the condition of an index as both the database and SQLAlchemy write it: we have only simple ones."""
    return "" if condition is None else str(condition).strip("()").rpartition(".")[2]
