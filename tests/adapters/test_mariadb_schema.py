"""The schema on MariaDB: able to keep text and transactions apart from any default, and made by many at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, create_engine

from casewright import MisuseError, StorageError, TransientStorageError
from casewright.adapters.sqlalchemy import TABLES, SqlAlchemyStore, Tables
from casewright.adapters.sqlalchemy.databases.base import SCHEMA_LOCK
from casewright.domain.ids import NO_TENANT
from support.contenders import create_under_prefixes
from support.mariadb import MariaDbServer
from support.plain_sql import rows_of
from support.racing import WORKERS, ProcessRace
from support.stores import a_created_task, record

NAMES = {table.name for table in TABLES.all}
ENGINES = "SELECT DISTINCT engine, row_format FROM information_schema.tables WHERE table_schema = DATABASE()"
COLLATIONS = (
    "SELECT DISTINCT collation_name FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
)
INDEXES = "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND seq_in_index = 1"


@pytest.fixture
def url(mariadb_server: MariaDbServer) -> Iterator[URL]:
    """Yield an empty database."""
    name = mariadb_server.new_database()
    yield mariadb_server.url(database=name)
    mariadb_server.drop_database(name)


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    """Yield an engine for it."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def plain(engine: Engine, *statements: str) -> None:
    """Do something that the store knows nothing of."""
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_no_default_of_the_server_or_the_database_counts(url: URL) -> None:
    """Where all defaults are wrong, tables have transactions, room for their keys, and order by code point (T1)."""
    wrong = "SET SESSION default_storage_engine = MyISAM, sql_mode = ''"
    engine = create_engine(url, connect_args={"init_command": wrong})
    plain(engine, f"ALTER DATABASE {url.database} CHARACTER SET latin1")
    store = SqlAlchemyStore(engine)
    store.create_schema()
    store.ping()
    assert rows_of(url, ENGINES) == [("InnoDB", "Dynamic")]
    assert rows_of(url, COLLATIONS) == [("utf8mb4_nopad_bin",)]
    long = "\N{ROCKET}" * 255
    change = a_created_task(long, title=long, assignee_id=long)
    record(store, change)
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get(long) == change.after
    engine.dispose()


def test_a_table_without_transactions_is_refused(engine: Engine) -> None:
    """Where somebody has given a table an engine without transactions, begin and ping name it (T1)."""
    SqlAlchemyStore(engine).create_schema()
    plain(engine, "RENAME TABLE casewright_note TO ours")
    plain(engine, "CREATE TABLE casewright_note ENGINE = MyISAM SELECT * FROM ours")
    store = SqlAlchemyStore(engine)
    for question in (store.ping, store.create_schema, lambda: store.begin(tenant=NO_TENANT)):
        with pytest.raises(StorageError, match="casewright_note is of another schema: it also has the engine MyISAM"):
            question()


def test_what_is_missing_is_named_and_created(engine: Engine) -> None:
    """Just the missing tables are named, and created beside the others; where all is there nothing is done."""
    store = SqlAlchemyStore(engine)
    with pytest.raises(StorageError, match=r"has no casewright_event, .*; store.create_schema\(\) creates"):
        store.ping()
    store.create_schema()
    assert store.present_tables() == NAMES
    record(store, a_created_task())
    plain(engine, "DROP TABLE casewright_note")
    with pytest.raises(StorageError, match="has no casewright_note;"):
        store.ping()
    for _ in range(2):
        store.create_schema()
        with store.begin(tenant=NO_TENANT) as unit:
            assert unit.items.get("x1") is not None


def test_after_a_failure_each_table_is_whole_or_not_there(engine: Engine, url: URL) -> None:
    """What a failure half-way leaves are tables with all their indexes; another try makes the others."""
    plain(engine, "CREATE VIEW casewright_note_new AS SELECT 1 AS one")
    store = SqlAlchemyStore(engine)
    with pytest.raises(StorageError, match="refused what the store asked"):
        store.create_schema()
    assert store.present_tables() == {"casewright_item", "casewright_event"}
    plain(engine, "DROP VIEW casewright_note_new", "CREATE TABLE casewright_note_new (left_by_a_crash integer)")
    store.create_schema()
    made = [str(index.name) for table in store.tables.all for index in table.indexes]
    assert Counter(rows_of(url, INDEXES)) == Counter([("PRIMARY",)] * len(NAMES) + [(name,) for name in made])
    assert len(made) == 5


def test_prefix_and_schema_are_followed(engine: Engine, mariadb_server: MariaDbServer) -> None:
    """Tables of another prefix, or in another database of the server, are others."""
    other = mariadb_server.new_database()
    stores = [
        SqlAlchemyStore(engine),
        SqlAlchemyStore(engine, tables=Tables(prefix="my_")),
        SqlAlchemyStore(engine, tables=Tables(schema=other)),
    ]
    for number, store in enumerate(stores):
        assert store.present_tables() == frozenset()
        store.create_schema()
        record(store, a_created_task(title=f"{number}"))
    for number, store in enumerate(stores):
        with store.begin(tenant=NO_TENANT) as unit:
            item = unit.items.get("x1")
            assert item is not None
            assert item.title == f"{number}"
    engine.dispose()
    mariadb_server.drop_database(other)


def test_several_processes_create_the_schema_at_once(url: URL) -> None:
    """Each is told that the tables are there, and can use them at once."""
    race = ProcessRace(url)
    seen = race.run(create_under_prefixes, 3)
    race.store.engine.dispose()

    assert [one.answers for one in seen] == [Counter(done=6)] * WORKERS
    for number in range(3):
        assert rows_of(url, f"SELECT count(*) FROM p{number}_item") == [(WORKERS,)]


def test_whoever_waits_in_vain_is_told_so(engine: Engine) -> None:
    """Where somebody else changes the schema for too long, nothing is made, and the error is transient."""
    store = SqlAlchemyStore(engine)
    errors: list[BaseException] = []

    def create() -> None:
        with pytest.raises(TransientStorageError) as caught:
            store.create_schema()
        errors.append(caught.value)

    with engine.connect() as holder:
        holder.exec_driver_sql(f"SELECT GET_LOCK('{SCHEMA_LOCK}', 0)")
        waiting = threading.Thread(target=create)
        waiting.start()
        query = "SELECT id FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()"
        while not (found := holder.exec_driver_sql(query).scalars().all()):
            pass
        holder.exec_driver_sql(f"KILL QUERY {found[0]}")
        waiting.join()
        holder.exec_driver_sql(f"SELECT RELEASE_LOCK('{SCHEMA_LOCK}')")
    assert len(errors) == 1
    assert store.present_tables() == frozenset()
    store.create_schema()


def test_whatever_leads_out_the_lock_is_let_go(engine: Engine) -> None:
    """After a failure the lock is free at once, though the connection lies in the pool again."""
    store = SqlAlchemyStore(engine)
    plain(engine, "CREATE VIEW casewright_item AS SELECT 1 AS one")
    with pytest.raises(StorageError):
        store.create_schema()
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT IS_FREE_LOCK('{SCHEMA_LOCK}')").scalar() == 1


def test_in_a_transaction_of_the_callers_nothing_is_created(engine: Engine) -> None:
    """A joined store creates no tables, as that would commit what the caller has written."""
    plain(engine, "CREATE TABLE ours (one integer)")
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO ours VALUES (1)")
        with pytest.raises(MisuseError, match="commits on MariaDB"):
            SqlAlchemyStore.joining(connection).create_schema()
        connection.rollback()
        assert connection.exec_driver_sql("SELECT * FROM ours").all() == []
