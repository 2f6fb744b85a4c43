"""The examples of README and documentation: what they print is what the page says they print."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from casewright.cli import main

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```(?P<language>[\w-]+)\n(?P<body>.*?)^```$(?P<between>\s*)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (?:python -m )?casewright (?P<arguments>.*)$")


def fences(page: Path) -> list[tuple[str, str, bool]]:
    """Return language and body of each fence, and whether the next one follows with nothing between."""
    found = list(FENCE.finditer(page.read_text(encoding="utf-8")))
    starts = {fence.start() for fence in found}
    return [(fence["language"], fence["body"], fence.end() in starts) for fence in found]


def examples(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each Python fence with what the text fence right behind it says that it prints."""
    blocks = fences(page)
    for (language, code, adjacent), following in zip(blocks, [*blocks[1:], ("", "", False)], strict=False):
        if language == "python":
            yield code, following[1] if adjacent and following[0] == "text" else ""


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the arguments of each call of our command, with what the page says that it prints."""
    for language, body, _ in fences(page):
        if language != "console":
            continue
        called = ""
        printed: list[str] = []
        for line in [*body.splitlines(), "$"]:
            if line.startswith("$"):
                if called:
                    yield called, "\n".join(printed)
                command = COMMAND.match(line)
                called, printed = (command["arguments"] if command else ""), []
            else:
                printed.append(line)


def named(page: Path) -> str:
    """Return the page's path as the id of a test."""
    return page.relative_to(ROOT).as_posix()


# Django loads what its page shows, which is files of a project: `examples/test_django_page.py` looks at that one.
WITH_PYTHON = [page for page in PAGES if any(examples(page)) and page.name != "django.md"]
# A replay needs a log that is not part of the project: `test_replay_page.py` looks at that page. A relay does not end
# by itself: `test_relay_page.py` runs all of its page.
WITH_COMMANDS = [
    (named(page), arguments, expected)
    for page in PAGES
    for arguments, expected in commands(page)
    if not arguments.startswith("replay ") and page.name != "run-a-relay.md"
]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_each_example_prints_what_its_page_shows(page: Path) -> None:
    """Each Python fence of a page prints just what the text fence behind it shows, or nothing where there is none."""
    names: dict[str, object] = {"__name__": "__main__"}
    for code, expected in examples(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, named(page), "exec", dont_inherit=True), names)
        assert printed.getvalue() == expected


def test_the_pages_are_found() -> None:
    """README, tutorial and the how-to guides are among the pages whose examples and commands run."""
    found = set(map(named, WITH_PYTHON))
    assert {"README.md", "docs/tutorial.md", "docs/how-to/declare-a-lifecycle.md"} <= found
    assert {"docs/reference/command-line.md"} <= {page for page, _, _ in WITH_COMMANDS}


@pytest.mark.parametrize(("page", "arguments", "expected"), WITH_COMMANDS)
def test_each_command_prints_what_its_page_shows(
    page: str, arguments: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each call of our command in a console fence ends well and prints what follows it; `...` stands for any lines."""
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(arguments)) == 0, page
    printed = capsys.readouterr().out.rstrip("\n")
    parts = [re.escape(part) for part in re.split(r"^\.\.\.$", expected, flags=re.MULTILINE)]
    assert expected == "" or re.fullmatch(".*".join(parts), printed, re.DOTALL), page


def test_the_first_success_is_short() -> None:
    """What the README shows first has at most 20 lines of code, and prints."""
    code, expected = next(examples(README))
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    assert expected


def test_the_bars_of_the_readme_are_those_of_the_benchmarks() -> None:
    """Each bar in the table of the README is one that a benchmark holds the measured figure against (A12)."""
    table = README.read_text(encoding="utf-8").partition("| what | measured | bar |")[2].partition("\n\n")[0]
    shown = {float(row.split("|")[3]) for row in table.splitlines()[2:]}
    calls = [
        node
        for path in (ROOT / "benchmarks").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Bar"
    ]
    held = {float(ast.literal_eval(call.args[2])) for call in calls}
    assert len(shown) > 5
    assert shown <= held
