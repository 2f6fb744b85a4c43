"""The quick look at the rows of one item: it says "sound" where that is beyond doubt, and nothing in all other cases.

A history is verified from the rows as they are, without making events of them: the header that was hashed is written
from the columns, and what the item should be is summed up beside it. That takes a third of the time. Whatever is not
plainly as it should be is looked at again by `prove`, which alone finds; so this never finds anything, and must not
call sound what `prove` would not. A test compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from json import JSONDecoder
from json.encoder import encode_basestring
from typing import Any, Final

from casewright.adapters.sqlalchemy.reading import read_exact_note
from casewright.adapters.sqlalchemy.rows import performer_line
from casewright.domain.events import UNPERFORMED
from casewright.domain.folding import merged_tags
from casewright.domain.history import note_digest, payload_digest, text_digest
from casewright.domain.json_values import canonical_json, parse_canonical
from casewright.domain.strict_json import unique_keys
from casewright.domain.values import CLOSED_CATEGORIES, Category, Priority
from casewright.errors import HistoryError, StorageError

__all__ = ["Row", "header_text", "sound_events"]

Row = Sequence[Any]

_quoted: Final[Callable[[str], str]] = encode_basestring
_decoder: Final[Any] = JSONDecoder(object_pairs_hook=unique_keys)
_scan: Final[Callable[[str, int], tuple[Any, int]]] = _decoder.scan_once  # `decode` looks for blanks first
_CLOSED: Final[Mapping[str, bool]] = {one.value: one in CLOSED_CATEGORIES for one in Category}
_SCHEMA: Final = 1
_LENGTH: Final = 27
_TEXTS: Final = ("title", "description", "priority", "assignee_id", "due_at", "case_id")
_PRIORITIES: Final = frozenset({None, *(one.value for one in Priority)})
_OWN: Final[Mapping[str, int | None]] = {"task": None, "case": 0}
"""How many open tasks an item of a kind has at first."""


class _DoubtError(Exception):
    """Something is not plainly as it should be."""


_DOUBTS: Final = (
    *(_DoubtError, HistoryError, StorageError, StopIteration, RecursionError),  # StopIteration: it was no JSON
    *(TypeError, ValueError, KeyError, AttributeError),
)


def header_text(row: Row) -> str:
    """Return the canonical text of an event's header, from the columns of its row.

    Args:
        row: The row, as the driver gives it; its instants and its names of fields are canonical already.

    Raises:
        TypeError: A column that holds text does not.
    """
    tenant, item_id, kind, version, action, name, from_status, to_status, category, actor_id, on_behalf_of, *more = row
    occurred_at, recorded_at, schema, definition, lifecycle_version, correlation_id, causation_id, *more = more
    traceparent, changed, previous, payload_digest, *_ = more
    quoted = _quoted
    return (
        f'{{"action":{quoted(action)},"actor_id":{quoted(actor_id)},"category":{quoted(category)},"causation_id":'
        f'{"null" if causation_id is None else quoted(causation_id)},"changed":{changed},"correlation_id":'
        f'{"null" if correlation_id is None else quoted(correlation_id)},"definition":{quoted(definition)},'
        f'"from_status":{"null" if from_status is None else quoted(from_status)},"item_id":{quoted(item_id)},'
        f'"kind":{quoted(kind)},"lifecycle_version":{lifecycle_version},"name":{quoted(name)},"occurred_at":'
        f'"{occurred_at}","on_behalf_of":{"null" if on_behalf_of is None else quoted(on_behalf_of)},'
        f'"payload_digest":{quoted(payload_digest)},"previous":{quoted(previous)},"recorded_at":"{recorded_at}",'
        f'"schema":{schema},"tenant":{quoted(tenant)},"to_status":{quoted(to_status)},"traceparent":'
        f'{"null" if traceparent is None else quoted(traceparent)},"version":{version}}}'
    )


def sound_events(item: Row | None, events: Iterable[Row], notes: Sequence[Row]) -> int | None:
    """Return how many events an item has, if all that is kept of it is sound beyond doubt, and nothing was erased.

    Args:
        item: Its row; None where there is none.
        events: The rows of its events, by version; may be a stream.
        notes: The rows of its notes.

    Returns:
        The number; None where it must be looked at again.
    """
    if item is None:
        return None
    summed = _Sum()
    try:
        for row in events:
            summed.add(row)
        return summed.version if summed.is_row(item) and summed.has_told(notes) else None
    except _DOUBTS:
        return None


class _Sum:
    """What the events up to here make of an item, in the words of its row."""

    __slots__ = (
        "_attributes",
        "_closed_at",
        "_deleted_at",
        "_fields",
        "_first",
        "_last",
        "_performed",
        "_performers",
        "_tags",
        "_told",
        "_was_closed",
    )

    def __init__(self) -> None:
        self._first: Row | None = None
        self._last: Row | None = None
        self._was_closed: bool | None = None
        self._closed_at: str | None = None
        self._deleted_at: str | None = None
        self._performed = "\n"
        self._performers: set[tuple[str, str]] = set()
        self._fields: dict[str, Any] = {}
        self._tags: tuple[str, ...] = ()
        self._attributes: dict[str, Any] = {}
        self._told: dict[int, tuple[object, object]] = {}

    @property
    def version(self) -> int:
        """How many events were taken."""
        return 0 if self._last is None else int(self._last[3])

    def add(self, row: Row) -> None:
        """Take one event more, and check that it follows."""
        last = self._last
        if last is None:
            self._first = row
        follows = ("", None, 1, row[2]) if last is None else (last[22], last[7], last[3] + 1, last[2])
        if (row[20], row[6], row[3], row[2]) != follows:
            raise _DoubtError
        names = _sealed(row)
        action, occurred_at, closed = row[4], row[11], _CLOSED[row[8]]
        if closed is not self._was_closed:
            self._was_closed, self._closed_at = closed, occurred_at if closed else None
        if last is None or action not in UNPERFORMED[_SCHEMA]:
            self._perform(action, row[9])
            if row[10] is not None:
                self._perform(action, row[10])
        elif action == "delete":
            self._deleted_at = occurred_at
        if names or action == "add_note":
            self._take(row, named=bool(names))
        self._last = row

    def _perform(self, action: str, actor_id: str) -> None:
        if (action, actor_id) not in self._performers:
            line = performer_line(action, actor_id)
            if not line[1:-1].replace("\t", "", 1).isprintable():  # else it would be read as something else
                raise _DoubtError
            self._performers.add((action, actor_id))
            self._performed += line[1:]

    def _take(self, row: Row, *, named: bool) -> None:
        """Take what the payload says."""
        text = row[23]
        payload, end = _scan(text, 0)
        inputs, changes = payload["inputs"], payload["changes"]
        if end != len(text) or type(inputs) is not dict or type(changes) is not dict:
            raise _DoubtError
        if row[4] == "add_note":
            self._told[row[3]] = inputs.get("note_id"), inputs.get("digest")
        for name, value in changes.items() if named else ():
            if name == "attributes":
                self._attributes = {**self._attributes, **value}
            elif name == "tags":
                self._tags = merged_tags(self._tags, tuple(value) if type(value) is list else value)
            else:
                if name == "priority" and value not in _PRIORITIES:
                    raise _DoubtError
                if name == "due_at" and value is not None:
                    _check_instant(value)
                self._fields[name] = value

    def is_row(self, row: Row) -> bool:
        """Return whether the row is what the events make."""
        first, last, fields = self._first, self._last, self._fields
        if first is None or last is None:
            return False
        own = _OWN[first[2]]
        opened = fields.pop("open_tasks", own)
        texts = [fields.get(name) for name in _TEXTS]
        title, description, priority, assignee_id, due_at, case_id = texts
        if type(title) is not str or type(opened) is not type(own):
            return False
        if any(type(text) is not str for text in texts if text is not None) or not set(map(type, self._tags)) <= {str}:
            return False
        kept = {key: part for key, part in self._attributes.items() if part is not None}
        expected = (
            *(first[0], first[1], first[2], first[14], first[15], last[7], last[8], last[3], title, description),
            *(priority, first[9], first[11], last[11], assignee_id, due_at, self._closed_at, self._deleted_at),
            *(canonical_json(self._tags) if self._tags else "[]", canonical_json(kept) if kept else "{}"),
            *(self._performed, last[22], case_id, opened),
        )
        return tuple(row) == expected and type(row[4]) is type(row[7]) is int and type(row[23]) is type(opened)

    def has_told(self, rows: Sequence[Row]) -> bool:
        """Return whether the notes are those that the events tell of."""
        if len(rows) != len(self._told):
            return False
        for note in map(read_exact_note, rows):
            digest = note_digest(
                note_id=note.id,
                item_id=note.item_id,
                author_id=note.author_id,
                body=note.body,
                created_at=note.created_at,
            )
            if self._told.pop(note.version, None) != (note.id, digest):
                return False
        return True


def _sealed(row: Row) -> tuple[str, ...]:
    """Check that an event is what was sealed, and return the names of the fields that it sets."""
    if row[13] != _SCHEMA or not (type(row[3]) is type(row[13]) is type(row[15]) is int):
        raise _DoubtError
    _check_instant(row[11])
    _check_instant(row[12])
    names = _names(row[19])
    if row[21] != payload_digest(row[23], row[24]) or row[22] != text_digest(header_text(row)):
        raise _DoubtError
    return names


def _check_instant(text: str) -> None:
    """Check that it is the canonical text of an instant: of 27 characters only that has these, and is a time."""
    if len(text) != _LENGTH or text[5] == "W" or (text[10], text[19], text[26]) != ("T", ".", "Z"):
        raise _DoubtError
    datetime.fromisoformat(text)


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[str, ...]:
    """The names in a canonical list of them."""
    names = parse_canonical(text)
    if (
        not isinstance(names, tuple)
        or not all(isinstance(name, str) for name in names)
        or canonical_json(names) != text
    ):
        raise _DoubtError
    return names
