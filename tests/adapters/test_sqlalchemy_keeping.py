"""What a database holds after an erasure, byte by byte, and rows of denials that nobody of ours has written."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import StaticPool, create_engine

from casewright import TASK, HistoryError, StorageError
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.application.denials import Denial
from casewright.application.erasing import Erased
from casewright.application.proving import proved
from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.testing.contracts.driving import all_of, created, decided, write
from support.stepping import interrupted
from support.stores import sqlite_store
from support.values import AT

CANARY = "Xylophone"


def told(store: Any, item_id: str, words: str = CANARY) -> None:
    """Write an item whose texts hold the canary many times over, some of them long."""
    (opening,) = created(TASK, item_id, title=words, description=words * 300, tags=[words], attributes={"a": words})
    changes = [opening]
    for number in range(30):
        changes += decided(changes[-1].after, "add_note", {"note_id": f"{item_id}{number}", "body": words * 200})
        changes += decided(changes[-1].after, "edit", {"description": f"{words} {number}" * 50})
    write(store, *changes)


def test_no_byte_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    """After an erasure the canary is nowhere in the database, its log or whatever lies beside it (H8)."""
    store = sqlite_store(tmp_path / "store.db")
    told(store, "a")
    told(store, "b", "other words")

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    assert CANARY.encode() in files()
    assert store.erase("a") == Erased(61, 30)
    assert CANARY.encode() not in files()
    assert b"other words" in files()
    assert not any(proof.findings for proof in proved(store))
    assert [proof.erased for proof in proved(store)] == [61, 0]
    store.engine.dispose()


def test_while_others_read_the_log_stays(tmp_path: Path) -> None:
    """Where somebody reads for longer than it can wait, what was erased is gone from the tables all the same (H8)."""
    store = sqlite_store(tmp_path / "store.db")
    told(store, "a")
    hasty = SqlAlchemyStore(create_engine(f"sqlite:///{tmp_path / 'store.db'}", connect_args={"timeout": 0.01}))
    with store.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM casewright_item").fetchall()
        assert hasty.erase("a").events == 61
        reader.rollback()
    with hasty.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        dump = "".join(driver.iterdump())
    assert CANARY not in dump
    for one in (store, hasty):
        one.engine.dispose()


def test_a_connection_goes_back_as_it_was(tmp_path: Path) -> None:
    """What was set on a connection so that rows are overwritten is put back, whether the erasure succeeds or not."""
    store = SqlAlchemyStore(create_engine("sqlite://", poolclass=StaticPool))
    store.create_schema()
    told(store, "a")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE casewright_event SET version = 99 WHERE version = 5")
        connection.commit()
        before = connection.exec_driver_sql("PRAGMA secure_delete").scalar()
    with pytest.raises(HistoryError):
        store.erase("a")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == before
        left = connection.exec_driver_sql("SELECT count(*) FROM casewright_event WHERE payload IS NULL").scalar()
    assert left == 0


def test_an_interrupted_erasure_is_done_or_not() -> None:
    """Wherever an erasure in memory is interrupted, all of it is there or nothing, and no half of a note (T1, H8)."""
    outcomes = set()
    for steps in count(1):
        store = MemoryStore()
        (opening,) = created(TASK, "a", title=CANARY)
        write(store, opening, *decided(opening.after, "add_note", {"note_id": "n", "body": CANARY}))
        whole = repr(all_of(store, "a"))
        if not interrupted(partial(store.erase, "a"), after=steps):
            break
        seen = repr(all_of(store, "a"))
        outcomes.add(seen == whole)
        assert seen == whole or CANARY not in seen
        assert seen == whole or CANARY not in repr(list(store._kept.values()))
    assert outcomes == {True, False}


def test_what_nobody_of_ours_has_written_is_a_storage_error(tmp_path: Path) -> None:
    """A row of the denial table that cannot be read is a StorageError that shows nothing of it."""
    store = sqlite_store(tmp_path / "store.db")
    denial = Denial(
        id="1",
        tenant=Tenant(""),
        action="close",
        item_id=ItemId("c"),
        actor_id=ActorId("ann"),
        on_behalf_of=None,
        occurred_at=AT,
        recorded_at=AT,
        code="refused",
        phase="guard",
    )
    store.add_denial(denial)
    for name, value in (("reasons", f'"{CANARY}"'), ("reasons", CANARY), ("occurred_at", CANARY)):
        with store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE casewright_denial SET {name} = ?", (value,))
        with pytest.raises(StorageError) as caught:
            store.denials(tenant="", limit=1)
        assert CANARY not in str(caught.value)
    store.engine.dispose()
