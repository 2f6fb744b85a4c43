"""Memory databases: one connection, so one transaction at a time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import SingletonThreadPool, StaticPool, create_engine

from casewright import MisuseError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.ids import NO_TENANT
from support.stores import a_created_task, begun, record


@pytest.mark.parametrize("pool", [StaticPool, SingletonThreadPool])
def test_a_memory_database(pool: Any) -> None:
    """A memory database works; a second transaction on its one connection is refused, and the first goes on."""
    engine = create_engine("sqlite://", poolclass=pool)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    created = a_created_task()
    record(store, created)
    with store.begin(tenant=NO_TENANT) as first, store.begin(tenant=NO_TENANT) as second:
        first.items.get("x1")
        with pytest.raises(MisuseError, match="one connection of a memory database"):
            second.items.get("x1")
        first.record(begun(created.after))
        first.commit()
        found = second.items.get("x1")
        assert found is not None
        assert found.version == 2
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("DELETE FROM casewright_outbox")
        with pytest.raises(MisuseError, match="one connection of a memory database"):
            record(store, a_created_task("x2"))
        connection.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.pending(limit=9) == ()
    engine.dispose()


def test_a_memory_database_after_its_connection_was_discarded() -> None:
    """A store finds a new, empty memory database where the pool has discarded the old one."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    store = SqlAlchemyStore(engine)
    store.create_schema()
    with engine.connect() as connection:
        connection.invalidate()
    assert store.present_tables() == frozenset()
    engine.dispose()
