"""The page about Django shows the example as it is, and what it tries prints what it says, on both databases."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from casewright.adapters.sqlalchemy import check, downgrade
from casewright.adapters.sqlalchemy.versions import REVISIONS
from support.django_project import EXAMPLES, Ground

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "django.md"
*PARTS, TRY_OUT = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
(PRINTED,) = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
SOURCES = [path.read_text(encoding="utf-8") for path in (EXAMPLES / "django_app").rglob("*.py")]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.partition("\n")[0])
def test_each_part_on_the_page_is_one_of_the_example(part: str) -> None:
    """Each part of the application on the page stands in one of its files word for word."""
    assert any(part in source for source in SOURCES)


def test_each_part_on_the_page_is_whole() -> None:
    """Each part is Python by itself, so that none begins or ends in the middle of something."""
    for part in PARTS:
        ast.parse(part)


def test_the_parts_are_found() -> None:
    """The parts of the page are found, and so are the files of the application."""
    assert len(PARTS) > 5
    assert len(SOURCES) > 5


def test_what_the_page_tries_prints_what_it_says(ground: Ground) -> None:
    """What the page tries in the end prints what the page says, on each database."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(TRY_OUT, "django.md", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert printed.getvalue() == PRINTED
    assert ground.rows() == [1, 1, 1, 2]


def test_what_the_page_says_of_updates_brings_older_tables_up_to_date(ground: Ground) -> None:
    """Its migration brings the tables of an older casewright up to date on Django's connection, and leaves new ones."""
    (update,) = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "update"}
    exec(compile(update, "django.md", "exec", dont_inherit=True), names)
    with ground.engine.begin() as connection:
        downgrade(connection, to=REVISIONS[0])
    for _ in range(2):
        with connections["default"].schema_editor(atomic=True) as editor:
            names["upgrade_tables"](None, editor)
        with ground.engine.connect() as connection:
            assert check(connection) == ()
    assert names["Migration"].dependencies == [("django_app", "0002_casewright")]
