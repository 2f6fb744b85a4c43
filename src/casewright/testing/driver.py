"""The driver: asks buses, and demands at once that they did what they told and left no trace of what they refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from casewright.application.bus import CommandBus
from casewright.application.facts import FactProvider
from casewright.application.ports import Listing, Store
from casewright.application.reports import Outcome, Report
from casewright.domain.actors import Actor
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.events import Event
from casewright.domain.filters import ItemFilter, Order
from casewright.domain.ids import Tenant
from casewright.domain.items import Item
from casewright.domain.verdicts import Permitted, Refused
from casewright.errors import (
    AlreadyExistsError,
    CasewrightError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RefusedError,
    StaleVersionError,
)
from casewright.testing.builders import SOME_TIME
from casewright.testing.records import Call, Records

__all__ = ["BUSES", "Answer", "Driver"]

Answer: TypeAlias = Outcome[Any] | CasewrightError
"""What a command came to."""

FoundT = TypeVar("FoundT")

BUSES: Final = 2

_REFUSALS: Final = (ConflictError, InvalidInputError, NotFoundError, RefusedError)


class Driver:
    """Two buses on one store that holds nothing yet, as in two processes, and what they have told.

    Args:
        store: The store.
        definitions: What judges.
        facts: What finds out the facts that their guards need, by name.

    Attributes:
        now: What the clock says: it stands still but for `wait`.
        records: What the buses have told.
    """

    def __init__(
        self,
        store: Store,
        definitions: Sequence[TaskDefinition | CaseDefinition],
        *,
        facts: Mapping[str, FactProvider] | None = None,
    ) -> None:
        """Make the buses."""
        ids = itertools.count(1)
        self.now: datetime = SOME_TIME
        self.records: Records = Records(store, definitions)
        self._definitions = {one.name: one for one in definitions}
        self._reports: list[Report] = []
        self._given: dict[tuple[int, Tenant, str], list[Item]] = {}
        self._store = store
        self._buses = [
            CommandBus(
                store,
                definitions,
                clock=lambda: self.now,
                new_id=lambda: f"new-{next(ids)}",
                observers=[self._reports.append],
                facts=facts,
            )
            for _ in range(BUSES)
        ]

    def given(self, bus: int, *, tenant: Tenant, item_id: str) -> Sequence[Item]:
        """Return an item as one of the buses has given it, from the first time to the last."""
        return self._given.get((bus, tenant, item_id), ())

    def wait(self) -> None:
        """Let a second pass."""
        self.now += timedelta(seconds=1)

    def ask(self, call: Call) -> Answer:
        """Run a command, and demand that all that came of it is there, and reported once (E2, H1)."""
        self._reports.clear()
        seen: dict[str, Any] = {"expected_version": call.expected_version, "item": call.item}
        answer = _answer(lambda: self._buses[call.bus].outcome(call.command, by=call.by, at=call.at, **seen))
        self._settle([call], [answer])
        return answer

    def ask_twice(self, call: Call) -> Answer:
        """Ask first what would be, and demand that this changes and reports nothing and is what then comes."""
        self._reports.clear()
        verdict = _answer(lambda: self._buses[call.bus].check(call.command, by=call.by, at=call.at))
        assert not self._reports, "a check was reported"
        answer = self.ask(call)
        if isinstance(verdict, Permitted):
            done = isinstance(answer, Outcome) and len(answer.events) == len(verdict.changes)
            assert done or isinstance(answer, AlreadyExistsError), "what was permitted was not done"
        elif isinstance(verdict, Refused):
            assert isinstance(answer, RefusedError), "what was not permitted was done"
            assert answer.reasons == verdict.reasons, "the reasons are others"
        else:
            assert type(answer) is type(verdict), "check and execute fail differently"
        return answer

    def ask_all(self, calls: Sequence[Call], by: Actor, *, together: bool) -> tuple[Answer, ...]:
        """Run several commands of one actor; where together, demand that all were done or none."""
        self._reports.clear()
        answers = self._buses[0].execute_many([call.command for call in calls], by=by, all_or_nothing=together)
        done = {isinstance(answer, Outcome) for answer in answers}
        assert not together or len(done) <= 1, "some were done and some were not"
        self._settle(calls, answers)
        return answers

    def look(self, item_id: str, by: Actor) -> Item | None:
        """Read all that is kept under an id, and demand that it is what was told, or hidden and reported (A8, H1).

        Returns:
            The item; None where the actor found none.
        """
        record = self.records.of(by.tenant, item_id)
        seen = record is not None and self._may_read(record.item, by)
        alive = record.item if record is not None and seen and record.item.deleted_at is None else None
        self._reports.clear()
        bus = self._buses[0]
        item = _answer(lambda: bus.get(item_id, by=by))
        events = _answer(lambda: bus.history(item_id, by=by, after=1, limit=3))
        notes = _answer(lambda: bus.notes(item_id, by=by))
        findings = _answer(lambda: bus.verify(item_id, by=by))
        told = [item, events, notes, findings]
        missed = [answer for answer in told if isinstance(answer, NotFoundError)]
        assert [report.denial for report in self._reports] == missed, "a reading was not reported once"
        if record is None or not seen:
            assert len(missed) == len(told), "something was found that must not be seen"
            return None
        assert told[1:] == [tuple(record.events[1:4]), tuple(record.notes), ()], "what is read is not what was told"
        assert item == alive if alive is not None else isinstance(item, NotFoundError), "the item is not what was told"
        return alive

    def list(self, where: ItemFilter[Any], by: Actor, *, order: Order, limit: int) -> None:
        """List items page by page, and demand just those that were asked for and may be read (A6).

        A store that cannot list is passed over.
        """
        with self._store.begin(tenant=by.tenant, write=False) as uow:
            if not isinstance(uow, Listing):
                return
        there = [item for item in self.records.items(by.tenant) if item.deleted_at is None and where.matches(item)]
        expected = [item for item in there if self._may_read(item, by)]
        expected.sort(key=order.key, reverse=order.descending)
        bus = self._buses[0]
        page = bus.find(where, by=by, order=order, limit=limit)
        found = [*page.items]
        while page.next is not None:
            assert len(page.items) == limit, "a page is short and not the last one"
            page = bus.find(where, by=by, order=order, limit=limit, after=page.next)
            found += page.items
        assert found == expected, "the list is not what was asked for and may be read"
        assert bus.count(where, by=by) == len(expected), "the count is not that of the list"

    def _may_read(self, item: Item, by: Actor) -> bool:
        definition: Any = self._definitions[item.definition]
        answer: bool = definition.may_read(item, by=by)
        return answer

    def _settle(self, calls: Sequence[Call], answers: Sequence[Answer]) -> None:
        reports = list(self._reports)
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, Outcome):
                self._done(call, answer, _next(reports).events if answer.events else ())
                continue
            assert isinstance(answer, _REFUSALS), answer
            assert not isinstance(answer, StaleVersionError) or call.expected_version is not None, "nobody else wrote"
            if isinstance(answer, (NotFoundError, RefusedError)) and not _for_others(answer):
                assert _next(reports).denial is answer, "what was reported is not the denial"
        assert not reports, "what was neither done nor denied was reported"
        for call in calls:
            self.records.check_items(call.by.tenant, self._touched(call))

    def _done(self, call: Call, outcome: Outcome[Any], events: tuple[Event, ...]) -> None:
        """Take what was reported for true, and demand that the caller was told of just what they may read of it."""
        self.records.take(call, outcome, events=events)
        told = [
            event for event in events[1:] if self._may_read(self.records.item(event.tenant, event.item_id), call.by)
        ]
        assert outcome.events == (*events[:1], *told), "the caller was told of other events"
        self._given.setdefault((call.bus, call.by.tenant, outcome.item.id), []).append(outcome.item)

    def _touched(self, call: Call) -> Iterable[str]:
        ask = call.command.ask()
        record = None if ask.item_id is None else self.records.of(call.by.tenant, ask.item_id)
        case_id = getattr(record.item, "case_id", None) if record else ask.case_id
        return [item_id for item_id in (ask.item_id, case_id) if item_id is not None]


def _answer(question: Callable[[], FoundT]) -> FoundT | CasewrightError:
    try:
        return question()
    except _REFUSALS as error:
        return error


def _next(reports: list[Report]) -> Report:
    assert reports, "a change or a denial was not reported"
    return reports.pop(0)


def _for_others(answer: NotFoundError | RefusedError) -> bool:
    """Whether a command was refused only because another one of its batch was."""
    return isinstance(answer, RefusedError) and answer.reasons[0].code == "not_together"
