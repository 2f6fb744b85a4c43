"""`AsyncCommandBus`: the twin of `CommandBus` for stores that are awaited.

Both have the same statements, which a test compares; all that is judged on the way is in `plan`. This is the one module
of the application that knows asyncio, and it asks it for no more than how to wait between two attempts.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import random as system_chance
from typing import Any, cast

from casewright.application.arguments import as_function
from casewright.application.async_judging import AsyncJudgingBus
from casewright.application.async_ports import AsyncStore, AsyncUnitOfWork
from casewright.application.async_replaying import earlier, enter, replayed
from casewright.application.batch import Result, blame, conflicts_of, errors_of, reports_of
from casewright.application.commands.base import Command, ResultT_co
from casewright.application.facts import AsyncFactProvider
from casewright.application.keys import is_last_word, standing
from casewright.application.new_ids import Clock, NewId, system_clock, uuid7
from casewright.application.observers import async_notify, listeners
from casewright.application.plan import (
    Denied,
    Done,
    Job,
    Outdated,
    as_job,
    failed,
)
from casewright.application.ports import Joining
from casewright.application.reports import Observer, Outcome
from casewright.application.retrying import RETRIED, Chance, pause_before
from casewright.application.timing import Stopwatch
from casewright.domain.actors import Actor, check_actor
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.events import Context
from casewright.domain.items import Item
from casewright.domain.values import as_integer
from casewright.domain.verdicts import Permitted, Refused
from casewright.errors import (
    AlreadyExistsError,
    CasewrightError,
    ConflictError,
    InvalidInputError,
    StaleVersionError,
    StorageError,
)

__all__ = ["AsyncCommandBus"]


class AsyncCommandBus(AsyncJudgingBus):
    """Runs commands on an asynchronous store, and answers questions about what is kept there.

    It is `CommandBus`, awaited. Any number of tasks of one event loop may share one. A command that is cancelled raises
    CancelledError and is done or not, as a whole: only where its commit had begun may it be done (T5).

    Where the store can host (see `Hosting`) and there are no facts to find out, all that one attempt asks of the store
    is one hop.

    Args:
        store: Where everything is kept.
        definitions: As for `CommandBus`, and so all that is not here.
        clock: Tells the time.
        new_id: Makes ids.
        observers: Told of each command that was committed or denied: plain functions, and async ones, which are waited
            for one after the other. A cancellation while one is waited for undoes nothing.
        facts: What guards need to know beyond the item: plain functions and async ones. Both get the asynchronous unit.
        max_attempts: How often a command is tried.
        pause: Waits so many seconds before another attempt, outside of any transaction.
        random: Gives a number from 0 to 1, by which pauses differ.

    Raises:
        DefinitionError: As for `CommandBus`.
        MisuseError: As for `CommandBus`.
        InvalidInputError: As for `CommandBus`.
    """

    __slots__ = ("_max_attempts", "_new_id", "_pause", "_random")

    def __init__(
        self,
        store: AsyncStore,
        definitions: Iterable[TaskDefinition | CaseDefinition],
        *,
        clock: Clock = system_clock,
        new_id: NewId | None = None,
        observers: Iterable[Observer] = (),
        facts: Mapping[str, AsyncFactProvider] | None = None,
        max_attempts: int = 5,
        pause: Callable[[float], Awaitable[object]] = sleep,
        random: Chance = system_chance,
    ) -> None:
        """Keep them; nothing is read or written yet."""
        super().__init__(store, definitions, clock=clock, observers=observers, facts=facts)
        self._new_id = (lambda: uuid7(clock)) if new_id is None else as_function(new_id, "new_id")
        tries = as_integer(max_attempts, "max_attempts", least=1)
        self._max_attempts = 1 if isinstance(store, Joining) and store.joined else tries
        self._pause = as_function(pause, "pause")
        self._random = as_function(random, "random")

    # ------------------------------------------------------------ commands

    async def execute(
        self,
        command: Command[ResultT_co],
        *,
        by: Actor,
        key: str | None = None,
        expected_version: int | None = None,
        item: Item | None = None,
        at: datetime | None = None,
        context: Context | None = None,
    ) -> ResultT_co:
        """Run a command, and return what it answers with. See `CommandBus.execute`."""
        done = await self.outcome(
            command, by=by, key=key, expected_version=expected_version, item=item, at=at, context=context
        )
        return done.result

    async def outcome(
        self,
        command: Command[ResultT_co],
        *,
        by: Actor,
        key: str | None = None,
        expected_version: int | None = None,
        item: Item | None = None,
        at: datetime | None = None,
        context: Context | None = None,
    ) -> Outcome[ResultT_co]:
        """Run a command, and return all that came of it. See `CommandBus.outcome`."""
        job = as_job(
            command,
            by=by,
            at=at,
            context=context,
            expected_version=expected_version,
            item=item,
            key=key,
            clock=self._clock,
            new_id=self._new_id,
        )
        return await self._run(job)

    async def execute_many(
        self, commands: Iterable[Command[Any]], *, by: Actor, all_or_nothing: bool = False
    ) -> tuple[Outcome[Any] | CasewrightError, ...]:
        """Run several commands, one after the other, and answer for each. See `CommandBus.execute_many`."""
        check_actor(by)
        if isinstance(commands, str) or not isinstance(commands, Iterable):
            raise InvalidInputError("commands", f"must be several, not one {type(commands).__name__}", "pass a list")
        jobs = [as_job(command, by=by, clock=self._clock, new_id=self._new_id) for command in commands]
        if all_or_nothing:
            return await self._together(jobs, by)
        return tuple([await self._answer(job) for job in jobs])

    async def check(self, command: Command[Any], *, by: Actor, at: datetime | None = None) -> Permitted[Any] | Refused:
        """Return what the definition says of a command, without running it and without telling observers.

        See `CommandBus.check`.
        """
        job = as_job(command, by=by, at=at, clock=self._clock, new_id=self._new_id)
        while True:
            try:
                verdict = await self._hosted(self._checked(job))
            except StaleVersionError:  # a task and its case, of which one was changed while they were read
                continue
            except Denied as denied:
                raise denied.error from None
            return Permitted(self._registry.shown(verdict.changes, by)) if isinstance(verdict, Permitted) else verdict

    # ------------------------------------------------------------ how commands run

    async def _run(self, job: Job) -> Outcome[Any]:
        attempt, watch = 0, Stopwatch()
        while True:
            attempt += 1
            try:
                done, outcome = await self._tried(job, attempt)
            except Denied as denied:
                await async_notify(self._observers, job.denial(denied, attempt, watch.took))
                raise denied.error from None
            except Outdated as outdated:
                await async_notify(
                    listeners(self._observers), failed([job], job.by, outdated.error, attempt, again=False)
                )
                raise outdated.error from None
            except (ConflictError, StorageError) as error:
                again = attempt < self._max_attempts and isinstance(error, RETRIED)
                await async_notify(listeners(self._observers), failed([job], job.by, error, attempt, again=again))
                if not again:
                    raise
                seconds = pause_before(attempt + 1, after=error, random=self._random)
            else:
                if done.changes and self._observers:
                    await async_notify(self._observers, job.report(done.changes, attempt, watch.took))
                if not outcome.replayed:
                    self._given.add(outcome.item)
                return outcome
            if seconds:  # here, where nothing is left of the attempt: not even a traceback that would hold its frames
                await self._pause(seconds)

    async def _tried(self, job: Job, attempt: int) -> tuple[Done, Outcome[Any]]:
        """One attempt. With a key, what is against it stands only where no rival has entered the key meanwhile."""
        try:
            return await self._hosted(self._once(job, lock=attempt > 1))
        except (Denied, Outdated, CasewrightError) as error:
            if job.key is None or not is_last_word(error, last=attempt == self._max_attempts):
                raise
            outcome = await self._hosted(self._found_again(job))
            if outcome is None:
                raise standing(error) from None
            return Done(None, ()), outcome

    async def _found_again(self, job: Job) -> Outcome[Any] | None:
        """The answer of whoever has entered the key by now."""
        async with self._store.begin(tenant=job.by.tenant, write=False) as uow:
            return await replayed(uow, job, self._registry)

    async def _once(self, job: Job, *, lock: bool) -> tuple[Done, Outcome[Any]]:
        """One attempt: one unit of work."""
        async with self._store.begin(tenant=job.by.tenant) as uow:
            if job.key is not None:
                believed = job.given is not None and self._given.has(job.given)
                replay = await earlier(uow, job, self._registry, lock=lock, believed=believed)
                if replay is not None:
                    return Done(None, ()), replay
            done = await self._attempt(uow, job, lock=lock)
            outcome = self._outcome(job, done)
            if job.key is not None:
                await enter(uow, job, done, self._clock)
            if done.changes:
                await uow.record(*done.changes)
            if done.changes or job.key is not None:
                await uow.commit()
            return done, outcome

    async def _together(self, jobs: Sequence[Job], by: Actor) -> tuple[Outcome[Any] | CasewrightError, ...]:
        attempt, watch = 0, Stopwatch()
        while True:
            attempt += 1
            try:
                results, outcomes = await self._hosted(self._all_once(jobs, by, lock=attempt > 1))
            except (ConflictError, StorageError) as error:
                again = attempt < self._max_attempts and isinstance(error, RETRIED)
                await async_notify(listeners(self._observers), failed(jobs, by, error, attempt, again=again))
                if not again:
                    raise
                seconds = pause_before(attempt + 1, after=error, random=self._random)
            else:
                errors = errors_of(jobs, results)
                for report in reports_of(jobs, results, attempt, watch.took, done=not errors):
                    await async_notify(self._observers, report)
                for conflict in conflicts_of(jobs, results, attempt):
                    await async_notify(listeners(self._observers), conflict)
                self._given.add(*[outcome.item for outcome in outcomes])
                return errors or outcomes
            if seconds:
                await self._pause(seconds)

    async def _all_once(
        self, jobs: Sequence[Job], by: Actor, *, lock: bool
    ) -> tuple[Sequence[Result], tuple[Outcome[Any], ...]]:
        """One attempt for all of them: one unit of work. There are outcomes where it was committed."""
        results: list[Result] = []
        try:
            async with self._store.begin(tenant=by.tenant) as uow:
                for job in jobs:
                    results.append(await self._result(uow, job, lock=lock))  # noqa: PERF401 - kept where it stops
                if errors_of(jobs, results):
                    return results, ()
                outcomes = tuple(map(self._outcome, jobs, cast("list[Done]", results)))
                if any(outcome.events for outcome in outcomes):
                    await uow.commit()
                return results, outcomes
        except AlreadyExistsError as error:
            blame(jobs, results, error)
            return results, ()

    async def _result(self, uow: AsyncUnitOfWork, job: Job, *, lock: bool) -> Result:
        """What one of several jobs comes to. What is against it does not keep the next one from being judged."""
        try:
            done = await self._attempt(uow, job, lock=lock)
        except Denied as denied:
            return denied
        except (ConflictError, StorageError):
            raise
        except CasewrightError as error:
            return error
        if done.changes:
            # Found now and not by the commit, lest the jobs after it be judged on an item that can never be.
            if job.creates and await uow.items.get(job.item_id) is not None:
                return AlreadyExistsError(job.item_id)
            await uow.record(*done.changes)
        return done

    def _outcome(self, job: Job, done: Done) -> Outcome[Any]:
        return job.outcome(done.before, self._registry.shown(done.changes, job.by))

    async def _answer(self, job: Job) -> Outcome[Any] | CasewrightError:
        try:
            return await self._run(job)
        except CasewrightError as error:
            return error
