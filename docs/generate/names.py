"""The page of public names: each with its signature, what it is, and what its instances can do."""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Final

import attrs

import casewright
from casewright.domain.json_values import EMPTY

from .markdown import prose, sentence
from .modules import imported, module_names, offered

__all__ = ["name_page"]

LONG: Final = 40


def name_page() -> str:
    """Return the page."""
    parts = [
        "# Public names",
        prose(
            "All of these are imported from `casewright`, and loaded on first use:",
            "`from casewright import Lifecycle`. Each has its signature, what it is, and the module in which it lives;",
            "a class has its methods below it. `help(Lifecycle)` shows all of it: every argument, what comes back, and",
            "the errors. A default that is a function, or is worked out, is shown as `...`.",
        ),
    ]
    for title, of_title in (
        ("Constants and definitions", str.isupper),
        ("Classes and types", lambda name: name[0].isupper() and not name.isupper()),
        ("Functions", str.islower),
    ):
        names = filter(of_title, casewright.__all__)
        parts += [f"## {title}", "\n".join(line for name in names for line in _lines(name))]
    return "\n\n".join(parts)


def _lines(name: str) -> Iterator[str]:
    """The name with its signature, and the methods of a class below it."""
    value = getattr(casewright, name)
    module = _home(name, value)
    yield _line(_signed(name, value), _written(name, value, module), f" (`{module.__name__}`)")
    if inspect.isclass(value) and not issubclass(value, enum.Enum):
        for method, function in _methods(value):
            yield "  " + _line(_signed(method, function), function.__doc__)


def _line(signed: str, written: str | None, home: str = "") -> str:
    """One item of a list; in a list, unlike in a table, an upright stroke is itself."""
    said = sentence(written or "").replace("\\|", "|")
    return f"- `{signed}`: {said}{home}"


def _home(name: str, value: object) -> ModuleType:
    """The module that made a public name: the deepest, the others pass it on."""
    offering = [module for module in map(imported, module_names()[1:]) if name in offered(module)]
    same = [module for module in offering if getattr(module, name) is value]
    return max(same, key=lambda one: one.__name__.count("."))


def _written(name: str, value: object, module: ModuleType) -> str | None:
    return value.__doc__ if inspect.isclass(value) or inspect.isfunction(value) else _written_below(module, name)


def _written_below(module: ModuleType, name: str) -> str:
    """The text that stands below a constant in the source; Python itself does not keep it."""
    body = ast.parse(inspect.getsource(module)).body
    for node, after in itertools.pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets) and isinstance(
            after, ast.Expr
        ):
            return str(ast.literal_eval(after.value))
    raise LookupError(f"{module.__name__}.{name} has no text below it")


def _signed(name: str, value: Any) -> str:  # noqa: ANN401 - whatever is public
    """The name as it is called; alone, where it is not called or has no signature of its own."""
    if not (inspect.isclass(value) or inspect.isfunction(value)) or getattr(value, "_is_protocol", False):
        return name
    if inspect.isclass(value) and issubclass(value, enum.Enum):
        return f"{name}: {', '.join(value.__members__)}"
    if inspect.isclass(value) and issubclass(value, Exception) and not attrs.has(value):
        return name
    signature = inspect.signature(value)
    parameters = [one for one in signature.parameters.values() if one.name not in {"self", "cls"}]
    answer = "" if inspect.isclass(value) else f" -> {signature.return_annotation}"
    awaited = "async " if inspect.iscoroutinefunction(value) else ""
    return f"{awaited}{name}({', '.join(_parameters(parameters))}){answer}"


def _parameters(parameters: Iterable[inspect.Parameter]) -> Iterator[str]:
    starred = False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not starred:
            yield "*"
        starred = starred or one.kind in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}
        stars = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f" = {_default(one.default)}"
        yield f"{stars}{one.name}: {one.annotation}{default}"


def _default(value: object) -> str:
    if value == EMPTY:
        return "{}"
    if isinstance(value, enum.Enum):
        return repr(value) if repr(value) == value.name else f"{type(value).__name__}.{value.name}"
    plain = value is not attrs.NOTHING and not callable(value)
    return repr(value) if plain and len(repr(value)) <= LONG else "..."


def _methods(cls: type) -> Iterator[tuple[str, Any]]:
    """The methods of a class that no public class above it has, in the order of their source."""
    ours = [base for base in reversed(cls.__mro__) if base.__module__.startswith("casewright.")]
    found = {name: value for base in ours for name, value in vars(base).items() if not name.startswith("_")}
    above = {name for base in ours if base is not cls and base.__name__ in casewright.__all__ for name in vars(base)}
    for name, value in found.items():
        function = getattr(value, "__func__", value)  # of a class method
        if name not in above and inspect.isfunction(function):
            yield name, function
