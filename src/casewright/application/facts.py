"""Facts: what guards need to know beyond the item, found out by functions of the caller's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from casewright.application.async_ports import AsyncUnitOfWork
from casewright.application.ports import UnitOfWork
from casewright.domain.items import Item
from casewright.domain.steps import Needs
from casewright.domain.values import close_coroutine
from casewright.errors import MisuseError

__all__ = ["AsyncFactProvider", "FactProvider", "async_known_facts", "known_facts"]

FactProvider: TypeAlias = Callable[[UnitOfWork, Any], object]
"""``(unit of work, item) -> fact``: finds out what a guard needs to know beyond the item, inside its transaction. The
item is None where it is about to be created. It reads through this unit and never asks the bus, whose own transaction
would wait for this one. What it raises is passed on, and nothing is written. In a batch that is all or nothing, a list
that would lack what an earlier command did is a MisuseError."""

AsyncFactProvider: TypeAlias = Callable[[AsyncUnitOfWork, Any], object]
"""What a `FactProvider` is for an asynchronous bus: an async function, which may await anything, or a plain one. What
it returns is awaited if it can be, so what can be awaited is never a fact."""


def known_facts(
    providers: Mapping[str, FactProvider], needs: Needs, uow: UnitOfWork, item: Item | None
) -> dict[str, object] | None:
    """Return the facts that are needed and that somebody can find out; None where none is needed.

    Raises:
        MisuseError: A provider is an async function.
    """
    if not needs.facts:
        return None
    known = {name: providers[name](uow, item) for name in sorted(needs.facts) if name in providers}
    for name, fact in known.items():
        if close_coroutine(fact):  # a guard would take it for true
            problem = f"the provider of the fact {name!r} is an async function"
            raise MisuseError(problem, "make it a plain one, or use an AsyncCommandBus")
    return known


async def async_known_facts(
    providers: Mapping[str, AsyncFactProvider], needs: Needs, uow: AsyncUnitOfWork, item: Item | None
) -> dict[str, object] | None:
    """Return the facts that are needed and that somebody can find out; None where none is needed."""
    if not needs.facts:
        return None
    known: dict[str, object] = {}
    for name in sorted(name for name in needs.facts if name in providers):
        fact = providers[name](uow, item)
        while isinstance(fact, Awaitable):  # a guard would take it for true
            fact = await fact
        known[name] = fact
    return known
