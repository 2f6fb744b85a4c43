"""Whether the tables are there, and making them. Nothing is ever made without being asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy.schema import CreateIndex, CreateTable

from casewright.adapters.sqlalchemy.sending import Send
from casewright.adapters.sqlalchemy.statements import SQLITE
from casewright.adapters.sqlalchemy.tables import metadata
from casewright.errors import StorageError

__all__ = ["check_schema", "create_missing", "present_tables"]

_NAMES: Final = ", ".join(f"'{name}'" for name in metadata.tables)
_COLUMNS: Final = f"""
SELECT lower(found.name), parts.name FROM sqlite_master AS found JOIN pragma_table_info(found.name) AS parts
WHERE found.type IN ('table', 'view') AND lower(found.name) IN ({_NAMES})
"""  # noqa: S608 - the names are our own


def present_tables(send: Send) -> Mapping[str, frozenset[str]]:
    """Return which of our tables the database holds, with the names of their columns.

    Raises:
        StorageError: One of them has other columns than ours.
    """
    columns: dict[str, set[str]] = {}
    for table, column in send(_COLUMNS).fetchall():
        columns.setdefault(table, set()).add(column)
    for name, found in columns.items():
        expected = set(metadata.tables[name].columns.keys())
        if found != expected:
            missing = [f"lacks {part}" for part in sorted(expected - found)]
            further = [f"also has {part}" for part in sorted(found - expected)]
            problem = f"the table {name} is of another schema: it {', '.join([*missing, *further])}"
            raise StorageError(problem, "use another database, or the version of casewright that made it")
    return {name: frozenset(found) for name, found in columns.items()}


def check_schema(send: Send) -> None:
    """Check that all tables are there.

    Raises:
        StorageError: They are not, or one is of another schema.
    """
    missing = metadata.tables.keys() - present_tables(send).keys()
    if missing:
        tables = ", ".join(sorted(missing))
        raise StorageError(f"the database has no {tables}", "store.create_schema() creates what is missing")


def create_missing(send: Send) -> None:
    """Create the tables that are not there, with their indexes.

    Raises:
        StorageError: A table of our name is of another schema.
    """
    present = present_tables(send)
    for table in metadata.sorted_tables:
        if table.name not in present:
            send(SQLITE.text(CreateTable(table)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                send(SQLITE.text(CreateIndex(index)))
