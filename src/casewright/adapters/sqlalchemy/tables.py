"""The tables, as SQLAlchemy Core has them. Columns of items, events and notes are named as the fields are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from casewright.domain.values import as_instant, instant_text

__all__ = ["EVENT", "ITEM", "NOTE", "OUTBOX", "Instant", "metadata"]


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, kept as its canonical text, which sorts by time (S3)."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the canonical text."""
        return None if value is None else instant_text(as_instant(value, "instant"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def _text(name: str, *, key: bool = False, optional: bool = False) -> Column[Any]:
    return Column(name, Text, primary_key=key, nullable=optional)


def _number(name: str, *, key: bool = False, optional: bool = False) -> Column[Any]:
    return Column(name, BigInteger, primary_key=key, nullable=optional, autoincrement=False)


def _instant(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=optional)


metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)
"""What a migration tool compares with; `SqlAlchemyStore.create_schema` makes it."""

ITEM: Final = Table(
    "casewright_item",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("kind"),
    _text("definition"),
    _number("lifecycle_version"),
    _text("status"),
    _text("category"),
    _number("version"),
    _text("title"),
    _text("description", optional=True),
    _text("priority", optional=True),
    _text("created_by"),
    _instant("created_at"),
    _instant("updated_at"),
    _text("assignee_id", optional=True),
    _instant("due_at", optional=True),
    _instant("closed_at", optional=True),
    _instant("deleted_at", optional=True),
    _text("tags"),
    _text("attributes"),
    _text("performers"),
    _text("head"),
    _text("case_id", optional=True),
    _number("open_tasks", optional=True),
)
"""Tasks and cases; ``tags`` and ``attributes`` are JSON, ``performers`` lines of action, tab and id."""

# What lists ask for first of all, each with the id, so that pages come from it in order. Each write that changes one of
# its columns pays for an index.
for _column in (ITEM.c.status, ITEM.c.assignee_id, ITEM.c.case_id, ITEM.c.created_at):
    _held = _column.is_not(None) if _column.nullable else None
    Index(None, ITEM.c.tenant, ITEM.c.kind, _column, ITEM.c.id, sqlite_where=_held)

EVENT: Final = Table(
    "casewright_event",
    metadata,
    _text("tenant", key=True),
    _text("item_id", key=True),
    _text("kind"),
    _number("version", key=True),
    _text("action"),
    _text("name"),
    _text("from_status", optional=True),
    _text("to_status"),
    _text("category"),
    _text("actor_id"),
    _text("on_behalf_of", optional=True),
    _instant("occurred_at"),
    _instant("recorded_at", optional=True),
    _number("schema"),
    _text("definition"),
    _number("lifecycle_version"),
    _text("correlation_id", optional=True),
    _text("causation_id", optional=True),
    _text("traceparent", optional=True),
    _text("changed"),
    _text("previous"),
    _text("payload_digest"),
    _text("digest"),
    _text("payload", optional=True),
    _text("salt", optional=True),
)
"""Events: a column for each field of the header, and the payload as its canonical text; ``changed`` is JSON."""

NOTE: Final = Table(
    "casewright_note",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("item_id"),
    _number("version"),
    Column("place", Integer, nullable=False),
    _text("body"),
    _text("author_id"),
    _instant("created_at"),
)
"""Notes, in the order of ``version`` and ``place``."""

Index(None, NOTE.c.tenant, NOTE.c.item_id, NOTE.c.version)

OUTBOX: Final = Table(
    "casewright_outbox",
    metadata,
    _text("tenant", key=True),
    _text("item_id", key=True),
    _number("version", key=True),
    Column("shard", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    _instant("next_at", optional=True),
    _text("error", optional=True),
)
"""Pointers to events that are to be published."""
