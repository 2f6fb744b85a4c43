"""`OutboxRelay`: delivers what a store's outbox holds, at least once and each item's events in their order.

What is decided on the way is in `relay_round`; here is only what touches the store and the publisher.
`AsyncOutboxRelay` has the same statements, which a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from random import random as system_chance
from time import monotonic as system_monotonic

from casewright.application.leasing import Pace, check_batch, check_lease
from casewright.application.new_ids import NewId, uuid7
from casewright.application.observers import notify
from casewright.application.ports import SHARDS
from casewright.application.publishing import Publisher
from casewright.application.relay_arguments import as_observers, as_poll, as_publisher, as_relaying
from casewright.application.relay_round import (
    RelayObserver,
    RelayReport,
    Round,
    Rules,
    cause_of,
    idle_pause,
    log_round,
)
from casewright.application.relay_stops import Stop, Waking, rest
from casewright.application.relaying import Batch, Lease, Place, Relaying
from casewright.application.retrying import Chance
from casewright.domain.values import as_name
from casewright.errors import StorageError

__all__ = ["OutboxRelay"]


class OutboxRelay:
    """Delivers the messages of all tenants of a store. Any number of them, on any machines, share the work.

    One is used by one thread. Each message is delivered at least once, and those of an item in the order of their
    versions: a later one is first delivered after the earlier one was. A message that is refused is tried again after a
    pause that grows, and is a dead letter in the end; until then, and until somebody replays or drops it, only its own
    item waits.

    Args:
        store: Whose outbox it is.
        publisher: Where messages go. Where it raises, it is taken to be away, and no message has failed.
        name: What the relay is called; each relay has a random part of its own besides.
        period: For how long it leases parts of the outbox. Another relay takes them over so long after this one died.
            A batch that takes more than a third of it makes the next ones smaller, so that what was delivered can be
            acknowledged; to deliver one message should take much less.
        max_attempts: After how many attempts a message is a dead letter.
        first_pause: The longest pause after the first attempt; each later one may be twice as long, up to one hour.
        observers: Told of each round.
        waking: What tells of news while there is nothing to do; without it the relay looks each ``poll``.
        random: Chance, by which pauses differ.
        new_id: Makes the random part of the name.
        monotonic: Tells seconds; only how many have gone by counts.

    Attributes:
        owner: Under which name it holds leases.

    Raises:
        MisuseError: The store cannot be relayed, takes part in a transaction of the caller's, or is an asynchronous
            one; the publisher has no ``publish``; or an observer is no function.
        InvalidInputError: Another argument is none.
    """

    def __init__(
        self,
        store: Relaying,
        publisher: Publisher,
        *,
        name: str = "relay",
        period: timedelta = timedelta(seconds=30),
        max_attempts: int = 8,
        first_pause: timedelta = timedelta(seconds=10),
        observers: Iterable[RelayObserver] = (),
        waking: Waking | None = None,
        random: Chance = system_chance,
        new_id: NewId = uuid7,
        monotonic: Callable[[], float] = system_monotonic,
    ) -> None:
        """Lease nothing yet."""
        self.owner: str = as_name(f"{as_name(name, 'name')} {new_id()}", "name", 255)
        check_lease(self.owner, period, SHARDS)
        self._store = as_relaying(store, Relaying)
        self._publisher = as_publisher(publisher)
        self._period = period
        self._pace = Pace(period)
        self._rules = Rules(max_attempts=max_attempts, first_pause=first_pause, random=random)
        self._observers = as_observers(observers)
        self._waking = waking
        self._random = random
        self._monotonic = monotonic
        self._lease: Lease | None = None
        self._renew_at = 0.0
        self._after: Place | None = None

    def run_once(self, limit: int = 100) -> RelayReport:
        """Deliver one batch, if anything is due, and return what came of it.

        Nothing that the store or the publisher fails with is raised: it is in the report, and in the log.

        Args:
            limit: At most so many messages, from 1 to 1000; fewer while the publisher is slow.

        Raises:
            InvalidInputError: The limit is none of that.
        """
        check_batch(limit)
        try:
            lease = self._leased()
            batch = self._next(lease, self._pace.most(limit))
            begun = self._monotonic()
            report = self._relay(lease, batch)
            self._pace.took(len(batch.due), self._monotonic() - begun)
        except StorageError as error:
            self._lease = None
            report = RelayReport(down=cause_of(error))
        log_round(self.owner, report)
        notify(self._observers, report)
        return report

    def run_forever(self, stop: Stop, *, poll: timedelta = timedelta(seconds=1), limit: int = 100) -> None:
        """Deliver batch after batch until told to stop; then the batch is ended and settled, and the leases given back.

        Args:
            stop: What tells to end: a `threading.Event`.
            poll: How long to wait where nothing is due. Where nothing can be done, the pauses grow.
            limit: As for `run_once`.

        Raises:
            InvalidInputError: An argument is none.
        """
        as_poll(poll)
        failures = 0
        try:
            while not stop.is_set():
                report = self.run_once(limit)
                failures = 0 if report.down is None else failures + 1
                if report.idle:
                    waking = self._waking if report.down is None else None
                    rest(stop, waking, idle_pause(failures, poll, self._random))
        finally:
            self.release()

    def release(self) -> None:
        """Give back the leases, so that other relays need not wait until they run out. The relay may go on after it."""
        self._lease = None
        with suppress(StorageError):  # then they run out
            self._store.release(self.owner)

    def _leased(self) -> Lease:
        if self._lease is None or self._monotonic() >= self._renew_at:
            renew_at = self._monotonic() + self._period.total_seconds() / 3
            self._lease = self._store.lease(self.owner, period=self._period)
            self._renew_at = renew_at
        return self._lease

    def _next(self, lease: Lease, limit: int) -> Batch:
        """Return the next batch: each item has its turn before one has it again, so none waits for a busy one."""
        batch = self._store.due(lease, after=self._after, limit=limit)
        if not batch.due and self._after is not None:
            batch = self._store.due(lease, limit=limit)
        self._after = Place.of(batch.due[-1].pointer) if batch.due else None
        return batch

    def _relay(self, lease: Lease, batch: Batch) -> RelayReport:
        going = Round(batch, self._rules)
        for part in going.parts():
            try:
                going.answered(self._publisher.publish(part))
            except Exception as error:  # noqa: BLE001 - whatever a publisher raises, nothing is lost
                going.raised(error)
        settlements = going.settlements()
        written: tuple[bool, ...] = ()
        problem = None
        if settlements:
            try:
                written = tuple(self._store.settle(lease, settlements))
            except StorageError as error:
                written, problem = (False,) * len(settlements), cause_of(error)
        if not all(written):
            self._lease = None
        return going.report(settlements, written, len(lease.tokens), problem)
