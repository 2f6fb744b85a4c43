"""A naive second `decide`, written from the design alone: the oracle that the real one is compared with (E2).

Items are plain dicts, every question is a scan of plain lists, nothing is prepared or remembered. Rules and guards are
called as the functions that they are; what surrounds them is told anew here.

Longer than 300 lines, because an oracle is read from top to bottom beside the design.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from casewright import Actor, Category, Guard, Input, Priority, actor, choice, instant, mapping, names, text

Item = dict[str, Any]
Codes = set[tuple[str, str]]

CLOSED = ("done", "cancelled")
VERB_INPUTS: dict[str, tuple[Input, ...]] = {
    "edit": (
        text("title", max_length=500, optional=True),
        text("description", optional=True, clearable=True),
        choice("priority", Priority, optional=True, clearable=True),
        mapping("attributes", optional=True),
    ),
    "assign": (actor("assignee_id"),),
    "claim": (),
    "release": (),
    "set_due": (instant("due_at", clearable=True),),
    "tag": (names("add", optional=True), names("remove", optional=True)),
    "add_note": (text("body"), text("note_id", max_length=255)),
    "correct": (text("status"), text("reason", max_length=2000)),
    "delete": (),
}
FIELDS = (
    *("id", "tenant", "definition", "lifecycle_version", "status", "category", "version", "title", "description"),
    *("priority", "created_by", "created_at", "updated_at", "assignee_id", "due_at", "closed_at", "deleted_at", "tags"),
)


class MisusedError(Exception):
    """The design calls this question misuse."""


@dataclass(frozen=True)
class Answer:
    """What should come out: yes with both items as they are then, or no with the phase and code of each reason."""

    reasons: frozenset[tuple[str, str]] = frozenset()
    item: Item | None = None
    parent: Item | None = None

    @property
    def permitted(self) -> bool:
        """Whether the answer is yes."""
        return not self.reasons


def observed(item: Any) -> Item:
    """Return everything that can be seen of a real item, but its head, as a plain dict."""
    seen = {name: getattr(item, name) for name in FIELDS}
    seen["category"] = str(item.category)
    seen["kind"] = item.kind
    seen["attributes"] = thawed(item.attributes)
    seen["performers"] = list(zip(item.performers[::2], item.performers[1::2], strict=True))
    own = "open_tasks" if item.kind == "case" else "case_id"
    seen[own] = getattr(item, own)
    return seen


def thawed(value: Any) -> Any:
    """Return a JSON value made of plain dicts and tuples."""
    if isinstance(value, Mapping):
        return {key: thawed(part) for key, part in value.items()}
    return tuple(map(thawed, value)) if isinstance(value, (tuple, list)) else value


def inputs_of(definition: Any, item: Item, action: str) -> tuple[Input, ...]:
    """Return what the action takes from where the item is; of several transitions elsewhere, those of the first."""
    if action in VERB_INPUTS:
        return _verb_inputs(lifecycle_of(definition, item), action)
    found = [step for step in lifecycle_of(definition, item).transitions if step.action == action]
    here = [step for step in found if item["status"] in step.sources]
    return (here or found)[0].inputs if found else ()


def decide(
    definition: Any,
    item: Item,
    action: str,
    inputs: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    parent: Item | None = None,
) -> Answer:
    """Answer as the design says."""
    denied = _denied(definition, item, action, by)
    if denied:
        return Answer(frozenset(denied))
    if item["deleted_at"] is not None:
        return Answer(frozenset({("state", "deleted")}))
    if action == "read":
        return Answer(item=item, parent=parent)
    lifecycle = lifecycle_of(definition, item)
    codes, step = _place(lifecycle, item, action, by)
    if step is None and action not in VERB_INPUTS:
        return Answer(frozenset(codes))
    specs = _verb_inputs(lifecycle, action) if step is None else step.inputs
    lacking = _lacking(specs, inputs) | _lacking_fields(definition, specs, inputs, whole=False)
    values = None if lacking else _accepted(specs, inputs)
    target = _target(action, step, values)
    category = item["category"] if target is None else str(lifecycle.states[target])
    guards = (*(() if step is None else step.guards), *definition.guards.get(action, ()))
    codes |= lacking | _guarded(guards, item, values, facts=facts or {}, at=at, category=category)
    codes |= set() if ("state", "wrong_state") in codes else _against_case(item, action, category, parent)
    if codes or values is None:
        return Answer(frozenset(codes))
    changes = _verb_changes(item, action, values, by, at) if step is None else _effects(step.effects, values)
    if changes is None:
        return Answer(item=item, parent=parent)
    after = {**item, **_merged(item, changes), "version": item["version"] + 1, "updated_at": at}
    _move(after, item["category"], target or item["status"], category, at)
    _remember(after, action, by)
    return Answer(item=after, parent=_counted(item, after, parent, at))


def create(
    definition: Any, id: str, *, by: Actor, at: datetime, given: Mapping[str, Any], parent: Item | None = None
) -> Answer:
    """Answer for a creation as the design says."""
    lifecycle = definition.lifecycle
    initial = lifecycle.initial
    several = isinstance(initial, frozenset) and len(initial) > 1
    specs = (
        text("title", max_length=500),
        *VERB_INPUTS["edit"][1:],
        actor("assignee_id", optional=True),
        instant("due_at", optional=True),
        names("tags", optional=True),
        choice("status", lifecycle.states, optional=not several),
        text("reason", max_length=2000, optional=True),
    )
    given = {name: value for name, value in given.items() if value is not None}  # None is not given
    codes = _lacking(specs, given) | _lacking_fields(definition, specs, given, whole=True)
    sound = [spec for spec in specs if spec.name in given and not _lacking([spec], {spec.name: given[spec.name]})]
    values = _accepted(sound, given)
    status = values.get("status", sorted(initial)[0] if isinstance(initial, frozenset) else initial[0])
    item: Item = dict.fromkeys(FIELDS) | {"kind": definition.kind, "title": "", "tags": (), "attributes": {}}
    item |= {"id": id, "tenant": by.tenant, "definition": definition.name, "lifecycle_version": lifecycle.version}
    item |= {"version": 1, "created_by": by.id, "created_at": at, "updated_at": at, "performers": []}
    item |= {"open_tasks": 0} if definition.kind == "case" else {"case_id": parent and parent["id"]}
    item |= _merged(item, {name: value for name, value in values.items() if name not in ("status", "reason")})
    _move(item, "", status, str(lifecycle.states[status]), at)
    _remember(item, "create", by)
    asked = ["create", *(["correct"] if status not in initial else []), *(["assign"] if item["assignee_id"] else [])]
    denied = {code for action in asked for code in _ruled(definition, item, action, by)}
    if denied:
        return Answer(frozenset(denied))
    if status not in initial and "reason" not in given:
        codes.add(("input", "input_missing"))
    codes |= _guarded(
        definition.guards.get("create", ()), item, None if codes else values, facts={}, at=at, category=""
    )
    if parent is not None and _open(item) and not _open(parent):
        codes.add(("guard", "case_closed"))
    return Answer(frozenset(codes)) if codes else Answer(item=item, parent=_counted(None, item, parent, at))


def may_read(definition: Any, item: Item, by: Actor) -> bool:
    """Return whether the actor may see the item, deleted or not."""
    return not _denied(definition, item, "read", by)


def lifecycle_of(definition: Any, item: Item) -> Any:
    """Return the lifecycle that the item is pinned to."""
    held = (definition.lifecycle, *definition.earlier)
    return next(one for one in held if one.version == item["lifecycle_version"])


def _place(lifecycle: Any, item: Item, action: str, by: Actor) -> tuple[Codes, Any]:
    """What the state has against the action, and its transition: elsewhere only where there is just one of the name."""
    if action in VERB_INPUTS:
        held = action == "claim" and item["assignee_id"] not in (None, by.id)
        return ({("state", "already_assigned")} if held else set()), None
    named = [step for step in lifecycle.transitions if step.action == action]
    here = [step for step in named if item["status"] in step.sources]
    if here:
        return set(), here[0]
    if not named:
        return {("state", "unknown_action")}, None
    return {("state", "wrong_state")}, named[0] if len(named) == 1 else None


def _seen(item: Item) -> Any:
    """The item as rules and guards look at it."""
    priority = None if item["priority"] is None else Priority(item["priority"])
    fields = {**item, "category": Category(item["category"]), "priority": priority}
    fields["performers"] = tuple(part for pair in item["performers"] for part in pair)
    return SimpleNamespace(**fields)


def _denied(definition: Any, item: Item, action: str, by: Actor) -> Codes:
    if by.tenant != item["tenant"] or _ruled(definition, item, "read", by):
        return {("permission", "not_visible")}
    return _ruled(definition, item, action, by)


def _ruled(definition: Any, item: Item, action: str, by: Actor) -> Codes:
    rule = definition.authorization.rules.get(action, definition.authorization.default)
    if rule is None:
        return {("permission", "no_rule")}
    ruling = rule(by, _seen(item))
    return set() if str(ruling.kind) == "grant" else {("permission", reason.code) for reason in ruling.reasons}


def _verb_inputs(lifecycle: Any, action: str) -> tuple[Input, ...]:
    specs = VERB_INPUTS[action]
    return (choice("status", lifecycle.states), *specs[1:]) if action == "correct" else specs


def _lacking(specs: Iterable[Input], given: Mapping[str, Any]) -> Codes:
    codes = {("input", "input_unknown") for name in given if name not in [spec.name for spec in specs]}
    for spec in specs:
        value = given.get(spec.name)
        if spec.name not in given or (value is None and not spec.clearable):
            codes |= set() if spec.optional else {("input", "input_missing")}
        elif value is not None and spec.kind == "choice" and value not in spec.choices:
            codes.add(("input", "input_not_a_choice"))
        elif isinstance(value, str) and spec.kind in ("text", "actor", "instant") and not value.strip():
            codes.add(("input", "input_blank"))
    return codes


def _lacking_fields(definition: Any, specs: Iterable[Input], given: Mapping[str, Any], *, whole: bool) -> Codes:
    """What typed attributes lack: all of them on create, else only those that are set or removed."""
    if definition.fields is None or "attributes" not in [spec.name for spec in specs]:
        return set()
    declared = {spec.name for spec in definition.fields}
    given = given.get("attributes") or {}
    given = {name: value for name, value in given.items() if whole or value is not None or name in declared}
    asked = [spec for spec in definition.fields if whole or spec.name in given]
    return _lacking(asked, given)


def _accepted(specs: Iterable[Input], given: Mapping[str, Any]) -> Item:
    values: Item = {}
    for spec in specs:
        value: Any = given.get(spec.name)
        if spec.name not in given or (value is None and not spec.clearable):
            continue
        if spec.kind == "instant" and value is not None:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            value = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        values[spec.name] = tuple(sorted(set(value or ()))) if spec.kind == "names" else thawed(value)
    return values


def _target(action: str, step: Any, values: Item | None) -> str | None:
    if action == "correct" and values is not None:
        return str(values["status"])
    return None if step is None else str(step.target)


def _guarded(
    guards: Iterable[Guard],
    item: Item,
    values: Item | None,
    *,
    facts: Mapping[str, Any],
    at: datetime,
    category: str,
) -> Codes:
    codes: Codes = set()
    for guard in guards:
        if repr(guard) == "no_open_tasks()":
            if category in CLOSED and item["category"] not in CLOSED and item.get("open_tasks"):
                codes.add(("guard", "open_tasks"))
        elif guard.inputs and values is None:
            continue
        elif any(name not in facts for name in guard.facts):
            codes.add(("guard", "fact_missing"))
        else:
            try:
                answer: Any = guard.function(_seen(item), values or {}, facts, at)
            except Exception:  # noqa: BLE001 - a guard may raise anything
                answer = None
            if answer is not True:
                codes.add(("guard", guard.code if answer is False else "guard_error"))
    return codes


def _open(item: Item) -> bool:
    return item["deleted_at"] is None and item["category"] not in CLOSED


def _against_case(item: Item, action: str, category: str, parent: Item | None) -> Codes:
    if item["kind"] == "case":
        return {("guard", "open_tasks")} if action == "delete" and item["open_tasks"] else set()
    becomes_open = category not in CLOSED and action != "delete"
    if item["case_id"] is None or becomes_open is _open(item):
        return set()
    if parent is None or (parent["id"], parent["tenant"]) != (item["case_id"], item["tenant"]):
        raise MisusedError
    return {("guard", "case_closed")} if becomes_open and not _open(parent) else set()


def _verb_changes(item: Item, action: str, values: Item, by: Actor, at: datetime) -> Item | None:
    """The fields that a verb sets; None where it changes nothing."""
    wanted = dict(values)
    if action == "edit":
        there = item["attributes"]
        delta = {k: v for k, v in wanted.pop("attributes", {}).items() if repr(there.get(k)) != repr(v)}
        wanted = {name: value for name, value in wanted.items() if item[name] != value}
        wanted |= {"attributes": delta} if delta else {}
    elif action == "claim":
        wanted = {"assignee_id": by.id} if item["assignee_id"] is None else {}
    elif action == "release":
        wanted = {"assignee_id": None} if item["assignee_id"] is not None else {}
    elif action == "tag":
        tags = tuple(sorted((set(item["tags"]) | set(wanted.get("add", ()))) - set(wanted.get("remove", ()))))
        wanted = {"tags": tags} if tags != item["tags"] else {}
    elif action in ("assign", "set_due"):
        wanted = {} if _merged(item, wanted).items() <= item.items() else wanted
    elif action == "correct":
        return None if values["status"] == item["status"] else {}
    elif action == "delete":
        return {"deleted_at": at}
    elif action == "add_note":
        return {}
    return wanted or None


def _effects(effects: Iterable[Any], values: Item) -> Item:
    changes: Item = {}
    for effect in effects:
        if effect.source is None or effect.source in values:
            value = thawed(effect.value) if effect.source is None else values[effect.source]
            name, _, key = effect.field.partition(".")
            changes[name] = {**changes.get(name, {}), key: value} if key else value
    return changes


def _merged(item: Item, changes: Item) -> Item:
    """Field changes as the item holds them."""
    fields = dict(changes)
    if "attributes" in fields:
        merged = {**item["attributes"], **fields["attributes"]}
        fields["attributes"] = {key: value for key, value in merged.items() if value is not None}
    if fields.get("due_at") is not None:
        fields["due_at"] = datetime.fromisoformat(fields["due_at"])
    return fields


def _move(item: Item, category_before: str, status: str, category: str, at: datetime) -> None:
    item |= {"status": status, "category": category}
    if (category in CLOSED) is not (category_before in CLOSED):
        item["closed_at"] = at if category in CLOSED else None


def _remember(item: Item, action: str, by: Actor) -> None:
    for actor_id in () if action in VERB_INPUTS else (by.id, by.on_behalf_of):
        if actor_id is not None and (action, actor_id) not in item["performers"]:
            item["performers"] = [*item["performers"], (action, actor_id)]


def _counted(before: Item | None, after: Item, parent: Item | None, at: datetime) -> Item | None:
    if parent is None or after["kind"] == "case" or (before is not None and _open(before)) is _open(after):
        return parent
    step = 1 if _open(after) else -1
    counted = {"open_tasks": parent["open_tasks"] + step, "version": parent["version"] + 1, "updated_at": at}
    return {**parent, **counted}
