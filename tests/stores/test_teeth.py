"""The contracts have teeth: each store with a planted bug fails them, and the one without any does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from casewright import Store
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import ListingContract, OutboxContract, Rows, StoreContract
from support.oracles import memory_rows
from support.sabotage import sabotaged
from support.saboteurs import SABOTEURS

CAUGHT_BY = {saboteur: test for test, found in SABOTEURS.items() for saboteur in found}


class AllContracts(StoreContract, ListingContract, OutboxContract):
    """Every contract at once."""

    def oracle(self, store: MemoryStore) -> Rows:
        """Return what is kept."""
        return memory_rows(store)


def calls(test: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each run that the test's marks ask for."""
    marks = [mark.args for mark in getattr(test, "pytestmark", ())]
    for values in product(*(values for _, values in marks)):
        yield dict(zip((name for name, _ in marks), values, strict=True))


def fails(test: str, make_store: Callable[[], Store]) -> bool:
    """Return whether a test of the contracts fails in any of its runs, each on a store of its own."""
    run = getattr(AllContracts(), test)
    for arguments in calls(run):
        try:
            run(make_store(), **arguments)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails
            return True
    return False


@pytest.mark.parametrize("test", [name for name in dir(AllContracts) if name.startswith("test_")])
def test_a_sound_store_fails_nothing(test: str) -> None:
    """What runs the contracts here finds no fault in a store without a bug."""
    assert not fails(test, MemoryStore)


@pytest.mark.parametrize("saboteur", CAUGHT_BY, ids=lambda saboteur: saboteur.__name__)
def test_a_planted_bug_is_caught(saboteur: Any) -> None:
    """The contracts go red, by the very test that states the promise that is broken."""
    assert fails(CAUGHT_BY[saboteur], sabotaged(saboteur))
