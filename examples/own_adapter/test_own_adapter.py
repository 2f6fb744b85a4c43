from pathlib import Path

import pytest

from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract
from own_adapter.jsonl_store import JsonLinesStore
from own_adapter.oracle import stored_rows


class TestJsonLinesStore(StoreContract, ListingContract, OutboxContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> JsonLinesStore:
        return JsonLinesStore(tmp_path / "store.jsonl")

    oracle = staticmethod(stored_rows)
