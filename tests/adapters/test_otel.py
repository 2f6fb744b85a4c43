"""`OpenTelemetryObserver`: what a bus does, as an SDK of OpenTelemetry is told it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import trace

from casewright import (
    TASK,
    Actor,
    AddNote,
    AlreadyExistsError,
    AuthorizationPolicy,
    CaseDefinition,
    CasewrightError,
    Category,
    CommandBus,
    CompleteTask,
    Context,
    CreateTask,
    Edit,
    Lifecycle,
    OpenCase,
    Perform,
    StaleVersionError,
    StartTask,
    StorageError,
    SubmitCase,
    Tag,
    TransientStorageError,
    Transition,
    UnblockTask,
    always,
    has_role,
)
from casewright.adapters.memory import MemoryStore
from casewright.adapters.otel import OpenTelemetryObserver, current_context
from support.buses import ANN, STRANGER, WRITER, a_bus, failure_of
from support.sources import run_python
from support.telemetry import Telemetry
from support.watched_store import WatchedStore, on_attempts

CANARY = "canary-7f3a"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """An SDK that keeps all in memory."""
    made = Telemetry()
    yield made
    made.meters.shutdown()
    made.tracers.shutdown()


@pytest.fixture
def observer(telemetry: Telemetry) -> OpenTelemetryObserver:
    """An observer that tells it."""
    return OpenTelemetryObserver(telemetry.tracers, telemetry.meters)


@pytest.fixture
def watched() -> WatchedStore:
    """The store of the bus."""
    return WatchedStore(MemoryStore())


@pytest.fixture
def bus(watched: WatchedStore, observer: OpenTelemetryObserver) -> CommandBus:
    """A bus that is watched."""
    return a_bus(watched, observers=[observer])


def shape(**attributes: Any) -> tuple[tuple[str, Any], ...]:
    """Return attributes as a point has them."""
    prefixed = {("error.type" if key == "error" else f"casewright.{key}"): value for key, value in attributes.items()}
    return tuple(sorted(prefixed.items()))


def test_commands_are_counted_and_timed(bus: CommandBus, telemetry: Telemetry) -> None:
    """Each command that was done is in the histogram of durations, by action, definition and kind, in seconds."""
    bus.execute(OpenCase("A", id="c-1"), by=WRITER)
    bus.execute(CreateTask("A", id="x-1", case_id="c-1"), by=WRITER)
    bus.execute(CreateTask("B", id="x-2"), by=WRITER)
    bus.execute(SubmitCase("c-1"), by=WRITER)
    bus.execute(Tag("x-2", add=[]), by=WRITER)
    case, task = {"definition": "regulatory_case", "kind": "case"}, {"definition": "task", "kind": "task"}
    assert telemetry.points("casewright.command.duration") == {
        shape(action="create", **case): 1,
        shape(action="create", **task): 2,
        shape(action="submit", **case): 1,
    }
    metric = telemetry.metrics()["casewright.command.duration"]
    assert metric.unit == "s"
    assert all(0 < point.sum < 60 and point.explicit_bounds[0] == 0.001 for point in metric.data.data_points)


def test_denials_are_counted_by_phase_and_their_reasons_by_code(bus: CommandBus, telemetry: Telemetry) -> None:
    """A denial counts once, under the first phase that said no; each of its reasons counts by phase and code."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(StartTask("x-1"), by=ANN)
    failure_of(bus.execute, Perform("x-1", "block"), by=ANN)
    failure_of(bus.execute, UnblockTask("x-1"), by=ANN)
    failure_of(bus.execute, UnblockTask("x-1"), by=STRANGER)
    failure_of(bus.get, "x-9", by=ANN)
    assert telemetry.points("casewright.command.denials") == {
        shape(action="block", error="refused", phase="input"): 1,
        shape(action="unblock", error="refused", phase="state"): 1,
        shape(action="unblock", error="not_found", phase="permission"): 1,
        shape(action="read", error="not_found"): 1,
    }
    assert telemetry.points("casewright.refusal.reasons") == {
        shape(phase="input", code="input_missing"): 1,
        shape(phase="state", code="wrong_state"): 1,
        shape(phase="permission", code="not_visible"): 1,
    }
    assert telemetry.total("casewright.command.duration", casewright_action="unblock") == 2
    assert telemetry.total("casewright.command.duration", casewright_action="read") == 0


@pytest.mark.parametrize(
    ("error", "metric"),
    [
        (StaleVersionError("x-1", 1, 2), "casewright.command.conflicts"),
        (TransientStorageError("planted"), "casewright.store.failures"),
    ],
)
def test_what_is_tried_again_is_counted(
    bus: CommandBus, watched: WatchedStore, telemetry: Telemetry, error: CasewrightError, metric: str
) -> None:
    """A conflict, or a failure of the store, counts each time that it is met, and each further try is a retry."""

    def fails() -> None:
        raise error

    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    bus.execute(AddNote("x-1", "A"), by=ANN)
    watched.before_commit = on_attempts(3, 4, 6, 7, 8, 9, 10, do=fails)
    bus.execute(AddNote("x-1", "B"), by=ANN)
    failure_of(bus.execute, AddNote("x-1", "C"), by=ANN)
    told = {"action": "add_note", "error": error.code}
    assert telemetry.points(metric) == {shape(**told, retried=True): 6, shape(**told, retried=False): 1}
    assert telemetry.points("casewright.command.retries") == {shape(**told): 6}
    assert telemetry.total("casewright.command.conflicts") + telemetry.total("casewright.store.failures") == 7


def test_what_the_caller_gets_at_once_is_counted(bus: CommandBus, watched: WatchedStore, telemetry: Telemetry) -> None:
    """An id that is taken, another version than expected and a store that fails are counted and no retries."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    assert isinstance(failure_of(bus.execute, CreateTask("A", id="x-1"), by=ANN), AlreadyExistsError)
    failure_of(bus.execute, Edit("x-1", title="B"), by=ANN, expected_version=4)
    watched.before_load = lambda id: (_ for _ in ()).throw(StorageError("planted"))
    failure_of(bus.execute_many, [Edit("x-1", title="B"), StartTask("x-1")], by=ANN, all_or_nothing=True)
    assert telemetry.points("casewright.command.conflicts") == {
        shape(action="create", error="already_exists", retried=False): 1,
        shape(action="edit", error="stale_version", retried=False): 1,
    }
    assert telemetry.points("casewright.store.failures") == {
        shape(action="together", error="storage", retried=False): 1
    }
    assert telemetry.points("casewright.command.retries") == {}


def test_a_word_that_only_a_caller_has_said_is_no_attribute(bus: CommandBus, telemetry: Telemetry) -> None:
    """An action that no definition knows is counted as _OTHER: callers can neither fill nor read the metrics."""
    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    for place in range(300):
        failure_of(bus.execute, Perform("x-1", f"{CANARY}-{place}"), by=ANN)
        failure_of(bus.execute, Perform("x-9", f"{CANARY}-{place}"), by=ANN)
        failure_of(bus.execute, Perform("x-1", f"{CANARY}-{place}"), by=ANN, expected_version=7)
    for metric in telemetry.metrics():
        assert CANARY not in str(telemetry.points(metric))
    assert telemetry.total("casewright.command.denials", casewright_action="_OTHER") == 600
    assert telemetry.total("casewright.command.conflicts", casewright_action="_OTHER") == 300


def test_a_default_rule_lets_callers_name_a_limited_number_of_actions(
    observer: OpenTelemetryObserver, telemetry: Telemetry
) -> None:
    """Where a default rule refuses any word, about two hundred are counted by name; what was done always is."""
    lifecycle = Lifecycle(
        states={"open": Category.OPEN, "done": Category.DONE},
        initial="open",
        transitions=[Transition("finish", "open", "done")],
    )
    rules = {"read": always(), "create": always(), "finish": always()}
    policy = AuthorizationPolicy(rules, default=has_role("boss"))
    bus = a_bus(MemoryStore(), [CaseDefinition("c", lifecycle=lifecycle, authorization=policy)], observers=[observer])
    bus.execute(OpenCase("A", id="c-1"), by=ANN)
    for place in range(300):
        failure_of(bus.execute, Perform("c-1", f"word-{place}"), by=ANN)
    bus.execute(Perform("c-1", "finish"), by=ANN)
    actions = {dict(point)["casewright.action"] for point in telemetry.points("casewright.command.duration")}
    assert {"create", "finish", "word-0", "_OTHER"} <= actions
    assert 150 < len(actions) < 210


def test_a_command_is_a_span(bus: CommandBus, watched: WatchedStore, telemetry: Telemetry) -> None:
    """It is as long as the command took, and has the ids of item, events and actor; a denial is no error of ours."""
    bus.execute(CreateTask("A", id="x-1"), by=Actor("ann", tenant="north"))
    failure_of(bus.execute, UnblockTask("x-1"), by=Actor("ann", tenant="north"))
    made, denied = telemetry.spans()
    assert (made.name, denied.name) == ("casewright create", "casewright unblock")
    assert made.attributes == {
        "casewright.action": "create",
        "casewright.definition": "task",
        "casewright.kind": "task",
        "casewright.item.id": "x-1",
        "casewright.tenant": "north",
        "casewright.attempts": 1,
        "casewright.events": ("x-1.1",),
        "casewright.codes": (),
        "enduser.id": "ann",
    }
    assert denied.attributes is not None
    assert denied.attributes["error.type"] == "refused"
    assert denied.attributes["casewright.codes"] == ("wrong_state",)
    assert denied.status.is_ok or denied.status.status_code.name == "UNSET"
    assert made.start_time is not None
    assert made.end_time is not None
    assert 0 < made.end_time - made.start_time < timedelta(minutes=1) / timedelta(microseconds=1) * 1000


def test_spans_belong_to_the_trace_that_is_there(bus: CommandBus, telemetry: Telemetry) -> None:
    """Within a span, a command is its child; without one, that of the context it was given; else it begins a trace."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("request") as request:
        bus.execute(CreateTask("A", id="x-1"), by=ANN, context=Context(traceparent=TRACE))
    bus.execute(StartTask("x-1"), by=ANN, context=Context(traceparent=TRACE))
    bus.execute(CompleteTask("x-1"), by=ANN)
    failure_of(bus.execute, UnblockTask("x-1"), by=ANN, context=Context(traceparent=TRACE))
    bus.execute(AddNote("x-1", "A"), by=ANN, context=Context(traceparent="nonsense"))
    first, _, second, *others = telemetry.spans()
    assert first.parent is not None
    assert first.parent.span_id == request.get_span_context().span_id
    assert second.parent is not None
    assert format(second.parent.trace_id, "032x") == TRACE.split("-")[1]
    assert format(second.parent.span_id, "016x") == TRACE.split("-")[2]
    assert [one.parent for one in others] == [None, None, None]


def test_the_current_span_is_carried_on_by_events(bus: CommandBus, telemetry: Telemetry) -> None:
    """`current_context` is the context of a command within a span: its events carry the trace on."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("request") as request:
        context = current_context(correlation_id="r-1", causation_id="m-1")
        event = bus.outcome(CreateTask("A", id="x-1"), by=ANN, context=context).events[0]
    known = request.get_span_context()
    assert event.traceparent == f"00-{known.trace_id:032x}-{known.span_id:016x}-{known.trace_flags:02x}"
    assert (event.correlation_id, event.causation_id) == ("r-1", "m-1")
    assert current_context() == Context()


def test_an_attempt_that_failed_is_noted_in_the_current_span(
    bus: CommandBus, watched: WatchedStore, telemetry: Telemetry
) -> None:
    """Who looks at the span of a slow request sees which conflicts it met."""

    def fails() -> None:
        raise StaleVersionError("x-1", 1, 2)

    bus.execute(CreateTask("A", id="x-1"), by=ANN)
    watched.before_commit = on_attempts(2, do=fails)
    with telemetry.tracers.get_tracer("test").start_as_current_span("request"):
        bus.execute(AddNote("x-1", "B"), by=ANN)
    request = telemetry.spans()[-1]
    assert [(event.name, dict(event.attributes or {})) for event in request.events] == [
        (
            "casewright.attempt_failed",
            {"casewright.action": "add_note", "error.type": "stale_version", "casewright.attempt": 1},
        )
    ]


def test_no_payload_leaves_and_no_id_is_a_metric(bus: CommandBus, telemetry: Telemetry) -> None:
    """Titles, texts and inputs are nowhere; ids and actors are in spans and in no metric (S6)."""
    bus.execute(CreateTask(CANARY, id="id-x-1", description=CANARY, tags=[CANARY]), by=Actor("id-ann", tenant="id-t"))
    for command in (AddNote("id-x-1", CANARY), Perform("id-x-1", "cancel", {"reason": CANARY})):
        bus.execute(command, by=Actor("id-ann", tenant="id-t"))
    failure_of(bus.execute, Perform("id-x-1", "start", {CANARY: CANARY}), by=Actor("id-ann", tenant="id-t"))
    assert len(telemetry.spans()) == 4
    for span in telemetry.spans():
        assert CANARY not in span.to_json()
    assert len(telemetry.metrics()) == 3
    for metric in telemetry.metrics().values():
        assert CANARY not in metric.to_json()
        assert "id-" not in metric.to_json()


def test_without_an_sdk_it_does_nothing() -> None:
    """Where the program has set up no SDK, the observer costs a little and changes nothing."""
    bus = a_bus(MemoryStore(), [TASK], observers=[OpenTelemetryObserver()])
    assert bus.execute(CreateTask("A", id="x-1"), by=ANN).version == 1
    assert not trace.get_current_span().get_span_context().is_valid


def test_without_the_api_the_import_names_the_extra() -> None:
    """Where the API is not installed, importing the module names the line that installs it."""
    said = run_python(
        "import sys\nsys.modules['opentelemetry'] = None\n"
        "try:\n    import casewright.adapters.otel\nexcept ImportError as error:\n    print(error)"
    )
    assert 'python -m pip install "casewright[otel]"' in said
