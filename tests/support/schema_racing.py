"""Processes that change the schema of one database at once, each on an engine of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Final

from sqlalchemy import URL, create_engine

from casewright import CasewrightError
from casewright.adapters.sqlalchemy import SqlAlchemyStore, Tables, downgrade, upgrade
from support.racing import PROCESSES, WORKERS

__all__ = ["ROUNDS", "create", "migrate", "restless", "tables", "together"]

Work = Callable[[URL, int], str]

ROUNDS: Final = 3
_BARRIERS: Final[list[Barrier]] = []


def together(work: Work, url: URL) -> list[list[str]]:
    """Let eight processes do a work at once, several times, and return what each came to in each round."""
    with PROCESSES.Pool(WORKERS, _keep_barrier, (PROCESSES.Barrier(WORKERS, timeout=60),)) as pool:
        return pool.map(partial(_rounds, work, url), range(WORKERS), chunksize=1)


def _keep_barrier(barrier: Barrier) -> None:
    _BARRIERS.append(barrier)


def _rounds(work: Work, url: URL, worker: int) -> list[str]:
    (barrier,) = _BARRIERS
    answers = []
    for number in range(ROUNDS):
        barrier.wait()
        try:
            answers.append(work(url, number))
        except CasewrightError as error:
            answers.append(str(error))
    return answers


def tables(work: Work, number: int) -> Tables:
    """Return the tables of a round of a work."""
    return Tables(prefix=f"{work.__name__}{number}_")


def create(url: URL, number: int) -> str:
    """Create the schema by a store."""
    engine = create_engine(url)
    SqlAlchemyStore(engine, tables=tables(create, number)).create_schema()
    engine.dispose()
    return "done"


def migrate(url: URL, number: int) -> str:
    """Migrate to the newest revision."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, tables=tables(migrate, number))
    engine.dispose()
    return "done"


def restless(url: URL, number: int) -> str:
    """Migrate up and down in one transaction, and in the end up."""
    engine = create_engine(url)
    own = tables(restless, number)
    with engine.begin() as connection:
        upgrade(connection, tables=own)
        downgrade(connection, to="base", tables=own)
        upgrade(connection, tables=own, to="casewright_0001")
        upgrade(connection, tables=own)
    engine.dispose()
    return "done"
