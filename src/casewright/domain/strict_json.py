"""JSON text that came from outside to plain data: what is no strict JSON is refused before anyone reads it (S1, S2)."""

from __future__ import annotations

import json
from typing import Final

from casewright.domain.values import INTEGER_MAX, INTEGER_MIN
from casewright.errors import InvalidInputError

__all__ = ["DOCUMENT_MAX", "load_json", "unique_keys"]

DOCUMENT_MAX: Final = 4 * 1024 * 1024
"""The most characters (bytes, where bytes are given) of one JSON document that is read."""

_DIGITS: Final = 20  # a sign and the 19 digits of 64 bits; int() is never asked about more


def load_json(text: str | bytes, field: str) -> object:
    """Return what the JSON text says.

    Args:
        text: The JSON text, as str or UTF-8 bytes.
        field: What it was given for.

    Returns:
        Dicts, lists, str, int, bool and None.

    Raises:
        InvalidInputError: It is no JSON, too long or nested too deep, has a key twice, a float, NaN, or an integer
            beyond 64 bits.
    """
    if not isinstance(text, (str, bytes)):
        raise InvalidInputError(field, f"must be JSON text, not {type(text).__name__}")
    if len(text) > DOCUMENT_MAX:
        raise InvalidInputError(field, f"is longer than {DOCUMENT_MAX} characters of JSON", "send less at a time")
    try:
        return json.loads(
            text if isinstance(text, str) else text.decode(),  # json.loads would take UTF-16 and UTF-32 as well
            object_pairs_hook=unique_keys,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError:
        raise InvalidInputError(field, "is not UTF-8") from None
    except RecursionError:
        raise InvalidInputError(field, "is nested too deep", "flatten it") from None
    except ValueError as error:
        problem = str(error) if isinstance(error, _NotStrictError) else "is no JSON"
        raise InvalidInputError(field, problem) from None


def unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of these pairs, as a hook of `json`.

    Raises:
        ValueError: It has the same key twice.
    """
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _NotStrictError("has the same key twice in one object")
    return result


class _NotStrictError(ValueError):
    """What is wrong with JSON that others would take, in words without its content."""


def _no_float(_: str) -> object:
    raise _NotStrictError("holds a number that is no integer; send it as text or in a smaller unit")


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _DIGITS else None
    if number is None or not INTEGER_MIN <= number <= INTEGER_MAX:
        raise _NotStrictError("holds an integer beyond 64 bits")
    return number
