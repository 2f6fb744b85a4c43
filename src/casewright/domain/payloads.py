"""Payloads: what an event set and what it was given, apart from the header so that it can be erased (H8)."""

from __future__ import annotations

from typing import Any

from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, canonical_json, parse_canonical
from casewright.errors import HistoryError

__all__ = ["Payload"]


class Payload:
    """What an event set and what it was given: one value with two forms, the other made on first use.

    Args:
        inputs: What the action was given, beyond what went into item fields, as frozen JSON values.
        changes: The fields it set, as frozen JSON values: instants as canonical text, attributes merged by key.
    """

    __slots__ = ("_changes", "_inputs", "_text")

    _changes: FrozenMapping[JsonValue] | None
    _inputs: FrozenMapping[JsonValue] | None
    _text: str | None

    def __init__(self, *, inputs: FrozenMapping[JsonValue] = EMPTY, changes: FrozenMapping[JsonValue] = EMPTY) -> None:
        """Keep the two mappings."""
        self._inputs = inputs
        self._changes = changes
        self._text = None

    @classmethod
    def from_text(cls, text: str) -> Payload:
        """Return the payload of a stored text, which is kept untouched and parsed on first use."""
        payload = cls.__new__(cls)
        payload._inputs = None
        payload._changes = None
        payload._text = text
        return payload

    @property
    def text(self) -> str:
        """The canonical JSON text, which is what is stored and hashed."""
        if self._text is None:
            self._text = canonical_json({"inputs": self._inputs, "changes": self._changes})
        return self._text

    @property
    def inputs(self) -> FrozenMapping[JsonValue]:
        """What the action was given.

        Raises:
            HistoryError: The stored text is no JSON object with the two parts.
        """
        return self._parsed()[0] if self._inputs is None else self._inputs

    @property
    def changes(self) -> FrozenMapping[JsonValue]:
        """The fields that were set.

        Raises:
            HistoryError: The stored text is no JSON object with the two parts.
        """
        return self._parsed()[1] if self._changes is None else self._changes

    def _parsed(self) -> tuple[FrozenMapping[JsonValue], FrozenMapping[JsonValue]]:
        data = parse_canonical(self.text)
        inputs, changes = (data.get("inputs"), data.get("changes")) if isinstance(data, FrozenMapping) else (None, None)
        if not isinstance(inputs, FrozenMapping) or not isinstance(changes, FrozenMapping):
            raise HistoryError("a stored payload does not hold inputs and changes")
        self._inputs, self._changes = inputs, changes
        return inputs, changes

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same canonical text."""
        return self.text == other.text if isinstance(other, Payload) else NotImplemented

    def __hash__(self) -> int:
        """Return the hash of the canonical text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """Return the names only: what it holds may be personal (S6)."""
        return "Payload(...)"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Pickle and copy as the canonical text."""
        return Payload.from_text, (self.text,)
