"""What came of a command: the outcome for its caller, and what those are told who watch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeAlias

import attrs

from casewright.application.commands.base import ResultT_co
from casewright.domain.events import Event
from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.domain.items import Item
from casewright.domain.reasons import Reason
from casewright.errors import ConflictError, NotFoundError, RefusedError, StorageError

__all__ = ["FailedAttempt", "Observer", "Outcome", "Report"]


@attrs.frozen
class Outcome(Generic[ResultT_co]):
    """What a command came to.

    Attributes:
        result: What the command answers with.
        item: The item after it.
        events: The event of the item, and that of the case whose counter it moved if the actor may read the case; empty
            where nothing changed.
        replayed: Whether this is the answer of an earlier run under the same idempotency key.
    """

    result: ResultT_co
    item: Item
    events: tuple[Event, ...] = ()
    replayed: bool = False


@attrs.frozen(kw_only=True)
class Report:
    """What observers are told: of each command that was committed or denied, and of each reading that was denied (H1).

    Attributes:
        action: What was asked for; of a reading, ``read``.
        item_id: Of which item.
        tenant: Whose data it is.
        actor_id: Who asked.
        on_behalf_of: The principal the actor stood in for, or None.
        at: The effective time (UTC).
        denial: The error that the caller got; None where the command was done.
        reasons: Why it was denied. Of an item that is not there: none; of one that the actor may not see, the rule that
            hides it. The caller cannot tell these two apart.
        events: What was written.
        attempts: How often it was tried.
        took: How long that took in all, its pauses included; zero of a reading. No two reports differ by it alone.
    """

    action: str
    item_id: ItemId
    tenant: Tenant
    actor_id: ActorId
    on_behalf_of: ActorId | None
    at: datetime
    denial: NotFoundError | RefusedError | None = None
    reasons: tuple[Reason, ...] = ()
    events: tuple[Event, ...] = ()
    attempts: int = 1
    took: timedelta = attrs.field(default=timedelta(0), eq=False)


@attrs.frozen(kw_only=True)
class FailedAttempt:
    """A try of one command, or of several together, that met a conflict, or a store that could not do it.

    It is for observers that have a method ``attempt_failed``, which is called with it, outside of the transaction. No
    report tells of it: nothing was written, and nobody was denied anything.

    Attributes:
        actions: What was asked for; several where commands were to be written together.
        tenant: Whose data it is.
        actor_id: Who asked.
        error: What it met.
        attempt: Which try it was, from 1.
        again: Whether the bus tries again; where not, the caller got the error.
    """

    actions: tuple[str, ...]
    tenant: Tenant
    actor_id: ActorId
    error: ConflictError | StorageError
    attempt: int
    again: bool


Observer: TypeAlias = Callable[[Report], object]
"""Told of what happened, after the commit or the denial and outside the transaction. What it raises is logged. An
asynchronous bus takes async functions too, and waits for them."""
