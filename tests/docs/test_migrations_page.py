"""The page about migrations: the project that it shows works as it says."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from alembic.config import main as alembic
from sqlalchemy import URL, Column, Engine, Integer, MetaData, Table, create_engine, inspect

from casewright.adapters.sqlalchemy import SqlAlchemyStore, Tables, check
from support.migrations import Project, proposals

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "own-your-migrations.md").read_text(encoding="utf-8")
FIRST, LATER = re.findall(r"`alembic (revision [^`]*)`", PAGE)
INI = """
[alembic]
script_location = %(here)s/migrations
path_separator = newline
version_locations =
    %(here)s/migrations/versions
    casewright.adapters.sqlalchemy:migrations
"""


def block(language: str) -> str:
    """Return the one block of a language on the page."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def call(command: str) -> str:
    """Return what Alembic prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        alembic(argv=command.split())
    return printed.getvalue()


@pytest.fixture(params=["pyproject", "generic"])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new project of Alembic's, changed as the page says; it is the current folder."""
    monkeypatch.chdir(tmp_path)
    call(f"init -t {request.param} migrations")
    if request.param == "generic":
        (tmp_path / "alembic.ini").write_text(INI)
    else:
        (tmp_path / "pyproject.toml").write_text(block("toml"))
        (tmp_path / "alembic.ini").unlink()
    (tmp_path / "migrations" / "env.py").write_text(block("py"))
    return tmp_path


def proposed(folder: Path) -> set[str]:
    """Return the tables that the revisions of the project make."""
    texts = [path.read_text(encoding="utf-8") for path in (folder / "migrations" / "versions").glob("*.py")]
    return {name for text in texts for name in re.findall(r"op\.create_table\(['\"](\w+)", text)}


def is_whole(engine: Engine, tables: Tables) -> bool:
    """Return whether the schema of the store is as it should be."""
    with engine.connect() as connection:
        return check(connection, tables=tables) == ()


def test_the_project_works_as_the_page_says(project: Path) -> None:
    """Its commands move both branches, propose only what is theirs, and leave a schema that a store can use."""
    engine, tables = create_engine(f"sqlite:///{project / 'post.db'}"), Tables(prefix="post_")
    call("upgrade casewright@head")
    assert is_whole(engine, tables)
    call(f"{FIRST} -m one")
    assert proposed(project) == {"parcel"}
    call("upgrade heads")
    assert inspect(engine).has_table("parcel")
    call(f"{LATER} -m two")
    assert proposed(project) == {"parcel"}
    call("upgrade heads")
    assert proposals(engine, [tables.metadata], tables)[0][0] == "remove_table"  # theirs, of which ours know nothing
    SqlAlchemyStore(engine, tables=tables).ping()
    call("downgrade casewright@base")
    assert not is_whole(engine, tables)
    assert "CREATE TABLE post_item" in call_offline(project)
    call("upgrade heads")
    assert is_whole(engine, tables)
    engine.dispose()


def test_the_page_keeps_autogenerate_out_of_the_schemas_of_others(postgres_database: URL, tmp_path: Path) -> None:
    """With what the page passes where there is a schema, tables in those of others are not proposed to be dropped."""
    (filter_,) = re.findall(r'^def include_name\([^\n]*\n[^\n]*"schema"[^\n]*\n', PAGE, re.MULTILINE)
    names: dict[str, Any] = {}
    exec(filter_, names)
    engine, tables, mine = create_engine(postgres_database), Tables(prefix="post_", schema="cases"), MetaData()
    Table("parcel", mine, Column("id", Integer, primary_key=True))
    with engine.begin() as connection:
        for statement in ("CREATE SCHEMA cases", "CREATE SCHEMA other", "CREATE TABLE other.thing (id integer)"):
            connection.exec_driver_sql(statement)
    options = {"target_metadata": [mine, tables.metadata], "casewright_tables": tables, "include_schemas": True}
    careless = Project(tmp_path / "careless", engine, ours=True, **options)
    careful = Project(tmp_path / "careful", engine, ours=True, include_name=names["include_name"], **options)
    careful.upgrade("casewright@head")
    dropped = [
        "op.drop_table('thing'" in project.revise(head="base", version_path=str(project.folder / "versions"))
        for project in (careless, careful)
    ]
    assert dropped == [True, False]
    engine.dispose()


def call_offline(project: Path) -> str:
    """Return the SQL of our branch, as Alembic prints it without a database."""
    env = project / "migrations" / "env.py"
    online = env.read_text(encoding="utf-8")
    offline = online.replace("connection=connection,", "dialect_name='sqlite', as_sql=True,")
    env.write_text(offline)
    try:
        return call("upgrade casewright@head --sql")
    finally:
        env.write_text(online)
