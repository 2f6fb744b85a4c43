"""What is special to each database: its SQL, its codes of failures, and how a transaction begins there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import Dialect

from casewright.adapters.sqlalchemy.databases.base import Database
from casewright.adapters.sqlalchemy.databases.mariadb import MariaDb
from casewright.adapters.sqlalchemy.databases.postgresql import Postgresql
from casewright.adapters.sqlalchemy.databases.sqlite import Sqlite
from casewright.errors import MisuseError

__all__ = ["Database", "database_of"]

_DATABASES: Final[Mapping[tuple[str, str], Callable[[Any], Database]]] = {
    ("sqlite", "pysqlite"): lambda dbapi: Sqlite(),
    ("sqlite", "aiosqlite"): lambda dbapi: Sqlite(),
    ("postgresql", "psycopg"): lambda dbapi: Postgresql(dbapi, "format"),
    ("postgresql", "asyncpg"): lambda dbapi: Postgresql(dbapi, "numeric_dollar"),
    ("mariadb", "pymysql"): MariaDb,
    ("mariadb", "asyncmy"): MariaDb,
}


def database_of(dialect: Dialect) -> Database:
    """Return how a database is spoken to.

    Raises:
        MisuseError: Nobody has tried this database, or this driver.
    """
    if (dialect.name, dialect.driver) not in _DATABASES:
        known = ", ".join(f"{name}+{driver}" for name, driver in _DATABASES)
        problem = f"the database is {dialect.name}, by the driver {dialect.driver}"
        raise MisuseError(problem, f"supported are {known}; for MariaDB the URL begins with mariadb+")
    return _made(dialect.name, dialect.driver, cast("Any", dialect.loaded_dbapi))


@cache
def _made(name: str, driver: str, dbapi: Any) -> Database:  # noqa: ANN401 - a module, or what stands for one
    return _DATABASES[name, driver](dbapi)
