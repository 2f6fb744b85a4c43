r"""JSON values: frozen once inside, and one canonical text for each, so that it can be hashed (E1, H4).

A value from outside is copied into tuples and `FrozenMapping`, within the limits (S1): 64 KiB of canonical bytes,
nested at most 16 deep, integers of 64 bits, no floats.

The canonical text has its keys sorted by code point and no white space; text is UTF-8 as it came (no Unicode
normalisation), and only ``"``, ``\`` and the control characters below U+0020 are escaped. Instants are text in UTC
with six digits of microseconds and a ``Z``. This is not RFC 8785: its numbers are IEEE doubles, ours 64-bit integers.
"""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from casewright.domain.strict_json import load_json, unique_keys
from casewright.domain.values import INTEGER_MAX, INTEGER_MIN, MAX_NAME, as_integer, as_name, as_text
from casewright.errors import HistoryError, InvalidInputError

__all__ = [
    "EMPTY",
    "JSON_MAX_BYTES",
    "JSON_MAX_DEPTH",
    "FrozenMapping",
    "JsonValue",
    "canonical_json",
    "freeze_json",
    "freeze_object",
    "parse_canonical",
    "parse_json",
]

JSON_MAX_BYTES: Final = 64 * 1024
JSON_MAX_DEPTH: Final = 16

V_co = TypeVar("V_co", covariant=True)

JsonValue: TypeAlias = "bool | int | str | tuple[JsonValue, ...] | FrozenMapping[JsonValue] | None"
"""What attributes, inputs and payloads hold, once frozen."""


class FrozenMapping(Mapping[str, V_co]):
    """An immutable, hashable, picklable mapping with text keys.

    Args:
        items: What it holds; copied. The values must be immutable themselves.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, V_co] | Iterable[tuple[str, V_co]] = ()) -> None:
        """Copy the items."""
        self._items: dict[str, V_co] = dict(items)

    def __getitem__(self, key: str) -> V_co:
        """Return the value of the key."""
        return self._items[key]

    if not TYPE_CHECKING:  # Mapping.get has the right type, but is three times as slow

        def get(self, key, default=None):
            """Return the value of the key, or the default."""
            return self._items.get(key, default)

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self._items.keys()

    def items(self) -> ItemsView[str, V_co]:
        """Return the pairs of keys and values."""
        return self._items.items()

    def __contains__(self, key: object) -> bool:
        """Return whether the key is there."""
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._items)

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._items)

    def __hash__(self) -> int:
        """Return a hash that does not depend on the order of the keys."""
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        """Return a form that evaluates to an equal mapping."""
        return f"FrozenMapping({self._items!r})"

    def __reduce__(self) -> tuple[type[FrozenMapping[V_co]], tuple[dict[str, V_co]]]:
        """Pickle and copy as class and items."""
        return FrozenMapping, (dict(self._items),)


EMPTY: Final[FrozenMapping[Any]] = FrozenMapping()


def freeze_json(value: object, field: str) -> JsonValue:
    """Return a deeply immutable copy of a JSON value.

    Args:
        value: None, bool, a 64-bit int, str, a list or tuple, or a mapping with text keys, nested at will.
        field: What it was given for.

    Returns:
        The same with tuples for lists and `FrozenMapping` for mappings.

    Raises:
        InvalidInputError: It holds anything else (a float, a datetime, ...), or is over a limit (S1, S2).
    """
    frozen = _Freezer(field).freeze(value, field, 0)
    if isinstance(frozen, (str, tuple, FrozenMapping)) and len(canonical_json(frozen).encode()) > JSON_MAX_BYTES:
        raise _too_large(field)
    return frozen


def freeze_object(value: object, field: str) -> FrozenMapping[JsonValue]:
    """Return a deeply immutable copy of a mapping of JSON values; its keys are names.

    Args:
        value: The mapping.
        field: What it was given for.

    Returns:
        The frozen mapping.

    Raises:
        InvalidInputError: As `freeze_json`, or it is no mapping, or a key is no name.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(field, f"must be a mapping, not {type(value).__name__}")
    if not value:
        return EMPTY
    frozen = freeze_json(value, field)
    assert isinstance(frozen, FrozenMapping)  # noqa: S101 - for the type checker
    for key in frozen:
        as_name(key, field)
    return frozen


_ADVICE: Final[Mapping[str, str]] = {
    "float": "store it as text, or as an integer of a smaller unit",
    "Decimal": "store it as text, or as an integer of a smaller unit",
    "datetime": "store its ISO 8601 text",
    "date": "store its ISO 8601 text",
    "bytes": "store it as text, or keep it elsewhere and store its address",
    "set": "store a sorted list",
    "frozenset": "store a sorted list",
}


_Path: TypeAlias = "str | tuple[_Path, str | int]"


class _Freezer:
    """Freezes one value, counting characters and nodes so that an endless or huge value ends early."""

    __slots__ = ("_field", "_left")

    def __init__(self, field: str) -> None:
        self._field = field
        self._left = JSON_MAX_BYTES

    def freeze(self, value: object, path: _Path, depth: int) -> JsonValue:
        self._spend(1)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            self._spend(len(value))
            return value if type(value) is str and value.isascii() and "\0" not in value else self._text(value, path)
        if isinstance(value, int):
            sound = type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX
            return value if sound else as_integer(value, _shown(path))
        if depth == JSON_MAX_DEPTH:
            raise InvalidInputError(self._field, f"is nested more than {JSON_MAX_DEPTH} deep", "flatten it")
        if isinstance(value, (Mapping, list, tuple)) and len(value) > self._left:
            raise _too_large(self._field)
        if isinstance(value, Mapping):
            return FrozenMapping(self._pairs(value, path, depth))
        if isinstance(value, (list, tuple)):
            return tuple(self.freeze(part, (path, index), depth + 1) for index, part in enumerate(value))
        kind = type(value).__name__
        raise InvalidInputError(_shown(path), f"holds a {kind}, which is no JSON value", _ADVICE.get(kind, ""))

    def _key(self, key: object, path: _Path) -> str:
        return as_text(key, f"a key of {_shown(path)}", JSON_MAX_BYTES)

    def _text(self, value: str, path: _Path) -> str:
        return as_text(value, _shown(path), JSON_MAX_BYTES)

    def _pairs(self, value: Mapping[object, object], path: _Path, depth: int) -> Iterator[tuple[str, JsonValue]]:
        for key, part in value.items():
            self._spend(len(key) if isinstance(key, str) else 1)
            name = key if type(key) is str and key.isascii() and "\0" not in key else self._key(key, path)
            yield name, self.freeze(part, (path, name), depth + 1)

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise _too_large(self._field)


def _shown(path: _Path) -> str:
    """Return the path in words; made only where something is wrong with what is there."""
    if isinstance(path, str):
        return path
    above, key = path
    if isinstance(key, int):
        return f"{_shown(above)}[{key}]"
    return f"{_shown(above)}.{key if key.isprintable() and len(key) <= MAX_NAME else '?'}"


def _too_large(field: str) -> InvalidInputError:
    return InvalidInputError(field, f"is larger than {JSON_MAX_BYTES} bytes", "store it elsewhere and keep its address")


def _plain(value: object) -> object:
    if isinstance(value, FrozenMapping):
        return value._items
    raise TypeError(f"{type(value).__name__} is no JSON value")


_encode: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain
).encode


def canonical_json(value: object) -> str:
    """Return the canonical text of a frozen JSON value.

    Args:
        value: What `freeze_json` returned, or a dict or list of such values.

    Returns:
        The text; encode it as UTF-8 to hash it.

    Raises:
        TypeError: It holds something that is no JSON value. Nothing else is checked: freeze a value first.
    """
    return _encode(value)


def parse_json(text: str | bytes, field: str) -> JsonValue:
    """Parse JSON text that came from outside, under the limits of `freeze_json`.

    Args:
        text: The JSON text, as str or UTF-8 bytes.
        field: What it was given for.

    Returns:
        The frozen value.

    Raises:
        InvalidInputError: It is no JSON, has a key twice, a float, NaN, an integer beyond 64 bits, a lone surrogate,
            or is too large or too deep (S1, S2).
    """
    return freeze_json(load_json(text, field), field)


def parse_canonical(text: str) -> Any:  # noqa: ANN401 - the shape is the caller's to know
    """Parse stored canonical text, frozen but not limited: what was stored once stays readable.

    Args:
        text: The stored text.

    Returns:
        The frozen value.

    Raises:
        HistoryError: It is no JSON.
    """
    try:
        return _freeze_stored(_decode_stored(text))
    except (ValueError, RecursionError, TypeError):
        raise HistoryError("a stored payload is no JSON") from None


_decode_stored: Final = json.JSONDecoder(object_pairs_hook=unique_keys).decode  # json.loads would make one each time


def _freeze_stored(value: object) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        return FrozenMapping({key: _freeze_stored(part) for key, part in value.items()}) if value else EMPTY
    if isinstance(value, list):
        return tuple(map(_freeze_stored, value))
    return value
