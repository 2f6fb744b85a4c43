"""Modules here import drivers of databases; where a packager has none, they are left out."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("sqlalchemy") and find_spec("psycopg") else ["test_server*.py"]
