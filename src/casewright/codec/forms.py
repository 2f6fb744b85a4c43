"""The JSON forms of actors, items, notes, events and decisions: which keys there are, and what reads each (S7).

An item, a verdict and each part of them refuse a key that they do not know. An event alone passes it over: a newer
version of this library may have stored it.
"""

from __future__ import annotations

from typing import Any, Final

from casewright.codec.lifecycles import read_input
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
    record,
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
from casewright.domain.strict_json import DOCUMENT_MAX
from casewright.domain.terms import TERM_SHAPES, Scope, Term, TermKind
from casewright.domain.values import MAX_ID, MAX_TEXT, Category, as_integer
from casewright.domain.verdicts import ActionVerdict, Permitted, Refused, Verdict
from casewright.errors import InvalidInputError

__all__ = [
    "change_of",
    "permitted_of",
    "read_action_verdict",
    "read_actor",
    "read_case",
    "read_change",
    "read_context",
    "read_event",
    "read_finding",
    "read_item",
    "read_note",
    "read_payload",
    "read_permitted",
    "read_reason",
    "read_refused",
    "read_scope",
    "read_task",
    "read_term",
    "verdict_of",
]

_MARK: Final = text_of(MAX_ID)
_SENTENCE: Final = text_of(DOCUMENT_MAX)  # it may name every status or action there is: the document is the limit
_PRINCIPAL: Final = maybe(checked(as_actor_id))

read_actor: Final = of_class(Actor, {"roles": names, "attributes": json_object, "on_behalf_of": _PRINCIPAL})
read_note: Final = of_class(Note)
read_context: Final = of_class(Context)

# ---------------------------------------------------------------- items

_ITEM: Final[dict[str, Reader[Any]]] = {
    "attributes": json_object,
    "tags": listed(convert.tags),
    "performers": listed(convert.performers),
}
_KIND: Final = exactly("task", "case")

read_task: Final = of_class(Task, _ITEM, tags={"kind": exactly("task")})
read_case: Final = of_class(Case, _ITEM, tags={"kind": exactly("case")})


def read_item(value: object, path: str) -> Item:
    """Read a task or a case, told apart by ``kind``."""
    kind = _KIND(an_object(value, path).get("kind"), at_key(path, "kind"))
    return read_task(value, path) if kind == "task" else read_case(value, path)


# ---------------------------------------------------------------- events


def read_payload(value: object, path: str) -> Payload:
    """Read a payload's canonical text: kept untouched, parsed on first use."""
    return Payload.from_text(_SENTENCE(value, path))


_TRACE: Final = maybe(text_of(MAX_TEXT))
_EVENT: Final[dict[str, Reader[Any]]] = {
    "tenant": checked(as_tenant),
    "item_id": checked(as_item_id),
    "kind": _KIND,
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
    "correlation_id": _TRACE,
    "causation_id": _TRACE,
    "traceparent": _TRACE,
    "changed": each(NAME),
    "previous": _MARK,
    "payload_digest": _MARK,
    "digest": _MARK,
    "payload": maybe(read_payload),
    "salt": maybe(_MARK),
}

read_event: Final = of_class(Event, _EVENT, unknown_ignored=True)


def change_of(item: Reader[Any]) -> Reader[Change[Any]]:
    """Return the reader of a change of such an item."""
    parts: dict[str, Reader[Any]] = {"before": maybe(item), "after": item, "event": read_event}
    parts |= {"notes": each(read_note), "published": boolean, "claims": each(text_of(MAX_TEXT))}
    return of_class(Change, parts)


read_change: Final = change_of(read_item)

# ---------------------------------------------------------------- decisions

_REASON: Final[dict[str, Reader[Any]]] = {
    "code": NAME,
    "phase": one_of(Phase),
    "text": _SENTENCE,
    "params": json_object,
}

read_reason: Final = of_class(Reason, _REASON)


def _reasons(value: object, path: str) -> tuple[Reason, ...]:
    reasons = each(read_reason)(value, path)
    if not reasons:
        raise failure(path, "must hold at least one reason")
    return reasons


read_refused: Final = of_class(Refused, {"reasons": _reasons}, tags={"permitted": exactly(False)})


def permitted_of(item: Reader[Any]) -> Reader[Permitted[Any]]:
    """Return the reader of a yes about such an item: the first change is its own, another one that of its case."""
    changes = each(change_of(item), others=read_change)
    return of_class(Permitted, {"changes": changes}, tags={"permitted": exactly(True)})


def verdict_of(item: Reader[Any]) -> Reader[Verdict[Any]]:
    """Return the reader of either answer about such an item, told apart by ``permitted``."""
    read_permitted = permitted_of(item)

    def read(value: object, path: str) -> Verdict[Any]:
        permitted = boolean(an_object(value, path).get("permitted"), at_key(path, "permitted"))
        return read_permitted(value, path) if permitted else read_refused(value, path)

    return read


read_permitted: Final = permitted_of(read_item)

read_action_verdict: Final = of_class(
    ActionVerdict,
    {
        "action": NAME,
        "permitted": boolean,
        "reasons": each(read_reason),
        "inputs": each(read_input),
        "target": maybe(NAME),
    },
)
read_finding: Final = of_class(Finding, {"position": told(as_integer, least=0), "code": NAME, "text": _SENTENCE})

# ---------------------------------------------------------------- scopes

_TERM: Final[Reader[dict[str, Any]]] = record(
    dict,
    {"kind": one_of(TermKind), "name": NAME, "values": each(json_value), "negated": boolean},
    required=("kind", "name", "values"),
)


def read_term(value: object, path: str) -> Term:
    """Read a term; a field that it looks at must be one that items have (S4)."""
    given = _TERM(value, path)
    if not TERM_SHAPES[given["kind"]].looks_at(given["name"]):
        raise failure(at_key(path, "name"), "is no field of an item that such a term looks at")
    try:
        return Term(**given)
    except InvalidInputError as error:
        raise failure(at_key(path, error.field), error.problem) from None


read_scope: Final = of_class(Scope, {"alternatives": each(each(read_term))})
