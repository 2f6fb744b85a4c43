"""What a bus calls fails: clock, ids, facts, rules, guards and observers. Nothing is half-written (T1, T4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from casewright import (
    TASK,
    CasewrightError,
    CommandBus,
    CreateTask,
    MisuseError,
    OpenCase,
    StartTask,
    UnitOfWork,
    guard,
    predicate,
)
from support.backends import BACKENDS, Backend
from support.buses import DEFINITIONS, ROOT, Clock, a_bus, failure_of, guarded

ERRORS: Final = (RuntimeError, KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit)
GUARDED: Final = guarded(TASK, {"start": ("ready",)})


class Failing:
    """A function that fails at one of its calls, and otherwise answers as another one does.

    Args:
        answer: The other one.
        error: What it raises.
        place: At which call, from 1.
    """

    def __init__(self, answer: Callable[..., Any], error: BaseException, place: int = 1) -> None:
        """Begin with no call."""
        self.answer = answer
        self.error = error
        self.left = place

    def __call__(self, *arguments: Any) -> Any:
        """Answer, or fail."""
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.answer(*arguments)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a store of each kind with a task that can be started, and a case."""
    made = BACKENDS[request.param](tmp_path)
    bus = a_bus(made.store)
    bus.execute(OpenCase("c", id="c"), by=ROOT)
    bus.execute(CreateTask("t", id="t", case_id="c"), by=ROOT)
    yield made
    made.close()


def failing(bus: CommandBus) -> BaseException:
    """Return what the bus raises when it is asked to start the task."""
    try:
        bus.execute(StartTask("t"), by=ROOT)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", [1, 2])
def test_a_clock_that_fails(backend: Backend, place: int, error: type[BaseException]) -> None:
    """What the clock raises comes out, at either reading, nothing is written, and the bus goes on."""
    clock, before = Failing(Clock(), error(), place), backend.dump()
    bus = a_bus(backend.store, clock=clock)

    assert failing(bus) is clock.error
    assert backend.dump() == before
    assert bus.execute(StartTask("t"), by=ROOT).version == 2


@pytest.mark.parametrize("error", ERRORS)
def test_ids_that_fail(backend: Backend, error: type[BaseException]) -> None:
    """What the maker of ids raises comes out, nothing is written, and the bus goes on."""
    new_id, before = Failing(lambda: "t2", error()), backend.dump()
    bus = a_bus(backend.store, new_id=new_id)

    with pytest.raises(error) as raised:
        bus.execute(CreateTask("t", case_id="c"), by=ROOT)

    assert raised.value is new_id.error
    assert backend.dump() == before
    assert bus.execute(CreateTask("t", case_id="c"), by=ROOT).id == "t2"


@pytest.mark.parametrize("error", ERRORS[1:])
@pytest.mark.parametrize("part", ["rule", "guard"])
def test_a_rule_or_guard_that_is_interrupted(backend: Backend, part: str, error: type[BaseException]) -> None:
    """An interrupt inside a rule or a guard is no answer of theirs: it comes out, and nothing is written."""
    function, before = Failing(lambda *_: True, error()), backend.dump()
    bus = a_bus(backend.store, [judged_by(function, part)])

    assert failing(bus) is function.error
    assert backend.dump() == before
    assert bus.execute(StartTask("t"), by=ROOT).version == 2


def judged_by(function: Callable[..., bool], part: str) -> Any:
    """Return a definition that asks the function before a task is started."""
    if part == "rule":
        return TASK.with_rules({"start": predicate(function, code="asked", text="asked")})
    return TASK.with_guards({"start": guard(function, code="asked", text="asked")})


@pytest.mark.parametrize("end", [UnitOfWork.commit, UnitOfWork.rollback])
def test_a_fact_that_ends_the_unit(backend: Backend, end: Callable[[UnitOfWork], None]) -> None:
    """Whoever finds out a fact must not end the transaction it is asked in: that is told, and nothing is written."""
    before = backend.dump()

    def provider(uow: UnitOfWork, item: object) -> bool:
        getattr(uow, end.__name__)()
        return True

    error: CasewrightError = failure_of(
        lambda: a_bus(backend.store, [GUARDED], facts={"ready": provider}).execute(StartTask("t"), by=ROOT)
    )

    assert isinstance(error, MisuseError)
    assert backend.dump() == before
    assert a_bus(backend.store, DEFINITIONS).execute(StartTask("t"), by=ROOT).version == 2
