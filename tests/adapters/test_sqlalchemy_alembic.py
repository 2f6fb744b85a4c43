"""Our tables in the history of somebody who uses Alembic: by our branch of revisions, or by autogenerate."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Engine, Integer, MetaData, Table, inspect

from casewright import MisuseError
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore, Tables, check
from casewright.adapters.sqlalchemy.revising import place
from casewright.adapters.sqlalchemy.versions import HEAD, REVISIONS
from support.migrations import Project, proposals, shape
from support.stores import a_created_task, record

PLACES = [TABLES, Tables(prefix="shop_"), Tables(prefix="z9_", schema="other")]
KINDS = ["plain", "prefix", "schema"]
CONVENTION = {"pk": "%(table_name)s_pkey", "ix": "%(table_name)s_%(column_0_name)s_%(constraint_name)s"}


def their_metadata(**options: Any) -> MetaData:
    """Return metadata with a table of somebody else's."""
    metadata = MetaData(**options)
    Table("parcel", metadata, Column("id", Integer, primary_key=True))
    return metadata


def revisions_of(engine: Engine) -> set[str]:
    """Return what their history says that the database is of."""
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads())


def made_by_the_store(engine: Engine, tables: Tables) -> dict[str, Any]:
    """Return what a schema holds after create_schema, and leave the database empty again."""
    SqlAlchemyStore(engine, tables=tables).create_schema()
    made = shape(engine, tables.schema)
    tables.metadata.drop_all(engine, tables=tables.all)
    tables.version.drop(engine)
    return made


def without_theirs(held: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema holds but for the table of somebody else's."""
    return {name: one for name, one in held.items() if name != "parcel"}


@pytest.mark.parametrize("tables", PLACES, ids=KINDS)
def test_our_branch_runs_in_their_history(empty: Engine, tables: Tables, tmp_path: Path) -> None:
    """Their `upgrade heads` moves both branches; autogenerate for both proposes only theirs; our branch goes alone."""
    made = made_by_the_store(empty, tables)
    theirs = their_metadata()
    options: dict[str, Any] = {
        "target_metadata": [theirs, tables.metadata],
        "casewright_tables": tables,
        "include_schemas": tables.schema is not None,
    }
    project = Project(tmp_path / "project", empty, ours=True, **options)
    project.upgrade("heads")
    assert revisions_of(empty) == {HEAD}
    assert without_theirs(shape(empty, tables.schema)) == made

    text = project.revise(head="base", branch_label="app", version_path=str(tmp_path / "project" / "versions"))
    assert re.findall(r"op\.(\w+)\(['\"](\w+)", text) == [("create_table", "parcel"), ("drop_table", "parcel")]
    project.upgrade("heads")
    assert len(revisions_of(empty)) == 2
    assert HEAD in revisions_of(empty)
    assert proposals(empty, [theirs, tables.metadata], tables) == []
    with empty.connect() as connection:
        assert check(connection, tables=tables) == ()
    SqlAlchemyStore(empty, tables=tables).ping()

    project.downgrade("casewright@base")
    assert HEAD not in revisions_of(empty)
    assert set(without_theirs(shape(empty, tables.schema))) - {"collations"} == set()
    project.upgrade("casewright@head")
    assert without_theirs(shape(empty, tables.schema)) == made
    record(SqlAlchemyStore(empty, tables=tables), a_created_task())


def test_a_naming_convention_of_theirs_renames_nothing_of_ours(empty: Engine, tmp_path: Path) -> None:
    """Under their naming convention our branch makes the same names, and autogenerate finds nothing to rename."""
    made = made_by_the_store(empty, TABLES)
    theirs = their_metadata(naming_convention=CONVENTION)
    tables = Tables(theirs)
    project = Project(tmp_path / "project", empty, ours=True, target_metadata=theirs)
    project.upgrade("heads")
    assert shape(empty) == made
    text = project.revise(head="base", version_path=str(tmp_path / "project" / "versions"))
    assert "casewright_" not in re.sub(r"import casewright\S*", "", text)
    assert tables.metadata is theirs


def test_each_of_our_revisions_is_undone_in_their_history(empty: Engine, tmp_path: Path) -> None:
    """Alembic's own runner takes our branch up and down one revision at a time, and leaves nothing at the end."""
    project = Project(tmp_path / "project", empty, ours=True, target_metadata=None)
    seen = []
    for revision in REVISIONS:
        project.upgrade(revision)
        seen.append(shape(empty))
    assert all(before != after for before, after in itertools.pairwise(seen))
    for revision, before in reversed(list(zip(REVISIONS, seen, strict=True))):
        project.downgrade(revision)
        assert shape(empty) == before
    project.downgrade("base")
    assert set(shape(empty)) == {"collations"}


def test_an_older_branch_is_found_by_what_it_lacks(empty: Engine, tmp_path: Path) -> None:
    """Where their history keeps the revision, check finds by the structure what ours would add, and says both ways."""
    project = Project(tmp_path / "project", empty, ours=True, target_metadata=None)
    project.upgrade(REVISIONS[0])
    with empty.connect() as connection:
        found = check(connection)
    assert {one.code for one in found} == {"no_index"}
    assert all("--upgrade URL, or your own migrations" in one.mend for one in found)


@pytest.mark.parametrize("place", PLACES, ids=KINDS)
def test_their_autogenerate_makes_our_tables(empty: Engine, place: Tables, tmp_path: Path) -> None:
    """With our tables on their metadata, one autogenerated revision makes and drops just what create_schema makes."""
    made = made_by_the_store(empty, place)
    theirs = their_metadata()
    tables = Tables(theirs, prefix=place.prefix, schema=place.schema)
    options: dict[str, Any] = {"target_metadata": theirs, "include_schemas": tables.schema is not None}
    project = Project(tmp_path / "project", empty, ours=False, **options)
    project.revise()
    project.upgrade("head")
    assert without_theirs(shape(empty, tables.schema)) == made
    assert proposals(empty, theirs, tables) == []
    with empty.connect() as connection:
        assert check(connection, tables=tables) == ()
    record(SqlAlchemyStore(empty, tables=tables), a_created_task())
    assert "pass" in project.revise()

    project.downgrade("base")
    with empty.connect() as connection:
        assert inspect(connection).get_table_names(schema=tables.schema) in ([], ["alembic_version"])


def test_only_tables_say_where_a_revision_works() -> None:
    """An option that holds no Tables is refused with what it should hold; without it, names are as everywhere."""
    for options, expected in (({}, ("casewright_", None)), ({"casewright_tables": PLACES[2]}, ("z9_", "other"))):
        assert place(MigrationContext.configure(dialect_name="sqlite", opts=options)) == expected
    context = MigrationContext.configure(dialect_name="sqlite", opts={"casewright_tables": "shop_"})
    with pytest.raises(MisuseError, match=r"context.configure\(casewright_tables=\) must hold Tables, not str"):
        place(Operations(context).get_context())
