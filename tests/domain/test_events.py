"""Events and what they make: immutable (E1), whole, and folded to the very item that the decisions gave (E3)."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import accumulate
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casewright import (
    Change,
    Event,
    FrozenMapping,
    HistoryError,
    Payload,
    fold,
)
from casewright.domain.json_values import canonical_json, freeze_object
from support.histories import events_of, long_histories, random_histories
from support.values import CANARY, HOSTILE, impurities, json_inputs, names, thorough

VERBS = {"create", "read", "edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct", "delete"}
COUNTERS = {"task_opened", "task_closed"}
FIELDS = [field.name for field in attrs.fields(Event)]


def changes_of(seed: int) -> list[Change[Any]]:
    """Return all changes of one random world."""
    return [change for chain in random_histories(seed).values() for change in chain]


def payload_of(event: Event) -> Payload:
    """Return the payload of an event that has one."""
    assert event.payload is not None
    return event.payload


def test_changes_are_deeply_immutable() -> None:
    """No list, dict or set can be reached from any of over a thousand changes, their items, notes and events (E1)."""
    seen = 0
    for seed in range(100):
        for change in changes_of(seed):
            assert list(impurities(change)) == [], seed
            seen += 1
    assert seen > 1_000


def test_changes_hash_pickle_and_copy() -> None:
    """A change is hashable and survives pickle, copy and deepcopy as an equal one, with its items and event (E1)."""
    for seed in range(25):
        for change in changes_of(seed):
            for other in (pickle.loads(pickle.dumps(change)), copy.copy(change), copy.deepcopy(change)):
                assert other == change
                assert hash(other) == hash(change)
                assert payload_of(other.event).text == payload_of(change.event).text


@pytest.mark.parametrize("name", FIELDS)
def test_events_cannot_be_changed(name: str) -> None:
    """No field of an event can be set or deleted, and none can be added (E1)."""
    event = long_histories(1, 3)[0][1]
    before = copy.copy(event)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(event, name, getattr(event, name))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(event, name)
    with pytest.raises(AttributeError):
        object.__setattr__(event, "another", 1)
    assert event == before


def test_fold_gives_the_item_that_the_decisions_gave() -> None:
    """The fold of each prefix of a history is exactly the item after that change (E3)."""
    events_seen = 0
    for seed in range(150):
        for chain in random_histories(seed).values():
            events = events_of(chain)
            for prefix, change in zip(accumulate([[event] for event in events]), chain, strict=True):
                assert fold(prefix) == change.after, seed
                assert fold(iter(prefix)).version == len(prefix)
            assert pickle.dumps(fold(events)) == pickle.dumps(fold(list(events)))
            events_seen += len(events)
    assert events_seen > 1_000


def test_headers_tell_the_story() -> None:
    """Each event has the next version, starts where the one before ended, and names just the fields it sets (H1)."""
    for seed in range(60):
        for item_id, chain in random_histories(seed).items():
            status = None
            for number, change in enumerate(chain, 1):
                event = change.event
                assert (event.version, event.id) == (number, f"{item_id}.{number}")
                assert (event.from_status, event.to_status, event.category) == (
                    status,
                    change.after.status,
                    change.after.category,
                )
                assert event.changed == tuple(sorted(payload_of(event).changes))
                assert (event.definition, event.kind) == (change.after.definition, change.after.kind)
                assert event.action in VERBS | COUNTERS or event.from_status != event.to_status
                status = event.to_status


def test_fold_needs_no_definition() -> None:
    """Events of a definition, an action and a status that nobody knows fold all the same: a store knows none (E3)."""
    for events in long_histories(20, 3):
        strange = [
            attrs.evolve(event, definition="gone", lifecycle_version=9, to_status=f"S{event.version}")
            for event in events
        ]
        item = fold(strange)
        assert (item.definition, item.lifecycle_version, item.status) == ("gone", 9, f"S{len(events)}")
        assert item.title == fold(events).title


def test_fold_passes_over_fields_it_does_not_know() -> None:
    """A payload of a newer version, with keys and fields that are unknown here, folds without them."""
    (events,) = long_histories(1, 2)
    data = json.loads(payload_of(events[0]).text)
    data["changes"] |= {"colour": "red", "open_tasks" if events[0].kind == "task" else "case_id": 7}
    data["more"] = [1.5]
    newer = attrs.evolve(events[0], payload=Payload.from_text(json.dumps(data)), changed=tuple(sorted(data["changes"])))
    assert fold([newer, *events[1:]]) == fold(events)


def test_broken_histories_do_not_fold() -> None:
    """A gap, a doubling, a foreign event, none at all: each is reported with its position."""
    (one,) = long_histories(1, 4)
    others: dict[str, Any] = {
        "tenant": "other",
        "item_id": "other",
        "kind": "case" if one[0].kind == "task" else "task",
    }
    for position in range(1, 4):
        broken: list[list[Event]] = [
            one[:position] + one[position + 1 :] + one[:1],
            one[:position] + one[position - 1 :],
            *([*one[:position], attrs.evolve(one[position], **{name: other})] for name, other in others.items()),
            [*one[:position], attrs.evolve(one[position], payload=Payload.from_text("{"), changed=("title",))],
            [*one[:position], attrs.evolve(one[position], schema=2)],
        ]
        for events in broken:
            with pytest.raises(HistoryError) as caught:
                fold(events)
            assert caught.value.position == position
    memo: Any = "memo"
    for events in (one[1:], [attrs.evolve(one[0], version=0)], [attrs.evolve(one[0], kind=memo)]):
        with pytest.raises(HistoryError) as caught:
            fold(events)
        assert caught.value.position == 0
    with pytest.raises(HistoryError, match=r"^there are no events$"):
        fold([])


@pytest.mark.parametrize("name", FIELDS)
def test_hostile_events_fold_or_are_refused(name: str) -> None:
    """Whatever stands in a field of an event, folding gives an item or says that it is no history (S1, S2)."""
    events = long_histories(1, 3)[0]
    for make in HOSTILE:
        for position in (0, 1):
            spoilt = [*events]
            spoilt[position] = attrs.evolve(events[position], **{name: make()})
            try:
                fold(spoilt)
            except HistoryError as error:
                broken = str(error)
            else:
                broken = ""
            assert CANARY not in broken
            assert broken.isprintable()


@thorough(80)
@given(st.dictionaries(names(), json_inputs(4), max_size=3), st.dictionaries(names(), json_inputs(4), max_size=3))
def test_payload_has_two_forms_of_one_value(inputs: dict[str, Any], changes: dict[str, Any]) -> None:
    """A payload made of values and one made of its text are equal, hash alike, and both hold both forms (H4)."""
    parts = freeze_object(inputs, "inputs"), freeze_object(changes, "changes")
    made = Payload(inputs=parts[0], changes=parts[1])
    assert made.text == canonical_json({"inputs": parts[0], "changes": parts[1]})
    stored = Payload.from_text(made.text)
    for payload in (made, stored, pickle.loads(pickle.dumps(made)), copy.deepcopy(stored), copy.copy(made)):
        assert (payload.inputs, payload.changes, payload.text) == (*parts, made.text)
        assert payload == made
        assert hash(payload) == hash(made)
    assert made != made.text
    assert made != Payload(inputs=FrozenMapping({**parts[0], "another one": 1}), changes=parts[1])


def test_stored_text_is_kept_untouched() -> None:
    """The stored text of a payload is kept to the byte, also where it is not canonical: it is what was hashed (H4)."""
    text = '{ "changes": {"title": "\\u00e9"}, "inputs": {}, "later": 1.50 }'
    payload = Payload.from_text(text)
    assert payload.changes == FrozenMapping({"title": "\u00e9"})
    assert payload.text == text
    assert pickle.loads(pickle.dumps(payload)).text == text
    assert payload != Payload(changes=FrozenMapping({"title": "\u00e9"}))


@pytest.mark.parametrize("text", ["[]", "1", "null", "{}", '{"inputs":{}}', '{"inputs":{},"changes":[]}', "{", ""])
def test_payload_must_hold_both_parts(text: str) -> None:
    """A stored payload without inputs and changes is a broken history, found on use."""
    payload = Payload.from_text(text)
    assert payload.text == text
    for name in ("changes", "inputs"):
        with pytest.raises(HistoryError):
            getattr(payload, name)


def test_payloads_do_not_show_what_they_hold() -> None:
    """The repr of a payload and of an event shows nothing personal, so that a log of events does not (S6)."""
    for events in long_histories(10, 3):
        for event in events:
            assert repr(event.payload) == "Payload(...)"
            assert CANARY not in repr(event)


@pytest.mark.parametrize("thing", [None, "event", 5, {}, object()], ids=lambda thing: type(thing).__name__)
def test_only_events_fold(thing: Any) -> None:
    """What is no event is no history, and is reported as such, as it is by verify."""
    with pytest.raises(HistoryError):
        fold([thing])
