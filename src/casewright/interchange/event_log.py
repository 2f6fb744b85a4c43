"""Event logs: CSV with XES column names, read row by row and checked before anything is made of it.

=====================  ===========================================================================================
``case:concept:name``  the case's id
``concept:name``       its status after the row
``time:timestamp``     when, as ISO 8601 with an offset
``org:resource``       optional: the id of who did it
``org:role``           optional: the one role they had
``event``              optional: ``status`` for a change of status, ``edit`` for anything else, or empty for "see for
                       yourself"
``from_status``        optional: the status before the row, empty where the case is created
=====================  ===========================================================================================

The file is UTF-8. Rows are numbered as a spreadsheet shows them: row 1 is the header. A file that is not what it should
be is refused as a whole, with the first bad row named (S1, S2, S3).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.ids import ItemId, as_item_id
from casewright.domain.json_values import EMPTY, FrozenMapping
from casewright.domain.values import as_instant
from casewright.errors import InvalidInputError

__all__ = ["EVENTS", "MAX_ROW_BYTES", "LogRow", "read_event_log"]

_CASE: Final = "case:concept:name"
_STATUS: Final = "concept:name"
_TIME: Final = "time:timestamp"
_RESOURCE: Final = "org:resource"
_ROLE: Final = "org:role"
_EVENT: Final = "event"
_FROM: Final = "from_status"

EVENTS: Final = ("status", "edit")
"""What the column ``event`` may hold besides nothing."""

MAX_ROW_BYTES: Final = 1024 * 1024
"""How long one row may be; one cell may be as long as Python's csv module allows (131,072 characters)."""


@attrs.frozen(kw_only=True, weakref_slot=False)
class LogRow:
    """One row of an event log.

    Attributes:
        number: Its row in the file; the header is row 1.
        case_id: The case it is about.
        status: The case's status after it.
        at: When (UTC).
        actor: Who did it; without a logged id, someone whom no other row names.
        event: ``"status"``, ``"edit"``, or None where the log does not say.
        from_status: The status before it, empty where it creates the case; None where the log does not say.
        cells: The cells that were asked for, by the names of their columns.
    """

    number: int
    case_id: ItemId
    status: str
    at: datetime
    actor: Actor
    event: str | None = None
    from_status: str | None = None
    cells: FrozenMapping[str] = EMPTY


def read_event_log(file: BinaryIO, *, statuses: Collection[str], cells: Collection[str] = ()) -> Iterator[LogRow]:
    """Read an event log row by row; no more than one row is held at a time.

    Args:
        file: The CSV file, opened for bytes.
        statuses: The statuses there are.
        cells: The names of further columns to keep where the log has them.

    Yields:
        Its rows, in the order of the file; blank lines are passed over.

    Raises:
        InvalidInputError: The file is no such log; ``field`` names the first bad row, and the column where it is one.
    """
    records = _records(file)
    columns = _columns(next(records, (1, []))[1])
    reader = _Rows(columns, statuses, cells)
    width = len(columns)
    for number, record in records:
        if len(record) != width:
            problem = f"has {len(record)} cells, but the header has {width}"
            raise InvalidInputError(f"row {number}", problem, "quote cells that hold a comma")
        yield reader.row(number, record)


class _Rows:
    """Makes rows of records; what recurs (ids, statuses, actors) is checked and kept once."""

    __slots__ = ("_actors", "_case", "_cells", "_event", "_from", "_ids", "_resource", "_role", "_statuses", "_where")

    def __init__(self, columns: Mapping[str, int], statuses: Collection[str], cells: Collection[str]) -> None:
        self._where = columns
        self._event = columns.get(_EVENT)
        self._from = columns.get(_FROM)
        self._resource = columns.get(_RESOURCE)
        self._role = columns.get(_ROLE)
        self._case = columns[_CASE]
        self._cells = [(name, columns[name]) for name in cells if name in columns]
        self._statuses = {status: status for status in statuses}
        self._ids: dict[str, ItemId] = {}
        self._actors: dict[tuple[str, str], Actor] = {}

    def row(self, number: int, record: list[str]) -> LogRow:
        try:
            return LogRow(
                number=number,
                case_id=self._id(record[self._case]),
                status=self._status(record[self._where[_STATUS]], _STATUS),
                at=as_instant(record[self._where[_TIME]], _TIME),
                actor=self._actor(record, number),
                event=None if self._event is None else _event(record[self._event]),
                from_status=None if self._from is None else self._status(record[self._from] or None, _FROM),
                cells=FrozenMapping((name, record[place]) for name, place in self._cells) if self._cells else EMPTY,
            )
        except InvalidInputError as error:
            raise InvalidInputError(f"row {number}, {error.field}", error.problem, error.advice) from None

    def _id(self, cell: str) -> ItemId:
        known = self._ids.get(cell)
        if known is None:
            try:
                known = as_item_id(cell)
            except InvalidInputError as error:
                raise InvalidInputError(_CASE, error.problem, error.advice) from None
            self._ids[cell] = known
        return known

    def _status(self, cell: str | None, column: str) -> str:
        if cell is None:
            return ""
        known = self._statuses.get(cell)
        if known is None:
            raise InvalidInputError(column, "is no status of the lifecycle", f"use {', '.join(self._statuses)}")
        return known

    def _actor(self, record: list[str], number: int) -> Actor:
        resource = "" if self._resource is None else record[self._resource]
        role = "" if self._role is None else record[self._role]
        if not resource:
            # Two unknown people are never the same one (A4), so each gets an id of their own.
            return _as_actor(f"unknown in row {number}", role)
        known = self._actors.get((resource, role))
        if known is None:
            known = self._actors[resource, role] = _as_actor(resource, role)
        return known


def _as_actor(resource: str, role: str) -> Actor:
    try:
        return Actor(resource, roles=(role,) if role else ())
    except InvalidInputError as error:
        raise InvalidInputError(_ROLE if error.field == "roles" else _RESOURCE, error.problem, error.advice) from None


def _event(cell: str) -> str | None:
    if cell and cell not in EVENTS:
        raise InvalidInputError(_EVENT, "is no kind of event", f"use {' or '.join(EVENTS)}, or leave it empty")
    return cell or None


def _columns(header: list[str]) -> dict[str, int]:
    """The place of each column by its name."""
    if not header:
        raise InvalidInputError("row 1", "holds no column names: the file is empty", "begin with a header")
    columns = {name: place for place, name in enumerate(header)}
    missing = [name for name in (_CASE, _STATUS, _TIME) if name not in columns]
    if missing:
        problem = f"has no column named {' and none named '.join(missing)}"
        raise InvalidInputError("row 1", problem, "separate the names by commas and spell them so")
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise InvalidInputError("row 1", "names a column twice", "give each a name of its own")
    return columns


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file that are not blank, each with its number."""
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    while True:
        number = lines.begin_row()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInputError(f"row {number}", f"is no CSV ({error})") from None
        if record:
            yield number, record


class _Lines:
    """The lines of a file as text. They count their bytes a row, so that an endless row ends early (S1)."""

    __slots__ = ("_file", "_left", "_row")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._row = 0
        self._left = 0

    def begin_row(self) -> int:
        self._row += 1
        self._left = MAX_ROW_BYTES
        return self._row

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(self._left + 1)
        if not raw:
            raise StopIteration
        self._left -= len(raw)
        where = f"row {self._row}"
        if self._left < 0:
            raise InvalidInputError(where, f"is longer than {MAX_ROW_BYTES} bytes", "close its quotes, or shorten it")
        if b"\0" in raw:
            raise InvalidInputError(where, "holds NUL, which no store can keep", "remove it")
        try:
            return raw.decode("utf-8-sig" if self._row == 1 else "utf-8")
        except UnicodeDecodeError:
            raise InvalidInputError(where, "is not UTF-8", "save the file as UTF-8") from None
