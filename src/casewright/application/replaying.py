"""Replaying: the answer of an earlier run under the same idempotency key, read from the history (I2, I6).

`async_replaying` has the same statements, which a test compares; what is judged is in `keys`.
"""

from __future__ import annotations

from typing import Any, cast

from casewright.application.keys import (
    PAGE,
    Past,
    check_same,
    counter_event,
    entry_of,
    first_read,
    is_a,
    no_ledger,
    past_of,
)
from casewright.application.ledger import Expecting, Ledger
from casewright.application.new_ids import Clock
from casewright.application.plan import Done, Job, seen
from casewright.application.ports import UnitOfWork
from casewright.application.registry import Registry
from casewright.application.reports import Outcome
from casewright.domain.events import Event
from casewright.domain.values import as_instant

__all__ = ["earlier", "enter", "replayed"]


def earlier(uow: UnitOfWork, job: Job, registry: Registry, *, lock: bool, believed: bool) -> Outcome[Any] | None:
    """Return what `replayed` does, at the beginning of an attempt: before the item is read, or else together with it.

    Args:
        uow: The unit of work to read in.
        job: The job, which has a key.
        registry: The definitions.
        lock: See `first_read`.
        believed: See `first_read`.
    """
    first, item_id = first_read(job, lock=lock, believed=believed)
    if not first:
        return None
    if item_id is not None and is_a(type(uow), Expecting):
        cast("Expecting", uow).expect(item_id)
    return replayed(uow, job, registry)


def enter(uow: UnitOfWork, job: Job, done: Done, clock: Clock) -> None:
    """Enter the job's key, to be committed with what it came to.

    Raises:
        MisuseError: The store keeps no keys.
        AlreadyExistsError: The key was entered meanwhile; or the commit says so.
    """
    _ledger(uow).enter(entry_of(job, done, as_instant(clock(), "clock")))


def replayed(uow: UnitOfWork, job: Job, registry: Registry) -> Outcome[Any] | None:
    """Return the answer of the run that has entered the job's key; None where none has.

    Args:
        uow: The unit of work to read in.
        job: The job, which has a key.
        registry: The definitions.

    Raises:
        MisuseError: The store keeps no keys.
        IdempotencyKeyReusedError: The key was used for another command (I3).
        Denied: The actor may not read the item any more (I6).
        UnknownDefinitionError: No definition here judges the item.
        HistoryError: The history is not what the entry was made of.
    """
    entry = _ledger(uow).entry(job.by.id, str(job.key))
    if entry is None:
        return None
    check_same(job, entry)
    item = uow.items.get(entry.item_id)
    past = past_of(entry, uow.history(entry.item_id, limit=entry.version))
    judged = item if item is None else past.judged(item)
    if item is None or judged is not None:
        seen(registry, judged, entry.item_id, job.by, job.ask.kind)
    adds = past.event is not None and past.event.action == "add_note"
    notes = uow.notes(entry.item_id) if adds else ()
    return past.outcome(job, notes, _events(uow, job, registry, past))


def _events(uow: UnitOfWork, job: Job, registry: Registry, past: Past) -> tuple[Event, ...]:
    """The events that the caller may see: that of the item, and that of the case that counts it."""
    if past.event is None:
        return ()
    case_id = past.counted_on
    case = None if case_id is None else uow.items.get(case_id)
    if case is None or not registry.may_read(case, job.by):
        return (past.event,)
    end = case.version  # from where it ends: mostly, a retry comes soon
    while end > 0:
        start = max(0, end - PAGE)
        found = counter_event(uow.history(case.id, after=start, limit=PAGE), past.event)
        if found is not None:
            return past.event, found
        end = start
    return (past.event,)


def _ledger(uow: UnitOfWork) -> Ledger:
    if not is_a(type(uow), Ledger):
        raise no_ledger()
    return cast("Ledger", uow)
