"""The data part of lifecycles: states, transitions, inputs and effects.

Guards are functions, so they cannot be data. Written, each is its code with its sentence; read back, each code must be
given its guard again. To drop one silently would be a hole, so a guard that is not given is a `DefinitionError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, Final, NoReturn

from casewright.codec.readers import (
    NAME,
    POSITIVE,
    Reader,
    an_object,
    at_key,
    boolean,
    checked,
    each,
    failure,
    json_value,
    maybe,
    of_class,
    one_of,
    record,
    text_of,
    told,
)
from casewright.domain.effects import Effect, copy_input, set_value
from casewright.domain.guards import Guard
from casewright.domain.inputs import INPUT_SHAPES, Input, InputKind
from casewright.domain.json_values import EMPTY
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.transitions import Transition
from casewright.domain.values import MAX_ID, MAX_TEXT, Category, as_name
from casewright.errors import DefinitionError, Problem

__all__ = [
    "STATUSES_MAX",
    "TRANSITIONS_MAX",
    "WAYS_MAX",
    "lifecycle_from_data",
    "read_effect",
    "read_input",
    "read_lifecycle",
    "unambiguous",
]

STATUSES_MAX: Final = 200
TRANSITIONS_MAX: Final = 1000
WAYS_MAX: Final = 2000
"""The most pairs of a transition and a status it starts from: the proof of a lifecycle walks them from each status."""


def lifecycle_from_data(data: object, *, guards: Mapping[str, Guard] = EMPTY) -> Lifecycle:
    """Make a lifecycle of its data.

    Args:
        data: What `to_data` made of a lifecycle, or what a team wrote by hand.
        guards: The guard of each code that the data names. Others may be there too.

    Returns:
        The lifecycle, proven sound.

    Raises:
        InvalidInputError: The data has another shape, or is over a limit.
        DefinitionError: A guard that the data names was not given, one was given under another code than its own, or
            the lifecycle cannot work.
    """
    problems = [problem for code, guard in guards.items() for problem in _of_guard(code, guard)]
    if problems:
        raise DefinitionError(tuple(problems))
    return _read(data, "", guards)


def read_lifecycle(value: object, path: str) -> Lifecycle:
    """Read a lifecycle that needs no guard."""
    return _read(value, path, EMPTY)


def unambiguous(lifecycle: Lifecycle) -> Lifecycle:
    """Return the lifecycle if its guards can be told apart by their codes.

    Raises:
        DefinitionError: Two different guards have one code, so that the data could not be read back.
    """
    by_code: dict[str, Guard] = {}
    for step in lifecycle.transitions:
        for guard in step.guards:
            if by_code.setdefault(guard.code, guard) != guard:
                _refuse("guard_ambiguous", f"transition {step.action!r}", f"two guards have the code {guard.code!r}")
    return lifecycle


def _refuse(code: str, where: str, what: str) -> NoReturn:
    raise DefinitionError((Problem(code, where, what, "give each guard a code of its own"),))


def _of_guard(code: str, guard: object) -> list[Problem]:
    where = f"guards[{code!r}]"
    if not isinstance(guard, Guard):
        return [Problem("not_a_guard", where, f"is a {type(guard).__name__}", "use guard(...)")]
    if guard.code != code:
        return [Problem("guard_code", where, f"is the guard {guard.code!r}", "pass each guard under its own code")]
    return []


# ---------------------------------------------------------------- inputs and effects


def _length(value: object, path: str) -> int:
    length = POSITIVE(value, path)
    if length > MAX_TEXT:
        raise failure(path, f"must be at most {MAX_TEXT}")
    return length


_INPUT: Final[Reader[dict[str, Any]]] = record(
    dict,
    {
        "name": NAME,
        "kind": one_of(InputKind),
        "optional": boolean,
        "clearable": boolean,
        "max_length": _length,
        "choices": each(told(as_name, MAX_ID)),
    },
    required=("name", "kind"),
)
_OPTIONS: Final = {kind: tuple(signature(shape.make).parameters) for kind, shape in INPUT_SHAPES.items()}


def read_input(value: object, path: str) -> Input:
    """Read an input, through the function that makes inputs of its kind."""
    given = _INPUT(value, path)
    options = {name: given[name] for name in _OPTIONS[given["kind"]] if name in given}
    if given["kind"] is InputKind.CHOICE and not given.get("choices"):
        raise failure(at_key(path, "choices"), "must offer at least one")
    made = INPUT_SHAPES[given["kind"]].make(**options)
    for name, part in given.items():
        if getattr(made, name) != part:
            raise failure(at_key(path, name), f"does not fit an input of kind {made.kind}", "leave it out")
    return made


_EFFECT: Final[Reader[dict[str, Any]]] = record(
    dict, {"field": NAME, "source": NAME, "value": json_value}, required=("field",)
)


def read_effect(value: object, path: str) -> Effect:
    """Read an effect: a field with the input it is copied from, or with the value it is set to (None clears it)."""
    given = _EFFECT(value, path)
    if ("source" in given) is ("value" in given):
        raise failure(path, "must have either a source or a value")
    field = given["field"]
    if "source" in given:
        return copy_input(given["source"], to=field)
    return checked(lambda constant: set_value(field, constant))(given["value"], at_key(path, "value"))


# ---------------------------------------------------------------- the whole


class _Guards:
    """Finds the guards that the data names, and remembers those that are not there."""

    def __init__(self, known: Mapping[str, Guard]) -> None:
        self._known = known
        self.missing: list[Problem] = []

    def read(self, value: object, path: str) -> Guard | None:
        code = _GUARD(value, path)
        guard = self._known.get(code)
        if guard is None:
            what = f"names the guard {code!r}, which was not given"
            self.missing.append(Problem("guard_missing", path, what, "pass it in guards="))
        return guard


def _code(code: str, text: str = "") -> str:
    return code


_GUARD: Final = record(_code, {"code": NAME, "text": text_of(MAX_TEXT)}, required=("code",))
_MARKED: Final[Reader[dict[str, Any]]] = record(dict, {"any_of": each(NAME)}, required=("any_of",))


def _initial(value: object, path: str) -> tuple[str, ...] | frozenset[str]:
    if isinstance(value, Mapping):
        return frozenset(_MARKED(value, path)["any_of"])
    return each(NAME)(value, path)


def _states(value: object, path: str) -> dict[str, Category]:
    given = an_object(value, path)
    _at_most(STATUSES_MAX, len(given), path)
    return {NAME(status, path): one_of(Category)(part, at_key(path, status)) for status, part in given.items()}


def _at_most(limit: int, number: int, path: str) -> None:
    if number > limit:
        raise failure(path, f"holds more than {limit}", "split the lifecycle")


def _read(value: object, path: str, known: Mapping[str, Guard]) -> Lifecycle:
    guards = _Guards(known)
    step = of_class(
        Transition,
        {
            "action": NAME,
            "sources": each(NAME),
            "target": NAME,
            "inputs": each(read_input),
            "guards": each(guards.read),
            "effects": each(read_effect),
            "event": maybe(NAME),
        },
    )
    parts = {"states": _states, "initial": _initial, "transitions": each(step), "version": POSITIVE}
    marks = dict.fromkeys(("administrative", "legacy"), each(NAME))
    given: dict[str, Any] = record(dict, {**parts, **marks}, required=("states", "initial", "transitions"))(value, path)
    transitions: tuple[Transition, ...] = given["transitions"]
    _at_most(TRANSITIONS_MAX, len(transitions), at_key(path, "transitions"))
    _at_most(WAYS_MAX, sum(len(one.sources) for one in transitions), at_key(path, "transitions"))
    if guards.missing:
        raise DefinitionError(tuple(guards.missing))
    return Lifecycle(**given)
