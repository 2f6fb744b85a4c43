"""`OutboxContract`: what a store promises that says what is to be published."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final
from zlib import crc32

import attrs
import pytest

from casewright.application.ports import Outbox, OutboxPointer, Store, UnitOfWork
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.events import Change
from casewright.domain.ids import NO_TENANT
from casewright.errors import ConflictError, InvalidInputError, MisuseError
from casewright.testing.contracts.base import Contract, must_raise, needs, seen_or_refused, told
from casewright.testing.contracts.contention import fast_switching
from casewright.testing.contracts.driving import HALF_STALE, Changes, created, decided, edited, many, refused, write

__all__ = ["OutboxContract", "outbox"]

_IDS: Final = ("~", "b", "B", "10", "9", "é", "\uffee", "\U0001d49c")
"""Out of order; the last two come the other way round where UTF-16 is compared."""

_EDITS: Final = 200


@told
class OutboxContract(Contract):
    """What a store promises whose units of work are an `Outbox`. Give the fixture ``store``, as for `StoreContract`."""

    def test_each_published_event_has_a_pointer(self, store: Store) -> None:
        """From the commit that wrote it on, an event whose change says `published` has one, and no other has (O1)."""
        (opening,) = created(TASK, "a")
        (starting,) = decided(opening.after, "start")
        (noted,) = decided(starting.after, "add_note", {"note_id": "n", "body": "why"})
        write(store, opening, attrs.evolve(starting, published=False), noted)
        assert [(pointer.item_id, pointer.version) for pointer in _pending(store)] == [("a", 1), ("a", 3)]

    def test_a_pointer_says_where_and_that_nothing_was_tried(self, store: Store) -> None:
        """It holds shard, tenant, item and version, no attempt, no time and no error; the shard never changes."""
        write(store, *created(TASK, "终 a", tenant="north"), tenant="north")
        (pointer,) = _pending(store, tenant="north")
        shard = crc32("north\n终 a".encode()) % 64
        assert attrs.astuple(pointer) == (shard, "north", "终 a", 1, 0, None, None, None)

    def test_a_task_and_its_case_have_a_pointer_each(self, store: Store) -> None:
        """The event by which a case counts a task is published as that of the task is."""
        (opening,) = created(REGULATORY_CASE, "b")
        write(store, opening, *created(TASK, "a", parent=opening.after))
        assert [(pointer.item_id, pointer.version) for pointer in _pending(store)] == [("a", 1), ("b", 1), ("b", 2)]

    def test_pointers_come_by_item_id_and_version_up_to_the_limit(self, store: Store) -> None:
        """The ids are compared by code point, the versions as numbers, and the first ones are given."""
        changes: list[Change[Any]] = []
        for item_id in _IDS:
            changes += created(TASK, item_id)
            for number in range(10):
                changes += decided(changes[-1].after, "edit", {"title": f"{number}"})
        write(store, *changes)
        expected = sorted((change.event.item_id, change.event.version) for change in changes)
        for limit in (1, 2, 11, 87, 88, 1000):
            pointers = _pending(store, limit=limit)
            assert [(pointer.item_id, pointer.version) for pointer in pointers] == expected[:limit]

    def test_however_many_there_are_all_pointers_are_there(self, store: Store) -> None:
        """Nothing but the limit ends what `pending` gives."""
        write(store, *many())
        expected = sorted((change.event.item_id, change.event.version) for change in many())
        pointers = _pending(store, limit=2 * len(expected))
        assert [(pointer.item_id, pointer.version) for pointer in pointers] == expected

    @pytest.mark.parametrize("stale", HALF_STALE)
    def test_of_a_task_and_its_case_both_are_published_or_neither(self, store: Store, stale: str) -> None:
        """Where only one of the two has changed since, no event of the unit is published (O1, T1)."""
        present, changes = HALF_STALE[stale]()
        write(store, *present)
        refused(store, ConflictError, *changes)
        expected = sorted((change.event.item_id, change.event.version) for change in present)
        assert [(pointer.item_id, pointer.version) for pointer in _pending(store)] == expected

    @needs("threads")
    def test_no_thread_ever_sees_an_event_without_its_pointer(self, store: Store) -> None:
        """Once a unit has read a version of an item, its event is pending, however soon it looks (O1, T1)."""
        changes = created(TASK, "a")
        write(store, *changes)
        for number in range(_EDITS):
            changes += edited(changes[-1].after, f"{number}")
        with ThreadPoolExecutor(1) as pool, fast_switching():
            writing = pool.submit(_write_one_by_one, store, changes[1:])
            while not writing.done():
                with store.begin(tenant=NO_TENANT, write=False) as uow:
                    item = uow.items.get("a")
                    pending = [pointer.version for pointer in outbox(uow).pending(limit=1000)]
                assert item is not None
                assert pending[: item.version] == list(range(1, item.version + 1)), "an event has no pointer yet"
            writing.result()

    def test_what_was_refused_or_rolled_back_is_never_published(self, store: Store) -> None:
        """Of a unit that did not commit there is no pointer, whatever else it had recorded (O1, T1)."""
        write(store, *created(TASK, "a"))
        refused(store, ConflictError, *created(TASK, "0"), *created(TASK, "a"), *created(TASK, "z"))
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "b"))
            pending = seen_or_refused(lambda: [pointer.item_id for pointer in outbox(uow).pending(limit=9)])
            assert pending in (["a", "b"], None)
        assert [pointer.item_id for pointer in _pending(store)] == ["a"]

    def test_pointers_of_another_tenant_are_never_seen(self, store: Store) -> None:
        """Each tenant has its own pending pointers (A11)."""
        for tenant in ("", "north"):
            write(store, *created(TASK, f"of {tenant}", tenant=tenant), tenant=tenant)
        for tenant, ids in (("", ["of "]), ("north", ["of north"]), ("south", [])):
            assert [pointer.item_id for pointer in _pending(store, tenant=tenant)] == ids

    @needs("interleaving")
    def test_all_that_was_committed_before_the_first_read_is_pending(self, store: Store) -> None:
        """The first read of a unit sees all that was committed before it, also where it is of pointers (O1)."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            write(store, *created(TASK, "a"))
            assert [pointer.item_id for pointer in outbox(uow).pending(limit=9)] == ["a"]

    def test_a_limit_of_pointers_below_1_is_refused(self, store: Store) -> None:
        """With a limit of 0 or less, `pending` raises InvalidInputError."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for limit in (0, -1):
                must_raise(InvalidInputError, partial(outbox(uow).pending, limit=limit), f"pending(limit={limit})")

    def test_a_unit_that_has_ended_has_no_pending_pointers(self, store: Store) -> None:
        """After the end `pending` raises MisuseError."""
        with store.begin(tenant=NO_TENANT) as uow:
            uow.rollback()
        must_raise(MisuseError, partial(outbox(uow).pending, limit=1), "pending() after the end")


def _write_one_by_one(store: Store, changes: Changes) -> None:
    for change in changes:
        write(store, change)


def _pending(store: Store, *, limit: int = 1000, tenant: str = "") -> Sequence[OutboxPointer]:
    with store.begin(tenant=tenant, write=False) as uow:
        return outbox(uow).pending(limit=limit)


def outbox(uow: UnitOfWork) -> Outbox:
    """Return the unit as what it must be."""
    assert isinstance(uow, Outbox), "a unit of work that says what is to be published has pending()"
    return uow
