"""The progress bar: for people at a terminal, and nobody else."""

from __future__ import annotations

import io

from casewright.cli.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_sees_how_far_it_is() -> None:
    """On a terminal the line is drawn over itself once for each percent, and is empty in the end."""
    stream = Terminal()
    progress = Progress(stream)
    items = list(progress.follow(range(1000), "reading", 1000, lambda place: place + 1))
    progress.clear()

    drawn = stream.getvalue().split("\r")
    assert items == list(range(1000))
    assert "\n" not in stream.getvalue()
    assert drawn[1] == "reading [..............................]   0 %"
    assert drawn[-3] == "reading [##############################] 100 %"
    assert len(drawn) == 1 + 101 + 2
    assert drawn[-2] == " " * len(drawn[-3])
    assert drawn[-1] == ""


def test_progress_never_passes_its_end() -> None:
    """More than was announced (a file that grows) is shown as all of it."""
    stream = Terminal()
    list(Progress(stream).follow(range(3), "reading", 1, lambda place: place))

    assert stream.getvalue().endswith("100 %")


def test_nobody_else_sees_anything() -> None:
    """A pipe or a file sees no bar, and nothing is shown of what has no known end."""
    pipe, terminal = io.StringIO(), Terminal()
    for progress, total in ((Progress(pipe), 3), (Progress(terminal), 0)):
        assert list(progress.follow("abc", "reading", total, lambda _: 1)) == ["a", "b", "c"]
        progress.clear()

    assert pipe.getvalue() == terminal.getvalue() == ""


def test_a_cleared_line_is_cleared_once() -> None:
    """Clearing a line that is empty writes nothing."""
    stream = Terminal()
    progress = Progress(stream)
    list(progress.follow("a", "reading", 1, lambda _: 1))
    progress.clear()
    before = stream.getvalue()
    progress.clear()

    assert stream.getvalue() == before
