"""The statements that are always the same: built with SQLAlchemy Core, compiled once, kept as text for the driver."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Select,
    Table,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.dml import Update
from sqlalchemy.types import NullType

from casewright.adapters.sqlalchemy.conditions import Conditions
from casewright.adapters.sqlalchemy.databases import Database, database_of
from casewright.adapters.sqlalchemy.rows import item_values
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.domain.items import Item

if TYPE_CHECKING:
    from sqlalchemy.sql.expression import ClauseElement

__all__ = ["ItemUpdate", "OneWrite", "Statements", "raw", "raw_columns", "statements_for"]


def raw(table: Table) -> Select[Any]:
    """Return the query for the columns of a table as the driver gives them: `casewright` reads them by itself."""
    query: Any = select(*raw_columns(table))
    return cast("Select[Any]", query)


def raw_columns(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns of a table as the driver gives them."""
    return [type_coerce(column, NullType()) for column in table.c]


@attrs.frozen
class ItemUpdate:
    """Compare and set for some columns of an item.

    Attributes:
        sql: The statement; its parameters are the values, tenant, id, and the version and head before.
        values: Gives the values of the columns.
    """

    sql: str
    values: Callable[[Item], list[Any]]


@attrs.frozen
class OneWrite:
    """One item with its event and its pointer, written by one statement; it gives how many rows of each it wrote.

    Attributes:
        sql: The statement.
        values: Gives the values of the item's columns.
        arranged: Puts all values in the order of the parameters: those of the item, then of an item that is there
            tenant, id, and the version and head before; then those of the event and of the pointer.
    """

    sql: str
    values: Callable[[Item], list[Any]]
    arranged: Callable[[list[Any]], tuple[Any, ...]]


class Statements:
    """All of them, for some tables in one database.

    Args:
        dialect: The dialect, with parameters by position.
        database: The database.
        tables: The tables.
    """

    def __init__(self, dialect: Dialect, database: Database, tables: Tables) -> None:
        """Compile them."""
        self._dialect = dialect
        self._updates: dict[tuple[str, ...], ItemUpdate] = {}
        self._single: dict[tuple[tuple[str, ...], bool, bool], OneWrite] = {}
        self.database: Database = database
        self.tables: Tables = tables
        item, event, note, outbox = tables.item, tables.event, tables.note, tables.outbox
        self.conditions: Conditions = Conditions(item, database)
        self.columns: str = database.columns((*tables.all, tables.version))
        self.version: str = self.text(select(tables.version.c.version_num))
        self.new_version: str = self.text(insert(tables.version))
        one = raw(item).where(*_is(item.c.tenant, item.c.id))
        self.item: str = self.text(one)
        self.locked_item: str = self.text(one.with_for_update()) if database.row_locks else self.item
        state: Any = select(item.c.version, item.c.head).where(*_is(item.c.tenant, item.c.id))
        self.item_version: str = self.text(database.current(state))
        self.note_item: str = self.text(database.current(select(note.c.item_id).where(*_is(note.c.tenant, note.c.id))))
        later = raw(event).where(*_is(event.c.tenant, event.c.item_id), event.c.version > bindparam("after"))
        self.events: str = self.text(later.order_by(event.c.version).limit(_LIMIT).offset(_FIRST))
        notes = raw(note).where(*_is(note.c.tenant, note.c.item_id))
        self.notes: str = self.text(notes.order_by(note.c.version, note.c.place))
        pointers = raw(outbox).where(*_is(outbox.c.tenant), outbox.c.published_at.is_(None))
        pointers = pointers.order_by(outbox.c.item_id, outbox.c.version)
        self.pointers: str = self.text(pointers.limit(_LIMIT).offset(_FIRST))
        self.new_item: str = self.text(database.new_row(item, "tenant", "id"))
        self.new_event: str = self.text(insert(event))
        self.new_note: str = self.text(database.new_row(note, "tenant", "id"))
        lease = tables.lease
        self.new_lease: str = self.text(
            database.new_row(lease, "shard").values(shard=bindparam("n"), token=bindparam("t"))
        )
        self.lease_token: str = self.text(database.current(select(lease.c.token).where(*_is(lease.c.shard))))
        self.new_pointer: str = self.text(insert(outbox).values({name: bindparam(name) for name in _NEW_POINTER}))

    def text(self, statement: ClauseElement) -> str:
        """Return what the driver is to be sent for a statement."""
        return str(statement.compile(dialect=self._dialect))

    def item_update(self, names: tuple[str, ...]) -> ItemUpdate:
        """Return the statement that sets just these columns of an item that has not changed in between."""
        found = self._updates.get(names)
        if found is None:
            found = self._updates[names] = ItemUpdate(self.text(self._setting(names)), item_values(names))
        return found

    def _setting(self, names: tuple[str, ...]) -> Update:
        item = self.tables.item
        compared = _is(item.c.tenant, item.c.id, item.c.version, item.c.head)
        return update(item).where(*compared).ordered_values(*[(name, bindparam(f"new_{name}")) for name in names])

    def one_write(self, names: tuple[str, ...], *, new: bool, published: bool) -> OneWrite:
        """Return the statement that writes these columns of one item, its event, and its pointer if it is published."""
        found = self._single.get((names, new, published))
        if found is None:
            found = self._single[names, new, published] = self._one_write(names, new=new, published=published)
        return found

    def _one_write(self, names: tuple[str, ...], *, new: bool, published: bool) -> OneWrite:
        item, event, outbox = self.tables.item, self.tables.event, self.tables.outbox
        if new:
            given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
            row: Any = self.database.new_row(item, "tenant", "id").values(given)
        else:
            row = self._setting(names)
        written = _counted(row).cte("written")
        known = [f"new_{name}" for name in names] + ([] if new else [f"own_{name}" for name in _COMPARED])
        parts = [written]
        for table, columns in ((event, event.c.keys()), (outbox, _NEW_POINTER))[: 1 + published]:
            values = [bindparam(f"{table.name}_{name}", type_=table.c[name].type) for name in columns]
            known += [f"{table.name}_{name}" for name in columns]
            after = select(*values).where(exists(select(written)))
            parts.append(_counted(insert(table).from_select(columns, after)).cte(f"of_{table.name}"))
        query = select(*[select(func.count()).select_from(part).scalar_subquery() for part in parts])
        compiled: Any = query.compile(dialect=self._dialect)
        order = itemgetter(*[known.index(name) for name in compiled.positiontup])
        return OneWrite(str(compiled), item_values(names), order)


def _counted(statement: Any) -> Any:  # noqa: ANN401 - an insert or an update
    """The statement, so that its rows can be counted."""
    return statement.returning(literal_column("1").label("one"))


_COMPARED: Final = ("tenant", "id", "version", "head")

_NEW_POINTER: Final = ("tenant", "item_id", "version", "shard", "attempts")
"""The columns that a pointer is written with."""

_LIMIT: Final = bindparam("limit", type_=BigInteger())
_FIRST: Final[ColumnElement[int]] = literal_column("0")  # named, since SQLAlchemy would send it as one parameter more


def _is(*columns: Column[Any]) -> list[Any]:
    return [column == bindparam(f"own_{column.name}") for column in columns]


def statements_for(dialect: Dialect, tables: Tables) -> Statements:
    """Return the statements for some tables in the database of a dialect: compiled once for all its stores.

    Raises:
        MisuseError: Nobody has tried this database, or this driver.
    """
    of_dialect: Any = type(dialect)
    return _compiled(of_dialect, database_of(dialect), tables)


@lru_cache(maxsize=32)
def _compiled(make: Callable[..., Dialect], database: Database, tables: Tables) -> Statements:
    return Statements(make(paramstyle=database.paramstyle), database, tables)
