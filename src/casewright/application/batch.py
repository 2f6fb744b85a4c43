"""Several commands in one transaction, all of which are written or none: what follows from what each came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from casewright.application.plan import Denied, Done, Job, failed
from casewright.application.reports import FailedAttempt, Report
from casewright.domain.reasons import Phase, Reason
from casewright.errors import AlreadyExistsError, CasewrightError, ConflictError, RefusedError

__all__ = ["Result", "blame", "conflicts_of", "errors_of", "reports_of"]

Result: TypeAlias = Done | Denied | CasewrightError
"""What one job came to, or what is against it."""

_NOT_TOGETHER: Final = Reason(
    "not_together", Phase.GUARD, "nothing was done, because another command that it was to be done with was not"
)


def blame(jobs: Sequence[Job], results: list[Result], error: AlreadyExistsError) -> None:
    """Take a conflict that the store met for the result of the job that caused it.

    Args:
        jobs: All jobs.
        results: Those of the jobs that were judged; one more may have been about to be recorded.
        error: What the store met.

    Raises:
        AlreadyExistsError: It was none of the store's: a fact provider or a guard may raise anything.
    """
    wanting = [place for place, job in enumerate(jobs[: len(results) + 1]) if _wants(job, error)]
    if not wanting:
        raise error
    # The last one: two jobs of one batch may want the same id, and the first could have had it.
    results[wanting[-1] : wanting[-1] + 1] = [error]


def errors_of(jobs: Sequence[Job], results: Sequence[Result]) -> tuple[CasewrightError, ...]:
    """Return the error of each job where one of them met one: its own, or that it was not done; else none."""
    if len(results) == len(jobs) and all(isinstance(one, Done) for one in results):
        return ()
    unjudged = [Done(None, ())] * (len(jobs) - len(results))
    return tuple([_error_of(job, one) for job, one in zip(jobs, [*results, *unjudged], strict=True)])


def reports_of(
    jobs: Sequence[Job], results: Sequence[Result], attempt: int, took: timedelta, *, done: bool
) -> list[Report]:
    """Return what observers are told: of each command that was done; or, where none was, of those that were denied."""
    pairs: Any = zip(jobs, results, strict=False)
    if done:
        return [job.report(one.changes, attempt, took) for job, one in pairs if one.changes]
    return [job.denial(one, attempt, took) for job, one in pairs if isinstance(one, Denied)]


def conflicts_of(jobs: Sequence[Job], results: Sequence[Result], attempt: int) -> list[FailedAttempt]:
    """Return what those observers are told that listen to conflicts: of each job for which the store met one."""
    return [
        failed([job], job.by, one, attempt, again=False)
        for job, one in zip(jobs, results, strict=False)
        if isinstance(one, ConflictError)
    ]


def _error_of(job: Job, result: Result) -> CasewrightError:
    if isinstance(result, Denied):
        return result.error
    return RefusedError(job.ask.action, job.item_id, (_NOT_TOGETHER,)) if isinstance(result, Done) else result


def _wants(job: Job, error: AlreadyExistsError) -> bool:
    if error.what == "note":
        return job.ask.action == "add_note" and job.ask.inputs.get("note_id") == error.item_id
    return job.creates and job.item_id == error.item_id
