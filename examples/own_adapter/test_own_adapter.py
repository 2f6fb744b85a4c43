from pathlib import Path

import pytest

from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract
from own_adapter.jsonl_store import JsonLinesStore
from own_adapter.oracle import ReadsTheFile


class TestJsonLinesStore(ReadsTheFile, StoreContract, ListingContract, OutboxContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> JsonLinesStore:
        return JsonLinesStore(tmp_path / "store.jsonl")
