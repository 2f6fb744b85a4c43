"""Makes stores of the bugs that are planted here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.testing.saboteurs.memory import StoreOf


def sabotaged(saboteur: type[MemoryStore] | type[MemoryUnitOfWork]) -> Callable[[], MemoryStore]:
    """Return what makes an empty store with the bug, whether that is in the store or in its units."""
    return saboteur if issubclass(saboteur, MemoryStore) else partial(StoreOf, saboteur)
