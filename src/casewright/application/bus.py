"""`CommandBus`: the one way from a command to what is kept of it.

The order at the door: tenant, exists, may read, version, decide; then seal, record, commit, and tell the observers. All
that is judged on the way is in `plan`; here is only what touches the store. `AsyncCommandBus` has the same statements,
which a test compares; with the docstrings that both share, and with its own, this file is longer than most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import random as system_chance
from time import sleep
from typing import Any, cast

from casewright.application.arguments import as_function
from casewright.application.batch import Result, blame, conflicts_of, errors_of, reports_of
from casewright.application.commands.base import Command, ResultT_co
from casewright.application.facts import FactProvider
from casewright.application.judging import JudgingBus
from casewright.application.keys import is_last_word, standing
from casewright.application.new_ids import Clock, NewId, system_clock, uuid7
from casewright.application.observers import listeners, notify
from casewright.application.plan import (
    Denied,
    Done,
    Job,
    Outdated,
    as_job,
    failed,
)
from casewright.application.ports import Joining, Store, UnitOfWork
from casewright.application.replaying import earlier, enter, replayed
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

__all__ = ["CommandBus"]


class CommandBus(JudgingBus):
    """Runs commands on a store, and answers questions about what is kept there.

    Any number of threads may share one, as far as they may share the store.

    Args:
        store: Where everything is kept.
        definitions: What judges; each of another name.
        clock: Tells the time.
        new_id: Makes ids of items and notes; UUIDs of version 7 where None.
        observers: Told of each command that was committed or denied.
        facts: What guards need to know beyond the item: for each name, what finds it out.
        max_attempts: How often a command is tried that meets a conflict, or a store that cannot do it this time.
        pause: Waits so many seconds before another attempt, outside of any transaction.
        random: Gives a number from 0 to 1, by which pauses differ.

    Raises:
        DefinitionError: There is no definition, or two have one name.
        MisuseError: A value is no definition, no function, or no store.
        InvalidInputError: ``max_attempts`` is no positive integer.
    """

    __slots__ = ("_max_attempts", "_new_id", "_pause", "_random")

    def __init__(
        self,
        store: Store,
        definitions: Iterable[TaskDefinition | CaseDefinition],
        *,
        clock: Clock = system_clock,
        new_id: NewId | None = None,
        observers: Iterable[Observer] = (),
        facts: Mapping[str, FactProvider] | None = None,
        max_attempts: int = 5,
        pause: Callable[[float], object] = sleep,
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

    def execute(
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
        """Run a command, and return what it answers with.

        Args:
            command: What is asked for.
            by: Who asks; the store is asked for the actor's tenant only.
            key: An idempotency key: under one key of an actor a command is done once, however often it is sent; each
                later one is answered as the first (I1, I2). Choose a new one for each thing that is to be done.
            expected_version: The version of the item that the caller has seen; any where None.
            item: The item as this bus gave it, so that it is not loaded again where the command can be done. A copy, or
                one that was given long ago, is loaded all the same; one that others have changed since, after all.
            at: The effective time (aware), which may lie in the past; now where None.
            context: Where it comes from.

        Returns:
            The item after it; of `AddNote` the note.

        Raises:
            NotFoundError: There is no such item, or none that the actor may see (A8).
            RefusedError: The definition says no; it carries every reason.
            StaleVersionError: The item has another version than the expected one; or others were faster each time.
            AlreadyExistsError: The id of a new item, or of a new note, is taken.
            IdempotencyKeyReusedError: The key was used for another command, or for other values (I3).
            InvalidInputError: A value is of a wrong type, over a limit, or one that no store can hold.
            UnknownDefinitionError: No definition here judges the item.
            MisuseError: ``item`` is not the one that the command names; or it, or a version, is given for a new item.
                Or a key is given, and the store keeps none.
            StorageError: The store could not do it; nothing was written.
            OutcomeUnknownError: The connection was lost while the store committed. Send it again under the same key.
        """
        done = self.outcome(
            command, by=by, key=key, expected_version=expected_version, item=item, at=at, context=context
        )
        return done.result

    def outcome(
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
        """Run a command, and return all that came of it. See `execute` for the arguments and what it raises."""
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
        return self._run(job)

    def execute_many(
        self, commands: Iterable[Command[Any]], *, by: Actor, all_or_nothing: bool = False
    ) -> tuple[Outcome[Any] | CasewrightError, ...]:
        """Run several commands, one after the other, and answer for each.

        Args:
            commands: What is asked for; a later one sees what an earlier one did.
            by: Who asks for all of them.
            all_or_nothing: Whether they are written together, or else none of them. Otherwise each is for itself.
                Together, a fact that lists is a MisuseError where an earlier command has changed something.

        Returns:
            For each command its outcome, or the error that it met. Together, those that met none are refused with the
            reason ``not_together`` as soon as another one met one.

        Raises:
            InvalidInputError: One of them is no command.
            StorageError: The store could not write them together.

        What a fact provider raises that is no error of casewright is passed on; each for itself, those before it stay
        done. Together, what earlier ones recorded can be read item by item only: a provider that lists or counts then
        raises a MisuseError, and nothing is done.
        """
        check_actor(by)
        if isinstance(commands, str) or not isinstance(commands, Iterable):
            raise InvalidInputError("commands", f"must be several, not one {type(commands).__name__}", "pass a list")
        jobs = [as_job(command, by=by, clock=self._clock, new_id=self._new_id) for command in commands]
        if all_or_nothing:
            return self._together(jobs, by)
        return tuple([self._answer(job) for job in jobs])

    def check(self, command: Command[Any], *, by: Actor, at: datetime | None = None) -> Permitted[Any] | Refused:
        """Return what the definition says of a command, without running it and without telling observers.

        Args:
            command: What would be asked for.
            by: Who would ask.
            at: The effective time (aware); now where None.

        Returns:
            The permission with the changes that the actor may see, not sealed; or the refusal with every reason.

        Raises:
            NotFoundError: There is no such item, or none that the actor may see (A8).
            InvalidInputError: As for `execute`.
            UnknownDefinitionError: As for `execute`.
        """
        job = as_job(command, by=by, at=at, clock=self._clock, new_id=self._new_id)
        while True:
            try:
                verdict = self._checked(job)
            except StaleVersionError:  # a task and its case, of which one was changed while they were read
                continue
            except Denied as denied:
                raise denied.error from None
            return Permitted(self._registry.shown(verdict.changes, by)) if isinstance(verdict, Permitted) else verdict

    # ------------------------------------------------------------ how commands run

    def _run(self, job: Job) -> Outcome[Any]:
        attempt, watch = 0, Stopwatch()
        while True:
            attempt += 1
            try:
                done, outcome = self._tried(job, attempt)
            except Denied as denied:
                notify(self._observers, job.denial(denied, attempt, watch.took))
                raise denied.error from None
            except Outdated as outdated:
                notify(listeners(self._observers), failed([job], job.by, outdated.error, attempt, again=False))
                raise outdated.error from None
            except (ConflictError, StorageError) as error:
                again = attempt < self._max_attempts and isinstance(error, RETRIED)
                notify(listeners(self._observers), failed([job], job.by, error, attempt, again=again))
                if not again:
                    raise
                seconds = pause_before(attempt + 1, after=error, random=self._random)
            else:
                if done.changes and self._observers:
                    notify(self._observers, job.report(done.changes, attempt, watch.took))
                if not outcome.replayed:
                    self._given.add(outcome.item)
                return outcome
            if seconds:  # here, where nothing is left of the attempt: not even a traceback that would hold its frames
                self._pause(seconds)

    def _tried(self, job: Job, attempt: int) -> tuple[Done, Outcome[Any]]:
        """One attempt. With a key, what is against it stands only where no rival has entered the key meanwhile."""
        try:
            return self._once(job, lock=attempt > 1)
        except (Denied, Outdated, CasewrightError) as error:
            if job.key is None or not is_last_word(error, last=attempt == self._max_attempts):
                raise
            outcome = self._found_again(job)
            if outcome is None:
                raise standing(error) from None
            return Done(None, ()), outcome

    def _found_again(self, job: Job) -> Outcome[Any] | None:
        """The answer of whoever has entered the key by now."""
        with self._store.begin(tenant=job.by.tenant, write=False) as uow:
            return replayed(uow, job, self._registry)

    def _once(self, job: Job, *, lock: bool) -> tuple[Done, Outcome[Any]]:
        """One attempt: one unit of work."""
        with self._store.begin(tenant=job.by.tenant) as uow:
            if job.key is not None:
                believed = job.given is not None and self._given.has(job.given)
                replay = earlier(uow, job, self._registry, lock=lock, believed=believed)
                if replay is not None:
                    return Done(None, ()), replay
            done = self._attempt(uow, job, lock=lock)
            outcome = self._outcome(job, done)
            if job.key is not None:
                enter(uow, job, done, self._clock)
            if done.changes:
                uow.record(*done.changes)
            if done.changes or job.key is not None:
                uow.commit()
            return done, outcome

    def _together(self, jobs: Sequence[Job], by: Actor) -> tuple[Outcome[Any] | CasewrightError, ...]:
        attempt, watch = 0, Stopwatch()
        while True:
            attempt += 1
            try:
                results, outcomes = self._all_once(jobs, by, lock=attempt > 1)
            except (ConflictError, StorageError) as error:
                again = attempt < self._max_attempts and isinstance(error, RETRIED)
                notify(listeners(self._observers), failed(jobs, by, error, attempt, again=again))
                if not again:
                    raise
                seconds = pause_before(attempt + 1, after=error, random=self._random)
            else:
                errors = errors_of(jobs, results)
                for report in reports_of(jobs, results, attempt, watch.took, done=not errors):
                    notify(self._observers, report)
                for conflict in conflicts_of(jobs, results, attempt):
                    notify(listeners(self._observers), conflict)
                self._given.add(*[outcome.item for outcome in outcomes])
                return errors or outcomes
            if seconds:
                self._pause(seconds)

    def _all_once(
        self, jobs: Sequence[Job], by: Actor, *, lock: bool
    ) -> tuple[Sequence[Result], tuple[Outcome[Any], ...]]:
        """One attempt for all of them: one unit of work. There are outcomes where it was committed."""
        results: list[Result] = []
        try:
            with self._store.begin(tenant=by.tenant) as uow:
                for job in jobs:
                    results.append(self._result(uow, job, lock=lock))  # noqa: PERF401 - kept where it stops
                if errors_of(jobs, results):
                    return results, ()
                outcomes = tuple(map(self._outcome, jobs, cast("list[Done]", results)))
                if any(outcome.events for outcome in outcomes):
                    uow.commit()
                return results, outcomes
        except AlreadyExistsError as error:
            blame(jobs, results, error)
            return results, ()

    def _result(self, uow: UnitOfWork, job: Job, *, lock: bool) -> Result:
        """What one of several jobs comes to. What is against it does not keep the next one from being judged."""
        try:
            done = self._attempt(uow, job, lock=lock)
        except Denied as denied:
            return denied
        except (ConflictError, StorageError):
            raise
        except CasewrightError as error:
            return error
        if done.changes:
            # Found now and not by the commit, lest the jobs after it be judged on an item that can never be.
            if job.creates and uow.items.get(job.item_id) is not None:
                return AlreadyExistsError(job.item_id)
            uow.record(*done.changes)
        return done

    def _outcome(self, job: Job, done: Done) -> Outcome[Any]:
        return job.outcome(done.before, self._registry.shown(done.changes, job.by))

    def _answer(self, job: Job) -> Outcome[Any] | CasewrightError:
        try:
            return self._run(job)
        except CasewrightError as error:
            return error
