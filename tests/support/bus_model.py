"""What a bus with the catalog's `TASK` and `REGULATORY_CASE` should do, as tables and plain dicts (E2, L2, H1).

Written from the text of the design, apart from the pipeline: no rule, guard, verb or fold of the library is called.
Items are what `naive.observed` shows of real ones.

Longer than 300 lines, because a model is read from top to bottom beside the design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import attrs

from casewright import UNSET, Actor
from casewright.testing.records import Call
from support.bus_tables import CLOSED, COMMANDS, PRIORITIES, TABLES, TAKES, VERBS
from support.naive import thawed

__all__ = ["Expected", "Model"]

Item = dict[str, Any]
Codes = frozenset[tuple[str, str]]


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
        return item is not None and item["deleted_at"] is None and _may("read", by, item)

    def told(self, expected: Expected, by: Actor) -> list[str]:
        """Return the ids of the items whose change the actor is told of: their own, and a case that they may see."""
        return [item["id"] for item in expected.moved if item is expected.moved[0] or _may("read", by, item)]

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

        An item's id that is taken is found at once, and no more is asked then; that of a note is found in the end.

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
                    break
                late.append(place)
            self._do(call, one, wanted)
            expected.append(one)
        errors = [one.kind not in ("done", "same") for one in expected]
        if late or any(errors):
            self.worlds = before
            wrong = [one if error else NOT_TOGETHER for one, error in zip(expected, errors, strict=True)]
            return wrong + [NOT_TOGETHER] * (len(calls) - len(wrong)), [] if any(errors) else late
        return expected, []

    def _asked(self, call: Call, made: str) -> tuple[Expected, tuple[str, str] | None]:
        """What should come of a command, and the id that it takes for a new item or note."""
        asked = _read(call)
        world = self.world(asked.by.tenant)
        if asked.action == "create":
            expected = _create(world, asked.item_id or made, asked)
            return expected, ("item", asked.item_id or made) if expected.kind == "done" else None
        item = world.items.get(str(asked.item_id))
        if item is None or asked.kind not in (None, item["kind"]) or not _may("read", asked.by, item):
            return Expected("not_found"), None
        if call.expected_version not in (None, item["version"]):
            return Expected("stale"), None
        expected = _decide(world, item, asked)
        notes = expected.kind == "done" and asked.action == "add_note"
        return expected, ("note", asked.given.get("note_id") or made) if notes else None

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


def _may(action: str, by: Actor, item: Item) -> bool:
    words = {"anyone", *by.roles}
    words |= {"creator"} if item["created_by"] == by.id else set()
    words |= {"assignee"} if item["assignee_id"] == by.id else set()
    words |= {"writer of a draft"} if "case_writer" in by.roles and item["category"] == "draft" else set()
    return not words.isdisjoint(TABLES[item["definition"]].rights.get(action, ()))


def _open(item: Item) -> bool:
    return item["deleted_at"] is None and item["category"] not in CLOSED


KINDS: Final[Mapping[str, Any]] = {"names": tuple, "mapping": Mapping, "instant": (str, datetime)}


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
        elif not isinstance(value, KINDS.get(kind, str)):
            raise WrongTypeError
        elif kind in ("priority", "status"):
            if value not in (PRIORITIES if kind == "priority" else states):
                yield "input", "input_not_a_choice"
        elif isinstance(value, str) and not value.strip():
            yield "input", "input_blank"


def _refused(*codes: tuple[str, str]) -> Expected:
    return Expected("refused", frozenset(codes))


def _decide(world: World, item: Item, asked: Asked) -> Expected:
    """What should come of an action on an item that the actor sees."""
    action, given = asked.action, asked.given
    if not _may(action, asked.by, item):
        return _refused(("permission", ""))
    if item["deleted_at"] is not None:
        return _refused(("state", "deleted"))
    table = TABLES[item["definition"]]
    try:
        lacking = set(_lacking(action, given, table.states))
    except WrongTypeError:
        return Expected("invalid")
    sources, target = table.moves.get(action, (tuple(table.states), None))
    if action == "correct" and not lacking:
        target = given["status"]
    category = item["category"] if target is None else table.states[target]
    parent = world.items.get(item.get("case_id") or "")
    codes = lacking | _misplaced(item, asked, sources) | _guarded(item, action, category)
    if parent and item["status"] in sources and not _open(item) and category not in CLOSED and not _open(parent):
        codes.add(("guard", "case_closed"))
    if codes:
        return _refused(*codes)
    changes = _changes(item, asked)
    if changes is None:
        return Expected("same")
    after = {**item, **changes, "version": item["version"] + 1, "updated_at": asked.at}
    after |= {"status": target or item["status"], "category": category}
    if (category in CLOSED) is not (item["category"] in CLOSED):
        after["closed_at"] = asked.at if category in CLOSED else None
    if action not in VERBS:
        after["performers"] = _performers(item["performers"], action, asked.by)
    return Expected("done", moved=_with_parent(item, after, parent))


def _misplaced(item: Item, asked: Asked, sources: tuple[str, ...]) -> set[tuple[str, str]]:
    """What the item's state has against the action."""
    wrong = {("state", "wrong_state")} if item["status"] not in sources else set()
    held = asked.action == "claim" and item["assignee_id"] not in (None, asked.by.id)
    return wrong | ({("state", "already_assigned")} if held else set())


def _guarded(item: Item, action: str, category: str) -> set[tuple[str, str]]:
    """What open tasks have against it."""
    closes = category in CLOSED and item["category"] not in CLOSED and action in ("close", "correct")
    return {("guard", "open_tasks")} if item.get("open_tasks") and (closes or action == "delete") else set()


def _changes(item: Item, asked: Asked) -> Item | None:
    """The fields that the action sets, but for the status; None where it changes nothing."""
    action, given = asked.action, asked.given
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
        wanted = {"assignee_id": asked.by.id if action == "claim" else None}
    elif action == "start_review":
        return {"assignee_id": wanted["reviewer_id"]}
    elif action == "delete":
        return {"deleted_at": asked.at}
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


def _create(world: World, item_id: str, asked: Asked) -> Expected:
    """What should come of a creation."""
    given, by, at = dict(asked.given), asked.by, asked.at
    name, case_id = given.pop("definition"), given.pop("case_id", None)
    table = TABLES[name]
    kind = table.kind
    assert kind == asked.kind
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
    rights = ["create", *["correct"] * (status != table.initial), *["assign"] * (item["assignee_id"] is not None)]
    if not all(_may(action, by, item) for action in rights):
        return _refused(("permission", ""))
    if status != table.initial and "reason" not in given:
        codes.add(("input", "input_missing"))
    if parent and _open(item) and not _open(parent):
        codes.add(("guard", "case_closed"))
    if codes:
        return _refused(*codes)
    return Expected("done", moved=_with_parent(None, item, parent))
