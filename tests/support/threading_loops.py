"""Loops of asyncio with few threads, and what goes on there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from casewright import (
    AsyncUnitOfWork,
)


def with_threads(number: int, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a program on a loop that has so many threads."""

    async def run() -> Any:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(number))
        return await main()

    return asyncio.run(run())


async def until(so: Callable[[], bool]) -> None:
    """Let others go on until it is so."""
    while not so():  # noqa: ASYNC110 - a thread does it, which tells nobody
        await asyncio.sleep(0)


async def slow_fact(uow: AsyncUnitOfWork, item: Any) -> bool:
    """Find out something that takes a hop and a few turns."""
    await uow.items.get("t0")
    await asyncio.sleep(0)
    return True
