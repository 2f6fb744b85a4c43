"""The project's own source as text and syntax trees, found through the installed package, and what it may not hold."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import casewright

PACKAGE: Final = Path(str(casewright.__file__)).parent
_TESTS: Final = Path(__file__).parent.parent

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One file: where it is below its root, what it says, and its syntax tree."""

    name: str
    text: str
    tree: ast.Module


def _read(path: Path, root: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(root).as_posix(), text, ast.parse(text))


@cache
def package_sources() -> tuple[Source, ...]:
    """Return every module of the package, and the pytest plugin beside it."""
    root = PACKAGE.parent
    paths = [*sorted(PACKAGE.rglob("*.py")), *root.glob("_casewright_pytest.py")]
    return tuple(_read(path, root) for path in paths)


@cache
def test_sources() -> tuple[Source, ...]:
    """Return every module of the suite."""
    return tuple(_read(path, _TESTS) for path in sorted(_TESTS.rglob("*.py")))


def run_python(code: str, *, stdin: str = "", timeout: float = 60) -> str:
    """Run code in a fresh interpreter that finds the package, and return what it prints.

    Raises:
        subprocess.TimeoutExpired: It took longer, and was killed.
    """
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_UNSAFE_MODULES: Final = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "ctypes", "code"}
_UNSAFE_CALLS: Final = {"eval", "exec", "compile"}
_LOADERS: Final = {"import_module", "spec_from_file_location", "module_from_spec", "run_path", "run_module"}


def _imports(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...], int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, (), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", tuple(alias.name for alias in node.names), node.lineno


def _called(tree: ast.Module) -> Iterator[tuple[str, bool, int]]:
    """Yield the last name of what each call calls, whether it is a bare name or of `builtins`, and the line."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield node.func.id, True, node.lineno
        elif isinstance(node.func, ast.Attribute):
            of_builtins = isinstance(node.func.value, ast.Name) and node.func.value.id in {"builtins", "__builtins__"}
            yield node.func.attr, of_builtins, node.lineno


def unsafe(tree: ast.Module) -> list[str]:
    """Return where user data could become code: a pickle, an eval, an exec, a YAML load, a star import."""
    found = [
        f"line {line}: imports {module}"
        for module, names, line in _imports(tree)
        if {module.partition(".")[0], *names} & _UNSAFE_MODULES or "*" in names
    ]
    return found + [
        f"line {line}: calls {name}" for name, bare, line in _called(tree) if bare and name in _UNSAFE_CALLS
    ]


def dynamic_imports(tree: ast.Module) -> list[str]:
    """Return where a module is loaded by a name that is only known when the program runs."""
    found = [f"line {line}: imports runpy" for module, _, line in _imports(tree) if module == "runpy"]
    return found + [
        f"line {line}: calls {name}" for name, _, line in _called(tree) if name in {*_LOADERS, "__import__"}
    ]


_CLOCKS: Final = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}
_AMBIENT: Final = {"time", "uuid", "random", "secrets", "threading", "contextvars", "socket", "sqlite3", "logging"}


def clock_readings(tree: ast.Module) -> list[str]:
    """Return where something is read that should have been passed in: a clock, chance, the running thread."""
    found = [f"line {line}: imports {module}" for module, _, line in _imports(tree) if module in _AMBIENT]
    # datetime.time() takes a time apart; of the others none has a second meaning here.
    return found + [
        f"line {line}: calls {name}" for name, _, line in _called(tree) if name in _CLOCKS - {"time"} or name == "uuid4"
    ]


class Regex(NamedTuple):
    """One regular expression, and the methods by which its module asks it."""

    where: str
    pattern: str
    flags: int
    methods: tuple[str, ...]


_ASKING: Final = {"match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn"}


def regexes(source: Source) -> Iterator[Regex]:
    """Yield every regular expression that the module makes; each must be a literal, or it cannot be tried."""
    asked: dict[int, set[str]] = {}
    asked_of = _asked_of(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            asked.setdefault(id(node.value), set()).add(node.attr)
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Call):
            asked.setdefault(id(value), set()).update(asked_of.get(target.id, ()))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func.value):
            name = node.func.attr
            if name in {*_ASKING, "compile"}:
                methods = {name} if name in _ASKING else asked.get(id(node), set()) & _ASKING
                yield _regex(node, source.name, tuple(sorted(methods or {"match", "fullmatch", "search"})))


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "re"


def _asked_of(tree: ast.Module) -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked.setdefault(node.value.id, set()).add(node.attr)
    return asked


def _regex(node: ast.Call, name: str, methods: tuple[str, ...]) -> Regex:
    pattern = node.args[0]
    where = f"{name}:{node.lineno}"
    assert isinstance(pattern, ast.Constant), f"{where}: the pattern is no literal"
    assert isinstance(pattern.value, str), f"{where}: the pattern is no text"
    options = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "flags")]
    named = {part.attr for option in options for part in ast.walk(option) if isinstance(part, ast.Attribute)}
    flags = 0
    for flag in named:
        flags |= int(getattr(re, flag))
    return Regex(where, pattern.value, flags, methods)


def public_names(tree: ast.Module) -> tuple[list[str] | None, set[str]]:
    """Return the literal `__all__`, if there is one, and every name that the module binds at its top level."""
    bound: set[str] = set()
    listed: list[str] | None = None
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            bound.update(names)
            if names == ["__all__"] and node.value is not None:
                listed = list(ast.literal_eval(node.value))
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            waiting += [part for part in ast.walk(node) if isinstance(part, ast.stmt) and part is not node]
    return listed, bound


def functions(tree: ast.Module) -> Iterator[Function]:
    """Yield every function and method, nested ones too."""
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def docstring_lines(node: Function) -> int:
    """Return how many lines the docstring of a function takes."""
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) is not None else 0


def undocumented(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """Yield every public class, function and method below the node that has no docstring."""
    for part in node.body:
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or part.name.startswith("_"):
            continue
        if any(getattr(mark, "id", getattr(mark, "attr", "")) == "overload" for mark in part.decorator_list):
            continue
        if not (ast.get_docstring(part) or "").strip():
            yield f"line {part.lineno}: {prefix}{part.name}"
        if isinstance(part, ast.ClassDef):
            yield from undocumented(part, f"{prefix}{part.name}.")


_ID: Final = re.compile(r"(?<![\w-])[EATLIOHS][0-9]{1,3}(?![\w-])")
_GROUP: Final = re.compile(r"\(([^()]*)\)")
_RANGE: Final = re.compile(r"(?<=[0-9])-(?=[EATLIOHS])")


def cited_ids(source: Source) -> Iterator[tuple[str, str]]:
    """Yield where a promise is cited, and its id: what stands in round brackets in a docstring or a comment."""
    for line, text in _prose(source):
        for group in _GROUP.findall(_RANGE.sub(" ", text)):
            for cited in _ID.findall(group):
                yield f"{source.name}:{line}", cited


def _prose(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
