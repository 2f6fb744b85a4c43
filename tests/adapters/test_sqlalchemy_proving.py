"""A database is gone through as a whole: what was tampered with is found where it begins, in constant memory."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, column, create_engine, delete, func, select, update
from sqlalchemy import table as plain_table

from casewright import REGULATORY_CASE, TASK, Actor, StorageError, seal
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore, proving
from casewright.adapters.sqlalchemy.rows import event_values, item_values, note_values
from casewright.application.anchors import HmacKey, anchored, read_anchor, write_anchor
from casewright.application.proving import Proof, prove, proved
from casewright.domain.events import Change, evolve_event
from casewright.domain.folding import apply
from casewright.domain.items import Item
from casewright.testing.contracts.driving import annotated, created, decided, write
from support.histories import random_histories
from support.sizes import full
from support.stores import emptied, hasty, sqlite_engine, with_tables
from support.values import AT

ITEM, EVENT, NOTE = TABLES.item, TABLES.event, TABLES.note
ROW: Final = item_values(ITEM.c.keys())
KEY: Final = HmacKey(b"a key of sixteen bytes")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine for a file with the tables."""
    yield from with_tables(hasty(sqlite_engine(tmp_path_factory.mktemp("proof") / "store.db")))


@pytest.fixture
def store(file: Engine) -> SqlAlchemyStore:
    """Return an empty store."""
    return SqlAlchemyStore(emptied(file))


def filled(store: SqlAlchemyStore, seed: int) -> None:
    """Write a case and its tasks, made by random decisions."""
    changes = [change for chain in random_histories(seed, 12).values() for change in chain]
    with store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for chain in random_histories(seed, 12).values():
            rows = dict(zip(ITEM.c.keys(), ROW(chain[-1].after), strict=True))
            connection.execute(_plain(ITEM).insert().values(rows))
        for change in changes:
            values = dict(zip(EVENT.c.keys(), event_values(change.event), strict=True))
            connection.execute(_plain(EVENT).insert().values(values))
            for note in change.notes:
                connection.execute(
                    _plain(NOTE).insert().values(dict(zip(NOTE.c.keys(), note_values(note, 0), strict=True)))
                )


@cache
def _plain(table: Any) -> Any:
    """The table as the database sees it: what stands in its columns is text."""
    return plain_table(table.name, *[column(one.name) for one in table.c])


def broken(store: SqlAlchemyStore, **options: Any) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Return what is found: by place, positions and codes."""
    proofs = [proof for proof in proved(store, **options) if proof.findings]
    return {proof.place: [(finding.position, finding.code) for finding in proof.findings] for proof in proofs}


def ids(connection: Connection) -> list[str]:
    """Return the ids of the items that have two events at least."""
    counted = select(EVENT.c.item_id).group_by(EVENT.c.item_id).having(func.count() > 1)
    return sorted(connection.execute(counted).scalars())


def at(item_id: str, version: int) -> Any:
    """Return the condition for one event."""
    return (EVENT.c.item_id == item_id) & (EVENT.c.version == version)


def _edit(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    version = rng.randint(1, last)
    name = rng.choice(["actor_id", "action", "name", "to_status", "payload", "salt", "definition", "correlation_id"])
    connection.execute(update(_plain(EVENT)).where(*_one(item_id, version)).values({name: "forged"}))
    return version - 1


def _delete(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    version = rng.randint(1, last)
    connection.execute(delete(EVENT).where(at(item_id, version)))
    return last - 1 if version == last else version - 1


def _swap(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    one = rng.randint(1, last - 1)
    for old, new in ((one, -1), (one + 1, one), (-1, one + 1)):
        connection.execute(update(EVENT).where(at(item_id, old)).values(version=new))
    return one - 1


def _redate(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    version = rng.randint(1, last)
    name = rng.choice(["occurred_at", "recorded_at"])
    moment = f"20{rng.randint(10, 40)}-01-01T00:00:00.000000Z"
    connection.execute(update(_plain(EVENT)).where(*_one(item_id, version)).values({name: moment}))
    return version - 1


def _double(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    row = connection.execute(select(_plain(EVENT)).where(*_one(item_id, rng.randint(1, last)))).mappings().one()
    connection.execute(_plain(EVENT).insert().values(dict(row) | {"version": last + 1}))
    return last


def _bypass(connection: Connection, item_id: str, last: int, rng: random.Random) -> int:
    name = rng.choice(["title", "status", "assignee_id", "head", "performers", "attributes"])
    connection.execute(update(_plain(ITEM)).where(_plain(ITEM).c.id == item_id).values({name: "\nforged\tx\n"}))
    return last


def _one(item_id: str, version: int) -> list[Any]:
    table = _plain(EVENT)
    return [table.c.item_id == item_id, table.c.version == version]


FOUND: Final[dict[str, Callable[[Connection, str, int, random.Random], int]]] = {
    "edit": _edit,
    "delete": _delete,
    "swap": _swap,
    "redate": _redate,
    "double": _double,
    "bypass": _bypass,
}
"""What is found without an anchor; each returns the first bad position."""


def _history(connection: Connection, item_id: str) -> list[Any]:
    store = SqlAlchemyStore.joining(connection)
    with store.begin(tenant="", write=False) as uow:
        return list(uow.history(item_id))


def _put_row(connection: Connection, item: Item) -> None:
    table = _plain(ITEM)
    row = dict(zip(ITEM.c.keys(), ROW(item), strict=True))
    connection.execute(update(table).where(table.c.id == item.id).values(row))


def _cut(connection: Connection, item_id: str, rng: random.Random) -> str:
    """Cut a tail off, and make the row as it was then."""
    events = _history(connection, item_id)
    left = rng.randint(1, len(events) - 1)
    item: Any = None
    for event in events[:left]:
        item = apply(item, event)
    connection.execute(delete(EVENT).where(EVENT.c.item_id == item_id, EVENT.c.version > left))
    connection.execute(delete(NOTE).where(NOTE.c.item_id == item_id, NOTE.c.version > left))
    _put_row(connection, item)
    return "cut"


def _drop(connection: Connection, item_id: str, rng: random.Random) -> str:
    """Leave nothing of the item."""
    connection.execute(delete(ITEM).where(ITEM.c.id == item_id))
    for table in (EVENT, NOTE):
        connection.execute(delete(table).where(table.c.item_id == item_id))
    return "dropped"


def _rewrite(connection: Connection, item_id: str, rng: random.Random) -> str:
    """Make the history anew from its first event on: another actor, all digests made anew."""
    before: Any = None
    blank = {"digest": "", "previous": "", "payload_digest": "", "actor_id": "forger"}
    for event in _history(connection, item_id):
        unsealed = evolve_event(event, blank)
        after = apply(before, unsealed)
        sealed = seal(Change(before, after, unsealed), recorded_at=event.recorded_at, salt=event.salt)
        before = sealed.after
        row = dict(zip(EVENT.c.keys(), event_values(sealed.event), strict=True))
        connection.execute(update(_plain(EVENT)).where(*_one(item_id, event.version)).values(row))
    connection.execute(delete(NOTE).where(NOTE.c.item_id == item_id))
    _put_row(connection, before)
    return "rewritten"


HIDDEN: Final[dict[str, Callable[[Connection, str, random.Random], str]]] = {
    "cut": _cut,
    "drop": _drop,
    "rewrite": _rewrite,
}
"""What nobody can find without an anchor; each returns the code of the finding with one."""


@pytest.mark.parametrize("rounds", [4, full(100)])
def test_each_tampering_is_found_where_it_begins(store: SqlAlchemyStore, rounds: int) -> None:
    """Edits, deletions, swaps, doubles, new dates and rows without an event: each is found, at its position (H6)."""
    for seed in range(rounds):
        emptied(store.engine)
        filled(store, seed)
        assert broken(store) == {}
        for way, tamper in FOUND.items():
            rng = random.Random(f"{seed} {way}")
            with store.engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                item_id = rng.choice(ids(connection))
                last = len(_history(connection, item_id))
                position = tamper(connection, item_id, last, rng)
                found = broken(SqlAlchemyStore.joining(connection))
                connection.rollback()
            assert {place: {one for one, _ in marks} for place, marks in found.items()} == {
                ("", item_id): {position}
            }, way


@pytest.mark.parametrize("rounds", [3, full(100)])
def test_what_hides_from_all_but_an_anchor(store: SqlAlchemyStore, rounds: int) -> None:
    """A cut tail, a dropped item and a full rewrite are not found without an anchor, and are found with one (H6)."""
    for seed in range(rounds):
        emptied(store.engine)
        filled(store, seed)
        anchor = io.BytesIO()
        write_anchor(store, anchor, at=AT, sign=KEY.sign)
        for way, tamper in HIDDEN.items():
            rng = random.Random(f"{seed} {way}")
            with store.engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                plain = [item_id for item_id in ids(connection) if not _told(connection, item_id)]
                item_id = rng.choice(plain or ids(connection))
                code = tamper(connection, item_id, rng)
                joined = SqlAlchemyStore.joining(connection)
                without = {} if not plain else broken(joined)
                anchor.seek(0)
                assert read_anchor(anchor, check=KEY.check).items
                anchor.seek(0)
                found = broken(joined, marks=anchored(anchor), page=rng.choice([1, 3, 500]))
                connection.rollback()
            assert without == {}, way
            assert [one[1] for one in found["", item_id]][-1] == code
            assert found.keys() == {("", item_id)}


def _told(connection: Connection, item_id: str) -> bool:
    """Whether the item has notes: their digests hold their author, who would have to be forged too."""
    return connection.execute(select(NOTE.c.id).where(NOTE.c.item_id == item_id)).first() is not None


def test_items_that_came_after_the_anchor_are_no_finding(store: SqlAlchemyStore) -> None:
    """Histories that went on and items that are newer than an anchor are sound (H6)."""
    changes = created(TASK, "b") + created(TASK, "d")
    write(store, *changes)
    anchor = io.BytesIO()
    write_anchor(store, anchor, at=AT)
    write(store, *created(TASK, "a"), *created(TASK, "c"), *decided(changes[0].after, "start"), *created(TASK, "e"))
    anchor.seek(0)
    assert broken(store, marks=anchored(anchor)) == {}
    with store.engine.begin() as connection:
        for item_id in ("b", "d"):
            _drop(connection, item_id, random.Random(0))
    for after in (None, ("", "b"), ("", "c")):
        anchor.seek(0)
        found = broken(store, marks=anchored(anchor), after=after)
        assert list(found) == [("", item_id) for item_id in ("b", "d") if after is None or item_id > after[1]]
        assert set(map(str, found.values())) == {"[(0, 'dropped')]"}


def test_what_is_left_without_a_row_is_found(store: SqlAlchemyStore) -> None:
    """Events or notes without a row, and rows without events, are found, wherever they stand among others (H2)."""
    for item_id in ("b", "d", "f"):
        (opening,) = created(TASK, item_id)
        write(store, opening, *annotated(opening.after, item_id))
    with store.engine.begin() as connection:
        connection.execute(delete(ITEM).where(ITEM.c.id.in_(["b", "f"])))
        connection.execute(delete(EVENT).where(EVENT.c.item_id.in_(["d", "f"])))
    assert broken(store) == {
        ("", "b"): [(2, "row_missing")],
        ("", "d"): [(0, "malformed")],
        ("", "f"): [(0, "row_missing")],
    }
    assert [proof.missing for proof in proved(store)] == [-2, 2, 0]


def test_a_bypass_in_another_tenant_is_found(store: SqlAlchemyStore) -> None:
    """Tenants of which only an event or a note is there are gone through too (A11, H2)."""
    for tenant in ("x", "y", "z"):
        write(store, *created(TASK, "a", tenant=tenant), tenant=tenant)
        write(store, *annotated(_item(store, tenant), f"{tenant}n"), tenant=tenant)
    with store.engine.begin() as connection:
        connection.execute(delete(ITEM).where(ITEM.c.tenant != "y"))
        connection.execute(delete(NOTE).where(NOTE.c.tenant == "x"))
        connection.execute(delete(EVENT).where(EVENT.c.tenant == "z"))
    assert broken(store) == {("x", "a"): [(2, "row_missing")], ("z", "a"): [(0, "row_missing")]}


def _item(store: SqlAlchemyStore, tenant: str) -> Item:
    with store.begin(tenant=tenant, write=False) as uow:
        item = uow.items.get("a")
    assert item is not None
    return item


UNREADABLE: Final[dict[str, tuple[Any, dict[str, Any], int]]] = {
    "an event": (EVENT, {"category": "nonsense"}, 0),
    "a row": (ITEM, {"category": "nonsense"}, 2),
    "the version of a row": (ITEM, {"version": "nonsense"}, 2),
    "the head of a row": (ITEM, {"head": b"x"}, 2),
    "a note": (NOTE, {"body": b"x"}, 2),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_a_finding(store: SqlAlchemyStore, what: str) -> None:
    """A row that no store can have written is found, and does not end the walk (H6)."""
    table, values, position = UNREADABLE[what]
    (opening,) = created(TASK, "a")
    write(store, opening, *annotated(opening.after, "n"), *created(TASK, "b"))
    plain = _plain(table)
    own = plain.c.id if table is ITEM else plain.c.item_id
    with store.engine.begin() as connection:
        connection.execute(update(plain).where(own == "a").values(values))
    proofs = list(proved(store))
    assert [proof.item_id for proof in proofs] == ["a", "b"]
    assert [[(one.position, one.code) for one in proof.findings] for proof in proofs] == [
        [(position, "unreadable")],
        [],
    ]
    assert proofs[0].version == (0 if "version" in values else 2)
    assert proofs[0].events == 2


OTHERWISE: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "a case as a task": (ITEM, {"kind": "task"}),
    "a case as a task, without a count": (ITEM, {"kind": "task", "open_tasks": None}),
    "a case in a case": (ITEM, {"case_id": "b"}),
    "a time that sorts elsewhere": (ITEM, {"updated_at": "2026-01-31 12:00:00.000000Z"}),
    "tags that no query finds": (ITEM, {"tags": '["\\u0061"]'}),
    "attributes with blanks": (ITEM, {"attributes": "{ }"}),
    "names with blanks": (EVENT, {"changed": '["title" ]'}),
    "a note at another time": (NOTE, {"created_at": "2026-01-31T12:00:00Z"}),
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_what_says_the_same_in_other_words_is_a_finding(store: SqlAlchemyStore, what: str) -> None:
    """A row that reads as it should, but is not written so, is found: queries and indexes take it as it stands (H6)."""
    table, values = OTHERWISE[what]
    (opening,) = created(REGULATORY_CASE, "a", tags=["a"])
    write(store, opening, *annotated(opening.after, "n"))
    plain = _plain(table)
    own = plain.c.id if table is ITEM else plain.c.item_id
    with store.engine.begin() as connection:
        connection.execute(update(plain).where(own == "a").values(values))
    assert list(broken(store)) == [("", "a")]


@pytest.mark.parametrize("tenant", ["", "north"])
def test_what_stands_under_an_empty_id_is_found(store: SqlAlchemyStore, tenant: str) -> None:
    """Events, notes and rows that were moved to an id that is none are found, once each, on pages of any size (H2)."""
    write(store, *created(TASK, "a", tenant=tenant), *created(TASK, "b", tenant=tenant), tenant=tenant)
    with store.engine.begin() as connection:
        connection.execute(update(EVENT).where(EVENT.c.item_id == "a").values(item_id=""))
    for page in (1, 2, 500):
        assert list(broken(store, page=page)) == [(tenant, ""), (tenant, "a")]
        assert len(list(proved(store, page=page))) == 3


@pytest.mark.parametrize("name", ["tenant", "item_id"])
def test_a_key_that_is_no_text_is_a_storage_error(store: SqlAlchemyStore, name: str) -> None:
    """Where SQLite was made to hold a key of bytes, the walk says so (H6)."""
    write(store, *created(TASK, "a"), *created(TASK, "b"))
    with store.engine.begin() as connection:
        connection.execute(update(_plain(EVENT)).where(*_one("a", 1)).values({name: b"a"}))
    with pytest.raises(StorageError, match="no text"):
        list(proved(store))


@pytest.mark.parametrize("long", [False, True])
def test_events_before_the_first_are_found(store: SqlAlchemyStore, monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    """An event of a version that no item can have is found at its beginning, though nobody reads it (H5, H6)."""
    if long:
        monkeypatch.setattr(proving, "_PORTION", 2)
    (opening,) = created(TASK, "a")
    write(store, opening, *annotated(opening.after, "n"), *created(TASK, "b"))
    for version in (0, -1, -(2**63)):
        with store.engine.begin() as connection:
            row = connection.execute(select(_plain(EVENT)).where(*_one("a", 1))).mappings().one()
            connection.execute(_plain(EVENT).insert().values(dict(row) | {"version": version}))
        (positions,) = broken(store).values()
        assert positions[0] == (0, "version")
        with store.engine.begin() as connection:
            connection.execute(delete(EVENT).where(at("a", version)))
    assert broken(store) == {}


def test_long_histories_are_proven_page_by_page(store: SqlAlchemyStore) -> None:
    """However long a history is, it is proven, and where it was tampered with, found (H6, H7)."""
    changes = list(created(TASK, "long"))
    for number in range(1_200):
        changes += decided(changes[-1].after, "edit", {"title": f"{number}"})
    write(store, *changes, *created(TASK, "a"), *created(TASK, "z"))
    assert [(proof.item_id, proof.events) for proof in proved(store)] == [("a", 1), ("long", 1_201), ("z", 1)]
    with store.engine.begin() as connection:
        connection.execute(update(EVENT).where(at("long", 1_150)).values(actor_id="forged"))
    assert broken(store) == {("", "long"): [(1_149, "digest")]}


def test_many_items_are_proven_in_groups(store: SqlAlchemyStore) -> None:
    """More items than are looked for at once are all proven, and so are events that have no row in between (H7)."""
    write(store, *[change for number in range(450) for change in created(TASK, f"{number:03}")])
    with store.engine.begin() as connection:
        connection.execute(delete(ITEM).where(ITEM.c.id.in_(["000", "199", "200", "449"])))
        connection.execute(delete(EVENT).where(EVENT.c.item_id.in_(["198", "201", "399"])))
    found = broken(store)
    for page in (7, 150, 500):
        assert broken(store, page=page) == found
    assert [item_id for _, item_id in found] == ["000", "198", "199", "200", "201", "399", "449"]
    assert [proof.item_id for proof in proved(store, page=1_000)] == [f"{number:03}" for number in range(450)]


def test_rows_and_events_that_never_meet_are_all_found(store: SqlAlchemyStore) -> None:
    """Many rows without events, and as many events without rows between them, are found to the last one (H2)."""
    write(store, *[change for number in range(300) for change in created(TASK, f"{number:03}")])
    odd = [f"{number:03}" for number in range(1, 300, 2)]
    with store.engine.begin() as connection:
        connection.execute(delete(ITEM).where(ITEM.c.id.in_(odd)))
        connection.execute(delete(EVENT).where(EVENT.c.item_id.not_in(odd)))
    for page in (1, 149, 300, 1_000):
        assert len(broken(store, page=page)) == 300


def test_what_others_write_meanwhile_is_no_finding(store: SqlAlchemyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding that is not there on a second look was somebody's commit, and is believed no more (L5, H7)."""
    write(store, *created(TASK, "a"))
    looks: list[Proof] = []
    real = prove

    def moved(*parts: Any) -> Proof:
        """What is found while somebody writes: first a version that is not there yet, then all of it."""
        proof = real(*parts)
        looks.append(proof)
        if len(looks) < 3:
            return real(parts[0], None, parts[2] if len(looks) == 1 else (), parts[3])
        return proof

    with store.engine.begin() as connection:
        connection.execute(update(EVENT).where(at("a", 1)).values(payload=None, salt=None))
    monkeypatch.setattr(proving, "prove", moved)
    assert broken(store) == {}
    assert len(looks) == 3


@pytest.mark.parametrize("events", [1_500, full(100_000)])
def test_memory_stays_as_it_is(tmp_path: Path, events: int) -> None:
    """However many events there are, going through them takes less than 20 MB (H7)."""
    engine = hasty(sqlite_engine(tmp_path / "store.db"))
    store = SqlAlchemyStore(engine)
    store.create_schema()
    per_item = 10
    with engine.begin() as connection:
        (opening,) = created(TASK, "a", by=Actor("ann"), description="why " * 20)
        changes = [opening]
        for number in range(per_item - 1):
            changes += decided(changes[-1].after, "edit", {"title": f"{number}"})
        for number in range(events // per_item):
            _put(connection, changes, f"{number:07}")
    tracemalloc.start()
    try:
        proofs = sum(proof.events for proof in proved(store) if not proof.findings)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        engine.dispose()
    assert proofs == events // per_item * per_item
    assert peak < 20_000_000


def _put(connection: Connection, changes: list[Any], item_id: str) -> None:
    """Write the same history for another item."""
    before: Any = None
    rows = []
    for change in changes:
        blank = {"digest": "", "previous": "", "payload_digest": "", "item_id": item_id}
        unsealed = evolve_event(change.event, blank)
        sealed = seal(Change(before, apply(before, unsealed), unsealed), recorded_at=AT, salt="0" * 32)
        before = sealed.after
        rows.append(event_values(sealed.event))
    marks = ",".join("?" * len(rows[0]))
    for row in rows:
        connection.exec_driver_sql(f"INSERT INTO casewright_event VALUES ({marks})", row)
    row = tuple(ROW(before))
    connection.exec_driver_sql(f"INSERT INTO casewright_item VALUES ({','.join('?' * len(row))})", row)


def test_a_store_that_cannot_be_reached_is_a_storage_error(tmp_path: Path) -> None:
    """Where there are no tables, and where there is no database, that is said, and nothing is called sound."""
    store = SqlAlchemyStore(create_engine(f"sqlite:///{tmp_path / 'none' / 'store.db'}"))
    for ask in (lambda: store.proofs(limit=1), store.kept_items, lambda: store.digests([])):
        with pytest.raises(StorageError):
            ask()
