"""`StoreContract`: what every store promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest

from casewright.application.ports import Store
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.history import verify
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Case, Item
from casewright.errors import AlreadyExistsError, StaleVersionError, TransientStorageError
from casewright.testing.contracts.base import must_raise, needs, told
from casewright.testing.contracts.conflicts import ConflictContract
from casewright.testing.contracts.contention import ContentionContract, fast_switching
from casewright.testing.contracts.driving import (
    HALF_STALE,
    Changes,
    all_of,
    counted_on,
    created,
    decided,
    demand_nothing_is_legal,
    kept,
    load,
    refused,
    under_review,
    write,
)
from casewright.testing.contracts.ending import EndingContract
from casewright.testing.contracts.identity import IdentityContract
from casewright.testing.contracts.reading import ReadingContract
from casewright.testing.contracts.recording import RecordingContract
from casewright.testing.contracts.stored import StoredContract

__all__ = ["StoreContract"]

_THREADS: Final = 8
_INCREMENTS: Final = 12

_OPENINGS: Final = 200


def _two_starts() -> tuple[Changes, Changes, Changes]:
    (opening,) = created(TASK, "a")
    starting = decided(opening.after, "start")
    return (opening,), starting, starting


def _two_notes() -> tuple[Changes, Changes, Changes]:
    changes = created(TASK, "a") + created(TASK, "b")
    one, other = (decided(change.after, "add_note", {"note_id": "n", "body": "why"}) for change in changes)
    return changes, one, other


def _two_tasks_of_a_case() -> tuple[Changes, Changes, Changes]:
    (opening,) = created(REGULATORY_CASE, "c")
    one, other = (created(TASK, item_id, parent=opening.after) for item_id in ("a", "b"))
    return (opening,), one, other


def _closing_and_reopening() -> tuple[Changes, Changes, Changes]:
    present = under_review("complete")
    task, case = present[-2].after, present[-1].after
    return present, decided(case, "close", {"reason": "done"}), decided(task, "reopen", parent=case)


def _escalating_and_completing() -> tuple[Changes, Changes, Changes]:
    present = under_review()
    task, case = present[-2].after, present[-1].after
    return present, decided(case, "escalate", {"reason": "late"}), decided(task, "complete", parent=case)


_RIVALS: Final[Mapping[str, Callable[[], tuple[Changes, Changes, Changes]]]] = {
    "one version": _two_starts,
    "one new item": lambda: ((), created(TASK, "a"), created(TASK, "a")),
    "one new note": _two_notes,
    "two tasks of one case": _two_tasks_of_a_case,
    "a case closed, its task reopened": _closing_and_reopening,
    "a case escalated, its task completed": _escalating_and_completing,
}
"""What is there, and two units that were both decided on it."""


_LOST_ON: Final = {"one version": "a", "one new item": "a", "one new note": "n"}
"""What the second unit meets its conflict on, where that is not the case."""


@told
class StoreContract(
    ReadingContract,
    IdentityContract,
    RecordingContract,
    ConflictContract,
    ContentionContract,
    EndingContract,
    StoredContract,
):
    """What every store promises: read committed plus compare-and-set, and all or nothing.

    A class that inherits it gives the fixture ``store``: a `Store`, new and empty for each test, its schema there. With
    a method ``oracle`` it also shows what is really stored; see `StoredContract`.
    """

    @needs("interleaving")
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize("rivals", _RIVALS)
    def test_of_two_units_at_once_exactly_one_commits(self, store: Store, rivals: str, turned: bool) -> None:
        """Of two units that record rivals the second to commit meets a conflict that names it, and ends (L1, L2)."""
        present, *units = _RIVALS[rivals]()
        winner, loser = reversed(units) if turned else units
        write(store, *present)
        with store.begin(tenant=NO_TENANT) as first, store.begin(tenant=NO_TENANT) as second:
            first.record(*winner)
            second.record(*loser)
            first.commit()
            conflict: type[AlreadyExistsError | StaleVersionError]
            conflict = AlreadyExistsError if "new" in rivals else StaleVersionError
            error = must_raise(conflict, second.commit, "commit() of the second one")
            assert error.item_id == _LOST_ON.get(rivals, "c"), "the conflict names another id"
            demand_nothing_is_legal(second, "after commit() met a conflict")
            second.rollback()
        for item_id in ("a", "b", "c", "t"):
            assert all_of(store, item_id) == kept((*present, *winner), item_id)

    @pytest.mark.parametrize("stale", HALF_STALE)
    def test_of_a_task_and_its_case_both_must_be_as_they_were(self, store: Store, stale: str) -> None:
        """Where only one of the two has changed since, nothing is written: neither row, nor event or note (T1, L2)."""
        present, changes = HALF_STALE[stale]()
        write(store, *present)
        assert refused(store, StaleVersionError, *changes).item_id == stale
        for item_id in ("c", "t"):
            assert all_of(store, item_id) == kept(present, item_id)

    @needs("threads")
    def test_no_thread_ever_sees_half_of_a_unit(self, store: Store) -> None:
        """While tasks enter a case, each that is counted is there, and each that is there is counted (T1)."""
        changes = created(REGULATORY_CASE, "c")
        write(store, *changes)
        for number in range(_OPENINGS):
            changes += created(TASK, f"{number}", parent=changes[-1].after)
        with ThreadPoolExecutor(1) as pool, fast_switching():
            writing = pool.submit(_write_in_pairs, store, changes[1:])
            while not writing.done():
                _look(store)
            writing.result()
        assert load(store, "c") == changes[-1].after

    @needs("threads")
    def test_threads_lose_no_update(self, store: Store) -> None:
        """Eight threads count to 96 together, and each in an item of its own: all is there, once (L1, H5, T1)."""
        ids = [*map(str, range(_THREADS)), "a"]
        write(store, *(change for item_id in ids for change in created(TASK, item_id, attributes={"count": 0})))
        start = Barrier(_THREADS, timeout=60)
        with ThreadPoolExecutor(_THREADS) as pool, fast_switching():
            for done in [pool.submit(_count, store, start, own) for own in ids[:-1]]:
                done.result()
        for item_id in ids:
            item, events, _ = all_of(store, item_id)
            assert item is not None
            expected = _THREADS * _INCREMENTS if item_id == "a" else _INCREMENTS
            assert item.attributes["count"] == expected, "an update is lost, or half of a unit is written"
            assert [event.version for event in events] == list(range(1, item.version + 1))
            assert verify(events) == ()


def _count(store: Store, start: Barrier, own: str) -> None:
    """Count, beginning together with the other threads and from the same version."""
    items = [load(store, item_id) for item_id in (own, "a")]
    start.wait()
    for _ in range(_INCREMENTS):
        while not _counted(store, items):
            items = [load(store, item_id) for item_id in (own, "a")]


def _counted(store: Store, items: Sequence[Item]) -> bool:
    """Count both on, or neither: who loses the second one must not have written the first."""
    try:
        write(store, *(change for item in items for change in counted_on(item)))
    except (StaleVersionError, TransientStorageError):
        return False
    return True


def _write_in_pairs(store: Store, changes: Changes) -> None:
    for pair in zip(changes[::2], changes[1::2], strict=True):
        write(store, *pair)


def _look(store: Store) -> None:
    """Check that what was written together is there together, in whichever order it is read."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        earlier = uow.items.get("c")
        assert isinstance(earlier, Case)
        for number in range(earlier.open_tasks)[-1:]:
            task = uow.items.get(f"{number}")
            assert task is not None, "the case counts a task that is not there"
            assert uow.history(task.id), "a task is there without its event"
        assert uow.history("c", after=earlier.version - 1), "the case is there without its event"
        following = uow.items.get(f"{earlier.open_tasks}")
        later = uow.items.get("c")
        assert isinstance(later, Case)
        assert following is None or later.open_tasks > earlier.open_tasks, (
            "the case does not count a task that is there"
        )
