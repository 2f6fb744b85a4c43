"""Definitions named on the command line: ``FILE.py:NAME``, or the name of one in the catalog."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

from casewright.cli.text import named
from casewright.domain.catalog import REGULATORY_CASE, SIMPLE_TASK, TASK
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.lifecycle import Lifecycle
from casewright.errors import DefinitionError, InvalidInputError

__all__ = ["CATALOG", "AnyDefinition", "build_part", "load_definition", "load_part"]

AnyDefinition: TypeAlias = TaskDefinition | CaseDefinition

CATALOG: Final[Mapping[str, AnyDefinition]] = {one.name: one for one in (TASK, SIMPLE_TASK, REGULATORY_CASE)}
"""The definitions that the package brings, by their names."""

_MODULE: Final = "_casewright_definition"
_MAX_SHOWN: Final = 300


def load_definition(target: str) -> AnyDefinition:
    """Return the definition of that place.

    Args:
        target: ``FILE.py:NAME``, or a name in the catalog.

    Returns:
        The definition.

    Raises:
        InvalidInputError: There is none, or it cannot work; said in one line.
    """
    part = load_part(target)
    if isinstance(part, Lifecycle):
        raise InvalidInputError(target, "is a Lifecycle, not a definition", "name one that holds it")
    return part


def load_part(target: str) -> AnyDefinition | Lifecycle:
    """Return the definition or the lifecycle of that place.

    Args:
        target: ``FILE.py:NAME``, or a name in the catalog.

    Returns:
        The definition or lifecycle.

    Raises:
        InvalidInputError: There is none, or it cannot work; said in one line.
    """
    try:
        return build_part(target)
    except DefinitionError as error:
        count = len(error.problems)
        problem = f"is not sound: {count} {'problem' if count == 1 else 'problems'}, the first: {error.problems[0]}"
        raise InvalidInputError(target, problem, "see all with: casewright check") from None


def build_part(target: str) -> AnyDefinition | Lifecycle:
    """Return the definition or the lifecycle of that place, or raise what is wrong with it.

    The file is run, as ``python FILE.py`` would, with its own folder on the path; what it prints goes to stderr.

    Args:
        target: ``FILE.py:NAME``, or a name in the catalog.

    Returns:
        The definition or lifecycle.

    Raises:
        InvalidInputError: There is none; said in one line.
        DefinitionError: The file builds one that cannot work.
    """
    known = CATALOG.get(target.lower())
    if known is not None:
        return known
    file, _, name = target.rpartition(":")
    if not (file and name):
        advice = f"write FILE.py:NAME, or one of {', '.join(CATALOG)}"
        raise InvalidInputError(named(target), "names no definition", advice)
    if not os.path.isfile(file):
        shown = file if named(target) == target else named(target)
        raise InvalidInputError(shown, "there is no such file", "write it as FILE.py:NAME")
    found = vars(_run(file)).get(name)
    if isinstance(found, (TaskDefinition, CaseDefinition, Lifecycle)):
        return found
    if found is None:
        raise InvalidInputError(file, f"holds no {name}", "name a definition that the file makes")
    raise InvalidInputError(target, f"is a {type(found).__name__}, not a definition", "name a definition")


def _run(file: str) -> ModuleType:
    path = Path(file)
    spec = spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(file, "is no Python file", "write it as FILE.py:NAME")
    module = module_from_spec(spec)
    with _as_a_program(path, module):
        try:
            spec.loader.exec_module(module)
        except DefinitionError:
            raise
        except (Exception, SystemExit) as error:  # a file of the user's may raise anything
            shown = f"{type(error).__name__}: {error}".rstrip(": ")[:_MAX_SHOWN]
            raise InvalidInputError(file, f"does not import: {shown}") from error
    return module


@contextlib.contextmanager
def _as_a_program(path: Path, module: ModuleType) -> Iterator[None]:
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    # Classes that resolve their annotations look their module up by its name.
    sys.modules[_MODULE] = module
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        with contextlib.suppress(ValueError):  # the file may have taken it off itself
            sys.path.remove(folder)
