"""The pages of the API: every public module has its place on one of them, and is told from its docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Final

from .modules import imported, module_names, offered

__all__ = ["api_index", "api_page", "api_pages"]

LONG: Final = 80
BUS: Final = (
    *("bus", "async_bus", "judging", "async_judging", "reading", "async_reading", "reports", "observers", "facts"),
    *("new_ids", "registry", "plan", "batch", "given", "arguments", "retrying", "timing", "verifying"),
    *("keys", "fingerprints", "replaying", "async_replaying", "retention"),
)
RELAY: Final = (
    *("relay", "async_relay", "relay_round", "relay_arguments", "relay_stops", "async_relay_stops"),
    *("relaying", "leasing", "messages"),
)
PROOF: Final = ("proving", "anchors", "erasing", "denials")
PORTS: Final = (
    *("ports", "async_ports", "ledger", "publishing", "buffering", "async_buffering", "recorded", "writes", "hosting"),
)
# The pages of the API in reading order, with their modules; a trailing star means all that nobody else names.
API: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "values": ("Values and items", ("ids", "values", "strict_json", "json_values", "actors", "items", "converters")),
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
    "relay": ("Relay", tuple(f"~application.{name}" for name in RELAY)),
    "proof": ("Proofs, erasure, denials", tuple(f"~application.{name}" for name in PROOF)),
    "ports": ("Ports", tuple(f"~application.{name}" for name in PORTS)),
    "stores": ("Stores", ("~adapters*",)),
    "errors": ("Errors", ("~errors",)),
    "codec": ("JSON", ("~codec*",)),
    "interchange": ("Interchange", ("~interchange*",)),
    "testing": ("Testing", ("~testing*",)),
    "command-line": ("Command line", ("~cli*",)),
}


def api_pages() -> Iterable[tuple[str, str, list[str]]]:
    """Yield each page with its title and its modules."""
    names = module_names()
    for page, (title, patterns) in API.items():
        modules = []
        for pattern in patterns:
            room = pattern.removeprefix("~").removesuffix("*")
            full = f"casewright.{room}" if pattern.startswith("~") else f"casewright.domain.{room}"
            below = [name for name in names if name.startswith(full + ".")] if pattern.endswith("*") else []
            modules += [full, *below]
        yield page, title, modules


def api_index() -> str:
    """Return the page that leads to all others."""
    rooms = "\n".join(API)
    return (
        "# API\n\nEvery public module, from its docstrings. Names that `casewright` itself offers are in "
        f"[Public names](../names.md).\n\n```{{toctree}}\n:maxdepth: 1\n\n{rooms}\n```"
    )


def api_page(title: str, modules: Iterable[str]) -> str:
    """Return the page with these modules."""
    return "\n\n".join([f"# {title}", *map(_api_module, modules)])


def _api_module(name: str) -> str:
    module = imported(name)
    bulky = [member for member in offered(module) if _is_bulky(module, member)]
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
