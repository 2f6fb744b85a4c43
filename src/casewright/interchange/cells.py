"""Cells: what a table's text means to a typed input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from casewright.domain.inputs import INPUT_SHAPES, Input, InputKind
from casewright.domain.json_values import parse_json
from casewright.errors import InvalidInputError

__all__ = ["typed_inputs"]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_BOOLEANS: Final = {"true": True, "false": False}


def typed_inputs(inputs: Iterable[Input], cells: Mapping[str, str]) -> dict[str, object]:
    """Return what the cells of the inputs' names give, each as its input wants it; an empty cell gives nothing.

    Names stand in one cell with ``;`` between them, a mapping as a JSON object, a boolean as ``true`` or ``false``.

    Args:
        inputs: What is looked for.
        cells: Text by the name of its column.

    Returns:
        Values by the names of inputs, for `decide` to check.

    Raises:
        InvalidInputError: A cell cannot be read as the kind of its input.
    """
    return {
        spec.name: cell if INPUT_SHAPES[spec.kind].textual else _READERS[spec.kind](spec.name, cell)
        for spec in inputs
        if (cell := cells.get(spec.name))
    }


def _integer(name: str, cell: str) -> object:
    if _INTEGER.fullmatch(cell) is None:
        raise InvalidInputError(name, "is no integer of 64 bits", "write digits only")
    return int(cell)


def _boolean(name: str, cell: str) -> object:
    value = _BOOLEANS.get(cell.lower())
    if value is None:
        raise InvalidInputError(name, "is neither true nor false")
    return value


def _names(name: str, cell: str) -> object:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _mapping(name: str, cell: str) -> object:
    return parse_json(cell, name)


_READERS: Final[Mapping[InputKind, Callable[[str, str], object]]] = {
    InputKind.INTEGER: _integer,
    InputKind.BOOLEAN: _boolean,
    InputKind.NAMES: _names,
    InputKind.MAPPING: _mapping,
}
