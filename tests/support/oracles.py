"""Oracles: what our stores really hold, read without their units of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from casewright import Event, LedgerEntry
from casewright.adapters.memory import MemoryStore
from casewright.testing.contracts.oracle import Row, Rows

if TYPE_CHECKING:
    from sqlalchemy import Connection


def memory_rows(store: MemoryStore) -> Rows:
    """Return what is kept in the dictionary of a store in memory."""
    kept = [one for (_, what, _), one in store._kept.items() if what == "item"]
    return Rows(
        items=[_fields(one.item) for one in kept],
        events=[_event(event) for one in kept for event in one.events.part()],
        notes=[_fields(note) for one in kept for note in one.notes.part()],
        pointers=[_fields(pointer) for one in kept for pointer in one.pointers.part()],
        entries=[_fields(one) for one in store._kept.values() if isinstance(one, LedgerEntry)],
    )


def sql_rows(connection: Connection) -> Rows:
    """Return what is in the tables, asked in plain SQL."""

    def rows(table: str) -> list[Row]:
        return [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM casewright_{table}").mappings()]

    items, events, notes, pointers, entries = map(rows, ("item", "event", "note", "outbox", "ledger"))
    return Rows(items=items, events=events, notes=notes, pointers=pointers, entries=entries)


def _fields(record: Any) -> dict[str, Any]:
    return attrs.asdict(record, recurse=False)


def _event(event: Event) -> dict[str, Any]:
    return _fields(event) | {"payload": None if event.payload is None else event.payload.text}
