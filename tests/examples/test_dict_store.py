"""The examples of a store of one's own keep the whole contract."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from casewright import Store
from casewright.testing.contracts import ListingContract, OutboxContract, StoreContract

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "dict_store.py"


class TestDictStore(StoreContract):
    """The store of the how-to page."""

    @pytest.fixture
    def store(self) -> Store:
        """A new and empty one."""
        store: Store = runpy.run_path(str(EXAMPLE))["DictStore"]()
        return store


class TestListingDictStore(ListingContract, OutboxContract):
    """The same store with lists and the outbox."""

    @pytest.fixture
    def store(self) -> Store:
        """A new and empty one."""
        store: Store = runpy.run_path(str(EXAMPLE))["ListingDictStore"]()
        return store


def test_the_page_shows_the_stores_as_they_are() -> None:
    """The stores on the how-to page stand in the example word for word, but for what they import."""
    page = (ROOT / "docs" / "how-to" / "write-a-store.md").read_text(encoding="utf-8")
    example = EXAMPLE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = [block[block.index("\n\n\nclass ") :].strip() for block in blocks if "DictUnitOfWork:" in block]
    assert len(shown) == 2
    assert all(part in example for part in shown)
