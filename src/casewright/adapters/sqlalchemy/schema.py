"""Whether the tables are there, and making them. Nothing is ever made without being asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
from sqlalchemy import Dialect, Table
from sqlalchemy.schema import CreateTable

from casewright.adapters.sqlalchemy.databases.base import plain_creation
from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.adapters.sqlalchemy.versions import HEAD, command, version_problem
from casewright.errors import StorageError

__all__ = ["check_schema", "create_missing", "creation", "present_tables"]


@attrs.frozen
class _Found:
    """What a database holds.

    Attributes:
        tables: Those of the store's tables that are there, with the names of their columns.
        version: What the table of the version holds; None where there is no such table.
    """

    tables: Mapping[str, frozenset[str]]
    version: tuple[str, ...] | None


def present_tables(send: Send, statements: Statements) -> Mapping[str, frozenset[str]]:
    """Return which of the tables the database holds, with the names of their columns.

    Raises:
        StorageError: One of them has other columns than it should, or the schema says that it is older or newer.
    """
    return _found(send, statements).tables


def check_schema(send: Send, statements: Statements) -> None:
    """Check that all tables are there.

    Raises:
        StorageError: They are not, or one is of another schema, older or newer.
    """
    present = present_tables(send, statements)
    missing = [table.name for table in statements.tables.all if table.name not in present]
    if missing:
        problem = f"the database has no {', '.join(sorted(missing))}"
        advice = "store.create_schema() creates what is missing"
        if not present:  # a migration goes on from what is there, and makes no single table anew
            advice += f", and so does {command('--upgrade', statements.tables)}"
        raise StorageError(problem, advice)


def create_missing(send: Send, statements: Statements) -> None:
    """Create the tables that are not there, with their indexes, and note the revision where they are ours alone.

    Raises:
        StorageError: A table of our name is of another schema, older or newer.
    """
    with statements.database.schema_locked(send):
        found, version = _found(send, statements), statements.tables.version
        if not found.tables:  # else another history of migrations has begun them, and goes on with them
            if found.version is None:
                send(statements.text(CreateTable(version)))
            if not found.version:
                send(statements.new_version, (HEAD,))
        for table in statements.tables.all:
            if table.name not in found.tables:
                for statement in statements.database.creation(table):
                    send(statements.text(statement))


def creation(dialect: Dialect, tables: Tables) -> Iterator[str]:
    """Yield the statements that make all that a store needs, as text to be read and run by somebody else.

    Args:
        dialect: The dialect of the database.
        tables: The tables.
    """
    every = (CreateTable(tables.version), tables.version.insert().values(version_num=HEAD))
    for statement in (*every, *(one for table in tables.all for one in plain_creation(table))):
        yield str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})).strip()


def _found(send: Send, statements: Statements) -> _Found:
    """Return what is there, after a look whether the store can work with it."""
    found: dict[str, set[str]] = {}
    for table_name, column in send(statements.columns).fetchall():
        found.setdefault(table_name, set()).add(column)
    tables, version = statements.tables, None
    _check_columns(found, tables, tables.version)
    if found.pop(tables.version.name, None):  # it is asked only here: what is not there would be an error
        version = tuple(str(name) for (name,) in send(statements.version).fetchall())
        problem = version_problem(version, tables)
        if problem is not None:
            raise problem.error()
    for table in tables.all:
        _check_columns(found, tables, table)
    return _Found({name: frozenset(columns) for name, columns in found.items()}, version)


def _check_columns(found: Mapping[str, set[str]], tables: Tables, table: Table) -> None:
    expected = set(table.c.keys())
    columns = found.get(table.name, expected)
    if columns != expected:
        missing = [f"lacks {part}" for part in sorted(expected - columns)]
        further = [f"also has {part}" for part in sorted(columns - expected)]
        problem = f"the table {table.name} is of another schema: it {', '.join([*missing, *further])}"
        advice = "migrate it, or use another database, or the version of casewright that made it"
        raise StorageError(problem, f"{advice}; all that is different shows {command('--check', tables)}")
