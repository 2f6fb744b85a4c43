"""The indexes of what lists and relays ask for first of all, of the notes of an item, and of what may be purged.

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
    ("item", ("tenant", "kind", "assignee_id", "id"), "assignee_id IS NOT NULL"),
    ("item", ("tenant", "kind", "case_id", "id"), "case_id IS NOT NULL"),
    ("item", ("tenant", "kind", "created_at", "id"), None),
    ("note", ("tenant", "item_id", "version"), None),
    ("outbox", ("shard", "tenant", "item_id", "version"), "published_at IS NULL"),
    ("outbox", ("published_at",), "published_at IS NOT NULL"),
    ("outbox", ("dead_at",), "dead_at IS NOT NULL"),
    ("ledger", ("recorded_at",), None),
)
"""The table, its columns, and which of its rows are in the index; all of them on MariaDB."""

_PARTS = {"assignee_id": 240, "case_id": 240}  # all columns of an index have room for 3,072 bytes on MariaDB


def upgrade(op: Op = current) -> None:
    """Make the indexes."""
    prefix, schema = place(op.get_context())
    for table, columns, where in _INDEXES:
        only = None if where is None else sa.text(where)
        op.create_index(
            op.f(f"ix_{prefix}{table}_{'_'.join(columns)}"),
            f"{prefix}{table}",
            list(columns),
            schema=schema,
            sqlite_where=only,
            postgresql_where=only,
            mariadb_length={column: _PARTS[column] for column in columns if column in _PARTS},
        )


def downgrade(op: Op = current) -> None:
    """Drop the indexes."""
    prefix, schema = place(op.get_context())
    for table, columns, _ in _INDEXES:
        name = f"ix_{prefix}{table}_{'_'.join(columns)}"
        op.drop_index(op.f(name), table_name=f"{prefix}{table}", schema=schema)
