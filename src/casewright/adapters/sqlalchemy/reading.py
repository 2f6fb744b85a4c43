"""From rows to items, events, notes, pointers and entries: written out, without a mapper.

What a row holds was checked when it came in, so it is not checked again when it comes back, but for the types of its
columns: a row that somebody else wrote must not become an item that fails much later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import Integer, Table

from casewright.adapters.sqlalchemy.rows import event_values, item_values, note_values
from casewright.adapters.sqlalchemy.tables import TABLES
from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.domain.events import Event
from casewright.domain.items import Case, Item, Note, Task
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, parse_canonical
from casewright.domain.making import Maker
from casewright.domain.payloads import Payload
from casewright.domain.values import Category, Priority
from casewright.errors import HistoryError, StorageError

__all__ = [
    "read_entry",
    "read_event",
    "read_exact_event",
    "read_exact_item",
    "read_exact_note",
    "read_item",
    "read_note",
    "read_pointer",
]

_KINDS: Final[Mapping[str, Maker[Any]]] = {"task": Maker(Task), "case": Maker(Case)}
_EVENTS: Final[Maker[Event]] = Maker(Event)
_CATEGORIES: Final[Mapping[str, Category]] = {category.value: category for category in Category}
_PRIORITIES: Final[Mapping[str | None, Priority | None]] = {None: None, **{one.value: one for one in Priority}}
_decode: Final = json.JSONDecoder().decode

_ReadT = TypeVar("_ReadT")

Row: TypeAlias = Sequence[Any]


def _reader(table: Table, make: Callable[[Sequence[Any]], _ReadT]) -> Callable[[Sequence[Any]], _ReadT]:
    """Return the function that reads rows of a table, whose columns have the types that they should have.

    Combinations of types that were found sound are remembered: there are few of them.
    """
    types = [int if isinstance(column.type, Integer) else str for column in table.c]
    allowed = [{cls, type(None)} if column.nullable else {cls} for cls, column in zip(types, table.c, strict=True)]
    sound: set[tuple[type, ...]] = set()

    def read(row: Sequence[Any]) -> _ReadT:
        found = tuple(map(type, row))
        try:
            if found not in sound:
                if not all(cls in classes for cls, classes in zip(found, allowed, strict=True)):
                    raise TypeError
                sound.add(found)
            return make(row)
        except (TypeError, ValueError, KeyError, HistoryError, RecursionError):  # its text may show a value
            raise StorageError(f"{_named(table, row)} holds what this store cannot have written", _ADVICE) from None

    return read


def _named(table: Table, row: Sequence[Any]) -> str:
    """Which row it is, as far as its key can be read."""
    key = [
        str(value) for column, value in zip(table.c, row, strict=True) if column.primary_key and column.name != "tenant"
    ]
    what = table.name.removeprefix(TABLES.prefix)
    return (
        f"the row {' '.join(key)!r} of the {what} table"
        if all(map(str.isprintable, key))
        else f"a row of the {what} table"
    )


_ADVICE: Final = "find out who else writes to it"


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not UTC:
        raise ValueError
    return moment


def _optional(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _names(text: str) -> tuple[str, ...]:
    if text == "[]":
        return ()
    names = _decode(text)
    if type(names) is not list or not all(type(name) is str for name in names):
        raise TypeError
    return tuple(names)


def _attributes(text: str) -> FrozenMapping[JsonValue]:
    if text == "{}":
        return EMPTY
    attributes = parse_canonical(text)
    if not isinstance(attributes, FrozenMapping):
        raise TypeError
    return attributes


def _performers(text: str) -> tuple[str, ...]:
    before, *lines, after = text.split("\n")
    if before or after:
        raise ValueError
    pairs = [line.split("\t") for line in lines]
    return tuple([part for action, actor_id in pairs for part in (action, actor_id)])


def _item(row: Sequence[Any]) -> Item:
    tenant, item_id, kind, definition, lifecycle_version, status, category, version, title, *more = row
    description, priority, created_by, created_at, updated_at, assignee_id, due_at, closed_at, deleted_at, *more = more
    tags, attributes, performers, head, case_id, open_tasks = more
    maker, own = _KINDS[kind], case_id if kind == "task" else open_tasks + 0
    item: Item = maker.finish(
        maker.draft(
            item_id,
            tenant,
            definition,
            lifecycle_version,
            status,
            _CATEGORIES[category],
            version,
            title,
            description,
            _PRIORITIES[priority],
            created_by,
            _instant(created_at),
            _instant(updated_at),
            assignee_id,
            _optional(due_at),
            _optional(closed_at),
            _optional(deleted_at),
            _names(tags),
            _attributes(attributes),
            _performers(performers),
            head,
            own,
        )
    )
    return item


def _event(row: Sequence[Any]) -> Event:
    tenant, item_id, kind, version, action, name, from_status, to_status, category, *more = row
    actor_id, on_behalf_of, occurred_at, recorded_at, schema, definition, lifecycle_version, *more = more
    correlation_id, causation_id, traceparent, changed, previous, payload_digest, digest, payload, salt = more
    return _EVENTS.finish(
        _EVENTS.draft(
            tenant,
            item_id,
            kind,
            version,
            action,
            name,
            from_status,
            to_status,
            _CATEGORIES[category],
            actor_id,
            on_behalf_of,
            _instant(occurred_at),
            _optional(recorded_at),
            schema,
            definition,
            lifecycle_version,
            correlation_id,
            causation_id,
            traceparent,
            _names(changed),
            previous,
            payload_digest,
            digest,
            None if payload is None else Payload.from_text(payload),
            salt,
        )
    )


def _note(row: Sequence[Any]) -> Note:
    tenant, note_id, item_id, version, _, body, author_id, created_at = row
    return Note(
        id=note_id,
        tenant=tenant,
        item_id=item_id,
        version=version,
        body=body,
        author_id=author_id,
        created_at=_instant(created_at),
    )


def _pointer(row: Sequence[Any]) -> OutboxPointer:
    tenant, item_id, version, shard, attempts, next_at, error, _, dead_at = row
    return OutboxPointer(
        shard=shard,
        tenant=tenant,
        item_id=item_id,
        version=version,
        attempts=attempts,
        next_at=_optional(next_at),
        error=error,
        dead_at=_optional(dead_at),
    )


def _entry(row: Sequence[Any]) -> LedgerEntry:
    tenant, actor_id, key, command, fingerprint, item_id, version, changed, recorded_at = row
    return LedgerEntry(
        tenant=tenant,
        actor_id=actor_id,
        key=key,
        command=command,
        fingerprint=fingerprint,
        item_id=item_id,
        version=version,
        changed=bool(changed),
        recorded_at=_instant(recorded_at),
    )


read_entry: Final = _reader(TABLES.ledger, _entry)
read_item: Final = _reader(TABLES.item, _item)
read_event: Final = _reader(TABLES.event, _event)
read_note: Final = _reader(TABLES.note, _note)
read_pointer: Final = _reader(TABLES.outbox, _pointer)


def _exact(table: Table, make: Callable[[Row], _ReadT], write: Callable[[_ReadT, Row], Row]) -> Callable[[Row], _ReadT]:
    """Return a reader that refuses a row which says the same in other words: an index and a query would miss it."""

    def make_exactly(row: Row) -> _ReadT:
        made = make(row)
        if tuple(write(made, row)) != tuple(row):
            raise ValueError
        return made

    return _reader(table, make_exactly)


_item_values: Final = item_values(TABLES.item.c.keys())

read_exact_item: Final = _exact(TABLES.item, _item, lambda item, _: _item_values(item))
read_exact_event: Final = _exact(TABLES.event, _event, lambda event, _: event_values(event))
read_exact_note: Final = _exact(TABLES.note, _note, lambda note, row: note_values(note, row[4]))
