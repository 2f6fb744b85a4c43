"""A process that writes is killed, again and again: what it was told is true, and nothing is half-written (T2)."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from support.contenders import write_until_killed
from support.plain_sql import disagreements, plainly, recorded, rows_of
from support.racing import PROCESSES, ProcessRace
from support.sizes import full


def killed(place: Path | URL, tenant: str, after: int) -> list[Any]:
    """Kill a writer after it was told of that many commands; return the events of which it was told."""
    reader, journal = PROCESSES.Pipe(duplex=False)
    writer = PROCESSES.Process(target=write_until_killed, args=(place, tenant, journal))
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


def named(place: Path | URL, name: str) -> Path | URL:
    """Return where the database is found by a client that a server knows by this name."""
    return place.update_query_dict({"application_name": name}) if isinstance(place, URL) else place


def survived(plain: Any, tenant: str) -> list[Any]:
    """Return what is there of a killed writer's, once nothing more can come of it."""
    if not isinstance(plain, sqlite3.Connection):  # what the writer has sent last may still be under way
        ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = :tenant"
        while rows_of(plain, ended, {"tenant": tenant}):  # until there is none: one may end by itself in between
            pass
    return recorded(plain, tenant)


@pytest.mark.parametrize(
    ("race", "kills"),
    [
        ("file", 10),
        ("server", 8),
        full("file", 150),
        full("server", 100),
    ],
    indirect=["race"],
)
def test_what_was_acknowledged_survives_a_kill(race: ProcessRace, kills: int, seed: int) -> None:
    """Acknowledged commands are there after a SIGKILL; of the one it fell into all is there or nothing (T2)."""
    rng = random.Random(seed)
    with closing(plainly(race.place)) as plain:
        for kill in range(kills):
            tenant = f"t{kill}"
            told = killed(named(race.place, tenant), tenant, rng.randrange(1, 30))
            found = survived(plain, tenant)

            assert set(told) <= set(found)
            assert len(found) - len(told) in {1, 2, 3}  # the opening of the case, and what one command records
            assert disagreements(plain, tenant) == []
