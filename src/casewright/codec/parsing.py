"""JSON text to plain data and back: what is no strict JSON is refused before anyone looks at what it means (S1, S2)."""

from __future__ import annotations

import json
from typing import Final

from casewright.domain.strict_json import load_json
from casewright.errors import InvalidInputError

__all__ = ["ROOT", "dump", "parse"]

ROOT: Final = "document"
"""What an error names where the whole document is meant."""


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
    return load_json(text, ROOT)


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
