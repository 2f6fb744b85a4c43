"""The parts of a definition as callers may give them: each made into the one form that the definition keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casewright.domain.guards import Guard
from casewright.domain.inputs import Input
from casewright.domain.json_values import FrozenMapping
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.transitions import plain, several
from casewright.errors import InvalidInputError

__all__ = ["as_fields", "as_guards", "as_lifecycles", "as_published"]


def as_lifecycles(values: Iterable[Lifecycle]) -> tuple[Lifecycle, ...]:
    """Return several lifecycles."""
    return several(values)


def as_guards(value: Mapping[Any, Guard | Iterable[Guard]]) -> FrozenMapping[tuple[Guard, ...]]:
    """Return the guards of each action."""
    if not isinstance(value, Mapping):
        raise InvalidInputError("guards", f"must be a mapping, not {type(value).__name__}", "map actions to guards")
    return FrozenMapping({plain(action): several(part) for action, part in value.items()})


def as_fields(value: Iterable[Input] | None) -> tuple[Input, ...] | None:
    """Return the typed attributes; None where attributes are free."""
    return None if value is None else several(value)


def as_published(value: Iterable[str] | None) -> frozenset[str] | None:
    """Return the actions whose events are published; None for all."""
    if isinstance(value, str):
        raise InvalidInputError("published", "must be several actions, not one str", "pass a set")
    return None if value is None else frozenset(map(plain, several(value)))
