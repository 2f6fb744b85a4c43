"""Eight processes start on an empty disk at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from support.contenders import create_schema
from support.plain_sql import disagreements, rows_of
from support.racing import WORKERS, FileRace


@pytest.mark.parametrize("files", [4, pytest.param(40, marks=pytest.mark.large)])
def test_several_processes_create_the_schema_at_once(file_race: FileRace, tmp_path: Path, files: int) -> None:
    """Each is told that the tables are there, and can use them at once."""
    seen = file_race.run(create_schema, tmp_path, files)

    assert [one.answers for one in seen] == [Counter(done=2 * files)] * WORKERS
    for number in range(files):
        path = tmp_path / f"{number}.db"
        assert rows_of(path, "SELECT count(*) FROM casewright_item") == [(WORKERS,)]
        assert disagreements(path) == []
