"""Transitions: a named action, where it starts and ends, and what it needs and does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from casewright.domain.effects import Effect
from casewright.domain.guards import Guard
from casewright.domain.inputs import Input

__all__ = ["Transition", "as_statuses", "plain", "several"]


def as_statuses(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return one status or several as a tuple; those of a set are sorted."""
    if isinstance(value, str):
        return (plain(value),)
    return tuple(map(plain, sorted(value, key=str) if isinstance(value, (set, frozenset)) else several(value)))


def plain(value: str) -> str:
    """Return an exact str.

    What is none becomes one that cannot be printed, so that the proof names it together with all else that is wrong.
    """
    return str.__str__(value) if isinstance(value, str) else f"\0{type(value).__name__}"


def several(values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever was given
    """Return the values as a tuple; one alone, or what is no iterable, as a tuple of one."""
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else (values,)


def _optional_plain(value: str | None) -> str | None:
    return None if value is None else plain(value)


@attrs.frozen
class Transition:
    """A named action that leads from one of some statuses to one status.

    Args:
        action: Its name; `Lifecycle` allows one transition for a status and an action.
        sources: The status, or the statuses, from which it is possible.
        target: The status it leads to.
        inputs: What it must or may be given.
        guards: What must hold before it.
        effects: Which fields it sets.
        event: Its past-tense name for the outside; the action's name where None.
    """

    action: str = attrs.field(converter=plain)
    sources: tuple[str, ...] = attrs.field(converter=as_statuses)
    target: str = attrs.field(converter=plain)
    inputs: tuple[Input, ...] = attrs.field(default=(), converter=several, kw_only=True)
    guards: tuple[Guard, ...] = attrs.field(default=(), converter=several, kw_only=True)
    effects: tuple[Effect, ...] = attrs.field(default=(), converter=several, kw_only=True)
    event: str | None = attrs.field(default=None, converter=_optional_plain, kw_only=True)
