"""A database seen as a whole, and the project of somebody who has migrations of his own."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect

from casewright.adapters.sqlalchemy import Tables

__all__ = ["Project", "proposals", "shape", "structure"]

_COLLATIONS: Final = """
    SELECT c.relname, a.attname, l.collname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE c.relkind = 'r' AND a.attnum > 0 AND c.relname !~ '^(pg|sql)_' ORDER BY 1, 2
"""


def structure(connection: Connection, schema: str | None = None) -> dict[str, Any]:
    """Return all that a schema holds: tables with columns, keys and indexes, and the collation of each column."""
    found = inspect(connection)
    held: dict[str, Any] = {}
    for name in sorted(found.get_table_names(schema=schema)):
        columns = {
            column["name"]: (column["type"].compile(connection.dialect), column["nullable"], column["default"])
            for column in found.get_columns(name, schema=schema)
        }
        key = found.get_pk_constraint(name, schema=schema)
        indexes = [
            (
                index["name"],
                index["column_names"],
                bool(index["unique"]),
                str(index.get("dialect_options", {}).get(f"{connection.dialect.name}_where")),
            )
            for index in found.get_indexes(name, schema=schema)
        ]
        others = (found.get_foreign_keys(name, schema=schema), found.get_unique_constraints(name, schema=schema))
        held[name] = (columns, key["name"], key["constrained_columns"], sorted(indexes), others)
    if connection.dialect.name == "postgresql":
        held["collations"] = [tuple(row) for row in connection.exec_driver_sql(_COLLATIONS)]
    return held


def shape(engine: Engine, schema: str | None = None) -> dict[str, Any]:
    """Return all that a schema holds, but for the table of the version: not every way to migrate has one."""
    with engine.connect() as connection:
        held = structure(connection, schema)
    collations = [one for one in held.pop("collations", []) if not one[0].endswith("_version")]
    return {**{name: one for name, one in held.items() if not name.endswith("_version")}, "collations": collations}


def proposals(engine: Engine, metadata: Any, tables: Tables) -> list[Any]:
    """Return what Alembic would change, so that the database is as the metadata, one or several, say."""

    def is_meant(name: str | None, kind: str, parents: object) -> bool:
        if kind == "schema":
            return name in {None, tables.schema}
        return kind != "table" or name not in {tables.version.name, "alembic_version"}

    options = {"include_name": is_meant, "include_schemas": tables.schema is not None, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))


_TOML: Final = """
[tool.alembic]
script_location = "%(here)s"
version_locations = ["%(here)s/versions"{ours}]
"""
_OURS: Final = ', "casewright.adapters.sqlalchemy:migrations"'

_ENV: Final = """
from alembic import context

given = context.config.attributes
with given["engine"].connect() as connection:
    context.configure(connection=connection, **given["options"])
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
"""

_MAKO: Final = '''"""${message}"""
import sqlalchemy as sa
import casewright.adapters.sqlalchemy.tables
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


class Project:
    """A project with a history of migrations of its own.

    Args:
        folder: An empty folder.
        engine: Its database.
        ours: Whether our branch is in its history.
        **options: What its ``env.py`` configures.
    """

    def __init__(self, folder: Path, engine: Engine, *, ours: bool, **options: Any) -> None:
        """Write its files."""
        self.folder = folder
        (folder / "versions").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(_TOML.format(ours=_OURS if ours else ""))
        (folder / "env.py").write_text(_ENV)
        (folder / "script.py.mako").write_text(_MAKO)
        self.config = Config(toml_file=folder / "pyproject.toml", stdout=io.StringIO())
        self.config.attributes.update(engine=engine, options=options)

    def revise(self, **options: Any) -> str:
        """Write a revision by autogenerate, and return its text."""
        with redirect_stdout(io.StringIO()):
            made: Any = command.revision(self.config, autogenerate=True, message="one", **options)
        return Path(made.path).read_text(encoding="utf-8")

    def upgrade(self, to: str) -> None:
        """Go up."""
        command.upgrade(self.config, to)

    def downgrade(self, to: str) -> None:
        """Go down."""
        command.downgrade(self.config, to)
