"""Each store together with a way behind its back: to see all that it holds, and to change what nobody may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import attrs
from sqlalchemy import URL, Engine, Executable, create_engine, delete, event, insert, select, text, update

from casewright import LedgerEntry, Note, Store
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.adapters.sqlalchemy.tables import TABLES, metadata
from casewright.domain.ids import NO_TENANT, as_item_id
from support.stores import sqlite_engine, sqlite_store

ITEM, EVENT, NOTE = TABLES.item, TABLES.event, TABLES.note


class Backend(Protocol):
    """A store and the way behind its back. What is changed there is of the tenant without a name."""

    @property
    def store(self) -> Store:
        """The store."""
        ...

    def dump(self) -> object:
        """Return all that it holds, of all tenants, as something that compares."""
        ...

    def set_item(self, item_id: str, **texts: str) -> None:
        """Set fields of a row that hold text."""
        ...

    def set_event(self, item_id: str, version: int, **texts: str | None) -> None:
        """Set fields of an event that hold text, or what an erased one has not."""
        ...

    def cut_history(self, item_id: str, *, after: int) -> None:
        """Remove all events of a later version."""
        ...

    def put_notes(self, item_id: str, notes: Iterable[Note]) -> None:
        """Put these notes in place of those that are there."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class MemoryBackend:
    """A `MemoryStore`."""

    def __init__(self, folder: Path) -> None:
        """Begin empty."""
        self.store = MemoryStore()

    def dump(self) -> object:
        """See `Backend.dump`."""
        return {key: self._parts(kept) for key, kept in self.store._kept.items()}

    def set_item(self, item_id: str, **texts: str) -> None:
        """See `Backend.set_item`."""
        self._put(item_id, item=attrs.evolve(self._of(item_id).item, **texts))

    def set_event(self, item_id: str, version: int, **texts: str | None) -> None:
        """See `Backend.set_event`."""
        events = self._of(item_id).events
        changed = [attrs.evolve(event, **texts) if event.version == version else event for event in events.part()]
        self._put(item_id, events=type(events)(changed, len(changed)))

    def cut_history(self, item_id: str, *, after: int) -> None:
        """See `Backend.cut_history`."""
        self._put(item_id, events=attrs.evolve(self._of(item_id).events, length=after))

    def put_notes(self, item_id: str, notes: Iterable[Note]) -> None:
        """See `Backend.put_notes`."""
        present = list(notes)
        self._put(item_id, notes=type(self._of(item_id).notes)(present, len(present)))

    def close(self) -> None:
        """See `Backend.close`."""

    def _parts(self, kept: Any) -> object:
        if isinstance(kept, LedgerEntry):
            return kept
        return kept.item, kept.events.part(), kept.notes.part(), kept.pointers.part()

    def _of(self, item_id: str) -> Any:
        return self.store._kept[NO_TENANT, "item", as_item_id(item_id)]

    def _put(self, item_id: str, **parts: Any) -> None:
        self.store._kept[NO_TENANT, "item", as_item_id(item_id)] = attrs.evolve(self._of(item_id), **parts)


class SqlBackend:
    """A `SqlAlchemyStore`, and SQLAlchemy behind its back."""

    def __init__(self, engine: Engine) -> None:
        """Keep it."""
        self.store = SqlAlchemyStore(engine)

    def dump(self) -> object:
        """See `Backend.dump`."""
        with self.store.engine.connect() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).fetchall()))
                for table in metadata.sorted_tables
            }

    def set_item(self, item_id: str, **texts: str) -> None:
        """See `Backend.set_item`."""
        self._run(update(ITEM).where(ITEM.c.tenant == "", ITEM.c.id == item_id).values(texts))

    def set_event(self, item_id: str, version: int, **texts: str | None) -> None:
        """See `Backend.set_event`."""
        own = (EVENT.c.tenant == "", EVENT.c.item_id == item_id, EVENT.c.version == version)
        self._run(update(EVENT).where(*own).values(texts))

    def cut_history(self, item_id: str, *, after: int) -> None:
        """See `Backend.cut_history`."""
        own = (EVENT.c.tenant == "", EVENT.c.item_id == item_id, EVENT.c.version > after)
        self._run(delete(EVENT).where(*own))

    def put_notes(self, item_id: str, notes: Iterable[Note]) -> None:
        """See `Backend.put_notes`."""
        rows = [attrs.asdict(note) | {"place": place} for place, note in enumerate(notes)]
        added = [insert(NOTE).values(row) for row in rows]
        self._run(delete(NOTE).where(NOTE.c.tenant == "", NOTE.c.item_id == item_id), *added)

    def close(self) -> None:
        """See `Backend.close`."""
        self.store.engine.dispose()

    def _run(self, *statements: Executable) -> None:
        with self.store.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)


class SqliteBackend(SqlBackend):
    """A `SqlAlchemyStore` in a SQLite file."""

    def __init__(self, folder: Path) -> None:
        """Begin empty."""
        path = folder / "store.db"
        path.write_bytes(_empty_database())
        super().__init__(sqlite_engine(path))
        event.listen(self.store.engine, "connect", _do_not_wait_for_the_disk)


class PostgresBackend(SqlBackend):
    """A `SqlAlchemyStore` in a PostgreSQL database that others use one after the other."""

    def __init__(self, url: URL) -> None:
        """Begin empty."""
        super().__init__(create_engine(url))
        self.store.create_schema()
        self._run(text(f"TRUNCATE {', '.join(table.name for table in TABLES.all)}"))


@cache
def _empty_database() -> bytes:
    """Making the tables takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        sqlite_store(path).engine.dispose()
        return path.read_bytes()


def _do_not_wait_for_the_disk(connection: Any, record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


BACKENDS: Final[Mapping[str, Callable[[Path], Backend]]] = {"memory": MemoryBackend, "sqlite": SqliteBackend}
"""Each makes an empty store, in a folder of its own if it needs one."""


def with_postgres(url: URL) -> Mapping[str, Callable[[Path], Backend]]:
    """Return what makes each of them and one in a PostgreSQL database, for tests that are few and matter most."""
    return {**BACKENDS, "postgresql": lambda _: PostgresBackend(url)}
