"""The JSON forms of actors, items, notes, events and decisions: which keys there are, and what reads each (S7).

An item, a verdict and each part of them refuse a key that they do not know. An event alone passes it over: a newer
version of this library may have stored it.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from casewright.codec.lifecycles import INPUT
from casewright.codec.parsing import DOCUMENT_MAX
from casewright.codec.readers import (
    INSTANT,
    NAME,
    POSITIVE,
    Reader,
    an_object,
    at_key,
    boolean,
    checked,
    each,
    exactly,
    failure,
    json_object,
    json_value,
    listed,
    maybe,
    names,
    of_class,
    one_of,
    text_of,
    told,
)
from casewright.domain import converters as convert
from casewright.domain.actors import Actor
from casewright.domain.events import Change, Context, Event
from casewright.domain.history import Finding
from casewright.domain.ids import as_actor_id, as_item_id, as_tenant
from casewright.domain.items import Case, Item, Note, Task
from casewright.domain.payloads import Payload
from casewright.domain.reasons import Phase, Reason
from casewright.domain.terms import Scope, Term, TermKind
from casewright.domain.values import MAX_ID, MAX_TEXT, Category, as_integer, as_name
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused, Verdict

__all__ = [
    "ACTION_VERDICT",
    "ACTOR",
    "CASE",
    "CHANGE",
    "CONTEXT",
    "EVENT",
    "FINDING",
    "ITEM",
    "NOTE",
    "PAYLOAD",
    "PERMITTED",
    "REASON",
    "REFUSED",
    "SCOPE",
    "TASK",
    "TERM",
    "VERDICT",
    "change_of",
    "permitted_of",
    "verdict_of",
]

T = TypeVar("T")

_ID: Final[Reader[str]] = told(as_name, MAX_ID)
_COUNT: Final[Reader[int]] = told(as_integer, least=0)
_SENTENCE: Final = text_of(DOCUMENT_MAX)  # sentences name every status or action there is; the document is the limit
_MARK: Final = text_of(MAX_ID)

_PRINCIPAL: Final = maybe(checked(as_actor_id))

ACTOR: Final = of_class(Actor, {"roles": names, "attributes": json_object, "on_behalf_of": _PRINCIPAL})
NOTE: Final = of_class(Note)
CONTEXT: Final = of_class(Context, dict.fromkeys(("correlation_id", "causation_id", "traceparent"), maybe(_ID)))

# ---------------------------------------------------------------- items

_ITEM_FIELDS: Final[dict[str, Reader[Any]]] = {
    "attributes": json_object,
    "tags": listed(convert.tags),
    "performers": listed(convert.performers),
}
TASK: Final = of_class(Task, _ITEM_FIELDS, tags={"kind": exactly("task")})
CASE: Final = of_class(Case, _ITEM_FIELDS, tags={"kind": exactly("case")})
_KINDS: Final[dict[object, Reader[Item]]] = {"task": TASK, "case": CASE}


def ITEM(value: object, path: str) -> Item:  # noqa: N802 - one of the readers above and below
    """Read a task or a case, told apart by ``kind``."""
    kind = an_object(value, path).get("kind")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise failure(at_key(path, "kind"), "must be 'task' or 'case'")
    return read(value, path)


# ---------------------------------------------------------------- events


def PAYLOAD(value: object, path: str) -> Payload:  # noqa: N802
    """Read a payload's canonical text: kept untouched, parsed on first use."""
    return Payload.from_text(_SENTENCE(value, path))


_HEADER: Final[dict[str, Reader[Any]]] = {
    "tenant": checked(as_tenant),
    "item_id": checked(as_item_id),
    "kind": lambda value, path: one_of_kinds(value, path),
    "version": POSITIVE,
    "action": NAME,
    "name": NAME,
    "from_status": maybe(NAME),
    "to_status": NAME,
    "category": one_of(Category),
    "actor_id": checked(as_actor_id),
    "on_behalf_of": _PRINCIPAL,
    "occurred_at": INSTANT,
    "recorded_at": maybe(INSTANT),
    "schema": POSITIVE,
    "definition": NAME,
    "lifecycle_version": POSITIVE,
    "correlation_id": maybe(text_of(MAX_TEXT)),
    "causation_id": maybe(text_of(MAX_TEXT)),
    "traceparent": maybe(text_of(MAX_TEXT)),
    "changed": each(NAME),
    "previous": _MARK,
    "payload_digest": _MARK,
    "digest": _MARK,
}
EVENT: Final = of_class(Event, {**_HEADER, "payload": maybe(PAYLOAD), "salt": maybe(_MARK)}, unknown_ignored=True)


def change_of(item: Reader[Any]) -> Reader[Change[Any]]:
    """Return the reader of a change of such an item."""
    parts = {"before": maybe(item), "after": item, "event": EVENT, "notes": each(NOTE), "published": boolean}
    return of_class(Change, {**parts, "claims": each(text_of(MAX_TEXT))})


CHANGE: Final = change_of(ITEM)

# ---------------------------------------------------------------- decisions


def _params(value: object, path: str) -> object:
    return json_object(value, path)


def _at_least_one(value: object, path: str) -> tuple[Reason, ...]:
    reasons = each(REASON)(value, path)
    if not reasons:
        raise failure(path, "must hold at least one reason")
    return reasons


REASON: Final = of_class(Reason, {"code": NAME, "phase": one_of(Phase), "text": _SENTENCE, "params": _params})
REFUSED: Final = of_class(Refused, {"reasons": _at_least_one}, tags={"permitted": exactly(False)})


def permitted_of(item: Reader[Any]) -> Reader[Permitted[Any]]:
    """Return the reader of a yes about such an item: the first change is its own, another one its case's."""
    own, others = change_of(item), CHANGE

    def changes(value: object, path: str) -> tuple[Change[Any], ...]:
        read = each(others)(value, path)
        ...
        return read

    return of_class(Permitted, {"changes": changes}, tags={"permitted": exactly(True)})
