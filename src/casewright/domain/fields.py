"""Typed attributes: what a team declares of its own data on a definition (`fields=`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casewright.domain.inputs import Input, check_inputs
from casewright.domain.json_values import FrozenMapping, JsonValue
from casewright.domain.reasons import Reason
from casewright.errors import InvalidInputError

__all__ = ["check_fields"]


def check_fields(
    fields: tuple[Input, ...], given: Mapping[str, Any], *, whole: bool
) -> tuple[FrozenMapping[JsonValue], list[Reason]]:
    """Check attributes against what the definition declares.

    Args:
        fields: What it declares.
        given: Attributes by name; where they are merged, None removes one.
        whole: Whether these are all there are (on create), or only those that change.

    Returns:
        The accepted values (instants as canonical text, names sorted; None for what is removed), and a reason of phase
        input for each missing, unknown or blank one. One that must stay and is removed is missing.

    Raises:
        InvalidInputError: A value is of a wrong type or over its limit.
    """
    declared = {spec.name: spec for spec in fields}
    # What was never declared can be removed too: it may be left from before the definition had typed attributes.
    removed = [name for name, value in given.items() if value is None and (name in declared or not whole)]
    kept = {name: value for name, value in given.items() if name not in removed}
    asked = tuple(spec for spec in fields if (whole and spec.name not in removed) or spec.name in kept)
    try:
        values, reasons = check_inputs(asked, kept, "the definition", fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"attributes.{error.field}", error.problem, error.advice) from None
    missing = [declared[name].missing for name in removed if name in declared and not declared[name].optional]
    return FrozenMapping({**values, **dict.fromkeys(removed)}), missing + reasons
