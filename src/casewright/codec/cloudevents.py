"""CloudEvents 1.0: what leaves the house of an event, and what a consumer reads back.

What travels is listed, not what is held back: of inputs and changed fields only those in `PUBLIC`, and what the host
adds to them. So a new input or attribute is private until somebody says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote, unquote

import attrs

from casewright.application.publishing import Message
from casewright.codec.parsing import dump, parse
from casewright.codec.readers import (
    INSTANT,
    NAME,
    POSITIVE,
    Reader,
    an_object,
    at_key,
    checked,
    exactly,
    failure,
    json_value,
    maybe,
    one_of,
    record,
    text_of,
)
from casewright.codec.writing import plain
from casewright.domain.events import HEADERS, MAX_CAUSATION, Event
from casewright.domain.ids import ActorId, ItemId, Tenant, as_actor_id, as_item_id, as_tenant
from casewright.domain.items import Task
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue
from casewright.domain.payloads import Payload
from casewright.domain.values import MAX_ID, MAX_TEXT, Category, as_name, instant_text
from casewright.errors import HistoryError, InvalidInputError, MisuseError

__all__ = [
    "CONTENT_TYPE",
    "PUBLIC",
    "Received",
    "check_address",
    "cloudevent_json",
    "message_id",
    "parse_cloudevent",
    "to_cloudevent",
]

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
"""What the bytes of `cloudevent_json` are."""

PUBLIC: Final = frozenset(
    {"assignee_id", "case_id", "due_at", "open_tasks", "priority", "tags", "title"},
)
"""The inputs and changed fields that travel unless the host says otherwise."""

_DIGITS: Final = 19  # of the largest version: so sequences compare as text
_ATTRIBUTE: Final = "attributes."
_SOURCE: Final = re.compile(r"[A-Za-z0-9._~:/@!$&'()*+,;=%-]+", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


@attrs.frozen(kw_only=True)
class Received:
    """What a CloudEvent of ours said.

    Attributes:
        event: The event, as far as it travels. These are never sent, so they are as on an event that nobody has sealed:
            ``on_behalf_of``, ``recorded_at``, ``previous``, both digests and the salt; nor are the private inputs and
            fields: ``changed`` and the payload hold the public ones. So it can neither be verified nor folded.
        message_id: By what to know it when it comes again: unique across tenants and sources.
        source: Where it came from, the tenant included.
        created_by: Who created the item.
        assignee_id: Who held the item after the event, or None.
        case_id: The case that the item is a task of, or None.
    """

    event: Event
    message_id: str
    source: str
    created_by: ActorId
    assignee_id: ActorId | None
    case_id: ItemId | None


def check_address(source: str, prefix: str) -> None:
    """Check where events are said to come from.

    Args:
        source: As for `to_cloudevent`.
        prefix: As for `to_cloudevent`.

    Raises:
        InvalidInputError: One of them is none.
    """
    as_name(source, "source", MAX_ID)
    if _SOURCE.fullmatch(source) is None or source.endswith("/"):
        problem = "must be a URI without query, fragment and a slash at its end"
        raise InvalidInputError("source", problem, "such as https://example.com/tasks, or /tasks")
    as_name(prefix, "prefix")
    if _PREFIX.fullmatch(prefix) is None:
        raise InvalidInputError("prefix", "must be made of letters, digits, '.', '_' and '-'", "such as com.example")


def message_id(message: Message, *, source: str) -> str:
    """Return by what a broker or a consumer knows a message that comes again: source and id, in ASCII.

    An event's id is unique within a tenant, this across tenants and sources.

    Args:
        message: The message.
        source: As for `to_cloudevent`.
    """
    return _message_id(_of_tenant(source, message.event.tenant), message.id)


def to_cloudevent(
    message: Message,
    *,
    source: str,
    prefix: str = "casewright",
    public: Collection[str] = (),
    private: Collection[str] = (),
) -> dict[str, Any]:
    """Return a message as a CloudEvent 1.0: plain JSON data in its structured form.

    Its ``data`` has the item's id, kind, definition, status, category and version, the action and the status before it,
    who acted, created, and holds the item, and its case; and the ``inputs`` and ``changes`` that are public. Of an
    erased event these two are left out.

    Args:
        message: The event, with its item as the event left it.
        source: The URI of the system whose events these are. Where there is a tenant, its name is added as the last
            part of the path.
        prefix: What the type begins with, best the reverse of a domain name: ``com.example``.
        public: Inputs and fields that travel besides those in `PUBLIC`; ``attributes.amount`` is one of the attributes,
            ``attributes`` all of them.
        private: Those that do not travel, though they are in `PUBLIC`.

    Returns:
        The attributes, and ``data``.

    Raises:
        InvalidInputError: Source or prefix is none.
        MisuseError: The item is not the one that the event left; or ``public`` or ``private`` is a str.
        HistoryError: The payload cannot be read: it is damaged, or a newer version of this library has written it.
    """
    check_address(source, prefix)
    shown = _shown(public, private)
    event, item = message.event, message.item
    if (event.tenant, event.item_id, event.version) != (item.tenant, item.id, item.version):
        raise MisuseError("the item of the message is not the one that its event left", "fold the events up to it")
    traced = {
        "correlationid": event.correlation_id,
        "causationid": event.causation_id,
        "traceparent": event.traceparent,
    }
    data = {
        "id": event.item_id,
        "kind": event.kind,
        "definition": event.definition,
        "lifecycle_version": event.lifecycle_version,
        "action": event.action,
        "from_status": event.from_status,
        "status": event.to_status,
        "category": event.category.value,
        "version": event.version,
        "actor": event.actor_id,
        "created_by": item.created_by,
        "assignee_id": item.assignee_id,
        "case_id": item.case_id if isinstance(item, Task) else None,
        **_payload(event, shown),
    }
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": _of_tenant(source, event.tenant),
        "type": f"{prefix}.{event.kind}.{event.name}.v1",
        "subject": f"{event.kind}/{event.item_id}",
        "time": instant_text(event.occurred_at),
        "sequence": _sequence(event.version),
        "partitionkey": event.item_id,
        **{name: value for name, value in traced.items() if value is not None},
        "datacontenttype": "application/json",
        "data": data,
    }


def cloudevent_json(
    message: Message,
    *,
    source: str,
    prefix: str = "casewright",
    public: Collection[str] = (),
    private: Collection[str] = (),
) -> bytes:
    """Return a message as the JSON text of its CloudEvent, in UTF-8; see `to_cloudevent`."""
    return dump(to_cloudevent(message, source=source, prefix=prefix, public=public, private=private)).encode()


def parse_cloudevent(data: bytes | str | Mapping[str, object], *, source: str, prefix: str = "casewright") -> Received:
    """Return what a CloudEvent of `to_cloudevent` said, once all of it has been checked.

    Attributes and data that are not known are passed over, since brokers and newer versions add some.

    Args:
        data: The JSON text of one event, or its JSON data.
        source: The one that the sender uses; events of other sources are refused.
        prefix: The one that the sender uses.

    Returns:
        The event as far as it travels, and what is said of its item.

    Raises:
        InvalidInputError: It is no CloudEvent, none of this source and prefix, or its parts contradict one another. No
            value is in the error's text.
    """
    check_address(source, prefix)
    read = an_object(parse(data) if isinstance(data, (bytes, str)) else data, "")
    if "data_base64" in read:
        raise failure("data_base64", "is not what our events have", "they have data, as JSON")
    said: dict[str, Any] = _ATTRIBUTES(read, "")
    held: dict[str, Any] = said["data"]
    event = _event(said, held, _tenant(said["source"], source), _name(said["type"], f"{prefix}.{held['kind']}."))
    for name, expected in (
        ("id", event.id),
        ("subject", f"{event.kind}/{event.item_id}"),
        ("sequence", _sequence(event.version)),
    ):
        if said[name] != expected:
            raise failure(name, "contradicts the data", "send events as they were made")
    return Received(
        event=event,
        message_id=_message_id(said["source"], event.id),
        source=said["source"],
        created_by=held["created_by"],
        assignee_id=held["assignee_id"],
        case_id=held["case_id"],
    )


# ---------------------------------------------------------------- writing


def _of_tenant(source: str, tenant: Tenant) -> str:
    return f"{source}/{quote(tenant, safe='')}" if tenant else source


def _message_id(source: str, event_id: str) -> str:
    return f"{source}#{quote(event_id, safe='')}"


def _sequence(version: int) -> str:
    return f"{version:0{_DIGITS}}"


def _shown(public: Collection[str], private: Collection[str]) -> frozenset[str]:
    for name, given in (("public", public), ("private", private)):
        if isinstance(given, str):
            raise MisuseError(f"{name} is one text where several names are meant", f'pass {name}=["..."]')
    return PUBLIC.union(public).difference(private)


def _payload(event: Event, shown: frozenset[str]) -> dict[str, Any]:
    if event.payload is None:
        return {}
    if event.schema not in HEADERS:
        raise HistoryError("its schema is not known to this version, so only its header can be read")
    inputs, changes = event.payload.inputs, event.payload.changes
    return {"inputs": plain(_public(inputs.items(), shown)), "changes": plain(_public(changes.items(), shown))}


def _public(pairs: Iterable[tuple[str, JsonValue]], shown: frozenset[str]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, value in sorted(pairs, key=itemgetter(0)):  # the same bytes each time, from memory and from a store
        if name in shown:
            found[name] = value
        elif name == "attributes" and isinstance(value, FrozenMapping):
            some = {key: part for key, part in value.items() if _ATTRIBUTE + key in shown}
            if some:
                found[name] = FrozenMapping(some)
    return found


# ---------------------------------------------------------------- reading


def _object(value: object, path: str, part: Reader[JsonValue]) -> FrozenMapping[JsonValue]:
    given = an_object(value, path)
    keys = [_LONG(key, at_key(path, "?")) for key in given]
    return FrozenMapping({key: part(given[key], at_key(path, key)) for key in keys})


def _field(value: object, path: str) -> JsonValue:
    return _object(value, path, json_value) if isinstance(value, Mapping) else json_value(value, path)


def _fields(value: object, path: str) -> FrozenMapping[JsonValue]:
    """Each field has the limits of a JSON value, and so has each attribute: all together may be larger than one."""
    return _object(value, path, _field)


_ID: Final = checked(as_item_id)
_WHO: Final = checked(as_actor_id)
_LONG: Final = text_of(MAX_TEXT)
_MARK: Final = text_of(MAX_ID)
_DATA: Final[Mapping[str, Reader[Any]]] = {
    "id": _ID,
    "kind": exactly("task", "case"),
    "definition": NAME,
    "lifecycle_version": POSITIVE,
    "action": NAME,
    "from_status": maybe(NAME),
    "status": NAME,
    "category": one_of(Category),
    "version": POSITIVE,
    "actor": _WHO,
    "created_by": _WHO,
    "assignee_id": maybe(_WHO),
    "case_id": maybe(_ID),
    "inputs": _fields,
    "changes": _fields,
}
_MAY_LACK: Final = ("inputs", "changes")
_ATTRIBUTES: Final[Reader[dict[str, Any]]] = record(
    dict,
    {
        "specversion": exactly("1.0"),
        "id": _LONG,
        "source": _LONG,
        "type": _LONG,
        "subject": _LONG,
        "time": INSTANT,
        "sequence": _MARK,
        "correlationid": text_of(MAX_ID),
        "causationid": text_of(MAX_CAUSATION),
        "traceparent": _MARK,
        "datacontenttype": exactly("application/json"),
        "data": record(dict, _DATA, required=[name for name in _DATA if name not in _MAY_LACK], unknown_ignored=True),
    },
    required=("specversion", "id", "source", "type", "subject", "time", "sequence", "data"),
    unknown_ignored=True,
)


def _tenant(given: str, source: str) -> Tenant:
    if given == source:
        return Tenant("")
    beginning, _, last = given.rpartition("/")
    tenant = checked(as_tenant)(unquote(last, errors="surrogateescape"), "source")
    if beginning != source or not tenant or quote(tenant, safe="") != last:
        raise failure("source", "is not the one that was expected", "pass source= as the sender has it")
    return tenant


def _name(given: str, beginning: str) -> str:
    if not given.startswith(beginning) or not given.endswith(".v1"):
        advice = "pass prefix= as the sender has it; what does not end in .v1 is of a newer version"
        raise failure("type", "is not one that was expected", advice)
    return NAME(given[len(beginning) : -len(".v1")], "type")


def _event(said: Mapping[str, Any], held: Mapping[str, Any], tenant: Tenant, name: str) -> Event:
    parts = [part for part in _MAY_LACK if part in held]
    if len(parts) == 1:
        raise failure(at_key("data", parts[0]), "is there without the other of inputs and changes")
    changes = held.get("changes", EMPTY)
    return Event(
        tenant=tenant,
        item_id=held["id"],
        kind=held["kind"],
        version=held["version"],
        action=held["action"],
        name=name,
        from_status=held["from_status"],
        to_status=held["status"],
        category=held["category"],
        actor_id=held["actor"],
        on_behalf_of=None,
        occurred_at=said["time"],
        definition=held["definition"],
        lifecycle_version=held["lifecycle_version"],
        correlation_id=said.get("correlationid"),
        causation_id=said.get("causationid"),
        traceparent=said.get("traceparent"),
        changed=tuple(sorted(changes)),
        payload=Payload(inputs=held["inputs"], changes=changes) if parts else None,
    )
