"""`OpenTelemetryObserver`: what buses and relays come to, and the trace that a command belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from time import time_ns
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context as TraceContext
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider
from opentelemetry.util.types import AttributeValue

from casewright.adapters.otel.instruments import NAME, PROPAGATOR, CommandInstruments, RelayInstruments
from casewright.application.relay_round import RelayReport
from casewright.application.reports import FailedAttempt, Report
from casewright.domain.events import VERBS, Context
from casewright.errors import RefusedError

__all__ = ["OpenTelemetryObserver", "current_context"]

_OTHER: Final = "_OTHER"  # what OpenTelemetry has stand for words that are not known
_TOGETHER: Final = "together"
_MOST_WORDS: Final = 200
_SAYS_NOTHING: Final = frozenset({"no_rule", "not_visible", "unknown_action", "not_together"})
_MICROSECOND: Final = timedelta(microseconds=1)


def current_context(*, correlation_id: str | None = None, causation_id: str | None = None) -> Context:
    """Return the context of a command that is run within the current span, so that its events carry the trace on.

    Args:
        correlation_id: As in `Context`.
        causation_id: As in `Context`.

    Returns:
        The context; it has no ``traceparent`` where there is no span.
    """
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return Context(correlation_id=correlation_id, causation_id=causation_id, traceparent=carrier.get("traceparent"))


class OpenTelemetryObserver:
    """Counts and times what buses and relays do, and makes a span of each command.

    One object serves any number of both. Of an action that a caller names and nobody knows it counts ``_OTHER``.

    Args:
        tracer_provider: Where spans go; the one that the program has set up where None.
        meter_provider: Where metrics go, likewise.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        """Make the instruments."""
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._commands = CommandInstruments(meter)
        self._relays = RelayInstruments(meter)
        self._known = set(VERBS)

    def __call__(self, report: Report | RelayReport) -> None:
        """Count what a command came to, and make a span of it; or count what a round of a relay came to."""
        if isinstance(report, RelayReport):
            self._relays.count(report)
            return
        action = self._action(report)
        shape = _shape(report, action)
        self._span(report, f"{NAME} {action}", shape)
        self._commands.count(report, shape)

    def attempt_failed(self, failed: FailedAttempt) -> None:
        """Count a conflict or a failure, and note it in the current span, if there is one."""
        action = self._named(failed.actions[0]) if len(failed.actions) == 1 else _TOGETHER
        shape = {"casewright.action": action, "error.type": failed.error.code}
        self._commands.count_failed(failed, shape)
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


def _parent(report: Report) -> TraceContext | None:
    """The trace to belong to; None for the current one."""
    if trace.get_current_span().get_span_context().is_valid or not report.events:
        return None
    return PROPAGATOR.extract({"traceparent": report.events[0].traceparent or ""})
