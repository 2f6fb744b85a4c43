"""Records: what a bus has told of its work, to be held against what the store has kept of it.

They need no model of what should have been decided: whatever was told must be there, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from casewright.application.commands.base import Command
from casewright.application.ports import Outbox, OutboxPointer, Store, UnitOfWork, shard_of
from casewright.application.reports import Outcome
from casewright.application.verifying import verify_stored
from casewright.domain.actors import Actor
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.events import Event
from casewright.domain.folding import apply, fold
from casewright.domain.ids import ItemId, NoteId, Tenant
from casewright.domain.items import Case, Item, Note, Task
from casewright.domain.json_values import canonical_json

__all__ = ["Call", "Record", "Records"]


@attrs.frozen(kw_only=True)
class Call:
    """One command as a bus is given it.

    Attributes:
        command: What is asked for.
        by: Who asks.
        at: The effective time (UTC).
        expected_version: The version of the item that the caller has seen, or None.
        item: The item as the caller has it, or None.
        bus: Which of several buses is asked.
    """

    command: Command[Any]
    by: Actor
    at: datetime
    expected_version: int | None = None
    item: Item | None = None
    bus: int = 0


@attrs.define
class Record:
    """What was told of one item.

    Attributes:
        versions: The item after each event.
        events: Its events.
        notes: Its notes.
        published: The versions of the events that are to be published.
    """

    versions: list[Item] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    notes: list[Note] = attrs.field(factory=list)
    published: list[int] = attrs.field(factory=list)

    @property
    def item(self) -> Item:
        """The item as it is now."""
        return self.versions[-1]


class Records:
    """What was told of all items, of all tenants.

    Args:
        store: What must have kept it; it held nothing before.
        definitions: What judges.
    """

    def __init__(self, store: Store, definitions: Iterable[TaskDefinition | CaseDefinition]) -> None:
        """Begin with nothing told."""
        self._store = store
        self._published = {one.name: one.published for one in definitions}
        self._records: dict[tuple[Tenant, ItemId], Record] = {}

    def of(self, tenant: Tenant, item_id: str) -> Record | None:
        """Return what was told of an item; None where there is none."""
        return self._records.get((tenant, ItemId(item_id)))

    def items(self, tenant: Tenant) -> list[Item]:
        """Return all items of a tenant as they are now, deleted ones too."""
        return [record.item for (owner, _), record in self._records.items() if owner == tenant]

    def ids(self) -> list[ItemId]:
        """Return the ids of all items of any tenant."""
        return list(dict.fromkeys(item_id for _, item_id in self._records))

    def item(self, tenant: Tenant, item_id: ItemId) -> Item:
        """Return an item as it is now."""
        return self._records[tenant, item_id].item

    def take(self, call: Call, outcome: Outcome[Any], *, events: Sequence[Event]) -> None:
        """Add what came of a command, which must be one event for each item that it changed (H1, H3).

        Args:
            call: The command.
            outcome: What the caller was answered.
            events: What was written, as it was reported.
        """
        assert len({event.item_id for event in events}) == len(events), "an item has two events of one command"
        expected = call.expected_version
        assert expected is None or not events or events[0].version == expected + 1, "another version was expected"
        for event in events:
            record = self._records.setdefault((event.tenant, event.item_id), Record())
            assert event.version == len(record.events) + 1, "a version was left out, or is there twice"
            told = (event.tenant, event.actor_id, event.on_behalf_of, event.occurred_at)
            assert told == (call.by.tenant, call.by.id, call.by.on_behalf_of, call.at), "the event is not the caller's"
            record.versions.append(apply(record.item if record.versions else None, event))
            record.events.append(event)
            published = self._published[events[0].definition]
            if published is None or events[0].action in published:
                record.published.append(event.version)
        own = self._records[call.by.tenant, outcome.item.id]
        assert outcome.item == own.item if events else outcome.item in own.versions, "the item is not what was told"
        if events and events[0].action == "add_note":
            own.notes.append(_note(call, events[0]))

    def check_items(self, tenant: Tenant, item_ids: Iterable[str]) -> None:
        """Demand that the store has these items as they were told, and no event beyond that (E2, H2)."""
        with self._store.begin(tenant=tenant, write=False) as uow:
            for item_id in item_ids:
                record = self.of(tenant, item_id)
                if record is None:
                    found = (uow.items.get(item_id), *uow.history(item_id), *uow.notes(item_id))
                    assert found == (None,), "something is there that nobody told"
                else:
                    assert uow.items.get(item_id) == record.item, "the row is not what was told"
                    assert not uow.history(item_id, after=record.item.version), "an event is there that nobody told"

    def check(self) -> None:
        """Demand that the store has kept all that was told, and nothing else (E3, H1, H2, H5, L2, O1)."""
        for tenant in sorted({owner for owner, _ in self._records}):
            others = {item_id for _, item_id in self._records if (tenant, item_id) not in self._records}
            self.check_items(tenant, sorted(others))
            with self._store.begin(tenant=tenant, write=False) as uow:
                items = [_checked(uow, record) for (owner, _), record in self._records.items() if owner == tenant]
                if isinstance(uow, Outbox):
                    expected = sorted(self._pointers(tenant), key=lambda one: (one.item_id, one.version))
                    assert list(uow.pending(limit=len(expected) + 1)) == expected, "the outbox is not what was told"
            for case in items:
                if isinstance(case, Case):
                    tasks = [item for item in items if isinstance(item, Task) and item.case_id == case.id]
                    assert case.open_tasks == sum(task.open for task in tasks), "a case has not counted its open tasks"

    def _pointers(self, tenant: Tenant) -> Iterator[OutboxPointer]:
        for (owner, item_id), record in self._records.items():
            if owner == tenant:
                shard = shard_of(tenant, item_id)
                for version in record.published:
                    yield OutboxPointer(shard=shard, tenant=tenant, item_id=item_id, version=version)


def _checked(uow: UnitOfWork, record: Record) -> Item:
    """The item as the store has it, which must be what was told and what its history makes."""
    item_id = record.item.id
    item, events, notes = uow.items.get(item_id), uow.history(item_id), uow.notes(item_id)
    assert item is not None, "the row is gone"
    assert item == record.item, "the row is not what was told"
    held, told = canonical_json(item.attributes), canonical_json(record.item.attributes)
    assert held == told, "the attributes are not what was told: 1 is not True"
    assert list(events) == record.events, "the history is not what was told"
    assert list(notes) == record.notes, "the notes are not what was told"
    assert [event.version for event in events] == list(range(1, item.version + 1)), "versions and events differ"
    assert fold(events) == item, "the row is not what the history makes"
    assert verify_stored(item, events, notes) == (), "what is kept does not prove itself"
    return item


def _note(call: Call, event: Event) -> Note:
    inputs: Any = {} if event.payload is None else event.payload.inputs
    body: Any = call.command.ask().inputs["body"]
    return Note(
        id=NoteId(inputs["note_id"]),
        tenant=event.tenant,
        item_id=event.item_id,
        version=event.version,
        body=body,
        author_id=call.by.id,
        created_at=call.at,
    )
