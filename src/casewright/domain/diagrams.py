"""A lifecycle as diagram text: Mermaid and DOT, with no dependency."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from casewright.domain.graphs import Edge
from casewright.domain.values import Category

__all__ = ["dot", "mermaid"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_KEYWORDS = frozenset({"state", "note", "end", "as", "class", "classdef", "style", "direction", "default", "click"})


def mermaid(states: Mapping[str, Category], initial: Iterable[str], edges: Iterable[Edge]) -> str:
    """Return a Mermaid state diagram.

    Args:
        states: Each status with its category.
        initial: Where items may start.
        edges: Source, action and target of each transition.
    """
    names = {status: _mermaid_name(status, place, states) for place, status in enumerate(states)}
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{_mermaid_text(status)}" as {name}' for status, name in names.items() if name != status]
    lines += [f"    [*] --> {names[status]}" for status in initial]
    lines += [f"    {names[source]} --> {names[target]} : {_mermaid_text(action)}" for source, action, target in edges]
    lines += [f"    {names[status]} --> [*]" for status, category in states.items() if category.closed]
    return "\n".join(lines) + "\n"


def dot(states: Mapping[str, Category], initial: Iterable[str], edges: Iterable[Edge]) -> str:
    """Return a Graphviz DOT digraph.

    Args:
        states: Each status with its category.
        initial: Where items may start.
        edges: Source, action and target of each transition.
    """
    lines = ["digraph lifecycle {", "    rankdir=LR;", "    node [shape=box, style=rounded];", '    "" [shape=point];']
    lines += [
        f"    {_dot_text(status)} [tooltip={_dot_text(category)}{', peripheries=2' if category.closed else ''}];"
        for status, category in states.items()
    ]
    lines += [f'    "" -> {_dot_text(status)};' for status in initial]
    lines += [
        f"    {_dot_text(source)} -> {_dot_text(target)} [label={_dot_text(action)}];"
        for source, action, target in edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _mermaid_name(status: str, place: int, states: Mapping[str, Category]) -> str:
    if _PLAIN.fullmatch(status) and status.lower() not in _KEYWORDS:
        return status
    alias = f"s{place}_"
    while alias in states:
        alias += "_"
    return alias


def _mermaid_text(text: str) -> str:
    # Mermaid has no quoting but its own entity codes; letters, digits and what cannot mean anything stay readable.
    return "".join(char if char.isalnum() or char in " _-()./," else f"#{ord(char)};" for char in text)


def _dot_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
