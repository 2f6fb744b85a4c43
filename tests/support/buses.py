"""Buses for tests: people, a clock that ticks, ids that count, and what a bus answers when it says no."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    CaseDefinition,
    CasewrightError,
    Command,
    CommandBus,
    Guard,
    Store,
    TaskDefinition,
    guard,
)
from support.async_buses import awaited, hosted

DefinitionT = TypeVar("DefinitionT", TaskDefinition, CaseDefinition)
Definitions = tuple[TaskDefinition | CaseDefinition, ...]

DEFINITIONS: Final[Definitions] = (TASK, REGULATORY_CASE)
START: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)

ANN: Final = Actor("ann")
BEN: Final = Actor("ben")
STRANGER: Final = Actor("sam")
WRITER: Final = Actor("wil", roles=["case_writer"])
REVIEWER: Final = Actor("rea", roles=["reviewer"])
ROOT: Final = Actor("root", roles=["admin"])


BUSES: Final[Mapping[str, Callable[..., CommandBus]]] = {"plain": CommandBus, "awaited": awaited, "hosted": hosted}
"""What a bus may be: each looks like a plain one."""

_making: list[Callable[..., CommandBus]] = [CommandBus]


@contextmanager
def making(kind: str) -> Iterator[None]:
    """Let `a_bus` make buses of this kind."""
    _making.append(BUSES[kind])
    try:
        yield
    finally:
        _making.pop()


class Clock:
    """A clock that moves on by a second each time it is read."""

    def __init__(self) -> None:
        """Begin at `START`."""
        self.now = START

    def __call__(self) -> datetime:
        """Return the time, and move on."""
        self.now += timedelta(seconds=1)
        return self.now


def counting_ids(prefix: str = "new") -> Callable[[], str]:
    """Return a function that makes ids that count."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


def a_bus(
    store: Store, definitions: Iterable[TaskDefinition | CaseDefinition] = DEFINITIONS, **more: Any
) -> CommandBus:
    """Return a bus with a ticking clock and counting ids, which never waits, of the kind that is being made."""
    usual = {"clock": Clock(), "new_id": counting_ids(), "pause": lambda seconds: None}
    return _making[-1](store, definitions, **{**usual, **more})


def failure_of(call: Callable[..., object], *arguments: Any, **named: Any) -> Any:
    """Return the error of casewright's that the call raises."""
    try:
        answer = call(*arguments, **named)
    except CasewrightError as error:
        return error
    raise AssertionError(f"no error, but {answer!r}")


def told_by(bus: CommandBus, command: Command[Any], by: Actor, **more: Any) -> list[str]:
    """Return the codes of the reasons for which the bus refuses the command."""
    return [reason.code for reason in failure_of(bus.execute, command, by=by, **more).reasons]


def asking(asked: list[Any], answer: object = True) -> Callable[[object, Any], object]:
    """Return a provider of a fact that notes for which items it was asked."""

    def provider(uow: object, item: Any) -> object:
        asked.append(item)
        return answer

    return provider


def guarded(definition: DefinitionT, facts: Mapping[str, tuple[str, ...]]) -> DefinitionT:
    """Return the definition with a guard on each of these actions that reads these facts: all of them must be true."""
    guards = {action: _all_true(names) for action, names in facts.items()}
    return definition.with_guards(guards)


def _all_true(names: tuple[str, ...]) -> Guard:
    def passes(item: object, inputs: object, facts: Mapping[str, object], at: object) -> bool:
        return all(facts[name] for name in names)

    return guard(passes, code="facts", text="not yet", facts=names)
