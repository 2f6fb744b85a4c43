"""Idempotency keys: what a command is known by, and the answer that an earlier run has left. All of it is pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import attrs

from casewright.application.ledger import LedgerEntry
from casewright.application.plan import Done, Job
from casewright.application.reports import Outcome
from casewright.domain.events import COUNTER_ACTIONS, Event
from casewright.domain.folding import fold
from casewright.domain.ids import ItemId
from casewright.domain.items import Item, Note, Task
from casewright.errors import (
    AlreadyExistsError,
    HistoryError,
    IdempotencyKeyReusedError,
    MisuseError,
    StaleVersionError,
    StorageError,
    TransientStorageError,
)

__all__ = [
    "PAGE",
    "Past",
    "check_same",
    "counter_event",
    "entry_of",
    "first_read",
    "is_a",
    "is_last_word",
    "no_ledger",
    "past_of",
    "standing",
]

PAGE: Final = 64
"""How many events of a case are looked through at once for the one that counted a task."""


@lru_cache(maxsize=64)
def is_a(unit: type, port: type) -> bool:
    """Return whether units of a class have an optional protocol. To ask Python each time takes longer than to decide.

    Args:
        unit: The class.
        port: The protocol.
    """
    return issubclass(unit, port)


def no_ledger() -> MisuseError:
    """Return the error for a store that keeps no keys."""
    problem = "the store has no Ledger, so a command with a key cannot be kept from being done twice in it"
    return MisuseError(problem, "use a store that has one, or leave out key=")


def first_read(job: Job, *, lock: bool, believed: bool) -> tuple[bool, ItemId | None]:
    """Return whether the ledger is to be read before anything else, and what is read next.

    Where nothing is read before the write, the write alone tells that the key is taken, and the way to the store is
    spared: what is against the command is never the last word, since the ledger is asked again.

    Args:
        job: The job, which has a key.
        lock: Whether this is another attempt, in which rows are locked.
        believed: Whether the item that was given is decided on, without being loaded.
    """
    item_id = job.ask.case_id if job.creates else None if believed else job.item_id
    return lock or item_id is not None, None if lock else item_id


def entry_of(job: Job, done: Done, recorded_at: datetime) -> LedgerEntry:
    """Return what is entered under the job's key.

    Args:
        job: The job, which has a key.
        done: What it came to.
        recorded_at: When it is recorded.
    """
    after: Any = done.changes[0].after if done.changes else done.before
    return LedgerEntry(
        tenant=job.by.tenant,
        actor_id=job.by.id,
        key=str(job.key),
        command=type(job.command).__name__,
        fingerprint=job.fingerprint,
        item_id=after.id,
        version=after.version,
        changed=bool(done.changes),
        recorded_at=recorded_at,
    )


def check_same(job: Job, entry: LedgerEntry) -> None:
    """Check that the key was used for this very command (I3).

    Raises:
        IdempotencyKeyReusedError: It was used for another one.
    """
    if (entry.command, entry.fingerprint) != (type(job.command).__name__, job.fingerprint):
        raise IdempotencyKeyReusedError(str(job.key))


def is_last_word(error: Exception, *, last: bool) -> bool:
    """Return whether what an attempt met would be the caller's answer, unless a rival has entered the key meanwhile.

    Args:
        error: What it met.
        last: Whether no other attempt follows.
    """
    if isinstance(error, StaleVersionError):
        return last
    return not isinstance(error, (StorageError, IdempotencyKeyReusedError))


def standing(error: Exception) -> Exception:
    """Return what is raised where the ledger holds nothing after all: what the attempt met."""
    if isinstance(error, AlreadyExistsError) and error.what == "key":  # purged, or newer than a joined transaction sees
        problem = "the idempotency key is taken by an entry that this transaction cannot see, or that is purged by now"
        return TransientStorageError(problem, "try again, in a new transaction")
    return error


@attrs.frozen
class Past:
    """What a command did, as the history of the item tells it.

    Attributes:
        before: The item as the command found it; None where it made it.
        after: The item after it.
        event: Its event; None where it changed nothing.
    """

    before: Item | None
    after: Item
    event: Event | None

    @property
    def counted_on(self) -> ItemId | None:
        """The case whose counter it moved; None where it moved none."""
        after = self.after
        if self.event is None or not isinstance(after, Task) or after.case_id is None:
            return None
        was_open = self.before is not None and self.before.open
        return None if was_open is after.open else after.case_id

    def judged(self, today: Item) -> Item | None:
        """Return the item that must be readable: today's, or the one that the command found where nobody came since.

        So a retried `Release` or `Delete` gets its answer, though the first run has taken the right to read.

        Args:
            today: The item as it is now.

        Returns:
            The item; None where the command made it and nobody came since.
        """
        return self.before if self.event is not None and today.version == self.after.version else today

    def outcome(self, job: Job, notes: Sequence[Note], events: tuple[Event, ...]) -> Outcome[Any]:
        """Return the answer that the first run gave.

        Args:
            job: The job.
            notes: All notes of the item.
            events: What the caller may see of the events.

        Raises:
            HistoryError: It added a note that is not there any more. One that was erased is there, as `[erased]`.
        """
        own = tuple([note for note in notes if note.version == self.after.version])
        if self.event is not None and self.event.action == "add_note" and not own:
            raise HistoryError("the note that the command has added is not there any more")
        return Outcome(job.command.result(self.after, own), self.after, events, replayed=True)


def past_of(entry: LedgerEntry, events: Sequence[Event]) -> Past:
    """Return what a command did (I2).

    Args:
        entry: What it has left.
        events: The events of the item up to the version of the entry.

    Raises:
        HistoryError: They are no history up to there.
    """
    if len(events) != entry.version:
        raise HistoryError(f"the history ends before version {entry.version}, at which an idempotency key was recorded")
    *earlier, last = events
    after = fold(events)
    return Past(fold(earlier) if earlier else None, after, last) if entry.changed else Past(None, after, None)


def counter_event(page: Sequence[Event], event: Event) -> Event | None:
    """Return the event by which a case has counted a task.

    Args:
        page: Some of the events of the case.
        event: The event of the task.
    """
    for one in page:
        if one.causation_id == event.id and one.action in COUNTER_ACTIONS:
            return one
    return None
