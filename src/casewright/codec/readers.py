"""Readers: functions from plain data to checked values, each told the path that it reads at.

They are what all hooks are made of. Whatever they are given, a value or an `InvalidInputError` comes out, with the path
and without the value (S1, S2, S7). Limits are those of the domain's own constructors: a reader calls the very converter
of the field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from casewright.codec.parsing import ROOT
from casewright.domain.json_values import FrozenMapping, JsonValue, freeze_json, freeze_object
from casewright.domain.reasons import alternatives
from casewright.domain.values import MAX_NAME, as_instant, as_integer, as_name, as_names, as_text
from casewright.errors import InvalidInputError

__all__ = [
    "INSTANT",
    "NAME",
    "POSITIVE",
    "Reader",
    "an_object",
    "at_key",
    "boolean",
    "checked",
    "each",
    "exactly",
    "failure",
    "json_object",
    "json_value",
    "listed",
    "maybe",
    "names",
    "of_class",
    "one_of",
    "record",
    "text_of",
    "told",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
EnumT = TypeVar("EnumT", bound=StrEnum)

Reader: TypeAlias = Callable[[object, str], T_co]
"""``(value, path) -> checked value``; the path of the whole document is the empty text."""


def failure(path: str, problem: str, advice: str = "") -> InvalidInputError:
    """Return the error that says what is wrong at the path."""
    return InvalidInputError(path or ROOT, problem, advice)


def at_key(path: str, key: object) -> str:
    """Return the path of a key; one that cannot be shown in one short line is a question mark (S6)."""
    shown = key if isinstance(key, str) and 0 < len(key) <= MAX_NAME and key.isprintable() else "?"
    return f"{path}.{shown}" if path else shown


def an_object(value: object, path: str) -> Mapping[object, object]:
    """Return the value if it is an object."""
    if not isinstance(value, Mapping):
        raise failure(path, f"must be an object, not {type(value).__name__}")
    return value


def a_list(value: object, path: str) -> Sequence[object]:
    """Return the value if it is a list."""
    if not isinstance(value, (list, tuple)):
        raise failure(path, f"must be a list, not {type(value).__name__}")
    return value


def told(check: Callable[..., T], *more: object, **options: object) -> Reader[T]:
    """Return the reader of a check ``(value, field, *more, **options)`` of the domain."""
    return lambda value, path: check(value, path or ROOT, *more, **options)


def text_of(limit: int) -> Reader[str]:
    """Return the reader of text of at most so many characters."""
    return told(as_text, limit)


def checked(convert: Callable[[Any], T]) -> Reader[T]:
    """Return the reader of a converter of the domain, which names its own field: the path takes that name's place."""

    def read(value: object, path: str) -> T:
        try:
            return convert(value)
        except InvalidInputError as error:
            raise failure(path, error.problem, error.advice) from None

    return read


def listed(convert: Callable[[Any], T]) -> Reader[T]:
    """Return the reader of a converter that takes several values: they must be a list."""
    read = checked(convert)
    return lambda value, path: read(a_list(value, path), path)


def each(reader: Reader[T], *, others: Reader[T] | None = None) -> Reader[tuple[T, ...]]:
    """Return the reader of a list of such values; all but the first are read by another reader where one is given."""

    def read(value: object, path: str) -> tuple[T, ...]:
        several = a_list(value, path)
        return tuple(
            (others if place and others else reader)(part, f"{path or ROOT}[{place}]")
            for place, part in enumerate(several)
        )

    return read


def maybe(reader: Reader[T]) -> Reader[T | None]:
    """Return the reader of such a value or None."""
    return lambda value, path: None if value is None else reader(value, path)


def one_of(members: type[EnumT]) -> Reader[EnumT]:
    """Return the reader of a member of the enumeration, given by its value."""

    def read(value: object, path: str) -> EnumT:
        try:
            return members(value if isinstance(value, str) else "")
        except ValueError:
            raise failure(path, "is none of the known ones", f"use {alternatives(members)}") from None

    return read


def exactly(*constants: bool | str) -> Reader[Any]:
    """Return the reader of one of some constants; 1 is not True."""

    def read(value: object, path: str) -> bool | str:
        for constant in constants:
            if isinstance(value, type(constant)) and value == constant:
                return constant
        raise failure(path, f"must be {alternatives(map(json.dumps, constants))} here")

    return read


def boolean(value: object, path: str) -> bool:
    """Return the value if it is True or False."""
    if not isinstance(value, bool):
        raise failure(path, f"must be true or false, not {type(value).__name__}")
    return value


def names(value: object, path: str) -> tuple[str, ...]:
    """Return several names, sorted and each once."""
    return as_names(a_list(value, path), path or ROOT)


def json_object(value: object, path: str) -> FrozenMapping[JsonValue]:
    """Return an object of JSON values, frozen."""
    return _located(freeze_object, value, path)


def json_value(value: object, path: str) -> JsonValue:
    """Return a JSON value, frozen."""
    return _located(freeze_json, value, path)


def _located(freeze: Callable[[object, str], T], value: object, path: str) -> T:
    place = path or ROOT
    try:
        return freeze(value, place)
    except InvalidInputError as error:
        if error.field.startswith(place):
            raise
        raise failure(path, f"has {error.field} that {error.problem}", error.advice) from None  # "has a key that ..."


NAME: Final[Reader[str]] = told(as_name)
"""A printable name of at most 100 characters."""

POSITIVE: Final[Reader[int]] = told(as_integer, least=1)
"""A whole number from 1."""

INSTANT: Final = told(as_instant)
"""An aware instant, as ISO 8601 text."""


def record(
    make: Callable[..., T],
    fields: Mapping[str, Reader[Any]],
    *,
    required: Collection[str] = (),
    tags: Mapping[str, Reader[Any]] | None = None,
    tags_required: bool = True,
    unknown_ignored: bool = False,
) -> Reader[T]:
    """Return the reader of an object with known keys.

    Args:
        make: Called with what was read, by name.
        fields: The reader of each key.
        required: The keys that must be there.
        tags: Keys that only tell what kind of object it is.
        tags_required: Whether these must be there too.
        unknown_ignored: Whether other keys are passed over; else they are refused (S7).
    """
    told_by = tags or {}
    known = (*told_by, *fields)

    def read(value: object, path: str) -> T:
        given = an_object(value, path)
        _needed(given, told_by if tags_required else (), path)
        for name, reader in told_by.items():
            if name in given:
                reader(given[name], at_key(path, name))
        if not unknown_ignored:
            _known(given, known, path)
        _needed(given, required, path)
        return make(
            **{name: reader(given[name], at_key(path, name)) for name, reader in fields.items() if name in given}
        )

    return read


def of_class(
    cls: type[T],
    readers: Mapping[str, Reader[Any]] | None = None,
    *,
    tags: Mapping[str, Reader[Any]] | None = None,
    tags_required: bool = True,
    unknown_ignored: bool = False,
) -> Reader[T]:
    """Return the reader of a class: its fields are the keys, those without a default must be there.

    Args:
        cls: The attrs class.
        readers: The reader of each field that the field's own converter cannot read by itself.
        tags: See `record`.
        tags_required: See `record`.
        unknown_ignored: See `record`.
    """
    given = readers or {}
    fields = tuple(field for field in _fields(cls) if field.init)
    return record(
        cls,
        {field.name: given.get(field.name) or checked(_converter_of(field)) for field in fields},
        required=tuple(field.name for field in fields if field.default is attrs.NOTHING),
        tags=tags,
        tags_required=tags_required,
        unknown_ignored=unknown_ignored,
    )


def _fields(cls: Any) -> Iterable[attrs.Attribute[Any]]:  # noqa: ANN401 - attrs asks for a type that only it can name
    return attrs.fields(cls)  # type: ignore[no-any-return] # what attrs gives for Any


def _converter_of(field: attrs.Attribute[Any]) -> Callable[[Any], Any]:
    assert callable(field.converter), f"{field.name} has no converter: give it a reader"  # noqa: S101 - at import
    return field.converter


def _needed(given: Mapping[object, object], names_: Collection[str], path: str) -> None:
    for name in names_:
        if name not in given:
            raise failure(at_key(path, name), "is missing")


def _known(given: Mapping[object, object], names_: Collection[str], path: str) -> None:
    for key in given:
        if key not in names_:
            raise failure(at_key(path, key), "is unknown", f"there are {', '.join(names_)}")
