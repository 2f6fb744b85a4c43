"""The page about replaying: its figures are those of the test that replays the real log."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from casewright.cli import main

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "replay-a-log.md"


def shown() -> str:
    """Return what the page says that the command prints."""
    found = re.search(
        r"^\$ python -m casewright replay [^\n]*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    assert found
    return found[1].rstrip()


def proven() -> dict[str, int]:
    """Return the figures that the test of the real log expects, read from its source."""
    tree = ast.parse((ROOT / "tests" / "interchange" / "test_real_log.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPECTED":
            figures: dict[str, int] = ast.literal_eval(node.value)
            return figures
    raise LookupError("EXPECTED")


def test_the_page_shows_the_proven_figures() -> None:
    """Each figure on the page is the one that the replay of the real log is tested for."""
    figures = re.findall(r"^ +([a-z][a-z ]*[a-z]) +([\d,]+)(?: |$)", shown().partition("\n\nRefused")[0], re.MULTILINE)
    assert {name.replace(" ", "_"): int(number.replace(",", "")) for name, number in figures} == proven()


def test_the_page_shows_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the real log is at hand, just what is shown is printed, and one line more that says how long it took."""
    monkeypatch.chdir(ROOT)
    logs = [folder / "shared" / "data" / "eip_status_events.csv" for folder in Path(__file__).parents]
    for log in filter(Path.is_file, logs):
        assert main(["replay", str(log), "--definition", "examples/eip_process.py:EIP"]) == 0
        printed, _, last = capsys.readouterr().out.rstrip().rpartition("\n\n")
        assert printed == shown()
        assert last.endswith("rows a second")
