"""Modules here import drivers of databases; where a packager has none, they are left out."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS = {
    "test_server*.py": ("sqlalchemy", "psycopg", "asyncpg"),
    "test_mariadb.py": ("sqlalchemy", "pymysql", "asyncmy"),
}

collect_ignore_glob = [pattern for pattern, names in NEEDS.items() if not all(map(find_spec, names))]
