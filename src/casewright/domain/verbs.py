"""Verbs: the internal transitions that every definition has, each with its inputs and its pure work.

A verb leads to no status of its own (``correct`` to the one it is given). Its work answers what would change, or None
where nothing would: then nothing is written. What the verbs and their events are called is said in `events`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import attrs

from casewright.domain.actors import Actor
from casewright.domain.folding import merged_tags
from casewright.domain.history import note_digest
from casewright.domain.inputs import Input, actor, choice, instant, mapping, names, text
from casewright.domain.items import Note, WorkItem
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue, canonical_json, freeze_object
from casewright.domain.reasons import Phase, Reason
from casewright.domain.values import MAX_ID, MAX_TAGS, MAX_TITLE, Priority, instant_text
from casewright.errors import InvalidInputError

__all__ = ["CREATE_INPUTS", "REASON", "VERB_TABLE", "Verb", "Work"]

REASON: Final = text("reason", max_length=2000)
_TITLE: Final = text("title", max_length=MAX_TITLE)

CREATE_INPUTS: Final = (
    _TITLE,
    text("description", optional=True),
    choice("priority", Priority, optional=True),
    actor("assignee_id", optional=True),
    instant("due_at", optional=True),
    names("tags", optional=True),
    mapping("attributes", optional=True),
)
"""What ``create`` takes besides id, status and reason."""


@attrs.define
class Work:
    """What a verb does.

    Attributes:
        changes: The fields it sets, in the form of a payload.
        inputs: What is recorded of its inputs beyond these.
        notes: The notes it adds.
    """

    changes: Mapping[str, JsonValue] = EMPTY
    inputs: FrozenMapping[JsonValue] = EMPTY
    notes: tuple[Note, ...] = ()


Worker: TypeAlias = Callable[[Any, Mapping[str, Any], Actor, datetime], Work | None]
Blocker: TypeAlias = Callable[[Any, Actor], Reason | None]


@attrs.frozen
class Verb:
    """One internal transition.

    Attributes:
        name: Its reserved name.
        inputs: What it takes.
        work: ``(item, inputs, actor, at)`` to what changes, or None where nothing does.
        blocked: ``(item, actor)`` to the reason why it cannot be done now, whatever the inputs; or None.
        sets_status: Whether it leads to the status that its input ``status`` names.
        deletes: Whether the item is deleted then.
    """

    name: str
    inputs: tuple[Input, ...]
    work: Worker
    blocked: Blocker | None = None
    sets_status: bool = attrs.field(default=False, kw_only=True)
    deletes: bool = attrs.field(default=False, kw_only=True)

    def inputs_among(self, statuses: Iterable[str]) -> tuple[Input, ...]:
        """Return what it takes where these are the statuses that there are."""
        if not self.sets_status:
            return self.inputs
        return tuple(choice("status", statuses) if spec.name == "status" else spec for spec in self.inputs)


def _edit(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    changes = {name: value for name, value in values.items() if name != "attributes" and getattr(item, name) != value}
    delta = {
        key: part
        for key, part in values.get("attributes", EMPTY).items()
        if canonical_json(item.attributes.get(key)) != canonical_json(part)  # 1 is not True
    }
    if delta:
        freeze_object({**item.attributes, **delta}, "attributes")  # the whole must stay within the limit
        changes["attributes"] = FrozenMapping(delta)
    return Work(changes) if changes else None


def _assign(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    return None if item.assignee_id == values["assignee_id"] else Work(values)


def _claim(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    return None if item.assignee_id == by.id else Work({"assignee_id": by.id})


def _held_by_another(item: WorkItem, by: Actor) -> Reason | None:
    if item.assignee_id is None or item.assignee_id == by.id:
        return None
    return Reason("already_assigned", Phase.STATE, "someone else has it: ask them to release it, or have it assigned")


def _release(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    return None if item.assignee_id is None else Work({"assignee_id": None})


def _set_due(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    present = None if item.due_at is None else instant_text(item.due_at)
    return None if present == values["due_at"] else Work(values)


def _tag(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    tags = merged_tags(item.tags, values)
    if len(tags) > MAX_TAGS:
        raise InvalidInputError("tags", f"would be more than {MAX_TAGS}", "remove some")
    if tags == item.tags:
        return None
    # Only what changes, so that no later event repeats the words of one that is erased (H8).
    delta = {
        "add": tuple(t for t in tags if t not in item.tags),
        "remove": tuple(t for t in item.tags if t not in tags),
    }
    return Work({"tags": FrozenMapping({name: part for name, part in delta.items() if part})})


def _add_note(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    note = Note(
        id=values["note_id"],
        tenant=item.tenant,
        item_id=item.id,
        version=item.version + 1,
        body=values["body"],
        author_id=by.id,
        created_at=at,
    )
    digest = note_digest(note_id=note.id, item_id=item.id, author_id=by.id, body=note.body, created_at=at)
    return Work(EMPTY, FrozenMapping({"note_id": note.id, "digest": digest}), (note,))


def _correct(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    return None if item.status == values["status"] else Work(EMPTY, FrozenMapping({"reason": values["reason"]}))


def _delete(item: WorkItem, values: Mapping[str, Any], by: Actor, at: datetime) -> Work | None:
    return Work()


_EDIT_INPUTS: Final = (
    attrs.evolve(_TITLE, optional=True),
    text("description", optional=True, clearable=True),
    choice("priority", Priority, optional=True, clearable=True),
    mapping("attributes", optional=True),
)
_NOTE_INPUTS: Final = (text("body"), text("note_id", max_length=MAX_ID))

VERB_TABLE: Final[Mapping[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb("edit", _EDIT_INPUTS, _edit),
        Verb("assign", (actor("assignee_id"),), _assign),
        Verb("claim", (), _claim, _held_by_another),
        Verb("release", (), _release),
        Verb("set_due", (instant("due_at", clearable=True),), _set_due),
        Verb("tag", (names("add", optional=True), names("remove", optional=True)), _tag),
        Verb("add_note", _NOTE_INPUTS, _add_note),
        Verb("correct", (text("status", max_length=100), REASON), _correct, sets_status=True),
        Verb("delete", (), _delete, deletes=True),
    )
}
"""Every verb that is decided on an item that is there, in the order in which `actions` lists them."""
