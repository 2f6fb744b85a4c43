"""`check`: it says all in which a database is not as it should be, and nothing of what is its owner's own matter."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.visitors import iterate

from casewright.adapters.sqlalchemy import TABLES, Difference, SqlAlchemyStore, Tables, check
from casewright.adapters.sqlalchemy.databases import database_of
from casewright.domain.ids import NO_TENANT


def seen(engine: Engine, tables: Tables = TABLES) -> tuple[Difference, ...]:
    """Return what check finds."""
    with engine.connect() as connection:
        return check(connection, tables=tables)


def short(found: tuple[Difference, ...]) -> list[tuple[str, str]]:
    """Return of each difference what kind it is and where it was found."""
    return [(one.code, one.where) for one in found]


def make(engine: Engine, tables: list[Table]) -> None:
    """Make just these tables, in place of what is there."""
    present = MetaData()
    present.reflect(engine)
    present.drop_all(engine)
    with engine.begin() as connection:
        for table in tables:
            table.create(connection)


def copied(table: Table, **changes: Any) -> Table:
    """Return a table like ours, with one column left out, added or otherwise: ``name=None``, ``name=Column(...)``."""
    columns = [changes.get(column.name, column) for column in table.c]
    added = [column for name, column in changes.items() if name not in table.c]
    kept = [column._copy() for column in [*columns, *added] if column is not None]
    names = {column.name for column in kept}
    copy = Table(table.name, MetaData(), *kept, schema=table.schema)
    key = [column.name for column in table.primary_key if column.name in names]
    copy.append_constraint(PrimaryKeyConstraint(*key, name=f"pk_{table.name}"))
    for index in table.indexes:
        parts = [column.name for column in index.columns]
        if needs(index) <= names:
            Index(index.name, *(copy.c[name] for name in parts), **index.dialect_kwargs)
    return copy


def needs(index: Index) -> set[str]:
    """Return the names of all columns without which the index cannot be made."""
    where = index.dialect_options["sqlite"]["where"]
    told = [] if where is None else list(iterate(where))
    return {column.name for column in [*index.columns, *told] if isinstance(column, Column)}


def test_where_all_is_well_it_says_nothing(empty: Engine) -> None:
    """On what create_schema makes there is nothing to say, whatever else its owner has added."""
    SqlAlchemyStore(empty).create_schema()
    assert seen(empty) == ()
    with empty.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX ours ON casewright_item (title)")
        connection.exec_driver_sql("CREATE TABLE casewright_ours (one INTEGER)")
    assert seen(empty) == ()


def test_it_names_each_missing_table(empty: Engine) -> None:
    """In an empty database each table is missing; any one, and any two of them, are named, and no other."""
    tables = TABLES.all
    for missing in [tables, *((one,) for one in tables), *combinations(tables, 2)]:
        make(empty, [table for table in tables if table not in missing])
        assert short(seen(empty)) == [("no_table", f"the table {table.name}") for table in missing]


@pytest.mark.parametrize("name", [table.name for table in TABLES.all])
def test_it_names_each_missing_column(empty: Engine, name: str) -> None:
    """A column that is not there is named, with the indexes and the key that need it."""
    table = TABLES.metadata.tables[name]
    for column in table.c:
        make(empty, [copied(one, **({column.name: None} if one is table else {})) for one in TABLES.all])
        found = seen(empty)
        assert found[0].code == "no_column"
        assert found[0].what == f"lacks the column {column.name}"
        lost = [str(index.name) for index in sorted(table.indexes, key=str) if column.name in needs(index)]
        assert [one.code for one in found[1:]] == ["key"] * column.primary_key + ["no_index"] * len(lost)
        assert all(one.where == f"the table {name}" for one in found)


@pytest.mark.parametrize("name", [table.name for table in TABLES.all])
def test_it_names_each_column_that_is_otherwise(empty: Engine, name: str) -> None:
    """Another type, NULL where there must be none, or none where there may be, and a further column are found."""
    table = TABLES.metadata.tables[name]
    for column in table.c:
        if column.primary_key:
            continue
        other = Column(column.name, column.type, nullable=not column.nullable)
        make(empty, [copied(one, **({column.name: other} if one is table else {})) for one in TABLES.all])
        assert short(seen(empty)) == [("null", f"the column {name}.{column.name}")]
        wrong = Text(collation="C") if empty.name == "postgresql" else Text()
        type_ = Integer() if isinstance(column.type, Text) or column.type.python_type is not int else wrong
        other = Column(column.name, type_, nullable=column.nullable)
        make(empty, [copied(one, **({column.name: other} if one is table else {})) for one in TABLES.all])
        (found,) = seen(empty)
        assert (found.code, found.where) == ("type", f"the column {name}.{column.name}")
    make(empty, [copied(one, **({"zz": Column("zz", Integer)} if one is table else {})) for one in TABLES.all])
    (found,) = seen(empty)
    assert (found.code, found.what) == ("column", "also has the column zz")


INDEXES = [(table.name, str(index.name)) for table in TABLES.all for index in table.indexes]


@pytest.mark.parametrize(("table", "name"), INDEXES)
def test_it_names_each_missing_index(empty: Engine, table: str, name: str) -> None:
    """An index that is not there, is of other columns, of other rows or unique, is found by its name."""
    SqlAlchemyStore(empty).create_schema()
    (index,) = [one for one in TABLES.metadata.tables[table].indexes if one.name == name]
    partial = index.dialect_kwargs["sqlite_where"] is not None
    columns = ", ".join(column.name for column in index.columns)
    others = {
        f"CREATE INDEX {name} ON {table} (version)": True,
        f"CREATE UNIQUE INDEX {name} ON {table} ({columns})": True,
        f"CREATE INDEX {name} ON {table} ({columns})": partial,
        f"CREATE INDEX {name} ON {table} ({columns}) WHERE tenant IS NOT NULL": True,
    }
    with empty.begin() as connection:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    (found,) = seen(empty)
    assert (found.code, found.where, found.what) == ("no_index", f"the table {table}", f"lacks the index {name}")
    for statement, is_otherwise in others.items():
        with empty.begin() as connection:
            connection.exec_driver_sql(statement)
        assert short(seen(empty)) == [("index", f"the index {name}")] * is_otherwise
        with empty.begin() as connection:
            connection.exec_driver_sql(f"DROP INDEX {name}")


def test_it_names_each_column_that_orders_otherwise(empty: Engine) -> None:
    """On PostgreSQL each column of text that has another collation is named, also the database's default one."""
    if empty.name == "sqlite":
        assert database_of(empty.dialect).collations(TABLES.all) == ""
        return
    for collation in ("POSIX", "default"):
        SqlAlchemyStore(empty).create_schema()
        expected = []
        for table in TABLES.all:
            for column in table.c:
                if column.type.python_type is int:
                    continue
                where = f"{table.name}.{column.name}"
                with empty.begin() as connection:
                    change = f'ALTER TABLE {table.name} ALTER {column.name} TYPE text COLLATE "{collation}"'
                    connection.exec_driver_sql(change)
                expected.append(("collation", f"the column {where}"))
        found = seen(empty)
        assert sorted(short(found)) == sorted(expected)
        assert {one.what for one in found} == {f"has the collation {collation}, not C, which orders by code point"}
        make(empty, [])


def test_the_revision_speaks_first(empty: Engine) -> None:
    """Where the database keeps its revision, an older or newer one is the first thing that is said."""
    SqlAlchemyStore(empty).create_schema()
    for version, code in (("casewright_0001", "older"), ("zz", "newer"), (None, None)):
        with empty.begin() as connection:
            connection.execute(TABLES.version.delete())
            if version is not None:
                connection.execute(TABLES.version.insert().values(version_num=version))
        assert [one.code for one in seen(empty)] == [code] * (code is not None)


def test_a_difference_reads_as_a_line(empty: Engine) -> None:
    """Each difference is a line of where, what and how to mend it, for tables of that prefix and schema."""
    tables = Tables(prefix="z9_", schema="other")
    line = "the table z9_item: is not there; bring it up to date: python -m casewright schema --upgrade URL "
    assert str(seen(empty, tables)[0]) == line + "--prefix z9_ --schema other, or your own migrations"


def test_a_column_without_a_type_is_otherwise(empty: Engine) -> None:
    """SQLite lets a column have no type, which is not what it should have."""
    if empty.name == "postgresql":
        return
    made = "".join(str(CreateTable(TABLES.outbox).compile(dialect=empty.dialect)))
    make(empty, [table for table in TABLES.all if table is not TABLES.outbox])
    with empty.begin() as connection:
        connection.exec_driver_sql(made.replace("error TEXT", "error"))
        for index in TABLES.outbox.indexes:
            index.create(connection)
    (found,) = seen(empty)
    assert found.what == "is of the type none, not TEXT"


def test_check_writes_nothing(empty: Engine) -> None:
    """It only reads: a database that can only be read is checked too, and begin is no different after it."""
    SqlAlchemyStore(empty).create_schema()
    with empty.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = 1" if empty.name == "sqlite" else "SET TRANSACTION READ ONLY")
        assert check(connection) == ()
        if empty.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = 0")
    SqlAlchemyStore(empty).begin(tenant=NO_TENANT)


@pytest.mark.parametrize("tables", [TABLES, Tables(schema="other")], ids=["plain", "schema"])
def test_mariadb_is_asked_for_collations(tables: Tables) -> None:
    """The question for MariaDB names the tables and their database, and leaves out what is no text."""
    pytest.importorskip("pymysql")
    dialect = create_engine(URL.create("mariadb+pymysql")).dialect
    question = database_of(dialect).collations(tables.all)
    schema = "DATABASE()" if tables.schema is None else "'other'"
    assert question.startswith("SELECT lower(table_name), column_name, collation_name FROM information_schema.columns ")
    assert f"WHERE table_schema = {schema} AND table_name IN ('casewright_item', " in question
    assert question.endswith(" AND collation_name IS NOT NULL")
