"""The tables, as SQLAlchemy Core has them. Columns of items, events and notes are named as the fields are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    and_,
)
from sqlalchemy.schema import SchemaItem, conv
from sqlalchemy.types import TypeDecorator, TypeEngine

from casewright.adapters.sqlalchemy.columns import INNODB, instant_type
from casewright.adapters.sqlalchemy.columns import number as _number
from casewright.adapters.sqlalchemy.columns import text as _text
from casewright.domain.json_values import EMPTY
from casewright.domain.values import MAX_ID, MAX_NAME, as_instant, instant_text
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["TABLES", "Instant", "Tables", "as_prefix", "as_schema", "metadata"]


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, kept as its canonical text, which sorts by time (S3)."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return how the database keeps the text."""
        return dialect.type_descriptor(instant_type())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the canonical text."""
        return None if value is None else instant_text(as_instant(value, "instant"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def _instant(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=optional)


def _key(name: str, *columns: str) -> PrimaryKeyConstraint:
    # By its final name, so that it is the same under whatever naming convention a caller's metadata has.
    return PrimaryKeyConstraint(*columns, name=conv(f"pk_{name}"))


def _index(
    table: Table, *columns: str, lengths: Mapping[str, int] = EMPTY, where: ColumnElement[bool] | None = None
) -> None:
    held = [table.c[name].is_not(None) for name in columns if table.c[name].nullable]
    only = and_(*held) if held else where
    Index(
        conv(f"ix_{table.name}_{'_'.join(columns)}"),
        *(table.c[name] for name in columns),
        sqlite_where=only,
        postgresql_where=only,
        mariadb_length=dict(lengths),
    )


class Tables:
    """The tables of one store, on the `MetaData` of whoever owns the database.

    Args:
        metadata: Where they are attached, beside tables of the caller's; a new one where None.
        prefix: What their names begin with: ``casewright_item``, ``casewright_event`` ...
        schema: The schema that they are in; that of the metadata where None, or else the database's default one.

    Attributes:
        metadata: Where they are attached; a migration tool compares with it.
        prefix: See above.
        schema: See above.
        item: Tasks and cases; ``tags`` and ``attributes`` are JSON, ``performers`` lines of action, tab and id.
        event: Events: a column for each field of the header, and the payload as its canonical text; ``changed`` is
            JSON.
        note: Notes, in the order of ``version`` and ``place``.
        outbox: Pointers to events that are to be published, and of those that were, until they are purged.
        ledger: Idempotency keys that were used.
        lease: Who relays which part of the outbox.
        denial: Denials, where a bus has a `DenialLog`.
        version: The revision that the schema is of, where `upgrade` or `SqlAlchemyStore.create_schema` keeps it. It is
            on a metadata of its own: where another history of migrations makes the tables, there is none.

    Raises:
        InvalidInputError: The prefix is not made of up to 20 lower-case ASCII letters, digits and underscores, or
            begins with a digit; or the schema is no plain name.
        MisuseError: The metadata holds tables of these names already.
    """

    def __init__(
        self, metadata: MetaData | None = None, *, prefix: str = "casewright_", schema: str | None = None
    ) -> None:
        """Attach them."""
        self.prefix: str = as_prefix(prefix)
        self.metadata: MetaData = MetaData() if metadata is None else metadata
        chosen = self.metadata.schema if schema is None else schema
        self.schema: str | None = None if chosen is None else as_schema(chosen)
        present = [name for name in _NAMES if self._key_of(name) in self.metadata.tables]
        if present:
            problem = f"the metadata holds tables of these names already: {', '.join(present)}"
            raise MisuseError(problem, "make the tables once, and pass what was made, or choose another prefix")
        self.item: Table = self._item()
        self.event: Table = self._event()
        self.note: Table = self._note()
        self.outbox: Table = self._outbox()
        self.ledger: Table = self._ledger()
        self.lease: Table = self._lease()
        self.denial: Table = self._denial()
        self.version: Table = self._version()

    @property
    def all(self) -> tuple[Table, ...]:
        """All of them, in the order in which they are created."""
        return self.item, self.event, self.note, self.outbox, self.ledger, self.lease, self.denial

    def _key_of(self, name: str) -> str:
        named = self.prefix + name
        return named if self.schema is None else f"{self.schema}.{named}"

    def _table(self, name: str, *parts: SchemaItem) -> Table:
        return Table(self.prefix + name, self.metadata, *parts, schema=self.schema, **INNODB)

    def _item(self) -> Table:
        table = self._table(
            "item",
            _text("tenant", MAX_ID),
            _text("id", MAX_ID),
            _text("kind", _KIND),
            _text("definition"),
            _number("lifecycle_version"),
            _text("status", MAX_NAME),
            _text("category"),
            _number("version"),
            _text("title"),
            _text("description", optional=True),
            _text("priority", optional=True),
            _text("created_by"),
            _instant("created_at"),
            _instant("updated_at"),
            _text("assignee_id", MAX_ID, optional=True),
            _instant("due_at", optional=True),
            _instant("closed_at", optional=True),
            _instant("deleted_at", optional=True),
            _text("tags"),
            _text("attributes"),
            _text("performers"),
            _text("head"),
            _text("case_id", MAX_ID, optional=True),
            _number("open_tasks", optional=True),
            _key(f"{self.prefix}item", "tenant", "id"),
        )
        # What lists ask for first of all, each with the id, so that pages come from it in order. Each write that
        # changes one of its columns pays for an index.
        for column, length in {"status": None, "assignee_id": _PART, "case_id": _PART, "created_at": None}.items():
            _index(table, "tenant", "kind", column, "id", lengths={} if length is None else {column: length})
        return table

    def _event(self) -> Table:
        return self._table(
            "event",
            _text("tenant", MAX_ID),
            _text("item_id", MAX_ID),
            _text("kind"),
            _number("version"),
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
            _key(f"{self.prefix}event", "tenant", "item_id", "version"),
        )

    def _note(self) -> Table:
        table = self._table(
            "note",
            _text("tenant", MAX_ID),
            _text("id", MAX_ID),
            _text("item_id", MAX_ID),
            _number("version"),
            Column("place", Integer, nullable=False),
            _text("body"),
            _text("author_id"),
            _instant("created_at"),
            _key(f"{self.prefix}note", "tenant", "id"),
        )
        _index(table, "tenant", "item_id", "version")
        return table

    def _outbox(self) -> Table:
        table = self._table(
            "outbox",
            _text("tenant", MAX_ID),
            _text("item_id", MAX_ID),
            _number("version"),
            Column("shard", Integer, nullable=False),
            Column("attempts", Integer, nullable=False),
            _instant("next_at", optional=True),
            _text("error", optional=True),
            _instant("published_at", optional=True),
            _instant("dead_at", optional=True),
            _key(f"{self.prefix}outbox", "tenant", "item_id", "version"),
        )
        # What a relay asks for: what is not published, item by item; then what may be purged, and the dead letters.
        _index(table, "shard", "tenant", "item_id", "version", where=table.c.published_at.is_(None))
        _index(table, "published_at")
        _index(table, "dead_at")
        return table

    def _ledger(self) -> Table:
        table = self._table(
            "ledger",
            _text("tenant", MAX_ID),
            _text("actor_id", MAX_ID),
            _text("key", MAX_ID),
            _text("command"),
            _text("fingerprint"),
            _text("item_id"),
            _number("version"),
            Column("changed", Integer, nullable=False),
            _instant("recorded_at"),
            _key(f"{self.prefix}ledger", "tenant", "actor_id", "key"),
        )
        _index(table, "recorded_at")
        return table

    def _lease(self) -> Table:
        return self._table(
            "lease",
            Column("shard", Integer, nullable=False, autoincrement=False),
            _text("owner", optional=True),
            _number("token"),
            _instant("expires_at", optional=True),
            _key(f"{self.prefix}lease", "shard"),
        )

    def _denial(self) -> Table:
        return self._table(
            "denial",
            _text("tenant", MAX_ID),
            _text("id", MAX_ID),
            _text("action"),
            _text("item_id"),
            _text("actor_id"),
            _text("on_behalf_of", optional=True),
            _instant("occurred_at"),
            _instant("recorded_at"),
            _text("code"),
            _text("phase", optional=True),
            _text("reasons"),
            _key(f"{self.prefix}denial", "tenant", "id"),
        )

    def _version(self) -> Table:
        # Just as Alembic makes it, whose tools can read it so.
        name = f"{self.prefix}version"
        number = Column("version_num", String(32), nullable=False)
        key = PrimaryKeyConstraint("version_num", name=f"{name}_pkc")
        return Table(name, MetaData(), number, key, schema=self.schema, **INNODB)


_NAMES: Final = ("item", "event", "note", "outbox", "ledger", "lease", "denial", "version")
_KIND: Final = 4  # "task" and "case"
_PART: Final = 240  # of an indexed column: all columns of an index have room for 3,072 bytes on MariaDB
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,19}", re.ASCII)
_SCHEMA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


def as_prefix(prefix: object) -> str:
    """Return the value as what names of tables may begin with; see `Tables`."""
    if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None:
        problem = "must be up to 20 lower-case ASCII letters, digits and underscores, and begin with no digit"
        raise InvalidInputError("prefix", problem, 'such as "casewright_"')
    return prefix


def as_schema(schema: object) -> str:
    """Return the value as the name of a schema; see `Tables`."""
    if not isinstance(schema, str) or _SCHEMA.fullmatch(schema) is None:
        raise InvalidInputError(
            "schema", "must be up to 63 ASCII letters, digits and underscores, and begin with no digit"
        )
    return schema


TABLES: Final = Tables()
"""The tables on a metadata of their own, under the names that they have where nobody says otherwise."""

metadata: Final = TABLES.metadata
"""What a migration tool compares with; `SqlAlchemyStore.create_schema` makes it."""
