"""The pages about PostgreSQL, and about relays on it: what they show works as they say."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import TASK, Actor, CommandBus, CreateTask, OutboxRelay
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.fakes import CollectingPublisher

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
ANN = Actor("ann")


def run_example(name: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the example of a page that needs a server."""
    (example,) = re.findall(r"^```py\n(.*?)^```$", (PAGES / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    exec(compile(example, name, "exec", dont_inherit=True), names)
    return names


def test_a_commit_wakes_the_relay_of_the_page(postgres_database: URL) -> None:
    """What the page makes delivers, and the commit of its store has woken what it gives the relay."""
    publisher = CollectingPublisher()
    engine = create_engine(postgres_database)
    SqlAlchemyStore(engine).create_schema()
    given = {"engine": engine, "publisher": publisher, "SqlAlchemyStore": SqlAlchemyStore, "OutboxRelay": OutboxRelay}
    page = run_example("relay-events.md", given)
    waking = page["relay"]._waking
    try:
        assert waking.wait(timedelta(0))
        CommandBus(page["store"], [TASK]).execute(CreateTask("Water the plants"), by=Actor("ann", tenant="relayed"))
        assert waking.wait(timedelta(seconds=60))
        assert page["relay"].run_once(limit=1000).delivered >= 1
    finally:
        page["relay"].release()
        waking.close()
        engine.dispose()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_rows_of_a_session_and_a_command_are_written_together_or_not_at_all(
    driver: str, postgres_database: URL
) -> None:
    """What the page orders is there on both sides, and what goes wrong in the block is on neither."""
    page = run_example("keep-data-in-postgresql.md", {"__name__": "page"})

    async def work() -> tuple[int, int]:
        engine = create_async_engine(postgres_database.set(drivername=f"postgresql+{driver}"))
        try:
            await page["prepare"](engine)
            before = await page["count"](engine, by=ANN)
            await page["order"](engine, "Send a parcel", by=ANN)
            with pytest.raises(ValueError, match="undoes both"):
                await page["order"](engine, "Lose a parcel", by=ANN)
            async with engine.connect() as connection:
                parcels = await connection.scalar(select(func.count()).select_from(page["Parcel"]))
            tasks = await page["count"](engine, by=ANN)
        finally:
            await engine.dispose()
        assert parcels == tasks
        return before, tasks

    before, after = asyncio.run(work())
    assert after == before + 1
