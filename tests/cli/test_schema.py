"""`schema`: the SQL that makes or migrates the tables, the check of a database, and its upgrade."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine

from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore, Tables, check, upgrade
from casewright.adapters.sqlalchemy.versions import BASE, HEAD, REVISIONS
from casewright.cli import main
from support.migrations import structure
from support.programs import run_program, without_sqlalchemy


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a call that ends well prints."""
    assert main(["schema", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_written(path: Path, script: str) -> Any:
    """Return what a SQLite file holds after a script of SQL."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("SELECT * FROM casewright_version").scalars().all()
            return structure(connection), version
    finally:
        engine.dispose()


def as_upgraded(path: Path, to: str) -> Any:
    """Return what a SQLite file holds after an upgrade."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            upgrade(connection, to=to)
            version = connection.exec_driver_sql("SELECT * FROM casewright_version").scalars().all()
            return structure(connection), version
    finally:
        engine.dispose()


def test_the_printed_sql_makes_what_the_store_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The SQL for SQLite makes just what create_schema makes, so that upgrades go on from it."""
    script = printed(capsys, "--dialect", "sqlite")
    assert as_written(tmp_path / "script.db", script) == as_upgraded(tmp_path / "upgraded.db", "head")


@pytest.mark.parametrize("start", [BASE, *REVISIONS])
def test_the_printed_migration_goes_the_same_way(
    start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From each revision to each other one, up or down, the printed SQL does what the runner does."""
    for to in REVISIONS:
        script = printed(capsys, "--dialect", "sqlite", "--from", start, "--to", to)
        path = tmp_path / f"{to}.db"
        if start != BASE:
            as_upgraded(path, start)
        assert as_written(path, script) == as_upgraded(tmp_path / f"upgraded-{to}.db", to)
    assert printed(capsys, "--dialect", "sqlite", "--from", start) == printed(
        capsys, "--dialect", "sqlite", "--from", start, "--to", "head"
    )


def test_the_printed_sql_works_on_postgresql(postgres_database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    """The SQL for PostgreSQL, at once or revision by revision, makes a schema that check finds nothing in."""
    engine = create_engine(postgres_database)
    tables = Tables(prefix="cli_", schema="other")
    place = ["--dialect", "postgresql", "--prefix", "cli_", "--schema", "other"]
    whole = [printed(capsys, *place)]
    steps = [
        printed(capsys, *place, "--from", before, "--to", after)
        for before, after in zip([BASE, *REVISIONS], REVISIONS, strict=False)
    ]
    down = printed(capsys, *place, "--from", "head", "--to", "base")
    for scripts in (whole, steps):
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE SCHEMA other")
            for script in scripts:
                connection.exec_driver_sql(script.replace("BEGIN;", "").replace("COMMIT;", ""))
            assert check(connection, tables=tables) == ()
            connection.exec_driver_sql(down.replace("BEGIN;", "").replace("COMMIT;", ""))
            assert len(check(connection, tables=tables)) == len(tables.all)
            connection.rollback()
    engine.dispose()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mariadb"])
def test_what_can_be_undone_is_one_transaction(dialect: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A script is one transaction where the database can undo it; MariaDB's cannot, and its text is binary."""
    for further in ([], ["--from", "base"]):
        script = printed(capsys, "--dialect", dialect, *further)
        assert script.count("CREATE TABLE") == len(TABLES.all) + 1
        assert script.count("CREATE INDEX") == sum(len(table.indexes) for table in TABLES.all)
        is_whole = script.startswith("BEGIN;\n") and script.endswith("\nCOMMIT;\n")
        assert is_whole == (dialect != "mariadb")
        assert (" COLLATE utf8mb4_nopad_bin " in script) == (dialect == "mariadb")
        assert json.loads(printed(capsys, "--dialect", dialect, "--json", *further)) == {
            "dialect": dialect,
            "sql": script.removesuffix("\n"),
        }


def test_from_a_revision_to_itself_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is nothing to do, the script says so in a comment."""
    assert printed(capsys, "--dialect", "postgresql", "--from", "head") == "-- nothing is to be done\n"


@pytest.mark.parametrize("place", [[], ["--prefix", "shop_"]])
def test_check_and_upgrade_a_database(place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check tells each difference and ends with 1, upgrade mends them all, and then check ends with 0."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    for _ in range(2):
        assert main(["schema", "--check", url, *place]) == 1
        out, err = capsys.readouterr()
        assert err == ""
        assert out.count("is not there; bring it up to date") == len(TABLES.all)
        assert all(len(line) <= 80 for line in out.splitlines())
    assert main(["schema", "--check", url, "--json", *place]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [sorted(one) for one in findings] == [["code", "mend", "what", "where"]] * len(TABLES.all)
    assert {one["code"] for one in findings} == {"no_table"}
    assert printed(capsys, "--upgrade", url, *place) == f"the schema is of the revision {HEAD}\n"
    assert json.loads(printed(capsys, "--upgrade", url, "--json", *place)) == {"revision": HEAD}
    assert printed(capsys, "--check", url, *place) == "the tables are as they should be\n"
    assert json.loads(printed(capsys, "--check", url, "--json", *place)) == {"findings": []}


def test_the_command_that_a_store_names_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a store on an older schema tells to call, called with a URL, is all that it needs."""
    tables = Tables(prefix="shop_")
    engine = create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    with engine.begin() as connection:
        upgrade(connection, tables=tables, to=REVISIONS[0])
    store = SqlAlchemyStore(engine, tables=tables)
    with pytest.raises(Exception, match=r"python -m casewright schema --upgrade URL --prefix shop_$") as caught:
        store.ping()
    words = str(caught.value).partition("python -m casewright ")[2].split()
    assert main([str(engine.url) if word == "URL" else word for word in words]) == 0
    store.ping()
    engine.dispose()


def a_failing_index(engine: Engine) -> None:
    """Take a name that the last revision needs."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ours (one INTEGER)")
        connection.exec_driver_sql("CREATE INDEX ix_casewright_note_tenant_item_id_version ON ours (one)")


def foreign_tables(engine: Engine) -> None:
    """Make the tables without a revision."""
    TABLES.metadata.create_all(engine)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (a_failing_index, "the database refused what the store asked"),
        (foreign_tables, "nothing says of which revision"),
    ],
)
def test_an_upgrade_that_cannot_be_done_does_nothing(
    damage: Callable[[Engine], None], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where an upgrade fails, one line says why, with code 2, and the database is as it was."""
    engine = create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    damage(engine)
    with engine.connect() as connection:
        before = structure(connection)
    assert main(["schema", "--upgrade", str(engine.url)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err
    with engine.connect() as connection:
        assert structure(connection) == before
    engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "one of the arguments --dialect --check --upgrade is required"),
        (["--dialect", "oracle"], "invalid choice: 'oracle'"),
        (["--dialect", "sqlite", "--check", "x"], "not allowed with argument"),
        (
            ["--dialect", "sqlite", "--to", "head"],
            "--to: says where a migration ends, but none is asked for; add --from",
        ),
        (["--check", "sqlite://", "--from", "base"], "--from: is for printing SQL; add --dialect, or leave it out"),
        (["--dialect", "sqlite", "--from", "nix"], "--from: is no revision of the schema; there are base, casewright_"),
        (
            ["--dialect", "sqlite", "--from", "base", "--to", "nix"],
            "--to: is no revision of the schema; there are base",
        ),
        (["--dialect", "sqlite", "--prefix", "1"], "prefix: must be up to 20 lower-case ASCII letters"),
        (["--dialect", "sqlite", "--schema", "1"], "schema: must be up to 63 ASCII letters"),
    ],
)
def test_bad_arguments_end_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that make no sense are bad input: code 2, one line, nothing on stdout."""
    assert main(["schema", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """Without SQLAlchemy nothing can be done, and without Alembic no migration: the line that installs it is shown."""
    done = without_sqlalchemy("schema", "--dialect", "sqlite")
    assert done.returncode == 2
    assert done.stderr.endswith('python -m pip install "casewright[sqlalchemy]"\n')
    url = f"sqlite:///{tmp_path / 'store.db'}"
    first = "import sys; sys.modules['alembic'] = None"
    for arguments in (["--upgrade", url], ["--dialect", "sqlite", "--from", "base"]):
        done = run_program("schema", *arguments, first=first)
        assert (done.returncode, done.stdout) == (2, "")
        says = f'casewright: {arguments[-2]}: migrations need Alembic: python -m pip install "casewright[migrations]"\n'
        assert done.stderr == says.replace("--dialect", "--from")
    assert run_program("schema", "--dialect", "sqlite", first=first).returncode == 0
