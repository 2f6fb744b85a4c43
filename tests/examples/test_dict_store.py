"""The example of a store of one's own keeps the whole contract."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from casewright import Store
from casewright.testing.contracts import StoreContract

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "dict_store.py"


class TestDictStore(StoreContract):
    """The store of the how-to page."""

    @pytest.fixture
    def store(self) -> Store:
        """A new and empty one."""
        store: Store = runpy.run_path(str(EXAMPLE))["DictStore"]()
        return store


def test_the_page_shows_the_store_as_it_is() -> None:
    """The store on the how-to page stands in the example word for word."""
    page = (ROOT / "docs" / "how-to" / "write-a-store.md").read_text(encoding="utf-8")
    shown, *_ = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown.strip() in EXAMPLE.read_text(encoding="utf-8")
