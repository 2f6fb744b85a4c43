"""What conflicts with what is there: which error comes of it, and that nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from casewright.application.ports import Store
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.ids import NO_TENANT
from casewright.errors import AlreadyExistsError, CasewrightError, StaleVersionError
from casewright.testing.contracts.base import Contract, must_raise, told
from casewright.testing.contracts.driving import (
    MANY,
    NOTHING_THERE,
    Changes,
    all_of,
    annotated,
    created,
    decided,
    demand_nothing_is_legal,
    edited,
    kept,
    many,
    record_and_commit,
    refused,
    write,
)

__all__ = ["ConflictContract"]


def _older() -> tuple[Changes, Changes]:
    (opening,) = created(TASK, "a")
    return (opening, *edited(opening.after, "first")), edited(opening.after, "second")


def _other_head() -> tuple[Changes, Changes]:
    (opening,) = created(TASK, "a")
    (lost,) = edited(opening.after, "second")
    return (opening, *edited(opening.after, "first")), edited(lost.after, "third")


def _never_there() -> tuple[Changes, Changes]:
    return created(TASK, "b"), edited(created(TASK, "a")[0].after, "second")


_STALE: Final[dict[str, Callable[[], tuple[Changes, Changes]]]] = {
    "another version": _older,
    "another head": _other_head,
    "no item at all": _never_there,
}


def _deleted() -> Changes:
    (opening,) = created(TASK, "a")
    return (opening, *decided(opening.after, "delete"))


def _note_twice() -> Changes:
    (opening,) = created(TASK, "b")
    (noted,) = annotated(opening.after, "a")
    return (opening, noted, *annotated(noted.after, "a"))


def _note(item_id: str) -> Changes:
    (opening,) = created(TASK, item_id)
    return (opening, *annotated(opening.after, "a"))


_TAKEN: Final[dict[str, Callable[[], tuple[Changes, Changes]]]] = {
    "by a task": lambda: (created(TASK, "a"), created(TASK, "a")),
    "by a task, for a case": lambda: (created(TASK, "a"), created(REGULATORY_CASE, "a")),
    "by a case, for a task": lambda: (created(REGULATORY_CASE, "a"), created(TASK, "a")),
    "by a deleted item": lambda: (_deleted(), created(REGULATORY_CASE, "a")),
    "in the same unit": lambda: ((), created(TASK, "a") + created(REGULATORY_CASE, "a")),
    "by a note": lambda: (_note("c"), _note("b")),
    "by a note of the same unit": lambda: ((), _note_twice()),
}


@told
class ConflictContract(Contract):
    """Which conflicts a store meets, and what becomes of the unit. A part of `StoreContract`."""

    @pytest.mark.parametrize("stale", _STALE)
    def test_a_change_of_another_version_or_head_is_stale(self, store: Store, stale: str) -> None:
        """An item of another version or head than the change was decided on is a StaleVersionError (L1, H5)."""
        present, change = _STALE[stale]()
        write(store, *present)
        error = refused(store, StaleVersionError, *change)
        assert (error.item_id, error.expected) == ("a", change[0].after.version - 1), "the error names another version"
        found = [one.after.version for one in present if one.after.id == "a"]
        assert error.actual in (None, *found), "the error tells a version that the item never had"
        assert all_of(store, present[-1].after.id) == kept(present)

    @pytest.mark.parametrize("taken", _TAKEN)
    def test_an_id_is_never_used_twice(self, store: Store, taken: str) -> None:
        """An id that is taken in the tenant is an AlreadyExistsError that names it: of items and of notes."""
        present, change = _TAKEN[taken]()
        write(store, *present)
        error = refused(store, AlreadyExistsError, *change)
        assert (error.item_id, error.what) == ("a", "note" if "note" in taken else "item"), "the error names another id"
        found = all_of(store, present[-1].after.id if present else "a")
        assert found == (kept(present) if present else NOTHING_THERE)

    def test_another_tenant_may_use_the_id_of_a_note(self, store: Store) -> None:
        """Ids of notes are taken within one tenant only."""
        for tenant in ("north", "south"):
            (opening,) = created(TASK, "a", tenant=tenant)
            changes = (opening, *annotated(opening.after, "n"))
            write(store, *changes, tenant=tenant)
            assert all_of(store, "a", tenant=tenant) == kept(changes)

    @pytest.mark.parametrize("conflict", [*_STALE, *_TAKEN])
    def test_nothing_of_a_refused_unit_is_there(self, store: Store, conflict: str) -> None:
        """Rows, events and notes are written all together or not at all, whichever of them is refused (T1, H2)."""
        present, change = (_STALE | _TAKEN)[conflict]()
        (other,) = created(TASK, "other")
        write(store, *present, other)
        more = (*created(REGULATORY_CASE, "0"), *annotated(other.after, "fresh"), *created(TASK, "z"))
        refused(store, CasewrightError, *more[:2], *change, *more[2:])
        assert all_of(store, "other") == kept((other,))
        assert [all_of(store, item_id) for item_id in ("0", "z")] == [NOTHING_THERE] * 2

    @pytest.mark.parametrize("taken", ["!", "~"])
    def test_nothing_of_a_large_unit_that_is_refused_is_there(self, store: Store, taken: str) -> None:
        """However much a unit records, one id that is taken leaves nothing of it, be it the first or the last (T1)."""
        write(store, *created(TASK, taken))
        assert refused(store, AlreadyExistsError, *many(), *created(TASK, taken)).item_id == taken
        for number in (*range(0, MANY, 50), MANY - 1):
            assert all_of(store, f"{number:04}") == NOTHING_THERE, "a part of a large unit is written"

    def test_after_a_conflict_only_rollback_is_legal(self, store: Store) -> None:
        """`record`, `commit` and all that reads raise MisuseError; `rollback` ends the unit, and the next one works."""
        present, change = _older()
        write(store, *present)
        with store.begin(tenant=NO_TENANT) as uow:
            must_raise(StaleVersionError, partial(record_and_commit, uow, *change), "record() or commit()")
            demand_nothing_is_legal(uow, "after a conflict")
            uow.rollback()
            uow.rollback()
        write(store, *edited(present[-1].after, "third"))

    def test_the_second_change_of_an_item_must_follow_the_first(self, store: Store) -> None:
        """A change decided on another version than what was recorded before is stale; then only `rollback` is legal."""
        first, second = _older()
        with store.begin(tenant=NO_TENANT) as uow:
            must_raise(StaleVersionError, partial(record_and_commit, uow, *first, *second), "record() or commit()")
            demand_nothing_is_legal(uow, "after a conflict")
        assert all_of(store, "a") == NOTHING_THERE
