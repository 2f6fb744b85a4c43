"""The modules of the package, and what each of them offers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from types import ModuleType

import casewright

__all__ = ["imported", "module_names", "offered"]


@cache
def module_names() -> list[str]:
    """Return the name of every public module, the package's own first."""
    walked = pkgutil.walk_packages(casewright.__path__, "casewright.")
    return ["casewright", *(one.name for one in walked if not one.name.rpartition(".")[2].startswith("_"))]


def offered(module: ModuleType) -> Sequence[str]:
    """Return the names that a module says it offers."""
    return getattr(module, "__all__", ())


def imported(name: str) -> ModuleType:
    """Return the module of a name."""
    return importlib.import_module(name)
