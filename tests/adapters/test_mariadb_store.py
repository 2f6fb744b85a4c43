"""What is special to the store on MariaDB: refused connections, rows that look back, attributes, others' keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from threading import Thread
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import PendingRollbackError

from casewright import AlreadyExistsError, MisuseError, StaleVersionError, StorageError, TransientStorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.domain.filters import Order
from casewright.domain.ids import NO_TENANT
from casewright.domain.terms import Scope, Term, TermKind
from support.stores import a_created_task, as_recorded, begun, record

WAITING: Final = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"

_NUMBERS: Final = count()
_PART: Final = st.sampled_from([*"-\\\"'$.[]*%_|aAé {}:,0", "\U0001d49c", "e\u0301", "last", "\\u002d"])
_TEXT: Final = st.lists(_PART, max_size=5).map("".join)
_NAME: Final = _TEXT.filter(str.strip)
_SCALAR: Final = st.one_of(
    st.booleans(), st.sampled_from([0, 1, -1, 2**63 - 1, 2**63 - 2, -(2**63), 2**53, 2**53 + 1]), _TEXT
)
_VALUE: Final = st.one_of(
    _SCALAR, st.none(), st.lists(_SCALAR, max_size=2), st.dictionaries(_NAME, _SCALAR, max_size=2)
)


@pytest.fixture(scope="module")
def engine(mariadb_database: URL) -> Iterator[Engine]:
    """Yield an engine for a database with the tables."""
    engine = create_engine(mariadb_database)
    SqlAlchemyStore(engine).create_schema()
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlAlchemyStore:
    """Return an empty store."""
    with engine.begin() as connection:
        for table in SqlAlchemyStore(engine).tables.all:
            connection.execute(table.delete())
    return SqlAlchemyStore(engine)


@pytest.mark.parametrize("charset", ["latin1", "utf8"])
def test_connections_that_cannot_carry_all_text_are_refused(engine: Engine, charset: str) -> None:
    """Where connections have another character set nothing is read or written, own or joined, and the cure is told."""
    narrow = create_engine(engine.url.update_query_dict({"charset": charset}))
    with pytest.raises(MisuseError, match="write charset=utf8mb4 in its URL"):
        SqlAlchemyStore(narrow).ping()
    with narrow.begin() as connection, pytest.raises(MisuseError, match=f"have the character set {charset}"):
        SqlAlchemyStore.joining(connection).ping()
    narrow.dispose()


def test_connections_that_commit_by_themselves_are_refused(engine: Engine) -> None:
    """Where each statement would be a transaction of its own nothing is read or written, own or joined (T1)."""
    careless = engine.execution_options(isolation_level="AUTOCOMMIT")
    with careless.connect() as connection, pytest.raises(MisuseError, match="autocommits"):
        SqlAlchemyStore.joining(connection).ping()
    own = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with pytest.raises(MisuseError, match="autocommit"):
        SqlAlchemyStore(own).ping()
    own.dispose()


def test_a_url_for_mysql_is_refused(engine: Engine) -> None:
    """A URL that begins with mysql is refused, and how that of a MariaDB server is spelt is told."""
    with pytest.raises(
        MisuseError, match=r"mysql, by the driver pymysql; .* for MariaDB the URL begins with mariadb\+"
    ):
        SqlAlchemyStore(create_engine(engine.url.set(drivername="mysql+pymysql")))


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE", "READ COMMITTED"])
def test_own_units_read_what_is_committed(engine: Engine, store: SqlAlchemyStore, level: Any) -> None:
    """Whatever the engine's level, a unit sees what was committed since its first read, and the level stays."""
    strict = create_engine(engine.url, isolation_level=level, pool_size=1, max_overflow=0)
    record(store, a_created_task("a"))
    with SqlAlchemyStore(strict).begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("b") is None
        record(store, a_created_task("b"))
        assert unit.items.get("b") is not None
    with strict.connect() as connection:
        assert connection.exec_driver_sql("SELECT @@tx_isolation").scalar() == level.replace(" ", "-")
    strict.dispose()


def test_in_a_transaction_that_looks_back_conflicts_are_told_as_they_are(
    engine: Engine, store: SqlAlchemyStore
) -> None:
    """A transaction that reads an older state still tells what is taken or stale, by what is there now (L1)."""
    change = a_created_task("a")
    record(store, change)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT @@tx_isolation").scalar() == "REPEATABLE-READ"
        connection.rollback()
        joined = SqlAlchemyStore.joining(connection)
        connection.begin()
        with joined.begin(tenant=NO_TENANT) as unit:
            assert unit.items.get("a") == change.after
        record(store, begun(change.after), a_created_task("b"))
        with pytest.raises(StaleVersionError) as stale:
            record(joined, begun(change.after))
        assert (stale.value.expected, stale.value.actual) == (1, 2)
        with pytest.raises(AlreadyExistsError):
            record(joined, a_created_task("b"))
        record(joined, a_created_task("c"))
        connection.commit()
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.items.get("c") is not None


def test_a_connection_that_was_hung_up_is_given_up(engine: Engine, store: SqlAlchemyStore) -> None:
    """What a caller's driver no longer has is told as lost, and the caller can roll back and go on with a new one."""
    with engine.connect() as connection:
        connection.begin()
        joined = SqlAlchemyStore.joining(connection)
        with joined.begin(tenant=NO_TENANT) as unit:
            driver: Any = connection.connection.driver_connection
            driver.close()
            with pytest.raises(TransientStorageError, match="was lost before anything was committed"):
                unit.items.get("a")
        assert connection.invalidated
        connection.rollback()
        with connection.begin():
            record(joined, a_created_task("a"))


def test_a_list_for_a_name_that_no_attribute_has_is_empty(store: SqlAlchemyStore) -> None:
    """What no attribute can be called is asked for in vain, and is no error (A6)."""
    record(store, a_created_task(attributes={"a": 1}))
    with store.begin(tenant=NO_TENANT) as unit:
        assert unit.count("task", Scope(((Term(TermKind.ATTRIBUTE, "", (1,)),),))) == 0


def test_another_unique_index_is_no_id_that_is_taken(engine: Engine, store: SqlAlchemyStore) -> None:
    """A rule that others added to the tables is told as such; only an id that is there is AlreadyExistsError (T6)."""
    record(store, a_created_task("a", title="one"))
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX theirs ON casewright_item (title(9))")
        with pytest.raises(StorageError, match="breaks a rule that was added"):
            record(store, a_created_task("b", title="one"))
        with pytest.raises(AlreadyExistsError):
            record(store, a_created_task("a", title="one"))
        connection.exec_driver_sql("DROP INDEX theirs ON casewright_item")


def test_after_a_deadlock_nothing_of_the_callers_is_left(engine: Engine, store: SqlAlchemyStore) -> None:
    """The server undoes the caller's whole transaction, so it can never be committed by mistake (T1)."""
    changes = {name: a_created_task(name) for name in "ab"}
    record(store, *changes.values())
    with engine.connect() as ours, engine.connect() as other:
        for connection, name in ((ours, "a"), (other, "b")):
            connection.exec_driver_sql(f"UPDATE casewright_item SET title = 'ours' WHERE tenant = '' AND id = '{name}'")
        other.exec_driver_sql("UPDATE casewright_event SET name = concat(name, '!')")  # so that it is not the victim
        waiting = Thread(
            target=other.exec_driver_sql,
            args=("UPDATE casewright_item SET title = 'x' WHERE tenant = '' AND id = 'a'",),
        )
        waiting.start()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            while watcher.exec_driver_sql(WAITING).scalar() != 1:
                pass
        with pytest.raises(TransientStorageError, match="two wait for each other"):
            record(SqlAlchemyStore.joining(ours), begun(changes["b"].after))
        waiting.join()
        assert ours.invalidated
        with pytest.raises(PendingRollbackError):
            ours.exec_driver_sql("SELECT 1")
        other.rollback()
    with store.begin(tenant=NO_TENANT) as unit:
        assert [unit.items.get(name) for name in "ab"] == [change.after for change in changes.values()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    held=st.dictionaries(_NAME, _VALUE, min_size=1, max_size=4),
    other=_NAME,
    values=st.lists(_SCALAR, max_size=3),
    own=st.booleans(),
    negated=st.booleans(),
)
@example(held={"-": 1, "a": {"-": 2}}, other="-", values=[1, 2], own=True, negated=False)
@example(held={"a": 2**53 + 1, "b": True}, other="b", values=[2**53, 1, "true"], own=False, negated=False)
def test_attributes_are_found_as_the_scope_says(
    store: SqlAlchemyStore, *, held: dict[str, Any], other: str, values: list[Any], own: bool, negated: bool
) -> None:
    """Whatever names and values there are, a list finds just what `Scope.matches` says, plain or negated (A6)."""
    name = min(held) if own else other
    asked = [value for value in held.values() if not isinstance(value, (list, dict))] if own else []
    item = attrs.evolve(a_created_task().after, attributes=held, tenant=f"tenant{next(_NUMBERS)}")
    change = as_recorded(item)
    record(store, change)
    with store.begin(tenant=item.tenant) as unit:
        for looked_for in ((*values, *asked), values, asked[:1]):
            scope = Scope(((Term(TermKind.ATTRIBUTE, name, tuple(looked_for), negated),),))
            found = unit.find("task", scope, order=Order(), limit=9)
            assert found == ((change.after,) if scope.matches(item) else ())
