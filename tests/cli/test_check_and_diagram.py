"""`check` proves a definition or shows every problem; `diagram` draws it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from casewright import TASK
from casewright.cli import main

BROKEN = """
from casewright import Category, Lifecycle, Transition
BROKEN = Lifecycle(
    states={"a": Category.OPEN, "b": Category.OPEN},
    initial="c",
    transitions=[Transition("edit", "a", "b")],
)
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """The name of a lifecycle that cannot work."""
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return f"{path}:BROKEN"


def test_a_sound_definition_is_called_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` prints "sound" and what it found, of a definition and of a lifecycle, and ends with 0."""
    path = tmp_path / "mine.py"
    path.write_text("from casewright import REGULATORY_CASE as MINE\nSTEPS = MINE.lifecycle\n")

    assert main(["check", f"{path}:MINE"]) == main(["check", f"{path}:STEPS"]) == 0
    assert capsys.readouterr().out == (
        "sound: the case definition 'regulatory_case', 5 statuses, 4 actions\n"
        "sound: a lifecycle, 5 statuses, 4 actions\n"
    )


def test_every_problem_is_shown(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` prints every problem at once, none hidden by another, and ends with 1 (E4)."""
    assert main(["check", broken]) == 1

    out, err = capsys.readouterr()
    assert err == ""
    for part in ("unknown", "reserved", "no way leads to it", "no closed status can be reached"):
        assert part in out.replace("\n  ", " ")
    assert all(len(line) <= 80 and line[:2] in {"- ", "  "} for line in out.splitlines())


def test_check_answers_programs(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`check --json` is one object with `sound` and `problems`, each with code, where, what and mend."""
    assert main(["check", "task", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sound": True, "problems": []}

    assert main(["check", broken, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["sound"] is False
    assert all(problem.keys() == {"code", "where", "what", "mend"} for problem in answer["problems"])
    assert {"unknown_status", "reserved_action", "trap"} <= {problem["code"] for problem in answer["problems"]}


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_a_diagram_is_that_of_the_lifecycle(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`diagram` prints what the lifecycle draws of itself, in either form, as text or as JSON."""
    assert main(["diagram", "TASK", "--form", form]) == 0
    assert capsys.readouterr().out == format(TASK.lifecycle, form)

    assert main(["diagram", "task", "--form", form, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"form": form, "diagram": format(TASK.lifecycle, form)}


def test_what_cannot_work_is_not_drawn(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A lifecycle that is not sound is bad input to `diagram`: one line that names `check`."""
    assert main(["diagram", broken]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "see all with: casewright check" in err
    assert err.count("\n") == 1
