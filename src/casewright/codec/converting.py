"""The hooks on cattrs converters, and the ways in and out that need no converter of one's own."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar, overload

from cattrs import BaseConverter, Converter
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    StructureHandlerNotFoundError,
)

from casewright.codec.known import PLAIN_CLASSES, is_known, reader_of
from casewright.codec.parsing import ROOT, dump, parse
from casewright.codec.readers import INSTANT, at_key, boolean, failure
from casewright.codec.writing import plain
from casewright.domain.strict_json import DOCUMENT_MAX
from casewright.domain.values import as_integer, as_text
from casewright.errors import CasewrightError, InvalidInputError, MisuseError

__all__ = ["configure", "from_data", "from_json", "make_converter", "to_data", "to_json"]

T = TypeVar("T")
ConverterT = TypeVar("ConverterT", bound=BaseConverter)


def configure(converter: ConverterT) -> ConverterT:
    """Register what reads and writes the classes of the domain on a cattrs converter.

    All else that the converter does is left as it is. What the hooks write is plain JSON data on every converter, also
    on one that could write more.

    Args:
        converter: Any converter, plain or of ``cattrs.preconf``.

    Returns:
        The same converter.
    """
    converter.register_structure_hook_factory(is_known, _hook_of)
    converter.register_unstructure_hook_func(is_known, plain)
    for cls in PLAIN_CLASSES:
        converter.register_structure_hook(cls, _hook_of(cls))
        converter.register_unstructure_hook(cls, plain)
    return converter


def make_converter() -> Converter:
    """Return a new converter with our hooks, strict about one's own classes too.

    It refuses unknown keys, takes no text for a number and no 1 for True, reads and writes datetimes as canonical UTC
    text, and leaves a field that has an attrs converter to that converter.
    """
    converter = configure(Converter(forbid_extra_keys=True, prefer_attrib_converters=True))
    for scalar in (str, int):
        converter.register_structure_hook(scalar, _scalar)
    converter.register_structure_hook(datetime, lambda value, _: INSTANT(value, ""))
    converter.register_unstructure_hook(datetime, plain)
    return converter


def to_data(value: object, *, converter: BaseConverter | None = None) -> Any:  # noqa: ANN401 - JSON data
    """Return the plain JSON data of a value: dicts, lists, str, int, bool and None.

    Args:
        value: A value that the codec knows, a collection of them, or what the converter knows.
        converter: One's own, made by `configure`, where the value holds classes of one's own.

    Raises:
        InvalidInputError: It holds something that has no JSON form.
        DefinitionError: Two guards of a lifecycle have one code.
    """
    try:
        return (converter or _own()).unstructure(value)
    except RecursionError:
        raise InvalidInputError(ROOT, "holds itself, or is nested too deeply") from None


def to_json(value: object, *, converter: BaseConverter | None = None) -> str:
    """Return the JSON text of a value, without white space; see `to_data`."""
    return dump(to_data(value, converter=converter))


@overload
def from_data(data: object, cls: type[T], *, converter: BaseConverter | None = None) -> T: ...
@overload
def from_data(data: object, cls: Any, *, converter: BaseConverter | None = None) -> Any: ...  # noqa: ANN401 - a union
def from_data(data: object, cls: Any, *, converter: BaseConverter | None = None) -> Any:
    """Return the value that plain JSON data stands for.

    Args:
        data: Dicts, lists, str, int, bool and None.
        cls: The type of the value: a class, a union such as ``Item``, or a collection such as ``list[Event]``.
        converter: One's own, made by `configure`, where the type holds classes of one's own.

    Raises:
        InvalidInputError: The data does not fit; the first thing that is wrong, with its path and without its value.
        DefinitionError: The data is a lifecycle that cannot work, or one that needs guards (`lifecycle_from_data`).
        MisuseError: There is no hook for the type.
    """
    try:
        structure = (converter or _own()).get_structure_hook(cls)
    except Exception as error:  # whatever cattrs found wrong with the type: the data was not looked at yet
        raise MisuseError("there is no hook for the type to be read", "register one on a converter") from error
    try:
        return structure(data, cls)
    except Exception as error:  # noqa: BLE001 - cattrs and the hooks of others raise what they like about a bad value
        raise _typed(error, "") from None


@overload
def from_json(text: str | bytes, cls: type[T], *, converter: BaseConverter | None = None) -> T: ...
@overload
def from_json(text: str | bytes, cls: Any, *, converter: BaseConverter | None = None) -> Any: ...  # noqa: ANN401 - so
def from_json(text: str | bytes, cls: Any, *, converter: BaseConverter | None = None) -> Any:
    """Return the value that JSON text stands for; text that is no strict JSON is refused first. See `from_data`."""
    return from_data(parse(text), cls, converter=converter)


@cache
def _own() -> Converter:
    return make_converter()


def _hook_of(target: Any) -> Any:  # noqa: ANN401 - cattrs' own types
    read = reader_of(target)
    return None if read is None else lambda value, _: read(value, "")


def _scalar(value: object, target: Any) -> Any:  # noqa: ANN401 - as above
    if target is bool:
        return boolean(value, "")
    if issubclass(target, int):
        number = as_integer(value, ROOT)
        return number if target is int else target(number)
    text = as_text(value, ROOT, DOCUMENT_MAX)
    return text if target is str else target(text)


# ---------------------------------------------------------------- what went wrong, and where


def _typed(error: Exception, path: str) -> CasewrightError:
    """Return the first thing that is wrong as an error of ours; the path leads to it."""
    if isinstance(error, IterableValidationError):
        noted = [(inner, f"{path or ROOT}[{_shown(note.index)}]") for inner, note in error.group_exceptions()[0]]
        return _first(error, noted, path)
    if isinstance(error, ClassValidationError):
        noted = [(inner, at_key(path, note.name)) for inner, note in error.group_exceptions()[0]]
        return _first(error, noted, path)
    if isinstance(error, InvalidInputError):
        return failure(_below(path, error.field), error.problem, error.advice)
    return error if isinstance(error, CasewrightError) else _of_others(error, path)


def _first(
    error: ClassValidationError | IterableValidationError, noted: list[tuple[Exception, str]], path: str
) -> CasewrightError:
    inner, place = noted[0] if noted else (error.exceptions[0], path)
    return _typed(inner, place)


def _of_others(error: Exception, path: str) -> CasewrightError:
    if isinstance(error, StructureHandlerNotFoundError):
        return MisuseError("there is no hook for a type within the type to be read", "register one on a converter")
    if isinstance(error, ForbiddenExtraKeysError):
        return failure(at_key(path, min(error.extra_fields, key=str)), "is unknown")
    return failure(path, "is missing" if isinstance(error, KeyError) else "has a wrong type or value")


def _below(path: str, field: str) -> str:
    """Return the path of a field that a hook named by the path below its own value."""
    below = field.removeprefix(ROOT)
    if below == field:
        return f"{path}.{field}" if path else field
    return f"{path or ROOT}{below}"


def _shown(index: int | str) -> str:
    return str(index) if isinstance(index, int) else at_key("", index)
