"""What races share: a store that several workers use at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.racing import FileRace, MemoryRace, Race


@pytest.fixture
def file_race(tmp_path: Path) -> Iterator[FileRace]:
    """Return a SQLite file for eight processes."""
    made = FileRace(tmp_path / "store.db")
    yield made
    made.store.engine.dispose()


@pytest.fixture(params=["memory", "file"])
def race(request: pytest.FixtureRequest) -> Race:
    """Return a store of each kind: in memory for eight threads, in a file for eight processes."""
    if request.param == "memory":
        return MemoryRace()
    made: FileRace = request.getfixturevalue("file_race")
    return made
