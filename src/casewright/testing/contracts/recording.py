"""What `record` takes, what it refuses, and that nothing of what was refused is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs
import pytest

from casewright.application.ports import Store
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.events import Change
from casewright.domain.ids import NO_TENANT
from casewright.domain.verdicts import Permitted
from casewright.errors import MisuseError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, must_raise, needs, told
from casewright.testing.contracts.driving import (
    NOTHING_THERE,
    Changes,
    all_of,
    annotated,
    created,
    decided,
    edited,
    kept,
    write,
)

__all__ = ["RecordingContract"]


def _with_event(**fields: Any) -> Changes:  # noqa: ANN401 - any field of an event
    (change,) = created(TASK, "a")
    return (attrs.evolve(change, event=attrs.evolve(change.event, **fields)),)


def _with_note(**fields: Any) -> Changes:  # noqa: ANN401 - any field of a note
    (opening,) = created(TASK, "a")
    (noted,) = annotated(opening.after, "a")
    return opening, attrs.evolve(noted, notes=(attrs.evolve(noted.notes[0], **fields),))


def _unsealed() -> Changes:
    verdict = TASK.create("a", by=Actor("ann"), at=SOME_TIME, title="A title")
    assert isinstance(verdict, Permitted)
    return verdict.changes


def _task_in_a_case() -> Changes:
    return created(TASK, "a", parent=created(REGULATORY_CASE, "b")[0].after)


def _of_another_item() -> Changes:
    (opening,) = created(TASK, "a")
    (change,) = edited(opening.after, "second")
    return (attrs.evolve(change, before=attrs.evolve(opening.after, id="b")),)


def _lacking(**parts: Any) -> Changes:  # noqa: ANN401 - what is no part of a change
    return (attrs.evolve(created(TASK, "a")[0], **parts),)


_NOTHING: Any = None
_NOT_A_CHANGE: Any = "a"

_MISUSED: Final[Mapping[str, Callable[[], Changes]]] = {
    "not sealed": _unsealed,
    "no change": lambda: (_NOT_A_CHANGE,),
    "nothing at all": lambda: (_NOTHING,),
    "a change of nothing": lambda: (Change(_NOTHING, _NOTHING, _NOTHING),),
    "without its item": lambda: _lacking(after=_NOTHING),
    "without its event": lambda: _lacking(event=_NOTHING),
    "with notes that are none": lambda: _lacking(notes=(_NOT_A_CHANGE,)),
    "with no notes, not even an empty tuple of them": lambda: _lacking(notes=_NOTHING),
    "with an item of another kind before": lambda: _lacking(before=created(REGULATORY_CASE, "a")[0].after),
    "with the event of an item of another kind": lambda: _with_event(kind="case"),
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


@told
class RecordingContract(Contract):
    """What a unit takes, and what it refuses. A part of `StoreContract`."""

    def test_a_unit_sees_its_own_records_at_once(self, store: Store) -> None:
        """`get` returns what this unit has recorded, with a lock or without, before anything is committed."""
        (opening,) = created(TASK, "a")
        (editing,) = edited(opening.after, "second")
        with store.begin(tenant=NO_TENANT) as uow:
            for change in (opening, editing):
                uow.record(change)
                assert uow.items.get("a", lock=True) == change.after
                assert uow.items.get("a") == change.after

    @needs("interleaving")
    def test_others_see_nothing_before_the_commit_and_all_of_it_after(self, store: Store) -> None:
        """Of what others do, a unit sees only what they have committed (L5)."""
        (opening,) = created(TASK, "a")
        changes = (opening, *annotated(opening.after, "n"))
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*changes)
            assert all_of(store, "a") == NOTHING_THERE
            uow.commit()
            assert all_of(store, "a") == kept(changes)

    def test_its_history_and_notes_never_miss_what_it_has_recorded(self, store: Store) -> None:
        """What a unit has recorded itself is in histories and notes, as it was recorded and where it belongs."""
        (opening,) = created(TASK, "a")
        (noted,) = annotated(opening.after, "n")
        write(store, opening)
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(noted)
            assert list(uow.history("a")) == [opening.event, noted.event]
            assert list(uow.history("a", after=1)) == [noted.event]
            assert list(uow.history("a", limit=1)) == [opening.event]
            assert list(uow.history("a", after=2)) == []
            assert (list(uow.history("b")), list(uow.notes("b"))) == ([], [])
            assert list(uow.notes("a")) == list(noted.notes)

    @needs("interleaving")
    @pytest.mark.parametrize("first", [0, 1, 2])
    def test_the_first_read_sees_all_that_was_committed_before_it(self, store: Store, first: int) -> None:
        """Whether it is of item, history or notes: not what was there when the unit began, or when others looked."""
        (opening,) = created(TASK, "a")
        (noted,) = annotated(opening.after, "n")
        write(store, opening)
        assert all_of(store, "a") == kept((opening,))
        with store.begin(tenant=NO_TENANT) as uow:
            write(store, noted)
            reads = (lambda: uow.items.get("a"), lambda: list(uow.history("a")), lambda: list(uow.notes("a")))
            assert reads[first]() == kept((opening, noted))[first]

    @needs("interleaving")
    def test_a_later_read_sees_no_less(self, store: Store) -> None:
        """Each read gives the item as it was committed, at the first read or since, and never an earlier one again."""
        changes = list(created(TASK, "a"))
        for number in range(5):
            changes += edited(changes[-1].after, f"{number}")
        write(store, changes[0])
        seen = []
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for change in changes[1:]:
                seen.append(uow.items.get("a"))
                write(store, change)
        places = [[change.after for change in changes].index(item) for item in seen]
        assert places == sorted(places), "a later read gave an earlier item"

    @needs("interleaving")
    def test_neither_history_nor_notes_are_older_than_the_item_seen(self, store: Store) -> None:
        """Once a unit has read an item, its events go up to that version, and the note of that version is there."""
        (opening,) = created(TASK, "a")
        (noting,) = annotated(opening.after, "n")
        write(store, opening)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            assert uow.items.get("a") == opening.after
            write(store, noting)
            item, events, notes = uow.items.get("a"), list(uow.history("a")), list(uow.notes("a"))
        assert item in (opening.after, noting.after)
        if item == noting.after:
            assert (events, notes) == ([opening.event, noting.event], list(noting.notes))

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

    def test_of_a_row_only_what_was_changed_is_written(self, store: Store) -> None:
        """A field that is the same before and after keeps the value that the row has, whatever before says of it."""
        (opening,) = created(TASK, "a", description="kept", tags=["kept"])
        write(store, opening)
        elsewhere = attrs.evolve(opening.after, description="of a copy", tags=())
        (starting,) = decided(elsewhere, "start")
        write(store, starting)
        merged = attrs.evolve(starting.after, description="kept", tags=["kept"])
        assert all_of(store, "a")[0] == merged, "more than the fields of the change is written"

    def test_what_can_never_be_recorded_is_a_misuse(self, store: Store) -> None:
        """Nothing is taken of a call with a change that is none, not sealed, unfit or without its other half."""
        for place, (misuse, changes) in enumerate(_MISUSED.items()):
            earlier, beside, later = (created(TASK, f"{place} {when}") for when in ("earlier", "beside", "later"))
            with store.begin(tenant=NO_TENANT) as uow:
                uow.record(*earlier)
                must_raise(MisuseError, partial(uow.record, *beside, *changes()), f"record() of a change {misuse}")
                uow.record(*later)
                uow.commit()
            assert [all_of(store, item_id) for item_id in ("a", "b")] == [NOTHING_THERE] * 2, misuse
            found = [all_of(store, made[0].after.id)[0] for made in (earlier, beside, later)]
            assert found == [earlier[0].after, None, later[0].after], f"the unit does not go on after {misuse}"

    def test_a_unit_that_only_reads_takes_no_changes(self, store: Store) -> None:
        """With `write=False`, `record` raises MisuseError, and a commit after it writes nothing."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            must_raise(MisuseError, partial(uow.record, *created(TASK, "a")), "record() of a unit that only reads")
            assert uow.items.get("a") is None
            uow.commit()
        assert all_of(store, "a") == NOTHING_THERE
