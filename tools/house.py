"""The numbers of the house: how large each layer is, how long files and functions are, how much of them is said.

Prints them; with `--check` only the goals that are missed, and exits with 1 if there are any; with `--write` it also
keeps them in docs/explanation/house.md.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
SRC: Final = ROOT / "src" / "casewright"
PAGE: Final = ROOT / "docs" / "explanation" / "house.md"
TIMES: Final = ROOT / ".nox" / "times.json"
LAYERS: Final = ("errors.py", "domain", "application", "codec", "interchange", "adapters", "testing", "cli")
CODE: Final = ("src", "tests", "examples", "benchmarks", "tools", "docs")
QUICK: Final = ("lint", "typing", "imports", "build", "wheel")
SLOW: Final = ("docs", "postgres18", "full")
IGNORE: Final = re.compile(r"#\s*(type|pyright): ?ignore")


class Number(NamedTuple):
    """One number, and the band it should lie in; None where any will do."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it lies in its band."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def goal(self) -> str:
        """The band in words."""
        if self.most is None:
            return "" if self.least is None else f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.least is None else f"{self.least:g} to {self.most:g}"


class Source(NamedTuple):
    """What one file holds."""

    path: Path
    lines: int
    comments: int
    docstrings: int
    functions: tuple[int, ...]
    public: int
    documented: int


def read(path: Path) -> Source:
    """Return what the file holds."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    comments = sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(text).readline))
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))]
    public = list(public_definitions(tree))
    return Source(
        path=path,
        lines=text.count("\n"),
        comments=comments,
        docstrings=sum(map(docstring, scopes)),
        functions=tuple(span(node) - docstring(node) for node in scopes if isinstance(node, FUNCTIONS)),
        public=len(public),
        documented=sum(ast.get_docstring(node) is not None for node in public),
    )


FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_definitions(scope: ast.Module | ast.ClassDef) -> Iterable[Scope]:
    """The module itself, its public functions and classes, and their public methods; no overloads."""
    yield scope
    for node in scope.body:
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node)
        elif "overload" not in map(ast.unparse, node.decorator_list):
            yield node


def span(node: ast.stmt | Scope) -> int:
    """How many lines it takes."""
    return (node.end_lineno or 0) - node.lineno + 1 if not isinstance(node, ast.Module) else 0


def docstring(node: Scope) -> int:
    """How many lines its docstring takes."""
    return 0 if ast.get_docstring(node, clean=False) is None else span(node.body[0])


def files(folder: Path) -> list[Path]:
    """The Python files below the folder, or the file itself."""
    return [folder] if folder.is_file() else sorted(folder.rglob("*.py"))


def numbers(sources: Sequence[Source]) -> list[Number]:
    """The numbers of the whole house."""
    lines = sum(source.lines for source in sources)
    tests = sum(read(path).lines for path in files(ROOT / "tests"))
    spans = [length for source in sources for length in source.functions]
    everywhere = [path for name in CODE for path in files(ROOT / name)]
    ignores = sum(
        len(IGNORE.findall(path.read_text(encoding="utf-8"))) for path in everywhere if path != Path(__file__)
    )
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    documented, public = sum(one.documented for one in sources), sum(one.public for one in sources)
    return [
        Number("source lines", lines),
        Number("source files", len(sources)),
        Number("median file, lines", median(source.lines for source in sources), least=50, most=250),
        Number("longest file, lines", max(source.lines for source in sources), most=400),
        Number("functions", len(spans)),
        Number("p90 function, lines", quantiles(spans, n=10)[-1], most=25),
        Number("longest function, lines", max(spans), most=40),
        Number("docstrings, % of lines", round(100 * sum(source.docstrings for source in sources) / lines, 1)),
        Number("public definitions with a docstring, %", round(100 * documented / public, 1), least=100),
        Number("comments per 100 lines", round(100 * sum(source.comments for source in sources) / lines, 1)),
        Number("type-ignores, everywhere", ignores, most=10),
        Number("import contracts", len(settings["tool"]["importlinter"]["contracts"])),
        Number("public names of the facade", public_names()),
        Number("test lines per source line", round(tests / lines, 2), least=1.2, most=1.6),
    ]


def public_names() -> int:
    """How many names `import casewright` offers."""
    tree = ast.parse((SRC / "__init__.py").read_text(encoding="utf-8"))
    lists = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return len(ast.literal_eval(lists[0]))


def times() -> list[Number]:
    """How long the sessions of nox took when they last ran here, in seconds."""
    took = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {}
    totals = []
    for name, sessions, most in (("plain `nox`", QUICK, 600), ("`.ci/run`", QUICK + SLOW, 1200)):
        if set(sessions) <= took.keys():
            totals.append(Number(f"{name}, seconds", round(sum(took[session] for session in sessions)), most=most))
    return [*totals, *(Number(f"nox -s {name}, seconds", round(seconds)) for name, seconds in took.items())]


def page(sources: Sequence[Source]) -> str:
    """The numbers as two tables."""
    by_layer = [
        (name.removesuffix(".py"), [one for one in sources if (SRC / name) in (one.path, *one.path.parents)])
        for name in LAYERS
    ]
    rows = [
        f"| {name} | {len(inside)} | {sum(one.lines for one in inside)} | {median(one.lines for one in inside):g} "
        f"| {max(one.lines for one in inside)} |"
        for name, inside in by_layer
    ]
    more = [f"| {one.name} | {one.value:g} | {one.goal} |" for one in (*numbers(sources), *times())]
    return "\n".join(
        [
            "| layer | files | lines | median | longest |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "| number | now | goal |",
            "| --- | --- | --- |",
            *more,
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Print, check, or keep the numbers."""
    sources = [read(path) for path in files(SRC)]
    if "--check" in arguments:
        missed = [one for one in numbers(sources) if not one.met]
        for one in missed:
            print(f"{one.name}: {one.value:g}, should be {one.goal}")
        return 1 if missed else 0
    text = page(sources)
    print(text)
    if "--write" in arguments:
        said = PAGE.read_text(encoding="utf-8").split("<!-- numbers -->")[0]
        PAGE.write_text(f"{said}<!-- numbers -->\n\n{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
