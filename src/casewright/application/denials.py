"""Denials that are kept: who asked for what, and by which code it was denied (H1).

A bus keeps none by itself. `DenialRecorder` is an observer: so it is told after the refusal was rolled back, and what
it meets is logged and changes no answer. It writes codes and ids, and no word that anybody gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from casewright.application.arguments import as_function
from casewright.application.new_ids import Clock, NewId, system_clock, uuid7
from casewright.application.reports import Report
from casewright.domain.ids import ActorId, ItemId, Tenant
from casewright.domain.values import as_instant
from casewright.errors import MisuseError, RefusedError

__all__ = ["AsyncDenialLog", "Cause", "Denial", "DenialLog", "DenialRecorder"]


@attrs.frozen
class Cause:
    """One reason of a denial, by its names alone.

    Attributes:
        code: Its code.
        phase: What refused.
        rule: The rule, where it was one of permission.
    """

    code: str
    phase: str
    rule: str | None = None


@attrs.frozen(kw_only=True)
class Denial:
    """One denial that is kept.

    Attributes:
        id: Its id, unique in the tenant; ids of version 7 sort by time.
        tenant: Whose data was asked for.
        action: What was asked for; ``read`` of a reading.
        item_id: Of which item.
        actor_id: Who asked.
        on_behalf_of: The principal the actor stood in for, or None.
        occurred_at: The effective time (UTC).
        recorded_at: When it was written down (UTC).
        code: The code of the error that the caller got.
        phase: What refused; None where the caller was told that there is no such item.
        reasons: Why: also what the caller was not told, such as the rule that hides an item.
    """

    id: str
    tenant: Tenant
    action: str
    item_id: ItemId
    actor_id: ActorId
    on_behalf_of: ActorId | None
    occurred_at: datetime
    recorded_at: datetime
    code: str
    phase: str | None
    reasons: tuple[Cause, ...] = ()


@runtime_checkable
class DenialLog(Protocol):
    """A store in which denials can be kept."""

    def add_denial(self, denial: Denial) -> None:
        """Keep a denial, in a transaction of its own: once this returns, it is there.

        A store that has joined a transaction of the caller's keeps it there: where that is rolled back, it is gone.

        Args:
            denial: What to keep.

        Raises:
            AlreadyExistsError: Its id is taken in the tenant; it names ``denial`` as ``what``.
            StorageError: The store could not do it.
        """
        ...

    def denials(self, *, tenant: str, after: str = "", limit: int) -> Sequence[Denial]:
        """Return denials of a tenant, in the order of their ids by code point.

        Args:
            tenant: Whose.
            after: Only denials of later ids.
            limit: At most so many, from 1.

        Raises:
            InvalidInputError: The tenant is none, or the limit is less than 1.
            StorageError: The store cannot be reached.
        """
        ...


@runtime_checkable
class AsyncDenialLog(Protocol):
    """A store to be awaited in which denials can be kept; see `DenialLog`."""

    async def add_denial(self, denial: Denial) -> None:
        """Keep a denial. See `DenialLog.add_denial`."""
        ...

    async def denials(self, *, tenant: str, after: str = "", limit: int) -> Sequence[Denial]:
        """Return denials of a tenant. See `DenialLog.denials`."""
        ...


class DenialRecorder:
    """An observer that keeps each denial: ``CommandBus(..., observers=[DenialRecorder(store)])``.

    The log may be the store of the bus, or another one. One that is awaited is for `AsyncCommandBus`.

    Args:
        log: Where they are kept.
        clock: Tells when it was written down.
        new_id: Makes ids of denials; UUIDs of version 7 where None.

    Raises:
        MisuseError: The log keeps no denials, or another value is no function.
    """

    __slots__ = ("_clock", "_log", "_new_id")

    def __init__(
        self, log: DenialLog | AsyncDenialLog, *, clock: Clock = system_clock, new_id: NewId | None = None
    ) -> None:
        """Keep them."""
        if not callable(getattr(log, "add_denial", None)):
            advice = "pass a store that is a DenialLog, such as MemoryStore()"
            raise MisuseError(f"a {type(log).__name__} is no DenialLog", advice)
        self._log = log
        self._clock: Clock = as_function(clock, "clock")
        self._new_id: NewId = (lambda: uuid7(clock)) if new_id is None else as_function(new_id, "new_id")

    def __call__(self, report: Report) -> object:
        """Keep the denial that is reported, if it is one; return what is to be awaited, where the log is."""
        error = report.denial
        if error is None:
            return None
        denial = Denial(
            id=self._new_id(),
            tenant=report.tenant,
            action=report.action,
            item_id=report.item_id,
            actor_id=report.actor_id,
            on_behalf_of=report.on_behalf_of,
            occurred_at=report.at,
            recorded_at=as_instant(self._clock(), "clock"),
            code=error.code,
            phase=str(error.phase) if isinstance(error, RefusedError) else None,
            reasons=tuple(_cause(reason.code, reason.phase, reason.params.get("rule")) for reason in report.reasons),
        )
        return self._log.add_denial(denial)


def _cause(code: str, phase: str, rule: object) -> Cause:
    return Cause(code, str(phase), rule if isinstance(rule, str) else None)
