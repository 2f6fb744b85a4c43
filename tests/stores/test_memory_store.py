"""MemoryStore keeps every contract, and what it promises besides."""

from __future__ import annotations

import pytest

from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract


class TestMemoryStore(StoreContract, ListingContract, OutboxContract):
    """The store in memory keeps all contracts (L5)."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Return an empty store."""
        return MemoryStore()
