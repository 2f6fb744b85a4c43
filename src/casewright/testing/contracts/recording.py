"""What `record` takes, what it refuses, and that nothing of what was refused is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import pytest

from casewright.application.ports import Store
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item
from casewright.domain.verdicts import Permitted
from casewright.errors import AlreadyExistsError, CasewrightError, MisuseError, StaleVersionError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.driving import (
    ALL_BUT_ROLLBACK,
    NOTHING_THERE,
    Changes,
    Contract,
    all_of,
    created,
    decided,
    kept,
    record_and_commit,
    refused,
    write,
)

__all__ = ["RecordingContract"]


def _edited(item: Item, title: str) -> Changes:
    return decided(item, "edit", {"title": title})


def _noted(item: Item, note_id: str) -> Changes:
    return decided(item, "add_note", {"note_id": note_id, "body": "why"})


def _older() -> tuple[Changes, Changes]:
    (opening,) = created(TASK, "a")
    return (opening, *_edited(opening.after, "first")), _edited(opening.after, "second")


def _other_head() -> tuple[Changes, Changes]:
    (opening,) = created(TASK, "a")
    (lost,) = _edited(opening.after, "second")
    return (opening, *_edited(opening.after, "first")), _edited(lost.after, "third")


def _never_there() -> tuple[Changes, Changes]:
    return created(TASK, "b"), _edited(created(TASK, "a")[0].after, "second")


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
    (noted,) = _noted(opening.after, "a")
    return (opening, noted, *_noted(noted.after, "a"))


def _note(item_id: str) -> Changes:
    (opening,) = created(TASK, item_id)
    return (opening, *_noted(opening.after, "a"))


_TAKEN: Final[dict[str, Callable[[], tuple[Changes, Changes]]]] = {
    "by a task": lambda: (created(TASK, "a"), created(TASK, "a")),
    "by a task, for a case": lambda: (created(TASK, "a"), created(REGULATORY_CASE, "a")),
    "by a case, for a task": lambda: (created(REGULATORY_CASE, "a"), created(TASK, "a")),
    "by a deleted item": lambda: (_deleted(), created(REGULATORY_CASE, "a")),
    "in the same unit": lambda: ((), created(TASK, "a") + created(REGULATORY_CASE, "a")),
    "by a note": lambda: (_note("c"), _note("b")),
    "by a note of the same unit": lambda: ((), _note_twice()),
}


def _with_event(**fields: Any) -> Changes:  # noqa: ANN401 - any field of an event
    (change,) = created(TASK, "a")
    return (attrs.evolve(change, event=attrs.evolve(change.event, **fields)),)


def _with_note(**fields: Any) -> Changes:  # noqa: ANN401 - any field of a note
    opening, noted = _note("a")
    return opening, attrs.evolve(noted, notes=(attrs.evolve(noted.notes[0], **fields),))


def _unsealed() -> Changes:
    verdict = TASK.create("a", by=Actor("ann"), at=SOME_TIME, title="A title")
    assert isinstance(verdict, Permitted)
    return verdict.changes


def _task_in_a_case() -> Changes:
    return created(TASK, "a", parent=created(REGULATORY_CASE, "b")[0].after)


def _of_another_item() -> Changes:
    (opening,) = created(TASK, "a")
    (change,) = _edited(opening.after, "second")
    return (attrs.evolve(change, before=attrs.evolve(opening.after, id="b")),)


_NOT_A_CHANGE: Any = "a"

_MISUSED: Final[Mapping[str, Callable[[], Changes]]] = {
    "not sealed": _unsealed,
    "no change": lambda: (_NOT_A_CHANGE,),
    "of another tenant": lambda: created(TASK, "a", tenant="south"),
    "with the event of another item": lambda: _with_event(item_id="b"),
    "with the event of another version": lambda: _with_event(version=2),
    "with an event that does not follow": lambda: _with_event(previous="0" * 64),
    "with an event of another digest": lambda: _with_event(digest="0" * 64),
    "with another item before": _of_another_item,
    "with a note on another item": lambda: _with_note(item_id="b"),
    "with a note of another tenant": lambda: _with_note(tenant="south"),
    "with a note of another version": lambda: _with_note(version=1),
    "a task without its case": lambda: _task_in_a_case()[:1],
    "a case without its task": lambda: _task_in_a_case()[1:],
}


class RecordingContract(Contract):
    """What a unit takes, and what it refuses. A part of `StoreContract`."""

    def test_a_unit_sees_its_own_records_at_once(self, store: Store) -> None:
        """`get` returns what this unit has recorded, before anything is committed."""
        (opening,) = created(TASK, "a")
        (editing,) = _edited(opening.after, "second")
        with store.begin(tenant=NO_TENANT) as uow:
            for change in (opening, editing):
                uow.record(change)
                assert uow.items.get("a") == change.after

    def test_others_see_nothing_before_the_commit_and_all_of_it_after(self, store: Store) -> None:
        """Of what others do, a unit sees only what they have committed."""
        self.needs_interleaving()
        (opening,) = created(TASK, "a")
        changes = (opening, *_noted(opening.after, "n"))
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*changes)
            assert all_of(store, "a") == NOTHING_THERE
            uow.commit()
            assert all_of(store, "a") == kept(changes)

    def test_its_history_and_notes_may_miss_what_it_has_recorded(self, store: Store) -> None:
        """What a unit has recorded itself is missing in histories and notes, or it is there as it was recorded."""
        (opening,) = created(TASK, "a")
        (noted,) = _noted(opening.after, "n")
        write(store, opening)
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(noted)
            assert list(uow.history("a")) in ([opening.event], [opening.event, noted.event])
            assert list(uow.notes("a")) in ([], list(noted.notes))

    @pytest.mark.parametrize("first", [0, 1, 2])
    def test_the_first_read_sees_all_that_was_committed_before_it(self, store: Store, first: int) -> None:
        """Whether it is of item, history or notes: not what was there when the unit began, or when others looked."""
        self.needs_interleaving()
        (opening,) = created(TASK, "a")
        (noted,) = _noted(opening.after, "n")
        write(store, opening)
        assert all_of(store, "a") == kept((opening,))
        with store.begin(tenant=NO_TENANT) as uow:
            write(store, noted)
            reads = (lambda: uow.items.get("a"), lambda: list(uow.history("a")), lambda: list(uow.notes("a")))
            assert reads[first]() == kept((opening, noted))[first]

    def test_a_later_read_sees_no_less(self, store: Store) -> None:
        """Each read gives the item as it was committed, at the first read or since, and never an earlier one again."""
        self.needs_interleaving()
        changes = list(created(TASK, "a"))
        for number in range(5):
            changes += _edited(changes[-1].after, f"{number}")
        write(store, changes[0])
        seen = []
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for change in changes[1:]:
                seen.append(uow.items.get("a"))
                write(store, change)
        places = [[change.after for change in changes].index(item) for item in seen]
        assert places == sorted(places)

    def test_changes_of_one_item_chain(self, store: Store) -> None:
        """The second change of an item is decided on what the first one made, in one call or in several."""
        changes = list(created(TASK, "a", description="why", tags=["b"]))
        for action in ("start", "complete", "reopen", "start"):
            changes += decided(changes[-1].after, action)
        changes += decided(changes[-1].after, "edit", {"description": None})
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(changes[0])
            uow.record(*changes[1:3])
            uow.record(changes[3])
            uow.commit()
        write(store, *changes[4:])
        assert all_of(store, "a") == kept(changes)

    def test_a_task_and_its_case_are_written_together(self, store: Store) -> None:
        """Of a task and the case that counts it, both rows and both events are there (L2)."""
        (opening,) = created(REGULATORY_CASE, "b")
        entering = created(TASK, "a", parent=opening.after)
        leaving = decided(entering[0].after, "complete", parent=entering[1].after)
        write(store, opening, *entering)
        write(store, *leaving)
        assert all_of(store, "a") == kept((entering[0], leaving[0]))
        assert all_of(store, "b") == kept((opening, entering[1], leaving[1]))

    @pytest.mark.parametrize("stale", _STALE)
    def test_a_change_of_another_version_or_head_is_stale(self, store: Store, stale: str) -> None:
        """An item of another version or head than the change was decided on is a StaleVersionError (L1, H5)."""
        present, change = _STALE[stale]()
        write(store, *present)
        error = refused(store, StaleVersionError, *change)
        assert (error.item_id, error.expected) == ("a", change[0].after.version - 1)
        assert error.actual in (None, *(one.after.version for one in present if one.after.id == "a"))
        assert all_of(store, present[-1].after.id) == kept(present)

    @pytest.mark.parametrize("taken", _TAKEN)
    def test_an_id_is_never_used_twice(self, store: Store, taken: str) -> None:
        """An id that is taken in the tenant is an AlreadyExistsError that names it: of items and of notes."""
        present, change = _TAKEN[taken]()
        write(store, *present)
        error = refused(store, AlreadyExistsError, *change)
        assert (error.item_id, error.what) == ("a", "note" if "note" in taken else "item")
        found = all_of(store, present[-1].after.id if present else "a")
        assert found == (kept(present) if present else NOTHING_THERE)

    def test_another_tenant_may_use_the_id_of_a_note(self, store: Store) -> None:
        """Ids of notes are taken within one tenant only."""
        for tenant in ("north", "south"):
            (opening,) = created(TASK, "a", tenant=tenant)
            changes = (opening, *_noted(opening.after, "n"))
            write(store, *changes, tenant=tenant)
            assert all_of(store, "a", tenant=tenant) == kept(changes)

    @pytest.mark.parametrize("conflict", [*_STALE, *_TAKEN])
    def test_nothing_of_a_refused_unit_is_there(self, store: Store, conflict: str) -> None:
        """Rows, events and notes are written all together or not at all, whichever of them is refused (T1, H2)."""
        present, change = (_STALE | _TAKEN)[conflict]()
        (other,) = created(TASK, "other")
        write(store, *present, other)
        more = (*created(REGULATORY_CASE, "0"), *_noted(other.after, "fresh"), *created(TASK, "z"))
        refused(store, CasewrightError, *more[:2], *change, *more[2:])
        assert all_of(store, "other") == kept((other,))
        assert [all_of(store, item_id) for item_id in ("0", "z")] == [NOTHING_THERE] * 2

    def test_after_a_conflict_only_rollback_is_legal(self, store: Store) -> None:
        """Every other method raises MisuseError; `rollback` ends the unit, and the next one works."""
        present, change = _older()
        write(store, *present)
        for method in ALL_BUT_ROLLBACK:
            with store.begin(tenant=NO_TENANT) as uow:
                with pytest.raises(StaleVersionError):
                    record_and_commit(uow, *change)
                with pytest.raises(MisuseError):
                    method(uow)
                uow.rollback()
        write(store, *_edited(present[-1].after, "third"))

    def test_the_second_change_of_an_item_must_follow_the_first(self, store: Store) -> None:
        """A change decided on another version than what was recorded before is stale; then only `rollback` is legal."""
        first, second = _older()
        for method in ALL_BUT_ROLLBACK:
            with store.begin(tenant=NO_TENANT) as uow:
                with pytest.raises(StaleVersionError):
                    record_and_commit(uow, *first, *second)
                with pytest.raises(MisuseError):
                    method(uow)
        assert all_of(store, "a") == NOTHING_THERE

    def test_what_can_never_be_recorded_is_a_misuse(self, store: Store) -> None:
        """A change that is not sealed, does not fit its event, is of another tenant or lacks its other half."""
        for misuse, changes in _MISUSED.items():
            refused(store, MisuseError, *changes())
            assert [all_of(store, item_id) for item_id in ("a", "b")] == [NOTHING_THERE] * 2, misuse

    def test_a_unit_that_only_reads_takes_no_changes(self, store: Store) -> None:
        """With `write=False`, `record` raises MisuseError and writes nothing."""
        with store.begin(tenant=NO_TENANT, write=False) as uow, pytest.raises(MisuseError):
            record_and_commit(uow, *created(TASK, "a"))
        assert all_of(store, "a") == NOTHING_THERE
