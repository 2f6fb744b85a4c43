"""`LifecycleMachine`: long random work on a bus, after which the store must hold just what the bus has told.

It needs no model of what should have been decided, so it serves any store and any definitions. Needs the extra
``testing``. A store of one's own is tried so::

    class MyMachine(LifecycleMachine):
        def make_store(self) -> Store:
            return MyStore()

    TestMyStore = MyMachine.TestCase

Whoever has a model of their definitions holds it against the bus in `judge`, `judge_together` and `judge_reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

try:
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
except ImportError as _missing:
    _sentence = 'casewright.testing.machine needs Hypothesis: pip install "casewright[testing]"'
    raise ImportError(_sentence, name=_missing.name) from _missing

from casewright.application.commands import values
from casewright.application.commands.base import Command
from casewright.application.facts import FactProvider
from casewright.application.ports import Store
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.filters import CaseFilter, Order, OrderBy, TaskFilter
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Item
from casewright.errors import MisuseError
from casewright.testing.builders import SOME_TIME
from casewright.testing.driver import BUSES, Answer, Driver
from casewright.testing.records import Call
from casewright.testing.requests import (
    IDS,
    SEEN,
    SPOILS,
    as_seen,
    command_for,
    inputs_by_action,
    lifecycle_of,
    new_item,
    spoilt,
)
from casewright.testing.setting import check_setting, check_store
from casewright.testing.strategies import inputs_for, instants

__all__ = ["LifecycleMachine"]

_ALL: Final = ("admin", "case_writer", "reviewer")
_MOST: Final = 16
_EVERY: Final = 20

_PLACES: Final = st.integers(0, 10_000)
_SPOILS: Final = st.sampled_from((*["sound"] * 6, *SPOILS))
_SEEN: Final = st.sampled_from((*["nothing"] * 4, *SEEN))
_NEW: Final = st.sampled_from(
    (
        {"title": "A title", "reason": "as agreed"},
        {"title": "A title", "reason": "as agreed", "assignee_id": "ann"},
        {"title": "A title", "reason": "as agreed", "assignee_id": "ben", "priority": "high"},
        {"title": "A title", "assignee_id": "ben", "attributes": {"team": "red", "amount": 1, "urgent": True}},
        {"title": "A title", "assignee_id": "cy", "tags": ["b", "a", "b"]},
        {"title": "A title", "priority": "enormous", "reason": " "},
        {"title": " "},
        {},
    )
)
_FILTERS: Final = st.sampled_from(
    (
        *[{}] * 4,
        {"open": True},
        {"category": ("open", "active", "draft")},
        {"assignee_id": None},
        {"created_by": "ann", "open": True},
        {"overdue_at": SOME_TIME},
    )
)


class LifecycleMachine(RuleBasedStateMachine):
    """Several actors of two tenants work on tasks and cases; whatever was refused must have left no trace.

    Every 20 steps and in the end the store must hold exactly what the bus has told: items, histories that prove
    themselves and fold to the items, notes, and pointers to what is to be published (E2, E3, H1, H2, H5, L2, O1).

    Attributes:
        definitions: What judges; at least one.
        actors: Who acts. Of each tenant the first one should be able to do most things, so that histories grow.
        facts: What finds out the facts that guards need, by name; as a bus takes them.
        driver: The buses, and what they have told.
        steps: How many there were.

    Raises:
        MisuseError: A class attribute is not what it must be, or `make_store` gives no store; it says which.
    """

    definitions: ClassVar[Sequence[TaskDefinition | CaseDefinition]] = (TASK, REGULATORY_CASE)
    actors: ClassVar[Sequence[Actor]] = (
        Actor("ann", roles=_ALL),
        Actor("ben", roles=["case_writer"]),
        Actor("cy", roles=["reviewer"], on_behalf_of="ann"),
        Actor("dee"),
        Actor("ann", roles=_ALL, tenant="elsewhere"),
        Actor("ben", tenant="elsewhere"),
    )
    facts: ClassVar[Mapping[str, FactProvider]] = {}

    def make_store(self) -> Store:
        """Return a store that holds nothing. Called once for each run; a derived class must say how.

        Raises:
            MisuseError: It does not.
        """
        raise MisuseError(f"{type(self).__name__} has no make_store", "return a store that is new and empty")

    def judge(self, call: Call, answer: Answer) -> None:
        """Look at what a command came to. Does nothing here."""

    def judge_together(self, calls: Sequence[Call], answers: Sequence[Answer]) -> None:
        """Look at what commands came to that were to be done all or none. Does nothing here."""

    def judge_reading(self, item_id: str, *, by: Actor, found: Item | None) -> None:
        """Look at what an actor found under an id. Does nothing here."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        owner = type(self).__name__
        check_setting(owner, definitions=self.definitions, actors=self.actors, facts=self.facts)
        self.driver: Driver = Driver(check_store(owner, self.make_store()), self.definitions, facts=self.facts)
        self._held = {one.name: one for one in self.definitions}
        self._inputs = {one.name: inputs_by_action(one) for one in self.definitions}
        self._actions = tuple(dict.fromkeys(action for inputs in self._inputs.values() for action in inputs))
        self.steps: int = 0

    # ------------------------------------------------------------ what is done

    @initialize(places=st.lists(_PLACES, min_size=6, max_size=6), data=st.data())
    def begin(self, places: list[int], data: st.DataObject) -> None:
        """Create some items."""
        said = {"title": "There from the start"}
        for number, place in enumerate(places):
            self.create(who=0, which=place, what=2 * number + 1, fields=said, at=SOME_TIME, data=data)

    @rule(who=_PLACES, which=_PLACES, what=_PLACES, fields=_NEW, at=instants(), data=st.data())
    def create(
        self, *, who: int, which: int, what: int, fields: dict[str, Any], at: datetime, data: st.DataObject
    ) -> None:
        """Create a task or a case, under an id that may be taken, in a case that may be none, in any status."""
        by = self._actor(who)
        self._ask(Call(command=self._new(by, which, what, fields, data), by=by, at=at))

    @rule(who=_PLACES, which=_PLACES, what=_PLACES, seen=_SEEN, at=instants(), data=st.data())
    def advance(self, *, who: int, which: int, what: int, seen: str, at: datetime, data: st.DataObject) -> None:
        """Let somebody who may do most things move an item on from where it is, or from where they have seen it."""
        tenant = self._actor(who).tenant
        items = self.driver.records.items(tenant)
        if items:
            item = items[which % len(items)]
            said = self._said(item.id, tenant, seen, which // 7)
            there = said.get("item", item)
            allowed = lifecycle_of(self._held[item.definition], item).allowed(there.status)
            possible = (*allowed, *allowed, "add_note", "claim", "correct", "delete")
            action = possible[what % len(possible)]
            inputs = data.draw(inputs_for(self._inputs[item.definition][action]))
            by = next(actor for actor in self.actors if actor.tenant == tenant)
            self._ask(
                Call(command=command_for(item.id, action, inputs=inputs, typed=which % 2 == 0), by=by, at=at, **said)
            )

    @rule(who=_PLACES, which=_PLACES, what=_PLACES, spoil=_SPOILS, seen=_SEEN, at=instants(), data=st.data())
    def attempt(
        self, *, who: int, which: int, what: int, spoil: str, seen: str, at: datetime, data: st.DataObject
    ) -> None:
        """Let anybody try anything on any item, with sound or spoilt inputs, seen as it is or was, or not at all."""
        by = self._actor(who)
        item_id = self._any_id(by, which)
        said = self._said(item_id, by.tenant, seen, which // 7)
        call = Call(command=self._command(by, item_id, what, spoil, data), by=by, at=at, **said)
        if call.item is None and call.expected_version is None and which % 2:
            self.judge(call, self.driver.ask_twice(call))
        else:
            self._ask(call)

    @rule(who=_PLACES, parts=st.lists(st.tuples(_PLACES, _PLACES), max_size=4), together=st.booleans(), data=st.data())
    def batch(self, *, who: int, parts: list[tuple[int, int]], together: bool, data: st.DataObject) -> None:
        """Let somebody try several things at once: all or none of them, or each for itself."""
        by = self._actor(who)
        commands = [
            self._new(by, which, what, {"title": "One of several"}, data)
            if what % 3 == 0
            else self._command(by, IDS[which % len(IDS)], what, "sound", data)
            for which, what in parts
        ]
        calls = [Call(command=command, by=by, at=self.driver.now) for command in commands]
        answers = self.driver.ask_all(calls, by, together=together)
        if together:
            self.judge_together(calls, answers)
        else:
            for call, answer in zip(calls, answers, strict=True):
                self.judge(call, answer)

    @rule(who=_PLACES, which=_PLACES)
    def look(self, *, who: int, which: int) -> None:
        """Let anybody look at any item."""
        by = self._actor(who)
        item_id = self._any_id(by, which)
        self.judge_reading(item_id, by=by, found=self.driver.look(item_id, by))

    @rule(
        who=_PLACES,
        kind=st.sampled_from((TaskFilter, CaseFilter)),
        asked=_FILTERS,
        order=st.builds(Order, st.sampled_from(OrderBy), descending=st.booleans()),
        limit=st.integers(1, 3),
    )
    def list(
        self, *, who: int, kind: type[TaskFilter | CaseFilter], asked: dict[str, Any], order: Order, limit: int
    ) -> None:
        """Let anybody list items page by page."""
        self.driver.list(kind(**asked), self._actor(who), order=order, limit=limit)

    # ------------------------------------------------------------ what must hold

    @invariant()
    def check_now_and_then(self) -> None:
        """Check all of it every 20 steps, and let time go on."""
        self.driver.wait()
        self.steps += 1
        if self.steps % _EVERY == 0:
            self.check()

    def check(self) -> None:
        """Demand that the store holds just what the bus has told."""
        self.driver.records.check()

    def teardown(self) -> None:
        """Check all of it once more in the end."""
        self.check()

    # ------------------------------------------------------------ how numbers become commands

    def _ask(self, call: Call) -> None:
        self.judge(call, self.driver.ask(call))

    def _said(self, item_id: str, tenant: Tenant, seen: str, place: int) -> dict[str, Any]:
        """Which bus is asked, and what is said of the item as it was seen there."""
        bus = place % BUSES
        return {
            "bus": bus,
            **as_seen(self.driver.given(bus, tenant=tenant, item_id=item_id), seen, place=place // BUSES),
        }

    def _actor(self, place: int) -> Actor:
        """Anybody, but every other time the first one."""
        return self.actors[place // 2 % len(self.actors) if place % 2 else 0]

    def _any_id(self, by: Actor, place: int) -> str:
        """The id of an item that the actor has created or holds, of any one of theirs, or now and then of none."""
        items = self.driver.records.items(by.tenant)
        own = [item.id for item in items if by.id in (item.created_by, item.assignee_id)]
        ids = own if own and place % 4 else [item.id for item in items]
        if place % 10 == 0 or not ids:
            ids = [*self.driver.records.ids(), ItemId("nobody's")]
        return ids[place // 10 % len(ids)]

    def _new(self, by: Actor, which: int, what: int, fields: dict[str, Any], data: st.DataObject) -> Command[Any]:
        count = len(self.definitions)
        definition = self.definitions[what % (count + 1) % count]
        if definition.fields is not None and fields:
            fields = {**fields, "attributes": values.inputs(data.draw(inputs_for(definition.fields)))}
        items = self.driver.records.items(by.tenant)
        cases = [item.id for item in items if item.kind == "case"] if which % 5 else []
        case_id = (*cases, None)[which // 5 % (len(cases) + 1)] if cases else self._any_id(by, which)
        item_id = None if which % 2 and len(items) < _MOST else IDS[which // 2 % len(IDS)]
        states = tuple(definition.lifecycle.states)
        status = {} if what // 3 % 5 else {"status": states[what // 15 % len(states)]}
        return new_item(definition, {**fields, **status}, item_id=item_id, case_id=case_id)

    def _command(self, by: Actor, item_id: str, what: int, spoil: str, data: st.DataObject) -> Command[Any]:
        record = self.driver.records.of(by.tenant, item_id)
        name = record.item.definition if record else self.definitions[0].name
        own = self._inputs[name]
        names = (*own, *own, *own, *self._actions, "no such action")
        action = names[what % len(names)]
        specs = own.get(action, ())
        inputs = spoilt(data.draw(inputs_for(specs)) if specs else {}, spoil, specs=specs, place=what)
        return command_for(item_id, action, inputs=inputs, typed=spoil in {"sound", "missing", "blank"})
