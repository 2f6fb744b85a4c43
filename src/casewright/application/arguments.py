"""What both buses check of what they are given, and a page of what was found: all of it without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from casewright.application.async_ports import AsyncListing
from casewright.application.ports import Listing
from casewright.domain.filters import Cursor, Order, Page
from casewright.domain.items import ItemT
from casewright.domain.terms import Scope
from casewright.domain.values import as_integer
from casewright.errors import InvalidInputError, MisuseError

__all__ = [
    "BY_ID",
    "MAX_PAGE",
    "as_function",
    "as_providers",
    "as_store",
    "check_page",
    "check_served",
    "no_listing",
    "page_of",
]

T = TypeVar("T")

MAX_PAGE: Final = 1000
"""How many items one page may hold."""

BY_ID: Final = Order()
"""The order of a list for which none was asked."""


def as_function(value: T, name: str) -> T:
    """Return the value if it can be called.

    Raises:
        MisuseError: It cannot.
    """
    if not callable(value):
        raise MisuseError(f"{name}= holds a {type(value).__name__}, which cannot be called", "pass a function")
    return value


def as_providers(facts: Mapping[str, T] | None) -> dict[str, T]:
    """Return the functions that find out facts, by the names of the facts.

    Raises:
        MisuseError: They are no mapping, or one of them is no function.
    """
    if facts is not None and not isinstance(facts, Mapping):
        raise MisuseError(f"facts= holds a {type(facts).__name__}", "map the names of facts to functions")
    return {name: as_function(provider, "facts") for name, provider in (facts or {}).items()}


def as_store(store: T) -> T:
    """Return the store if it begins units.

    Raises:
        MisuseError: It does not.
    """
    if not callable(getattr(store, "begin", None)):
        raise MisuseError(f"a {type(store).__name__} is no store", "pass one, such as MemoryStore()")
    return store


def check_page(order: Order, limit: int, after: Cursor | None) -> None:
    """Check which page is asked for.

    Raises:
        InvalidInputError: A value is of a wrong type or out of range, or the cursor is of another order.
    """
    if not isinstance(order, Order):
        raise InvalidInputError("order", f"must be an Order, not {type(order).__name__}", 'use Order("created")')
    if not 1 <= as_integer(limit, "limit") <= MAX_PAGE:
        raise InvalidInputError("limit", f"must be from 1 to {MAX_PAGE}", "ask for one page after the other")
    if after is not None and (not isinstance(after, Cursor) or after.order != order):
        raise InvalidInputError("after", "is no cursor of this order", "pass next of the page before")


def page_of(found: Sequence[ItemT], order: Order, limit: int) -> Page[ItemT]:
    """Return the page of what was found: one more than the limit was asked for, to know whether more follow."""
    more = len(found) > limit
    return Page(tuple(found[:limit]), Cursor(order, order.key(found[limit - 1])) if more else None)


def no_listing() -> MisuseError:
    """Return the error for a store that cannot list."""
    return MisuseError("the store has no Listing, so nothing can be found or counted in it", "use one that has it")


def check_served(listing: Listing | AsyncListing, where: Scope, order: Order) -> None:
    """Check that a unit that lists can do it by these terms and in this order.

    Raises:
        MisuseError: It cannot.
    """
    terms = {term.kind for terms in where.alternatives for term in terms}
    if not terms <= listing.terms:
        kinds = ", ".join(sorted(terms - listing.terms))
        raise MisuseError(f"the store serves no terms of kind {kinds}", "use others")
    if order.by not in listing.orders:
        raise MisuseError(f"the store serves no order by {order.by}", f"use {' or '.join(sorted(listing.orders))}")
