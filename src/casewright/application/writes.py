"""What a unit of work hands to its store (rows, events, notes, pointers), and what may be recorded at all."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Final

import attrs

from casewright.application.ledger import LedgerEntry
from casewright.application.ports import OutboxPointer
from casewright.domain.events import COUNTER_ACTIONS, Change, Event
from casewright.domain.folding import evolve
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Case, Item, Note, Task
from casewright.errors import AlreadyExistsError, MisuseError, StaleVersionError

__all__ = ["RowWrite", "Writes", "check_changes"]

_FIELDS: Final = {
    cls: tuple(field.name for field in attrs.fields(cls) if field.name not in {"id", "tenant"}) for cls in (Task, Case)
}
_VALUES: Final = {cls: attrgetter(*names) for cls, names in _FIELDS.items()}


@attrs.frozen
class RowWrite:
    """One row to be written: all changes of one item together.

    Attributes:
        before: The item that the first change was decided on; None where it is new.
        after: The item after the last change.
    """

    before: Item | None
    after: Item

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the fields that the changes have set: only these are to be written."""
        before, cls = self.before, type(self.after)
        if before is None:
            return _FIELDS[cls]
        pairs = zip(_FIELDS[cls], _VALUES[cls](before), _VALUES[cls](self.after), strict=True)
        return tuple([name for name, old, new in pairs if old is not new])

    def onto(self, present: Item | None) -> Item:
        """Compare, and return the item that takes the place of the present one, without writing anything.

        It is right only where nobody else can write until this is written: under a lock, or where the store itself
        refuses it if the row has changed since it was read.

        Args:
            present: The item as it is committed; None where there is none.

        Returns:
            The item after the changes; of a present one, only what was changed is set.

        Raises:
            StaleVersionError: The present item has another version, or another head, than ``before``.
            AlreadyExistsError: The id of a new item is taken.
        """
        before, after = self.before, self.after
        if before is None:
            if present is not None:
                raise AlreadyExistsError(after.id)
            return after
        if present is None or (present.version, present.head) != (before.version, before.head):
            raise StaleVersionError(after.id, before.version, None if present is None else present.version)
        return after if present is before else evolve(present, {name: getattr(after, name) for name in self.changed})


@attrs.frozen
class Writes:
    """All that a unit writes, in the order in which it is to be written.

    A row that is there already is compared and set: it must still have the version and the head of its ``before``, else
    nothing of all this may be written.

    Attributes:
        rows: One for each item, by kind and id, so that two units never wait for each other.
        events: One or more for each row, those of an item by version.
        notes: In the order in which they were recorded. Their ids are no item's: a note and an item may have the same.
        pointers: One for each event that is to be published.
        entries: Idempotency keys, by actor and key; also where nothing else is written. One that is taken is an
            AlreadyExistsError with ``what="key"``. None in a unit that is no `Ledger`.
    """

    rows: tuple[RowWrite, ...]
    events: tuple[Event, ...]
    notes: tuple[Note, ...]
    pointers: tuple[OutboxPointer, ...]
    entries: tuple[LedgerEntry, ...] = ()


def check_changes(changes: Iterable[Change[Any]], tenant: Tenant) -> None:
    """Check what can be seen of changes without the store.

    Args:
        changes: Those of one decision, or of several.
        tenant: Whose they must be.

    Raises:
        MisuseError: One cannot be recorded, or one that belongs to another is missing.
    """
    counted: dict[str, ItemId] = {}
    owed: dict[str, ItemId] = {}
    for change in changes:
        _check_change(change, tenant)
        event = change.event
        if event.action in COUNTER_ACTIONS:
            counted[f"{event.causation_id} {event.action}"] = event.item_id
        elif isinstance(change.after, Task) and change.after.case_id is not None:
            was_open = change.before is not None and change.before.open
            if was_open is not change.after.open:
                owed[f"{event.id} {'task_closed' if was_open else 'task_opened'}"] = change.after.case_id
    if counted != owed:
        advice = "record all changes of a decision in one call: uow.record(*verdict.changes), each sealed"
        raise MisuseError("of a task and the case that counts it, one was left out", advice)


def _check_change(change: Change[Any], tenant: Tenant) -> None:
    if not isinstance(change, Change):
        raise MisuseError(f"a {type(change).__name__} is no change", "record what seal() gave")
    before, after, event = change.before, change.after, change.event
    if not _is_whole(change):
        raise MisuseError("a change lacks its item or its event", "record what seal() gave")
    if not event.digest or after.head != event.digest:
        raise MisuseError("a change is not sealed", "seal it: uow.record(seal(change, recorded_at=...))")
    if event.tenant != tenant or after.tenant != tenant:
        raise MisuseError("a change is of another tenant", "begin a unit of work for the actor's tenant")
    linked = (1, "") if before is None else (before.version + 1, before.head)
    follows = (event.version, event.previous) == linked and event.version == after.version
    fits = (event.item_id, event.kind) == (after.id, after.kind) and (before is None or before.id == after.id)
    own = (event.tenant, event.item_id, event.version)
    strays = [note for note in change.notes if (note.tenant, note.item_id, note.version) != own]
    if not (follows and fits) or strays:
        raise MisuseError("a change does not fit its event", "record what decide() answered, sealed and not edited")


def _is_whole(change: Change[Any]) -> bool:
    items = type(change.after) in _FIELDS and (change.before is None or type(change.before) is type(change.after))
    notes = isinstance(change.notes, tuple) and all(isinstance(note, Note) for note in change.notes)
    return items and notes and isinstance(change.event, Event)
