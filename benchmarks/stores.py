"""The bus on its stores: a real log through the whole pipeline, beside hand-written code that writes the same rows.

The peers judge nothing, seal nothing and explain nothing: for each command they select the row, update it (or insert
it) and insert an event and an outbox pointer, in one transaction.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs
from eip import PROCESS, Step, steps
from harness import Bar, measure, report
from sqlalchemy import Engine, Table, bindparam, create_engine, event, insert, select, update

from casewright import Change, CommandBus, seal
from casewright.adapters.memory import MemoryStore
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from casewright.adapters.sqlalchemy.rows import event_values, item_values
from casewright.adapters.sqlalchemy.tables import TABLES, Instant, metadata
from casewright.application.ports import shard_of

__all__ = ["COMMANDS", "MOVED", "Rows", "bound", "rows_of", "run"]

COMMANDS: Final = 600
DECIDE, MEMORY = "bare decide", "bus in memory"
RAW, CORE, BUS, GIVEN = (
    "raw sqlite3: select, update, two inserts",
    "hand-written SQLAlchemy Core, prebuilt",
    "bus on SQLite",
    "bus on SQLite, item= given",
)


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    log = steps(COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        files = _Files(Path(folder), log)
        memory: dict[str, Callable[[int], object]] = {
            DECIDE: lambda _: _decide(log),
            MEMORY: lambda _: _through(CommandBus(MemoryStore(), [PROCESS]), log),
        }
        timings = measure(
            {**memory, **files.contenders},
            calls=len(log),
            rounds=rounds,
            before=dict.fromkeys(files.contenders, files.anew),
        )
        rate = files.commands_a_second()
    bars = [
        Bar("bus in memory by bare decide", timings.ratio(MEMORY, DECIDE), 12),
        Bar("bus on SQLite by raw sqlite3", timings.ratio(BUS, RAW), 3),
        Bar("bus on SQLite by hand-written Core", timings.ratio(BUS, CORE), 1.5),
    ]
    met = report(f"Stores ({len(log)} commands of the EIP log; SQLite file, WAL)", timings, bars)
    print(f"  commands a second, waiting for the disk included: {', '.join(f'{k} {v:,.0f}' for k, v in rate.items())}")
    return met


def _decide(log: list[Step]) -> list[Change[Any]]:
    """The decisions alone, chained and unsealed."""
    items: dict[Any, Any] = {}
    changes: list[Change[Any]] = []
    for step in log:
        ask = step.command.ask()
        if ask.action == "create":
            verdict = PROCESS.create(str(ask.item_id), by=step.by, at=step.at, **ask.inputs)
        else:
            verdict = PROCESS.decide(items[ask.item_id], ask.action, ask.inputs, by=step.by, at=step.at)
        assert verdict
        assert verdict.change
        items[ask.item_id] = verdict.change.after
        changes.append(verdict.change)
    return changes


def _through(bus: CommandBus, log: list[Step], *, given: bool = False) -> None:
    items: dict[Any, Any] = {}
    for step in log:
        known = items.get(step.command.ask().item_id) if given else None
        item = bus.execute(step.command, by=step.by, at=step.at, item=known)
        items[item.id] = item


@attrs.frozen
class Rows:
    """What one command writes, ready to be bound."""

    key: tuple[str, str]
    version: int
    item: dict[str, Any]
    event: dict[str, Any]
    pointer: dict[str, Any]


class _Files:
    """The contenders that write to a SQLite file, each to a new one in each round."""

    def __init__(self, folder: Path, log: list[Step]) -> None:
        """Work out the rows that all of them write."""
        self._folder, self._log, self._count = folder, log, 0
        self._rows = rows_of(log)
        self._engine: Engine | None = None
        self.contenders: dict[str, Callable[[int], object]] = {
            RAW: lambda _: _raw(self._path, self._rows),
            CORE: lambda _: _core(self._opened(), self._rows),
            BUS: lambda _: _through(CommandBus(SqlAlchemyStore(self._opened()), [PROCESS]), log),
            GIVEN: lambda _: _through(CommandBus(SqlAlchemyStore(self._opened()), [PROCESS]), log, given=True),
        }

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._count}.db"

    def anew(self, _: int) -> None:
        """Make an empty database with the tables of the store."""
        self._opened().dispose()
        self._path.unlink(missing_ok=True)
        self._count += 1
        self._engine = create_engine(f"sqlite:///{self._path}")
        event.listen(self._engine, "connect", _wal)
        metadata.create_all(self._engine)

    def commands_a_second(self) -> dict[str, float]:
        """Return how many commands each contender does in a second of the clock on the wall."""
        rates = {}
        for name, contender in self.contenders.items():
            self.anew(0)
            start = time.perf_counter()
            contender(0)
            rates[name.split(",")[0].split(":")[0]] = len(self._log) / (time.perf_counter() - start)
        return rates

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = create_engine("sqlite://")
        return self._engine


def _wal(connection: Any, _: object) -> None:  # noqa: ANN401 - a DBAPI connection
    connection.execute("PRAGMA journal_mode=WAL")


# ---------------------------------------------------------------- the peers

_COLUMNS: Final = tuple(column.name for column in TABLES.item.c)
MOVED: Final = ("status", "category", "version", "updated_at", "closed_at", "performers", "head")


def rows_of(log: list[Step]) -> list[Rows]:
    """Return what the commands of a log write, one after the other."""
    values = item_values(_COLUMNS)
    heads: dict[str, Any] = {}
    rows = []
    for change in _decide(log):
        known = heads.get(change.after.id)
        before = None if change.before is None else attrs.evolve(change.before, head=known)
        sealed = seal(attrs.evolve(change, before=before), recorded_at=change.event.occurred_at)
        heads[change.after.id] = sealed.after.head
        after, happened = sealed.after, sealed.event
        pointer = {
            "tenant": after.tenant,
            "item_id": after.id,
            "version": after.version,
            "shard": shard_of(after.tenant, after.id),
            "attempts": 0,
        }
        item = dict(zip(_COLUMNS, values(after), strict=True))
        entry = dict(zip((column.name for column in TABLES.event.c), event_values(happened), strict=True))
        rows.append(Rows((after.tenant, after.id), after.version, item, entry, pointer))
    return rows


def _insert(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def _raw(path: Path, rows: list[Rows]) -> None:
    """What a team would write by hand with the driver alone."""
    point = tuple(rows[0].pointer)
    events = tuple(rows[0].event)
    insert_item, insert_event = _insert(TABLES.item, _COLUMNS), _insert(TABLES.event, events)
    insert_pointer = _insert(TABLES.outbox, point)
    select_item = f"SELECT {', '.join(_COLUMNS)} FROM {TABLES.item.name} WHERE tenant = ? AND id = ?"
    sets = ", ".join(f"{name} = ?" for name in MOVED)
    update_item = f"UPDATE {TABLES.item.name} SET {sets} WHERE tenant = ? AND id = ? AND version = ?"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        run = connection.execute
        for row in rows:
            run("BEGIN IMMEDIATE")
            if row.version == 1:
                run(insert_item, tuple(row.item.values()))
            else:
                run(select_item, row.key).fetchone()
                cursor = run(update_item, (*(row.item[name] for name in MOVED), *row.key, row.version - 1))
                assert cursor.rowcount == 1
            run(insert_event, tuple(row.event.values()))
            run(insert_pointer, tuple(row.pointer.values()))
            run("COMMIT")


def bound(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with datetimes, which is how SQLAlchemy's own types take them."""
    kinds = {column.name: isinstance(column.type, Instant) for column in table.c}
    return {name: datetime.fromisoformat(value) if value and kinds[name] else value for name, value in row.items()}


def _core(engine: Engine, rows: list[Rows]) -> None:
    """What a team would write by hand with SQLAlchemy's Core, every statement built once."""
    mine = (TABLES.item.c.tenant == bindparam("b_tenant")) & (TABLES.item.c.id == bindparam("b_id"))
    select_item = select(TABLES.item).where(mine)
    update_item = (
        update(TABLES.item)
        .where(mine & (TABLES.item.c.version == bindparam("b_version")))
        .values({name: bindparam(name) for name in MOVED})
    )
    insert_item, insert_event, insert_pointer = insert(TABLES.item), insert(TABLES.event), insert(TABLES.outbox)
    items = [bound(TABLES.item, row.item) for row in rows]
    events = [bound(TABLES.event, row.event) for row in rows]
    for row, item, entry in zip(rows, items, events, strict=True):
        with engine.begin() as connection:
            if row.version == 1:
                connection.execute(insert_item, item)
            else:
                tenant, item_id = row.key
                known = {"b_tenant": tenant, "b_id": item_id}
                connection.execute(select_item, known).one()
                moved = {name: item[name] for name in MOVED}
                done = connection.execute(update_item, {**moved, **known, "b_version": row.version - 1})
                assert done.rowcount == 1
            connection.execute(insert_event, entry)
            connection.execute(insert_pointer, row.pointer)
