"""The contracts have teeth: each store with a planted bug fails them, and the one without any does not."""

from __future__ import annotations

from typing import Any

import pytest

from casewright.adapters.memory import MemoryStore
from support.sabotage import sabotaged
from support.saboteurs import SABOTEURS
from support.teeth import AllContracts, fails

CAUGHT = [pytest.param(test, one, id=f"{one.__name__}-{test}") for test, found in SABOTEURS.items() for one in found]


@pytest.mark.parametrize("test", [name for name in dir(AllContracts) if name.startswith("test_")])
def test_a_sound_store_fails_nothing(test: str) -> None:
    """What runs the contracts here finds no fault in a store without a bug."""
    assert not fails(test, MemoryStore)


@pytest.mark.parametrize(("test", "saboteur"), CAUGHT)
def test_a_planted_bug_is_caught(test: str, saboteur: Any) -> None:
    """The contracts go red, by the very test that states the promise that is broken."""
    assert fails(test, sabotaged(saboteur))
