"""A real database in real trouble, seen through the bus: a typed error, nothing half-written, and all well after it."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from sqlalchemy import create_engine, event

from casewright import (
    AddNote,
    Command,
    CommandBus,
    CompleteTask,
    CreateTask,
    OpenCase,
    OutcomeUnknownError,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import DEFINITIONS, ROOT, failure_of
from support.plain_sql import disagreements, recorded

SECRET: Final = "kanarienvogel"
LARGE: Final = f"{SECRET} " * 700
CREATE: Final = CreateTask("u", id="u", case_id="c", description=LARGE)
WRITES: Final[tuple[Command[Any], ...]] = (CREATE, AddNote("c", LARGE), OpenCase("d", id="d", description=LARGE))

Trouble: TypeAlias = Callable[["Scene"], AbstractContextManager[None]]


class Scene:
    """A database file with a case and a task in it.

    Args:
        folder: Where the file is to be.
    """

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.path = folder / "data" / "store.db"
        self.path.parent.mkdir()
        self.limits: list[str] = []
        self.engine = create_engine(f"sqlite:///{self.path}", pool_size=1, max_overflow=0, pool_timeout=0.02)
        event.listen(self.engine, "checkout", self._limit)
        self.store = SqlAlchemyStore(self.engine, busy_timeout=timedelta(milliseconds=20))
        self.store.create_schema()
        self.bus = CommandBus(self.store, DEFINITIONS, max_attempts=2)
        self.bus.execute(OpenCase("c", id="c"), by=ROOT)
        self.bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)

    def _limit(self, driver: Any, *_: object) -> None:
        for statement in self.limits:
            driver.execute(statement).fetchall()

    def plain(self) -> closing[sqlite3.Connection]:
        """Return a connection of somebody else's."""
        return closing(sqlite3.connect(self.path, isolation_level=None))

    def restart(self) -> None:
        """Begin anew, as after a start of the program."""
        self.engine.dispose()
        self.store = SqlAlchemyStore(self.engine, busy_timeout=timedelta(milliseconds=20))
        self.bus = CommandBus(self.store, DEFINITIONS, max_attempts=2)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a scene."""
    made = Scene(tmp_path)
    yield made
    made.engine.dispose()


HOLD: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held")
sys.stdin.read()
"""


@contextmanager
def locked(scene: Scene) -> Iterator[None]:
    """Let another process hold the lock."""
    command = [sys.executable, "-u", "-c", HOLD, str(scene.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.communicate()


@contextmanager
def read_while_it_commits(scene: Scene) -> Iterator[None]:
    """Let a reader be in the way of each commit, as there is without WAL."""
    scene.engine.dispose()
    with scene.plain() as reader:
        assert reader.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM casewright_item").fetchall()
        yield


@contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    """Open the file to be read only."""
    scene.limits.append("PRAGMA query_only = ON")
    yield
    scene.limits[:] = ["PRAGMA query_only = OFF"]


@contextmanager
def full(scene: Scene) -> Iterator[None]:
    """Let the database be as large as it may ever be."""
    scene.limits.append("PRAGMA max_page_count = 1")
    yield
    scene.limits[:] = ["PRAGMA max_page_count = 1000000"]


@contextmanager
def failing_disk(scene: Scene) -> Iterator[None]:
    """Let the operating system refuse to make files longer."""
    log = scene.path.with_name("store.db-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 5000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def moved_away(scene: Scene) -> Iterator[None]:
    """Take the folder away, as when a disk is not mounted."""
    scene.restart()
    folder = scene.path.parent
    away = folder.with_name("away")
    folder.rename(away)
    yield
    away.rename(folder)


@contextmanager
def another_file(scene: Scene) -> Iterator[None]:
    """Put a file there that is no database."""
    scene.restart()
    kept = scene.path.read_bytes()
    scene.path.write_bytes(b"no database at all, " * 400)
    yield
    scene.engine.dispose()
    scene.path.write_bytes(kept)


def renamed(table: str, *, restarted: bool) -> Trouble:
    """Return the trouble of a table that has gone."""

    @contextmanager
    def trouble(scene: Scene) -> Iterator[None]:
        if restarted:
            scene.restart()
        with scene.plain() as plain:
            plain.execute(f"ALTER TABLE {table} RENAME TO gone")
            yield
            plain.execute(f"ALTER TABLE gone RENAME TO {table}")

    return trouble


@contextmanager
def foreign(scene: Scene) -> Iterator[None]:
    """Give a table a column that is not ours."""
    scene.restart()
    with scene.plain() as plain:
        plain.execute("ALTER TABLE casewright_note ADD COLUMN mood TEXT")
        yield
        plain.execute("ALTER TABLE casewright_note DROP COLUMN mood")


@contextmanager
def busy_pool(scene: Scene) -> Iterator[None]:
    """Take the only connection of the pool."""
    with scene.engine.connect():
        yield


TROUBLES: Final[dict[str, tuple[Trouble, type[StorageError], str]]] = {
    "locked": (locked, TransientStorageError, "locked"),
    "locked at commit": (read_while_it_commits, TransientStorageError, "locked"),
    "no connection": (busy_pool, TransientStorageError, "pool"),
    "read only": (read_only, StorageError, "can only be read"),
    "full": (full, StorageError, "full"),
    "failing disk": (failing_disk, OutcomeUnknownError, "failed while it committed"),
    "moved away": (moved_away, StorageError, "cannot be opened"),
    "another file": (another_file, StorageError, "no SQLite database"),
    "items gone": (renamed("casewright_item", restarted=False), StorageError, "store.ping"),
    "notes and pointers gone": (renamed("casewright_outbox", restarted=False), StorageError, "store.ping"),
    "tables missing": (renamed("casewright_event", restarted=True), StorageError, "create_schema"),
    "another schema": (foreign, StorageError, "mood"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_nothing_is_half_written_and_all_is_well_after_it(scene: Scene, name: str) -> None:
    """In trouble each command is a typed error, of one line, with cause and cure; after it, each of them is done."""
    trouble, kind, words = TROUBLES[name]
    with scene.plain() as plain:
        before = recorded(plain, "")
    with trouble(scene):
        for command in WRITES:
            error = failure_of(partial(scene.bus.execute, command, by=ROOT))
            check(error, kind, words)
        together = failure_of(lambda: scene.bus.execute_many([CompleteTask("t"), CREATE], by=ROOT, all_or_nothing=True))
        check(together, kind, words)
    with scene.plain() as plain:
        assert recorded(plain, "") == before
        assert disagreements(plain) == []
    for command in WRITES:
        scene.bus.execute(command, by=ROOT)
    with scene.plain() as plain:
        assert len(recorded(plain, "")) == len(before) + 4
        assert disagreements(plain) == []


def check(error: Exception, kind: type[StorageError], words: str) -> None:
    """Check the kind of an error, and that its text and that of its cause are fit to be shown."""
    assert type(error) is kind
    assert words in str(error)
    for text in (str(error), repr(error), str(error.__cause__)):
        assert SECRET not in text
        assert str(os.sep + "data") not in text
        assert not any(word in text for word in ("SELECT", "INSERT", "UPDATE", "\n"))


@pytest.mark.parametrize("name", ["locked", "locked at commit", "read only", "full", "failing disk"])
def test_reading_goes_on(scene: Scene, name: str) -> None:
    """Where only writing is in trouble, what is there can still be read."""
    with TROUBLES[name][0](scene):
        assert scene.bus.get("t", by=ROOT).version == 1
        assert len(scene.bus.history("c", by=ROOT)) == 2
