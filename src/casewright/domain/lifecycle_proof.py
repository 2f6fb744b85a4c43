"""The proof of a lifecycle: every problem, none hidden by another (E4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from casewright.domain.effects import Effect, effect_problem
from casewright.domain.events import RESERVED
from casewright.domain.graphs import Graph
from casewright.domain.guards import Guard
from casewright.domain.inputs import Input
from casewright.domain.transitions import Transition
from casewright.domain.values import INTEGER_MAX, MAX_NAME, Category
from casewright.errors import Problem

__all__ = ["guard_problems", "lifecycle_problems", "name_problem", "shown"]

_T = TypeVar("_T")


def lifecycle_problems(
    *,
    states: Mapping[str, Category],
    initial: Collection[str],
    transitions: tuple[Transition, ...],
    administrative: Collection[str],
    legacy: Collection[str],
    version: int,
) -> tuple[Problem, ...]:
    """Return every problem of a lifecycle with these parts; see `Lifecycle` for what they are."""
    by_correct = {*administrative, *legacy}
    steps = [step for step in transitions if isinstance(step, Transition)]
    return (
        *_of_states(states, version),
        *_of_marks(states, initial, administrative, legacy),
        *_of_initial(states, initial, by_correct),
        *(
            Problem("not_a_transition", f"transitions[{place}]", "is no Transition", "pass Transition(...)")
            for place, step in enumerate(transitions)
            if not isinstance(step, Transition)
        ),
        *(problem for step in steps for problem in _of_transition(step, states, by_correct)),
        *_of_doubles(steps),
        *_of_ways(states, initial, steps, by_correct),
    )


def name_problem(name: str, where: str, kind: str) -> Problem | None:
    """Return the problem of a name that is no printable text; None if it is one."""
    if 0 < len(name) <= MAX_NAME and name.isprintable() and not name.isspace():
        return None
    need = f"use a printable text of 1 to {MAX_NAME} characters"
    return Problem("bad_name", where, f"{kind} {shown(name)} is no printable text", need)


def shown(name: str) -> str:
    """Return a name as it can be shown in an error: short, printable, in one line."""
    if name.startswith("\0"):  # see transitions.plain
        return f"of type {name[1:]}"
    return repr(name if len(name) <= MAX_NAME else name[:MAX_NAME] + "...")


def _of_states(states: Mapping[str, Category], version: int) -> Iterator[Problem]:
    if not states:
        yield Problem("no_states", "states", "there are none", "name at least one status")
    for status, category in states.items():
        problem = name_problem(status, "states", "the status")
        if problem is not None:
            yield problem
        if not isinstance(category, Category):
            known = f"use one of Category.{', Category.'.join(member.name for member in Category)}"
            yield Problem("not_a_category", f"status {shown(status)}", "its category is none", known)
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= INTEGER_MAX:
        yield Problem("bad_version", "version", "is no whole number from 1", "count versions 1, 2, 3")


def _of_marks(
    states: Mapping[str, Category], initial: Collection[str], administrative: Collection[str], legacy: Collection[str]
) -> Iterator[Problem]:
    for where, statuses in (("initial", initial), ("administrative", administrative), ("legacy", legacy)):
        for status in statuses:
            if status not in states:
                yield Problem("unknown_status", where, f"the status {shown(status)} is unknown", "add it to states=")


def _of_initial(states: Mapping[str, Category], initial: Collection[str], by_correct: set[str]) -> Iterator[Problem]:
    if not initial:
        yield Problem("no_initial", "initial", "no status is initial", "name where items start")
    for status in initial:
        if status in by_correct:
            what = f"{shown(status)} is entered by correct only"
            yield Problem("initial_by_correct", "initial", what, "start elsewhere, or do not mark it")


def _of_transition(step: Transition, states: Mapping[str, Category], by_correct: set[str]) -> Iterator[Problem]:
    where = f"transition {shown(step.action)}"
    problem = name_problem(step.action, where, "the action")
    if problem is not None:
        yield problem
    if step.action in RESERVED:
        yield Problem("reserved_action", where, "the name is reserved for a verb", "call the action something else")
    if step.event is not None:
        problem = name_problem(step.event, where, "the event")
        if problem is not None:
            yield problem
    if not step.sources:
        yield Problem("no_sources", where, "starts nowhere", "name the statuses from which it is possible")
    for status in dict.fromkeys((*step.sources, step.target)):
        if status not in states:
            yield Problem("unknown_status", where, f"the status {shown(status)} is unknown", "add it to states=")
    if step.target in by_correct:
        what = f"leads to {shown(step.target)}, which is entered by correct only"
        yield Problem("target_by_correct", where, what, "lead elsewhere, or do not mark it")
    yield from _of_needs(step, where)


def _of_needs(step: Transition, where: str) -> Iterator[Problem]:
    inputs = [spec for spec in step.inputs if isinstance(spec, Input)]
    for article, kind, parts, make in (
        ("an", Input, step.inputs, "text(...), choice(...) or their like"),
        ("a", Guard, step.guards, "guard(...)"),
        ("an", Effect, step.effects, "copy_input(...), set_value(...) or clear(...)"),
    ):
        for part in parts:
            if not isinstance(part, kind):
                what = f"holds a {type(part).__name__} where {article} {kind.__name__.lower()} is meant"
                yield Problem(f"not_{article}_{kind.__name__.lower()}", where, what, f"use {make}")
    for name in _twice(spec.name for spec in inputs):
        yield Problem("input_twice", where, f"declares the input {name!r} twice", "declare it once")
    by_name = {spec.name: spec for spec in inputs}
    for guard in step.guards:
        if isinstance(guard, Guard):
            yield from guard_problems(guard, by_name, where)
    effects = [effect for effect in step.effects if isinstance(effect, Effect)]
    for effect in effects:
        wrong = effect_problem(effect, by_name)
        if wrong is not None:
            yield Problem("bad_effect", where, *wrong)
    for field in _twice(effect.field for effect in effects):
        yield Problem("effect_twice", where, f"sets {field} twice", "keep one of the effects")


def guard_problems(guard: Guard, inputs: Collection[str], where: str) -> Iterator[Problem]:
    """Yield a problem for each input that the guard reads but the action does not declare."""
    for name in guard.inputs:
        if name not in inputs:
            what = f"{guard!r} reads the undeclared input {name!r}"
            yield Problem("guard_input", where, what, "declare it in inputs=, or do not read it")


def _of_doubles(steps: Iterable[Transition]) -> Iterator[Problem]:
    for source, action in _twice((source, step.action) for step in steps for source in step.sources):
        what = f"two transitions are named {shown(action)} there"
        yield Problem("ambiguous", f"status {shown(source)}", what, "name them differently, or merge them")


def _of_ways(
    states: Mapping[str, Category], initial: Collection[str], steps: Iterable[Transition], by_correct: set[str]
) -> Iterator[Problem]:
    edges = [(source, step.action, step.target) for step in steps for source in step.sources]
    graph = Graph(states, edges)
    starts = [status for status in (*initial, *by_correct) if status in states]
    reached = graph.reachable_from(*starts) | set(starts)
    for status in states:
        if status in by_correct:
            continue
        where = f"status {shown(status)}"
        if status not in reached:
            mend = "add a transition to it, or mark it administrative or legacy"
            yield Problem("unreachable", where, "no way leads to it from an initial status", mend)
        if not graph.can_close(status):
            mend = "add a way to a status of category DONE or CANCELLED"
            yield Problem("trap", where, "no closed status can be reached from it", mend)


def _twice(names: Iterable[_T]) -> list[_T]:
    return [name for name, count in Counter(names).items() if count > 1]
