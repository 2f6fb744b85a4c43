"""Tasks, cases and notes: plain frozen values, checked when they are made, changed only by events (E1)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar

import attrs

from casewright.domain import converters as convert
from casewright.domain.ids import (
    NO_TENANT,
    ActorId,
    ItemId,
    NoteId,
    Tenant,
    as_actor_id,
    as_item_id,
    as_note_id,
    as_tenant,
)
from casewright.domain.json_values import EMPTY, FrozenMapping, JsonValue
from casewright.domain.values import CLOSED_CATEGORIES, Category, Priority

__all__ = [
    "INSTANT_FIELDS",
    "INTEGER_FIELDS",
    "ITEM_FIELDS",
    "TEXT_FIELDS",
    "Case",
    "Item",
    "ItemT",
    "Kind",
    "Note",
    "Task",
    "WorkItem",
]

Kind: TypeAlias = Literal["task", "case"]


@attrs.frozen(kw_only=True, weakref_slot=False)
class WorkItem:
    """What a task and a case share. Not made by itself: make a `Task` or a `Case`.

    Attributes:
        kind: ``"task"`` or ``"case"``.
        id: Unique across kinds within the tenant.
        tenant: Whose data it is.
        definition: The name of the definition that judges it.
        lifecycle_version: The version of the lifecycle it was created under and stays under.
        status: One of that lifecycle's statuses.
        category: What the status means.
        version: How many events it has; also the optimistic lock.
        title: One to 500 characters.
        description: Longer text, or None.
        priority: Or None where undefined.
        created_by: The id of its creator.
        created_at: When, effectively (UTC).
        updated_at: The effective time of its last event (UTC).
        assignee_id: Who has it, or None.
        due_at: When it is due (UTC), or None.
        closed_at: When it entered a closed category (UTC); None while it is open.
        deleted_at: When it was deleted (UTC); None while it lives.
        tags: Sorted, each once.
        attributes: The team's own data, as JSON values.
        performers: Actions and the ids of all who did them, in turn, flat to be small: read it with `performers_of`.
        head: The digest of its last event; empty while unsealed.

    Raises:
        InvalidInputError: A value is of a wrong type, blank, over its limit, or a time is naive.
    """

    kind: ClassVar[Kind]

    id: ItemId = attrs.field(converter=as_item_id)
    tenant: Tenant = attrs.field(default=NO_TENANT, converter=as_tenant)
    definition: str = attrs.field(converter=convert.definition)
    lifecycle_version: int = attrs.field(default=1, converter=convert.lifecycle_version)
    status: str = attrs.field(converter=convert.status)
    category: Category = attrs.field(converter=convert.category)
    version: int = attrs.field(default=1, converter=convert.version)
    title: str = attrs.field(converter=convert.title)
    description: str | None = attrs.field(default=None, converter=convert.description)
    priority: Priority | None = attrs.field(default=None, converter=convert.priority)
    created_by: ActorId = attrs.field(converter=as_actor_id)
    created_at: datetime = attrs.field(converter=convert.created_at)
    updated_at: datetime = attrs.field(
        default=attrs.Factory(lambda self: self.created_at, takes_self=True), converter=convert.updated_at
    )
    assignee_id: ActorId | None = attrs.field(default=None, converter=convert.assignee_id)
    due_at: datetime | None = attrs.field(default=None, converter=convert.due_at)
    closed_at: datetime | None = attrs.field(default=None, converter=convert.closed_at)
    deleted_at: datetime | None = attrs.field(default=None, converter=convert.deleted_at)
    tags: tuple[str, ...] = attrs.field(default=(), converter=convert.tags)
    attributes: FrozenMapping[JsonValue] = attrs.field(default=EMPTY, converter=convert.attributes)
    performers: tuple[str, ...] = attrs.field(default=(), converter=convert.performers)
    head: str = attrs.field(default="", converter=convert.head)

    @property
    def open(self) -> bool:
        """Whether it still counts as open work: not in a closed category and not deleted."""
        return self.deleted_at is None and self.category not in CLOSED_CATEGORIES

    def performers_of(self, action: str) -> tuple[str, ...]:
        """Return the ids of all who did the action, and of the principals they stood in for, in order of first doing.

        Args:
            action: ``create`` or an action of the lifecycle.

        Returns:
            The ids, each once.
        """
        pairs = self.performers
        return tuple(pairs[place + 1] for place in range(0, len(pairs), 2) if pairs[place] == action)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Task(WorkItem):
    """A piece of work, alone or in a case.

    Attributes:
        case_id: The case it was created in, for ever; None where there is none.
    """

    kind: ClassVar[Kind] = "task"

    case_id: ItemId | None = attrs.field(default=None, converter=convert.case_id)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Case(WorkItem):
    """A matter that is decided in the end, with any number of tasks.

    Attributes:
        open_tasks: How many of its tasks are not closed and not deleted.
    """

    kind: ClassVar[Kind] = "case"

    open_tasks: int = attrs.field(default=0, converter=convert.open_tasks)


Item: TypeAlias = Task | Case
"""Either kind."""

ItemT = TypeVar("ItemT", bound=Item)

ITEM_FIELDS: Final = frozenset(field.name for cls in (Task, Case) for field in attrs.fields(cls)) | {"kind"}
"""The fields of either kind."""

INSTANT_FIELDS: Final = frozenset({"created_at", "updated_at", "due_at", "closed_at", "deleted_at"})
"""Those that hold an instant, or None."""

INTEGER_FIELDS: Final = frozenset({"lifecycle_version", "version", "open_tasks"})
"""Those that hold an integer."""

TEXT_FIELDS: Final = ITEM_FIELDS - INSTANT_FIELDS - INTEGER_FIELDS - {"tags", "attributes", "performers"}
"""Those that hold text, or None."""


@attrs.frozen(kw_only=True)
class Note:
    """A remark on an item. Its event carries its id and digest, never its text, so that it can be erased (H8).

    Attributes:
        id: Chosen by whoever adds it.
        tenant: Whose data it is.
        item_id: The item it is on.
        version: The version of the item that its event made.
        body: The text.
        author_id: Who wrote it.
        created_at: When, effectively (UTC).
    """

    id: NoteId = attrs.field(converter=as_note_id)
    tenant: Tenant = attrs.field(default=NO_TENANT, converter=as_tenant)
    item_id: ItemId = attrs.field(converter=as_item_id)
    version: int = attrs.field(converter=convert.version)
    body: str = attrs.field(converter=convert.body)
    author_id: ActorId = attrs.field(converter=as_actor_id)
    created_at: datetime = attrs.field(converter=convert.created_at)
