"""A PostgreSQL server in real trouble, seen through the bus: a typed error, nothing half-written, all well after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
from sqlalchemy import create_engine

from casewright import (
    AddNote,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    MisuseError,
    OpenCase,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.plain_sql import disagreements, plainly, recorded

if TYPE_CHECKING:
    from sqlalchemy import URL

SECRET: Final = "kanarienvogel"
WRITES: Final[tuple[Command[Any], ...]] = (
    CreateTask("u", id="u", case_id="c", description=SECRET),
    AddNote("c", SECRET),
    OpenCase("d", id="d", description=SECRET),
    Edit("t", title=SECRET),
)

Trouble: TypeAlias = Callable[["Scene"], AbstractContextManager[None]]


class Scene:
    """A database with a case and a task in it, and a user who owns nothing.

    Args:
        url: Where it is.
    """

    def __init__(self, url: URL) -> None:
        """Make it."""
        self.url = url
        self.plain = plainly(url)
        self.name = f'"{url.database}"'
        owner = create_engine(url)
        store = SqlAlchemyStore(owner)
        store.create_schema()
        tables = ", ".join(table.name for table in store.tables.all)
        self.plain.execute(f"TRUNCATE {tables}")
        self.role = f"worker_{url.database}"
        self.plain.execute(f"CREATE ROLE {self.role} LOGIN")
        self.plain.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {self.role}")
        self.plain.execute(f"GRANT SELECT ON {store.tables.version.name} TO {self.role}")
        bus = CommandBus(store, DEFINITIONS)
        bus.execute(OpenCase("c", id="c"), by=ROOT)
        bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
        owner.dispose()
        self.engine = create_engine(url.set(username=self.role), pool_size=1, max_overflow=0, pool_timeout=0.02)
        self.start()

    def start(self) -> None:
        """Begin anew, as after a start of the program."""
        self.engine.dispose()
        self.bus = CommandBus(SqlAlchemyStore(self.engine), DEFINITIONS, max_attempts=2)
        self.bus.get("t", by=ROOT)

    def set(self, setting: str) -> None:
        """Change a setting of whoever connects from now on as the user, and let the pool begin anew."""
        self.plain.execute(f"ALTER ROLE {self.role} SET {setting}")
        self.start()

    def reset(self) -> None:
        """Take back all settings."""
        self.plain.execute(f"ALTER ROLE {self.role} RESET ALL")
        self.start()

    def close(self) -> None:
        """Give everything back."""
        self.engine.dispose()
        self.plain.execute(f"DROP OWNED BY {self.role}")
        self.plain.execute(f"DROP ROLE {self.role}")
        self.plain.close()


@pytest.fixture
def scene(postgres_database: URL) -> Iterator[Scene]:
    """Yield a scene."""
    with closing(Scene(postgres_database)) as made:
        yield made


def setting(*settings: str) -> Trouble:
    """Return the trouble that settings of the user's bring."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        for one in settings:
            scene.set(one)
        yield
        scene.reset()

    return trouble


def locked(*settings: str) -> Trouble:
    """Return the trouble that somebody holds the tables, and the user waits only as long as the settings say."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        with setting(*settings)(scene), closing(plainly(scene.url)) as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE casewright_item IN EXCLUSIVE MODE")
            yield

    return trouble


@contextmanager
def forbidden(scene: Scene) -> Iterator[None]:
    """Take from the user the right to write events."""
    scene.plain.execute(f"REVOKE INSERT ON casewright_event FROM {scene.role}")
    yield
    scene.plain.execute(f"GRANT INSERT ON casewright_event TO {scene.role}")


@contextmanager
def busy_pool(scene: Scene) -> Iterator[None]:
    """Take the only connection of the pool."""
    with scene.engine.connect():
        yield


@contextmanager
def gone(scene: Scene) -> Iterator[None]:
    """Take the events away."""
    scene.plain.execute("ALTER TABLE casewright_event RENAME TO gone")
    yield
    scene.plain.execute("ALTER TABLE gone RENAME TO casewright_event")


@contextmanager
def shut(scene: Scene) -> Iterator[None]:
    """Let the user not in again."""
    scene.engine.dispose()
    scene.plain.execute(f"ALTER ROLE {scene.role} NOLOGIN")
    yield
    scene.plain.execute(f"ALTER ROLE {scene.role} LOGIN")


@contextmanager
def crowded(scene: Scene) -> Iterator[None]:
    """Let the user have no connection left."""
    scene.engine.dispose()
    scene.plain.execute(f"ALTER ROLE {scene.role} CONNECTION LIMIT 0")
    yield
    scene.plain.execute(f"ALTER ROLE {scene.role} CONNECTION LIMIT -1")


@contextmanager
def checked_late(scene: Scene) -> Iterator[None]:
    """Let the server refuse what is written only when it is committed."""
    raising = "BEGIN RAISE EXCEPTION '%', NEW USING ERRCODE = '23514'; END"
    when = "AFTER INSERT ON casewright_event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    scene.plain.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${raising}$$")
    scene.plain.execute(f"CREATE CONSTRAINT TRIGGER late {when} EXECUTE FUNCTION refuse()")
    yield
    scene.plain.execute("DROP FUNCTION refuse CASCADE")


TROUBLES: Final[Mapping[str, tuple[Trouble, type[StorageError], str]]] = {
    "read only": (setting("default_transaction_read_only = on"), StorageError, "can only be read"),
    "locked": (locked("lock_timeout = 20"), TransientStorageError, "locked"),
    "slow": (locked("statement_timeout = 60"), TransientStorageError, "statement_timeout"),
    "forbidden": (forbidden, StorageError, "grant"),
    "no connection": (busy_pool, TransientStorageError, "pool"),
    "events gone": (gone, StorageError, "store.ping"),
    "not let in": (shut, StorageError, "cannot be reached"),
    "crowded": (crowded, StorageError, "cannot be reached"),
    "refused at commit": (checked_late, StorageError, "breaks a rule that was added"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_nothing_is_half_written_and_all_is_well_after_it(scene: Scene, name: str) -> None:
    """In trouble each command is a typed error, of one line, with cause and cure; after it, each of them is done."""
    trouble, kind, words = TROUBLES[name]
    before = recorded(scene.plain, "")
    with trouble(scene):
        for command in WRITES:
            check(failure_of(partial(scene.bus.execute, command, by=ROOT)), kind, words)
        both = [CompleteTask("t"), WRITES[0]]
        together = failure_of(lambda: scene.bus.execute_many(both, by=ROOT, all_or_nothing=True))
        check(together, kind, words)
    assert recorded(scene.plain, "") == before
    assert disagreements(scene.plain) == []
    for command in WRITES:
        scene.bus.execute(command, by=ROOT)
    assert len(recorded(scene.plain, "")) == len(before) + 5
    assert disagreements(scene.plain) == []


def check(error: Exception, kind: type[StorageError], words: str) -> None:
    """Check the kind of an error, and that its text and that of its cause are fit to be shown."""
    assert type(error) is kind
    assert words in str(error)
    assert isinstance(error, StorageError)
    assert error.advice
    assert len(str(error).splitlines()) == 1
    for text in (str(error), repr(error), str(error.__cause__)):
        assert SECRET not in text
        assert not any(word in text for word in ("SELECT", "INSERT", "UPDATE"))


@pytest.mark.parametrize("name", ["read only", "locked", "slow", "forbidden", "refused at commit"])
def test_reading_goes_on(scene: Scene, name: str) -> None:
    """Where only writing is in trouble, what is there can still be read."""
    with TROUBLES[name][0](scene):
        assert scene.bus.get("t", by=ROOT).version == 1
        assert len(scene.bus.history("c", by=ROOT)) == 2


@pytest.mark.parametrize("part", ["database", "port"])
def test_a_server_that_is_not_there(scene: Scene, part: str) -> None:
    """A database that nobody has, and a server that does not listen, are out of reach, with what to check."""
    wrong = scene.url.set(database="nobody") if part == "database" else scene.url.set(port=1)
    engine = create_engine(wrong)
    bus = CommandBus(SqlAlchemyStore(engine), DEFINITIONS)
    check(failure_of(lambda: bus.execute(WRITES[0], by=ROOT)), StorageError, "check host, port and name")
    engine.dispose()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT"])
def test_isolation(scene: Scene, level: Any) -> None:
    """Stricter levels than the usual one work as well; an engine whose connections autocommit is refused (T1)."""
    engine = create_engine(scene.url, isolation_level=level)
    bus = CommandBus(SqlAlchemyStore(engine), DEFINITIONS)
    before = recorded(scene.plain, "")
    if level == "AUTOCOMMIT":
        assert isinstance(failure_of(lambda: bus.execute(WRITES[0], by=ROOT)), MisuseError)
        assert recorded(scene.plain, "") == before
    else:
        assert [bus.execute(command, by=ROOT).id for command in WRITES[2:]] == ["d", "t"]
    engine.dispose()


def test_a_connection_that_cannot_be_joined(scene: Scene) -> None:
    """A connection that autocommits, that has no transaction, or that is closed is refused before anything is sent."""
    engine = create_engine(scene.url)
    before = recorded(scene.plain, "")
    with engine.connect() as connection:
        bus = CommandBus(SqlAlchemyStore.joining(connection), DEFINITIONS)
        assert "no transaction is open" in str(refused(bus))
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.begin()
        assert "autocommits" in str(refused(bus))
    assert "is closed" in str(refused(bus))
    assert recorded(scene.plain, "") == before
    engine.dispose()


def refused(bus: CommandBus) -> MisuseError:
    """Return the error that a command meets."""
    error = failure_of(lambda: bus.execute(WRITES[0], by=ROOT))
    assert isinstance(error, MisuseError)
    return error
