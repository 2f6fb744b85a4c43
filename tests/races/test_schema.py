"""Eight processes start on an empty disk, or on an empty database, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from casewright.adapters.sqlalchemy import check
from support.contenders import create_schema
from support.plain_sql import disagreements, rows_of
from support.racing import WORKERS, ProcessRace
from support.schema_racing import ROUNDS, create, migrate, restless, tables, together


def test_several_processes_create_the_schema_at_once(file_race: ProcessRace, tmp_path: Path) -> None:
    """Each is told that the tables are there, and can use them at once."""
    seen = file_race.run(create_schema, tmp_path, 10)

    assert [one.answers for one in seen] == [Counter(done=20)] * WORKERS
    for number in range(10):
        path = tmp_path / f"{number}.db"
        assert rows_of(path, "SELECT count(*) FROM casewright_item") == [(WORKERS,)]
        assert disagreements(path) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Return the URL of an empty database for eight processes."""
    if request.param == "sqlite":
        return URL.create("sqlite", database=str(tmp_path / "race.db"), query={"timeout": "60"})
    found: URL = request.getfixturevalue("postgres_database")
    return found


@pytest.mark.parametrize("work", [create, migrate, restless])
def test_all_that_change_a_schema_wait_for_each_other(work: Callable[[URL, int], str], url: URL) -> None:
    """Create, upgrade, or upgrade and downgrade in turn: each succeeds, and what is left is a whole schema (T1)."""
    assert together(work, url) == [["done"] * ROUNDS] * WORKERS
    engine = create_engine(url)
    with engine.connect() as connection:
        for number in range(ROUNDS):
            assert check(connection, tables=tables(work, number)) == ()
    engine.dispose()
