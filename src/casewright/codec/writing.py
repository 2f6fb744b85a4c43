"""Writing: from values of the domain to plain JSON data, the same whatever converter asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Final

import attrs

from casewright.application.reports import Outcome
from casewright.codec.commands import COMMAND_NAMES, AnyCommand
from casewright.codec.lifecycles import unambiguous
from casewright.codec.parsing import ROOT
from casewright.codec.readers import at_key, failure
from casewright.domain.actors import Actor
from casewright.domain.effects import Effect
from casewright.domain.events import Change, Context, Event
from casewright.domain.filters import CaseFilter, Cursor, Order, Page, TaskFilter
from casewright.domain.guards import Guard
from casewright.domain.history import Finding
from casewright.domain.inputs import Input
from casewright.domain.items import Case, Note, Task
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.payloads import Payload
from casewright.domain.reasons import Reason
from casewright.domain.terms import Scope, Term
from casewright.domain.transitions import Transition
from casewright.domain.values import UNSET, as_instant, instant_text
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused

__all__ = ["plain"]

_TAGS: Final[Mapping[type, str]] = {Task: "kind", Case: "kind", Permitted: "permitted", Refused: "permitted"}
_CLASSES: Final[tuple[Any, ...]] = (
    ActionVerdict,
    Actor,
    Case,
    CaseFilter,
    Change,
    Context,
    Event,
    Finding,
    Input,
    Lifecycle,
    Note,
    Order,
    Outcome,
    Page,
    Permitted,
    Reason,
    Refused,
    Scope,
    Task,
    TaskFilter,
    Term,
    Transition,
    *COMMAND_NAMES,
)
_KEYS: Final[Mapping[type, tuple[str, ...]]] = {
    cls: (*((_TAGS[cls],) if cls in _TAGS else ()), *(field.name for field in attrs.fields(cls) if field.init))
    for cls in _CLASSES
}


def plain(value: object, path: str = "") -> Any:  # noqa: ANN401 - JSON data
    """Return the plain JSON data of a value of the domain: dicts, lists, str, int, bool and None.

    Args:
        value: A value that the codec knows, or JSON values, or collections of them.
        path: Where it stands, for the error.

    Raises:
        InvalidInputError: It holds something that has no JSON form.
        DefinitionError: Two guards of a lifecycle have one code.
    """
    write = _WRITERS.get(type(value)) or next((write for base, write in _BASES if isinstance(value, base)), None)
    if write is None:
        raise failure(path, f"is a {type(value).__name__}, which has no JSON form")
    return write(value, path)


def _same(value: object, path: str) -> object:
    return value


def _text(value: str, path: str) -> str:
    return str.__str__(value)  # of an enumeration's member


def _instant(value: datetime, path: str) -> str:
    return instant_text(as_instant(value, path or ROOT))


def _object(value: Mapping[object, object], path: str) -> dict[str, Any]:
    return {_key(key, path): plain(part, at_key(path, key)) for key, part in value.items()}


def _list(value: Sequence[object], path: str) -> list[Any]:
    return [plain(part, f"{path or ROOT}[{place}]") for place, part in enumerate(value)]


def _sorted(value: frozenset[str], path: str) -> list[Any]:
    return _list(sorted(value), path)


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise failure(path, f"has a key that is a {type(key).__name__}, not text")
    return str.__str__(key)


def _record(value: Any, path: str) -> dict[str, Any]:  # noqa: ANN401 - a record of any class
    parts = {name: getattr(value, name) for name in _KEYS[type(value)]}
    return {name: plain(part, at_key(path, name)) for name, part in parts.items() if part is not UNSET}


def _command(value: AnyCommand, path: str) -> dict[str, Any]:
    return {"command": COMMAND_NAMES[type(value)], **_record(value, path)}


def _cursor(value: Cursor, path: str) -> str:
    return value.token


def _payload(value: Payload, path: str) -> str:
    try:
        return value.text
    except (TypeError, ValueError):
        raise failure(path, "holds a value that is no JSON") from None


def _guard(value: Guard, path: str) -> dict[str, Any]:
    return {"code": value.code, "text": value.text}


def _effect(value: Effect, path: str) -> dict[str, Any]:
    if value.source is not None:
        return {"field": value.field, "source": value.source}
    return {"field": value.field, "value": plain(value.value, at_key(path, "value"))}


def _lifecycle(value: Lifecycle, path: str) -> dict[str, Any]:
    data = _record(unambiguous(value), path)
    return {**data, "initial": {"any_of": data["initial"]}} if isinstance(value.initial, frozenset) else data


_WRITERS: Final[Mapping[type, Callable[[Any, str], Any]]] = {
    **dict.fromkeys((NoneType, bool, int, str), _same),
    **dict.fromkeys((list, tuple), _list),
    frozenset: _sorted,
    **dict.fromkeys(_CLASSES, _record),
    **dict.fromkeys(COMMAND_NAMES, _command),
    Cursor: _cursor,
    Effect: _effect,
    Guard: _guard,
    Lifecycle: _lifecycle,
    Payload: _payload,
}
_BASES: Final[tuple[tuple[type, Callable[[Any, str], Any]], ...]] = (
    (str, _text),
    (datetime, _instant),
    (Mapping, _object),
)
