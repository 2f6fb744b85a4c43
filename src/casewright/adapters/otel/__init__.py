"""Metrics and traces of buses and relays, for whatever the OpenTelemetry SDK of your program sends them to.

It needs the extra ``otel``: the API alone, which does nothing until the program has set up an SDK. Metrics are counted
by what is few: actions, definitions, kinds, phases and codes; never by an id. Spans have ids, and no more: what a
command was given, and what it changed, is nowhere.
"""

from __future__ import annotations

try:
    import opentelemetry.trace as _trace  # noqa: F401 - only to say what is missing
except ImportError as _error:
    raise ImportError(
        'casewright.adapters.otel needs the API of OpenTelemetry: python -m pip install "casewright[otel]"'
    ) from _error

from casewright.adapters.otel.observing import OpenTelemetryObserver, current_context
from casewright.adapters.otel.outbox import AsyncTracedPublisher, TracedPublisher, observe_outbox

__all__ = [
    "AsyncTracedPublisher",
    "OpenTelemetryObserver",
    "TracedPublisher",
    "current_context",
    "observe_outbox",
]
