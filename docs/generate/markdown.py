"""What every page is written with: tables, paragraphs, code, and sentences out of docstrings."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["code", "prose", "sentence", "table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def prose(*sentences: str) -> str:
    """Return a paragraph of these sentences."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def code(words: Iterable[object]) -> str:
    """Return words as code, with commas between."""
    return ", ".join(f"`{word}`" for word in words)


def sentence(docstring: str) -> str:
    """Return the first sentence or paragraph of a docstring, as Markdown in a table."""
    first = " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split())
    return first.replace("``", "`").replace("|", "\\|").removesuffix(".")
