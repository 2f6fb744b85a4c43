"""The tables: items, events, notes, the outbox and its leases, idempotency keys, denials.

Revision ID: casewright_0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op as current

from casewright.adapters.sqlalchemy.columns import INNODB, instant, number, text
from casewright.adapters.sqlalchemy.revising import Op, place

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "casewright_0001"
down_revision = None
branch_labels = ("casewright",)
depends_on = None


def upgrade(op: Op = current) -> None:
    """Make the tables."""
    prefix, schema = place(op.get_context())
    _make_item(op, prefix, schema)
    _make_event(op, prefix, schema)
    op.create_table(
        f"{prefix}note",
        text("tenant", 255),
        text("id", 255),
        text("item_id", 255),
        number("version"),
        sa.Column("place", sa.Integer, nullable=False),
        text("body"),
        text("author_id"),
        instant("created_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f(f"pk_{prefix}note")),
        schema=schema,
        **INNODB,
    )
    _make_delivery(op, prefix, schema)
    _make_ledger(op, prefix, schema)
    _make_denial(op, prefix, schema)


def downgrade(op: Op = current) -> None:
    """Drop the tables, with all that is in them."""
    prefix, schema = place(op.get_context())
    for name in ("denial", "lease", "ledger", "outbox", "note", "event", "item"):
        op.drop_table(f"{prefix}{name}", schema=schema)


def _make_delivery(op: Op, prefix: str, schema: str | None) -> None:
    op.create_table(
        f"{prefix}outbox",
        text("tenant", 255),
        text("item_id", 255),
        number("version"),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        instant("next_at", optional=True),
        text("error", optional=True),
        instant("published_at", optional=True),
        instant("dead_at", optional=True),
        sa.PrimaryKeyConstraint("tenant", "item_id", "version", name=op.f(f"pk_{prefix}outbox")),
        schema=schema,
        **INNODB,
    )
    op.create_table(
        f"{prefix}lease",
        sa.Column("shard", sa.Integer, nullable=False, autoincrement=False),
        text("owner", optional=True),
        number("token"),
        instant("expires_at", optional=True),
        sa.PrimaryKeyConstraint("shard", name=op.f(f"pk_{prefix}lease")),
        schema=schema,
        **INNODB,
    )


def _make_ledger(op: Op, prefix: str, schema: str | None) -> None:
    op.create_table(
        f"{prefix}ledger",
        text("tenant", 255),
        text("actor_id", 255),
        text("key", 255),
        text("command"),
        text("fingerprint"),
        text("item_id"),
        number("version"),
        sa.Column("changed", sa.Integer, nullable=False),
        instant("recorded_at"),
        sa.PrimaryKeyConstraint("tenant", "actor_id", "key", name=op.f(f"pk_{prefix}ledger")),
        schema=schema,
        **INNODB,
    )


def _make_denial(op: Op, prefix: str, schema: str | None) -> None:
    op.create_table(
        f"{prefix}denial",
        text("tenant", 255),
        text("id", 255),
        text("action"),
        text("item_id"),
        text("actor_id"),
        text("on_behalf_of", optional=True),
        instant("occurred_at"),
        instant("recorded_at"),
        text("code"),
        text("phase", optional=True),
        text("reasons"),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f(f"pk_{prefix}denial")),
        schema=schema,
        **INNODB,
    )


def _make_item(op: Op, prefix: str, schema: str | None) -> None:
    op.create_table(
        f"{prefix}item",
        text("tenant", 255),
        text("id", 255),
        text("kind", 4),
        text("definition"),
        number("lifecycle_version"),
        text("status", 100),
        text("category"),
        number("version"),
        text("title"),
        text("description", optional=True),
        text("priority", optional=True),
        text("created_by"),
        instant("created_at"),
        instant("updated_at"),
        text("assignee_id", 255, optional=True),
        instant("due_at", optional=True),
        instant("closed_at", optional=True),
        instant("deleted_at", optional=True),
        text("tags"),
        text("attributes"),
        text("performers"),
        text("head"),
        text("case_id", 255, optional=True),
        number("open_tasks", optional=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f(f"pk_{prefix}item")),
        schema=schema,
        **INNODB,
    )


def _make_event(op: Op, prefix: str, schema: str | None) -> None:
    op.create_table(
        f"{prefix}event",
        text("tenant", 255),
        text("item_id", 255),
        text("kind"),
        number("version"),
        text("action"),
        text("name"),
        text("from_status", optional=True),
        text("to_status"),
        text("category"),
        text("actor_id"),
        text("on_behalf_of", optional=True),
        instant("occurred_at"),
        instant("recorded_at", optional=True),
        number("schema"),
        text("definition"),
        number("lifecycle_version"),
        text("correlation_id", optional=True),
        text("causation_id", optional=True),
        text("traceparent", optional=True),
        text("changed"),
        text("previous"),
        text("payload_digest"),
        text("digest"),
        text("payload", optional=True),
        text("salt", optional=True),
        sa.PrimaryKeyConstraint("tenant", "item_id", "version", name=op.f(f"pk_{prefix}event")),
        schema=schema,
        **INNODB,
    )
