"""What is stored is what the adapter says: seen by an oracle, which reads the rows without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import attrs
import pytest

from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.domain.history import verify
from casewright.domain.ids import NO_TENANT
from casewright.errors import ConflictError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, told
from casewright.testing.contracts.driving import (
    ODD_TIME,
    Changes,
    annotated,
    created,
    decided,
    edited,
    refused,
    under_review,
    write,
)
from casewright.testing.contracts.oracle import Rows, instant_of, stored_event

__all__ = ["StoredContract"]


def _worked_on() -> Changes:
    """A case under review with its task, a task with a history and notes, and one that is not published."""
    changes = (*under_review("complete", "reopen"), *created(TASK, "a", description="why"))
    for number in range(3):
        changes += annotated(changes[-1].after, f"{number}")
        changes += edited(changes[-1].after, f"{number}")
    changes += decided(changes[-1].after, "delete", at=ODD_TIME)
    return (*changes, *(attrs.evolve(change, published=False) for change in created(TASK, "quiet")))


def _rolled_back(store: Store, changes: Changes) -> None:
    with store.begin(tenant=NO_TENANT) as uow:
        uow.record(*changes)
        uow.rollback()


def _left(store: Store, changes: Changes) -> None:
    with store.begin(tenant=NO_TENANT) as uow:
        uow.record(*changes)


def _interrupted(store: Store, changes: Changes) -> None:
    with pytest.raises(KeyboardInterrupt), store.begin(tenant=NO_TENANT) as uow:  # noqa: PT012 - what is left by it
        uow.record(*changes)
        raise KeyboardInterrupt


def _in_conflict(store: Store, changes: Changes) -> None:
    refused(store, ConflictError, *changes, *created(TASK, "there"))


_UNDONE: Final[Mapping[str, Callable[[Store, Changes], None]]] = {
    "rolled back": _rolled_back,
    "left without a commit": _left,
    "left by an exception": _interrupted,
    "refused for a conflict": _in_conflict,
}

_MOMENTS: Final = (
    SOME_TIME,
    ODD_TIME,
    datetime(1, 1, 1, 12, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=-11, minutes=-30))),
    datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=14))),
)


@told
class StoredContract(Contract):
    """What is stored is what the adapter says. A part of `StoreContract`; without an `oracle` it is skipped."""

    def oracle(self, store: Any) -> Rows:  # noqa: ANN401 - a derived class knows its own store
        """Return all that is stored, read without the adapter. A derived class says how; this one skips the test.

        Args:
            store: What the fixture ``store`` gave, for where it keeps things and not for what it says of them. Of an
                asynchronous contract it is a `SynchronousStore`, and ``store.inner`` what ``async_store`` gave.
        """
        pytest.skip("oracle: nothing reads what is stored without the adapter")

    def test_each_version_of_a_row_has_just_one_stored_event(self, store: Store) -> None:
        """The versions of the rows minus the events there are come to nothing, item by item (H1, H2, H5)."""
        _see_nothing_yet(self, store)
        changes = _worked_on()
        write(store, *changes[:3])
        write(store, *changes[3:])
        rows = self.oracle(store)
        last = {change.after.id: change.after for change in changes}
        found = {row["id"]: (row["version"], row["status"], row["head"]) for row in rows.items}
        assert len(found) == len(rows.items) == len(last), "there is not one row for each item"
        assert found == {item.id: (item.version, item.status, item.head) for item in last.values()}
        expected = {(NO_TENANT, item.id): list(range(1, item.version + 1)) for item in last.values()}
        assert rows.versions(rows.events) == expected, "versions and events differ"

    def test_notes_and_pointers_are_stored_once(self, store: Store) -> None:
        """Each note is a row, and each published event has one pointer; nothing else is in their tables (T1, O1)."""
        _see_nothing_yet(self, store)
        changes = _worked_on()
        write(store, *changes)
        rows = self.oracle(store)
        notes = {note.id: attrs.asdict(note) for change in changes for note in change.notes}
        assert sorted(row["id"] for row in rows.notes) == sorted(notes)
        for row in rows.notes:
            expected = notes[row["id"]]
            assert {name: row[name] for name in expected} | {"created_at": instant_of(row["created_at"])} == expected
        if rows.pointers is not None:
            published = [change.event for change in changes if change.published]
            assert sorted((row["item_id"], row["version"]) for row in rows.pointers) == sorted(
                (event.item_id, event.version) for event in published
            )

    def test_what_is_stored_is_what_was_hashed(self, store: Store) -> None:
        """The stored events prove themselves, whatever the adapter adds or takes away when it reads them (H4, H5)."""
        _see_nothing_yet(self, store)
        changes = _worked_on()
        write(store, *changes)
        stored = [stored_event(row) for row in self.oracle(store).events]
        assert len(stored) == len(changes)
        for item_id in {event.item_id for event in stored}:
            events = sorted((event for event in stored if event.item_id == item_id), key=lambda event: event.version)
            assert verify(events) == (), "what is stored is not what was hashed"
            assert events == [change.event for change in changes if change.event.item_id == item_id]

    def test_instants_are_stored_with_their_offset(self, store: Store) -> None:
        """What is stored is the same instant to the microsecond, also for whoever knows nothing of the adapter (S3)."""
        _see_nothing_yet(self, store)
        changes = [created(TASK, f"{place}", at=at, due_at=at)[0] for place, at in enumerate(_MOMENTS)]
        write(store, *changes)
        rows = self.oracle(store)
        items, events = (
            {row[key]: row for row in found} for key, found in (("id", rows.items), ("item_id", rows.events))
        )
        for place, moment in enumerate(_MOMENTS):
            item, event = items[f"{place}"], events[f"{place}"]
            values = [
                item["created_at"],
                item["updated_at"],
                item["due_at"],
                event["occurred_at"],
                event["recorded_at"],
            ]
            assert list(map(instant_of, values)) == [moment] * 5, "another instant is stored"

    @pytest.mark.parametrize("way", _UNDONE)
    def test_nothing_is_left_of_a_unit_that_did_not_commit(self, store: Store, way: str) -> None:
        """Neither row nor event, note or pointer is left of it, not even where no adapter would look (T1, H1, O1)."""
        _see_nothing_yet(self, store)
        write(store, *created(TASK, "there"))
        before = self.oracle(store).count()
        (opening,) = created(TASK, "a")
        _UNDONE[way](store, (opening, *annotated(opening.after, "n"), *under_review()))
        assert self.oracle(store).count() == before, "something is left"

    def test_tenants_are_stored_apart(self, store: Store) -> None:
        """Each row, event, note and pointer is stored under the tenant of its unit (A11)."""
        _see_nothing_yet(self, store)
        for tenant in ("", "north"):
            (opening,) = created(TASK, "a", tenant=tenant)
            write(store, opening, *annotated(opening.after, "n"), tenant=tenant)
        rows = self.oracle(store)
        for several, each in ((rows.items, 1), (rows.events, 2), (rows.notes, 1)):
            assert sorted(row["tenant"] for row in several) == [*[""] * each, *["north"] * each]


def _see_nothing_yet(contract: StoredContract, store: Store) -> None:
    """Skip the test where there is no oracle; one that sees something of an empty store looks at another one."""
    assert not any(contract.oracle(store).count()), "the oracle sees something before anything is written"
