"""The outbox and its way out: how much waits, and a span for each batch that is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, MeterProvider
from opentelemetry.trace import Span, TracerProvider
from opentelemetry.util.types import AttributeValue

from casewright.adapters.otel.instruments import NAME, PROPAGATOR
from casewright.application.publishing import AsyncPublisher, Message, Publisher
from casewright.application.relaying import OutboxKeeping

__all__ = ["AsyncTracedPublisher", "TracedPublisher", "observe_outbox"]


def observe_outbox(store: OutboxKeeping, meter_provider: MeterProvider | None = None) -> None:
    """Let metrics tell how much of a store's outbox is not published yet, whichever relay is to deliver it.

    The store is asked whenever metrics are collected, and looks at all that is not published then. One process that
    does so is enough.

    Args:
        store: The store.
        meter_provider: Where metrics go; the one that the program has set up where None.
    """

    def messages(options: CallbackOptions) -> Iterable[metrics.Observation]:
        backlog = store.backlog()
        for state in ("pending", "parked", "dead"):
            yield metrics.Observation(getattr(backlog, state), {"casewright.state": state})

    def lag(options: CallbackOptions) -> Iterable[metrics.Observation]:
        yield metrics.Observation(store.backlog().lag.total_seconds())

    meter = metrics.get_meter(NAME, meter_provider=meter_provider)
    meter.create_observable_gauge(
        "casewright.outbox.messages", [messages], "{message}", "Messages that are not published, by what they wait for."
    )
    meter.create_observable_gauge(
        "casewright.outbox.lag", [lag], "s", "How old the oldest message is that is no dead letter."
    )


class TracedPublisher:
    """A `Publisher` around another one that makes a span of each batch, linked to the traces that its events came from.

    Args:
        publisher: What delivers.
        tracer_provider: Where spans go; the one that the program has set up where None.
        system: What the broker is called in ``messaging.system``, such as ``nats``.
    """

    def __init__(
        self, publisher: Publisher, tracer_provider: TracerProvider | None = None, *, system: str | None = None
    ) -> None:
        """Keep the publisher."""
        self._publisher = publisher
        self._spans = _BatchSpans(tracer_provider, system)

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        with self._spans.around(messages) as span:
            answers = self._publisher.publish(messages)
            _tell(span, answers)
            return answers


class AsyncTracedPublisher:
    """`TracedPublisher` for a relay on an event loop, with the same arguments."""

    def __init__(
        self, publisher: AsyncPublisher, tracer_provider: TracerProvider | None = None, *, system: str | None = None
    ) -> None:
        """Keep the publisher."""
        self._publisher = publisher
        self._spans = _BatchSpans(tracer_provider, system)

    async def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """See `Publisher.publish`."""
        with self._spans.around(messages) as span:
            answers = await self._publisher.publish(messages)
            _tell(span, answers)
            return answers


class _BatchSpans:
    """Makes spans of batches, named as OpenTelemetry names those of messages."""

    def __init__(self, tracer_provider: TracerProvider | None, system: str | None) -> None:
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        self._system = {} if system is None else {"messaging.system": system}

    @contextmanager
    def around(self, messages: Sequence[Message]) -> Iterator[Span]:
        attributes: dict[str, AttributeValue] = {
            **self._system,
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.batch.message_count": len(messages),
        }
        origins = dict.fromkeys(message.event.traceparent for message in messages)
        links = [trace.Link(context) for origin in origins if (context := _origin(origin)).is_valid]
        with self._tracer.start_as_current_span(
            f"{NAME} publish",
            kind=trace.SpanKind.PRODUCER,
            attributes=attributes,
            links=links,
            record_exception=False,  # its text is not ours, and may hold anything
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
                raise


def _tell(span: Span, answers: Sequence[str | None]) -> None:
    if isinstance(answers, Sequence):  # the relay says what is wrong with any other answer
        span.set_attribute("casewright.delivered", sum(answer is None for answer in answers))


def _origin(traceparent: str | None) -> trace.SpanContext:
    found = PROPAGATOR.extract({"traceparent": traceparent or ""})
    return trace.get_current_span(found).get_span_context()
