"""Reading event logs: what a row becomes, and every way in which a file is no such log."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casewright import Actor, FrozenMapping, InvalidInputError
from casewright.interchange.event_log import MAX_ROW_BYTES, LogRow, read_event_log

STATUSES = ("open", "Last Call", "done")
HEADER = b"case:concept:name,concept:name,time:timestamp,org:resource,org:role,event,from_status\n"
GOOD = b"c1,open,2026-01-31T12:00:00+01:00,ann,clerk,status,\n"


def read(data: bytes, *cells: str) -> list[LogRow]:
    """The rows of a log."""
    return list(read_event_log(io.BytesIO(data), statuses=STATUSES, cells=cells))


def problem(data: bytes) -> InvalidInputError:
    """Why the log is none."""
    with pytest.raises(InvalidInputError) as caught:
        read(data)
    return caught.value


def test_a_row_becomes_a_value() -> None:
    """Each column becomes a checked field; the time is the same instant in UTC, the role the actor's one role."""
    (row,) = read(HEADER + GOOD)

    assert row == LogRow(
        number=2,
        case_id=row.case_id,
        status="open",
        at=datetime(2026, 1, 31, 11, tzinfo=UTC),
        actor=Actor("ann", roles=["clerk"]),
        event="status",
        from_status="",
    )
    assert row.case_id == "c1"


def test_optional_columns_may_be_missing() -> None:
    """Without the optional columns, rows say neither event nor status before, and the actor has no role."""
    (row,) = read(b"concept:name,time:timestamp,case:concept:name,x\nopen,2026-01-31 12:00:00Z,c1,\n")

    assert (row.event, row.from_status, row.actor.roles) == (None, None, frozenset())


def test_an_empty_event_is_left_for_the_reader_to_see() -> None:
    """An empty cell in the column event is the same as no such column."""
    (row,) = read(HEADER + GOOD.replace(b"status", b""))

    assert row.event is None


def test_actors_without_an_id_are_never_the_same_one() -> None:
    """Two rows without a resource have two actors, so that no rule takes them for one person (A4)."""
    nameless = GOOD.replace(b"ann", b"")
    first, second, named = read(HEADER + nameless + nameless + GOOD)

    assert len({first.actor.id, second.actor.id, named.actor.id}) == 3
    assert first.actor.roles == {"clerk"}


def test_cells_that_are_asked_for_are_kept() -> None:
    """Further columns are kept by name where the log has them; no others are."""
    header = b"case:concept:name,concept:name,time:timestamp,reason,other\n"
    (row,) = read(header + b"c1,open,2026-01-31T12:00Z,because,x\n", "reason", "absent")

    assert row.cells == FrozenMapping({"reason": "because"})


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + HEADER + GOOD + GOOD,
        HEADER + GOOD + b"\n\n" + GOOD + b"\n",
        (HEADER + GOOD + GOOD).replace(b"\n", b"\r\n"),
        (HEADER + GOOD + GOOD).removesuffix(b"\n"),
        HEADER + GOOD.replace(b"ann", b'"ann"') + GOOD.replace(b"open", b'"open"'),
    ],
    ids=["byte order mark", "blank lines", "crlf", "no end of line", "quotes"],
)
def test_the_usual_shapes_of_csv_are_read(data: bytes) -> None:
    """What spreadsheets write is read: a byte order mark, CR LF, quotes, blank lines, no end to the last line."""
    first, second = read(data)

    assert (first.case_id, first.actor.id, second.status) == ("c1", "ann", "open")


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    """The header is row 1; a cell with line ends in it is one row, and a blank line is one too."""
    header = HEADER.replace(b"\n", b",text\n")
    rows = read(header + GOOD.replace(b"\n", b',"a\nb\nc"\n') + b"\n" + GOOD.replace(b"\n", b",\n"), "text")

    assert [row.number for row in rows] == [2, 4]
    assert rows[0].cells["text"] == "a\nb\nc"


def _changed(old: bytes, new: bytes) -> bytes:
    return HEADER + GOOD + GOOD.replace(old, new, 1)


BAD = {
    "empty file": (b"", "row 1"),
    "only blank lines": (b"\n\n", "row 1"),
    "missing columns": (b"case:concept:name,time\n", "row 1"),
    "another separator": (HEADER.replace(b",", b";") + GOOD, "row 1"),
    "column twice": (HEADER.replace(b"org:role", b"event"), "row 1"),
    "utf-16": ((HEADER + GOOD).decode().encode("utf-16"), "row 1"),
    "not utf-8": (_changed(b"ann", b"\xff"), "row 3"),
    "surrogate": (_changed(b"ann", b"\xed\xa0\x80"), "row 3"),
    "latin-1": (_changed(b"ann", "änn".encode("latin-1")), "row 3"),
    "nul": (_changed(b"ann", b"a\0n"), "row 3"),
    "nul in the header": (HEADER.replace(b"event", b"e\0"), "row 1"),
    "too few cells": (HEADER + GOOD + b"c1,open\n", "row 3"),
    "too many cells": (HEADER + GOOD + GOOD.replace(b"\n", b",x\n"), "row 3"),
    "open quote": (_changed(b"ann", b'"ann'), "row 3"),
    "text after a quote": (_changed(b"ann", b'"a"nn'), "row 3"),
    "huge cell": (_changed(b"ann", b"a" * 200_000), "row 3"),
    "10 MB cell": (_changed(b"ann", b"a" * 10_000_000), "row 3"),
    "endless row": (_changed(b"ann", b'"a\n",' * 300_000), "row 3"),
    "lonely carriage return": (_changed(b"ann", b"a\rn"), "row 3"),
    "unknown status": (_changed(b"open", b"Open"), "row 3, concept:name"),
    "no status": (_changed(b"open", b""), "row 3, concept:name"),
    "unknown status before": (_changed(b",\n", b",gone\n"), "row 3, from_status"),
    "unknown event": (_changed(b"status", b"Status"), "row 3, event"),
    "blank case": (_changed(b"c1", b" "), "row 3, case:concept:name"),
    "no case": (_changed(b"c1", b""), "row 3, case:concept:name"),
    "case of 1,000 characters": (_changed(b"c1", b"c" * 1000), "row 3, case:concept:name"),
    "control character in a case": (_changed(b"c1", b"c\x1b[31m"), "row 3, case:concept:name"),
    "line end in a case": (_changed(b"c1", b'"c\n1"'), "row 3, case:concept:name"),
    "naive time": (_changed(b"+01:00", b""), "row 3, time:timestamp"),
    "impossible day": (_changed(b"01-31", b"02-30"), "row 3, time:timestamp"),
    "impossible offset": (_changed(b"+01:00", b"+99:00"), "row 3, time:timestamp"),
    "time before the year 1": (_changed(b"2026-01-31T12", b"0001-01-01T00"), "row 3, time:timestamp"),
    "no time": (_changed(b"2026-01-31T12:00:00+01:00", b""), "row 3, time:timestamp"),
    "date only": (_changed(b"T12:00:00+01:00", b""), "row 3, time:timestamp"),
    "blank actor": (_changed(b"ann", b" "), "row 3, org:resource"),
    "long actor": (_changed(b"ann", b"a" * 300), "row 3, org:resource"),
    "control character in a role": (_changed(b"clerk", b"\x07"), "row 3, org:role"),
}


@pytest.mark.parametrize(("data", "where"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_log_is_refused_with_its_first_bad_row(data: bytes, where: str) -> None:
    """The error names the row (row 1 is the header) and the column, in one printable line (S1-S3)."""
    error = problem(data)

    assert error.field == where
    assert str(error).isprintable()
    assert len(str(error)) < 300


@pytest.mark.parametrize("name", ["10 MB cell", "endless row"])
def test_a_row_without_end_is_told_as_such(name: str) -> None:
    """What ends a row early is its length, however many lines and cells it has (S1)."""
    assert problem(BAD[name][0]).problem == f"is longer than {MAX_ROW_BYTES} bytes"


def test_a_missing_column_is_named() -> None:
    """All missing columns are named at once."""
    text = str(problem(b"case:concept:name,x\n"))

    assert "'concept:name'" not in text
    assert "named concept:name" in text
    assert "named time:timestamp" in text


def test_rows_before_a_bad_one_come_first() -> None:
    """The file is read row by row: what stands before a bad row was yielded before it raises."""
    rows = read_event_log(io.BytesIO(HEADER + GOOD + b"x\n"), statuses=STATUSES)

    assert next(rows).number == 2
    with pytest.raises(InvalidInputError):
        next(rows)


def test_a_line_without_end_is_given_up_early() -> None:
    """Of a line that does not end, no more is held than a few times the limit of a row (S1)."""
    data = io.BytesIO(HEADER + b"a" * 50 * MAX_ROW_BYTES)
    rows = read_event_log(data, statuses=STATUSES)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError):
            next(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5 * MAX_ROW_BYTES


def read_or_refused(data: bytes) -> tuple[list[LogRow], InvalidInputError | None]:
    """The rows of a log, or why it is none."""
    try:
        return read(data), None
    except InvalidInputError as error:
        return [], error


_CELL = st.one_of(st.text(), st.sampled_from(["", "open", "edit", "status", "2026-01-31T12:00Z", "c1"]))


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(), st.lists(st.lists(_CELL, min_size=7, max_size=7), max_size=4)))
@example(b'"')
def test_any_bytes_give_rows_or_one_typed_error(data: bytes | list[list[str]]) -> None:
    """Whatever stands below the header, rows or an InvalidInputError that names a row come out (S1, S2)."""
    if not isinstance(data, bytes):
        table = io.StringIO(newline="")
        csv.writer(table).writerows(data)
        data = table.getvalue().encode()
    rows, error = read_or_refused(HEADER + data)

    assert all(row.status in STATUSES and row.at.tzinfo is UTC for row in rows)
    assert error is None or (error.field.startswith("row ") and str(error).isprintable())
