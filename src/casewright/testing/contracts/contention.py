"""What holds while several threads want the same item, each in units of its own."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from sys import getswitchinterval, setswitchinterval
from threading import Barrier
from typing import Final

import pytest

from casewright.application.ports import Store
from casewright.application.verifying import verify_stored
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Case
from casewright.errors import StaleVersionError
from casewright.testing.contracts.base import Contract, needs, told
from casewright.testing.contracts.driving import (
    Changes,
    all_of,
    annotated,
    counted_on,
    created,
    decided,
    edited,
    load,
    record_and_commit,
    write,
)

__all__ = ["ContentionContract", "fast_switching"]

_THREADS: Final = 8
_ROUNDS: Final = 25

_ANY_EXCEPTION: Final = (Exception, KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError)


@told
class ContentionContract(Contract):
    """What holds while several threads want the same. A part of `StoreContract`."""

    @needs("threads")
    def test_of_threads_that_change_one_version_exactly_one_is_acknowledged(self, store: Store) -> None:
        """Of eight threads that all change what they read at one version one commits, and the others are stale (L1)."""
        write(store, *created(TASK, "a"))
        for number in range(_ROUNDS):
            item = load(store, "a")
            acknowledged = _raced(store, [edited(item, f"{number} by {worker}") for worker in range(_THREADS)])
            assert len(acknowledged) == 1, "not just one of the changes of one version was acknowledged"
            assert load(store, "a") == acknowledged[0][-1].after, "what was acknowledged is not there"

    @needs("threads")
    def test_whichever_thread_writes_it_a_history_is_one_chain(self, store: Store) -> None:
        """Each event follows just one other, whoever wants to append to it, and row and notes are as it tells (H5)."""
        write(store, *created(TASK, "a"))
        for number in range(_ROUNDS):
            item = load(store, "a")
            _raced(store, [annotated(item, f"{number} by {worker}") for worker in range(_THREADS)])
        found, events, notes = all_of(store, "a")
        assert found is not None
        assert [event.version for event in events] == list(range(1, _ROUNDS + 2)), "the history has a fork or a gap"
        assert verify_stored(found, events, notes) == ()

    @needs("threads")
    def test_threads_that_read_and_write_in_one_unit_meet_nothing_but_conflicts(self, store: Store) -> None:
        """Eight threads each read, decide and write in one unit: none is refused a lock, no update is lost (L1, L3)."""
        write(store, *created(TASK, "a", attributes={"count": 0}))
        _at_once([partial(_count, store) for _ in range(_THREADS)])
        item = load(store, "a")
        assert item.attributes["count"] == _THREADS * _ROUNDS, "an update that was acknowledged is lost"
        assert item.version == _THREADS * _ROUNDS + 1

    @needs("threads")
    def test_no_case_is_closed_over_a_task_that_is_opened(self, store: Store) -> None:
        """While some close a case that has no open task and others open one in it, only one of them all may (L2)."""
        for number in range(_ROUNDS):
            (opening,) = created(REGULATORY_CASE, f"c{number}", status="UNDER_REVIEW", reason="why")
            write(store, opening)
            ids = [f"{number} by {worker}" for worker in range(_THREADS // 2)]
            openings = [created(TASK, task_id, parent=opening.after) for task_id in ids]
            closings = [decided(opening.after, "close", {"reason": task_id}) for task_id in ids]
            acknowledged = _raced(store, [*openings, *closings])
            case, tasks = load(store, opening.after.id), [task_id for task_id in ids if all_of(store, task_id)[0]]
            assert isinstance(case, Case)
            assert case.open or not tasks, "a case is closed over an open task"
            assert case.open_tasks == len(tasks), "a case does not count its open tasks"
            assert len(acknowledged) == 1, "not just one of the decisions on one version was acknowledged"

    @needs("threads")
    @pytest.mark.parametrize("lock", [False, True])
    def test_what_another_thread_has_committed_is_loaded(self, store: Store, lock: bool) -> None:
        """A new unit loads what others have committed since this thread last looked, so a second try succeeds (L1)."""
        write(store, *created(TASK, "a"))
        elsewhere = edited(load(store, "a"), "by another thread")
        _at_once([partial(write, store, *elsewhere)])
        with store.begin(tenant=NO_TENANT) as uow:
            item = uow.items.get("a", lock=lock)
            assert item is not None
            assert item == elsewhere[-1].after, "what was loaded is older than what was committed before"
            record_and_commit(uow, *edited(item, "by this one"))

    @needs("threads")
    @pytest.mark.parametrize("kind", _ANY_EXCEPTION)
    def test_after_any_exception_another_thread_goes_on(self, store: Store, kind: type[BaseException]) -> None:
        """What led out of a block leaves nothing locked: another thread writes the same item, then this one (T4)."""
        (opening,) = created(TASK, "a")
        write(store, opening)
        with pytest.raises(kind), store.begin(tenant=NO_TENANT) as uow:  # noqa: PT012 - the block is what is tested
            assert uow.items.get("a", lock=True) == opening.after
            uow.record(*edited(opening.after, "not to be seen"))
            raise kind
        elsewhere = edited(opening.after, "by another thread")
        _at_once([partial(write, store, *elsewhere)])
        write(store, *edited(elsewhere[-1].after, "by this one"))


@contextmanager
def fast_switching() -> Iterator[None]:
    """Let threads take turns after a few instructions, so that one looks wherever another one is."""
    before = getswitchinterval()
    setswitchinterval(1e-6)
    try:
        yield
    finally:
        setswitchinterval(before)


def _at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """Do each work in a thread of its own, all of them from one moment on; return what they returned."""
    start = Barrier(len(works), timeout=60)

    def begun(work: Callable[[], object]) -> object:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool, fast_switching():
        return list(pool.map(begun, works))


def _raced(store: Store, attempts: Iterable[Changes]) -> list[Changes]:
    """Write each in a thread of its own, at once; return those that were acknowledged."""
    works = [(changes, partial(_acknowledged, store, changes)) for changes in attempts]
    answers = _at_once([work for _, work in works])
    return [changes for (changes, _), answer in zip(works, answers, strict=True) if answer]


def _acknowledged(store: Store, changes: Changes) -> bool:
    try:
        write(store, *changes)
    except StaleVersionError:
        return False
    return True


def _count(store: Store) -> None:
    """Count on, again and again; whoever was too late begins anew with a lock, as a bus does."""
    for _ in range(_ROUNDS):
        late = False
        while not _counted(store, lock=late):
            late = True


def _counted(store: Store, *, lock: bool) -> bool:
    try:
        with store.begin(tenant=NO_TENANT) as uow:
            item = uow.items.get("a", lock=lock)
            assert item is not None
            record_and_commit(uow, *counted_on(item))
    except StaleVersionError:
        return False
    return True
