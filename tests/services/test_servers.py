"""The servers that tests bring themselves: real, private, and gone when they should be."""

from __future__ import annotations

from sqlalchemy import URL, create_engine, text


def test_a_database_is_there_to_be_used(postgres_database: URL) -> None:
    """A test that asks for a database gets an empty one, over psycopg."""
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE one (two integer)"))
    engine.dispose()
