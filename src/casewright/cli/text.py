"""What every command prints with: lines that fit, characters that the terminal can show, one object for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

__all__ = ["WIDTH", "named", "one_line", "paragraph", "say", "shows_url", "table", "write", "write_json"]

WIDTH: Final = 80
_WIDEST_START: Final = 50
"""How much of a line the columns before the last may take."""
_DEEPER: Final = " " * 8


def shows_url(text: str) -> bool:
    """Return whether text shows what may be a URL, well spelt or not: it may hold a password."""
    return "://" in text or ":" in text.rpartition("@")[0]


def named(argument: str) -> str:
    """Return an argument as messages name it: as it is, unless it may be a URL."""
    return "a URL" if shows_url(argument) else argument


def one_line(text: str) -> str:
    """Return text from outside as it can stand in one line: control characters and line ends are escaped (S6)."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(text: str) -> None:
    """Write one line to stderr, for whoever waits; where it cannot be written, nobody can be told.

    Args:
        text: What to say.
    """
    with contextlib.suppress(OSError):
        write(f"casewright: {one_line(text)}", sys.stderr)


def paragraph(text: str, *, indent: str = "", first: str | None = None) -> str:
    """Return text broken into lines of 80 columns.

    Args:
        text: One paragraph.
        indent: What each line begins with.
        first: What the first line begins with, where that is something else.
    """
    start = indent if first is None else first
    return textwrap.fill(one_line(text), WIDTH, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False)


def table(rows: Iterable[Sequence[str]], *, right: int = -1) -> str:
    """Return rows with their columns aligned; the last column is broken over lines where it does not fit.

    Args:
        rows: Cells of text, as many in each row.
        right: The column that is aligned to the right, if any.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    return "\n".join(_line(row, widths, right) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int], right: int) -> str:
    *most, last = row
    padded = [
        cell.rjust(width) if place == right else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(most, widths, strict=True))
    ]
    start = "  " + "".join(f"{cell}  " for cell in padded)
    if len(start) <= _WIDEST_START:
        return paragraph(last, first=start, indent=" " * len(start)) or start.rstrip()
    return f"{start.rstrip()}\n{paragraph(last, indent=_DEEPER)}".rstrip()


def write(text: str, stream: TextIO) -> None:
    """Write text and end the line; what the stream's encoding cannot hold is escaped, never an error.

    Args:
        text: What to write.
        stream: Where to.
    """
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def write_json(value: Mapping[str, object], stream: TextIO) -> None:
    """Write one JSON object, in ASCII, so that it is the same everywhere."""
    stream.write(json.dumps(value, indent=2) + "\n")
