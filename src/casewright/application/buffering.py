"""`BufferingUnitOfWork`: everything about a unit of work that is the same for every store.

It checks what is recorded, lets the changes of one item chain, shows the unit its own records, and hands all of it to
the adapter at once. So an adapter writes one load and one flush.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, Self

import attrs

from casewright.application.ports import Items, OutboxPointer, shard_of
from casewright.domain.events import COUNTER_ACTIONS, Change, Event
from casewright.domain.folding import evolve
from casewright.domain.ids import ItemId, Tenant, as_item_id, as_tenant
from casewright.domain.items import Case, Item, Note, Task
from casewright.domain.values import as_integer
from casewright.errors import AlreadyExistsError, InvalidInputError, MisuseError, StaleVersionError

__all__ = ["BufferingUnitOfWork", "RowWrite", "Writes", "check_changes"]

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
    """

    rows: tuple[RowWrite, ...]
    events: tuple[Event, ...]
    notes: tuple[Note, ...]
    pointers: tuple[OutboxPointer, ...]


class BufferingUnitOfWork(ABC):
    """A unit of work that keeps what is recorded until `commit`. An adapter derives from it.

    Args:
        tenant: Whose data it reads and writes.
        write: Whether it may record.
    """

    def __init__(self, tenant: str, *, write: bool) -> None:
        """Begin with nothing recorded."""
        self.tenant: Tenant = as_tenant(tenant)
        self._write = write
        self._changes: list[Change[Any]] = []
        self._rows: dict[ItemId, RowWrite] = {}
        self._ended = False
        self._conflict = False

    # ------------------------------------------------------------ what an adapter writes

    @abstractmethod
    def _load(self, item_id: ItemId, *, lock: bool) -> Item | None:
        """Return the item of the tenant as it is committed; None where there is none."""

    @abstractmethod
    def _flush(self, writes: Writes) -> None:
        """Write all of it and commit, or raise and leave nothing of it.

        Raises:
            StaleVersionError: A row has not the version and head that it was decided on.
            AlreadyExistsError: A new row, or a new note, has an id that is taken.
        """

    @abstractmethod
    def _end(self) -> None:
        """Give back what the unit holds, and undo what is not committed. Called once, however the unit ends."""

    @abstractmethod
    def _history(self, item_id: ItemId, *, after: int, limit: int | None) -> Sequence[Event]:
        """Return the committed events of an item of the tenant, by version; see `UnitOfWork.history`."""

    @abstractmethod
    def _notes(self, item_id: ItemId) -> Sequence[Note]:
        """Return the committed notes of an item of the tenant, in the order in which they were added."""

    # ------------------------------------------------------------ what an adapter calls in methods of its own

    def _check_open(self) -> None:
        """Check that the unit can still be used.

        Raises:
            MisuseError: It has ended, or met a conflict.
        """
        if self._ended:
            raise MisuseError("the unit of work has ended", "begin a new one")
        if self._conflict:
            raise MisuseError("the unit of work met a conflict or was interrupted", "roll it back, and begin a new one")

    def _check_complete(self) -> None:
        """Check that the unit can read more than single items: the first line of `Listing.count`.

        What it has recorded itself is not written yet, so a list would lack it, and a rule that counts would be wrong.

        Raises:
            MisuseError: It has recorded something; or as for `_check_open`.
        """
        self._check_open()
        if self._changes:
            problem = "a unit of work that has recorded changes was asked for a list, a history or notes"
            raise MisuseError(problem, "commit first; of what is recorded only single items can be read")

    def _check_limit(self, limit: int) -> int:
        """Check as `_check_complete` does, and return the limit: the first line of `find` and of `pending`.

        Raises:
            MisuseError: As for `_check_complete`.
            InvalidInputError: The limit is no integer from 1.
        """
        self._check_complete()
        return as_integer(limit, "limit", least=1)

    # ------------------------------------------------------------ what is the same for all

    @property
    def items(self) -> Items:
        """The items of the tenant."""
        return self

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        """See `Items.get`."""
        self._check_open()
        item_id = _possible(id)
        if item_id is None:
            return None
        row = self._rows.get(item_id)
        return self._load(item_id, lock=lock) if row is None else row.after

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """See `UnitOfWork.history`."""
        self._check_complete()
        least = as_integer(after, "after", least=0)
        most = None if limit is None else as_integer(limit, "limit", least=1)
        item_id = _possible(id)
        return () if item_id is None else self._history(item_id, after=least, limit=most)

    def notes(self, id: str) -> Sequence[Note]:
        """See `UnitOfWork.notes`."""
        self._check_complete()
        item_id = _possible(id)
        return () if item_id is None else self._notes(item_id)

    def record(self, *changes: Change[Any]) -> None:
        """See `UnitOfWork.record`."""
        self._check_open()
        if not self._write:
            raise MisuseError("a unit of work that only reads was given changes", "begin it with write=True")
        check_changes(changes, self.tenant)
        self._conflict = True  # until all is taken, so that whatever is raised in between leaves nothing to commit
        for change in changes:
            self._take(change)
        self._changes += changes
        self._conflict = False

    def commit(self) -> None:
        """See `UnitOfWork.commit`."""
        self._check_open()
        try:
            if self._changes:
                self._flush(self._writes())
        finally:
            self._finish()

    def rollback(self) -> None:
        """See `UnitOfWork.rollback`."""
        if not self._ended:
            self._finish()

    def __enter__(self) -> Self:
        """Return the unit."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Roll back unless the unit has ended."""
        self.rollback()

    def _finish(self) -> None:
        self._changes = []
        self._rows = {}
        try:
            self._end()
        finally:  # not before: what interrupts on the way here must not keep the block from giving back what is held
            self._ended = True

    def _take(self, change: Change[Any]) -> None:
        """Put the change on top of what was recorded of its item before."""
        before, after = change.before, change.after
        row = self._rows.get(after.id)
        if row is None:
            self._rows[after.id] = RowWrite(before, after)
            return
        if before is None:
            raise AlreadyExistsError(after.id)
        if (before.version, before.head) != (row.after.version, row.after.head):
            raise StaleVersionError(after.id, before.version, row.after.version)
        self._rows[after.id] = RowWrite(row.before, after)

    def _writes(self) -> Writes:
        changes, rows = self._changes, self._rows.values()
        published = (change.event for change in changes if change.published)
        return Writes(
            tuple(rows if len(rows) == 1 else sorted(rows, key=lambda row: (row.after.kind, row.after.id))),
            tuple([change.event for change in changes]),
            tuple([note for change in changes for note in change.notes]),
            tuple([_pointer(event) for event in published]),
        )


def _possible(id: str) -> ItemId | None:
    """The id, or None for one that no item can have: not every store could even look for it (S2)."""
    try:
        return as_item_id(id)
    except InvalidInputError:
        return None


def _pointer(event: Event) -> OutboxPointer:
    tenant, item_id = event.tenant, event.item_id
    return OutboxPointer(shard=shard_of(tenant, item_id), tenant=tenant, item_id=item_id, version=event.version)


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
