"""What a bus with the catalog's `TASK` and `REGULATORY_CASE` should do: door, batches, what is kept (E2, L2, H1).

Written from the text of the design, apart from the pipeline. What is decided on an item is asked of `support.naive`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import attrs

from casewright import UNSET, Actor
from casewright.testing.records import Call
from support import naive
from support.buses import DEFINITIONS

Item = dict[str, Any]
Codes = frozenset[tuple[str, str]]

HELD: Final[Mapping[str, Any]] = {definition.name: definition for definition in DEFINITIONS}
COMMANDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "CreateTask": ("create", "task"),
    "StartTask": ("start", "task"),
    "BlockTask": ("block", "task"),
    "UnblockTask": ("unblock", "task"),
    "CompleteTask": ("complete", "task"),
    "CancelTask": ("cancel", "task"),
    "ReopenTask": ("reopen", "task"),
    "OpenCase": ("create", "case"),
    "SubmitCase": ("submit", "case"),
    "StartReview": ("start_review", "case"),
    "EscalateCase": ("escalate", "case"),
    "CloseCase": ("close", "case"),
    **{
        name: (action, None)
        for name, action in {"Edit": "edit", "SetDue": "set_due", "AddNote": "add_note", "Tag": "tag"}.items()
    },
    **{name: (name.lower(), None) for name in ("Assign", "Claim", "Release", "Correct", "Delete")},
}
"""What each command asks for, and of which kind of item."""


@dataclass(frozen=True)
class Expected:
    """What should come of a command.

    ``done``, ``same`` (nothing changes), ``not_found``, ``refused``, ``stale``, ``exists``, ``invalid``,
    ``not_together``; with the phase and code of each reason (of permissions only the phase), and the items it changes.
    """

    kind: str
    codes: Codes = frozenset()
    moved: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a command asks for, of which kind of item and of which one, with what, by whom and when."""

    action: str
    kind: str | None
    item_id: str | None
    given: Item
    by: Actor
    at: datetime


NOT_TOGETHER: Final = Expected("not_together")


@dataclass
class World:
    """All that there is of one tenant."""

    items: dict[str, Item] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> set[tuple[str, str]]:
        """The ids of items and of notes."""
        return {("item", item_id) for item_id in self.items} | {("note", note_id) for note_id in self.notes}


class Model:
    """All that should be there."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.worlds: dict[str, World] = {}

    def world(self, tenant: str) -> World:
        """Return all that there is of a tenant."""
        return self.worlds.setdefault(tenant, World())

    def may_read(self, item_id: str, by: Actor) -> bool:
        """Return whether there is such an item, not deleted, and the actor may see it."""
        item = self.world(by.tenant).items.get(item_id)
        return item is not None and item["deleted_at"] is None and _may_read(by, item)

    def told(self, expected: Expected, by: Actor) -> list[str]:
        """Return the ids of the items whose change the actor is told of: their own, and a case that they may see."""
        return [item["id"] for item in expected.moved if item is expected.moved[0] or _may_read(by, item)]

    def run(self, call: Call, made: str) -> Expected:
        """Return what should come of a command, and do it.

        Args:
            call: The command.
            made: The id that the bus made, where it had to make one.
        """
        expected, wanted = self._asked(call, made)
        if wanted and wanted in self.world(call.by.tenant).taken:
            return Expected("exists")
        self._do(call, expected, wanted)
        return expected

    def run_all(self, calls: Sequence[Call], made: Sequence[str]) -> tuple[list[Expected], list[int]]:
        """Return what should come of commands that are done all or none, and do them.

        An item's id that is taken is found at once; that of a note is found in the end.

        Returns:
            What should come of each; and where all would be done but for notes whose ids are taken, their places: one
            of them is told so.
        """
        before = {tenant: World(dict(world.items), dict(world.notes)) for tenant, world in self.worlds.items()}
        expected: list[Expected] = []
        late = []
        for place, (call, new) in enumerate(zip(calls, made, strict=True)):
            one, wanted = self._asked(call, new)
            if wanted and wanted in self.world(call.by.tenant).taken:
                if wanted[0] == "item":
                    expected.append(Expected("exists"))
                    continue
                late.append(place)
            self._do(call, one, wanted)
            expected.append(one)
        errors = [one.kind not in ("done", "same") for one in expected]
        if late or any(errors):
            self.worlds = before
            wrong = [one if error else NOT_TOGETHER for one, error in zip(expected, errors, strict=True)]
            return wrong, [] if any(errors) else late
        return expected, []

    def _asked(self, call: Call, made: str) -> tuple[Expected, tuple[str, str] | None]:
        """What should come of a command, and the id that it takes for a new item or note."""
        asked = _read(call)
        world = self.world(asked.by.tenant)
        if asked.action == "create":
            expected = _create(world, asked.item_id or made, asked)
            return expected, ("item", asked.item_id or made) if expected.kind == "done" else None
        item = world.items.get(str(asked.item_id))
        if item is None or asked.kind not in (None, item["kind"]) or not _may_read(asked.by, item):
            return Expected("not_found"), None
        if call.expected_version not in (None, item["version"]):
            return Expected("stale"), None
        if asked.action == "add_note" and asked.given.get("note_id") is None:
            asked.given["note_id"] = made
        expected = _decide(world, item, asked)
        notes = expected.kind == "done" and asked.action == "add_note"
        return expected, ("note", asked.given["note_id"]) if notes else None

    def _do(self, call: Call, expected: Expected, wanted: tuple[str, str] | None) -> None:
        world = self.world(call.by.tenant)
        for moved in expected.moved:
            world.items[moved["id"]] = moved
        if wanted and wanted[0] == "note":
            world.notes[wanted[1]] = expected.moved[0]["id"]


def _read(call: Call) -> Asked:
    """What the command asks for, from its fields alone."""
    command: Any = call.command
    fields = attrs.asdict(command, recurse=False)
    if type(command).__name__ == "Perform":
        return Asked(fields["action"], None, fields["item_id"], dict(fields["inputs"]), call.by, call.at)
    action, kind = COMMANDS[type(command).__name__]
    item_id = fields.pop("id" if action == "create" else "item_id")
    clears = action in ("edit", "set_due")
    given = {
        name: value for name, value in fields.items() if value is not UNSET and (clears or value not in (None, ()))
    }
    return Asked(action, kind, item_id, given, call.by, call.at)


def _may_read(by: Actor, item: Item) -> bool:
    return naive.may_read(HELD[item["definition"]], item, by)


def _decide(world: World, item: Item, asked: Asked) -> Expected:
    """What should come of an action on an item that the actor sees."""
    definition = HELD[item["definition"]]
    parent = world.items.get(item.get("case_id") or "")
    wrong = _of_a_wrong_type(naive.inputs_of(definition, item, asked.action), asked.given)
    given = {} if wrong else asked.given
    answer = naive.decide(definition, item, asked.action, given, by=asked.by, at=asked.at, parent=parent)
    if wrong and not answer.reasons & {("state", "deleted")} and "permission" not in {p for p, _ in answer.reasons}:
        return Expected("invalid")
    return _expected(answer, item, parent)


def _create(world: World, item_id: str, asked: Asked) -> Expected:
    """What should come of a creation."""
    given = dict(asked.given)
    definition, case_id = HELD[given.pop("definition")], given.pop("case_id", None)
    assert definition.kind == asked.kind
    parent = world.items.get(case_id or "")
    if case_id is not None and (parent is None or parent["kind"] != "case" or not _may_read(asked.by, parent)):
        return Expected("not_found")
    if case_id == item_id:
        return Expected("invalid")
    answer = naive.create(definition, item_id, by=asked.by, at=asked.at, given=given, parent=parent)
    return _expected(answer, None, parent)


def _expected(answer: naive.Answer, before: Item | None, parent: Item | None) -> Expected:
    if answer.reasons:
        told = {(phase, "" if phase == "permission" else code) for phase, code in answer.reasons}
        return Expected("refused", frozenset(told))
    if answer.item is None or answer.item is before:
        return Expected("same")
    return Expected(
        "done", moved=(answer.item, *([answer.parent] if answer.parent and answer.parent is not parent else ()))
    )


TYPES: Final[Mapping[str, Any]] = {"names": tuple, "mapping": Mapping, "instant": (str, datetime)}


def _of_a_wrong_type(specs: Sequence[Any], given: Item) -> bool:
    found = [(given[spec.name], TYPES.get(spec.kind, str)) for spec in specs if given.get(spec.name) is not None]
    return not all(isinstance(value, kind) for value, kind in found)
