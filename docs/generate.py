"""Write the reference pages that follow from the code: ``python docs/generate.py``. A test compares them with it.

Longer than 300 lines, because it must run as one file, with nothing beside it on the path.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs

import casewright
from casewright import (
    REGULATORY_CASE,
    SIMPLE_TASK,
    TASK,
    CaseDefinition,
    Input,
    Phase,
    Reason,
    TaskDefinition,
    choice,
    errors,
    text,
)
from casewright.codec import problem_details
from casewright.domain.verbs import CREATE_INPUTS, VERB_TABLE
from casewright.errors import CasewrightError, RefusedError

__all__ = ["main", "pages"]

FOLDER: Final = Path(__file__).parent / "reference"
HEAD: Final = "<!-- Made by docs/generate.py: change the code or the generator, not this page. -->\n"
LONG: Final = 80

AnyDefinition = TaskDefinition | CaseDefinition

CATALOG: Final[dict[str, AnyDefinition]] = {
    "TASK": TASK,
    "SIMPLE_TASK": SIMPLE_TASK,
    "REGULATORY_CASE": REGULATORY_CASE,
}

VERB_SENTENCES: Final = {
    "create": "makes the item; its event is the first one",
    "read": "shows it; every other permission needs this one too; never an event",
    "edit": "sets the fields that are given; `attributes` are merged by key, None removes a key",
    "assign": "gives it to someone",
    "claim": "gives it to the asker; refused while someone else has it",
    "release": "leaves it with nobody",
    "set_due": "sets the due date; None takes it away",
    "tag": "adds and removes tags",
    "add_note": "adds a remark; the event carries its id and digest, never its text",
    "correct": "forces a status, for administrators; the reason is a must",
    "delete": "ends it for good; its history stays; refused while a case has open tasks",
}

# What a program does about each error. A class that is missing here stops the generator, and so its test.
ADVICE: Final = {
    "CasewrightError": "Catch it to catch all of the others.",
    "InvalidInputError": "A bug of the caller, or bad data from outside: show field and problem to whoever sent it.",
    "NotFoundError": "Answer as for an item that never was. Do not tell the two apart.",
    "RefusedError": "Show every reason. Definitions return `Refused` instead; the bus raises this.",
    "ConflictError": "Load the item again and decide anew.",
    "StaleVersionError": "Show the item as it is now to whoever saw the older one. Without an expected version the bus "
    "has tried again already.",
    "AlreadyExistsError": "Choose another id.",
    "NotUniqueError": "Choose another value.",
    "IdempotencyKeyReusedError": "Send the very same command, or a new key.",
    "DefinitionError": "Mend the definition: each problem says where, what and how. See [Problems](problems.md).",
    "UnknownDefinitionError": "Register the definition, or keep the old lifecycle in `earlier=`.",
    "MisuseError": "Mend the calling code: the advice says how.",
    "StorageError": "Tell whoever runs the store.",
    "TransientStorageError": "Try the whole command again, later: the bus has tried some times already.",
    "OutcomeUnknownError": "Try again with the same idempotency key.",
    "HistoryError": "Treat the history as damaged: run `verify` and restore it.",
}
BUS: Final = ("bus", "reading", "reports", "observers", "new_ids", "registry", "plan", "batch", "given", "verifying")
# The pages of the API in reading order, with their modules; a trailing star means all that nobody else names.
API: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "values": ("Values and items", ("ids", "values", "json_values", "actors", "items", "converters")),
    "lifecycles": (
        "Lifecycles",
        ("inputs", "guards", "effects", "transitions", "lifecycle", "lifecycle_proof", "graphs", "diagrams"),
    ),
    "rules": ("Rules", ("rulings", "rules", "ready_rules", "combinators", "terms", "authorization")),
    "decisions": (
        "Decisions",
        (
            "definitions",
            "definition_parts",
            "definition_proof",
            "reasons",
            "verdicts",
            "verbs",
            "fields",
            "steps",
            "creating",
            "deciding",
        ),
    ),
    "histories": ("Histories", ("events", "payloads", "folding", "making", "history")),
    "catalog": ("Catalog", ("catalog*",)),
    "bus": ("Bus", ("~application", *(f"~application.{name}" for name in BUS))),
    "commands": ("Commands", ("~application.commands*",)),
    "lists": ("Filters and pages", ("filters",)),
    "ports": ("Ports", ("~application.ports", "~application.buffering")),
    "stores": ("Stores", ("~adapters*",)),
    "errors": ("Errors", ("~errors",)),
    "codec": ("JSON", ("~codec*",)),
    "interchange": ("Interchange", ("~interchange*",)),
    "testing": ("Testing", ("~testing*",)),
    "command-line": ("Command line", ("~cli*",)),
}


def pages() -> dict[str, str]:
    """Return every generated page, by its path below ``docs/reference``."""
    made = {"catalog.md": _catalog(), "errors.md": _errors(), "names.md": _names(), "api/index.md": _api_index()}
    made |= {f"api/{name}.md": _api_page(title, modules) for name, title, modules in _api_pages()}
    return {name: f"{HEAD}\n{page.rstrip()}\n" for name, page in made.items()}


def main() -> None:
    """Write the pages."""
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _prose(*sentences: str) -> str:
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def _code(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


# ---------------------------------------------------------------- the catalog


def _catalog() -> str:
    parts = [
        "# Catalog",
        _prose(
            "Three definitions come with the package. Take one as it is, or",
            "[derive your own](../how-to/declare-a-lifecycle.md#start-from-a-ready-one).",
        ),
        *(part for name, definition in CATALOG.items() for part in _definition(name, definition)),
        "## The verbs",
        _prose(
            "Every definition has these actions besides those of its lifecycle. They lead to no status of their own.",
            "One that changes nothing is permitted without a change.",
        ),
        _table(("verb", "what it does", "inputs", "event"), map(_verb, VERB_SENTENCES)),
    ]
    return "\n\n".join(parts)


def _definition(name: str, definition: AnyDefinition) -> Iterable[str]:
    lifecycle = definition.lifecycle
    initial = set(lifecycle.initial)
    yield f"## {name}"
    yield f"A {definition.kind} definition; its name on items is `{definition.name}`, its version {lifecycle.version}."
    yield f"```mermaid\n{format(lifecycle, 'mermaid')}```"
    yield _table(
        ("status", "category", ""),
        (
            (f"`{status}`", category.name, "starts here" if status in initial else "closed" if category.closed else "")
            for status, category in lifecycle.states.items()
        ),
    )
    yield _table(
        ("action", "from", "to", "inputs", "guards", "effects", "event"),
        (
            (
                f"`{step.action}`",
                _code(step.sources),
                f"`{step.target}`",
                _inputs(step.inputs),
                _code(step.guards),
                _code(step.effects),
                f"`{step.event or step.action}`",
            )
            for step in lifecycle.transitions
        ),
    )
    more = {action: guards for action, guards in definition.guards.items() if guards}
    for action, guards in more.items():
        yield f"`{action}` has the guard {_code(guards)} besides."
    yield "Who may do what, as the rules print themselves:"
    actions = (*lifecycle.actions, *VERB_SENTENCES)
    yield _table(("action", "rule"), ((f"`{action}`", f"`{definition.rule(action)!r}`") for action in actions))


def _inputs(specs: Iterable[Input]) -> str:
    return ", ".join(f"`{spec.name}` ({spec.kind}{', optional' if spec.optional else ''})" for spec in specs)


def _verb(name: str) -> tuple[str, str, str, str]:
    verb = VERB_TABLE.get(name)
    inputs: tuple[Input, ...] = () if verb is None else verb.inputs
    if name == "create":
        inputs = (*CREATE_INPUTS, choice("status", ["-"], optional=True), text("reason", optional=True))
    elif name == "correct":  # its statuses are those of the lifecycle
        inputs = (choice("status", ["-"]), *inputs[1:])
    event = "created" if name == "create" else "" if verb is None else verb.event
    return f"`{name}`", VERB_SENTENCES[name], _inputs(inputs), f"`{event}`" if event else ""


# ---------------------------------------------------------------- errors


def _errors() -> str:
    classes = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, CasewrightError)]
    tree = inspect.cleandoc(errors.__doc__ or "").split("::\n")[1].split("\n\nEach class")[0]
    parts = [
        "# Errors",
        _prose(
            "Every error that casewright raises on purpose is one of these. A refused decision is no error: `decide`",
            "*returns* it, see [Reason codes](reasons.md).",
        ),
        "```text\n" + inspect.cleandoc(tree.strip("\n")) + "\n```",
        _prose(
            "Each class has a stable `code`, keeps what it knows as fields, can be pickled, and repeats no user data",
            "in its text. *HTTP* is what `casewright.codec.problem_details` answers; what is the program's own fault",
            "is told there by one fixed sentence.",
        ),
        _table(
            ("error", "code", "what happened", "fields", "what to do", "HTTP"),
            (_error(cls) for cls in sorted(classes, key=lambda cls: list(ADVICE).index(cls.__name__))),
        ),
        _prose(
            "Nothing in this release raises the following itself: they are classes to catch others by, or words for",
            "what stores and programs of your own may have to say.",
            _code(_never_raised()) + ".",
        ),
    ]
    return "\n\n".join(parts)


def _error(cls: type[CasewrightError]) -> tuple[str, ...]:
    name = cls.__name__
    return f"`{name}`", f"`{cls.code}`", _sentence(cls.__doc__ or ""), _code(_fields(cls)), ADVICE[name], _http(cls)


def _never_raised() -> list[str]:
    others = (name for name in _module_names() if not name.startswith(("casewright.errors", "casewright.testing")))
    sources = [inspect.getsource(module) for module in map(_imported, others)]
    raised = {name for name in ADVICE for source in sources if re.search(rf"(?<!class )\b{name}\(", source)}
    return [name for name in ADVICE if name not in raised and name != "CasewrightError"]


def _http(cls: Any) -> str:  # noqa: ANN401 - any of the classes, each with other fields
    if cls is RefusedError:
        return ", ".join(
            f"{_status(RefusedError('act', 'id', (Reason('code', phase, 'text'),)))} ({phase})" for phase in Phase
        )
    return _status(cls(*["x"] * len(_fields(cls))))


def _fields(cls: type[CasewrightError]) -> list[str]:
    return [field.name for field in attrs.fields(cls)] if attrs.has(cls) else []


def _status(error: CasewrightError) -> str:
    return str(problem_details(error)["status"])


# ---------------------------------------------------------------- public names


def _names() -> str:
    parts = [
        "# Public names",
        _prose(
            "All of these are imported from `casewright`, and loaded on first use:",
            "`from casewright import Lifecycle`. The right column says where each lives.",
        ),
    ]
    rows = [(f"`{name}`", *_public(name)) for name in casewright.__all__]
    for title, of_title in (
        ("Constants and definitions", str.isupper),
        ("Classes and types", lambda name: name[0].isupper() and not name.isupper()),
        ("Functions", str.islower),
    ):
        parts += [
            f"## {title}",
            _table(("name", "what it is", "module"), (r for r in rows if of_title(r[0].strip("`")))),
        ]
    return "\n\n".join(parts)


def _public(name: str) -> tuple[str, str]:
    """The sentence that says what a public name is, and its module."""
    value = getattr(casewright, name)
    offering = [module for module in map(_imported, _module_names()[1:]) if name in _offered(module)]
    same = [module for module in offering if getattr(module, name) is value]
    module = max(same, key=lambda one: one.__name__.count("."))  # the deepest made it, the others pass it on
    written = value.__doc__ if inspect.isclass(value) or inspect.isfunction(value) else _written_below(module, name)
    return _sentence(written or ""), f"`{module.__name__}`"


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


def _sentence(docstring: str) -> str:
    """The first sentence or paragraph of a docstring, as Markdown in a table."""
    first = " ".join(inspect.cleandoc(docstring).split("\n\n")[0].split())
    return first.replace("``", "`").replace("|", "\\|").removesuffix(".")


# ---------------------------------------------------------------- the API


def _module_names() -> list[str]:
    walked = pkgutil.walk_packages(casewright.__path__, "casewright.")
    return ["casewright", *(one.name for one in walked if not one.name.rpartition(".")[2].startswith("_"))]


def _offered(module: ModuleType) -> Sequence[str]:
    return getattr(module, "__all__", ())


def _imported(name: str) -> ModuleType:
    return importlib.import_module(name)


def _api_pages() -> Iterable[tuple[str, str, list[str]]]:
    names = _module_names()
    for page, (title, patterns) in API.items():
        modules = []
        for pattern in patterns:
            room = pattern.removeprefix("~").removesuffix("*")
            full = f"casewright.{room}" if pattern.startswith("~") else f"casewright.domain.{room}"
            below = [name for name in names if name.startswith(full + ".")] if pattern.endswith("*") else []
            modules += [full, *below]
        yield page, title, modules


def _api_index() -> str:
    rooms = "\n".join(API)
    return (
        "# API\n\nEvery public module, from its docstrings. Names that `casewright` itself offers are in "
        f"[Public names](../names.md).\n\n```{{toctree}}\n:maxdepth: 1\n\n{rooms}\n```"
    )


def _api_page(title: str, modules: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", *map(_api_module, modules)])


def _api_module(name: str) -> str:
    module = _imported(name)
    bulky = [member for member in _offered(module) if _is_bulky(module, member)]
    lines = [f".. automodule:: {name}"]
    if name.startswith("casewright.adapters.") and hasattr(module, "__path__"):
        lines.append("   :no-index:")  # what it passes on is described below, where it is made
    if bulky:
        lines.append(f"   :exclude-members: {', '.join(bulky)}")
    for member in bulky:  # only this directive can be told not to print a long value
        lines += ["", f".. autodata:: {name}.{member}", "   :no-value:"]
    return f"## `{name}`\n\n```{{eval-rst}}\n" + "\n".join(lines) + "\n```"


def _is_bulky(module: ModuleType, member: str) -> bool:
    value = getattr(module, member)
    return not (inspect.isclass(value) or callable(value)) and len(repr(value)) > LONG


if __name__ == "__main__":
    main()
