"""Whether the tables are there, and making them. Nothing is ever made without being asked for."""

from __future__ import annotations

from collections.abc import Mapping

from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import Statements
from casewright.errors import StorageError

__all__ = ["check_schema", "create_missing", "present_tables"]


def present_tables(send: Send, statements: Statements) -> Mapping[str, frozenset[str]]:
    """Return which of the tables the database holds, with the names of their columns.

    Raises:
        StorageError: One of them has other columns than it should.
    """
    found: dict[str, set[str]] = {}
    for table_name, column in send(statements.columns).fetchall():
        found.setdefault(table_name, set()).add(column)
    for table in statements.tables.all:
        expected = set(table.c.keys())
        columns = found.get(table.name, expected)
        if columns != expected:
            missing = [f"lacks {part}" for part in sorted(expected - columns)]
            further = [f"also has {part}" for part in sorted(columns - expected)]
            problem = f"the table {table.name} is of another schema: it {', '.join([*missing, *further])}"
            raise StorageError(problem, "use another database, or the version of casewright that made it")
    return {name: frozenset(columns) for name, columns in found.items()}


def check_schema(send: Send, statements: Statements) -> None:
    """Check that all tables are there.

    Raises:
        StorageError: They are not, or one is of another schema.
    """
    present = present_tables(send, statements)
    missing = [table.name for table in statements.tables.all if table.name not in present]
    if missing:
        problem = f"the database has no {', '.join(sorted(missing))}"
        raise StorageError(problem, "store.create_schema() creates what is missing")


def create_missing(send: Send, statements: Statements) -> None:
    """Create the tables that are not there, with their indexes.

    Raises:
        StorageError: A table of our name is of another schema.
    """
    with statements.database.schema_locked(send):
        present = present_tables(send, statements)
        for table in statements.tables.all:
            if table.name not in present:
                for statement in statements.database.creation(table):
                    send(statements.text(statement))
