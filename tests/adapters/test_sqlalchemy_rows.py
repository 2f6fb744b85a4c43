"""Rows: they come back as they went, whatever they hold, and those of somebody else are refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import attrs
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from casewright import AlreadyExistsError, InvalidInputError, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.domain.filters import Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING
from support.stores import a_created_task, record, sqlite_store
from support.values import AT, a_note

SECRET = "kanarienvogel"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Return a store in a file."""
    store = sqlite_store(tmp_path / "x.db")
    yield store
    store.engine.dispose()


def test_the_tables_can_be_read_and_written_by_the_host(store: SqlAlchemyStore) -> None:
    """To whoever reads the tables through SQLAlchemy, instants are aware datetimes; naive ones are refused (S3)."""
    record(store, a_created_task())
    with store.engine.connect() as connection:
        assert connection.execute(select(TABLES.event.c.occurred_at, TABLES.event.c.salt)).one()[0] == AT
        assert connection.execute(select(TABLES.outbox.c.next_at)).one() == (None,)
        row = {"tenant": "", "item_id": "y", "version": 1, "shard": 1, "attempts": 1, "error": None}
        connection.execute(insert(TABLES.outbox), [{**row, "next_at": AT}])
        with pytest.raises((InvalidInputError, StatementError)):
            connection.execute(insert(TABLES.outbox), [{**row, "version": 2, "next_at": datetime(2026, 1, 1)}])  # noqa: DTZ001 - refused
        connection.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        assert [(pointer.item_id, pointer.next_at) for pointer in unit.pending(limit=9)] == [("x1", None), ("y", AT)]


def test_notes_of_one_change_keep_their_order(store: SqlAlchemyStore) -> None:
    """Notes that are added together come back in the order in which they were added; an id is used once."""
    notes = tuple(a_note(id=note_id, version=1) for note_id in ("b", "a", "c"))
    record(store, attrs.evolve(a_created_task(), notes=notes))
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.notes("x1") == notes
    with pytest.raises(AlreadyExistsError, match="'a'"):
        record(store, attrs.evolve(a_created_task("x2"), notes=(a_note(id="a", item_id="x2", version=1),)))


ODD_ROWS = [
    "casewright_item SET version = 'kanarienvogel'",
    "casewright_item SET kind = 'kanarienvogel'",
    "casewright_item SET kind = 'case'",
    "casewright_item SET category = 'kanarienvogel'",
    "casewright_item SET priority = 'kanarienvogel'",
    "casewright_item SET title = x'ff'",
    "casewright_item SET attributes = '[]'",
    "casewright_item SET title = CAST(x'6b616e617269656e766f67656cff' AS TEXT)",
    "casewright_item SET created_at = 'kanarienvogel'",
    "casewright_item SET due_at = '2026-01-31T12:00:00'",
    "casewright_item SET tags = '{}'",
    "casewright_item SET tags = '[1]'",
    "casewright_item SET tags = 'kanarienvogel'",
    f"casewright_item SET tags = '{'[' * 100_000}'",
    "casewright_item SET attributes = 'kanarienvogel'",
    "casewright_item SET performers = ''",
    "casewright_item SET performers = 'kanarien' || char(10) || 'vogel'",
    "casewright_item SET performers = char(10) || 'kanarienvogel' || char(10)",
    "casewright_event SET category = 'kanarienvogel'",
    "casewright_event SET changed = 'kanarienvogel'",
    "casewright_event SET recorded_at = 'kanarienvogel'",
    "casewright_outbox SET shard = 'kanarienvogel'",
    "casewright_outbox SET next_at = 'kanarienvogel'",
]


def _read_all(store: SqlAlchemyStore) -> None:
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        unit.find("task", EVERYTHING, order=Order(), limit=9)
        unit.items.get("x1")
        unit.history("x1")
        unit.notes("x1")
        unit.pending(limit=9)


def check_refused(store: SqlAlchemyStore, statement: str) -> None:
    """Write past the store, and check that reading ends in a typed error that shows nothing of what was written."""
    record(store, a_created_task(title=SECRET))
    with closing(sqlite3.connect(str(store.engine.url.database), isolation_level=None)) as other:
        other.execute(statement)
    with pytest.raises(
        StorageError, match=r"(the row .* of the \w+ table|a row) holds what this store cannot"
    ) as caught:
        _read_all(store)
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("change", ODD_ROWS)
def test_a_row_that_somebody_else_wrote(store: SqlAlchemyStore, change: str) -> None:
    """A row that the store cannot have written is a typed error that shows nothing of it."""
    check_refused(store, f"UPDATE {change}")


def test_a_note_that_somebody_else_wrote(store: SqlAlchemyStore) -> None:
    """So is such a note."""
    check_refused(store, f"INSERT INTO casewright_note VALUES ('', 'n1', 'x1', 2, 0, '{SECRET}', '', '2026')")
