"""A store in SQLite, PostgreSQL or MariaDB through SQLAlchemy Core (`pip install "casewright[sqlalchemy]"`)."""

from __future__ import annotations

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - only to say what is missing
except ImportError as _error:
    raise ImportError(
        'casewright.adapters.sqlalchemy needs SQLAlchemy: python -m pip install "casewright[sqlalchemy]"'
    ) from _error

from casewright.adapters.sqlalchemy.async_store import AsyncSqlAlchemyStore
from casewright.adapters.sqlalchemy.checking import check
from casewright.adapters.sqlalchemy.migrating import downgrade, upgrade
from casewright.adapters.sqlalchemy.store import SqlAlchemyStore
from casewright.adapters.sqlalchemy.tables import TABLES, Tables, metadata
from casewright.adapters.sqlalchemy.versions import Difference
from casewright.adapters.sqlalchemy.waking import AsyncPostgresWaking, PostgresWaking

__all__ = [
    "TABLES",
    "AsyncPostgresWaking",
    "AsyncSqlAlchemyStore",
    "Difference",
    "PostgresWaking",
    "SqlAlchemyStore",
    "Tables",
    "check",
    "downgrade",
    "metadata",
    "upgrade",
]
