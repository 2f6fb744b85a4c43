"""`drive`: work that is done in one go."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import Any

import pytest

from casewright import MisuseError, drive
from support.async_buses import a_turn


def test_work_that_never_suspends_is_driven_to_its_end() -> None:
    """It returns what the work returns, with no event loop, however deep it awaits."""

    async def inner(depth: int) -> int:
        return depth if depth == 50 else await inner(depth + 1)

    assert drive(inner(0)) == 50


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_what_driven_work_raises_is_raised(kind: type[BaseException]) -> None:
    """The very object comes out (T4)."""
    raised = kind("there")

    async def fails() -> None:
        raise raised

    with pytest.raises(kind) as caught:
        drive(fails())
    assert caught.value is raised


@pytest.mark.parametrize(("awaited", "named"), [("turn", "a turn of the event loop"), ("text", "a str")])
def test_work_that_suspends_is_misuse(awaited: str, named: str) -> None:
    """It is a MisuseError that names what was awaited, and the blocks of the work are left (T4)."""
    left = []

    async def work() -> None:
        try:
            await (a_turn() if awaited == "turn" else _wait())
        finally:
            left.append(True)

    with pytest.raises(MisuseError, match=f"its store: {named}"):
        drive(work())
    assert left == [True]


@coroutine
def _wait() -> Any:
    yield "anything"


def test_what_is_raised_on_the_way_out_of_such_work_is_its_cause() -> None:
    """Where leaving its blocks fails, or suspends again, the MisuseError tells that too."""

    async def fails() -> None:
        try:
            await a_turn()
        finally:
            raise ValueError("planted")

    async def suspends() -> None:
        try:
            await a_turn()
        finally:
            await a_turn()

    for work, cause in ((fails, ValueError), (suspends, RuntimeError)):
        with pytest.raises(MisuseError) as caught:
            drive(work())
        assert type(caught.value.__cause__) is cause
