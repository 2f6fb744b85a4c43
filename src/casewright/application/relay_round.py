"""One round of a relay, without the store and without the publisher: what is handed over, and what came of it.

A publisher that answers for each message is believed. One that raises says nothing of any message, so nothing is known
but that the batch was not delivered as a whole: is the broker not there, or does one message make it raise? So each
item is tried alone, message by message. Where one message is taken, the broker is there, and those that raise are
refused; where none is, the broker is taken to be away, and nothing is counted against any message (O4).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import attrs

from casewright.application.publishing import Message
from casewright.application.relaying import LONGEST_PAUSE, Batch, Due, Settlement
from casewright.application.retrying import Chance
from casewright.domain.values import as_integer, close_coroutine
from casewright.errors import CasewrightError, InvalidInputError

__all__ = [
    "RelayObserver",
    "RelayReport",
    "Round",
    "Rules",
    "as_cause",
    "cause_of",
    "idle_pause",
    "log_round",
]

_LOGGER: Final = logging.getLogger("casewright.relay")

_LONGEST_CAUSE: Final = 500
_PROBES: Final = 2
"""How many messages may raise, alone, before the broker is taken to be away."""

_FIRST_IDLE: Final = timedelta(milliseconds=200)
_LONGEST_IDLE: Final = timedelta(seconds=30)
_DOUBLINGS: Final = 20


@attrs.frozen(kw_only=True)
class RelayReport:
    """What came of one round of a relay.

    Attributes:
        delivered: How many messages were delivered and acknowledged.
        failed: How many were refused, and will be tried again.
        dead: How many were refused for the last time, and are dead letters now.
        parked: How many were left, since an earlier one of their item was refused.
        lost: How many were delivered and could not be acknowledged, since another relay has taken over or the store
            failed: they are delivered again.
        shards: How many parts of the outbox the relay holds.
        lag: How old the oldest message of the round was, from its recording on, by the clocks of writer and store; None
            where there was none.
        down: Why nothing could be done: the store failed, or the publisher raised for whatever it was given. None where
            things went their way.
        causes: Why messages were refused or lost, each once, without any payload.
    """

    delivered: int = 0
    failed: int = 0
    dead: int = 0
    parked: int = 0
    lost: int = 0
    shards: int = 0
    lag: timedelta | None = None
    down: str | None = None
    causes: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether nothing was due, or nothing could be done: it is time to wait."""
        return self.down is not None or not (self.delivered or self.failed or self.dead or self.parked or self.lost)


RelayObserver: TypeAlias = Callable[[RelayReport], object]
"""Told of each round. What it raises is logged. An asynchronous relay takes async functions too, and waits for them."""


def _positive(instance: object, field: attrs.Attribute[timedelta], value: object) -> None:
    if not isinstance(value, timedelta) or not timedelta(0) <= value <= LONGEST_PAUSE:
        raise InvalidInputError(field.name, "must be a timedelta from 0 to one hour", "timedelta(seconds=10)")


def _attempts(value: int) -> int:
    return as_integer(value, "max_attempts", least=1)


@attrs.frozen(kw_only=True)
class Rules:
    """How a relay deals with messages that are refused.

    Attributes:
        max_attempts: After how many attempts a message is a dead letter.
        first_pause: The longest pause after the first attempt; each later one may be twice as long, up to one hour.
        random: Chance: pauses are anything from nothing to the longest.
    """

    max_attempts: int = attrs.field(default=8, converter=_attempts)
    first_pause: timedelta = attrs.field(default=timedelta(seconds=10), validator=_positive)
    random: Chance

    def settlement(self, due: Due, cause: str) -> Settlement:
        """Return what comes of a message that was refused."""
        attempts = due.pointer.attempts + 1
        if attempts >= self.max_attempts:
            return Settlement(pointer=due.pointer, error=cause, dead=True)
        longest = min(self.first_pause * (1 << min(attempts - 1, _DOUBLINGS)), LONGEST_PAUSE)
        return Settlement(pointer=due.pointer, error=cause, pause=longest * self.random())


def idle_pause(failures: int, poll: timedelta, random: Chance) -> timedelta:
    """Return how long to wait where nothing was due, or after so many rounds in which nothing could be done."""
    if not failures:
        return poll
    return min(_FIRST_IDLE * (1 << min(failures - 1, _DOUBLINGS)), _LONGEST_IDLE) * (0.5 + random() / 2)


def as_cause(text: str) -> str:
    """Return a cause as it can be stored and logged: one short line of printable text."""
    plain = "".join([char if char.isprintable() else " " for char in text[:_LONGEST_CAUSE]])
    return plain.strip() or "no reason was given"


def cause_of(error: Exception) -> str:
    """Return what to say of an exception: of another library's only the type, since its text may hold anything."""
    return as_cause(f"{type(error).__name__}: {error}" if isinstance(error, CasewrightError) else type(error).__name__)


def log_round(owner: str, report: RelayReport) -> None:
    """Write a line of the log where something went wrong.

    Args:
        owner: Which relay.
        report: What came of a round of it.
    """
    if report.down is not None:
        _LOGGER.warning("%s: nothing can be delivered: %s", owner, report.down)
    if report.dead:
        _LOGGER.error("%s: %d messages are dead letters now: %s", owner, report.dead, "; ".join(report.causes))
    elif report.causes:
        told = "; ".join(report.causes)
        _LOGGER.warning("%s: %d messages were refused and %d lost: %s", owner, report.failed, report.lost, told)


class Round:
    """What becomes of one batch.

    Args:
        batch: The batch.
        rules: How messages are dealt with that are refused.

    Attributes:
        down: Why the publisher is taken to be away; None where it is not.
    """

    def __init__(self, batch: Batch, rules: Rules) -> None:
        """Begin with nothing handed over."""
        self.down: str | None = None
        self._batch = batch
        self._rules = rules
        self._refused: dict[int, str] = {}
        self._delivered: set[int] = set()
        self._raised: dict[int, str] = {}
        self._alive = False
        self._asked: Sequence[int] = ()
        self._items: dict[tuple[str, str], list[int]] = {}
        for place, due in enumerate(batch.due):
            self._items.setdefault((due.pointer.tenant, due.pointer.item_id), []).append(place)
        self._readable = [place for own in self._items.values() for place in self._until_unreadable(own)]

    def _until_unreadable(self, places: Sequence[int]) -> Iterator[int]:
        for place in places:
            due = self._batch.due[place]
            if due.message is None:
                self._refused[place] = as_cause(due.problem)
                return
            yield place

    def parts(self) -> Iterator[Sequence[Message]]:
        """Yield what is to be handed to the publisher, one after the other; after each, tell `answered` or `raised`."""
        if not self._readable:
            return
        yield self._part(self._readable)
        if not self._raised:
            return
        causes, self._raised = self._raised, {}
        self._alive = False
        readable = set(self._readable)
        alone = [[place for place in own if place in readable] for own in self._items.values()]
        for own in sorted(alone, key=lambda _: self._rules.random()):
            for place in own:
                yield self._part([place])
                if place not in self._delivered:
                    break
            if not self._alive and len(self._raised) >= _PROBES:
                break
        if self._alive:
            self._refused |= self._raised
        else:
            self.down = next(iter((self._raised or causes).values()))

    def _part(self, places: Sequence[int]) -> Sequence[Message]:
        self._asked = places
        return tuple([message for place in places if (message := self._batch.due[place].message) is not None])

    def answered(self, answers: Sequence[str | None]) -> None:
        """Take what the publisher has answered to the last part."""
        if close_coroutine(answers):
            self._mark_raised("the publisher is an async function: pass it to an AsyncOutboxRelay")
        elif not isinstance(answers, Sequence) or isinstance(answers, str):
            self._mark_raised(f"the publisher answered with a {type(answers).__name__}, and no answer for each message")
        elif len(answers) != len(self._asked):
            self._mark_raised(f"the publisher gave {len(answers)} answers to {len(self._asked)} messages")
        else:
            self._alive = True
            self._take(answers)

    def raised(self, error: Exception) -> None:
        """Take what the publisher has raised for the last part."""
        self._mark_raised(cause_of(error))

    def _mark_raised(self, cause: str) -> None:
        self._raised[self._asked[0]] = cause

    def _take(self, answers: Sequence[str | None]) -> None:
        stopped: set[tuple[str, str]] = set()
        for place, answer in zip(self._asked, answers, strict=True):
            pointer = self._batch.due[place].pointer
            item = (pointer.tenant, pointer.item_id)
            if item in stopped:  # whatever is said of it: delivered once more, it comes after the one that failed
                continue
            if answer is None:
                self._delivered.add(place)
            else:
                stopped.add(item)
                self._refused[place] = as_cause(answer if isinstance(answer, str) else type(answer).__name__)

    def settlements(self) -> tuple[Settlement, ...]:
        """Return what is to be written down."""
        due = self._batch.due
        done = [Settlement(pointer=due[place].pointer) for place in sorted(self._delivered)]
        return (*done, *[self._rules.settlement(due[place], cause) for place, cause in sorted(self._refused.items())])

    def report(
        self, settlements: Sequence[Settlement], written: Sequence[bool], shards: int, problem: str | None
    ) -> RelayReport:
        """Return the report.

        Args:
            settlements: What was to be written down.
            written: For each whether it was.
            shards: How many parts of the outbox the relay holds.
            problem: Why the store failed, where it did.
        """
        kept = [one for one, there in zip(settlements, written, strict=True) if there]
        lost = sum(one.error is None for one in settlements) - sum(one.error is None for one in kept)
        taken_over = ("the lease was lost: another relay has taken over",) if lost and problem is None else ()
        causes = [one.error for one in kept if one.error is not None]
        recorded = [due.message.event.recorded_at for due in self._batch.due if due.message is not None]
        ages = [self._batch.now - moment for moment in recorded if moment is not None]
        tried = len(settlements)
        return RelayReport(
            delivered=sum(one.error is None for one in kept),
            failed=sum(one.error is not None and not one.dead for one in kept),
            dead=sum(one.dead for one in kept),
            parked=0 if self.down is not None else len(self._batch.due) - tried,
            lost=lost,
            shards=shards,
            lag=max([*ages, timedelta(0)]) if self._batch.due else None,
            down=problem if self.down is None else self.down,
            causes=tuple(dict.fromkeys([*causes, *taken_over])),
        )
