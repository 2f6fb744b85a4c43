"""The oracle has teeth: an adapter that says one thing and stores another is caught by what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from casewright import Store, Tenant
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.testing.contracts import LedgerContract, Rows, StoreContract
from casewright.testing.contracts.oracle import Row
from casewright.testing.contracts.stored import _UNDONE
from support.oracles import memory_rows
from support.sabotage import sabotaged

Tamper = Callable[[Rows], Rows]


def of_each(kind: str, change: Callable[[Row], Row]) -> Tamper:
    """Return what changes each row of a kind."""
    return lambda rows: attrs.evolve(rows, **{kind: [change(row) for row in getattr(rows, kind)]})


def moved(name: str, by: timedelta) -> Callable[[Row], Row]:
    """Return what moves an instant of a row."""
    return lambda row: {**row, name: None if row[name] is None else _shifted(row[name], by)}


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment - by


def naive(name: str) -> Callable[[Row], Row]:
    """Return what drops the offset of an instant of a row."""
    return lambda row: {**row, name: None if row[name] is None else row[name].replace(tzinfo=None)}


def without_the_last(kind: str) -> Tamper:
    """Return what loses a row."""
    return lambda rows: attrs.evolve(rows, **{kind: getattr(rows, kind)[:-1]})


def with_the_last_twice(kind: str) -> Tamper:
    """Return what has a row twice."""
    return lambda rows: attrs.evolve(rows, **{kind: (*getattr(rows, kind), *getattr(rows, kind)[-1:])})


EVENTS, NOTES = "test_each_version_of_a_row_has_just_one_stored_event", "test_notes_and_pointers_are_stored_once"
HASHED, INSTANTS = "test_what_is_stored_is_what_was_hashed", "test_instants_are_stored_with_their_offset"
LEFT, APART = "test_nothing_is_left_of_a_unit_that_did_not_commit", "test_tenants_are_stored_apart"
TESTS: Final = (EVENTS, NOTES, HASHED, INSTANTS, LEFT, APART)

CAUGHT: Final[dict[str, tuple[str, Tamper]]] = {
    "a row is not stored": (EVENTS, without_the_last("items")),
    "a row is stored twice": (EVENTS, with_the_last_twice("items")),
    "the row of an older version is stored": (EVENTS, of_each("items", lambda row: {**row, "version": 1})),
    "another head is stored": (EVENTS, of_each("items", lambda row: {**row, "head": "0"})),
    "an event is not stored": (EVENTS, without_the_last("events")),
    "an event is stored twice": (EVENTS, with_the_last_twice("events")),
    "an event has another payload": (HASHED, of_each("events", lambda row: {**row, "payload": row["payload"] + " "})),
    "an event has another actor": (HASHED, of_each("events", lambda row: {**row, "actor_id": "eve"})),
    "a column keeps whole seconds": (INSTANTS, of_each("events", lambda row: whole_seconds(row, "occurred_at"))),
    "less is stored than was hashed": (HASHED, of_each("events", lambda row: whole_seconds(row, "occurred_at"))),
    "a column of an item keeps whole seconds": (
        INSTANTS,
        of_each("items", lambda row: whole_seconds(row, "created_at")),
    ),
    "a column drops the offset": (INSTANTS, of_each("items", naive("due_at"))),
    "a column drops the offset of an event": (INSTANTS, of_each("events", naive("recorded_at"))),
    "an instant is stored in local time": (INSTANTS, of_each("items", moved("updated_at", timedelta(hours=1)))),
    "a note is not stored": (NOTES, without_the_last("notes")),
    "a note is stored twice": (NOTES, with_the_last_twice("notes")),
    "another note is stored": (NOTES, of_each("notes", lambda row: {**row, "body": "what?"})),
    "a pointer is not stored": (NOTES, without_the_last("pointers")),
    "a pointer is stored twice": (NOTES, with_the_last_twice("pointers")),
    "items have no tenant": (APART, of_each("items", lambda row: {**row, "tenant": ""})),
    "notes have no tenant": (APART, of_each("notes", lambda row: {**row, "tenant": ""})),
}


def whole_seconds(row: Row, name: str) -> Row:
    """Return the row without the fraction of an instant."""
    return {**row, name: row[name].replace(microsecond=0)}


def seen_through(tamper: Tamper) -> type[StoreContract]:
    """Return the contract with an oracle that sees what such a store would hold."""

    def oracle(self: object, store: MemoryStore) -> Rows:
        rows = memory_rows(store)
        return tamper(rows) if any(rows.count()) else rows

    return type("Contract", (StoreContract,), {"oracle": oracle})


def runs(test: str, contract: type[StoreContract | LedgerContract], make: Callable[[], Store]) -> Iterator[None]:
    """Run a test in each of its ways, on a new store each time."""
    run: Any = getattr(contract(), test)
    for way in ({"way": way} for way in _UNDONE) if test == LEFT else ({},):
        yield run(make(), **way)


@pytest.mark.parametrize("test", TESTS)
def test_a_sound_store_is_what_it_says(test: str) -> None:
    """Of a store without a bug the oracle says just what the store says."""
    assert list(runs(test, seen_through(lambda rows: rows), MemoryStore))


@pytest.mark.parametrize("bug", CAUGHT)
def test_what_is_stored_otherwise_is_caught(bug: str) -> None:
    """Each difference between what is said and what is stored fails the test that names its promise (H1, H4, S3)."""
    test, tamper = CAUGHT[bug]
    with pytest.raises(AssertionError):
        list(runs(test, seen_through(tamper), MemoryStore))


class KeepsSilently(MemoryUnitOfWork):
    """Writes what is recorded at once, under another tenant, and shows it to nobody."""

    def record(self, *changes: Any) -> None:
        """Keep a copy where no unit of this tenant looks."""
        super().record(*changes)
        if memory_rows(self._store).items:
            self._store.write(Tenant("hidden"), self._writes())


@pytest.mark.parametrize("way", _UNDONE)
def test_what_is_left_where_nobody_looks_is_caught(way: str) -> None:
    """What a unit that did not commit has left in the tables is found, though no unit would ever show it (T1)."""
    contract: Any = seen_through(lambda rows: rows)()
    with pytest.raises(AssertionError, match="something is left"):
        contract.test_nothing_is_left_of_a_unit_that_did_not_commit(sabotaged(KeepsSilently)(), way=way)


def test_an_oracle_that_sees_another_store_is_told() -> None:
    """What sees rows before anything is written looks at another store, and proves nothing."""
    other = MemoryStore()
    next(runs(EVENTS, seen_through(lambda rows: rows), lambda: other))
    lost: Any = type("Lost", (StoreContract,), {"oracle": lambda self, store: memory_rows(other)})
    with pytest.raises(AssertionError, match="before anything is written"):
        lost().test_tenants_are_stored_apart(MemoryStore())


def test_a_row_of_an_event_that_lacks_a_field_is_told() -> None:
    """What the oracle leaves out is named, so that no check passes for want of it."""
    less = seen_through(of_each("events", lambda row: {name: row[name] for name in row if name != "salt"}))
    with pytest.raises(pytest.fail.Exception, match="the oracle gives no salt of an event"):
        list(runs(HASHED, less, MemoryStore))


@pytest.mark.parametrize("test", TESTS)
def test_without_an_oracle_it_is_skipped(test: str) -> None:
    """Without an oracle each of these tests is skipped with that reason."""
    with pytest.raises(pytest.skip.Exception, match=r"^oracle: nothing reads what is stored"):
        list(runs(test, StoreContract, MemoryStore))


def test_without_an_oracle_what_is_entered_is_skipped_too() -> None:
    """So is the test of what is stored of idempotency keys, whose contract may stand alone."""
    with pytest.raises(pytest.skip.Exception, match=r"^oracle: nothing reads what is stored"):
        list(runs("test_an_entry_is_stored_once_and_nothing_of_one_that_was_refused", LedgerContract, MemoryStore))


def test_a_store_without_an_outbox_has_no_pointers_to_check() -> None:
    """Where the oracle says None for the pointers, the notes are still checked."""
    contract = seen_through(lambda rows: attrs.evolve(rows, pointers=None))
    assert list(runs(NOTES, contract, MemoryStore))
    assert Rows(items=[], events=[], notes=[], pointers=None).count() == (0, 0, 0, 0, 0)
