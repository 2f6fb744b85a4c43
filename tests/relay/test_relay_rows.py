"""Rows that cannot be read, and histories with gaps, on SQLite: each stops its own item and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.contracts.driving import edited, write
from casewright.testing.contracts.relay_driving import all_due, all_leased, histories, ids, told
from casewright.testing.fakes import CollectingPublisher
from support.relays import delivered, plain
from support.stores import hasty, sqlite_engine


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    """Yield a store in a file."""
    store = SqlAlchemyStore(hasty(sqlite_engine(tmp_path / "store.db")))
    store.create_schema()
    yield store
    store.engine.dispose()


def spoil(store: SqlAlchemyStore, statement: str) -> None:
    """Change rows behind the store's back."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


SPOILT = {
    "an event": ("UPDATE casewright_event SET category = '?' WHERE item_id = 'a' AND version = 1", [], "cannot have"),
    "a later event": (
        "UPDATE casewright_event SET category = '?' WHERE item_id = 'a' AND version = 2",
        ["a.1"],
        "cannot have",
    ),
    "an item": ("UPDATE casewright_item SET category = '?' WHERE id = 'a'", ["a.1", "a.2"], "cannot have"),
    "a newer event": (
        "UPDATE casewright_event SET schema = 99 WHERE item_id = 'a' AND version = 2",
        ["a.1"],
        "only its header can be read",
    ),
    "no event": ("DELETE FROM casewright_event WHERE item_id = 'a' AND version = 2", ["a.1"], "is not in the history"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_cannot_be_read_stops_its_own_item(store: SqlAlchemyStore, what: str) -> None:
    """Whatever somebody else or a newer version has written: it is refused with its cause, and others go on (O4)."""
    statement, before, cause = SPOILT[what]
    write(store, *histories("a", "b", versions=3))
    spoil(store, statement)
    sink = CollectingPublisher()
    report = plain(store, sink, max_attempts=1).run_once()
    assert sorted(delivered(sink)) == sorted([*before, "b.1", "b.2", "b.3"])
    assert report.dead == 1
    assert cause in report.causes[0]
    assert [(one.item_id, one.version) for one in store.dead_letters()] == [("a", len(before) + 1)]


def test_an_event_that_cannot_be_read_spoils_the_states_after_it(store: SqlAlchemyStore) -> None:
    """Where an older event was published and cannot be read any more, what followed it is refused with that cause."""
    write(store, *histories("a", versions=4))
    lease = all_leased(store)
    store.settle(lease, told(all_due(store, lease)[:1]))
    spoil(store, "UPDATE casewright_event SET category = '?' WHERE item_id = 'a' AND version = 1")
    first, second, last = all_due(store, lease)
    assert first.message is second.message is None
    assert "cannot have" in first.problem
    assert "cannot have" in second.problem
    assert last.message is not None  # today's row is what it left


@pytest.mark.parametrize("silent", [1, 2, 3])
@pytest.mark.parametrize("settled", [0, 1, 2])
def test_events_that_are_not_published_count_in_what_later_ones_left(
    store: SqlAlchemyStore, silent: int, settled: int
) -> None:
    """Whichever event is not published, and however many were delivered before, each message holds the right item."""
    changes = list(histories("a", versions=4))
    changes[silent] = attrs.evolve(changes[silent], published=False)
    write(store, *changes)
    write(store, *edited(changes[-1].after, "later"))
    lease = all_leased(store)
    store.settle(lease, told(all_due(store, lease)[:settled]))
    due = all_due(store, lease)
    assert ids(due) == [f"a.{version}" for version in range(1, 6) if version != silent + 1][settled:]
    for one in due[:-1]:
        assert one.message is not None
        assert one.message.item == changes[one.pointer.version - 1].after
