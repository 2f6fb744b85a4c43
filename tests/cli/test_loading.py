"""Definitions named on the command line: found, or refused in one line that says what to write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from casewright import REGULATORY_CASE, TASK, CaseDefinition, DefinitionError, InvalidInputError, Lifecycle
from casewright.cli.loading import CATALOG, build_part, load_definition, load_part

GOOD = "from casewright import TASK as MINE\nLIFECYCLE = MINE.lifecycle\nNUMBER = 1\nNOTHING = None\n"
UNSOUND = """
from casewright import Category, Lifecycle
BROKEN = Lifecycle(states={"a": Category.OPEN, "b": Category.OPEN}, initial="a", transitions=())
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """A function that writes a definition file and returns its path."""

    def write(text: str, name: str = "mine.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_definition_is_found_in_its_file(file: Any) -> None:
    """FILE.py:NAME is what the file calls NAME: a definition, or a lifecycle where one will do."""
    path = file(GOOD)

    assert load_definition(f"{path}:MINE") is TASK
    assert load_part(f"{path}:LIFECYCLE") is TASK.lifecycle


@pytest.mark.parametrize("name", CATALOG)
def test_the_catalog_is_known_by_name(name: str) -> None:
    """The shipped definitions need no file; upper and lower case are the same."""
    assert load_definition(name) is load_definition(name.upper()) is CATALOG[name]


def test_a_file_may_use_its_neighbours_and_its_own_name(file: Any) -> None:
    """A file is run as a program is: with its folder on the path for that time, and its classes can be looked up."""
    file("from casewright import REGULATORY_CASE\n", "neighbour_of_mine.py")
    path = file(
        "from __future__ import annotations\nimport attrs\nfrom neighbour_of_mine import REGULATORY_CASE as MINE\n"
        "@attrs.frozen\nclass Thing:\n    other: Thing | None\nattrs.resolve_types(Thing)\n"
    )
    before = list(sys.path)

    assert load_definition(f"{path}:MINE") is REGULATORY_CASE
    assert sys.path == before


def test_a_file_that_clears_the_path_is_loaded_all_the_same(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file does to the path of modules is its own business."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = file("import sys\nsys.path.pop(0)\n" + GOOD)

    assert load_definition(f"{path}:MINE") is TASK


def test_what_a_file_prints_stays_out_of_the_answer(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file prints goes to stderr, so that the answer of the command stays one JSON object."""
    load_definition(f"{file('print(1)' + chr(10) + GOOD)}:MINE")

    assert capsys.readouterr() == ("", "1\n")


FILES = {
    "syntax": ("def", "does not import: SyntaxError"),
    "raises": ("raise RuntimeError('a\\nb\\x1b')", "does not import: RuntimeError: a"),
    "raises without a word": ("raise RuntimeError", "does not import: RuntimeError"),
    "raises a book": ("raise RuntimeError('x' * 10**6)", "does not import: RuntimeError: xxx"),
    "asserts": ("assert False", "does not import: AssertionError"),
    "imports what is not there": ("import nothing_of_that_name", "does not import: ModuleNotFoundError"),
    "leaves": ("import sys; sys.exit(0)", "does not import: SystemExit"),
    "recurses": ("def f(): f()\nf()", "does not import: RecursionError"),
    "nul": ("x = 1\0", "does not import: "),
    "another name": (GOOD.replace("MINE", "OTHER"), "holds no MINE"),
    "nothing": ("MINE = None", "holds no MINE"),
    "no definition": ("MINE = 1", "is a int, not a definition"),
    "a class": ("from casewright import CaseDefinition as MINE", "is a type, not a definition"),
    "unsound": (UNSOUND, "is not sound: 3 problems, the first: status 'a'"),
}


@pytest.mark.parametrize(("text", "problem"), FILES.values(), ids=FILES)
def test_a_file_without_a_sound_definition_is_refused(file: Any, text: str, problem: str) -> None:
    """Whatever a file does instead of making a definition, it is told as one typed error that names it."""
    target = f"{file(text)}:MINE"

    with pytest.raises(InvalidInputError) as caught:
        load_definition(target)
    assert caught.value.field in {target, target.removesuffix(":MINE")}
    assert caught.value.problem.startswith(problem)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("", "names no definition"),
        ("mine", "names no definition"),
        (":MINE", "names no definition"),
        ("mine.py:", "names no definition"),
        ("nothing_here.py:MINE", "there is no such file"),
        (".:MINE", "there is no such file"),
        ("a\0b.py:MINE", "there is no such file"),
    ],
)
def test_a_name_that_names_nothing_is_refused(target: str, problem: str) -> None:
    """What is no FILE.py:NAME, or no file, is refused before anything runs."""
    with pytest.raises(InvalidInputError) as caught:
        load_part(target)
    assert caught.value.problem == problem


def test_only_python_files_are_run(file: Any) -> None:
    """A file of another kind is refused by its name."""
    with pytest.raises(InvalidInputError) as caught:
        load_part(f"{file(GOOD, 'mine.txt')}:MINE")
    assert caught.value.problem == "is no Python file"


def test_a_lifecycle_alone_judges_nothing(file: Any) -> None:
    """Where a definition is needed, a lifecycle is refused; a lifecycle has no rules."""
    with pytest.raises(InvalidInputError) as caught:
        load_definition(f"{file(GOOD)}:LIFECYCLE")
    assert caught.value.problem == "is a Lifecycle, not a definition"


def test_problems_of_a_definition_can_be_had_whole(file: Any) -> None:
    """`build_part` lets a DefinitionError through with all its problems (E4)."""
    with pytest.raises(DefinitionError) as caught:
        build_part(f"{file(UNSOUND)}:BROKEN")
    assert {problem.code for problem in caught.value.problems} == {"trap", "unreachable"}
    assert not isinstance(load_part("task"), Lifecycle)
    assert isinstance(load_part("regulatory_case"), CaseDefinition)
