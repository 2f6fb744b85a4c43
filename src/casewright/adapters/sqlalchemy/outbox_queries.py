"""What is asked of the outbox, and of the events and items that it points to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.expression import ColumnElement, Executable

from casewright.adapters.sqlalchemy.statements import Prepared, Statements, raw, raw_columns
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.application.ports import SHARDS, OutboxPointer
from casewright.application.relaying import LONGEST_PAUSE, Place, Settlement
from casewright.domain.values import instant_text

__all__ = [
    "AT_ONCE",
    "RelayStatements",
    "among",
    "backlog_query",
    "failure",
    "is_open",
    "key",
    "key_of",
    "parts",
    "published",
    "relay_statements",
    "runs",
]

T = TypeVar("T")

AT_ONCE: Final = 200
"""How many rows one statement names, which has a limited number of parameters."""


def key(outbox: Table) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of the key."""
    return outbox.c.tenant, outbox.c.item_id, outbox.c.version


def key_of(pointer: OutboxPointer) -> tuple[str, str, int]:
    """Return what they hold for a pointer."""
    return pointer.tenant, pointer.item_id, pointer.version


def among(outbox: Table, pointers: Sequence[OutboxPointer]) -> ColumnElement[bool]:
    """Return the condition that a row is one of these pointers."""
    return tuple_(*key(outbox)).in_([key_of(pointer) for pointer in pointers])


def parts(pointers: Sequence[T]) -> list[Sequence[T]]:
    """Return rows in portions that one statement can name."""
    return [pointers[start : start + AT_ONCE] for start in range(0, len(pointers), AT_ONCE)]


def is_open(outbox: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table, or an alias of it
    """Return the condition that an event is still to be published."""
    condition: ColumnElement[bool] = outbox.c.published_at.is_(None)
    return condition


def is_stuck(outbox: Table, now: Any, latest: Any) -> ColumnElement[bool]:  # noqa: ANN401 - instants, or what stands for them
    """Return whether an item has an event that waits for its next attempt, or is a dead letter.

    Args:
        outbox: The table.
        now: The database's time.
        latest: After which no attempt can be, unless a clock was set back.
    """
    other = outbox.alias("other")
    waits = and_(other.c.next_at > now, other.c.next_at <= latest)
    same = (other.c.shard == outbox.c.shard, other.c.tenant == outbox.c.tenant, other.c.item_id == outbox.c.item_id)
    return select(_ONE).where(*same, is_open(other), or_(other.c.dead_at.is_not(None), waits)).exists()


def published(outbox: Table) -> Update:
    """Return what marks the events of an item from one version to another as published."""
    own = (outbox.c.tenant == bindparam("of_tenant"), outbox.c.item_id == bindparam("of_item"))
    some = outbox.c.version.between(bindparam("first"), bindparam("last"))
    values = {"published_at": bindparam("now"), "attempts": outbox.c.attempts + 1, "next_at": None, "error": None}
    return update(outbox).where(*own, some, is_open(outbox)).values(values)


def runs(pointers: Iterable[OutboxPointer], now: datetime) -> list[dict[str, Any]]:
    """Return the parameters of `published` for these pointers: one set for versions of an item that follow each other.

    To name all of them in one statement would take a server longer to plan than to do.
    """
    found: list[dict[str, Any]] = []
    for tenant, item_id, version in sorted(map(key_of, pointers)):
        last = found[-1] if found else {}
        if last and (last["of_tenant"], last["of_item"], last["last"]) == (tenant, item_id, version - 1):
            last["last"] = version
        else:
            found.append({"of_tenant": tenant, "of_item": item_id, "first": version, "last": version, "now": now})
    return found


class RelayStatements:
    """The statements that each round of a relay sends, compiled once.

    Args:
        statements: What they are for, and what compiles them.
    """

    def __init__(self, statements: Statements) -> None:
        """Compile those that are always the same."""
        self._statements = statements
        self._histories: dict[int, Prepared] = {}
        lease = statements.tables.lease
        columns = (lease.c.shard, lease.c.owner, lease.c.token, *raw_columns(lease)[3:])
        held: Any = select(*columns).where(lease.c.owner == bindparam("owner")).order_by(lease.c.shard)
        self.held: Prepared = statements.prepared(held.with_for_update() if statements.database.row_locks else held)
        self._first = statements.prepared(self._due(after=False))
        self._after = statements.prepared(self._due(after=True))

    def due(self, shards: Sequence[int], after: Place | None, now: datetime, limit: int) -> tuple[str, tuple[Any, ...]]:
        """Return what asks for what is due: each with its event, and its item where that is as the event has left it.

        Args:
            shards: Of which parts; one at least.
            after: Only items that come after this place; all where None.
            now: The database's time.
            limit: At most so many.
        """
        given: dict[str, Any] = {f"shard_{number}": shard for number, shard in enumerate(_padded(shards, SHARDS))}
        given |= {"now": instant_text(now), "latest": instant_text(now + LONGEST_PAUSE), "most": limit}
        if after is None:
            return self._first.sql, self._first.values(given)
        given |= {"after_shard": after.shard, "after_tenant": after.tenant, "after_item": after.item_id}
        return self._after.sql, self._after.values(given)

    def histories(self, upto: Sequence[tuple[str, str, int]]) -> tuple[str, tuple[Any, ...]]:
        """Return what asks for the histories of items, `AT_ONCE` at most, each up to a version."""
        size = _size(len(upto))
        if size not in self._histories:
            event = self._statements.tables.event
            names = [f"tenant_{n} item_id_{n} version_{n}".split() for n in range(size)]
            own = [
                and_(
                    event.c.tenant == bindparam(tenant),
                    event.c.item_id == bindparam(item_id),
                    event.c.version <= bindparam(version),
                )
                for tenant, item_id, version in names
            ]
            query = raw(event).where(or_(*own)).order_by(event.c.tenant, event.c.item_id, event.c.version)
            self._histories[size] = self._statements.prepared(query)
        statement = self._histories[size]
        return statement.sql, statement.values(_keyed(_padded(upto, size)))

    def _due(self, *, after: bool) -> Select[Any]:
        tables = self._statements.tables
        outbox, event, item = tables.outbox, tables.event, tables.item
        of_event = and_(*[theirs == ours for theirs, ours in zip(key(event), key(outbox), strict=True)])
        of_item = and_(
            item.c.tenant == outbox.c.tenant, item.c.id == outbox.c.item_id, item.c.version == outbox.c.version
        )
        columns = [*raw_columns(outbox), *raw_columns(event), *raw_columns(item)]
        query: Select[Any] = select(*columns).select_from(outbox.outerjoin(event, of_event).outerjoin(item, of_item))
        shards = [bindparam(f"shard_{number}", type_=Integer()) for number in range(SHARDS)]
        stuck = is_stuck(outbox, bindparam("now"), bindparam("latest"))
        query = query.where(outbox.c.shard.in_(shards), is_open(outbox), ~stuck)
        place = (outbox.c.shard, outbox.c.tenant, outbox.c.item_id)
        if after:
            here = [bindparam(f"after_{name}", type_=column.type) for name, column in zip(_PLACE, place, strict=True)]
            query = query.where(tuple_(*place) > tuple_(*here))
        query = query.order_by(*place, outbox.c.version)
        return query.limit(bindparam("most", type_=BigInteger())).offset(literal_column("0"))


@lru_cache(maxsize=32)
def relay_statements(statements: Statements) -> RelayStatements:
    """Return the statements of relays: compiled once for all stores that share these."""
    return RelayStatements(statements)


_ONE: Final[ColumnElement[int]] = literal_column("1")  # no parameter
_PLACE: Final = ("shard", "tenant", "item")
_SIZES: Final = (1, 4, 16, 64, AT_ONCE)


def _size(count: int) -> int:
    """How many rows the statement is for that is sent for so many: there are few of them."""
    return next(size for size in _SIZES if size >= count)


def _padded(rows: Sequence[T], size: int) -> list[T]:
    return [*rows, *[rows[-1]] * (size - len(rows))]


def _keyed(keys: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    names = ("tenant", "item_id", "version")
    return {
        f"{name}_{number}": value for number, one in enumerate(keys) for name, value in zip(names, one, strict=True)
    }


def backlog_query(tables: Tables, now: datetime) -> Select[Any]:
    """Return the query for the numbers of a `Backlog`."""
    outbox, event = tables.outbox, tables.event
    of_event = and_(
        event.c.tenant == outbox.c.tenant, event.c.item_id == outbox.c.item_id, event.c.version == outbox.c.version
    )
    each = (
        select(outbox.c.dead_at, event.c.recorded_at, is_stuck(outbox, now, now + LONGEST_PAUSE).label("stuck"))
        .select_from(outbox.outerjoin(event, of_event))
        .where(is_open(outbox))
        .subquery("each")
    )
    living = each.c.dead_at.is_(None)
    numbers: Any = select(
        func.sum(case((and_(living, ~each.c.stuck), 1), else_=0)),
        func.sum(case((and_(living, each.c.stuck), 1), else_=0)),
        func.count(each.c.dead_at),
        func.min(case((living, each.c.recorded_at))),
    )
    query: Select[Any] = numbers
    return query


def failure(outbox: Table, settlement: Settlement, now: datetime) -> Executable:
    """Return what writes down that an event was not delivered."""
    pointer = settlement.pointer
    values = {"attempts": outbox.c.attempts + 1, "error": settlement.error}
    times = {"next_at": None, "dead_at": now} if settlement.dead else {"next_at": now + settlement.pause}
    return update(outbox).where(among(outbox, [pointer]), is_open(outbox)).values({**values, **times})
