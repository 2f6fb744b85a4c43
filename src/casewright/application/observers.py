"""Observers: told of each command after it was committed or denied, outside the transaction.

What an observer raises is logged and swallowed: what was committed stays committed, whoever watches.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

from casewright.application.reports import FailedAttempt, Observer, Report
from casewright.domain.values import close_coroutine

__all__ = ["LoggingObserver", "async_notify", "listeners", "notify"]

_LOGGER: Final = logging.getLogger("casewright")

ToldT = TypeVar("ToldT")


class LoggingObserver:
    """Writes one line for each report to a logger of the standard library: ids, actions and codes, no payload (S6).

    What was done is logged as INFO, what was denied as WARNING. Each record has the attributes ``action``, ``item_id``,
    ``tenant``, ``actor_id``, ``codes`` and ``attempts``.

    Args:
        logger: Where to; the logger named ``casewright`` where None.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """Keep the logger."""
        self._logger = _LOGGER if logger is None else logger

    def __call__(self, report: Report) -> None:
        """Write the line."""
        who = (report.action, report.item_id, report.actor_id)
        denial = report.denial
        if denial is None:
            told = ", ".join(event.id for event in report.events)
            self._logger.info("%s of %s by %s: done (%s)", *who, told, extra=_fields(report))
        else:
            told = ", ".join(reason.code for reason in report.reasons) or denial.code
            self._logger.warning("%s of %s by %s: %s (%s)", *who, denial.code, told, extra=_fields(report))


def listeners(observers: Iterable[Observer]) -> tuple[Callable[[FailedAttempt], object], ...]:
    """Return what is to be told of attempts that failed: the methods ``attempt_failed`` of those that have one.

    Args:
        observers: Those of the bus.
    """
    methods = [getattr(observer, "attempt_failed", None) for observer in observers]
    return tuple([method for method in methods if method is not None])


def notify(observers: Iterable[Callable[[ToldT], object]], report: ToldT) -> None:
    """Tell every observer, whatever another one raises.

    Args:
        observers: Whom.
        report: What.
    """
    for observer in observers:
        try:
            if close_coroutine(observer(report)):
                _LOGGER.error(
                    "an observer of type %r is an async function: it was told nothing", type(observer).__name__
                )
        except Exception as error:  # noqa: BLE001 - whoever watches must not change what happened
            _log_failure(observer, error)


async def async_notify(observers: Iterable[Callable[[ToldT], object]], report: ToldT) -> None:
    """Tell every observer, whatever another one raises, and wait for those that are async functions.

    Args:
        observers: Whom, one after the other.
        report: What.
    """
    for observer in observers:
        try:
            answer = observer(report)
            if isinstance(answer, Awaitable):
                await answer
        except Exception as error:  # noqa: BLE001 - as above
            _log_failure(observer, error)


def _log_failure(observer: Callable[[Any], object], error: Exception) -> None:
    # The types alone: what an exception says may hold anything.
    _LOGGER.error("an observer of type %r raised %r", type(observer).__name__, type(error).__name__)


def _fields(report: Report) -> dict[str, object]:
    """What a structured log can index."""
    return {
        "action": report.action,
        "item_id": report.item_id,
        "tenant": report.tenant,
        "actor_id": report.actor_id,
        "codes": tuple(reason.code for reason in report.reasons),
        "attempts": report.attempts,
    }
