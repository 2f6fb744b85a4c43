"""Whatever comes in, a value or an error of ours comes out, and the error shows where, never what (S1, S2, S7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from casewright import DefinitionError, InvalidInputError
from casewright.codec import to_data
from casewright.codec.parsing import dump, parse
from casewright.domain.strict_json import DOCUMENT_MAX
from support.codec_documents import GOOD, WORD, hostile_documents
from support.values import CANARY, HOSTILE, json_inputs, nested, thorough

pytestmark = pytest.mark.large

LIFECYCLES = ("Lifecycle", "guarded")
OPEN = ("Event",)  # a newer version may have stored more
FREE = ("FrozenMapping", "Payload")  # any key, and no key at all


def check_error(error: InvalidInputError | DefinitionError, name: str, word: str) -> None:
    """Check that the error is one that may be shown to whoever sent the document."""
    if isinstance(error, DefinitionError):
        assert name in LIFECYCLES
        return
    assert error.field
    assert str(error).isprintable()
    assert word not in str(error)
    assert len(str(error)) < 1_000


@pytest.mark.parametrize("name", GOOD)
def test_hostile_documents(name: str) -> None:
    """Of 10,000 hostile documents each decoder refuses with our error, or reads what it would write again (S1, S2)."""
    decode, seeds = GOOD[name]
    refused = accepted = 0
    for document in hostile_documents(seeds, 10_000):
        try:
            value = decode(document)
        except (InvalidInputError, DefinitionError) as error:
            check_error(error, name, WORD)
            refused += 1
        else:
            assert decode(to_data(value)) == value
            accepted += 1
    assert refused > 1_000
    assert accepted > 10


@pytest.mark.parametrize("name", GOOD)
def test_hostile_objects(name: str) -> None:
    """Not only JSON values: whatever Python object stands in any place of a document, our error comes out (S1, S2)."""
    decode, seeds = GOOD[name]
    seed = seeds[0]
    for make in HOSTILE:
        hostile = make()
        for document in [hostile, *({**seed, key: hostile} for key in seed if isinstance(seed, dict))]:
            try:
                decode(document)
            except (InvalidInputError, DefinitionError) as error:
                check_error(error, name, CANARY)


@thorough(200)
@given(json_inputs())
def test_strict_json_is_read(value: Any) -> None:
    """What JSON there is within the limits is read as it was written, from text and from bytes."""
    text = dump(value)
    plain = parse(text)
    assert dump(plain) == text
    assert parse(text.encode()) == plain


def test_limits_are_reached() -> None:
    """The limits are those that the documentation names: their very edge is still read (S1)."""
    assert parse(f"[{2**63 - 1}, {-(2**63)}, -0]") == [2**63 - 1, -(2**63), 0]
    assert parse(" " * (DOCUMENT_MAX - 2) + "{}") == {}
    assert DOCUMENT_MAX == 4 * 1024 * 1024
    deep = nested(16, lambda part: {"a": part})
    assert GOOD["FrozenMapping"][0](deep)["a"]
    with pytest.raises(InvalidInputError, match="nested more than 16 deep"):
        GOOD["FrozenMapping"][0]({"a": deep})
    half = "a" * (32 * 1024)
    with pytest.raises(InvalidInputError, match="is larger than 65536 bytes"):
        GOOD["FrozenMapping"][0]({"a": half, "b": half})


@pytest.mark.parametrize("name", [name for name in GOOD if name not in (*OPEN, *FREE)])
def test_unknown_keys_are_refused(name: str) -> None:
    """A key that nobody knows is refused by name and place, so that no value slips in beside the others (S7)."""
    decode, seeds = GOOD[name]
    for seed in seeds:
        with pytest.raises(InvalidInputError, match=r"^is_admin: is unknown; there are ") as caught:
            decode({**seed, "is_admin": True})
        assert caught.value.field == "is_admin"


@pytest.mark.parametrize("name", OPEN)
def test_unknown_keys_of_stored_events_are_ignored(name: str) -> None:
    """A stored event may hold keys of a newer version: they are passed over."""
    decode, seeds = GOOD[name]
    for seed in seeds:
        assert decode({**seed, "is_admin": True, "\0": object()}) == decode(seed)


ITEM_KEYS = ("id", "definition", "status", "category", "title", "created_by", "created_at")
REQUIRED: dict[str, tuple[str, ...]] = {
    "Actor": ("id",),
    "Context": (),
    "Task": ("kind", *ITEM_KEYS),
    "Case": ("kind", *ITEM_KEYS),
    "Item": ITEM_KEYS,
    "Note": ("id", "item_id", "version", "body", "author_id", "created_at"),
    "Event": (
        *("tenant", "item_id", "kind", "version", "action", "name", "from_status", "to_status", "category"),
        *("actor_id", "on_behalf_of", "occurred_at", "definition", "lifecycle_version", "payload"),
    ),
    "Change": ("before", "after", "event"),
    "Permitted": ("permitted",),
    "Refused": ("permitted", "reasons"),
    "Verdict": (),
    "Reason": ("code", "phase", "text"),
    "ActionVerdict": ("action", "permitted", "reasons", "inputs", "target"),
    "Input": ("name", "kind"),
    "Effect": ("field",),
    "Finding": ("position", "code", "text"),
    "Term": ("kind", "name", "values"),
    "Order": (),
    "Page": ("items",),
    "TaskFilter": (),
    "CaseFilter": (),
    "Command": (),
    "Edit": ("item_id",),
    "Outcome": ("result", "item"),
    "Scope": ("alternatives",),
    "Lifecycle": ("states", "initial", "transitions"),
    "guarded": ("states", "initial", "transitions"),
}
COMMANDS = ", ".join(f'"{data["command"]}"' for data in GOOD["Command"][1]).replace(', "perform"', ' or "perform"')
TOLD_APART = {
    "Command": {"command": f"command: must be {COMMANDS} here"},
    "Item": {"kind": 'kind: must be "task" or "case" here'},
    "Verdict": {"permitted": "permitted: must be true or false, not NoneType"},
    "Effect": {"source": "document: must have either a source or a value"},
}


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_keys(name: str) -> None:
    """A key that has no default must be there, and the error names it; any other may be left out."""
    decode, seeds = GOOD[name]
    found: dict[str, str] = {}
    for key in seeds[0]:
        try:
            decode({other: part for other, part in seeds[0].items() if other != key})
        except InvalidInputError as error:
            found[key] = str(error)
        except DefinitionError:
            assert name in LIFECYCLES
    missing = {key: f"{key}: is missing" for key in REQUIRED[name]}
    assert found == {**missing, **TOLD_APART.get(name, {})}


@pytest.mark.parametrize("wrong", [True, "1", 1.0, None, [1], 0], ids=repr)
@pytest.mark.parametrize("name", ["Task", "Case", "Event", "Note", "Lifecycle"])
def test_version_is_a_number(name: str, wrong: Any) -> None:
    """True is not version 1, and neither is "1" (S7)."""
    decode, seeds = GOOD[name]
    with pytest.raises(InvalidInputError) as caught:
        decode({**seeds[0], "version": wrong})
    assert caught.value.field == "version"


@pytest.mark.parametrize("wrong", [1, 0, "true", None, []], ids=repr)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Verdict", "permitted"),
        ("Permitted", "permitted"),
        ("Refused", "permitted"),
        ("Change", "published"),
        ("Term", "negated"),
        ("Input", "optional"),
    ],
)
def test_flags_are_true_or_false(name: str, key: str, wrong: Any) -> None:
    """1 is not True, and neither is "true" (S7)."""
    decode, seeds = GOOD[name]
    with pytest.raises(InvalidInputError) as caught:
        decode({**seeds[0], key: wrong})
    assert caught.value.field == key
