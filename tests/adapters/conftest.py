"""Databases without tables, of each kind that can undo a change of its schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event

from support.stores import hasty, sqlite_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Yield an engine for a database that holds nothing but a second schema, called ``other``."""
    if request.param == "sqlite":
        engine = hasty(sqlite_engine(tmp_path / "store.db"))
        _attach(engine, tmp_path / "other.db")
    else:
        engine = create_engine(request.getfixturevalue("postgres_database"))
        with engine.begin() as connection:
            for name in ("public", "other"):
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
                connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    yield engine
    engine.dispose()


def _attach(engine: Engine, path: Path) -> None:
    event.listen(engine, "connect", lambda driver, _: driver.execute(f"ATTACH '{path}' AS other").close())
