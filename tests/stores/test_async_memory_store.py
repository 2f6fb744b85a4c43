"""`AsyncMemoryStore` keeps every contract, each of its methods on an event loop."""

from __future__ import annotations

import pytest

from casewright.adapters.memory import AsyncMemoryStore
from casewright.testing.contracts import AsyncListingContract, AsyncOutboxContract, AsyncStoreContract


class TestAsyncMemoryStore(AsyncStoreContract, AsyncListingContract, AsyncOutboxContract):
    """The asynchronous store in memory keeps all contracts (L5)."""

    @pytest.fixture
    def async_store(self) -> AsyncMemoryStore:
        """Return an empty store."""
        return AsyncMemoryStore()
