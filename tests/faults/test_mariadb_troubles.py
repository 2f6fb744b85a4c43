"""A MariaDB server in real trouble, seen through the bus: a typed error, nothing half-written, all well after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import pytest
from sqlalchemy import URL, create_engine

from casewright import (
    AddNote,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    OpenCase,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.plain_sql import disagreements, plainly, recorded

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
        owner = create_engine(url)
        store = SqlAlchemyStore(owner)
        store.create_schema()
        self.user = f"'worker_{url.database}'@localhost"
        self.ask(*(f"DELETE FROM {table.name}" for table in store.tables.all), f"CREATE USER {self.user}")
        self.grant()
        bus = CommandBus(store, DEFINITIONS)
        bus.execute(OpenCase("c", id="c"), by=ROOT)
        bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
        owner.dispose()
        self.settings = "SET @nothing = 1"
        self.start()

    def ask(self, *statements: str) -> Any:
        """Return what the last statement gives to somebody who may do everything."""
        with self.plain.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def grant(self) -> None:
        """Let the user do what a store does."""
        self.ask(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {self.url.database}.* TO {self.user}")

    def start(self, settings: str = "SET @nothing = 1", **url: Any) -> None:
        """Begin anew, as after a start of the program, with other settings."""
        own = self.url.set(username=f"worker_{self.url.database}", **url)
        options: dict[str, Any] = {"connect_args": {"init_command": settings}}
        self.engine = create_engine(own, pool_size=1, max_overflow=0, pool_timeout=0.02, **options)
        self.bus = CommandBus(SqlAlchemyStore(self.engine), DEFINITIONS, max_attempts=2, pause=lambda seconds: None)

    def close(self) -> None:
        """Give everything back."""
        self.engine.dispose()
        self.ask(f"DROP USER {self.user}")
        self.plain.close()


@pytest.fixture
def scene(mariadb_database: URL) -> Iterator[Scene]:
    """Yield a scene."""
    with closing(Scene(mariadb_database)) as made:
        yield made


def connecting(settings: str = "SET @nothing = 1", **url: Any) -> Trouble:
    """Return the trouble of connections that are made otherwise."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        scene.engine.dispose()
        scene.start(settings, **url)
        yield
        scene.engine.dispose()
        scene.start()

    return trouble


def asking(before: str, after: str) -> Trouble:
    """Return the trouble that somebody brings who may do everything; ``{user}`` and ``{database}`` are the scene's."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        words = {"user": scene.user, "database": scene.url.database}
        scene.bus.get("t", by=ROOT)
        scene.ask(before.format(**words))
        scene.engine.dispose()  # who is connected goes on with the rights that they had
        yield
        scene.ask(after.format(**words))
        scene.engine.dispose()

    return trouble


def locked(settings: str) -> Trouble:
    """Return the trouble that somebody holds the rows, and the user waits only as long as the settings say."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        with connecting(settings)(scene), closing(plainly(scene.url)) as other, other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM casewright_item FOR UPDATE")
            yield

    return trouble


@contextmanager
def full_house(scene: Scene) -> Iterator[None]:
    """Let the user have one connection, which somebody else has."""
    scene.ask(f"ALTER USER {scene.user} WITH MAX_USER_CONNECTIONS 1")
    scene.engine.dispose()
    with closing(plainly(scene.url.set(username=f"worker_{scene.url.database}"))):
        yield
    scene.ask(f"ALTER USER {scene.user} WITH MAX_USER_CONNECTIONS 0")


TROUBLES: Final[Mapping[str, tuple[Trouble, type[StorageError], str]]] = {
    "locked": (locked("SET SESSION innodb_lock_wait_timeout = 0"), TransientStorageError, "locked by somebody"),
    "too slow": (locked("SET SESSION max_statement_time = 0.05"), TransientStorageError, "ran for longer"),
    "full house": (full_house, TransientStorageError, "no connection left"),
    "read-only session": (connecting("SET SESSION TRANSACTION READ ONLY"), StorageError, "can only be read"),
    "read-only server": (
        asking("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"),
        StorageError,
        "can only be read",
    ),
    "forbidden": (
        asking("REVOKE INSERT, UPDATE ON {database}.* FROM {user}", "GRANT INSERT, UPDATE ON {database}.* TO {user}"),
        StorageError,
        "does not let this user",
    ),
    "table gone": (
        asking("RENAME TABLE casewright_outbox TO gone", "RENAME TABLE gone TO casewright_outbox"),
        StorageError,
        "store.ping",
    ),
    "wrong password": (connecting(password="wrong"), StorageError, "cannot be reached"),
    "no such database": (connecting(database="nowhere"), StorageError, "cannot be reached"),
    "no server": (connecting(query={}, host="127.0.0.1", port=1), StorageError, "cannot be reached"),
    "another key": (
        asking(
            "ALTER TABLE casewright_item ADD COLUMN one integer AS (1), ADD UNIQUE theirs (tenant, one, kind)",
            "ALTER TABLE casewright_item DROP INDEX theirs, DROP COLUMN one",
        ),
        StorageError,
        "is there already",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_nothing_is_half_written_and_all_is_well_after_it(scene: Scene, name: str) -> None:
    """In trouble each command is a typed error, of one line, with cause and cure; after it, each of them is done."""
    trouble, kind, words = TROUBLES[name]
    before = recorded(scene.plain, "")
    doable = WRITES[:1] + WRITES[2:3] if name == "another key" else WRITES
    with trouble(scene):
        for command in doable:
            check(failure_of(partial(scene.bus.execute, command, by=ROOT)), kind, words)
        together = [CompleteTask("t"), doable[0]]
        check(failure_of(lambda: scene.bus.execute_many(together, by=ROOT, all_or_nothing=True)), kind, words)
    assert recorded(scene.plain, "") == before
    assert disagreements(scene.plain) == []
    for command in WRITES:
        scene.bus.execute(command, by=ROOT)
    assert len(recorded(scene.plain, "")) == len(before) + 5
    assert disagreements(scene.plain) == []


def check(error: Exception, kind: type[StorageError], words: str) -> None:
    """Check the kind of an error, and that its text and that of its cause are fit to be shown."""
    assert type(error) is kind, repr(error)
    assert words in str(error)
    for text in (str(error), repr(error), str(error.__cause__)):
        assert SECRET not in text
        assert not any(word in text for word in ("SELECT", "INSERT", "UPDATE", "\n"))
