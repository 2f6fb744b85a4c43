"""The pages about databases: the errors that they name are those of the store."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import casewright
from casewright import errors

PAGES = [
    Path(__file__).parents[2] / "docs" / "how-to" / f"{name}.md"
    for name in ("keep-data-in-sqlite", "choose-a-database")
]
STORE = Path(str(casewright.__file__)).parent / "adapters" / "sqlalchemy"
ROWS: list[tuple[str, str]] = re.findall(
    r"^\| `(\w+Error)` \| ([^|]*) \|", "".join(page.read_text(encoding="utf-8") for page in PAGES), re.MULTILINE
)


def spoken() -> str:
    """Return every text in the source of the store, one a line."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in STORE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize(("error", "says"), dict.fromkeys(ROWS))
def test_each_error_on_the_page_is_one_of_the_store(error: str, says: str) -> None:
    """Each error that the page names is one of the tree, and the words it quotes are in the store."""
    assert hasattr(errors, error)
    quoted = re.findall(r'"([^"]+)"', says)
    assert quoted
    assert [words for words in quoted if words not in spoken()] == []


def test_the_errors_are_found() -> None:
    """The table of errors is read at all."""
    assert len(ROWS) > 20
