"""What is plain and what is awaited say the same: their syntax trees are compared, statement by statement.

What is allowed to differ is listed in `Plain`, and nothing else is.
"""

from __future__ import annotations

import ast
import difflib
from typing import Any, Final

import pytest

from support.sources import PACKAGE

TWINS: Final = [
    ("bus", "async_bus"),
    ("judging", "async_judging"),
    ("reading", "async_reading"),
    ("buffering", "async_buffering"),
    ("relay", "async_relay"),
    ("replaying", "async_replaying"),
]

_HOSTING: Final = {"_hosted", "_hosts", "Hosting"}


class Plain(ast.NodeTransformer):
    """Makes of awaited statements what they would be in a plain module.

    - ``async`` and ``await`` are gone, and docstrings;
    - names lose ``Async`` and ``async_`` at their beginning, those of dunder methods the ``a`` of ``__aenter__``;
    - ``Awaitable[T]`` is ``T``; asyncio is time, since both have a ``sleep``;
    - ``self._hosted(x)`` is ``x``, and what makes a hop possible is gone: its method, its slot and its assignment.
    """

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST | None:
        """See the class."""
        return self.visit_FunctionDef(ast.FunctionDef(**{**vars(node)}))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        """See the class."""
        if node.name in _HOSTING:
            return None
        node.name = _plain(node.name)
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """See the class."""
        node.name = _plain(node.name)
        return self._without_docstring(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """See the class."""
        return self._without_docstring(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        """See the class."""
        return self.generic_visit(ast.With(**vars(node)))

    def visit_Await(self, node: ast.Await) -> Any:
        """See the class."""
        return self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> Any:
        """See the class."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "_hosted":
            return self.visit(node.args[0])
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """See the class."""
        (target, *_) = node.targets
        return None if isinstance(target, ast.Attribute) and target.attr in _HOSTING else self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        """See the class."""
        node.elts = [one for one in node.elts if not (isinstance(one, ast.Constant) and one.value in _HOSTING)]
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """See the class."""
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return self.visit(node.slice)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """See the class."""
        node.id = _plain(node.id)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """See the class: names in ``__all__``, and types in casts."""
        if isinstance(node.value, str):
            node.value = _plain(node.value)
        return node

    def _without_docstring(self, node: Any) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


def _plain(name: str) -> str:
    return name.removeprefix("Async").removeprefix("async_").replace("__aenter__", "__enter__").replace("__ae", "__e")


def statements(text: str) -> list[str]:
    """Return what a module says, in its own lines: first what it imports, as a set, and then all else."""
    tree = ast.parse(text)
    # Whatever is needed to make a call awaitable, or a hop possible, has a name that the plain module does not need.
    extra = {"Awaitable", "Coroutine", *_HOSTING}
    imports = {
        f"{_home(node.module or '')}: {_plain(alias.name)}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name not in extra
    }
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    made = Plain().visit(tree)
    return [*sorted(imports), *ast.unparse(ast.fix_missing_locations(made)).splitlines()]


def _home(module: str) -> str:
    room, _, name = module.rpartition(".")
    return f"{room}.{'time' if module == 'asyncio' else _plain(name)}"


def differences(plain: str, awaited: str) -> list[str]:
    """Return the lines in which two modules differ."""
    return [
        line
        for line in difflib.unified_diff(statements(plain), statements(awaited), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def source(name: str) -> str:
    """Return the text of a module of the application."""
    return (PACKAGE / "application" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("plain", "awaited"), TWINS)
def test_twins_have_the_same_statements(plain: str, awaited: str) -> None:
    """What an asynchronous module does is what its plain twin does, in the same order, but for what `Plain` lists."""
    assert differences(source(plain), source(awaited)) == []


@pytest.mark.parametrize(
    ("module", "line", "other"),
    [
        ("async_bus", "await uow.commit()", "pass"),
        ("async_bus", "lock=attempt > 1", "lock=attempt > 2"),
        ("async_judging", "check_version(job, item)", "pass"),
        ("async_bus", "except AlreadyExistsError as error", "except ConflictError as error"),
        ("async_bus", "from None", "from denied"),
        ("async_bus", "max_attempts: int = 5", "max_attempts: int = 6"),
        ("async_bus", "Awaitable[object]] = sleep", "Awaitable[object]] = sleep2"),
        ("async_reading", "deleted=True", "deleted=False"),
        ("async_reading", "write=False", "write=True"),
        ("async_reading", "if item.deleted_at is not None and not deleted:", "if item.deleted_at is not None:"),
        ("async_replaying", "check_same(job, entry)", "pass"),
        ("async_bus", "if outcome is None:", "if outcome is not None:"),
        ("async_buffering", "self._forget()", "pass"),
        ("async_buffering", "[:most]", ""),
        ("async_buffering", "if not self._ended:", "if self._ended:"),
        ("async_buffering", "async def rollback", "async def roll_back"),
        ("async_relay", "written, problem = (False,)", "written, problem = (True,)"),
        ("async_relay", "going.raised(error)", "pass"),
    ],
)
def test_the_comparison_sees_what_it_forbids(module: str, line: str, other: str) -> None:
    """One statement that is left out, or another, in one of the two is found."""
    (plain,) = (plain for plain, awaited in TWINS if awaited == module)
    text = source(module)
    assert line in text
    assert differences(source(plain), text.replace(line, other, 1)) != []


def test_a_function_that_only_one_of_them_has_is_found() -> None:
    """What is added at the end of one is a difference, and what forgets to await is told by mypy."""
    assert differences(source("bus"), source("async_bus") + "\n\ndef more() -> None:\n    return\n") != []
