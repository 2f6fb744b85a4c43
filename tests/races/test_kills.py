"""A process that writes is killed, again and again: what it was told is true, and nothing is half-written (T2)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from support.contenders import write_until_killed
from support.plain_sql import disagreements, recorded
from support.racing import PROCESSES, FileRace


def killed(path: Path, tenant: str, after: int) -> list[Any]:
    """Kill a writer after it was told of that many commands; return the events of which it was told."""
    reader, journal = PROCESSES.Pipe(duplex=False)
    writer = PROCESSES.Process(target=write_until_killed, args=(path, tenant, journal))
    writer.start()
    journal.close()
    told = [event for _ in range(after) for event in reader.recv()]
    writer.kill()
    try:
        while True:
            told += reader.recv()
    except EOFError:
        reader.close()
    writer.join()
    assert writer.exitcode == -9
    writer.close()
    return told


@pytest.mark.parametrize("kills", [10, pytest.param(150, marks=pytest.mark.large)])
def test_what_was_acknowledged_survives_a_kill(file_race: FileRace, kills: int) -> None:
    """Acknowledged commands are there after a SIGKILL; of the one it fell into all is there or nothing (T2)."""
    rng = random.Random(kills)
    for kill in range(kills):
        tenant = f"t{kill}"
        told = killed(file_race.path, tenant, rng.randrange(1, 30))
        found = recorded(file_race.path, tenant)

        assert set(told) <= set(found)
        assert len(found) - len(told) in {1, 2, 3}  # the opening of the case, and what one command records
        assert disagreements(file_race.path, tenant) == []
