"""What several modules about logs share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def log() -> Path:
    """The real log, from the folder of shared data beside the project; where it must be, its absence is an error."""
    for folder in Path(__file__).parents:
        found = folder / "shared" / "data" / "eip_status_events.csv"
        if found.is_file():
            return found
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail("shared/data/eip_status_events.csv must stand beside the project where CI=true")
    pytest.skip("the event log is not part of the project: put shared/data beside it")
