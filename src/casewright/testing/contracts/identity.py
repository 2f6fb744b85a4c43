"""Ids and tenants: which are told apart, which are none, and how long they may be."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.errors import InvalidInputError
from casewright.testing.contracts.base import Contract, must_raise, told
from casewright.testing.contracts.driving import NOTHING_THERE, all_of, annotated, created, decided, kept, write

__all__ = ["IdentityContract"]

_IMPOSSIBLE: Final[tuple[Any, ...]] = ("", " ", "\0", "a\0", "\ud800", "a\udfff", "a\n", None, True, 7, b"a", ("a",))


@told
class IdentityContract(Contract):
    """Ids and tenants. A part of `StoreContract`."""

    def test_an_id_that_no_store_could_hold_is_the_id_of_no_item(self, store: Store) -> None:
        """An id that no store could hold is the id of no item: nothing is found, and nothing raised (S2)."""
        write(store, *created(TASK, "a"))
        for hostile in (*_IMPOSSIBLE, "a" * 10_000_000):
            assert all_of(store, hostile) == NOTHING_THERE

    def test_tenants_and_ids_are_told_apart_by_code_point(self, store: Store) -> None:
        """One id in two tenants is two items, and so are two ids that differ in anything at all."""
        pairs = [
            ("", "n:a"),
            ("n", "a"),
            ("n:a", "a"),
            ("N", "a"),
            ("n", "A"),
            ("n", "a "),
            ("n", "é"),
            ("n", "e\u0301"),
        ]
        changes = {pair: created(TASK, pair[1], tenant=pair[0], title=f"{pair}") for pair in pairs}
        for (tenant, _), (change,) in changes.items():
            write(store, change, tenant=tenant)
        for (tenant, item_id), (change,) in changes.items():
            assert all_of(store, item_id, tenant=tenant) == (change.after, [change.event], [])

    def test_nothing_of_another_tenant_is_ever_seen(self, store: Store) -> None:
        """An id of another tenant is the id of no item: no item, no event and no note is found (A11)."""
        (opening,) = created(TASK, "a", tenant="north")
        (noted,) = decided(opening.after, "add_note", {"note_id": "n", "body": "why"})
        write(store, opening, noted, tenant="north")
        for tenant in ("", "south", "nort", "north ", "NORTH"):
            assert all_of(store, "a", tenant=tenant) == NOTHING_THERE

    def test_notes_are_told_apart_by_code_point_and_from_items(self, store: Store) -> None:
        """An item has its own notes and no neighbour's, and the id of a note is none of an item, nor another's."""
        ids = ("a", "aa", "a.a", "A", "\uff41", "é", "e\u0301", "a%", "_")
        openings = {item_id: created(TASK, item_id) for item_id in ids}
        write(store, *(change for made in openings.values() for change in made))
        changes = {item_id: (*made, *annotated(made[0].after, item_id)) for item_id, made in openings.items()}
        for made in changes.values():
            write(store, *made[1:])
        for item_id, made in changes.items():
            assert all_of(store, item_id) == kept(made), "an item has not just its own notes"

    def test_ids_tenants_and_values_at_their_limits_come_back(self, store: Store) -> None:
        """Ids and tenants of 255 characters that differ in the last one, and 64 KiB of attributes, are kept (S1)."""
        long = "\U0001d49c" * 254
        attributes = {"a": "\U0001d49c" * (2**14 - 2)}  # with {"a":""} 64 KiB in UTF-8
        changes = {}
        for tenant in ("", f"{long}a", f"{long}b"):
            for item_id in (f"{long}a", f"{long}b"):
                (opening,) = created(TASK, item_id, tenant=tenant, attributes=attributes)
                changes[tenant, item_id] = (opening, *annotated(opening.after, item_id))
                write(store, *changes[tenant, item_id], tenant=tenant)
        for (tenant, item_id), made in changes.items():
            assert all_of(store, item_id, tenant=tenant) == kept(made), "what is at the limit did not come back"

    def test_a_tenant_that_no_store_could_hold_is_refused(self, store: Store) -> None:
        """`begin` raises InvalidInputError for what is neither empty nor printable text of 255 characters (S2)."""
        for hostile in (*_IMPOSSIBLE[1:], "a" * 256):
            must_raise(InvalidInputError, partial(store.begin, tenant=hostile), "begin() for such a tenant")
