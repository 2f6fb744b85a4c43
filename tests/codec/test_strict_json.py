"""Strict JSON text: what others would take and the codec does not, and what it says of it."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import InvalidInputError, Task
from casewright.codec import from_json
from casewright.domain.strict_json import DOCUMENT_MAX

NO_JSON = "is no JSON"
TWICE = "has the same key twice in one object"
NO_INTEGER = "holds a number that is no integer; send it as text or in a smaller unit"
TOO_LARGE = "holds an integer beyond 64 bits"
TOO_DEEP = "is nested too deep; flatten it"
TOO_LONG = f"is longer than {DOCUMENT_MAX} "
NO_UTF8 = "is not UTF-8"
REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": ("", NO_JSON),
    "no JSON": ("{'a': 1}", NO_JSON),
    "two documents": ("{} {}", NO_JSON),
    "unfinished": ('{"a": ', NO_JSON),
    "raw control character": ('"a\nb"', NO_JSON),
    "byte order mark": ("\ufeff{}", NO_JSON),
    "same key twice": ('{"a": 1, "a": 1}', TWICE),
    "same key twice, deep": ('[{"b": {"a": 1, "a": 2}}]', TWICE),
    "same key twice, escaped": ('{"a": 1, "\\u0061": 2}', TWICE),
    "float": ("[1.0]", NO_INTEGER),
    "exponent": ("[1e3]", NO_INTEGER),
    "NaN": ('{"a": NaN}', NO_INTEGER),
    "-Infinity": ("[-Infinity]", NO_INTEGER),
    "2**63": (f"[{2**63}]", TOO_LARGE),
    "-2**63-1": (f"[{-(2**63) - 1}]", TOO_LARGE),
    "5,000 digits": ("9" * 5_000, TOO_LARGE),
    "100,000 deep": ("[" * 100_000 + "]" * 100_000, TOO_DEEP),
    "100,000 deep, unfinished": ("[" * 100_000, TOO_DEEP),
    "100,000 objects deep": ('{"a":' * 100_000 + "1" + "}" * 100_000, TOO_DEEP),
    "10 MB of text": (f'"{"a" * 10_000_000}"', TOO_LONG),
    "10 MB of bytes": (b" " * 10_000_000, TOO_LONG),
    "one character too long": (" " * (DOCUMENT_MAX - 1) + "{}", TOO_LONG),
    "no UTF-8": (b'"\xff"', NO_UTF8),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), NO_UTF8),
    "surrogates as UTF-8": (b'"\xed\xa0\x80"', NO_UTF8),
    "None": (None, "must be JSON text, not NoneType"),
    "bytearray": (bytearray(b"{}"), "must be JSON text, not bytearray"),
    "document": ({"a": 1}, "must be JSON text, not dict"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_strict_json_is_refused(name: str) -> None:
    """Whatever it is meant to be, the error says which rule it breaks, and does not show what was sent (S1, S2)."""
    text, problem = REFUSED[name]
    targets: tuple[Any, ...] = (Any, dict[str, Any], Task)
    for target in targets:
        with pytest.raises(InvalidInputError) as caught:
            from_json(text, target)
        assert str(caught.value).startswith(f"document: {problem}")
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ['{"a": 9223372036854775807}', b'{"a": -9223372036854775808}'])
def test_integers_of_64_bits_are_taken(text: str | bytes) -> None:
    """The largest and the smallest integer that stores hold come through, from text and from bytes (S1)."""
    assert from_json(text, dict[str, int]) in ({"a": 2**63 - 1}, {"a": -(2**63)})
