"""Stores in SQLite to test with, and items to put into them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, create_engine, event

from casewright import TASK, Actor, Change, Event, Payload, Task, seal
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore
from casewright.domain.items import Item
from support.values import AT


def sqlite_engine(path: Path | str, **options: Any) -> Engine:
    """Return an engine for a SQLite file."""
    return create_engine(f"sqlite:///{path}", **options)


def sqlite_store(path: Path | str, **options: Any) -> SqlAlchemyStore:
    """Return a store in a SQLite file, its schema created; call `store.engine.dispose()` after use."""
    store = SqlAlchemyStore(sqlite_engine(path), **options)
    store.create_schema()
    return store


def with_tables(engine: Engine) -> Iterator[Engine]:
    """Yield the engine with the tables made, and dispose of it: the body of a fixture."""
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


def empty(connection: Connection) -> None:
    """Delete all rows. To make the tables anew, as some databases do to truncate them, takes longer than a test."""
    for table in TABLES.all:
        connection.execute(table.delete())


def emptied(engine: Engine) -> Engine:
    """Return the engine with the tables emptied."""
    with engine.begin() as connection:
        empty(connection)
    return engine


def hasty(engine: Engine) -> Engine:
    """Return the engine, set up so that it never waits for the disk: only a power cut could tell the difference."""
    event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF").close())
    return engine


def a_created_task(id: str = "x1", **fields: Any) -> Change[Task]:
    """Return the sealed change that makes a task of this id."""
    decision = TASK.create(id, by=Actor("ann"), at=AT, **{"title": "t", **fields})
    return _sealed(decision.changes[0] if decision else None)


def begun(task: Task) -> Change[Task]:
    """Return the sealed change that starts a task."""
    decision = TASK.decide(task, "start", by=Actor("ann"), at=AT)
    return _sealed(decision.change if decision else None)


def _sealed(change: Any) -> Change[Any]:
    return seal(change, recorded_at=AT)


def record(store: SqlAlchemyStore, *changes: Change[Any]) -> None:
    """Record the changes of one tenant in one unit."""
    with store.begin(tenant=changes[0].after.tenant) as unit:
        unit.record(*changes)
        unit.commit()


def as_recorded(item: Item) -> Change[Any]:
    """Return a change that makes an item just as it is but for version and head, whatever no decision would make."""
    after = attrs.evolve(item, version=1, head="h")
    event = Event(
        tenant=item.tenant,
        item_id=item.id,
        kind=item.kind,
        version=1,
        action="create",
        name="created",
        from_status=None,
        to_status=item.status,
        category=item.category,
        actor_id=item.created_by,
        on_behalf_of=None,
        occurred_at=item.created_at,
        definition=item.definition,
        lifecycle_version=item.lifecycle_version,
        payload=Payload(),
        digest="h",
    )
    return Change(None, after, event)
