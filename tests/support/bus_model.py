"""What a bus with the catalog's `TASK` and `REGULATORY_CASE` should do, as tables and plain dicts (E2, L2, H1).

Written from the text of the design, apart from the pipeline: no rule, guard, verb or fold of the library is called.
Items are what `naive.observed` shows of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import attrs

from casewright import UNSET, Actor
from casewright.testing.records import Call
from support.naive import thawed

__all__ = ["Expected", "Model"]

Item = dict[str, Any]
Codes = frozenset[tuple[str, str]]

CLOSED: Final = ("done", "cancelled")

ANY: Final = ("anyone",)
WORKER: Final = ("creator", "assignee", "admin")
CREATOR: Final = ("creator", "admin")
READER: Final = ("case_writer", "reviewer", "admin")
WRITER: Final = ("case_writer", "admin")
DRAFTER: Final = ("writer of a draft", "admin")
REVIEWER: Final = ("reviewer", "admin")
ADMIN: Final = ("admin",)

# What inputs may be: a kind, "?" where one may be left out, "~" where None is a value.
TAKES: Final[Mapping[str, Mapping[str, str]]] = {
    "edit": {"title": "text?", "description": "text?~", "priority": "priority?~", "attributes": "mapping?"},
    "assign": {"assignee_id": "text"},
    "set_due": {"due_at": "instant~"},
    "tag": {"add": "names?", "remove": "names?"},
    "add_note": {"body": "text", "note_id": "text?"},
    "correct": {"status": "status", "reason": "text"},
    "block": {"reason": "text"},
    "cancel": {"reason": "text?"},
    "start_review": {"reviewer_id": "text"},
    "escalate": {"reason": "text"},
    "close": {"reason": "text"},
    "create": {
        **{"title": "text", "description": "text?", "priority": "priority?", "assignee_id": "text?"},
        **{"due_at": "instant?", "tags": "names?", "attributes": "mapping?", "status": "status?", "reason": "text?"},
    },
}
PRIORITIES: Final = ("low", "medium", "high", "urgent")
VERBS: Final = ("edit", "assign", "claim", "release", "set_due", "tag", "add_note", "correct", "delete")


@dataclass(frozen=True)
class Table:
    """A definition: its statuses, where its actions lead, and the words of whom it lets do what."""

    kind: str
    initial: str
    states: Mapping[str, str]
    moves: Mapping[str, tuple[tuple[str, ...], str]]
    rights: Mapping[str, tuple[str, ...]]


TABLES: Final[Mapping[str, Table]] = {
    "task": Table(
        "task",
        "todo",
        {"todo": "open", "in_progress": "active", "blocked": "waiting", "done": "done", "cancelled": "cancelled"},
        {
            "start": (("todo",), "in_progress"),
            "complete": (("todo", "in_progress"), "done"),
            "block": (("in_progress",), "blocked"),
            "unblock": (("blocked",), "in_progress"),
            "cancel": (("todo", "in_progress", "blocked"), "cancelled"),
            "reopen": (("done", "cancelled"), "todo"),
        },
        {
            "create": ANY,
            **dict.fromkeys(("read", "edit", "set_due", "tag", "add_note", "release"), WORKER),
            **dict.fromkeys(("start", "complete", "block", "unblock"), WORKER),
            **dict.fromkeys(("assign", "claim", "delete", "cancel", "reopen"), CREATOR),
            "correct": ADMIN,
        },
    ),
    "regulatory_case": Table(
        "case",
        "DRAFT",
        {"DRAFT": "draft", "SUBMITTED": "open", "UNDER_REVIEW": "active", "ESCALATED": "active", "CLOSED": "done"},
        {
            "submit": (("DRAFT",), "SUBMITTED"),
            "start_review": (("SUBMITTED",), "UNDER_REVIEW"),
            "escalate": (("UNDER_REVIEW",), "ESCALATED"),
            "close": (("UNDER_REVIEW", "ESCALATED"), "CLOSED"),
        },
        {
            **dict.fromkeys(("create", "submit"), WRITER),
            **dict.fromkeys(("read", "add_note"), READER),
            **dict.fromkeys(("edit", "set_due", "tag"), DRAFTER),
            **dict.fromkeys(("start_review", "escalate", "close", "assign", "claim", "release"), REVIEWER),
            **dict.fromkeys(("correct", "delete"), ADMIN),
        },
    ),
}

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
        return item is not None and item["deleted_at"] is None and _may("read", by, item)

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

        That an id is taken is found in the end, of one of them. It is found at once where the same batch has written
        under it; then no more can be asked.

        Returns:
            What should come of each; and where all would be done but for ids that are taken, the places of those that
            want one, of which one is told so.
        """
        before = {tenant: World(dict(world.items), dict(world.notes)) for tenant, world in self.worlds.items()}
        expected: list[Expected] = []
        written: set[str] = set()
        late = []
        for place, (call, new) in enumerate(zip(calls, made, strict=True)):
            one, wanted = self._asked(call, new)
            if wanted and wanted[0] == "item" and wanted[1] in written:
                expected.append(Expected("exists"))
                break
            if wanted and wanted in self.world(call.by.tenant).taken:
                late.append(place)
            self._do(call, one, wanted)
            written |= {item["id"] for item in one.moved}
            expected.append(one)
        errors = [one.kind not in ("done", "same") for one in expected]
        if late or any(errors):
            self.worlds = before
            wrong = [one if error else NOT_TOGETHER for one, error in zip(expected, errors, strict=True)]
            return wrong + [NOT_TOGETHER] * (len(calls) - len(wrong)), [] if any(errors) else late
        return expected, []

    def _asked(self, call: Call, made: str) -> tuple[Expected, tuple[str, str] | None]:
        """What should come of a command, and the id that it takes for a new item or note."""
        action, kind, item_id, given = _read(call.command)
        world = self.world(call.by.tenant)
        if action == "create":
            expected = _create(world, str(kind), item_id or made, given, call.by, call.at)
            return expected, ("item", item_id or made) if expected.kind == "done" else None
        item = world.items.get(str(item_id))
        if item is None or kind not in (None, item["kind"]) or not _may("read", call.by, item):
            return Expected("not_found"), None
        if call.expected_version not in (None, item["version"]):
            return Expected("stale"), None
        expected = _decide(world, item, action, given, call.by, call.at)
        notes = expected.kind == "done" and action == "add_note"
        return expected, ("note", given.get("note_id", made)) if notes else None

    def _do(self, call: Call, expected: Expected, wanted: tuple[str, str] | None) -> None:
        world = self.world(call.by.tenant)
        for moved in expected.moved:
            world.items[moved["id"]] = moved
        if wanted and wanted[0] == "note":
            world.notes[wanted[1]] = expected.moved[0]["id"]


def _read(command: Any) -> tuple[str, str | None, str | None, Item]:
    """The action, the kind it is for, the item, and what was given."""
    fields = attrs.asdict(command, recurse=False)
    if type(command).__name__ == "Perform":
        return fields["action"], None, fields["item_id"], dict(fields["inputs"])
    action, kind = COMMANDS[type(command).__name__]
    item_id = fields.pop("id" if action == "create" else "item_id")
    clears = action in ("edit", "set_due")
    given = {
        name: value for name, value in fields.items() if value is not UNSET and (clears or value not in (None, ()))
    }
    return action, kind, item_id, given


def _may(action: str, by: Actor, item: Item) -> bool:
    words = {"anyone", *by.roles}
    words |= {"creator"} if item["created_by"] == by.id else set()
    words |= {"assignee"} if item["assignee_id"] == by.id else set()
    words |= {"writer of a draft"} if "case_writer" in by.roles and item["category"] == "draft" else set()
    return not words.isdisjoint(TABLES[item["definition"]].rights.get(action, ()))


def _open(item: Item) -> bool:
    return item["deleted_at"] is None and item["category"] not in CLOSED


class WrongTypeError(Exception):
    """A value is of a wrong type."""


def _lacking(action: str, given: Item, states: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    takes = TAKES.get(action, {})
    for name in given:
        if name not in takes:
            yield "input", "input_unknown"
    for name, spec in takes.items():
        kind, value = spec.rstrip("?~"), given.get(name)
        if value is None:
            if "?" not in spec and not ("~" in spec and name in given):
                yield "input", "input_missing"
        elif not isinstance(value, {"names": tuple, "mapping": Mapping, "instant": (str, datetime)}.get(kind, str)):
            raise WrongTypeError
        elif kind in ("priority", "status"):
            if value not in (PRIORITIES if kind == "priority" else states):
                yield "input", "input_not_a_choice"
        elif isinstance(value, str) and not value.strip():
            yield "input", "input_blank"


def _refused(*codes: tuple[str, str]) -> Expected:
    return Expected("refused", frozenset(codes))


def _decide(world: World, item: Item, action: str, given: Item, by: Actor, at: datetime) -> Expected:
    """What should come of an action on an item that the actor sees."""
    if not _may(action, by, item):
        return _refused(("permission", ""))
    if item["deleted_at"] is not None:
        return _refused(("state", "deleted"))
    table = TABLES[item["definition"]]
    try:
        lacking = set(_lacking(action, given, table.states))
    except WrongTypeError:
        return Expected("invalid")
    codes = set(lacking)
    sources, target = table.moves.get(action, (tuple(table.states), None))
    if action == "correct" and not lacking:
        target = given["status"]
    category = item["category"] if target is None else table.states[target]
    if item["status"] not in sources:
        codes.add(("state", "wrong_state"))
    if action == "claim" and item["assignee_id"] not in (None, by.id):
        codes.add(("state", "already_assigned"))
    closes = category in CLOSED and item["category"] not in CLOSED
    if item.get("open_tasks") and (action == "delete" or (closes and action in ("close", "correct"))):
        codes.add(("guard", "open_tasks"))
    parent = world.items.get(item.get("case_id") or "")
    if parent and not _open(item) and category not in CLOSED and not _open(parent) and item["status"] in sources:
        codes.add(("guard", "case_closed"))
    if codes:
        return _refused(*codes)
    changes = _changes(item, action, given, by, at)
    if changes is None:
        return Expected("same")
    after = {**item, **changes, "version": item["version"] + 1, "updated_at": at}
    after |= {"status": target or item["status"], "category": category}
    if (category in CLOSED) is not (item["category"] in CLOSED):
        after["closed_at"] = at if category in CLOSED else None
    if action not in VERBS:
        after["performers"] = _performers(item["performers"], action, by)
    return Expected("done", moved=_with_parent(item, after, parent))


def _changes(item: Item, action: str, given: Item, by: Actor, at: datetime) -> Item | None:
    """The fields that the action sets, but for the status; None where it changes nothing."""
    wanted = {name: value for name, value in given.items() if value is not None or (action, name) in CLEARED}
    if action == "edit":
        added = thawed(wanted.pop("attributes", {}))
        wanted["attributes"] = {
            name: value for name, value in (item["attributes"] | added).items() if value is not None
        }
    elif action == "tag":
        tags = {*item["tags"], *wanted.get("add", ())} - {*wanted.get("remove", ())}
        wanted = {"tags": tuple(sorted(tags))}
    elif action == "set_due" and isinstance(wanted["due_at"], str):
        wanted = {"due_at": datetime.fromisoformat(wanted["due_at"])}
    elif action in ("claim", "release"):
        wanted = {"assignee_id": by.id if action == "claim" else None}
    elif action == "start_review":
        return {"assignee_id": wanted["reviewer_id"]}
    elif action == "delete":
        return {"deleted_at": at}
    elif action == "correct":
        return None if wanted["status"] == item["status"] else {}
    elif action not in ("assign", "set_due"):
        return {}
    return wanted if any(repr(item[name]) != repr(value) for name, value in wanted.items()) else None


CLEARED: Final = (("edit", "description"), ("edit", "priority"), ("set_due", "due_at"))


def _performers(before: list[tuple[str, str]], action: str, by: Actor) -> list[tuple[str, str]]:
    did = [(action, actor_id) for actor_id in (by.id, by.on_behalf_of) if actor_id is not None]
    return list(dict.fromkeys([*before, *did]))


def _with_parent(before: Item | None, after: Item, parent: Item | None) -> tuple[Item, ...]:
    """The item, and its case where that has to count it anew."""
    step = _open(after) - (before is not None and _open(before))
    if parent is None or step == 0:
        return (after,)
    counted = {"open_tasks": parent["open_tasks"] + step, "version": parent["version"] + 1}
    return after, {**parent, **counted, "updated_at": after["updated_at"]}


def _create(world: World, kind: str, item_id: str, given: Item, by: Actor, at: datetime) -> Expected:
    """What should come of a creation."""
    name = given.pop("definition")
    table, case_id = TABLES[name], given.pop("case_id", None)
    assert table.kind == kind
    parent = world.items.get(case_id or "")
    if case_id is not None and (parent is None or parent["kind"] != "case" or not _may("read", by, parent)):
        return Expected("not_found")
    if case_id == item_id:
        return Expected("invalid")
    codes = set(_lacking("create", given, table.states))
    status = given.get("status", table.initial)
    item: Item = {
        **{"id": item_id, "kind": kind, "tenant": by.tenant, "definition": name, "lifecycle_version": 1, "version": 1},
        **{"status": status, "category": table.states[status], "title": given.get("title"), "description": None},
        **{"priority": given.get("priority"), "assignee_id": given.get("assignee_id"), "due_at": None},
        **{"created_by": by.id, "created_at": at, "updated_at": at, "deleted_at": None},
        **{"closed_at": at if table.states[status] in CLOSED else None, "tags": given.get("tags", ())},
        **{"attributes": thawed(given.get("attributes", {})), "performers": _performers([], "create", by)},
        **({"open_tasks": 0} if kind == "case" else {"case_id": case_id}),
    }
    asked = ["create", *["correct"] * (status != table.initial), *["assign"] * (item["assignee_id"] is not None)]
    if not all(_may(action, by, item) for action in asked):
        return _refused(("permission", ""))
    if status != table.initial and "reason" not in given:
        codes.add(("input", "input_missing"))
    if parent and _open(item) and not _open(parent):
        codes.add(("guard", "case_closed"))
    if codes:
        return _refused(*codes)
    return Expected("done", moved=_with_parent(None, item, parent))
