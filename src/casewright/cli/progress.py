"""A progress bar for people who wait; where nobody does (a pipe, a file), silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TextIO, TypeVar

__all__ = ["Progress"]

_T = TypeVar("_T")

_WIDTH: Final = 30


class Progress:
    """One line that is drawn over itself, at most once for each percent.

    Args:
        stream: Where it is drawn, if that is a terminal.
    """

    __slots__ = ("_drawn", "_stream")

    def __init__(self, stream: TextIO) -> None:
        """Draw nothing yet."""
        self._stream = stream if stream.isatty() else None
        self._drawn = ""

    def follow(self, items: Iterable[_T], word: str, total: int, done: Callable[[_T], int]) -> Iterator[_T]:
        """Yield the items, and show how far they have come.

        Args:
            items: What is gone through.
            word: What is being done.
            total: How much there is in all; where it is 0 nobody knows, and nothing is shown.
            done: How much is done once the item is.
        """
        for item in items:
            yield item
            if self._stream is not None and total:
                self._draw(word, min(100, 100 * done(item) // total))

    def clear(self) -> None:
        """Leave the line as empty as it was."""
        if self._stream is not None and self._drawn:
            self._stream.write("\r" + " " * len(self._drawn) + "\r")
            self._stream.flush()
            self._drawn = ""

    def _draw(self, word: str, percent: int) -> None:
        filled = percent * _WIDTH // 100
        line = f"{word} [{'#' * filled}{'.' * (_WIDTH - filled)}] {percent:3} %"
        if self._stream is not None and line != self._drawn:
            self._stream.write("\r" + line)
            self._stream.flush()
            self._drawn = line
