"""Strict JSON text: what others would take and the codec does not, each way once (`test_hostile` tries at length)."""

from __future__ import annotations

from typing import Any

import pytest

from casewright import InvalidInputError
from casewright.codec import from_json
from casewright.codec.parsing import DOCUMENT_MAX

REFUSED: dict[str, Any] = {
    "no text at all": 5,
    "too long": " " * (DOCUMENT_MAX + 1),
    "a byte that is no UTF-8": b'"\xff"',
    "nested too deep": "[" * 100_000 + "]" * 100_000,
    "the same key twice": '{"a": 1, "a": 2}',
    "a float": "[1.5]",
    "not a number": "[NaN]",
    "an integer beyond 64 bits": f"[{2**63}]",
    "an integer of 5,000 digits": "[" + "9" * 5000 + "]",
    "half a document": '{"a": ',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_strict_json_is_refused(text: Any) -> None:
    """Each is a typed error that does not show what was sent (S1, S2)."""
    with pytest.raises(InvalidInputError) as caught:
        from_json(text, dict[str, Any])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ['{"a": 9223372036854775807}', b'{"a": -9223372036854775808}'])
def test_integers_of_64_bits_are_taken(text: str | bytes) -> None:
    """The largest and the smallest integer that stores hold come through, from text and from bytes (S1)."""
    assert from_json(text, dict[str, int]) in ({"a": 2**63 - 1}, {"a": -(2**63)})
