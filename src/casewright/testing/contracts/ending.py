"""How a unit ends: by commit, by rollback, or by leaving its block for any reason."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from casewright.application.ports import Store, UnitOfWork
from casewright.domain.catalog import TASK
from casewright.domain.ids import NO_TENANT
from casewright.testing.contracts.base import Contract, told
from casewright.testing.contracts.driving import (
    NOTHING_THERE,
    all_of,
    created,
    decided,
    demand_nothing_is_legal,
    kept,
    write,
)

__all__ = ["EndingContract"]

_ENDINGS: Final[Mapping[str, Callable[[UnitOfWork], object]]] = {
    "commit": lambda uow: uow.commit(),
    "rollback": lambda uow: uow.rollback(),
    "block": lambda uow: None,
}


@told
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
        assert caught.value is raised, "the exception is not the one that led out of the block"
        demand_nothing_is_legal(uow, "after an exception has led out of the block")
        assert all_of(store, "a") == NOTHING_THERE
        write(store, *created(TASK, "a"))

    @pytest.mark.parametrize("kind", [Exception, KeyboardInterrupt])
    def test_an_exception_after_the_commit_undoes_nothing(self, store: Store, kind: type[BaseException]) -> None:
        """What leads out of the block once the unit is committed is passed on, and row and event stay (T1, T4, H1)."""
        changes = created(TASK, "a")
        with pytest.raises(kind), store.begin(tenant=NO_TENANT) as uow:  # noqa: PT012 - the block is what is tested
            uow.record(*changes)
            uow.commit()
            raise kind
        assert all_of(store, "a") == kept(changes)

    @pytest.mark.parametrize("write", [False, True])
    def test_a_unit_without_changes_may_commit(self, store: Store, write: bool) -> None:
        """Where nothing was recorded, `commit` ends the unit and that is all, also of a unit that only reads."""
        with store.begin(tenant=NO_TENANT, write=write) as uow:
            assert uow.items.get("a") is None
            uow.commit()
            demand_nothing_is_legal(uow, "after an empty commit")
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record()
            uow.commit()

    @pytest.mark.parametrize("ending", _ENDINGS)
    def test_a_unit_that_has_ended_can_do_nothing_more(self, store: Store, ending: str) -> None:
        """After `commit`, `rollback` or the block, `record`, `commit` and all that reads raise MisuseError."""
        with store.begin(tenant=NO_TENANT) as uow:
            _ENDINGS[ending](uow)
        demand_nothing_is_legal(uow, f"after {ending}")
