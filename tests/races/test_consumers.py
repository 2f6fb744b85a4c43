"""Consumers that are killed while they take messages, some of which come twice: each effect is there once (O7)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from support.consumers import consume_until_killed, effects, prepared
from support.racing import PROCESSES
from support.sizes import full

WORKERS = 2


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | URL:
    """Return where a database is: a file, or one on a server."""
    if request.param == "file":
        return tmp_path / "consumer.db"
    given: URL = request.getfixturevalue("postgres_database")
    return given


def round_of(place: Path | URL, deliveries: Sequence[tuple[int, str]], kills: Sequence[int | None]) -> set[int]:
    """Share deliveries out to as many consumers, and kill each once it has acknowledged so many, or never.

    Returns:
        The numbers of those that were acknowledged.
    """
    done: set[int] = set()
    with ExitStack() as stack:
        started: list[tuple[Any, Pipe, int | None]] = []
        for number, kill in enumerate(kills):
            reader, writer = PROCESSES.Pipe(duplex=False)
            share = deliveries[number :: len(kills)]
            process = PROCESSES.Process(target=consume_until_killed, args=(place, share, writer))
            process.start()
            writer.close()
            stack.enter_context(reader)
            started.append((process, reader, kill))
        for process, reader, kill in started:
            done |= acknowledged(process, reader, kill)
            process.join()
            assert process.exitcode in {0, -9}
            process.close()
    return done


def acknowledged(process: Any, reader: Pipe, kill: int | None) -> set[int]:
    """Return what a consumer acknowledges until it has ended or is killed."""
    done: set[int] = set()
    try:
        while True:
            if len(done) == kill:
                process.kill()
            done.add(reader.recv())
    except EOFError:
        return done


@pytest.mark.parametrize(
    ("place", "kills", "messages"),
    [("file", 2, 90), ("server", 2, 90), full("file", 20, 4500), full("server", 20, 4500)],
    indirect=["place"],
)
def test_each_effect_is_there_once(place: Path | URL, kills: int, messages: int, seed: int) -> None:
    """Of deliveries of which a tenth comes twice, to two consumers that are killed, each has its effect once (O7)."""
    rng = random.Random(seed)
    ids = [f"m{number}" for number in range(messages)]
    doubled = ids + rng.sample(ids, messages // 9)
    rng.shuffle(doubled)
    left = dict(enumerate(doubled))
    engine = prepared(place)
    try:
        for _ in range(kills // WORKERS):
            most = max(1, len(left) // kills)
            for number in round_of(place, list(left.items()), [rng.randrange(most) for _ in range(WORKERS)]):
                left.pop(number)
        for number in round_of(place, list(left.items()), [None] * WORKERS):
            left.pop(number)
        assert left == {}
        assert effects(engine) == (messages, messages)
    finally:
        engine.dispose()
