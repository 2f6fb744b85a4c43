"""The facade: every public name in one place, loaded on first use, and nothing that a script does not need."""

from __future__ import annotations

import ast
import importlib
import json
import pickle
from typing import Any

import pytest

import casewright
from support.sources import PACKAGE, public_names, run_python

FACADE = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))


def shown_to_checkers() -> dict[str, str]:
    """Return each name that the facade imports under TYPE_CHECKING, with its module."""
    (block,) = [
        node
        for node in FACADE.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    return {alias.asname or alias.name: str(node.module) for node in imports for alias in node.names}


def test_every_public_name_loads() -> None:
    """Each name of `__all__` is there, is the object of its own module, and is the same one every time."""
    homes = shown_to_checkers()
    for name in casewright.__all__:
        value = getattr(casewright, name)
        if name != "__version__":
            assert value is getattr(importlib.import_module(homes[name]), name), name
        assert getattr(casewright, name) is value, name
        assert name in dir(casewright), name


def test_checkers_and_programs_see_the_same_names() -> None:
    """What stands under TYPE_CHECKING is just what loads, so that no name is known to one of them only."""
    assert set(casewright.__all__) - {"__version__"} == set(shown_to_checkers())
    assert len(set(casewright.__all__)) == len(casewright.__all__)


def test_the_facade_offers_nothing_of_an_adapter() -> None:
    """Behind no public name stands an adapter, the test kit or the command line: each has a path of its own."""
    homes = {module.split(".")[1] for module in shown_to_checkers().values()}
    assert homes <= {"domain", "application", "errors"}
    assert {"domain", "errors"} <= homes


@pytest.mark.parametrize("name", ["Taks", "adapters_", "_nothing", "Store ", ""])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    """A name that does not exist is an AttributeError that repeats it, as of any module."""
    with pytest.raises(AttributeError, match="casewright"):
        getattr(casewright, name)


def test_every_public_name_is_exported_by_its_own_module_too() -> None:
    """A name of the facade stands in `__all__` of its own module, so that both ways of importing it are public."""
    shown = shown_to_checkers()
    for module in set(shown.values()):
        path = PACKAGE.joinpath(*module.split(".")[1:])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        listed, _ = public_names(ast.parse(file.read_text(encoding="utf-8")))
        assert {name for name, home in shown.items() if home == module} <= set(listed or ()), module


def test_public_values_are_picklable_by_name() -> None:
    """Each public class and function can be pickled, so that values which hold them can be."""
    for name in casewright.__all__:
        value = getattr(casewright, name)
        if isinstance(value, type) or type(value).__name__ == "function":
            assert pickle.loads(pickle.dumps(value)) is value


LOADED = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps([
    sorted(set(sys.modules) - before),
    sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names),
]))
"""


def loaded_by(code: str) -> tuple[set[str], set[str]]:
    """Return what modules the code loads in a fresh interpreter, and which packages beyond the standard library."""
    modules, beyond = json.loads(run_python(LOADED.format(code=code)))
    return set(modules), set(beyond)


def test_importing_the_package_loads_nothing_else() -> None:
    """`import casewright` costs next to nothing: no attrs, no module of its own, only the standard library."""
    modules, beyond = loaded_by("import casewright; casewright.__version__; dir(casewright)")
    assert beyond == {"casewright"}
    assert {name for name in modules if name.startswith("casewright")} == {"casewright"}
    assert modules.isdisjoint({"asyncio", "sqlite3", "json", "dataclasses", "inspect"})


FIRST_DECISION = """
from datetime import UTC, datetime
from casewright import TASK, REGULATORY_CASE, Actor, seal, verify, fold
at = datetime(2026, 1, 31, tzinfo=UTC)
ann = Actor("ann", roles=["case_writer"])
made = TASK.create("t-1", by=ann, at=at, title="Paint").change
first = seal(made, recorded_at=at)
done = seal(TASK.decide(first.after, "start", by=ann, at=at).change, recorded_at=at)
assert verify([first.event, done.event]) == () and fold([first.event, done.event]) == done.after
assert TASK.actions(done.after, by=ann, at=at) and TASK.scope(ann)
assert REGULATORY_CASE.create("c-1", by=ann, at=at, title="File")
"""


def test_a_first_decision_needs_attrs_alone() -> None:
    """Deciding, sealing, verifying and folding load neither cattrs nor SQLAlchemy, asyncio or pytest."""
    modules, beyond = loaded_by(FIRST_DECISION)
    assert beyond <= {"casewright", "attr", "attrs", "typing_extensions"}
    assert modules.isdisjoint({"cattrs", "sqlalchemy", "asyncio", "sqlite3", "hypothesis", "pytest"})
    ours = {name.split(".")[1] for name in modules if name.startswith("casewright.")}
    assert ours == {"_names", "domain", "errors"}


EVERY_NAME = "import casewright\nfor name in casewright.__all__: getattr(casewright, name)"


def test_no_public_name_loads_an_adapter_or_an_extra() -> None:
    """Even with every name of the facade loaded, no adapter, codec or optional dependency is."""
    modules, beyond = loaded_by(EVERY_NAME)
    assert beyond <= {"casewright", "attr", "attrs", "typing_extensions"}
    ours = {name.split(".")[1] for name in modules if name.startswith("casewright.")}
    assert ours <= {"_names", "domain", "errors", "application"}


def test_one_error_loads_little() -> None:
    """An `except casewright.NotFoundError` loads the errors and not the domain."""
    modules, _ = loaded_by("import casewright; casewright.NotFoundError")
    assert {name for name in modules if name.startswith("casewright.")} == {"casewright._names", "casewright.errors"}


def test_the_version_is_that_of_the_release() -> None:
    """`__version__` is a plain literal of numbers, which the build reads as well."""
    values: dict[str, Any] = {
        target.id: node.value
        for node in FACADE.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert isinstance(values["__version__"], ast.Constant)
    assert casewright.__version__ == values["__version__"].value
    assert all(part.isdigit() for part in casewright.__version__.split(".")[:2])
