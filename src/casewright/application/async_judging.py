"""How an asynchronous bus judges; see `casewright.application.judging`, which has the same statements."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from casewright.application.async_ports import AsyncUnitOfWork
from casewright.application.async_reading import AsyncReadingBus, case_of, load
from casewright.application.plan import (
    Denied,
    Done,
    Job,
    Outdated,
    Verdict,
    check_version,
    created,
    seen,
    to_record,
)
from casewright.domain.items import Case, Item
from casewright.domain.verdicts import Permitted
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["AsyncJudgingBus"]


class AsyncJudgingBus(AsyncReadingBus):
    """An asynchronous bus that can also say what a definition makes of a command, writing nothing."""

    __slots__ = ()

    async def _checked(self, job: Job) -> Verdict:
        async with self._store.begin(tenant=job.by.tenant, write=False) as uow:
            return (await self._judged(uow, job, lock=False))[1]

    async def _attempt(self, uow: AsyncUnitOfWork, job: Job, *, lock: bool) -> Done:
        """Judge the job; return the item before it, and its changes, sealed."""
        item, verdict = await self._judged(uow, job, lock=lock)
        return Done(item, to_record(job, verdict, self._clock()))

    async def _judged(self, uow: AsyncUnitOfWork, job: Job, *, lock: bool) -> tuple[Item | None, Verdict]:
        if job.creates:
            definition = self._registry.creating(job.ask)
            parent = await self._case_to_be(uow, job, lock=lock)
            return None, created(job, definition, parent, await self._known(uow, None, definition.needs_to_create))
        if job.given is not None and not lock and self._given.has(job.given):
            with suppress(Denied, Outdated, InvalidInputError, MisuseError):
                verdict = await self._decided(uow, job, job.given, lock=lock)
                if isinstance(verdict, Permitted) and verdict.changes:
                    return job.given, verdict
        # Only a write proves that the given item was still the present one: whatever else it led to is asked anew.
        item = await load(uow, job.item_id, lock=lock)
        return item, await self._decided(uow, job, item, lock=lock)

    async def _decided(self, uow: AsyncUnitOfWork, job: Job, found: Item | None, *, lock: bool) -> Verdict:
        item, definition = seen(self._registry, found, job.item_id, job.by, job.ask.kind)
        check_version(job, item)
        needs = definition.needs(item, job.ask.action)
        parent = await case_of(uow, item, lock=lock) if needs.parent else None
        facts, ask = await self._known(uow, item, needs), job.ask
        return definition.decide(item, ask.action, ask.inputs, by=job.by, at=job.at, parent=parent, facts=facts)

    async def _case_to_be(self, uow: AsyncUnitOfWork, job: Job, *, lock: bool) -> Case | None:
        """The case that a new task names, which its creator must be able to read."""
        case_id = job.ask.case_id
        if case_id is None:
            return None
        case, _ = seen(self._registry, await uow.items.get(case_id, lock=lock), case_id, job.by, "case")
        return cast("Case", case)
