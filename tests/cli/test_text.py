"""How commands print: in 80 columns, in any encoding, one line where one line is meant."""

from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from casewright.cli.text import WIDTH, one_line, paragraph, table, write, write_json


@given(st.text(alphabet=st.characters()))
def test_text_from_outside_stays_in_one_line(text: str) -> None:
    """Whatever a path or an error holds, nothing of it ends the line or speaks to the terminal (S6)."""
    line = one_line(text)

    assert line.isprintable()
    assert line == text or not text.isprintable()


@given(st.text(alphabet="ab \n\x1b", max_size=400), st.integers(0, 20))
def test_a_paragraph_fits(text: str, indent: int) -> None:
    """A paragraph is broken into lines of at most 80 columns."""
    assert all(len(line) <= WIDTH for line in paragraph(text, indent=" " * indent).split("\n"))


def test_a_paragraph_hangs() -> None:
    """The first line may begin with something else than the others."""
    lines = paragraph("word " * 30, first="- ", indent="  ").split("\n")

    assert [line[:2] for line in lines] == ["- ", "  "]


def test_a_table_is_aligned() -> None:
    """Columns stand below each other, one of them to the right, and no line ends in blanks."""
    assert table([("1", "a", "x"), ("12", "bcd", ""), ("3", "", "y")], right=0) == (
        "   1  a    x\n  12  bcd\n   3       y"
    )


def test_a_tables_last_column_is_broken_where_it_is_long() -> None:
    """Long text hangs below its column; where the columns before it are wide, below the row."""
    narrow = table([("a", "word " * 30)]).split("\n")
    wide = table([("a" * 60, "word " * 30)]).split("\n")

    assert [line[:5] for line in narrow] == ["  a  ", "     "]
    assert [line[:9] for line in wide] == ["  aaaaaaa", "        w", "        w", "        w"]
    assert max(map(len, [*narrow, *wide])) <= WIDTH


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    """Text is written whatever the encoding, also to a stream that has none."""
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="\n")
    write("ä \u20ac \udc80", latin)
    latin.flush()
    plain = io.StringIO()
    write("\u20ac", plain)

    assert latin.buffer.getvalue() == b"\xe4 \\u20ac \\udc80\n"
    assert plain.getvalue() == "\u20ac\n"


def test_json_is_one_object_in_ascii() -> None:
    """The object reads back as it was, whatever the encoding of the stream."""
    stream = io.StringIO()
    write_json({"a": "\u20ac\n", "b": [None, True]}, stream)

    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue()) == {"a": "\u20ac\n", "b": [None, True]}
