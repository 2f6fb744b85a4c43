"""The PostgreSQL servers that tests bring themselves: real, hard to please, private, and gone when they should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from support.hard_locale import locale_command
from support.keeper import as_user
from support.keeping import missing
from support.servers import WHEELS, PostgresServer, postgres_server, start_postgres, unavailable

ROOT = os.geteuid() == 0


def ask(url: URL, question: str) -> list[Any]:
    """Ask one question on a connection of its own, and return the first column of the answer."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.execute(text(question))
            return list(answer.scalars()) if answer.returns_rows else []
    finally:
        engine.dispose()


@pytest.fixture(scope="module", params=sorted(WHEELS))
def version(request: pytest.FixtureRequest) -> str:
    """Return each version that can be started."""
    asked: str = request.param
    if reason := unavailable(asked):
        missing(reason, wanted=os.environ.get("CASEWRIGHT_POSTGRES") == asked)
    return asked


@pytest.fixture(scope="module")
def server(version: str) -> Iterator[PostgresServer]:
    """Return a server of each version."""
    started = start_postgres(version)
    yield started
    started.stop()


def test_a_server_is_what_it_says(server: PostgresServer, version: str) -> None:
    """It is of the version that was asked for, root or not, and never runs as root."""
    assert server.kept is not None
    assert str(server.version) == version
    assert ask(server.url(), "SHOW server_version")[0].startswith(f"{version}.")
    assert server.kept.folder.stat().st_uid == (as_user("nobody")["user"] if ROOT else os.geteuid())
    assert server.kept.folder.stat().st_mode & 0o777 == 0o700


def test_a_server_answers_over_each_driver(server: PostgresServer) -> None:
    """What psycopg wrote, asyncpg and an asynchronous psycopg read, under the same name."""
    name = server.new_database()
    ask(server.url(database=name), "CREATE TABLE said AS SELECT 'hello' AS word")

    async def read(url: URL) -> list[Any]:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            answer = list(await connection.scalars(text("SELECT word FROM said")))
        await engine.dispose()
        return answer

    assert asyncio.run(read(server.url("asyncpg", database=name))) == ["hello"]
    assert asyncio.run(read(server.url("psycopg", database=name))) == ["hello"]
    server.drop_database(name)


def test_a_server_is_reached_through_its_own_folder_only(server: PostgresServer) -> None:
    """It listens on no address, so that neither the network nor another user of the machine can reach it."""
    assert server.kept is not None
    assert ask(server.url(), "SHOW listen_addresses") == [""]
    assert ask(server.url(), "SHOW unix_socket_directories") == [str(server.kept.folder)]


def test_text_is_hard_to_order_in_a_database(server: PostgresServer) -> None:
    """Without COLLATE "C" text goes as people order it, so an index or a comparison that forgot it is found out."""
    if locale_command("") is None:
        missing("this machine has no localedef, so the database orders by code point", wanted=False)
    as_people_do = ["_", "A", "a", "a b", "ab", "B", "b", "é", "f", "Z"]
    table = f"unnest(ARRAY{sorted(as_people_do)}) AS word"
    assert ask(server.url(), f"SELECT word FROM {table} ORDER BY word") == as_people_do
    assert ask(server.url(), f'SELECT word FROM {table} ORDER BY word COLLATE "C"') == sorted(as_people_do)
    name = server.new_database()
    assert ask(server.url(database=name), "SELECT 'b' < 'Z'") == [True]
    server.drop_database(name)


def test_databases_do_not_see_each_other(server: PostgresServer) -> None:
    """A table of one database is not there in another, and a database is gone when it is dropped, in use or not."""
    one, other = server.new_database(), server.new_database()
    ask(server.url(database=one), "CREATE TABLE mine (id integer)")
    with pytest.raises(ProgrammingError, match="does not exist"):
        ask(server.url(database=other), "SELECT * FROM mine")
    engine = create_engine(server.url(database=one))
    with engine.connect():
        server.drop_database(one)
        with pytest.raises(OperationalError, match="does not exist"):
            ask(server.url(database=one), "SELECT 1")
        assert ask(server.url(database=other), "SELECT 1") == [1]
    engine.dispose()
    server.drop_database(other)


def test_a_server_of_somebody_else_is_used_and_left_running(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that CASEWRIGHT_POSTGRES_URL names comes before any of our own, and `stop` does not touch it."""
    monkeypatch.setenv("CASEWRIGHT_POSTGRES_URL", server.url("asyncpg").render_as_string(hide_password=False))
    monkeypatch.setenv("CASEWRIGHT_POSTGRES", "17")
    given = postgres_server()
    assert (given.version, given.kept) == (server.version, None)
    given.stop()
    assert ask(given.url(), "SHOW unix_socket_directories") == ask(server.url(), "SHOW unix_socket_directories")


@pytest.mark.parametrize("ci", ["true", "false", ""])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_server_that_is_missing_is_never_overlooked(ci: str, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is skipped for want of a server only where nobody asked for one, and never in CI."""
    monkeypatch.setenv("CI", ci)
    outcome = pytest.fail.Exception if wanted or ci == "true" else pytest.skip.Exception
    with pytest.raises(outcome, match="there is none"):
        missing("there is none", wanted=wanted)


def test_a_version_that_nobody_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that no wheel brings is named together with those that there are, and with the way around."""
    monkeypatch.delenv("CASEWRIGHT_POSTGRES_URL", raising=False)
    monkeypatch.setenv("CASEWRIGHT_POSTGRES", "9")
    with pytest.raises(pytest.fail.Exception, match="'9' and may be 17 or 18; or set CASEWRIGHT_POSTGRES_URL"):
        postgres_server()


def test_tests_get_a_database_of_their_own(postgres_server: PostgresServer, postgres_database: URL) -> None:
    """The fixture gives a module an empty database on the server of the version that was asked for."""
    assert "CASEWRIGHT_POSTGRES_URL" in os.environ or str(postgres_server.version) == (
        os.environ.get("CASEWRIGHT_POSTGRES") or "17"
    )
    assert postgres_database.drivername == "postgresql+psycopg"
    assert ask(postgres_database, "SELECT current_database()") == [postgres_database.database]
    assert ask(postgres_database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
