"""`OutboxRelay` and its twin: what is delivered, parked and given up, and what a report says of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from casewright import (
    AsyncOutboxRelay,
    InvalidInputError,
    Message,
    MisuseError,
    OutboxRelay,
    OutcomeUnknownError,
    RelayReport,
    TransientStorageError,
)
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.testing.contracts.driving import edited, write
from casewright.testing.contracts.relay_driving import LONG, histories
from casewright.testing.fakes import CollectingPublisher, FrozenClock
from support.relays import RELAYS, Flaky, a_store, delivered, middle, plain

KEPT: Any = ("", "item", "a")
GONE = ConnectionRefusedError("the text of another library may hold anything")


@pytest.fixture(params=RELAYS)
def relay_of(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return what makes a relay, plain or awaited."""
    return RELAYS[request.param]


def refusing(*ids: str) -> CollectingPublisher:
    """Return a publisher that refuses these messages."""
    return CollectingPublisher(lambda message: "too large" if message.id in ids else None)


def raising(*ids: str) -> Flaky:
    """Return a publisher that raises where one of these messages is among what it is given."""
    return Flaky(lambda messages: GONE if any(message.id in ids for message in messages) else None)


def test_a_round_delivers_what_is_due_in_order(relay_of: Callable[..., Any]) -> None:
    """Each message is delivered once, those of an item by version, and a round with nothing due is idle (O1, O2)."""
    store, sink = a_store("a", "b", "c", versions=3), CollectingPublisher()
    relay = relay_of(store, sink)
    report = relay.run_once()
    assert report == RelayReport(delivered=9, shards=64, lag=timedelta(0))
    assert not report.idle
    for name in "abc":
        assert [one for one in delivered(sink) if one[0] == name] == [f"{name}.{version}" for version in (1, 2, 3)]
    assert relay.run_once() == RelayReport(shards=64)
    assert relay.run_once().idle


def test_each_item_has_its_turn_before_one_has_it_again(relay_of: Callable[..., Any]) -> None:
    """However much a busy item has to tell, others wait for no more than one round through all items (O4)."""
    store, sink = a_store("a", "b", "c", versions=6), CollectingPublisher()
    relay = relay_of(store, sink)
    for _ in range(9):
        relay.run_once(limit=2)
    turns = [one[0] for one in delivered(sink)[::2]]
    assert [sorted(turns[start : start + 3]) for start in (0, 3, 6)] == [["a", "b", "c"]] * 3
    assert relay.run_once(limit=2).idle


def test_a_refused_message_waits_and_so_does_its_item(relay_of: Callable[..., Any]) -> None:
    """It has failed, the later ones of its item are parked, others are delivered, and the cause is told (O4)."""
    store, sink = a_store("a", "b"), refusing("a.1")
    reports: list[RelayReport] = []
    relay = relay_of(store, sink, random=middle, observers=[reports.append])
    assert relay.run_once() == RelayReport(
        delivered=2, failed=1, parked=1, shards=64, lag=timedelta(0), causes=("too large",)
    )
    assert relay.run_once().idle
    assert [report.failed for report in reports] == [1, 0]
    (pointer, _) = [fate.pointer for fate in map(store.fate, store.all_pointers()) if fate.is_open]
    assert pointer.next_at == FrozenClock()() + timedelta(seconds=5)


def test_a_message_is_given_up_after_its_attempts(relay_of: Callable[..., Any]) -> None:
    """After eight attempts it is a dead letter, and its item waits until somebody replays or drops it (O4, O5)."""
    store, sink = a_store("a"), refusing("a.1")
    relay = relay_of(store, sink)
    reports = [relay.run_once() for _ in range(9)]
    assert [(report.failed, report.dead) for report in reports] == [(1, 0)] * 7 + [(0, 1), (0, 0)]
    assert [letter.attempts for letter in store.dead_letters()] == [8]
    store.purge_dead(tenant="", item_id="a", version=1)
    assert relay.run_once().delivered == 1
    assert delivered(sink) == ["a.2"]


def test_pauses_grow_up_to_an_hour() -> None:
    """Each pause is anything up to twice the longest before it, and none is longer than an hour (O4)."""
    clock = FrozenClock()
    store = a_store("a", versions=1, clock=clock)
    relay = plain(store, refusing("a.1"), random=lambda: 1.0, max_attempts=30)
    pauses = []
    for _ in range(29):
        assert relay.run_once().failed == 1
        (pointer,) = [store.fate(pointer).pointer for pointer in store.all_pointers()]
        assert pointer.next_at is not None
        pauses.append((pointer.next_at - clock()).total_seconds())
        clock.set(pointer.next_at)
    assert pauses[:9] == [10 * 2**number for number in range(9)]
    assert set(pauses[9:]) == {3600.0}


def test_a_publisher_that_is_not_there_costs_no_message_an_attempt(relay_of: Callable[..., Any]) -> None:
    """Where whatever is tried raises nothing is counted, three calls are made in all, and it is told by type (O4)."""
    store, sink = a_store("a", "b", "c", "d"), Flaky(lambda messages: GONE)
    relay = relay_of(store, sink)
    for _ in range(20):
        sink.asked.clear()
        report = relay.run_once()
        assert report == RelayReport(shards=64, lag=timedelta(0), down="ConnectionRefusedError")
        assert len(sink.asked) == 3
    assert {store.fate(pointer).pointer.attempts for pointer in store.all_pointers()} == {0}


def test_a_message_that_makes_the_publisher_raise_is_found(relay_of: Callable[..., Any]) -> None:
    """Where others are taken alone the one that raises is refused, and stops its own item only (O4)."""
    store, sink = a_store("a", "b", "c", versions=3), raising("b.2")
    relay = relay_of(store, sink, max_attempts=2)
    report = relay.run_once()
    assert (report.delivered, report.failed, report.parked, report.down) == (7, 1, 1, None)
    assert report.causes == ("ConnectionRefusedError",)
    assert sorted(delivered(sink)) == ["a.1", "a.2", "a.3", "b.1", "c.1", "c.2", "c.3"]
    write(store, *histories("d"))
    assert (relay.run_once().dead, relay.run_once().dead) == (1, 0)
    assert [letter.version for letter in store.dead_letters()] == [2]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ([], "the publisher gave 0 answers to 1 messages"),
        (["no"] * 9, "the publisher gave 9 answers to 1 messages"),
        (object(), "the publisher answered with a object, and no answer for each message"),
        ("no", "the publisher answered with a str, and no answer for each message"),
    ],
    ids=["none", "too many", "no list", "a text"],
)
def test_a_publisher_that_answers_wrongly_loses_nothing(relay_of: Callable[..., Any], answer: Any, cause: str) -> None:
    """Where it does not answer for each message nothing is acknowledged, and what it did is told (O1)."""
    store = a_store("a", "b")
    answers = [answer]
    sink = Flaky(lambda messages: answers[0])
    relay = relay_of(store, sink)
    report = relay.run_once()
    assert (report.down, report.delivered, report.failed, report.lost) == (cause, 0, 0, 0)
    answers[0] = None
    assert relay.run_once().delivered == 4


def test_a_plain_relay_says_that_its_publisher_is_async() -> None:
    """A coroutine in place of answers is closed, and told as what it is."""

    class Awaited:
        async def publish(self, messages: Sequence[Message]) -> Sequence[str | None]:
            return [None for _ in messages]

    publisher: Any = Awaited()
    report = plain(a_store("a"), publisher).run_once()
    assert report.down == "the publisher is an async function: pass it to an AsyncOutboxRelay"


def test_of_an_item_nothing_after_a_refusal_is_believed(relay_of: Callable[..., Any]) -> None:
    """A publisher that goes on after it refused one message has the later ones again, after it (O2)."""
    store = a_store("a", versions=3)
    sink = Flaky(lambda messages: [None if message.event.version != 2 else 7 for message in messages])
    report = relay_of(store, sink).run_once()
    assert (report.delivered, report.failed, report.parked, report.causes) == (1, 1, 1, ("int",))
    assert [pointer.version for pointer in _left(store)] == [2, 3]


@pytest.mark.parametrize("text", ["", " \n", "a\x00b\ud800\u202e", "x" * 10_000])
def test_whatever_a_publisher_says_is_kept_as_one_short_line(relay_of: Callable[..., Any], text: str) -> None:
    """What is no printable text, or too long, becomes what each store and each log can hold (S6)."""
    store = a_store("a", versions=1)
    (cause,) = relay_of(store, CollectingPublisher(lambda message: text)).run_once().causes
    assert cause.isprintable()
    assert 0 < len(cause) <= 500
    assert [pointer.error for pointer in _left(store)] == [cause]


class Failing(MemoryStore):
    """A store whose methods fail where they are told to."""

    def __init__(self, **failing: Exception) -> None:
        """Keep what they raise."""
        super().__init__(clock=FrozenClock())
        self.failing: dict[str, Exception] = failing

    def __getattribute__(self, name: str) -> Any:
        """Return the method, unless it fails."""
        if name in {"lease", "due", "settle", "release"} and (error := self.failing.get(name)) is not None:

            def fail(*_: object, **named: object) -> None:
                raise error

            return fail
        return super().__getattribute__(name)


@pytest.mark.parametrize("method", ["lease", "due", "settle"])
@pytest.mark.parametrize(
    "error", [TransientStorageError("the database is down", "wait"), OutcomeUnknownError("lost", "look")]
)
def test_a_store_that_fails_is_told_and_nothing_is_lost(
    relay_of: Callable[..., Any], method: str, error: Exception
) -> None:
    """Also between delivery and acknowledgement: the report says why, and what was delivered comes again (O1)."""
    store, sink = Failing(**{method: error}), CollectingPublisher()
    write(store, *histories("a"))
    relay = relay_of(store, sink)
    report = relay.run_once()
    assert report.down == f"{type(error).__name__}: {error}"
    assert (report.delivered, report.lost) == (0, 2 if method == "settle" else 0)
    store.failing.clear()
    assert relay.run_once().delivered == 2
    assert delivered(sink) == ["a.1", "a.2"] * (2 if method == "settle" else 1)


def test_a_relay_that_lost_its_lease_says_so_and_leases_anew(relay_of: Callable[..., Any]) -> None:
    """What another relay has taken over is not acknowledged: it is counted as lost, and comes again (O6)."""
    clock = FrozenClock()
    store = a_store("a", versions=3, clock=clock)
    other: list[Any] = []

    def take_over(messages: Sequence[Message]) -> None:
        if not other:
            clock.tick(timedelta(minutes=1))
            other.append(store.lease("other", period=LONG))

    sink = Flaky(take_over)
    relay = relay_of(store, sink)
    report = relay.run_once()
    assert (report.delivered, report.lost, report.down) == (0, 3, None)
    assert report.causes == ("the lease was lost: another relay has taken over",)
    assert relay.run_once() == RelayReport(shards=0)
    store.release("other")
    clock.tick(timedelta(minutes=1))
    assert [relay.run_once().delivered for _ in range(2)] == [0, 0]
    relay.release()
    assert relay.run_once().delivered == 3


def test_a_lease_is_renewed_after_a_third_of_its_period(relay_of: Callable[..., Any]) -> None:
    """In between the store is not asked; how long is measured by time that has gone by, not by a clock (O8)."""
    gone = [0.0]
    clock = FrozenClock()
    store = a_store(clock=clock)
    relay = relay_of(store, CollectingPublisher(), period=timedelta(seconds=30), monotonic=lambda: gone[0])
    ends = []
    for gone[0] in (0.0, 5.0, 9.9, 10.0, 19.9, 20.0):
        clock.tick()
        relay.run_once()
        ends.append(max(row.expires_at or clock() for row in store._holdings.values()) - clock())
    assert [span.total_seconds() for span in ends] == [30, 29, 28, 30, 29, 30]


def test_a_slow_publisher_is_given_less_at_once(relay_of: Callable[..., Any]) -> None:
    """Two relays of one would take over from each other for ever; where it is quick again it is given more (O6)."""
    gone, pause, sizes = [0.0], [1.0], []

    def takes_its_time(messages: Sequence[Message]) -> None:
        gone[0] += len(messages) * pause[0]
        sizes.append(len(messages))

    store = a_store(*[f"i{number:02}" for number in range(60)], versions=4)
    relay = relay_of(store, Flaky(takes_its_time), period=timedelta(seconds=30), monotonic=lambda: gone[0])
    for pause[0] in (1, 1, 1, 1, 1, 1, 0, 0, 0):
        relay.run_once()
    assert sizes == [100, 50, 25, 12, 6, 6, 6, 7, 8]


def test_what_cannot_be_read_parks_its_item_only(relay_of: Callable[..., Any]) -> None:
    """An event of a newer schema that history has gone past is refused with its cause, and becomes a dead letter."""
    store, sink = a_store("a", "b"), CollectingPublisher()
    kept = store._kept[KEPT]
    newer = [attrs.evolve(event, schema=99) for event in kept.events.part()]
    store._kept[KEPT] = attrs.evolve(kept, events=type(kept.events)(newer, 2))
    relay = relay_of(store, sink, max_attempts=1)
    report = relay.run_once()
    assert (report.delivered, report.dead, report.parked) == (2, 1, 1)
    assert report.causes == ("its schema is not known to this version, so only its header can be read",)
    assert delivered(sink) == ["b.1", "b.2"]


def test_a_pointer_without_its_event_parks_its_item_only(relay_of: Callable[..., Any]) -> None:
    """Whoever has removed an event keeps nobody else's from being delivered."""
    store, sink = a_store("a", "b"), CollectingPublisher()
    kept = store._kept[KEPT]
    store._kept[KEPT] = attrs.evolve(kept, events=type(kept.events)([], 0))
    report = relay_of(store, sink).run_once()
    assert (report.delivered, report.failed, report.causes) == (2, 1, ("its event is not in the history of its item",))
    assert store.backlog().oldest is None or store.backlog().parked == 0


def test_what_goes_wrong_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What is refused, given up, or cannot be done is one line each, and what goes well is none (S6)."""
    caplog.set_level(logging.DEBUG, logger="casewright")
    sound = plain(a_store("a"), CollectingPublisher())
    sound.run_once()
    assert caplog.records == []
    for relay in (
        plain(a_store("a"), refusing("a.1")),
        plain(a_store("a"), refusing("a.1"), max_attempts=1),
        plain(a_store("a"), Flaky(lambda messages: GONE)),
    ):
        relay.run_once()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "relay r-1: 1 messages were refused and 0 lost: too large"),
        ("ERROR", "relay r-1: 1 messages are dead letters now: too large"),
        ("WARNING", "relay r-1: nothing can be delivered: ConnectionRefusedError"),
    ]


def test_an_observer_that_fails_changes_nothing(relay_of: Callable[..., Any]) -> None:
    """What an observer raises is logged and swallowed, and the next one is told."""
    told: list[RelayReport] = []

    def fail(report: RelayReport) -> None:
        raise ValueError

    assert relay_of(a_store("a"), CollectingPublisher(), observers=[fail, told.append]).run_once().delivered == 2
    assert len(told) == 1


class Stops:
    """A stop that is set after so many questions, and notes how long it was waited for."""

    def __init__(self, after: int) -> None:
        """Keep after how many."""
        self.left = after
        self.waited: list[float | None] = []

    def is_set(self) -> bool:
        """Whether to end."""
        self.left -= 1
        return self.left < 0

    def wait(self, timeout: float | None = None) -> bool:
        """Note it."""
        self.waited.append(timeout)
        return False


def test_a_relay_that_runs_for_ever_ends_when_told_and_gives_back(relay_of: Callable[..., Any]) -> None:
    """It ends after the batch it is in, settled, and another relay has its leases at once."""
    store, sink, stop = a_store("a", "b", "c"), CollectingPublisher(), threading.Event()
    relay = relay_of(store, sink, observers=[lambda report: stop.set()])
    relay.run_forever(stop, limit=4)
    assert len(sink.published) == 4
    assert store.backlog().pending == 2
    assert len(store.lease("other", period=LONG).shards) == 64


def test_a_relay_waits_only_where_nothing_can_be_done() -> None:
    """With something due it goes on at once; with nothing it waits for ``poll``; longer and longer where it fails."""
    stop = Stops(5)
    plain(a_store("a", "b"), CollectingPublisher()).run_forever(stop, poll=timedelta(seconds=2), limit=1)
    assert stop.waited == [2.0]  # after the four that are due
    stop = Stops(12)
    plain(a_store("a", "b"), Flaky(lambda messages: GONE), random=lambda: 1.0).run_forever(stop)
    assert stop.waited[:4] == [0.2, 0.4, 0.8, 1.6]
    assert stop.waited[-1] == 30.0


def test_news_wake_a_relay() -> None:
    """Where something tells of news, that is waited for, but while nothing can be done."""
    told: list[timedelta] = []

    class News:
        def wait(self, longest: timedelta) -> bool:
            told.append(longest)
            return True

    class AwaitedNews:
        async def wait(self, longest: timedelta) -> bool:
            told.append(longest)
            return True

    for kind, news in (("plain", News()), ("awaited", AwaitedNews())):
        RELAYS[kind](a_store(), CollectingPublisher(), waking=news).run_forever(Stops(2))
    assert told == [timedelta(seconds=1)] * 4
    stop = Stops(1)
    plain(a_store("a"), Flaky(lambda messages: GONE), waking=News()).run_forever(stop)
    assert (len(told), len(stop.waited)) == (4, 1)


def test_leases_that_cannot_be_given_back_run_out(relay_of: Callable[..., Any]) -> None:
    """A relay ends also while its store is down."""
    store = Failing(release=TransientStorageError("the database is down"))
    relay_of(store, CollectingPublisher()).run_forever(Stops(0))


def test_two_relays_of_one_name_are_two() -> None:
    """Each has a part of its own in its name, so they share the work and never each other's leases (O6)."""
    store = a_store()
    one, other = (plain(store, CollectingPublisher(), name="same", new_id=lambda n=n: f"{n}") for n in (1, 2))
    assert one.owner != other.owner
    assert (one.run_once().shards, other.run_once().shards) == (64, 0)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": ""}, InvalidInputError),
        ({"period": timedelta(hours=1)}, InvalidInputError),
        ({"max_attempts": 0}, InvalidInputError),
        ({"first_pause": timedelta(hours=2)}, InvalidInputError),
        ({"first_pause": 3}, InvalidInputError),
        ({"observers": [3]}, MisuseError),
        ({"publisher": object()}, MisuseError),
        ({"store": object()}, MisuseError),
    ],
)
def test_a_relay_of_wrong_arguments_is_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    """What is no store, no publisher, no function, no time or no number is told when the relay is made."""
    given = {"store": MemoryStore(), "publisher": CollectingPublisher(), **wrong}
    with pytest.raises(error):
        plain(given.pop("store"), given.pop("publisher"), **given)


def test_a_relay_takes_stores_of_its_own_kind() -> None:
    """A plain relay refuses a store that is awaited, an asynchronous one a plain store, and both say which to take."""
    awaited: Any = AsyncMemoryStore()
    store: Any = MemoryStore()
    publisher: Any = CollectingPublisher()
    for make, wrong in ((OutboxRelay, awaited), (AsyncOutboxRelay, store)):
        with pytest.raises(MisuseError, match="AsyncOutboxRelay"):
            make(wrong, publisher)
    store.joined = True
    with pytest.raises(MisuseError, match="transaction of the caller"):
        OutboxRelay(store, CollectingPublisher())


@pytest.mark.parametrize("limit", [0, 1001, True])
def test_a_limit_of_a_round_that_is_none_is_refused(relay_of: Callable[..., Any], limit: Any) -> None:
    """A round holds from 1 to 1000 messages."""
    with pytest.raises(InvalidInputError):
        relay_of(a_store(), CollectingPublisher()).run_once(limit)


@pytest.mark.parametrize("poll", [1, timedelta(seconds=-1), timedelta(hours=2)])
def test_a_poll_that_is_no_time_is_refused(relay_of: Callable[..., Any], poll: Any) -> None:
    """It is a time from nothing to one hour."""
    with pytest.raises(InvalidInputError):
        relay_of(a_store(), CollectingPublisher()).run_forever(Stops(0), poll=poll)


def test_an_interrupt_in_the_publisher_is_passed_on_and_loses_nothing(relay_of: Callable[..., Any]) -> None:
    """Ctrl-C ends the relay; what was under way is not acknowledged, and comes again (O1)."""
    store = a_store("a")
    relay = relay_of(store, Flaky(lambda messages: KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        relay.run_once()
    assert store.backlog().pending == 2


def test_what_is_recorded_between_rounds_is_delivered_after_what_was_before(relay_of: Callable[..., Any]) -> None:
    """A relay that goes on in the middle of the outbox comes back to the beginning (O3)."""
    store, sink = a_store(), CollectingPublisher()
    first, *_ = changes = histories("a", "b", "c", "d", versions=1)
    write(store, *changes)
    relay = relay_of(store, sink)
    relay.run_once(limit=2)
    write(store, *edited(first.after, "later"))
    reports = [relay.run_once(limit=2) for _ in range(3)]
    assert sum(report.delivered for report in reports) == 3
    assert delivered(sink).index("a.1") < delivered(sink).index("a.2")


def _left(store: MemoryStore) -> list[Any]:
    return [fate.pointer for fate in map(store.fate, store.all_pointers()) if fate.is_open]
