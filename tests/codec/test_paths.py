"""Errors name the place of what is wrong, as a path from the top of the document."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from casewright import InvalidInputError
from support.codec_documents import GOOD

PATHS: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("Task", ("created_by",), "", "created_by"),
    ("Task", ("due_at",), "2026-01-31T12:00:00", "due_at"),
    ("Task", ("tags",), "x", "tags"),
    ("Task", ("performers",), "abcd", "performers"),
    ("Task", ("performers",), ["create"], "performers"),
    ("Task", ("attributes", "a", "b"), [1, 1.5], "attributes.a.b[1]"),
    ("Task", ("attributes", "a"), {"\0": 1}, "attributes"),
    ("Task", ("attributes", "x" * 101), 1, "attributes"),
    ("Task", ("kind",), "case", "kind"),
    ("Item", ("kind",), "note", "kind"),
    ("Item", ("kind",), [], "kind"),
    ("Actor", ("attributes", "n"), 1.5, "attributes.n"),
    ("Actor", ("roles",), ["a", " "], "roles"),
    ("Event", ("changed",), ["title", 5], "changed[1]"),
    ("Event", ("payload",), {}, "payload"),
    ("Change", ("notes", 0, "body"), 5, "notes[0].body"),
    ("Change", ("before", "x\ny"), 5, "before.?"),
    ("Permitted", ("changes", 1, "event", "occurred_at"), 5, "changes[1].event.occurred_at"),
    ("Refused", ("reasons",), [], "reasons"),
    ("Verdict", ("permitted",), False, "changes"),
    ("ActionVerdict", ("inputs",), [{"name": "a", "kind": "text", "max_length": 10_001}], "inputs[0].max_length"),
    ("Input", ("max_length",), 5, "max_length"),
    ("Input", ("kind",), "file", "kind"),
    ("Input", ("choices",), ["a"], "choices"),
    ("Effect", ("value",), 1, "document"),
    ("Effect", ("field",), "\0", "field"),
    ("Term", ("name",), "__class__", "name"),
    ("Command", ("tags",), "ab", "tags"),
    ("Command", ("due_at",), 1_769_860_800, "due_at"),
    ("Command", ("attributes", "colours"), [{}, 0.5], "attributes.colours[1]"),
    ("Scope", ("alternatives", 0, 1, "kind"), "sql", "alternatives[0][1].kind"),
    ("guarded", ("states", "new"), "fresh", "states.new"),
    ("guarded", ("states", "\n"), "open", "states"),
    ("guarded", ("initial",), {"any_of": [""]}, "initial.any_of[0]"),
    ("guarded", ("initial",), {"all_of": ["new"]}, "initial.all_of"),
    ("guarded", ("initial",), "new", "initial"),
    ("guarded", ("transitions", 1, "inputs", 1, "choices"), [], "transitions[1].inputs[1].choices"),
    ("guarded", ("transitions", 1, "effects", 2, "value"), 1.5, "transitions[1].effects[2].value"),
    ("guarded", ("transitions", 0, "guards", 0, "when"), "now", "transitions[0].guards[0].when"),
]


@pytest.mark.parametrize(("name", "path", "wrong", "field"), PATHS)
def test_paths(name: str, path: tuple[Any, ...], wrong: Any, field: str) -> None:
    """An error names the place of what is wrong as a path, and never the value."""
    decode, seeds = GOOD[name]
    document = copy.deepcopy(seeds[0])
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = wrong
    with pytest.raises(InvalidInputError) as caught:
        decode(document)
    assert caught.value.field == field
