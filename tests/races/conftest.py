"""What races share: a store that several workers use at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.racing import MemoryRace, ProcessRace, Race

if TYPE_CHECKING:
    from sqlalchemy import URL


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of the run, which pytest's header shows."""
    given = request.config.getoption("randomly_seed", 0)
    return given if isinstance(given, int) else 0


@pytest.fixture
def file_race(tmp_path: Path) -> Iterator[ProcessRace]:
    """Yield a SQLite file for eight processes."""
    made = ProcessRace(tmp_path / "store.db")
    yield made
    made.store.engine.dispose()


@pytest.fixture
def server_race(postgres_database: URL) -> Iterator[ProcessRace]:
    """Yield an empty database on a PostgreSQL server for eight processes."""
    made = ProcessRace(postgres_database)
    with made.store.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE " + ", ".join(table.name for table in made.store.tables.all))
    yield made
    made.store.engine.dispose()


@pytest.fixture(params=["file", "server"])
def process_race(request: pytest.FixtureRequest) -> ProcessRace:
    """Return a database of each kind."""
    made: ProcessRace = request.getfixturevalue(f"{request.param}_race")
    return made


@pytest.fixture(params=["memory", "file", "server"])
def race(request: pytest.FixtureRequest) -> Race:
    """Return a store of each kind: in memory for eight threads, in a database for eight processes."""
    if request.param == "memory":
        return MemoryRace()
    made: ProcessRace = request.getfixturevalue(f"{request.param}_race")
    return made
