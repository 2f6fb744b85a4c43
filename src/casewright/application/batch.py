"""Several commands in one transaction: all of them are written, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from casewright.application.plan import Denied, Job
from casewright.application.ports import UnitOfWork
from casewright.application.reports import Outcome, Report
from casewright.domain.events import Change
from casewright.domain.items import Item
from casewright.domain.reasons import Phase, Reason
from casewright.errors import AlreadyExistsError, CasewrightError, ConflictError, RefusedError, StorageError

__all__ = ["Attempt", "Batch"]

_Done: TypeAlias = tuple[Item | None, tuple[Change[Any], ...]]

_NOT_TOGETHER: Final = Reason(
    "not_together", Phase.GUARD, "nothing was done, because another command that it was to be done with was not"
)


OutcomeOf: TypeAlias = Callable[[Job, Item | None, tuple[Change[Any], ...]], Outcome[Any]]


class Attempt(Protocol):
    """How a bus judges one job and records what it changes."""

    def __call__(self, uow: UnitOfWork, job: Job, *, lock: bool, alone: bool) -> _Done:
        """Return the item before, and the changes."""
        ...


class Batch:
    """Jobs that are done together, in one attempt after the other.

    Args:
        jobs: In the order in which they are done.
    """

    __slots__ = ("_done", "_errors", "_jobs", "reports")

    reports: list[Report]

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Begin with nothing done."""
        self._jobs = jobs
        self._begin()

    def _begin(self) -> None:
        self._done: list[_Done | None] = []
        self._errors: dict[int, CasewrightError] = {}
        self.reports = []

    def take(self, uow: UnitOfWork, attempt: Attempt, number: int) -> bool:
        """Judge all jobs in one unit of work, and record what they change.

        What one job met does not keep the next one from being judged, so that all refusals are told at once.

        Args:
            uow: The unit of work.
            attempt: How the bus judges one job.
            number: Which attempt it is, from 1.

        Returns:
            Whether there is anything to commit.

        Raises:
            ConflictError: The unit can only be rolled back.
            StorageError: The store failed.
        """
        self._begin()
        for place, job in enumerate(self._jobs):
            try:
                self._done.append(attempt(uow, job, lock=number > 1, alone=False))
            except Denied as denied:
                self._errors[place] = denied.error
                self.reports.append(job.denial(denied, number))
                self._done.append(None)
            except (ConflictError, StorageError):
                raise
            except CasewrightError as error:
                self._errors[place] = error
                self._done.append(None)
        changed = [(job, done[1]) for job, done in zip(self._jobs, self._done, strict=True) if done and done[1]]
        if self._errors:
            return False
        self.reports = [job.report(changes, number) for job, changes in changed]
        return bool(changed)

    def blame(self, error: AlreadyExistsError) -> None:
        """Take a conflict that the store met for the error of the job that caused it; then nothing was written."""
        judged = self._jobs[: len(self._done) + 1]
        wanting = [place for place, job in enumerate(judged) if _wants(job, error)]
        if not wanting:  # it was none of the store's: a fact provider or a guard may raise anything
            raise error
        # The last one: two jobs of one batch may want the same id, and the first could have had it.
        self._errors[wanting[-1]] = error
        self.reports = [report for report in self.reports if report.denial is not None]

    def answers(self, outcome: OutcomeOf) -> tuple[Outcome[Any] | CasewrightError, ...]:
        """Return the answer to each job.

        Args:
            outcome: Makes the outcome of a job from the item before it and its changes.
        """
        if self._errors:
            return tuple(self._errors.get(place) or _not_done(job) for place, job in enumerate(self._jobs))
        return tuple(outcome(job, *done) for job, done in zip(self._jobs, self._done, strict=True) if done)


def _wants(job: Job, error: AlreadyExistsError) -> bool:
    if error.what == "note":
        return job.ask.action == "add_note" and job.ask.inputs.get("note_id") == error.item_id
    return job.creates and job.item_id == error.item_id


def _not_done(job: Job) -> RefusedError:
    return RefusedError(job.ask.action, job.item_id, (_NOT_TOGETHER,))
