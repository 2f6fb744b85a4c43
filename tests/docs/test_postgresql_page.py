"""The page about PostgreSQL: what it shows works as it says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from casewright import Actor

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "keep-data-in-postgresql.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ANN = Actor("ann")


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_rows_of_a_session_and_a_command_are_written_together_or_not_at_all(
    driver: str, postgres_database: URL
) -> None:
    """What the page orders is there on both sides, and what goes wrong in the block is on neither."""
    page: dict[str, Any] = {"__name__": "page"}
    exec(compile(EXAMPLE, "keep-data-in-postgresql.md", "exec", dont_inherit=True), page)

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
