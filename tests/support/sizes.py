"""How much is tried: what is promised in `nox -s full`, and many times that in `nox -s soak`."""

from __future__ import annotations

import os
from typing import Any, Final

import pytest

__all__ = ["SOAK", "full"]

SOAK: Final = int(os.environ.get("CASEWRIGHT_SOAK", "1"))
"""By how much the sizes of what is promised are multiplied."""


def full(*values: Any) -> Any:
    """Return the parameters of a test at its full size; the last one is that size."""
    return pytest.param(*values[:-1], values[-1] * SOAK, marks=pytest.mark.large)
