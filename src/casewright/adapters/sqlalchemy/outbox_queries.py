"""What is asked of the outbox, and of the events and items that it points to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, and_, case, func, literal, or_, select, tuple_, update
from sqlalchemy.sql.expression import ColumnElement, Executable

from casewright.adapters.sqlalchemy.statements import raw_columns
from casewright.adapters.sqlalchemy.tables import Tables
from casewright.application.ports import OutboxPointer
from casewright.application.relaying import LONGEST_PAUSE, Place, Settlement

__all__ = ["AT_ONCE", "among", "backlog_query", "due_query", "failure", "is_open", "key", "key_of", "parts"]

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


def parts(pointers: Sequence[OutboxPointer]) -> list[Sequence[OutboxPointer]]:
    """Return them in portions that one statement can name."""
    return [pointers[start : start + AT_ONCE] for start in range(0, len(pointers), AT_ONCE)]


def is_open(outbox: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table, or an alias of it
    """Return the condition that an event is still to be published."""
    condition: ColumnElement[bool] = outbox.c.published_at.is_(None)
    return condition


def is_stuck(outbox: Table, now: datetime) -> ColumnElement[bool]:
    """Whether an item has an event that waits for its next attempt, and not since a clock was set back, or is dead."""
    other = outbox.alias("other")
    waits = and_(other.c.next_at > now, other.c.next_at <= now + LONGEST_PAUSE)
    same = (other.c.shard == outbox.c.shard, other.c.tenant == outbox.c.tenant, other.c.item_id == outbox.c.item_id)
    return select(literal(1)).where(*same, is_open(other), or_(other.c.dead_at.is_not(None), waits)).exists()


def due_query(tables: Tables, shards: Sequence[int], after: Place | None, now: datetime) -> Select[Any]:
    """Return the query for what is due, each with its event, and its item where that is as the event has left it."""
    outbox, event, item = tables.outbox, tables.event, tables.item
    of_event = and_(
        event.c.tenant == outbox.c.tenant, event.c.item_id == outbox.c.item_id, event.c.version == outbox.c.version
    )
    of_item = and_(item.c.tenant == outbox.c.tenant, item.c.id == outbox.c.item_id, item.c.version == outbox.c.version)
    columns = [*raw_columns(outbox), *raw_columns(event), *raw_columns(item)]
    query: Select[Any] = select(*columns).select_from(outbox.outerjoin(event, of_event).outerjoin(item, of_item))
    query = query.where(outbox.c.shard.in_(shards), is_open(outbox), ~is_stuck(outbox, now))
    place = (outbox.c.shard, outbox.c.tenant, outbox.c.item_id)
    if after is not None:
        query = query.where(
            tuple_(*place) > tuple_(literal(after.shard), literal(after.tenant), literal(after.item_id))
        )
    return query.order_by(*place, outbox.c.version)


def backlog_query(tables: Tables, now: datetime) -> Select[Any]:
    """Return the query for the numbers of a `Backlog`."""
    outbox, event = tables.outbox, tables.event
    of_event = and_(
        event.c.tenant == outbox.c.tenant, event.c.item_id == outbox.c.item_id, event.c.version == outbox.c.version
    )
    each = (
        select(outbox.c.dead_at, event.c.recorded_at, is_stuck(outbox, now).label("stuck"))
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
