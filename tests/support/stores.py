"""Stores to test with."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine

from casewright.adapters.sqlalchemy import SqlAlchemyStore

__all__ = ["sqlite_store"]


def sqlite_store(path: Path | str) -> SqlAlchemyStore:
    """Return a store in a SQLite file, its schema created; call `store.engine.dispose()` after use."""
    store = SqlAlchemyStore(create_engine(f"sqlite:///{path}"))
    store.create_schema()
    return store
