"""Rows: they come back as they went, whatever they hold, and those of somebody else are refused."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import attrs
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from casewright import AlreadyExistsError, InvalidInputError, StorageError, erase
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.adapters.sqlalchemy.tables import EVENT, OUTBOX
from casewright.domain.filters import Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import EVERYTHING
from support.histories import random_histories
from support.stores import a_created_task, as_recorded, decisions, record, sqlite_store
from support.values import AT, a_note, a_task

SECRET = "kanarienvogel"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Return a store in a file."""
    store = sqlite_store(tmp_path / "x.db")
    yield store
    store.engine.dispose()


@pytest.mark.parametrize("seed", range(5))
def test_histories_come_back_equal(tmp_path: Path, seed: int) -> None:
    """Items, events, notes and payload texts come back equal to what was recorded, of both kinds (E3, H4)."""
    store = sqlite_store(tmp_path / "x.db", sql_events=seed == 0)
    histories = random_histories(seed, 30)
    for changes in decisions(histories):
        record(store, *changes)
    with store.begin(tenant=NO_TENANT, write=False) as unit:
        for item_id, chain in histories.items():
            events = [change.event for change in chain]
            assert unit.items.get(item_id) == chain[-1].after
            assert list(unit.history(item_id)) == events
            assert list(unit.history(item_id, after=1, limit=2)) == events[1:3]
            assert list(unit.notes(item_id)) == [note for change in chain for note in change.notes]
    store.engine.dispose()


def test_instants_come_back_as_the_same_instant(store: SqlAlchemyStore) -> None:
    """Any aware instant comes back as the same one, in UTC, to the microsecond (S3)."""
    rng = random.Random(1)
    moments = [
        datetime(rng.randrange(2, 9999), 1, 1, tzinfo=timezone(timedelta(minutes=rng.randrange(-1439, 1440))))
        + timedelta(microseconds=rng.randrange(10**13))
        for _ in range(500)
    ]
    items = [a_task(id=f"x{number}", due_at=moment) for number, moment in enumerate(moments)]
    record(store, *map(as_recorded, items))
    with store.begin(tenant=NO_TENANT) as unit:
        found = [unit.items.get(item.id) for item in items]
    assert [item and item.due_at for item in found] == moments
    assert all(item is not None and item.due_at is not None and item.due_at.tzinfo is AT.tzinfo for item in found)


def test_the_tables_can_be_read_and_written_by_the_host(store: SqlAlchemyStore) -> None:
    """To whoever reads the tables through SQLAlchemy, instants are aware datetimes; naive ones are refused (S3)."""
    record(store, a_created_task())
    with store.engine.connect() as connection:
        assert connection.execute(select(EVENT.c.occurred_at, EVENT.c.salt)).one()[0] == AT
        assert connection.execute(select(OUTBOX.c.next_at)).one() == (None,)
        row = {"tenant": "", "item_id": "y", "version": 1, "shard": 1, "attempts": 1, "error": None}
        connection.execute(insert(OUTBOX), [{**row, "next_at": AT}])
        with pytest.raises((InvalidInputError, StatementError)):
            connection.execute(insert(OUTBOX), [{**row, "version": 2, "next_at": datetime(2026, 1, 1)}])  # noqa: DTZ001
        connection.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        assert [(pointer.item_id, pointer.next_at) for pointer in unit.pending(limit=9)] == [("x1", None), ("y", AT)]


def test_an_erased_event_comes_back_erased(store: SqlAlchemyStore) -> None:
    """An event without payload and salt is kept so (H8)."""
    change = a_created_task()
    record(store, attrs.evolve(change, event=erase(change.event)))
    with store.begin(tenant=NO_TENANT) as unit:
        (found,) = unit.history("x1")
    assert found == erase(change.event)
    assert found.erased


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
    with pytest.raises(StorageError, match="cannot have written") as caught:
        _read_all(store)
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("change", ODD_ROWS)
def test_a_row_that_somebody_else_wrote(store: SqlAlchemyStore, change: str) -> None:
    """A row that the store cannot have written is a typed error that shows nothing of it."""
    check_refused(store, f"UPDATE {change}")


def test_a_note_that_somebody_else_wrote(store: SqlAlchemyStore) -> None:
    """So is such a note."""
    check_refused(store, f"INSERT INTO casewright_note VALUES ('', 'n1', 'x1', 2, 0, '{SECRET}', '', '2026')")
