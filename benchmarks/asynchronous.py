"""The asynchronous bus on its stores, beside hand-written asynchronous SQLAlchemy Core that writes the same rows.

Each contender does one command after the other and waits for the server, so the clock is the one on the wall.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from eip import PROCESS, Step, steps
from harness import Bar, measure, report
from sqlalchemy import URL, Engine, bindparam, create_engine, event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from casewright import AsyncCommandBus
from casewright.adapters.sqlalchemy import TABLES, AsyncSqlAlchemyStore
from casewright.testing.portal import Portal
from stores import MOVED, Rows, bound, rows_of

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from support.servers import postgres_server

__all__ = ["run"]

COMMANDS: Final = 120
WRITTEN: Final = {"psycopg": "psycopg", "asyncpg": "asyncpg", "SQLite": "aiosqlite"}


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    log = steps(COMMANDS)
    rows = rows_of(log)
    server = postgres_server()
    with tempfile.TemporaryDirectory() as folder, Portal() as portal:
        url = server.url(database=server.new_database())
        file = URL.create("sqlite", database=f"{folder}/bench.db")
        engines: dict[str, AsyncEngine | Engine] = {
            "psycopg": create_async_engine(url),
            "asyncpg": create_async_engine(url.set(drivername="postgresql+asyncpg")),
            "SQLite": create_engine(file),
        }
        written = {name: engine for name, engine in engines.items() if isinstance(engine, AsyncEngine)}
        written["SQLite"] = create_async_engine(file.set(drivername="sqlite+aiosqlite"))
        event.listen(engines["SQLite"], "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF"))
        event.listen(written["SQLite"].sync_engine, "connect", _hasty)
        for engine in engines.values():
            portal.run(AsyncSqlAlchemyStore(engine).create_schema())
        contenders: dict[str, Callable[[int], object]] = {}
        for name, engine in engines.items():
            store = AsyncSqlAlchemyStore(engine)
            contenders[f"bus on {name}"] = _running(portal, _through, store, log)
            contenders[f"hand-written Core on {WRITTEN[name]}"] = _running(portal, _core, written[name], rows)
        emptying = {
            name: _running(portal, _emptied, written[name.rsplit(" ", 1)[1].replace("aiosqlite", "SQLite")])
            for name in contenders
        }
        timings = measure(contenders, calls=len(log), rounds=rounds, before=emptying, clock=time.perf_counter_ns)
        for engine in written.values():
            portal.run(engine.dispose())
        engines["SQLite"].dispose()
    server.stop()
    bars = [
        Bar(
            f"bus on {name} by hand-written Core on {peer}",
            timings.ratio(f"bus on {name}", f"hand-written Core on {peer}"),
            1.1,
        )
        for name, peer in WRITTEN.items()
    ]
    return report(f"Asynchronous stores ({len(log)} commands of the EIP log; nobody waits for a disk)", timings, bars)


def _hasty(driver: Any, _: object) -> None:  # noqa: ANN401 - a connection of the driver
    cursor = driver.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def _running(portal: Portal, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> Callable[..., None]:
    return lambda _: portal.run(work(*arguments))


async def _emptied(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for table in TABLES.all:
            await connection.execute(table.delete())


async def _through(store: AsyncSqlAlchemyStore, log: list[Step]) -> None:
    bus = AsyncCommandBus(store, [PROCESS])
    for step in log:
        await bus.execute(step.command, by=step.by, at=step.at)


async def _core(engine: AsyncEngine, rows: list[Rows]) -> None:
    """What a team would write by hand, every statement built once."""
    mine = (TABLES.item.c.tenant == bindparam("b_tenant")) & (TABLES.item.c.id == bindparam("b_id"))
    select_item = select(TABLES.item).where(mine)
    update_item = (
        update(TABLES.item)
        .where(mine & (TABLES.item.c.version == bindparam("b_version")))
        .values({name: bindparam(name) for name in MOVED})
    )
    insert_item, insert_event, insert_pointer = insert(TABLES.item), insert(TABLES.event), insert(TABLES.outbox)
    items = [bound(TABLES.item, row.item) for row in rows]
    events = [bound(TABLES.event, row.event) for row in rows]
    for row, item, entry in zip(rows, items, events, strict=True):
        async with engine.begin() as connection:
            if row.version == 1:
                await connection.execute(insert_item, item)
            else:
                tenant, item_id = row.key
                known = {"b_tenant": tenant, "b_id": item_id}
                (await connection.execute(select_item, known)).one()
                moved = {name: item[name] for name in MOVED}
                done = await connection.execute(update_item, {**moved, **known, "b_version": row.version - 1})
                assert done.rowcount == 1
            await connection.execute(insert_event, entry)
            await connection.execute(insert_pointer, row.pointer)
