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

    from support.brokers import Broker
    from support.mariadb import MariaDbServer
    from support.servers import PostgresServer

__all__ = ["mariadb_database", "mariadb_server", "nats_broker", "postgres_database", "postgres_server", "valkey_broker"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-k postgres` and `-k mariadb` find all tests that ask for such a server."""
    for item in items:
        for service in ("postgres", "mariadb"):
            if f"{service}_server" in getattr(item, "fixturenames", ()):
                item.extra_keyword_matches.add(service)


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


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDbServer]:
    """Return a server of this worker, on which everything is allowed but to stop it."""
    if not {"CASEWRIGHT_MARIADB", "CASEWRIGHT_MARIADB_URL"} & set(os.environ):
        pytest.skip("MariaDB has a session of its own: nox -s mariadb")
    from support import mariadb

    server = mariadb.mariadb_server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mariadb_database(mariadb_server: MariaDbServer) -> Iterator[URL]:
    """Return the URL, for PyMySQL, of a database that only the tests of this module use."""
    name = mariadb_server.new_database()
    yield mariadb_server.url(database=name)
    mariadb_server.drop_database(name)


@pytest.fixture(scope="session")
def nats_broker() -> Iterator[Broker]:
    """Return a NATS server of this worker, on which everything is allowed but to stop it."""
    from support.brokers import nats_server

    server = nats_server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_broker() -> Iterator[Broker]:
    """Return a Valkey server of this worker, on which everything is allowed but to stop it."""
    from support.brokers import valkey_server

    server = valkey_server()
    yield server
    server.stop()
