"""What an SDK of OpenTelemetry was given, kept in memory."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["Telemetry"]


class Telemetry:
    """An SDK that sends everything to memory."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider(metric_readers=[self._reader])

    def spans(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that have ended."""
        return self._exporter.get_finished_spans()

    def metrics(self) -> dict[str, Any]:
        """Return each metric that something was counted in, by its name."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """Return the number that a metric has for each set of attributes; of a histogram, how many it has taken."""
        metric = self.metrics().get(name)
        points = () if metric is None else metric.data.data_points
        return {
            tuple(sorted(point.attributes.items())): point.count if hasattr(point, "count") else point.value
            for point in points
        }

    def total(self, name: str, **attributes: Any) -> Any:
        """Return the sum over all points that have these attributes, in which `_` stands for a dot."""
        asked = {(key.replace("_", "."), value) for key, value in attributes.items()}
        return sum(value for point, value in self.points(name).items() if asked <= set(point))
