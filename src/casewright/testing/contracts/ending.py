"""How a unit ends: by commit, by rollback, or by leaving its block for any reason."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from casewright.application.ports import Store, UnitOfWork
from casewright.domain.catalog import TASK
from casewright.domain.ids import NO_TENANT
from casewright.errors import MisuseError
from casewright.testing.contracts.driving import (
    ALL_BUT_ROLLBACK,
    NOTHING_THERE,
    Contract,
    all_of,
    created,
    decided,
    write,
)

__all__ = ["EndingContract"]

_ENDINGS: Final[Mapping[str, Callable[[UnitOfWork], object]]] = {
    "commit": lambda uow: uow.commit(),
    "rollback": lambda uow: uow.rollback(),
    "block": lambda uow: None,
}


class EndingContract(Contract):
    """How a unit ends. A part of `StoreContract`."""

    def test_a_unit_enters_its_block_as_itself(self, store: Store) -> None:
        """`__enter__` returns the unit."""
        uow = store.begin(tenant=NO_TENANT)
        with uow as entered:
            assert entered is uow

    def test_once_committed_every_later_unit_sees_all_of_it(self, store: Store) -> None:
        """After `commit` row, events and notes are there, and leaving the block undoes nothing."""
        (opening,) = created(TASK, "a")
        (noted,) = decided(opening.after, "add_note", {"note_id": "n", "body": "why"})
        write(store, opening, noted)
        for _ in range(2):
            assert all_of(store, "a") == (noted.after, [opening.event, noted.event], list(noted.notes))

    def test_rollback_drops_all_that_was_recorded(self, store: Store) -> None:
        """After `rollback` nothing is there."""
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "a"))
            uow.rollback()
        assert all_of(store, "a") == NOTHING_THERE

    @pytest.mark.parametrize("ending", _ENDINGS)
    def test_rollback_does_nothing_once_the_unit_has_ended(self, store: Store, ending: str) -> None:
        """A second end by `rollback` is no error, and what was committed stays."""
        (change,) = created(TASK, "a")
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(change)
            _ENDINGS[ending](uow)
        uow.rollback()
        uow.rollback()
        assert all_of(store, "a")[0] == (change.after if ending == "commit" else None)

    def test_leaving_the_block_without_commit_rolls_back(self, store: Store) -> None:
        """What was recorded and not committed is dropped, also where nothing was raised."""
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "a"))
        assert all_of(store, "a") == NOTHING_THERE

    @pytest.mark.parametrize("kind", [Exception, KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError])
    def test_every_exception_rolls_back_and_is_passed_on(self, store: Store, kind: type[BaseException]) -> None:
        """Whatever leads out of the block, the unit has ended, nothing is there, and that very object arrives (T4)."""
        raised = kind("on the way")
        uow = store.begin(tenant=NO_TENANT)
        with pytest.raises(kind) as caught, uow:  # noqa: PT012 - the block is what is tested
            uow.items.get("a")
            uow.record(*created(TASK, "a"))
            raise raised
        assert caught.value is raised
        with pytest.raises(MisuseError):
            uow.commit()
        assert all_of(store, "a") == NOTHING_THERE
        write(store, *created(TASK, "a"))

    @pytest.mark.parametrize("ending", _ENDINGS)
    def test_a_unit_that_has_ended_can_do_nothing_more(self, store: Store, ending: str) -> None:
        """After `commit`, `rollback` or the block, every method but `rollback` raises MisuseError."""
        with store.begin(tenant=NO_TENANT) as uow:
            _ENDINGS[ending](uow)
        for method in ALL_BUT_ROLLBACK:
            with pytest.raises(MisuseError):
                method(uow)
