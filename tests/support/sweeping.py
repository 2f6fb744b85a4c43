"""Sweeps: a piece of work is done once for each call of the driver, which fails then, and all is looked at after."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from itertools import count, cycle
from traceback import clear_frames
from typing import Any, Final

from casewright import Actor, AlreadyExistsError, NotFoundError, RefusedError, StorageError
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import a_bus
from support.faults import Fault, Kind
from support.grounds import Ground
from support.plain_sql import disagreements, keys_of, plainly, recorded
from support.scenarios import Scenario

_ANSWERS: Final = (RefusedError, AlreadyExistsError, NotFoundError)
"""What a command may be answered that is asked for again though it was done."""


class Sweep:
    """A bus on a ground whose driver fails when told to.

    Args:
        ground: The ground; its database may be empty.
        cold: Whether each command is the first one of its store, with no connection in the pool.
        **options: For the store.
    """

    def __init__(self, ground: Ground, *, cold: bool = False, **options: Any) -> None:
        """Make an empty store."""
        self._ground = ground
        self._options = {**ground.options, **options}
        self._cold = cold
        store = SqlAlchemyStore(ground.engine, **self._options)
        store.create_schema()
        store.ping()
        self._bus = a_bus(store)
        self._sound = a_bus(SqlAlchemyStore(ground.sound))
        self._plain = plainly(ground.place)
        run = secrets.token_hex(4)  # one database may serve several sweeps
        self._tenants = (f"{run}.{number}" for number in count())
        self.runs = 0

    def close(self) -> None:
        """Give everything back."""
        self._plain.close()
        self._ground.engine.dispose()
        self._ground.sound.dispose()

    def over(self, scenario: Scenario, *, thoroughly: bool = False) -> None:
        """Do the work once for each call of the driver, which fails.

        Args:
            scenario: The work.
            thoroughly: Whether each call fails in every way; else each in one way after the other.
        """
        expected = self._done(scenario, self._given(scenario))
        calls, kinds = len(self._ground.driver.calls), self._ground.driver.kinds
        for fault in everything(calls, kinds) if thoroughly else each_once(calls, kinds):
            self._examine(scenario, fault, *expected)
            self.runs += 1

    def _given(self, scenario: Scenario) -> Actor:
        """Return somebody of a new tenant, for whom all is as the scenario wants it."""
        by = Actor("root", roles=["admin"], tenant=next(self._tenants))
        for command in scenario.given:
            self._sound.execute(command, by=by)
        return by

    def _done(
        self, scenario: Scenario, by: Actor, fault: Fault | None = None
    ) -> tuple[BaseException | None, list[Any]]:
        """Do the work with a fault in its way; return what it raised and what was recorded."""
        before = self._recorded(by.tenant)
        if self._cold:
            self._ground.engine.dispose()
            self._bus = a_bus(SqlAlchemyStore(self._ground.engine, **self._options))
        raised = self._ground.driver.run(lambda: scenario.work(self._bus, by), fault)
        return raised, [row for row in self._recorded(by.tenant) if row not in before]

    def _recorded(self, tenant: str) -> list[Any]:
        """Return the events and the keys of a tenant, but for ids that the bus makes."""
        rows = recorded(self._plain, tenant)
        made = {item_id: f"new {place}" for place, item_id in enumerate(sorted({r[0] for r in rows if "new-" in r[0]}))}
        keys = [(key, made.get(item_id, item_id), version) for key, item_id, version in keys_of(self._plain, tenant)]
        return [(made.get(item_id, item_id), *rest) for item_id, *rest in rows] + keys

    def _examine(self, scenario: Scenario, fault: Fault, refusal: BaseException | None, events: list[Any]) -> None:
        """Do the work with the fault and then without it, and check all that was promised."""
        by = self._given(scenario)
        raised, found = self._done(scenario, by, fault)
        met = fault.place < len(self._ground.driver.calls)  # else the first time took calls that this time did not

        assert found in ([], events)
        assert disagreements(self._plain, by.tenant) == []
        if met and not isinstance(fault.error, Exception):
            assert raised is fault.error
        elif raised is None or type(raised) is type(refusal):
            assert found == events
        elif fault.kind.of_the_driver:
            check_text(raised)
        else:
            assert raised is fault.error
        if raised is not None and self._options.get("sql_events"):
            # Of an interrupt SQLAlchemy leaves a cursor behind, in the frames of its traceback, which holds the lock.
            clear_frames(raised.__traceback__)
        self._check_pool()

        again, more = self._done(scenario, by)
        if found == []:
            assert (type(again), more) == (type(refusal), events)
        elif scenario.key is not None:  # it was done, and a retry under its key is answered as the first time
            assert (again, more) == (None, [])
        else:
            assert again is None or isinstance(again, _ANSWERS)
        assert disagreements(self._plain, by.tenant) == []

    def _check_pool(self) -> None:
        """Check that no connection is out, and that the next one is clean and as its owner has set it up."""
        pool: Any = self._ground.engine.pool
        assert pool.checkedout() == 0
        with self._ground.engine.connect() as connection:
            self._ground.check_clean(connection.connection.driver_connection)


def check_text(error: BaseException | None) -> None:
    """Check that it is an error of the store, whose text holds nothing of the driver's in its one line."""
    assert isinstance(error, StorageError)
    assert "SECRET" not in str(error)
    assert len(str(error).splitlines()) == 1


def each_once(calls: int, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    """Return a fault before and one after each of so many calls, in one way after the other."""
    turns = cycle(kinds.values())
    for place in range(calls):
        for after in (False, True):
            yield Fault(place, next(kind for kind in turns if kind.after or not after), after)


def everything(calls: int, kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    """Return every fault before and after each of so many calls."""
    for place in range(calls):
        for kind in kinds.values():
            yield Fault(place, kind, after=False)
            if kind.after:
                yield Fault(place, kind, after=True)
