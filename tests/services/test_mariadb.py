"""The MariaDB server of `nox -s mariadb`: real, hard to please, private, and gone when it should be."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from support.debian import unpacked
from support.keeper import as_user
from support.mariadb import MariaDbServer, start_mariadb
from support.mariadb import mariadb_server as found_server


def ask(url: URL, *questions: str) -> list[Any]:
    """Ask some questions on a connection of its own, and return the first column of the last answer."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            answers = [connection.execute(text(question)) for question in questions]
            return list(answers[-1].scalars()) if answers[-1].returns_rows else []
    finally:
        engine.dispose()


def test_a_server_is_what_it_says(mariadb_server: MariaDbServer) -> None:
    """It tells its version, and is reached through a socket in a folder that only its user can enter."""
    assert mariadb_server.kept is not None
    major, minor = mariadb_server.version
    assert ask(mariadb_server.url(), "SELECT @@version")[0].startswith(f"{major}.{minor}.")
    assert ask(mariadb_server.url(), "SELECT @@skip_networking") == [1]
    folder = mariadb_server.kept.folder.stat()
    assert folder.st_uid == (as_user("nobody")["user"] if os.geteuid() == 0 else os.geteuid())
    assert folder.st_mode & 0o777 == 0o700


def test_a_server_answers_over_each_driver(mariadb_database: URL) -> None:
    """What PyMySQL wrote, asyncmy reads."""
    ask(mariadb_database, "CREATE TABLE said (word varchar(9))", "INSERT INTO said VALUES ('hello \N{ROCKET}')")

    async def read() -> list[Any]:
        engine = create_async_engine(mariadb_database.set(drivername="mariadb+asyncmy"))
        async with engine.connect() as connection:
            answer = list(await connection.scalars(text("SELECT word FROM said")))
        await engine.dispose()
        return answer

    assert asyncio.run(read()) == ["hello \N{ROCKET}"]


def test_texts_are_hard_to_tell_apart_in_a_database(mariadb_database: URL) -> None:
    """Without a binary collation texts that differ in case, accent or a final blank are one."""
    made = "CREATE TABLE ids (id varchar(9) PRIMARY KEY)"
    ask(mariadb_database, made, "INSERT INTO ids VALUES ('a')")
    for same in ("A", "á", "a "):
        assert ask(mariadb_database, f"SELECT id FROM ids WHERE id = '{same}'") == ["a"]


def test_databases_do_not_see_each_other(mariadb_server: MariaDbServer) -> None:
    """A table of one database is not there in another, and a database is gone when it is dropped."""
    one, other = mariadb_server.new_database(), mariadb_server.new_database()
    ask(mariadb_server.url(database=one), "CREATE TABLE mine (id integer)")
    with pytest.raises(ProgrammingError, match="doesn't exist"):
        ask(mariadb_server.url(database=other), "SELECT * FROM mine")
    mariadb_server.drop_database(one)
    mariadb_server.drop_database(other)
    assert not {one, other} & set(ask(mariadb_server.url(), "SHOW DATABASES"))


def test_nothing_is_left_of_a_server_that_was_stopped(mariadb_server: MariaDbServer) -> None:
    """After `stop` its process does not live and its folder is gone; its packages are there for the next one."""
    packages = Path(os.environ["CASEWRIGHT_MARIADB"])
    kept = start_mariadb(packages).kept
    assert kept is not None
    os.kill(kept.pid, 0)
    kept.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(kept.pid, 0)
    assert not kept.folder.exists()
    assert [one.name for one in unpacked(packages).parent.iterdir()].count("root") == 1


def test_a_server_of_somebody_else_is_used_and_left_running(
    mariadb_server: MariaDbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that CASEWRIGHT_MARIADB_URL names comes before any of our own, and `stop` does not touch it."""
    monkeypatch.setenv("CASEWRIGHT_MARIADB_URL", mariadb_server.url().render_as_string(hide_password=False))
    given = found_server()
    assert (given.version, given.kept) == (mariadb_server.version, None)
    given.stop()
    assert ask(given.url(), "SELECT @@socket") == ask(mariadb_server.url(), "SELECT @@socket")
