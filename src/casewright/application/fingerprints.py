"""Fingerprints: by what a command is known again that is sent twice under one idempotency key (I3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Final

from casewright.application.commands.base import Ask
from casewright.domain.values import as_instant, instant_text
from casewright.errors import InvalidInputError

__all__ = ["fingerprint_of"]


def fingerprint_of(ask: Ask, *, on_behalf_of: str | None = None) -> str:
    """Return the SHA-256 of what a command asks for, in hexadecimal.

    It covers the action, the kind, the ids as the caller gave them, the inputs and the principal: neither the time, nor
    the version that was expected, nor an id that the bus has made. So a note or an item that was given no id is known
    again.

    Args:
        ask: What the command asks for, as it says it.
        on_behalf_of: For whom whoever asks stands in; None for nobody.

    Raises:
        InvalidInputError: The inputs hold what no store can hold.
    """
    # Values for which JSON has no word stand as their canonical text: each input has one type, so none is mistaken.
    parts = (ask.action, ask.kind, ask.item_id, ask.definition, ask.case_id, on_behalf_of, dict(ask.inputs))
    try:
        for value in ask.inputs.values():
            _check_names(value)
        return hashlib.sha256(_TAG + _encode(parts).encode()).hexdigest()
    except InvalidInputError:
        raise
    except (TypeError, ValueError, RecursionError):
        raise InvalidInputError("inputs", "hold what no store can hold", "pass JSON values and aware times") from None


_TAG: Final = b"casewright.command.v1\n"


def _check_names(value: object) -> None:
    """Check that names in plain dicts are text: JSON would make text of some others, and two commands look alike."""
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for part in value:
        _check_names(part)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return instant_text(as_instant(value, "inputs"))
    if isinstance(value, Set):
        return sorted(value)
    raise TypeError


_encode: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain
).encode
