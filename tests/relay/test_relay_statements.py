"""What a relay costs a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, create_engine

from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.testing.fakes import CollectingPublisher
from support.relays import plain
from support.stores import emptied, with_tables


@pytest.fixture(scope="module")
def server(postgres_database: URL) -> Iterator[Engine]:
    """Yield an engine for a database with the tables."""
    yield from with_tables(create_engine(postgres_database))


def test_the_question_of_each_round_is_parsed_once(server: Engine) -> None:
    """Psycopg prepares it after a few rounds, and none of the later ones makes it forget: it would at a rollback."""
    relay = plain(SqlAlchemyStore(emptied(server)), CollectingPublisher())
    for _ in range(8):
        relay.run_once()
    with server.connect() as connection:
        prepared = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%casewright_outbox%%LEFT OUTER JOIN%%'"
        )
        assert prepared.scalar() == 1
