"""What both relays check of what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar

from casewright.application.arguments import as_function
from casewright.application.relaying import AsyncRelaying
from casewright.errors import InvalidInputError, MisuseError

__all__ = ["as_observers", "as_poll", "as_publisher", "as_relaying"]

T = TypeVar("T")
ObserverT = TypeVar("ObserverT", bound=Callable[..., object])

_LONGEST_POLL: Final = timedelta(hours=1)


def as_relaying(store: T, port: type[Any]) -> T:
    """Return the store if its outbox can be relayed.

    Args:
        store: The store.
        port: What it is to be: `Relaying`, or `AsyncRelaying`.

    Raises:
        MisuseError: It cannot, is for the other one of the two relays, or takes part in a transaction of the caller's.
    """
    given: Any = store
    if not isinstance(given, port):
        raise MisuseError(f"a {type(store).__name__} has no outbox that can be relayed", "it lacks lease() and others")
    if iscoroutinefunction(given.lease) is not (port is AsyncRelaying):
        problem = f"the methods of a {type(store).__name__} are called the other way"
        raise MisuseError(problem, "OutboxRelay for a plain store, AsyncOutboxRelay for one that is awaited")
    if getattr(given, "joined", False):
        problem = "a store that takes part in a transaction of the caller's acknowledges nothing by itself"
        raise MisuseError(problem, "pass a store on the engine")
    return store


def as_publisher(publisher: T) -> T:
    """Return the publisher if it has what it takes.

    Raises:
        MisuseError: It has no method ``publish``.
    """
    if not callable(getattr(publisher, "publish", None)):
        raise MisuseError(f"a {type(publisher).__name__} publishes nothing", "it has no publish(messages)")
    return publisher


def as_observers(observers: Iterable[ObserverT]) -> tuple[ObserverT, ...]:
    """Return the observers.

    Raises:
        MisuseError: One of them is no function.
    """
    return tuple([as_function(observer, "observers") for observer in observers])


def as_poll(poll: timedelta) -> timedelta:
    """Return for how long to wait where nothing is due.

    Raises:
        InvalidInputError: It is no time, less than nothing, or more than an hour.
    """
    if not isinstance(poll, timedelta) or not timedelta(0) <= poll <= _LONGEST_POLL:
        raise InvalidInputError("poll", "must be a timedelta from 0 to one hour", "timedelta(seconds=1)")
    return poll
