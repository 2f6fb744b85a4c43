"""Effects: which item fields a transition sets, declared as data, from its inputs or from constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from casewright.domain.inputs import Input, InputKind
from casewright.domain.json_values import FrozenMapping, JsonValue, canonical_json, freeze_object
from casewright.domain.reasons import Reason
from casewright.domain.values import MAX_ID, MAX_NAME, MAX_TAG, MAX_TEXT, MAX_TITLE, Priority, as_name, quoted
from casewright.errors import InvalidInputError

__all__ = ["Effect", "clear", "copy_input", "effect_changes", "effect_problem", "set_value"]

_ATTRIBUTE: Final = "attributes."
_MAX_FIELD: Final = len(_ATTRIBUTE) + MAX_NAME

_KINDS: Final[Mapping[str, InputKind]] = {
    "title": InputKind.TEXT,
    "description": InputKind.TEXT,
    "priority": InputKind.CHOICE,
    "assignee_id": InputKind.ACTOR,
    "due_at": InputKind.INSTANT,
    "tags": InputKind.NAMES,
}
_LIMITS: Final[Mapping[str, int]] = {"title": MAX_TITLE, "assignee_id": MAX_ID, "tags": MAX_TAG}
_CLEARABLE: Final = frozenset({"description", "priority", "assignee_id", "due_at"})


@attrs.frozen(repr=False)
class Effect:
    """One field that a transition sets. Made by `copy_input`, `set_value` and `clear`.

    Attributes:
        field: The item field, or ``attributes.<name>`` for the team's own data.
        source: The input it is copied from; None for a constant. An input that is not given sets nothing.
        value: The constant.
    """

    field: str
    source: str | None = None
    value: JsonValue = None

    def __repr__(self) -> str:
        """Return the call that makes it."""
        if self.source is not None:
            return f"copy_input({quoted(self.source)}, to={quoted(self.field)})"
        return f"clear({quoted(self.field)})" if self.value is None else f"set_value({quoted(self.field)}, ...)"


def copy_input(name: str, *, to: str) -> Effect:
    """Return an effect that copies an input into a field.

    Args:
        name: The input, which the transition must declare.
        to: ``title``, ``description``, ``priority``, ``assignee_id``, ``due_at``, ``tags`` or ``attributes.<name>``.
    """
    return Effect(as_name(to, "to", _MAX_FIELD), source=as_name(name, "name of an input"))


def set_value(field: str, value: object) -> Effect:
    """Return an effect that sets a field to a constant.

    Args:
        field: As ``to`` of `copy_input`.
        value: A JSON value that fits the field; an instant as an aware datetime or its text.

    Raises:
        InvalidInputError: The value does not fit the field.
    """
    name = as_name(field, "field", _MAX_FIELD)
    return Effect(name, value=None if value is None else _as_constant(name, value))


def clear(field: str) -> Effect:
    """Return an effect that clears a field: None, or no such attribute."""
    return Effect(as_name(field, "field", _MAX_FIELD))


def effect_changes(effects: Iterable[Effect], values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the field changes that the effects make.

    Args:
        effects: The transition's.
        values: The accepted inputs.

    Returns:
        Changes in the form of a payload; attributes as what to merge.
    """
    changes: dict[str, JsonValue] = {}
    attributes: dict[str, JsonValue] = {}
    for effect in effects:
        if effect.source is not None and effect.source not in values:
            continue
        value = effect.value if effect.source is None else values[effect.source]
        if effect.field.startswith(_ATTRIBUTE):
            attributes[effect.field.removeprefix(_ATTRIBUTE)] = value
        else:
            changes[effect.field] = value
    if attributes:
        changes["attributes"] = FrozenMapping(attributes)
    return changes


def _as_constant(field: str, value: object) -> JsonValue:
    if field not in _KINDS:  # as it will stand among the attributes, with their limits
        name = field.removeprefix(_ATTRIBUTE) or field
        return freeze_object({name: value}, "attributes")[name]
    choices = tuple(Priority) if field == "priority" else ()
    spec = Input(name=field, kind=_KINDS[field], choices=choices, max_length=_LIMITS.get(field, MAX_TEXT))
    accepted = spec.accept(value)
    if isinstance(accepted, Reason):
        raise InvalidInputError(field, accepted.text)
    return accepted


def effect_problem(effect: Effect, inputs: Mapping[str, Input]) -> tuple[str, str] | None:
    """Return what is wrong with an effect beside these inputs, and what would mend it; None if nothing is."""
    field = effect.field
    if not isinstance(field, str):
        return "sets what is no name of a field", f"use {', '.join(_KINDS)} or attributes.<name>"
    if field not in _KINDS and not (field.startswith(_ATTRIBUTE) and len(field) > len(_ATTRIBUTE)):
        return f"sets the unknown field {field!r}", f"use {', '.join(_KINDS)} or attributes.<name>"
    if effect.source is None:
        return _constant_problem(effect)
    spec = inputs.get(effect.source)
    if spec is None:
        return f"copies the undeclared input {effect.source!r}", "declare it in inputs="
    if field in _KINDS and not _fits(field, spec):
        return f"copies {effect.source!r}, which does not fit {field}", f"declare it so that {_NEEDS[field]}"
    return None


def _constant_problem(effect: Effect) -> tuple[str, str] | None:
    field, value = effect.field, effect.value
    if value is None:
        fixed = field in {"title", "tags"}
        return (f"clears {field}, which every item has", "set it to a value") if fixed else None
    try:
        sound = canonical_json(_as_constant(field, value)) == canonical_json(value)
    except (InvalidInputError, TypeError, ValueError):
        sound = False
    return None if sound else (f"sets {field} to a value that does not fit it", "make it by set_value(...)")


_NEEDS: Final[Mapping[str, str]] = {
    "title": f"it is a text of at most {MAX_TITLE} characters and not clearable",
    "description": "it is a text",
    "priority": f"it is a choice among {', '.join(Priority)}",
    "assignee_id": "it is an actor",
    "due_at": "it is an instant",
    "tags": f"it is names of at most {MAX_TAG} characters",
}


def _fits(field: str, spec: Input) -> bool:
    return (
        spec.kind is _KINDS[field]
        and (not spec.clearable or field in _CLEARABLE)
        and (field != "title" or spec.max_length <= MAX_TITLE)
        and (field != "tags" or spec.max_length <= MAX_TAG)
        and (field != "priority" or set(spec.choices) <= set(Priority))
    )
