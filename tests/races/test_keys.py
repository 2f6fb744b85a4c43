"""Eight workers send the same commands under the same keys: each is done once, and all get one answer (I1, I5)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from casewright import AddNote, Claim, CompleteTask, CreateTask, Delete, Edit, OpenCase, StartTask
from support.buses import ROOT, a_bus
from support.contenders import do_once
from support.plain_sql import disagreements, rows_of
from support.racing import WORKERS, ProcessRace, Race
from support.sizes import full


def commands(keys: int) -> list[tuple[str, Any]]:
    """Return commands of every kind, each for a key: those that can be done again, and those that cannot."""
    made: list[tuple[str, Any]] = []
    for number in range(keys):
        task, kind = f"t{number // 8}", number % 8
        kinds = [
            CreateTask("t", id=task, case_id="c"),
            AddNote(task, "b"),
            StartTask(task),
            CreateTask("t", case_id="c"),
            Claim(task),
            Edit(task, title="u"),
            CompleteTask(task),
            Delete(task),
        ]
        made.append((f"{number}", kinds[kind]))
    return made


def check(answers: list[list[Any]], keys: int, doers: int) -> None:
    """Check that for each key there is one who did it, and that all others were given the same answer."""
    by_key: dict[str, list[Any]] = {}
    for key, replayed, answer in (one for worker in answers for one in worker):
        by_key.setdefault(key, []).append((replayed, answer))
    assert len(by_key) == keys
    for key, found in by_key.items():
        how = Counter(replayed for replayed, _ in found)
        assert how[False] == 1, f"{key} was done {how[False]} times"
        assert how[False] + how[True] >= doers
        assert len({answer for replayed, answer in found if replayed != "rolled back"}) == 1


@pytest.mark.parametrize(("race", "keys"), [("memory", 40), ("file", 24), ("server", 24)], indirect=["race"])
def test_a_key_has_one_effect(race: Race, keys: int) -> None:
    """Of eight racers one does it, and seven are given its answer (I1)."""
    a_bus(race.store).execute(OpenCase("c", id="c"), by=ROOT)
    check(race.run(do_once, commands(keys)), keys, WORKERS)
    if isinstance(race, ProcessRace):
        assert disagreements(race.place) == []
        assert rows_of(race.place, "SELECT count(*) FROM casewright_ledger") == [(keys,)]


@pytest.mark.parametrize("keys", [full(500)])
def test_five_hundred_keys_have_five_hundred_effects(process_race: ProcessRace, keys: int) -> None:
    """However many retries race, on SQLite and on PostgreSQL, each command is done once (I1)."""
    a_bus(process_race.store).execute(OpenCase("c", id="c"), by=ROOT)
    check(process_race.run(do_once, commands(keys)), keys, WORKERS)
    assert disagreements(process_race.place) == []
    assert rows_of(process_race.place, "SELECT count(*) FROM casewright_ledger") == [(keys,)]


@pytest.mark.parametrize("keys", [10, full(250)])
def test_whoever_waits_for_a_rival_that_rolls_back_does_it(process_race: ProcessRace, keys: int) -> None:
    """Half of the racers write all of it and roll back; one of the others does it, none succeeds for nothing (I5)."""
    a_bus(process_race.store).execute(OpenCase("c", id="c"), by=ROOT)
    check(process_race.run(do_once, commands(keys), undone=WORKERS // 2), keys, WORKERS // 2)
    assert disagreements(process_race.place) == []
    assert rows_of(process_race.place, "SELECT count(*) FROM casewright_ledger") == [(keys,)]
