"""What relays do and what waits in an outbox, as an SDK of OpenTelemetry is told it; and the spans of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from casewright import (
    AddNote,
    AsyncOutboxRelay,
    Context,
    CreateTask,
    Message,
    OutboxRelay,
    PublishError,
    RelayReport,
    StorageError,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.adapters.otel import AsyncTracedPublisher, OpenTelemetryObserver, TracedPublisher, observe_outbox
from casewright.testing.fakes import CollectingPublisher
from casewright.testing.portal import Portal
from support.buses import ANN, a_bus
from support.telemetry import Telemetry

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{}-01"


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """An SDK that keeps all in memory."""
    made = Telemetry()
    yield made
    made.meters.shutdown()
    made.tracers.shutdown()


@pytest.fixture
def store() -> MemoryStore:
    """A store with three tasks, the second of which has a note."""
    made = MemoryStore()
    bus = a_bus(made)
    for place in range(3):
        bus.execute(CreateTask("A", id=f"x-{place}"), by=ANN, context=Context(traceparent=TRACE.format(place % 2)))
    bus.execute(AddNote("x-1", "B"), by=ANN, context=Context(traceparent="nonsense"))
    return made


def refuse_second(message: Message) -> str | None:
    """Refuse all of the second task."""
    return "planted" if message.event.item_id == "x-1" else None


class Away:
    """A publisher whose broker is away."""

    def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
        """Fail, with words that may hold anything."""
        raise PublishError("canary", "canary")


def outcomes(telemetry: Telemetry) -> dict[str, int]:
    """Return what messages came to."""
    points = telemetry.points("casewright.relay.messages")
    return {dict(point)["casewright.outcome"]: value for point, value in points.items()}


def test_rounds_are_counted(store: MemoryStore, telemetry: Telemetry) -> None:
    """Delivered, failed, parked and dead messages are counted by their outcome, and by nothing else (O4)."""
    observer = OpenTelemetryObserver(telemetry.tracers, telemetry.meters)
    publisher = CollectingPublisher(refuse_second)
    relay = OutboxRelay(
        store, publisher, observers=[observer], max_attempts=2, first_pause=timedelta(0), random=lambda: 0.0
    )
    relay.run_once()
    assert outcomes(telemetry) == {"delivered": 2, "failed": 1, "parked": 1}
    assert telemetry.points("casewright.relay.shards") == {(): 64}
    relay.run_once()
    relay.run_once()
    assert outcomes(telemetry) == {"delivered": 2, "failed": 1, "parked": 2, "dead": 1}
    assert telemetry.points("casewright.relay.outages") == {}
    assert telemetry.spans() == ()


def test_the_lag_is_that_of_the_last_round(telemetry: Telemetry) -> None:
    """It is 0 where nothing was due; where nothing could be asked, it stays as it was, and the outage is counted."""
    observer = OpenTelemetryObserver(telemetry.tracers, telemetry.meters)
    told = []
    for report in (
        RelayReport(delivered=1, lag=timedelta(seconds=90), shards=3),
        RelayReport(down="the store failed"),
        RelayReport(down="the broker is away", lag=timedelta(seconds=120), shards=3),
        RelayReport(shards=2),
        RelayReport(lost=4, lag=timedelta(seconds=1), shards=2),
    ):
        observer(report)
        told.append(telemetry.points("casewright.relay.lag")[()])
    assert told == [90, 90, 120, 0, 1]
    assert telemetry.points("casewright.relay.outages") == {(): 2}
    assert outcomes(telemetry) == {"delivered": 1, "lost": 4}


def test_what_waits_in_the_outbox_is_asked_when_metrics_are_collected(store: MemoryStore, telemetry: Telemetry) -> None:
    """Pending, parked and dead messages and the age of the oldest are gauges, as they are when they are collected."""
    observe_outbox(store, telemetry.meters)

    def counts() -> list[Any]:
        return [telemetry.total("casewright.outbox.messages", casewright_state=one) for one in ("pending", "parked")]

    assert counts() == [4, 0]
    assert telemetry.points("casewright.outbox.lag")[()] > 0
    OutboxRelay(store, CollectingPublisher(refuse_second), max_attempts=1).run_once()
    assert counts() == [0, 1]
    assert telemetry.total("casewright.outbox.messages", casewright_state="dead") == 1


def test_a_store_that_fails_costs_the_metric_alone(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """Where the store cannot be asked, there is no number, and the program goes on."""

    class Failing(MemoryStore):
        def backlog(self) -> Any:
            raise StorageError("planted")

    observe_outbox(Failing(), telemetry.meters)
    assert "casewright.outbox.messages" not in telemetry.metrics()
    assert caplog.records


@pytest.mark.parametrize("system", ["nats", None])
def test_a_batch_is_a_span_with_links(store: MemoryStore, telemetry: Telemetry, system: str | None) -> None:
    """It is a producer's, current while it is delivered, and linked to each trace that its events came from, once."""
    during = []

    def watch(message: Message) -> str | None:
        during.append(trace.get_current_span().get_span_context().span_id)
        return refuse_second(message)

    OutboxRelay(store, TracedPublisher(CollectingPublisher(watch), telemetry.tracers, system=system)).run_once()
    (span,) = telemetry.spans()
    assert (span.name, span.kind) == ("casewright publish", SpanKind.PRODUCER)
    assert span.attributes == {
        **({} if system is None else {"messaging.system": system}),
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": 4,
        "casewright.delivered": 2,
    }
    linked = [context for link in span.links if (context := link.context)]
    assert sorted(format(context.span_id, "x")[-1] for context in linked) == ["0", "1"]
    assert set(during) == {cast("trace.SpanContext", span.get_span_context()).span_id}
    assert span.status.status_code is StatusCode.UNSET


def test_a_broker_that_is_away_is_an_error_of_the_span(store: MemoryStore, telemetry: Telemetry) -> None:
    """The error comes out as it was; the span has its type, and nothing of its text (S6)."""
    report = OutboxRelay(store, TracedPublisher(Away(), telemetry.tracers)).run_once()
    assert report.down is not None
    assert telemetry.spans()
    for span in telemetry.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert dict(span.attributes or {})["error.type"] == "PublishError"
        assert "canary" not in span.to_json()


def test_an_answer_that_is_none_is_left_to_the_relay(store: MemoryStore, telemetry: Telemetry) -> None:
    """A publisher that answers nothing is told so by the relay, not by what traces it."""

    class Silent:
        def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
            return cast("Sequence[str | None]", None)

    report = OutboxRelay(store, TracedPublisher(Silent(), telemetry.tracers)).run_once()
    assert report.down is not None
    assert "NoneType" in report.down


def test_an_asynchronous_relay_is_watched_likewise(store: MemoryStore, telemetry: Telemetry) -> None:
    """The same observer and a traced publisher that is awaited tell the same of an asynchronous relay."""

    class Collecting:
        async def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
            return CollectingPublisher(refuse_second).publish(messages)

    observer = OpenTelemetryObserver(telemetry.tracers, telemetry.meters)
    publisher = AsyncTracedPublisher(Collecting(), telemetry.tracers)
    with Portal() as portal:
        portal.run(AsyncOutboxRelay(AsyncMemoryStore(store), publisher, observers=[observer]).run_once())
    assert outcomes(telemetry) == {"delivered": 2, "failed": 1, "parked": 1}
    (span,) = telemetry.spans()
    assert dict(span.attributes or {})["casewright.delivered"] == 2
