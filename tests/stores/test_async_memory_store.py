"""`AsyncMemoryStore` keeps every contract, each of its methods on an event loop."""

from __future__ import annotations

import pytest

from casewright import Store
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.testing.contracts import (
    AsyncLedgerContract,
    AsyncListingContract,
    AsyncOutboxContract,
    AsyncStoreContract,
    Rows,
)
from support.oracles import memory_rows


class TestAsyncMemoryStore(AsyncStoreContract, AsyncListingContract, AsyncOutboxContract, AsyncLedgerContract):
    """The asynchronous store in memory keeps all contracts (L5)."""

    @pytest.fixture
    def async_store(self) -> AsyncMemoryStore:
        """Return an empty store."""
        self.kept = MemoryStore()
        return AsyncMemoryStore(self.kept)

    def oracle(self, store: Store) -> Rows:
        """Return what is kept."""
        return memory_rows(self.kept)
