"""Who calls our runner, and how: connections of each kind, threads and tasks; and what it says to a bad call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import casewright
from casewright import InvalidInputError, MisuseError, StorageError
from casewright.adapters.sqlalchemy import (
    TABLES,
    AsyncSqlAlchemyStore,
    Tables,
    check,
    downgrade,
    upgrade,
)
from casewright.adapters.sqlalchemy.versions import HEAD, REVISIONS
from support.migrations import structure
from support.sources import run_python
from support.stores import sqlite_engine


def up(engine: Engine, **options: Any) -> None:
    """Upgrade, and commit."""
    with engine.begin() as connection:
        upgrade(connection, **options)


def down(engine: Engine, **options: Any) -> None:
    """Downgrade, and commit."""
    with engine.begin() as connection:
        downgrade(connection, **options)


def differences(engine: Engine, tables: Tables | None = None) -> list[str]:
    """Return the code of each difference."""
    with engine.connect() as connection:
        return [one.code for one in check(connection, tables=tables)]


def everything(engine: Engine) -> Any:
    """Return all that both schemas hold, the table of the version among it."""
    with engine.connect() as connection:
        return structure(connection), structure(connection, "other")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"to": "nonsense"}, "to"),
        ({"to": None}, "to"),
        ({"to": 1}, "to"),
        ({"tables": TABLES.metadata}, "tables"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], field: str, tmp_path: Path) -> None:
    """What is no revision, and what are no tables, is refused before anything is done."""
    engine = sqlite_engine(tmp_path / "x.db")
    for call in (up, down):
        with pytest.raises(InvalidInputError) as caught:
            call(engine, **{"to": "head", **options})
        assert caught.value.field == field
    engine.dispose()


def test_only_a_connection_will_do(tmp_path: Path) -> None:
    """An engine is refused with what to write instead; so is a connection that translates schemas."""
    engine = sqlite_engine(tmp_path / "x.db")
    calls: dict[str, Callable[[Any], object]] = {
        "upgrade": upgrade,
        "downgrade": lambda connection: downgrade(connection, to="base"),
        "check": check,
    }
    for name, call in calls.items():
        with pytest.raises(InvalidInputError, match=rf"not Engine; .*{name}\(connection\); await connection.run_sync"):
            call(engine)
        translating = engine.execution_options(schema_translate_map={None: "x"})
        with translating.connect() as connection, pytest.raises(MisuseError, match="schema_translate_map"):
            call(connection)
    engine.dispose()


def test_a_connection_that_autocommits_is_refused(empty: Engine) -> None:
    """Where each statement would be a transaction of its own, nothing is done (T1)."""
    autocommitting = empty.execution_options(isolation_level="AUTOCOMMIT")
    if empty.name == "sqlite":  # there a transaction is begun by hand, whatever the driver would do by itself
        with autocommitting.connect() as connection:
            upgrade(connection)
            connection.rollback()
    else:
        with autocommitting.connect() as connection, pytest.raises(MisuseError, match="autocommits"):
            upgrade(connection)
    assert all(held in ({}, {"collations": []}) for held in everything(empty))


# ------------------------------------------------------------ asynchronous


def in_each(tmp_path: Path, request: pytest.FixtureRequest, driver: str) -> AsyncEngine:
    """Return an engine for an empty database by an asynchronous driver."""
    if driver == "sqlite+aiosqlite":
        return create_async_engine(f"{driver}:///{tmp_path / 'x.db'}")
    url = request.getfixturevalue("postgres_database")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return create_async_engine(url.set(drivername=driver))


@pytest.mark.parametrize("driver", ["sqlite+aiosqlite", "postgresql+psycopg", "postgresql+asyncpg"])
def test_an_asynchronous_connection_runs_it(driver: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Through run_sync upgrade, check and downgrade work on each asynchronous driver; a store refuses what is older."""
    engine = in_each(tmp_path, request, driver)

    async def story() -> None:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
            await connection.rollback()
            assert [one.code for one in await connection.run_sync(check)] == ["no_table"] * len(TABLES.all)
            await connection.rollback()
            await connection.run_sync(upgrade, to=REVISIONS[0])
            await connection.commit()
            await connection.exec_driver_sql("BEGIN" if driver.startswith("sqlite") else "SELECT 1")
            with pytest.raises(StorageError, match="older than"):
                await AsyncSqlAlchemyStore.joining(connection).ping()
            await connection.rollback()
            await connection.run_sync(upgrade)
            await connection.commit()
            assert await connection.run_sync(check) == ()
            await connection.rollback()
            await connection.run_sync(downgrade, to="base")
            await connection.commit()
        await engine.dispose()

    asyncio.run(story())


# ------------------------------------------------------------ several at once, in one process


def test_threads_migrate_several_databases_at_once(tmp_path: Path) -> None:
    """Each thread migrates its own database, and no revision strays into another one."""
    engines = [sqlite_engine(tmp_path / f"{number}.db") for number in range(8)]

    def work(engine: Engine) -> list[str]:
        for _ in range(3):
            up(engine)
            down(engine, to="base")
        up(engine)
        return differences(engine)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, engines)) == [[]] * 8
    for engine in engines:
        engine.dispose()


def test_tasks_migrate_several_databases_at_once(tmp_path: Path) -> None:
    """Each task migrates its own database, though one waits in the midst of another."""
    engines = [create_async_engine(f"sqlite+aiosqlite:///{tmp_path / str(number)}.db") for number in range(4)]

    async def work(engine: AsyncEngine) -> int:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
        async with engine.connect() as connection:
            found = await connection.run_sync(check)
        await engine.dispose()
        return len(found)

    async def story() -> list[int]:
        return await asyncio.gather(*map(work, engines))

    assert asyncio.run(story()) == [0] * 4


# ------------------------------------------------------------ the history itself


def test_the_history_is_one_line_with_our_label() -> None:
    """The folder of revisions is one branch called casewright, and its line is the one that the runner goes."""
    folder = Path(str(casewright.__file__)).parent / "adapters" / "sqlalchemy" / "migrations"
    script = ScriptDirectory(str(folder), version_locations=[str(folder)])
    line = [one.revision for one in script.walk_revisions()][::-1]
    assert tuple(line) == REVISIONS
    assert script.get_heads() == [HEAD]
    assert all(one.branch_labels == {"casewright"} for one in script.walk_revisions())
    assert all(len(name) <= 32 for name in line)


@pytest.mark.parametrize("call", ["upgrade(connection)", "downgrade(connection, to='base')"])
def test_without_alembic_the_error_says_how_to_get_it(call: str) -> None:
    """Where Alembic is not installed, all but migrations works, and they name the line that installs it."""
    done = run_python(
        f"""
import sys
sys.modules["alembic"] = None
from sqlalchemy import create_engine
from casewright.adapters.sqlalchemy import *
engine = create_engine("sqlite://")
with engine.connect() as connection:
    assert len(check(connection)) == len(TABLES.all)
    try:
        {call}
    except ImportError as error:
        print(error)
"""
    )
    assert done == 'migrations need Alembic: python -m pip install "casewright[migrations]"\n'
