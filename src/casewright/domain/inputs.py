"""Typed inputs: what a transition or verb must be given, declared as data, checked before anything is decided.

A missing, unknown or blank input is a `Reason` of phase input, because a person can mend it; a value of a wrong type,
over its limit, or one that no store can hold is an `InvalidInputError`, because a program must (S1, S7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, freeze_object
from casewright.domain.reasons import Phase, Reason, alternatives, params, spoken
from casewright.domain.values import (
    MAX_ID,
    MAX_NAME,
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    as_instant,
    as_integer,
    as_name,
    as_names,
    as_text,
    instant_text,
)
from casewright.errors import DefinitionError, InvalidInputError, Problem

__all__ = [
    "INPUT_SHAPES",
    "MAX_INPUTS",
    "Input",
    "InputKind",
    "InputShape",
    "actor",
    "boolean",
    "check_inputs",
    "choice",
    "instant",
    "integer",
    "mapping",
    "names",
    "text",
]

MAX_INPUTS: Final = 100
"""How many inputs may be given at once where one of them is unknown."""


class InputKind(StrEnum):
    """What an input may hold."""

    TEXT = "text"
    ACTOR = "actor"
    CHOICE = "choice"
    INSTANT = "instant"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    NAMES = "names"
    MAPPING = "mapping"


def _kind(value: str) -> InputKind:
    try:
        return InputKind(value)
    except ValueError:
        raise InvalidInputError("kind", "is no kind of input", f"use one of {', '.join(InputKind)}") from None


@attrs.frozen(kw_only=True)
class Input:
    """One input. Made by `text`, `actor`, `choice` and their like.

    Attributes:
        name: What it is called.
        kind: What it may hold.
        optional: Whether it may be left out.
        clearable: Whether None is a value of its own ("no due date"); else None is the same as leaving it out.
        max_length: The most characters, of texts and of each name.
        choices: What may be chosen.
        missing: The reason that asks for it.
    """

    name: str
    kind: InputKind = attrs.field(converter=_kind)
    optional: bool = False
    clearable: bool = False
    max_length: int = MAX_TEXT
    choices: tuple[str, ...] = ()
    missing: Reason = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Work out once what is asked for on each use."""
        missing = Reason("input_missing", Phase.INPUT, f"give {self._described()}", params(input=self.name))
        object.__setattr__(self, "missing", missing)

    def accept(self, value: object) -> JsonValue | Reason:
        """Return the value as it is recorded, or the reason why a person must give another one.

        Args:
            value: What was given.

        Returns:
            A frozen JSON value (an instant as canonical text), or a reason of phase input.

        Raises:
            InvalidInputError: The value is of a wrong type, over a limit, or one that no store can hold.
        """
        if value is None and self.clearable:
            return None
        shape = INPUT_SHAPES[self.kind]
        asked = shape.textual and not self.choices
        if asked and isinstance(value, str) and len(value) <= self.max_length and not value.strip():
            sentence = f"the {spoken(self.name)} must not be blank"
            return Reason("input_blank", Phase.INPUT, sentence, params(input=self.name))
        accepted = shape.accept(self, value)
        if self.choices and accepted not in self.choices:
            sentence = f"the {spoken(self.name)} must be {alternatives(self.choices)}"
            return Reason("input_not_a_choice", Phase.INPUT, sentence, params(input=self.name, choices=self.choices))
        return accepted

    def _described(self) -> str:
        word = spoken(self.name)
        article = "" if self.kind is InputKind.NAMES else "an " if word[0] in "aeiou" else "a "
        return f"{article}{word}" + (f" ({alternatives(self.choices)})" if self.choices else "")


def text(name: str, *, optional: bool = False, clearable: bool = False, max_length: int = MAX_TEXT) -> Input:
    """Return an input for text that is not blank.

    Args:
        name: What it is called.
        optional: Whether it may be left out.
        clearable: Whether None is a value of its own.
        max_length: The most characters, up to 10,000.
    """
    return _input(name, InputKind.TEXT, optional=optional, clearable=clearable, max_length=max_length)


def actor(name: str, *, optional: bool = False, clearable: bool = False) -> Input:
    """Return an input for the id of an actor."""
    return _input(name, InputKind.ACTOR, optional=optional, clearable=clearable, max_length=MAX_ID)


def choice(name: str, choices: Iterable[str], *, optional: bool = False, clearable: bool = False) -> Input:
    """Return an input for one of several texts, such as the members of a StrEnum; those of a set are shown sorted."""
    if isinstance(choices, str) or not isinstance(choices, Iterable):
        raise InvalidInputError("choices", f"must be several texts, not {type(choices).__name__}", "pass a list")
    chosen = tuple(as_name(part, "choices", MAX_ID) for part in choices)
    if isinstance(choices, (set, frozenset)):
        chosen = tuple(sorted(chosen))
    if not chosen:
        raise DefinitionError((Problem("no_choices", f"input {name!r}", "offers no choice", "name at least one"),))
    return _input(name, InputKind.CHOICE, optional=optional, clearable=clearable, max_length=MAX_ID, choices=chosen)


def instant(name: str, *, optional: bool = False, clearable: bool = False) -> Input:
    """Return an input for an aware datetime or its ISO 8601 text; recorded as canonical text in UTC."""
    return _input(name, InputKind.INSTANT, optional=optional, clearable=clearable)


def integer(name: str, *, optional: bool = False, clearable: bool = False) -> Input:
    """Return an input for a 64-bit integer; True is none."""
    return _input(name, InputKind.INTEGER, optional=optional, clearable=clearable)


def boolean(name: str, *, optional: bool = False, clearable: bool = False) -> Input:
    """Return an input for True or False."""
    return _input(name, InputKind.BOOLEAN, optional=optional, clearable=clearable)


def names(name: str, *, optional: bool = False, max_length: int = MAX_TAG) -> Input:
    """Return an input for several names (tags, labels), recorded sorted and each once."""
    return _input(name, InputKind.NAMES, optional=optional, max_length=max_length)


def mapping(name: str, *, optional: bool = False) -> Input:
    """Return an input for a mapping of JSON values."""
    return _input(name, InputKind.MAPPING, optional=optional)


def check_inputs(
    declared: tuple[Input, ...], given: Mapping[str, object], action: str, known: tuple[Input, ...] = ()
) -> tuple[FrozenMapping[Any], list[Reason]]:
    """Check what was given against what was declared.

    Args:
        declared: The inputs.
        given: Names and values.
        action: What they were given for, to be named in a reason.
        known: All there are, where fewer are asked for; to be named in a reason.

    Returns:
        The accepted values, and a reason for each missing, unknown or blank one.

    Raises:
        InvalidInputError: A value is of a wrong type, over a limit, or one that no store can hold.
    """
    if type(given) is not dict and not isinstance(given, Mapping):
        raise InvalidInputError("inputs", f"must be a mapping, not {type(given).__name__}")
    values: dict[str, JsonValue] = {}
    reasons: list[Reason] = []
    unknown = len(given)
    for spec in declared:
        name = spec.name
        unknown -= name in given
        value = given.get(name)
        if value is None and not (spec.clearable and name in given):
            if not spec.optional:
                reasons.append(spec.missing)
            continue
        accepted = spec.accept(value)
        if isinstance(accepted, Reason):
            reasons.append(accepted)
        else:
            values[name] = accepted
    if unknown:
        reasons.extend(_unknown(known or declared, given, action))
    return (FrozenMapping(values) if values else EMPTY), reasons


def _unknown(declared: tuple[Input, ...], given: Mapping[str, object], action: str) -> list[Reason]:
    known = tuple(spec.name for spec in declared)
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return [
        Reason("input_unknown", Phase.INPUT, f"{action} knows no input {name!r}; {takes}", params(input=name))
        for name in as_names(given.keys(), "names of inputs", most=MAX_INPUTS)
        if name not in known
    ]


def _input(
    name: str,
    kind: InputKind,
    *,
    max_length: int = MAX_TEXT,
    **options: Any,  # noqa: ANN401 - what else an Input takes
) -> Input:
    if as_integer(max_length, "max_length", least=1) > MAX_TEXT:
        raise InvalidInputError("max_length", f"must be at most {MAX_TEXT}")
    return Input(name=as_name(name, "name of an input", MAX_NAME), kind=kind, max_length=max_length, **options)


def _boolean(spec: Input, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError(spec.name, f"must be True or False, not {type(value).__name__}")
    return value


def _actor(spec: Input, value: object) -> str:
    return as_name(value, spec.name, MAX_ID)


def _text(spec: Input, value: object) -> str:
    return as_text(value, spec.name, spec.max_length)


def _instant(spec: Input, value: object) -> str:
    return instant_text(as_instant(value, spec.name))


def _integer(spec: Input, value: object) -> int:
    return as_integer(value, spec.name)


def _names(spec: Input, value: object) -> tuple[str, ...]:
    return as_names(value, spec.name, limit=spec.max_length, most=MAX_TAGS)


def _mapping(spec: Input, value: object) -> FrozenMapping[JsonValue]:
    return freeze_object(value, spec.name)


@attrs.frozen
class InputShape:
    """What makes the inputs of one kind, and what they take.

    Attributes:
        make: The function that makes one; its parameters are what can be said of it.
        accept: ``(input, value)`` to the value as it is recorded.
        textual: Whether that is text.
    """

    make: Callable[..., Input]
    accept: Callable[[Input, object], JsonValue]
    textual: bool = False


INPUT_SHAPES: Final[Mapping[InputKind, InputShape]] = {
    InputKind.TEXT: InputShape(text, _text, textual=True),
    InputKind.ACTOR: InputShape(actor, _actor, textual=True),
    InputKind.CHOICE: InputShape(choice, _text, textual=True),
    InputKind.INSTANT: InputShape(instant, _instant, textual=True),
    InputKind.INTEGER: InputShape(integer, _integer),
    InputKind.BOOLEAN: InputShape(boolean, _boolean),
    InputKind.NAMES: InputShape(names, _names),
    InputKind.MAPPING: InputShape(mapping, _mapping),
}
"""Every kind of input."""
