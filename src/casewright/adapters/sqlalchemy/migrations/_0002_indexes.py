"""The indexes of what lists ask for first of all, and of the notes of an item.

Revision ID: casewright_0002
Revises: casewright_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op as current

from casewright.adapters.sqlalchemy.revising import Op, place

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "casewright_0002"
down_revision = "casewright_0001"
branch_labels = None
depends_on = None

_INDEXES = (
    ("item", ("tenant", "kind", "status", "id"), None),
    ("item", ("tenant", "kind", "assignee_id", "id"), "assignee_id"),
    ("item", ("tenant", "kind", "case_id", "id"), "case_id"),
    ("item", ("tenant", "kind", "created_at", "id"), None),
    ("note", ("tenant", "item_id", "version"), None),
)
"""The table, its columns, and which of them must be there for a row to be in the index."""


def upgrade(op: Op = current) -> None:
    """Make the indexes."""
    prefix, schema = place(op.get_context())
    for table, columns, held in _INDEXES:
        only = None if held is None else sa.text(f"{held} IS NOT NULL")
        op.create_index(
            op.f(f"ix_{prefix}{table}_{'_'.join(columns)}"),
            f"{prefix}{table}",
            list(columns),
            schema=schema,
            sqlite_where=only,
            postgresql_where=only,
            mariadb_length={} if held is None else {held: 240},  # all columns of an index have room for 3,072 bytes
        )


def downgrade(op: Op = current) -> None:
    """Drop the indexes."""
    prefix, schema = place(op.get_context())
    for table, columns, _ in _INDEXES:
        name = f"ix_{prefix}{table}_{'_'.join(columns)}"
        op.drop_index(op.f(name), table_name=f"{prefix}{table}", schema=schema)
