"""What commands and the rounds of relays are counted in: the names, units and attributes of all metrics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from opentelemetry.metrics import Meter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from casewright.application.relay_round import RelayReport
from casewright.application.reports import FailedAttempt, Report
from casewright.domain.reasons import Reason
from casewright.errors import ConflictError

__all__ = ["NAME", "PROPAGATOR", "CommandInstruments", "RelayInstruments"]

NAME: Final = "casewright"
"""What the instruments and the tracer belong to."""

PROPAGATOR: Final = TraceContextTextMapPropagator()
"""Reads and writes ``traceparent``."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class CommandInstruments:
    """What commands are counted in.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        """Make them."""
        self._duration = meter.create_histogram(
            "casewright.command.duration",
            "s",
            "How long commands took that were done or denied, all attempts and pauses included.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._denials = meter.create_counter(
            "casewright.command.denials", "{denial}", "Commands and readings that were refused or found nothing."
        )
        self._reasons = meter.create_counter(
            "casewright.refusal.reasons", "{reason}", "The reasons of denials; one denial may have several."
        )
        self._conflicts = meter.create_counter(
            "casewright.command.conflicts", "{conflict}", "Attempts that met somebody else's write, or an id taken."
        )
        self._failures = meter.create_counter(
            "casewright.store.failures", "{failure}", "Attempts that a store could not do."
        )
        self._retries = meter.create_counter(
            "casewright.command.retries", "{retry}", "Attempts after which the bus tried again."
        )

    def count(self, report: Report, shape: Mapping[str, str]) -> None:
        """Count a command that was done or denied."""
        if report.action != "read":
            self._duration.record(report.took.total_seconds(), shape)
        if report.denial is not None:
            self._denials.add(1, {**shape, **_phase(report.reasons)})
        for reason in report.reasons:
            self._reasons.add(1, {"casewright.phase": str(reason.phase), "casewright.code": reason.code})

    def count_failed(self, failed: FailedAttempt, shape: Mapping[str, str]) -> None:
        """Count an attempt that failed."""
        counter = self._conflicts if isinstance(failed.error, ConflictError) else self._failures
        counter.add(1, {**shape, "casewright.retried": failed.again})
        if failed.again:
            self._retries.add(1, shape)


class RelayInstruments:
    """What the rounds of relays are counted in.

    Args:
        meter: Makes the instruments.
    """

    def __init__(self, meter: Meter) -> None:
        """Make them."""
        self._messages = meter.create_counter(
            "casewright.relay.messages", "{message}", "What came of messages, once for each round that they were in."
        )
        self._outages = meter.create_counter(
            "casewright.relay.outages", "{round}", "Rounds in which nothing could be delivered."
        )
        self._lag = meter.create_gauge(
            "casewright.relay.lag", "s", "How old the oldest message of the last round was; 0 where nothing was due."
        )
        self._shards = meter.create_gauge("casewright.relay.shards", "{shard}", "Parts of the outbox that are held.")

    def count(self, report: RelayReport) -> None:
        """Count a round."""
        for outcome in ("delivered", "failed", "dead", "parked", "lost"):
            count: int = getattr(report, outcome)
            if count:
                self._messages.add(count, {"casewright.outcome": outcome})
        if report.down is not None:
            self._outages.add(1)
        if report.lag is not None or report.down is None:
            self._lag.set((report.lag or timedelta(0)).total_seconds())
        self._shards.set(report.shards)


def _phase(reasons: tuple[Reason, ...]) -> Mapping[str, str]:
    """The first phase that said no; none where there was no such item."""
    return {"casewright.phase": str(reasons[0].phase)} if reasons else {}
