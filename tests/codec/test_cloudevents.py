"""CloudEvents: what travels and what does not, the official SDK as the judge, and hostile ones that are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    Actor,
    Context,
    Event,
    FrozenMapping,
    HistoryError,
    InvalidInputError,
    Message,
    MisuseError,
    Payload,
    Permitted,
    Tenant,
    erase,
    seal,
)
from casewright.codec.cloudevents import (
    PUBLIC,
    Received,
    cloudevent_json,
    message_id,
    parse_cloudevent,
    to_cloudevent,
)
from support.histories import random_histories
from support.publishing import history
from support.values import AT, CANARY, thorough

SOURCE = "https://example.com/cases"
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def messages(seed: int) -> list[Message]:
    """Return all messages of some random histories."""
    return [
        Message(event=change.event, item=change.after) for chain in random_histories(seed).values() for change in chain
    ]


def travelled(event: Event) -> Event:
    """Return what is to come back of an event, worked out from the list of what travels."""
    public: Any = None
    if event.payload is not None:
        parts = {
            name: FrozenMapping({key: value for key, value in getattr(event.payload, name).items() if key in PUBLIC})
            for name in ("inputs", "changes")
        }
        public = Payload(**parts)
    return attrs.evolve(
        event,
        on_behalf_of=None,
        recorded_at=None,
        previous="",
        payload_digest="",
        digest="",
        salt=None,
        payload=public,
        changed=() if public is None else tuple(sorted(public.changes)),
    )


@thorough(60)
@given(
    st.integers(0, 10_000),
    st.just("") | NAMES,
    st.builds(Context, correlation_id=st.none() | NAMES, causation_id=st.none() | NAMES, traceparent=st.none() | NAMES),
)
def test_every_event_travels_and_comes_back_as_far_as_it_does(seed: int, tenant: str, context: Context) -> None:
    """Whatever happened, what is read is the event without what is never sent, and what was said of its item (H8)."""
    origin: dict[str, Any] = attrs.asdict(context)
    for message in messages(seed):
        event = attrs.evolve(message.event, tenant=Tenant(tenant), **origin)
        item = attrs.evolve(message.item, tenant=Tenant(tenant))
        sent = cloudevent_json(Message(event=event, item=item), source=SOURCE)
        received = parse_cloudevent(sent, source=SOURCE)
        assert received == Received(
            event=travelled(event),
            message_id=message_id(Message(event=event, item=item), source=SOURCE),
            source=json.loads(sent)["source"],
            created_by=item.created_by,
            assignee_id=item.assignee_id,
            case_id=getattr(item, "case_id", None),
        )
        assert received.message_id.isascii()
        assert len(sent) < 64 * 1024


@thorough(40)
@given(st.integers(0, 10_000))
def test_the_official_sdk_reads_every_event(seed: int) -> None:
    """The SDK takes each as a valid CloudEvent 1.0, with the same attributes and data, and writes it back the same."""
    for message in messages(seed):
        body = cloudevent_json(message, source=SOURCE, prefix="com.example")
        judged = JSONFormat().read(None, body)
        ours = to_cloudevent(message, source=SOURCE, prefix="com.example")
        assert (judged.get_specversion(), judged.get_id(), judged.get_source()) == ("1.0", message.id, SOURCE)
        assert judged.get_type() == f"com.example.{message.event.kind}.{message.event.name}.v1"
        assert judged.get_subject() == f"{message.event.kind}/{message.event.item_id}"
        assert judged.get_time() == message.event.occurred_at
        assert judged.get_data() == ours["data"]
        assert judged.get_extension("sequence") == f"{message.event.version:019}"
        assert judged.get_extension("partitionkey") == message.event.item_id
        written = JSONFormat().write(judged)
        again = parse_cloudevent(written, source=SOURCE, prefix="com.example")
        assert again == parse_cloudevent(body, source=SOURCE, prefix="com.example")


@thorough(40)
@given(st.integers(0, 10_000))
def test_what_is_private_never_travels(seed: int) -> None:
    """No description, reason, note or attribute is in what is sent, nor a title where the host says so (A7, H8)."""
    for message in messages(seed):
        body = cloudevent_json(message, source=SOURCE, private=["tags", "title"])
        assert CANARY.encode() not in body


@thorough(20)
@given(st.integers(0, 10_000))
def test_what_was_erased_travels_without_its_payload(seed: int) -> None:
    """Of an erased event the header travels, and nothing that was in its payload (H8)."""
    for message in messages(seed):
        gone = attrs.evolve(message, event=erase(message.event))
        data = to_cloudevent(gone, source=SOURCE)["data"]
        assert ("inputs" in data, "changes" in data) == (not gone.event.erased,) * 2
        assert parse_cloudevent(to_cloudevent(gone, source=SOURCE), source=SOURCE).event == travelled(gone.event)


def submitted() -> Message:
    """Return a message of each kind of value, of the tenant north/1."""
    by = Actor("wim", roles=["case_writer"], tenant="north/1")
    fields: dict[str, Any] = {"attributes": {"amount": 7, "secret": "s"}, "description": "words", "tags": ["b", "a"]}
    verdict = REGULATORY_CASE.create("c 1", by=by, at=AT, title="A matter", **fields)
    assert isinstance(verdict, Permitted)
    change = seal(verdict.changes[0], recorded_at=AT, context=Context(correlation_id="r", traceparent="00-a-b-01"))
    return Message(event=change.event, item=change.after)


GOLDEN = {
    "specversion": "1.0",
    "id": "c 1.1",
    "source": "https://example.com/cases/north%2F1",
    "type": "com.example.case.created.v1",
    "subject": "case/c 1",
    "time": "2026-01-31T12:00:00.000000Z",
    "sequence": "0000000000000000001",
    "partitionkey": "c 1",
    "correlationid": "r",
    "traceparent": "00-a-b-01",
    "datacontenttype": "application/json",
    "data": {
        "id": "c 1",
        "kind": "case",
        "definition": "regulatory_case",
        "lifecycle_version": 1,
        "action": "create",
        "from_status": None,
        "status": "DRAFT",
        "category": "draft",
        "version": 1,
        "actor": "wim",
        "created_by": "wim",
        "assignee_id": None,
        "case_id": None,
        "inputs": {},
        "changes": {"tags": ["a", "b"], "title": "A matter"},
    },
}


def test_the_form_is_this() -> None:
    """The names and the order of all parts are fixed: consumers are written against them."""
    made = to_cloudevent(submitted(), source=SOURCE, prefix="com.example")
    assert json.dumps(made) == json.dumps(GOLDEN)
    assert json.loads(cloudevent_json(submitted(), source=SOURCE, prefix="com.example")) == GOLDEN


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"private": ["tags", "title"]}, {}),
        ({"public": ["attributes.amount", "attributes.none"], "private": ["tags"]}, {"attributes": {"amount": 7}}),
        ({"public": ["attributes"], "private": ["tags"]}, {"attributes": {"amount": 7, "secret": "s"}}),
        ({"public": ["description"], "private": {"description", "tags"}}, {}),
    ],
)
def test_the_host_says_what_else_travels_and_what_does_not(options: Any, changes: dict[str, Any]) -> None:
    """`public` adds a field or one attribute, `private` takes away, also what `public` adds."""
    expected = changes if "title" in options["private"] else {**changes, "title": "A matter"}
    assert to_cloudevent(submitted(), source=SOURCE, **options)["data"]["changes"] == expected


@pytest.mark.parametrize("name", ["public", "private"])
def test_one_text_for_several_names_is_misuse(name: str) -> None:
    """A str would be taken letter by letter, and what is private would travel."""
    options: Any = {name: "title"}
    with pytest.raises(MisuseError, match=name):
        to_cloudevent(submitted(), source=SOURCE, **options)


@pytest.mark.parametrize("source", ["", " ", "a b", "/tasks/", "https://e/?q", "https://e/#f", "é", "x" * 256, None, 7])
def test_a_source_that_no_tenant_can_follow_is_refused(source: Any) -> None:
    """It is a URI without query and fragment, to which the tenant can be added."""
    with pytest.raises(InvalidInputError, match="source"):
        to_cloudevent(submitted(), source=source)


@pytest.mark.parametrize("prefix", ["", "a b", ".a", "é", "x" * 101, None])
def test_a_prefix_that_no_type_begins_with_is_refused(prefix: Any) -> None:
    """It is made of letters, digits, dots, hyphens and underscores."""
    with pytest.raises(InvalidInputError, match="prefix"):
        to_cloudevent(submitted(), source=SOURCE, prefix=prefix)


def test_the_item_is_the_one_that_the_event_left() -> None:
    """A message with another item, or a later version of it, is misuse: it would tell something else."""
    one, two = history("a", 2)
    with pytest.raises(MisuseError, match="not the one"):
        to_cloudevent(Message(event=one.event, item=two.item), source=SOURCE)


def test_an_event_of_a_newer_version_is_not_sent_half_read() -> None:
    """Where the schema of the payload is not known it is an error, so that a newer relay can send all of it."""
    message = submitted()
    with pytest.raises(HistoryError, match="schema"):
        to_cloudevent(attrs.evolve(message, event=attrs.evolve(message.event, schema=99)), source=SOURCE)


def test_ids_of_two_tenants_are_told_apart() -> None:
    """Two tenants with one event id have two message ids, whatever the ids are made of (A11)."""
    pairs = [("", "a/b#c"), ("a", "b#c"), ("a/b", "c"), ("a%2Fb", "c"), ("b", "a#c")]
    made = [history(item_id, tenant=tenant)[0] for tenant, item_id in pairs]
    assert len({message_id(message, source=SOURCE) for message in made}) == len(pairs)


def test_all_that_a_host_may_publish_can_be_read() -> None:
    """The largest tags and attributes together are read, though they are larger than one JSON value may be (S1)."""
    tags = {"add": [f"\U0001f642{number:099}" for number in range(100)], "remove": ["\U0001f642" * 100] * 100}
    data = {**GOLDEN["data"], "changes": {"tags": tags, "attributes": {f"k{n}": "x" * 60_000 for n in range(5)}}}  # type: ignore[dict-item]
    received = parse_cloudevent(json.dumps({**GOLDEN, "data": data}), source=SOURCE, prefix="com.example")
    assert received.event.changed == ("attributes", "tags")


def hostile() -> Iterator[tuple[str, Any]]:
    """Yield what is wrong with a CloudEvent, and the event."""
    data: dict[str, Any] = dict(GOLDEN["data"])  # type: ignore[arg-type]
    for name in ("specversion", "id", "source", "type", "subject", "time", "sequence", "data"):
        yield f"no {name}", {key: value for key, value in GOLDEN.items() if key != name}
        for value in (None, 7, "", "\0", [], {CANARY: CANARY}, CANARY):
            yield f"{name} {type(value).__name__} {value!r:.8}", {**GOLDEN, name: value}
    for name in data:
        if name not in {"inputs", "changes"}:
            yield f"no data.{name}", {**GOLDEN, "data": {key: value for key, value in data.items() if key != name}}
        for value in (True, "\0", [CANARY], CANARY * 2000):
            yield f"data.{name} {type(value).__name__} {value!r:.8}", {**GOLDEN, "data": {**data, name: value}}
    yield "no inputs", {**GOLDEN, "data": {key: value for key, value in data.items() if key != "inputs"}}
    yield "version 0", {**GOLDEN, "data": {**data, "version": 0}}
    yield "other version", {**GOLDEN, "data": {**data, "version": 2}}
    yield "other id", {**GOLDEN, "data": {**data, "id": "c 2"}}
    yield "other kind", {**GOLDEN, "data": {**data, "kind": "task"}}
    yield "a float", {**GOLDEN, "data": {**data, "changes": {"title": 1.5}}}
    yield "deep", {**GOLDEN, "data": {**data, "changes": {"title": json.loads("[" * 50 + "]" * 50)}}}
    yield "an odd key", {**GOLDEN, "data": {**data, "changes": {"\0" + CANARY: 1}}}
    yield "a key that is no text", {**GOLDEN, "data": {**data, "changes": {7: 1}}}
    yield "no such time", {**GOLDEN, "time": "2026-01-31T12:00:00"}
    yield "binary", {**GOLDEN, "data_base64": "e30="}
    yield "another content", {**GOLDEN, "datacontenttype": "text/xml"}
    yield "a newer form", {**GOLDEN, "type": "com.example.case.created.v2"}
    yield "no name", {**GOLDEN, "type": "com.example.case..v1"}
    yield "another prefix", {**GOLDEN, "type": "org.example.case.created.v1"}
    for source in ("cases", SOURCE + "/", SOURCE + "/a/b", SOURCE + "x", SOURCE + "/%2f", SOURCE + "/%ff", "/north"):
        yield f"source {source}", {**GOLDEN, "source": source}
    for text in (b"", b"\xff", "[]", "7", "{", '{"id":"a","id":"b"}', "[" * 100_000, "x" * (4 * 1024 * 1024 + 1), None):
        yield f"{text!r:.20}", text


CASES = dict(hostile())


@pytest.mark.parametrize("name", CASES)
def test_what_is_none_of_ours_is_refused_without_being_shown(name: str) -> None:
    """Each is an InvalidInputError that names the place and shows no value (S1, S2, S6)."""
    with pytest.raises(InvalidInputError) as caught:
        parse_cloudevent(CASES[name], source=SOURCE, prefix="com.example")
    assert CANARY not in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_others_have_added_is_passed_over() -> None:
    """Attributes of brokers and data of newer versions change nothing, and the media type may be left out."""
    data = {**GOLDEN["data"], "colour": "red"}  # type: ignore[dict-item]
    more = {**GOLDEN, "data": data, "recordedtime": "2026-01-31T12:00:01Z", "partitionkey": 7}
    del more["datacontenttype"]
    expected = parse_cloudevent(GOLDEN, source=SOURCE, prefix="com.example")
    assert parse_cloudevent(more, source=SOURCE, prefix="com.example") == expected
    assert (expected.event.tenant, expected.event.item_id) == ("north/1", "c 1")
