"""Fixtures for the whole suite and for the documentation: real servers, started for the first test that asks for one.

The module is loaded with the suite, so it imports nothing that a packager may lack before it is asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from support.keeping import missing

if TYPE_CHECKING:
    from sqlalchemy import URL

    from support.servers import PostgresServer

__all__ = ["postgres_database", "postgres_server"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return a server of this worker, on which everything is allowed but to stop it."""
    if lacking := [name for name in ("sqlalchemy", "psycopg") if find_spec(name) is None]:
        missing(f"tests on PostgreSQL need {' and '.join(lacking)}", wanted="CASEWRIGHT_POSTGRES" in os.environ)
    from support import servers

    server = servers.postgres_server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postgres_database(postgres_server: PostgresServer) -> Iterator[URL]:
    """Return the URL, for psycopg, of a database that only the tests of this module use."""
    name = postgres_server.new_database()
    yield postgres_server.url(database=name)
    postgres_server.drop_database(name)
