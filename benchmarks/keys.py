"""What an idempotency key costs: the same log through the bus with keys and without, on SQLite and on PostgreSQL.

It begins on empty tables in each round, and nobody waits for a disk: where somebody does, a key costs less.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from eip import PROCESS, Step, steps
from harness import Bar, Timings, measure, report
from sqlalchemy import Engine, create_engine, event

from casewright import CommandBus
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from support.servers import postgres_server

__all__ = ["run"]

COMMANDS: Final = 300


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    log = steps(COMMANDS)
    server = postgres_server()
    try:
        with tempfile.TemporaryDirectory() as folder:
            lite = create_engine(f"sqlite:///{folder}/store.db")
            event.listen(lite, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF").close())
            engines = {"SQLite": lite, "PostgreSQL": create_engine(server.url(database=server.new_database()))}
            met = [_compared(name, engine, log, rounds) for name, engine in engines.items()]
            for engine in engines.values():
                engine.dispose()
    finally:
        server.stop()
    return all(met)


def _compared(name: str, engine: Engine, log: list[Step], rounds: int) -> bool:
    SqlAlchemyStore(engine).create_schema()
    plain, keyed = f"bus on {name}", f"bus on {name}, with keys"
    timings: Timings = measure(
        {plain: lambda _: _through(engine, log, keyed=False), keyed: lambda _: _through(engine, log, keyed=True)},
        calls=len(log),
        rounds=rounds,
        before=dict.fromkeys((plain, keyed), lambda _: _emptied(engine)),
        clock=time.thread_time_ns if name == "SQLite" else time.perf_counter_ns,
    )
    bar = Bar("a command with a key by one without", timings.ratio(keyed, plain), 1.15)
    return report(f"Keys ({len(log)} commands of the EIP log; {name})", timings, [bar])


def _emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in TABLES.all:
            connection.execute(table.delete())


def _through(engine: Engine, log: list[Step], *, keyed: bool) -> None:
    bus: Any = CommandBus(SqlAlchemyStore(engine), [PROCESS])
    for number, step in enumerate(log):
        bus.execute(step.command, by=step.by, at=step.at, key=f"{number}" if keyed else None)
