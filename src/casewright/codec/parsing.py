"""JSON text to plain data and back: what is no strict JSON is refused before anyone looks at what it means (S1, S2)."""

from __future__ import annotations

import json
from typing import Final

from casewright.domain.values import INTEGER_MAX, INTEGER_MIN
from casewright.errors import InvalidInputError

__all__ = ["DOCUMENT_MAX", "ROOT", "dump", "parse"]

DOCUMENT_MAX: Final = 4 * 1024 * 1024
"""The most characters (bytes, where bytes are given) of one JSON document that is read."""

ROOT: Final = "document"
"""What an error names where the whole document is meant."""

_DIGITS: Final = 20  # a sign and the 19 digits of 64 bits; int() is never asked about more


def parse(text: str | bytes) -> object:
    """Parse JSON text that came from outside.

    Args:
        text: The JSON text, as str or UTF-8 bytes.

    Returns:
        Dicts, lists, str, int, bool and None.

    Raises:
        InvalidInputError: It is no JSON, too long or nested too deep, has a key twice, a float, NaN, or an integer
            beyond 64 bits.
    """
    if not isinstance(text, (str, bytes)):
        raise InvalidInputError(ROOT, f"must be JSON text, not {type(text).__name__}")
    if len(text) > DOCUMENT_MAX:
        raise InvalidInputError(ROOT, f"is longer than {DOCUMENT_MAX} characters of JSON", "send less at a time")
    try:
        return json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_unique,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError:
        raise InvalidInputError(ROOT, "is not UTF-8") from None
    except RecursionError:
        raise InvalidInputError(ROOT, "is nested too deep", "flatten it") from None
    except _NotStrictError as error:
        raise InvalidInputError(ROOT, str(error)) from None
    except ValueError:
        raise InvalidInputError(ROOT, "is no JSON") from None


def dump(data: object) -> str:
    """Return plain data as JSON text without white space, keys in their order.

    Args:
        data: Dicts, lists, str, int, bool and None.

    Raises:
        InvalidInputError: It holds something else, or text that is no Unicode.
    """
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError):
        raise InvalidInputError(ROOT, "holds a value that is no JSON", "register a hook for its class") from None
    return text


class _NotStrictError(ValueError):
    """What is wrong with JSON that others would take, in words without its content."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _NotStrictError("has the same key twice in one object")
    return result


def _no_float(_: str) -> object:
    raise _NotStrictError("holds a number that is no integer; send it as text or in a smaller unit")


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _DIGITS else None
    if number is None or not INTEGER_MIN <= number <= INTEGER_MAX:
        raise _NotStrictError("holds an integer beyond 64 bits")
    return number
