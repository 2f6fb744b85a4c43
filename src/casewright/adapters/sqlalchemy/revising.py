"""What a revision is given: where it makes its tables, and by which operations.

Revisions are history, and what they share never changes: this module stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from casewright.adapters.sqlalchemy.tables import Tables
from casewright.errors import MisuseError

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

__all__ = ["OPTION", "Op", "Place", "place"]

Op: TypeAlias = Any
"""Alembic's operations. Without any, a revision uses ``alembic.op``, of which there is one for the whole process; our
runner passes its own, since several threads and tasks may migrate at once, each another database."""

OPTION: Final = "casewright_tables"
"""The option of ``context.configure`` that says for which tables revisions run."""


class Place(NamedTuple):
    """How the tables are named: what begins their names, and the schema that they are in, None for the default one."""

    prefix: str
    schema: str | None


def place(context: MigrationContext) -> Place:
    """Return how the tables are named in the database that is migrated.

    Args:
        context: What Alembic runs the revision in; its option ``casewright_tables`` holds the tables.

    Raises:
        MisuseError: The option holds something else.
    """
    options: Mapping[str, object] = context.opts
    tables = options.get(OPTION)
    if tables is None:
        return Place("casewright_", None)
    if not isinstance(tables, Tables):
        problem = f"context.configure({OPTION}=) must hold Tables, not {type(tables).__name__}"
        raise MisuseError(problem, "pass it what the store is given, such as Tables(metadata, prefix=...)")
    return Place(tables.prefix, tables.schema)
