"""What stores with a planted bug have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.ids import as_tenant


class SabotagedStore(MemoryStore):
    """A `MemoryStore` whose units are of a class of their own."""

    unit: ClassVar[type[MemoryUnitOfWork]] = MemoryUnitOfWork

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit of that class."""
        return self.unit(self, as_tenant(tenant), write=write)


def sabotaged(saboteur: type[MemoryStore] | type[MemoryUnitOfWork]) -> Callable[[], MemoryStore]:
    """Return what makes an empty store with the bug, whether that is in the store or in its units."""
    if issubclass(saboteur, MemoryStore):
        return saboteur
    store: type[MemoryStore] = type(f"StoreOf{saboteur.__name__}", (SabotagedStore,), {"unit": saboteur})
    return store
