"""What may go well another time is tried again, as a whole command; what never will is not (T6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest

from casewright import (
    Actor,
    AddNote,
    Command,
    CreateTask,
    Edit,
    OpenCase,
    OutcomeUnknownError,
    Report,
    StorageError,
    TransientStorageError,
)
from casewright.adapters.sqlalchemy import SqlAlchemyStore
from support.buses import Clock, a_bus
from support.faults import Fault, Kind
from support.grounds import Ground, SqliteGround
from support.plain_sql import disagreements, plainly, recorded
from support.scenarios import SCENARIOS, Scenario
from support.sqlite_faults import KINDS

SECRET: Final = "kanarienvogel"
COMMANDS: Final = [name for name in SCENARIOS if name[0].isupper()]
WRITES: Final = {"INSERT", "WITH"}
STATEMENTS: Final = {"BEGIN", "SELECT", "UPDATE", "COMMIT", "commit", *WRITES}
UNKNOWN: Final = "57014"
"""That a statement was cancelled leaves open whether it had been done; of a commit that is not for a guess."""


class Scene:
    """A store on a ground, with a bus whose clock, ids and reports are seen.

    Args:
        ground: The ground.
        refusals: How its database says that something may go well another time.
    """

    def __init__(self, ground: Ground, refusals: Mapping[str, Kind]) -> None:
        """Make it."""
        self.ground = ground
        self.refusals = refusals
        self.plain = plainly(ground.place)
        self.clock, self.ids = Clock(), list[str]()
        self.reports: list[Report] = []
        store = SqlAlchemyStore(ground.engine)
        store.create_schema()
        self.bus = a_bus(store, clock=self.clock, new_id=self._new_id, observers=[self.reports.append])
        self._tenants, self._numbers = count(), count()
        self.somebody(OpenCase("c"))  # the first command of a store asks more than each later one

    def close(self) -> None:
        """Give everything back."""
        self.plain.close()
        self.ground.engine.dispose()
        self.ground.sound.dispose()

    def _new_id(self) -> str:
        self.ids.append(f"id{next(self._numbers)}")
        return self.ids[-1]

    def somebody(self, *earlier: Command[Any]) -> Actor:
        """Return somebody of a new tenant who has run these commands."""
        by = Actor("root", roles=["admin"], tenant=f"{SECRET}{next(self._tenants)}")
        for command in earlier:
            self.bus.execute(command, by=by)
        return by

    def run(self, scenario: Scenario, by: Actor, fault: Fault | None = None) -> BaseException | None:
        """Do the work with a fault in its way, and return what it raised."""
        self.reports.clear()
        self.ids.clear()
        return self.ground.driver.run(lambda: scenario.work(self.bus, by), fault)

    def places(self, scenario: Scenario) -> list[int]:
        """Return which calls of the work are statements that the database may refuse."""
        assert self.run(scenario, self.somebody(*scenario.given)) is None
        calls = self.ground.driver.calls
        last = max(place for place, call in enumerate(calls) if call.split()[0] in {"COMMIT", "commit"})
        return [place for place, call in enumerate(calls[: last + 1]) if call.split()[0] in STATEMENTS]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Yield an empty store of each kind."""
    if request.param == "sqlite":
        made = Scene(SqliteGround.at(tmp_path_factory.mktemp("retries") / "store.db"), {"busy": KINDS["busy"]})
    else:
        ground = request.getfixturevalue("postgres_ground")
        from support.postgres_faults import RETRIED, refusal

        made = Scene(ground, {state: refusal(state) for state in RETRIED})
    with closing(made):
        yield made


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "CompleteTask" else pytest.mark.large) for name in COMMANDS]
)
def test_what_may_go_well_another_time_is_tried_again(scene: Scene, name: str) -> None:
    """Whichever statement is refused so, the whole command runs again, with the same id and time, and is done once."""
    scenario = SCENARIOS[name]
    for place in scene.places(scenario):
        for state, kind in scene.refusals.items():
            by = scene.somebody(*scenario.given)
            before, now = recorded(scene.plain, by.tenant), scene.clock.now
            raised = scene.run(scenario, by, Fault(place, kind, after=False))
            found = [event for event in recorded(scene.plain, by.tenant) if event not in before]
            if state == UNKNOWN and scene.ground.driver.calls[place] == "commit":
                assert (type(raised), found) == (OutcomeUnknownError, [])
                continue
            assert raised is None
            (report,) = scene.reports
            assert report.attempts == 2
            assert sorted((event.item_id, event.version, event.action) for event in report.events) == found
            assert {event.occurred_at for event in report.events} == {now + timedelta(seconds=1)}
            assert len(scene.ids) <= 1
            assert disagreements(scene.plain, by.tenant) == []


def test_what_never_goes_well_is_given_up(scene: Scene) -> None:
    """What is refused each time is tried five times in all, and then the caller is told (T6)."""
    for kind in scene.refusals.values():
        by = scene.somebody()
        scenario = Scenario((), lambda bus, by: bus.execute(OpenCase("c", id="c"), by=by))
        raised = scene.run(scenario, by, Always(0, kind, after=False))

        assert type(raised) is TransientStorageError
        assert sum(map(Always.is_first, scene.ground.driver.calls)) == 5
        assert recorded(scene.plain, by.tenant) == []


class Always(Fault):
    """The first statement that writes is refused, whenever it is sent."""

    @staticmethod
    def is_first(name: str) -> bool:
        """Return whether a call is one that writes; where it is refused, none comes after it."""
        return name.split(maxsplit=1)[0] in WRITES

    def hits(self, place: int, name: str) -> bool:
        """See `Fault.hits`."""
        return self.is_first(name)


ADDED: Final[Mapping[str, tuple[str, Command[Any], Command[Any]]]] = {
    "of titles": ("item (title)", CreateTask(SECRET, id="u"), CreateTask(SECRET, id="v")),
    "of descriptions": ("item (description)", Edit("t0", description=SECRET), Edit("t1", description=SECRET)),
    "of actions": ("event (action, version)", AddNote("t0", SECRET), AddNote("t1", SECRET)),
    "of notes": ("note (body)", AddNote("t0", SECRET), AddNote("t1", SECRET)),
    "of pointers": ("outbox (version)", AddNote("t0", SECRET), AddNote("t1", SECRET)),
}


@pytest.mark.parametrize("name", ADDED)
def test_a_rule_that_was_added_to_the_tables_is_no_conflict(scene: Scene, name: str) -> None:
    """A unique index of somebody else's stops a command for good: no id is taken, and nothing is tried again."""
    columns, first, second = ADDED[name]
    by = scene.somebody(CreateTask("t0", id="t0"), CreateTask("t1", id="t1"))
    held = "" if name in {"of titles", "of descriptions"} else " AND version > 1"
    scene.plain.execute(f"CREATE UNIQUE INDEX foreigner ON casewright_{columns} WHERE tenant = '{by.tenant}'{held}")
    scene.bus.execute(first, by=by)
    before = recorded(scene.plain, by.tenant)
    raised = scene.run(Scenario((), lambda bus, by: bus.execute(second, by=by)), by)
    scene.plain.execute("DROP INDEX foreigner")

    assert type(raised) is StorageError
    assert "breaks a rule that was added" in str(raised)
    assert SECRET not in f"{raised} {raised!r} {raised.__cause__}"
    assert scene.ground.driver.calls.count("cursor") == 1
    assert recorded(scene.plain, by.tenant) == before
    scene.bus.execute(second, by=by)
