"""The reference pages: generated ones are what the generator makes, written ones name what the source has."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import attrs

import casewright
from casewright import CasewrightError, Phase, errors
from casewright.cli import main

if TYPE_CHECKING:
    import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PACKAGE = Path(str(casewright.__file__)).parent
ROW = re.compile(r"^\| (?P<first>[^|]*) \| (?P<rest>.*) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


def generator() -> ModuleType:
    """Return ``docs/generate`` as a package."""
    folder = REFERENCE.parent / "generate"
    spec = importlib.util.spec_from_file_location(
        "docs_generate", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec
    assert spec.loader
    module = sys.modules["docs_generate"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def generated() -> dict[str, str]:
    """Return each page that the generator makes, by its name."""
    pages: dict[str, str] = generator().pages()
    return pages


def page(name: str) -> str:
    """Return the text of a reference page."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def sections(name: str) -> dict[str, str]:
    """Return the text below each second-level heading of a page."""
    _, *parts = re.split(r"^## ", page(name), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part for part in parts}


def table_codes(text: str) -> list[str]:
    """Return the codes in the first column of the tables in a text."""
    return [code for row in ROW.finditer(text) for code in CODE.findall(row["first"])]


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in the package with the last name of what it calls."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


def pattern(node: ast.expr) -> str | None:
    """Return the pattern of a code that is written in the source; None of one that comes from a variable."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in node.values]
        return "".join(parts)
    return None


def given_codes(*callers: str) -> list[tuple[str, ast.Call]]:
    """Return the pattern of each code that the source gives to one of these callers, with the call."""
    found = [(pattern(call.args[0]), call) for name, call in calls() if name in callers and call.args]
    return [(given, call) for given, call in found if given is not None]


def assert_same(patterns: list[str], codes: list[str]) -> None:
    """Assert that each pattern matches a code, that each code is matched, and that none is listed twice."""
    assert [given for given in patterns if not any(re.fullmatch(given, code) for code in codes)] == []
    assert [code for code in codes if not any(re.fullmatch(given, code) for given in patterns)] == []
    assert len(codes) == len(set(codes))


def test_each_generated_page_is_what_the_generator_makes() -> None:
    """Each generated page is up to date; if not: ``python -m docs.generate``."""
    assert [name for name, text in generated().items() if page(name) != text] == []


def test_every_public_name_is_on_its_page_with_its_signature() -> None:
    """The page of names has each public name once, and what is called is shown with every parameter."""
    shown = re.findall(r"^- `(?:async )?(\w+)([^`]*)`: \S", page("names.md"), re.MULTILINE)
    assert sorted(name for name, _ in shown) == sorted(casewright.__all__)
    for name, signature in shown:
        value = getattr(casewright, name)
        if inspect.isfunction(value) or (inspect.isclass(value) and attrs.has(value)):
            assert all(f"{one}: " in signature for one in inspect.signature(value).parameters), name


def test_every_public_module_has_its_place_in_the_api() -> None:
    """Every module without a leading underscore is documented once, but the facade, whose names have their own page."""
    walked = [one.name for one in pkgutil.walk_packages(casewright.__path__, "casewright.")]
    public = {name for name in walked if not any(part.startswith("_") for part in name.split("."))}
    documented = re.findall(r"automodule:: (\S+)", "".join(page(f"api/{one.name}") for one in api_pages()))
    # A package that only holds others has nothing to say itself.
    assert public - set(documented) <= {"casewright.domain"}
    assert len(documented) == len(set(documented))


def api_pages() -> list[Path]:
    """Return the pages of the API."""
    return sorted((REFERENCE / "api").glob("*.md"))


def test_the_generated_pages_are_all_there_are_of_the_api() -> None:
    """No page of the API is left over from a module that is gone."""
    assert {f"api/{path.name}" for path in api_pages()} == {name for name in generated() if name.startswith("api/")}


def test_every_error_is_on_its_page() -> None:
    """The page of errors has each class of the tree with its code."""
    every = [value for value in vars(errors).values() if isinstance(value, type)]
    classes = {cls for cls in every if issubclass(cls, CasewrightError)}
    rows = {row["first"].strip("`"): row["rest"] for row in ROW.finditer(page("errors.md"))}
    assert {cls.__name__ for cls in classes} <= rows.keys()
    assert all(rows[cls.__name__].startswith(f"`{cls.code}`") for cls in classes)


def test_every_reason_code_is_on_its_page_under_its_phase() -> None:
    """The page of reason codes has every code that the source gives, under its phase, and no other."""
    found: dict[str, list[str]] = {phase: [] for phase in Phase}
    for given, call in given_codes("Reason", "denies", "vetoes"):
        where = ast.unparse(call.args[1]) if getattr(call.func, "id", "") == "Reason" else "Phase.PERMISSION"
        found[Phase[where.removeprefix("Phase.")]].append(given)
    headings = sections("reasons.md")
    assert list(headings) == [phase.capitalize() for phase in Phase]
    for phase in Phase:
        assert_same(found[phase], table_codes(headings[phase.capitalize()]))


def test_every_problem_code_is_on_its_page() -> None:
    """The page of problems has every code of a problem that the source gives, and no other."""
    patterns = [given for given, _ in given_codes("Problem", "_refuse")]
    assert_same(patterns, table_codes(sections("problems.md")["Problems of a definition"]))


def test_every_finding_code_is_on_its_page() -> None:
    """The page of findings has every code that `verify` gives, and no other."""
    tree = ast.parse((PACKAGE / "domain" / "history.py").read_text(encoding="utf-8"))
    yielded = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    pairs = [value.elts for value in yielded if isinstance(value, ast.Tuple)]
    patterns = [given for given in (pattern(first) for first, *_ in pairs) if given is not None]
    assert len(patterns) == len(yielded)
    assert_same(patterns, table_codes(sections("problems.md")["Findings of verify"]))


def test_every_finding_code_of_a_bus_is_on_its_page() -> None:
    """The page of findings has every code that a bus or a walk through a store gives besides, and no other."""
    found = [call.args[1] for name, call in calls() if name == "Finding" and len(call.args) == 3]
    given = [str(node.value) for node in found if isinstance(node, ast.Constant)]
    shown = [table_codes(sections("problems.md")[f"Findings of a {place}"]) for place in ("bus", "store")]
    assert_same(given, [code for codes in shown for code in codes])


def test_the_limits_are_those_of_the_constants() -> None:
    """Each limit on the page is the value of the constant beside it, and no public limit is left out (S1)."""
    rows: list[tuple[str, str]] = re.findall(r"\| ([\d,]+) \| `([\w.]+)` \|$", page("limits.md"), re.MULTILINE)
    for number, constant in rows:
        module, _, name = constant.rpartition(".")
        assert f"{getattr(importlib.import_module(module), name):,}" == number, constant
    assert public_limits() == {constant for _, constant in rows}


def public_limits() -> set[str]:
    """Return every public constant of the package that is called a maximum, by the module that sets it."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = getattr(getattr(node, "target", None), "id", "")
            if "MAX" in name.split("_") and not name.startswith("_"):
                found.add(f"{module}.{name}")
    return found


def test_the_commands_are_those_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The page of the command line has every command of the program, and no other."""
    commands = [code for code in table_codes(page("command-line.md")) if not code.isdigit()]
    assert main(["--help"]) == 0
    offered = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert sorted(commands) == sorted(offered)
