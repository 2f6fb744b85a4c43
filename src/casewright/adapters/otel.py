"""`OpenTelemetryObserver`: metrics and traces of what a bus does, for whatever your OpenTelemetry SDK sends them to.

It needs the extra ``otel``: the API alone, which does nothing until the program has set up an SDK. Metrics are counted
by what is few: actions, definitions, kinds, phases and codes; never by an id. Spans have ids, and no more: what a
command was given, and what it changed, is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from time import time_ns
from typing import TYPE_CHECKING, Final

from casewright.application.reports import FailedAttempt, Report
from casewright.domain.events import VERBS, Context
from casewright.domain.reasons import Reason
from casewright.errors import ConflictError, RefusedError

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImportError(
        'casewright.adapters.otel needs the API of OpenTelemetry: python -m pip install "casewright[otel]"'
    ) from error

if TYPE_CHECKING:
    from opentelemetry.context import Context as TraceContext
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

__all__ = ["OpenTelemetryObserver", "current_context"]

_NAME: Final = "casewright"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OTHER: Final = "_OTHER"  # what OpenTelemetry has stand for words that are not known
_TOGETHER: Final = "together"
_MOST_WORDS: Final = 200
_SAYS_NOTHING: Final = frozenset({"no_rule", "not_visible", "unknown_action", "not_together"})
_MICROSECOND: Final = timedelta(microseconds=1)
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def current_context(*, correlation_id: str | None = None, causation_id: str | None = None) -> Context:
    """Return the context of a command that is run within the current span, so that its events carry the trace on.

    Args:
        correlation_id: As in `Context`.
        causation_id: As in `Context`.

    Returns:
        The context; it has no ``traceparent`` where there is no span.
    """
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return Context(correlation_id=correlation_id, causation_id=causation_id, traceparent=carrier.get("traceparent"))


class OpenTelemetryObserver:
    """Counts and times what a bus does, and makes a span of each command.

    One object serves any number of buses. Of an action that a caller names and nobody knows it counts ``_OTHER``.

    Args:
        tracer_provider: Where spans go; the one that the program has set up where None.
        meter_provider: Where metrics go, likewise.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        """Make the instruments."""
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._known = set(VERBS)
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

    def __call__(self, report: Report) -> None:
        """Count what was done or denied, and make a span of it."""
        action = self._action(report)
        shape = _shape(report, action)
        self._span(report, f"{_NAME} {action}", shape)
        if report.action != "read":
            self._duration.record(report.took.total_seconds(), shape)
        if report.denial is not None:
            phase = _phase(report.reasons)
            self._denials.add(1, {**shape, **phase})
            for reason in report.reasons:
                self._reasons.add(1, {"casewright.phase": str(reason.phase), "casewright.code": reason.code})

    def attempt_failed(self, failed: FailedAttempt) -> None:
        """Count a conflict or a failure, and note it in the current span, if there is one."""
        action = self._named(failed.actions[0]) if len(failed.actions) == 1 else _TOGETHER
        shape = {"casewright.action": action, "error.type": failed.error.code}
        counter = self._conflicts if isinstance(failed.error, ConflictError) else self._failures
        counter.add(1, {**shape, "casewright.retried": failed.again})
        if failed.again:
            self._retries.add(1, shape)
        trace.get_current_span().add_event("casewright.attempt_failed", {**shape, "casewright.attempt": failed.attempt})

    def _action(self, report: Report) -> str:
        """What the report is counted under: a word of the definitions, never one that only a caller has said."""
        if report.events or (
            isinstance(report.denial, RefusedError)
            and len(self._known) < _MOST_WORDS
            and _SAYS_NOTHING.isdisjoint(reason.code for reason in report.reasons)
        ):
            self._known.add(report.action)
        return self._named(report.action)

    def _named(self, action: str) -> str:
        return action if action in self._known else _OTHER

    def _span(self, report: Report, name: str, shape: Mapping[str, str]) -> None:
        """Make a span that ends now: within the current one, or else within the trace that the events came from."""
        ended = time_ns()
        attributes: dict[str, AttributeValue] = {
            **shape,
            "casewright.item.id": report.item_id,
            "casewright.tenant": report.tenant,
            "casewright.attempts": report.attempts,
            "casewright.events": tuple(event.id for event in report.events),
            "casewright.codes": tuple(reason.code for reason in report.reasons),
            "enduser.id": report.actor_id,
        }
        span = self._tracer.start_span(
            name,
            context=_parent(report),
            attributes=attributes,
            start_time=ended - report.took // _MICROSECOND * 1000,
        )
        span.end(ended)


def _shape(report: Report, action: str) -> Mapping[str, str]:
    """What a command is told apart by: few values each."""
    shape = {"casewright.action": action}
    if report.events:
        shape |= {"casewright.definition": report.events[0].definition, "casewright.kind": report.events[0].kind}
    if report.denial is not None:
        shape["error.type"] = report.denial.code
    return shape


def _phase(reasons: tuple[Reason, ...]) -> Mapping[str, str]:
    """The first phase that said no; none where there was no such item."""
    return {"casewright.phase": str(reasons[0].phase)} if reasons else {}


def _parent(report: Report) -> TraceContext | None:
    """The trace to belong to; None for the current one."""
    if trace.get_current_span().get_span_context().is_valid or not report.events:
        return None
    return _PROPAGATOR.extract({"traceparent": report.events[0].traceparent or ""})
