"""Relays to test: plain and awaited, each looks like a plain one; and publishers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from casewright import AsyncOutboxRelay, Message, OutboxRelay, RelayReport
from casewright.adapters.memory import AsyncMemoryStore, MemoryStore
from casewright.testing.contracts.driving import write
from casewright.testing.contracts.relay_driving import histories
from casewright.testing.fakes import CollectingPublisher, FrozenClock, SequentialIds

__all__ = ["RELAYS", "Flaky", "a_store", "delivered", "middle", "no_chance", "plain"]


def no_chance() -> float:
    """Return the least that chance can give: no pause at all."""
    return 0.0


def middle() -> float:
    """Return what chance gives in the middle."""
    return 0.5


def a_store(*item_ids: str, versions: int = 2, clock: Callable[[], Any] | None = None) -> MemoryStore:
    """Return a store in memory with tasks of so many events each."""
    store = MemoryStore(clock=clock or FrozenClock())
    if item_ids:
        write(store, *histories(*item_ids, versions=versions))
    return store


def plain(store: Any, publisher: Any, **options: Any) -> OutboxRelay:
    """Return a plain relay whose chance is none."""
    return OutboxRelay(store, publisher, **{"random": no_chance, "new_id": SequentialIds("r"), **options})


class _Awaited:
    """An asynchronous relay that looks like a plain one."""

    def __init__(self, store: Any, publisher: Any, **options: Any) -> None:
        usual = {"random": no_chance, "new_id": SequentialIds("r"), **options}
        awaited = AsyncMemoryStore(store) if isinstance(store, MemoryStore) else _AwaitedStore(store)
        self._relay = AsyncOutboxRelay(awaited, _AwaitedPublisher(publisher), **usual)
        self.owner = self._relay.owner

    def run_once(self, limit: int = 100) -> RelayReport:
        return asyncio.run(self._relay.run_once(limit))

    def release(self) -> None:
        asyncio.run(self._relay.release())

    def run_forever(self, stop: Any, **options: Any) -> None:
        asyncio.run(self._relay.run_forever(_AwaitedStop(stop), **options))


class _AwaitedStop:
    def __init__(self, stop: Any) -> None:
        self._stop = stop

    def is_set(self) -> bool:
        return bool(self._stop.is_set())

    async def wait(self) -> object:
        return self._stop.wait()


class _AwaitedPublisher:
    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher

    async def publish(self, messages: Sequence[Message]) -> Any:
        return self._publisher.publish(messages)


class _AwaitedStore:
    """What stands for a store in memory, awaited."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def lease(self, owner: str, *, period: timedelta, most: int = 64) -> Any:
        return self._store.lease(owner, period=period, most=most)

    async def release(self, owner: str) -> None:
        self._store.release(owner)

    async def due(self, lease: Any, *, after: Any = None, limit: int = 100) -> Any:
        return self._store.due(lease, after=after, limit=limit)

    async def settle(self, lease: Any, settlements: Any) -> Any:
        return self._store.settle(lease, settlements)


RELAYS: Final[Mapping[str, Callable[..., Any]]] = {"plain": plain, "awaited": _Awaited}
"""What a relay may be."""


class Flaky(CollectingPublisher):
    """A publisher that also raises, or answers what it should not, where it is told to."""

    def __init__(self, behave: Callable[[Sequence[Message]], Any]) -> None:
        """Keep what to do: None is to take them all; an exception is raised; all else is the answer."""
        super().__init__()
        self.asked: list[tuple[str, ...]] = []
        self._behave = behave

    def publish(self, messages: Sequence[Message]) -> Any:
        """See `Publisher.publish`."""
        self.asked.append(tuple(message.id for message in messages))
        answer = self._behave(messages)
        if isinstance(answer, BaseException):
            raise answer
        return super().publish(messages) if answer is None else answer


def delivered(publisher: CollectingPublisher) -> list[str]:
    """Return the ids of what was taken."""
    return [message.id for message in publisher.published]
