"""Reasons: why a decision was no, with a stable code, a phase, parameters and a sentence a person can act on (A7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, freeze_object
from casewright.domain.values import as_name
from casewright.errors import InvalidInputError

__all__ = ["Phase", "Reason", "alternatives", "answered", "params", "raised", "spoken"]


class Phase(StrEnum):
    """What refused, in the order in which reasons are given."""

    PERMISSION = "permission"
    STATE = "state"
    INPUT = "input"
    GUARD = "guard"


def _phase(value: str) -> Phase:
    if type(value) is Phase:
        return value
    try:
        return Phase(value)
    except ValueError:
        raise InvalidInputError("phase", "is no phase", f"use one of {', '.join(Phase)}") from None


def _code(value: str) -> str:
    return as_name(value, "code of a reason")


def _params(value: Mapping[str, Any]) -> FrozenMapping[JsonValue]:
    return value if type(value) is FrozenMapping else freeze_object(value, "params of a reason")


@attrs.frozen
class Reason:
    """One reason of a refusal.

    Args:
        code: A stable name: test it, translate by it.
        phase: What refused.
        text: A sentence a person can act on, without any value of the item.
        params: What the sentence was made of; a permission reason holds the repr of its ``rule``.
    """

    code: str = attrs.field(converter=_code)
    phase: Phase = attrs.field(converter=_phase)
    text: str
    params: FrozenMapping[JsonValue] = attrs.field(default=EMPTY, converter=_params)

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text


def params(**values: JsonValue) -> FrozenMapping[JsonValue]:
    """Return parameters of a reason from values that are frozen already, whatever their size."""
    return FrozenMapping(values)


def raised(error: Exception) -> str:
    """Return what a function of the team's own did that failed: the type of the exception, never what it says."""
    return f"raised {type(error).__name__}"


def answered(answer: object) -> str:
    """Return what a function of the team's own did that answered nothing sound: the type of the answer."""
    return f"answered {type(answer).__name__}"


def spoken(name: str) -> str:
    """Return a name in code as it would be spoken: ``reviewer_id`` is "reviewer", ``due_at`` is "due"."""
    short = name.removesuffix("_id").removesuffix("_at").replace("_", " ").strip()
    return short or name


def alternatives(words: Iterable[str]) -> str:
    """Return words as a choice: ``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
