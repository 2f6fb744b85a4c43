"""The statements that are always the same: built with SQLAlchemy Core, compiled once, kept as text for the driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Table,
    bindparam,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.types import NullType

from casewright.adapters.sqlalchemy.rows import item_values
from casewright.adapters.sqlalchemy.tables import EVENT, ITEM, NOTE, OUTBOX
from casewright.domain.items import Item

if TYPE_CHECKING:
    from sqlalchemy.sql.expression import ClauseElement

__all__ = ["SQLITE", "ItemUpdate", "Statements", "raw"]


def raw(table: Table) -> Select[Any]:
    """Return the query for the columns of a table as the driver gives them: `casewright` reads them by itself."""
    query: Any = select(*[type_coerce(column, NullType()) for column in table.c])
    return cast("Select[Any]", query)


@attrs.frozen
class ItemUpdate:
    """Compare and set for some columns of an item.

    Attributes:
        sql: The statement; its parameters are the values, tenant, id, and the version and head before.
        values: Gives the values of the columns.
    """

    sql: str
    values: Callable[[Item], list[Any]]


class Statements:
    """All of them for one dialect.

    Args:
        dialect: The dialect, with parameters by position.
    """

    def __init__(self, dialect: Dialect) -> None:
        """Compile them."""
        self._dialect = dialect
        self._updates: dict[tuple[str, ...], ItemUpdate] = {}
        self.item: str = self.text(raw(ITEM).where(*_is(ITEM.c.tenant, ITEM.c.id)))
        self.item_version: str = self.text(select(ITEM.c.version).where(*_is(ITEM.c.tenant, ITEM.c.id)))
        later = raw(EVENT).where(*_is(EVENT.c.tenant, EVENT.c.item_id), EVENT.c.version > bindparam("after"))
        self.events: str = self.text(later.order_by(EVENT.c.version).limit(_LIMIT).offset(_FIRST))
        notes = raw(NOTE).where(*_is(NOTE.c.tenant, NOTE.c.item_id))
        self.notes: str = self.text(notes.order_by(NOTE.c.version, NOTE.c.place))
        pointers = raw(OUTBOX).where(*_is(OUTBOX.c.tenant)).order_by(OUTBOX.c.item_id, OUTBOX.c.version)
        self.pointers: str = self.text(pointers.limit(_LIMIT).offset(_FIRST))
        self.new_item: str = self.text(insert(ITEM).on_conflict_do_nothing())
        self.new_event: str = self.text(insert(EVENT))
        self.new_note: str = self.text(insert(NOTE).on_conflict_do_nothing())
        self.new_pointer: str = self.text(insert(OUTBOX))

    def text(self, statement: ClauseElement) -> str:
        """Return what the driver is to be sent for a statement."""
        return str(statement.compile(dialect=self._dialect))

    def item_update(self, names: tuple[str, ...]) -> ItemUpdate:
        """Return the statement that sets just these columns of an item that has not changed in between."""
        found = self._updates.get(names)
        if found is None:
            compared = _is(ITEM.c.tenant, ITEM.c.id, ITEM.c.version, ITEM.c.head)
            setting = (
                update(ITEM).where(*compared).ordered_values(*[(name, bindparam(f"new_{name}")) for name in names])
            )
            found = self._updates[names] = ItemUpdate(self.text(setting), item_values(names))
        return found


_LIMIT: Final = bindparam("limit", type_=Integer())
_FIRST: Final[ColumnElement[int]] = literal_column("0")  # named, since SQLAlchemy would send it as one parameter more


def _is(*columns: Column[Any]) -> list[Any]:
    return [column == bindparam(f"own_{column.name}") for column in columns]


SQLITE: Final = Statements(SQLiteDialect_pysqlite(paramstyle="qmark"))
