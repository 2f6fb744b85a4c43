"""Our runner: it goes up and down between revisions, all or nothing, in the caller's transaction, one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, inspect

from casewright import StorageError
from casewright.adapters.sqlalchemy import (
    TABLES,
    SqlAlchemyStore,
    Tables,
    check,
    downgrade,
    upgrade,
)
from casewright.adapters.sqlalchemy.versions import BASE, HEAD, REVISIONS
from casewright.domain.ids import NO_TENANT
from support.migrations import proposals, shape, structure
from support.stores import a_created_task, record

PLACES = [TABLES, Tables(prefix="shop_"), Tables(prefix="z9_", schema="other")]
KINDS = ["plain", "prefix", "schema"]
AWKWARD = {
    "pk": "%(table_name)s_pkey",
    "ix": "%(column_0_label)s_%(table_name)s_%(constraint_name)s",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
"""A naming convention that renames even what has a name."""


def up(engine: Engine, **options: Any) -> None:
    """Upgrade, and commit."""
    with engine.begin() as connection:
        upgrade(connection, **options)


def down(engine: Engine, **options: Any) -> None:
    """Downgrade, and commit."""
    with engine.begin() as connection:
        downgrade(connection, **options)


def differences(engine: Engine, tables: Tables | None = None) -> list[str]:
    """Return the code of each difference."""
    with engine.connect() as connection:
        return [one.code for one in check(connection, tables=tables)]


def everything(engine: Engine) -> Any:
    """Return all that both schemas hold, the table of the version among it."""
    with engine.connect() as connection:
        return structure(connection), structure(connection, "other")


@pytest.mark.parametrize("tables", PLACES, ids=KINDS)
def test_an_upgrade_makes_what_the_store_would(empty: Engine, tables: Tables) -> None:
    """The revisions make, to the last name and collation, what create_schema makes and the metadata says (T1)."""
    up(empty, tables=tables)
    made = everything(empty)
    assert proposals(empty, tables.metadata, tables) == []
    assert differences(empty, tables) == []
    SqlAlchemyStore(empty, tables=tables).ping()
    down(empty, tables=tables, to="base")
    SqlAlchemyStore(empty, tables=tables).create_schema()
    assert everything(empty) == made
    down(empty, tables=tables, to="base")
    assert all(held in ({}, {"collations": []}) for held in everything(empty))


@pytest.mark.parametrize("tables", PLACES, ids=KINDS)
def test_each_revision_is_undone_by_its_way_down(empty: Engine, tables: Tables) -> None:
    """From each revision to each later one and back again, the schema is as it was (T1)."""
    seen = [everything(empty)]
    for revision in REVISIONS:
        up(empty, tables=tables, to=revision)
        seen.append(everything(empty))
    assert all(before != after for before, after in itertools.pairwise(seen))
    names = [BASE, *REVISIONS]
    for low in range(len(names)):
        for high in range(low, len(names)):
            down(empty, tables=tables, to=names[low])
            assert everything(empty) == seen[low]
            up(empty, tables=tables, to=names[high])
            assert everything(empty) == seen[high]
        up(empty, tables=tables)


def test_where_it_is_already_an_upgrade_does_nothing(empty: Engine) -> None:
    """After create_schema, and after an upgrade, another upgrade changes nothing, and rows stay."""
    store = SqlAlchemyStore(empty)
    store.create_schema()
    record(store, a_created_task())
    before = everything(empty)
    up(empty)
    up(empty, to=HEAD)
    assert everything(empty) == before
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x1") is not None
    store.create_schema()
    assert everything(empty) == before


def test_rows_survive_the_way_down_and_up(empty: Engine) -> None:
    """What the first revision's tables hold is there after going back to it and up again."""
    up(empty)
    record(SqlAlchemyStore(empty), a_created_task())
    down(empty, to=REVISIONS[0])
    up(empty)
    with SqlAlchemyStore(empty).begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("x1") is not None


@pytest.mark.parametrize("begun", [False, True])
def test_it_is_the_callers_transaction(empty: Engine, begun: bool) -> None:
    """Nothing is committed but by the caller: what he rolls back was never there, his own tables included (T1)."""
    with empty.connect() as connection:
        if begun:
            connection.begin()
        upgrade(connection)
        connection.exec_driver_sql("CREATE TABLE ours (one INTEGER)")
        assert inspect(connection).has_table("casewright_item")
        connection.rollback()
        assert inspect(connection).get_table_names() == []
        connection.rollback()
        upgrade(connection)
        connection.commit()
    assert differences(empty) == []


@pytest.mark.parametrize("start", [BASE, *REVISIONS[:-1]])
def test_what_fails_half_way_leaves_nothing(empty: Engine, start: str) -> None:
    """Where a revision fails, none of it is left, even if the caller commits; his connection can still be used (T1)."""
    up(empty, to=start)
    before = shape(empty)
    with empty.connect() as connection:
        connection.begin()
        connection.exec_driver_sql("CREATE TABLE ours (one INTEGER)")
        connection.exec_driver_sql("CREATE INDEX ix_casewright_note_tenant_item_id_version ON ours (one)")
        with pytest.raises(StorageError, match="refused what the store asked"):
            upgrade(connection)
        connection.exec_driver_sql("INSERT INTO ours VALUES (1)")
        connection.commit()
        connection.exec_driver_sql("DROP TABLE ours")
        connection.commit()
    assert shape(empty) == before
    up(empty)
    assert differences(empty) == []


def test_what_fails_on_the_way_down_leaves_all(empty: Engine) -> None:
    """Where the way down fails at its end, all is as it was (T1)."""
    up(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE casewright_item RENAME TO kept")
    before = everything(empty)
    with empty.connect() as connection:
        with pytest.raises(StorageError, match="refused what the store asked"):
            downgrade(connection, to="base")
        connection.commit()
    assert everything(empty) == before


@pytest.mark.parametrize("tables", PLACES, ids=KINDS)
def test_an_older_schema_is_refused(empty: Engine, tables: Tables) -> None:
    """On an older schema the first begin, ping and create_schema say so and name the command; then all is well."""
    up(empty, tables=tables, to=REVISIONS[0])
    store = SqlAlchemyStore(empty, tables=tables)
    prefix = "" if tables is TABLES else f" --prefix {tables.prefix}"
    schema = "" if tables.schema is None else " --schema other"
    line = f"bring it up to date: python -m casewright schema --upgrade URL{prefix}{schema}"
    for question in (store.ping, store.create_schema, store.present_tables, lambda: store.begin(tenant=NO_TENANT)):
        with pytest.raises(StorageError) as caught:
            question()
        assert caught.value.problem == f"the schema is of the revision {REVISIONS[0]}, older than {HEAD}"
        assert caught.value.advice == line
    up(empty, tables=tables)
    record(store, a_created_task())


def test_a_newer_schema_is_refused(empty: Engine) -> None:
    """On a schema of a newer version every question says so, and neither upgrade nor downgrade touches it."""
    up(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("UPDATE casewright_version SET version_num = 'casewright_9999'")
    before = everything(empty)
    store = SqlAlchemyStore(empty)
    questions: list[Callable[[], object]] = [
        store.ping,
        store.create_schema,
        lambda: store.begin(tenant=NO_TENANT),
        lambda: up(empty),
        lambda: down(empty, to="base"),
    ]
    for question in questions:
        with pytest.raises(StorageError) as caught:
            question()
        assert caught.value.problem == "the schema is of a newer version of casewright than this one"
        assert caught.value.advice == "use the version of casewright that made it, or a newer one"
    assert everything(empty) == before
    assert differences(empty) == ["newer"]


def test_a_joined_store_refuses_too(empty: Engine) -> None:
    """A store that takes part in a caller's transaction refuses an older schema, and leaves the transaction usable."""
    up(empty, to=REVISIONS[0])
    with empty.connect() as connection:
        connection.exec_driver_sql("BEGIN" if empty.name == "sqlite" else "SELECT 1")
        with pytest.raises(StorageError, match="older than"):
            SqlAlchemyStore.joining(connection).begin(tenant=NO_TENANT)
        connection.exec_driver_sql("SELECT 1")


@pytest.mark.parametrize("partly", [False, True])
def test_tables_of_another_history_are_left_alone(empty: Engine, partly: bool) -> None:
    """Where the tables are there, but no revision, upgrade refuses; create_schema adds what is missing and no more."""
    TABLES.metadata.create_all(empty, tables=TABLES.all[:2] if partly else None)
    before = everything(empty)
    with pytest.raises(StorageError, match="nothing says of which revision they are; go on with the history"):
        up(empty)
    assert everything(empty) == before
    SqlAlchemyStore(empty).create_schema()
    with empty.connect() as connection:
        assert not inspect(connection).has_table("casewright_version")
    assert differences(empty) == []


def test_an_empty_table_of_the_version_is_a_beginning(empty: Engine) -> None:
    """Where only the table of the version is there, without a revision, upgrade and create_schema begin with it."""
    makers: list[Callable[[], object]] = [lambda: up(empty), SqlAlchemyStore(empty).create_schema]
    for make in makers:
        with empty.begin() as connection:
            TABLES.version.create(connection)
        make()
        assert differences(empty) == []
        SqlAlchemyStore(empty).ping()
        up(empty)
        down(empty, to="base")


def test_create_schema_mends_what_it_has_begun(empty: Engine) -> None:
    """Where the revision is noted but tables are gone, begin names them and create_schema makes them again."""
    store = SqlAlchemyStore(empty)
    store.create_schema()
    TABLES.metadata.drop_all(empty)
    with pytest.raises(StorageError, match="has no casewright_denial"):
        store.ping()
    store.create_schema()
    store.ping()
    assert differences(empty) == []


def test_it_goes_only_the_way_that_it_is_called(empty: Engine) -> None:
    """Upgrade never goes down and downgrade never up: both say where the schema is, and what to call."""
    up(empty)
    with pytest.raises(StorageError, match=rf"of the revision {HEAD}: {REVISIONS[0]} is earlier; call downgrade\(\)"):
        up(empty, to=REVISIONS[0])
    down(empty, to=REVISIONS[0])
    with pytest.raises(StorageError, match=rf"of the revision {REVISIONS[0]}: {HEAD} is later; call upgrade\(\)"):
        down(empty, to="head")
    down(empty, to=REVISIONS[0])
    assert differences(empty)[0] == "older"


def test_names_are_ours_under_every_convention(empty: Engine) -> None:
    """On metadata of the caller's, whatever its naming convention, keys and indexes have the names of the revisions."""
    up(empty)
    made = shape(empty)
    down(empty, to="base")
    theirs = Tables(MetaData(naming_convention=AWKWARD))
    theirs.metadata.create_all(empty)
    assert shape(empty) == made
    assert proposals(empty, theirs.metadata, theirs) == []


def test_a_schema_that_is_not_there_is_named_as_the_cause(empty: Engine) -> None:
    """Where the database has no such schema, the error says so, and nothing is made."""
    with pytest.raises(StorageError) as caught:
        up(empty, tables=Tables(schema="nowhere"))
    if empty.name == "postgresql":
        assert caught.value.problem == "the schema that the tables are to be in is not there"
    assert all(held in ({}, {"collations": []}) for held in everything(empty))
