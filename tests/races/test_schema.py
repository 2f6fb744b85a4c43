"""Eight processes start on an empty disk at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.contenders import create_schema
from support.plain_sql import disagreements, rows_of
from support.racing import WORKERS, ProcessRace


def test_several_processes_create_the_schema_at_once(file_race: ProcessRace, tmp_path: Path) -> None:
    """Each is told that the tables are there, and can use them at once."""
    seen = file_race.run(create_schema, tmp_path, 10)

    assert [one.answers for one in seen] == [Counter(done=20)] * WORKERS
    for number in range(10):
        path = tmp_path / f"{number}.db"
        assert rows_of(path, "SELECT count(*) FROM casewright_item") == [(WORKERS,)]
        assert disagreements(path) == []
