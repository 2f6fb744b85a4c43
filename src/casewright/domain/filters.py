"""Filters: which items a list shows, in which order, from where on. Values that lower to terms, as rules do.

Names of fields and orders come from an allow list: no text of a user's ever reaches a query but as a value (S4).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Generic

import attrs

from casewright.domain import converters as convert
from casewright.domain.ids import as_item_id
from casewright.domain.items import Case, Item, ItemT, Kind, Task
from casewright.domain.json_values import FrozenMapping, canonical_json, parse_json
from casewright.domain.terms import Term, TermKind
from casewright.domain.values import (
    CLOSED_CATEGORIES,
    MAX_ID,
    UNSET,
    Category,
    Unset,
    as_instant,
    as_name,
    as_names,
    instant_text,
)
from casewright.errors import InvalidInputError

__all__ = [
    "MAX_CHOICES",
    "MAX_TOKEN",
    "CaseFilter",
    "Cursor",
    "ItemFilter",
    "Order",
    "OrderBy",
    "Page",
    "TaskFilter",
]

MAX_CHOICES: Final = 100
"""How many statuses, categories or definitions one filter may name."""

MAX_TOKEN: Final = 2048
"""The most characters of a cursor's token."""


def _names(value: str | Iterable[str] | None, field: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (as_name(value, field),) if isinstance(value, str) else as_names(value, field, most=MAX_CHOICES)


def _statuses(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    return _names(value, "status")


def _definitions(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    return _names(value, "definition")


def _categories(value: str | Iterable[str] | None) -> tuple[Category, ...] | None:
    names = _names(value, "category")
    return None if names is None else tuple(map(convert.category, names))


def _open(value: bool | None) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError("open", f"must be True or False, not {type(value).__name__}")
    return value


def _id(value: str | Unset | None, field: str) -> str | Unset | None:
    return value if value is None or isinstance(value, Unset) else as_name(value, field, MAX_ID)


def _assignee(value: str | Unset | None) -> str | Unset | None:
    return _id(value, "assignee_id")


def _creator(value: str | Unset) -> str | Unset:
    return value if isinstance(value, Unset) else as_name(value, "created_by", MAX_ID)


def _case(value: str | Unset | None) -> str | Unset | None:
    return _id(value, "case_id")


def _overdue(value: datetime | str | None) -> datetime | None:
    return None if value is None else as_instant(value, "overdue_at")


@attrs.frozen(kw_only=True)
class ItemFilter(Generic[ItemT]):
    """What `TaskFilter` and `CaseFilter` share: every condition that is given must hold. Not made by itself.

    Args:
        status: One status, or several of which one must be it; None for any.
        category: One category or several; None for any.
        open: Whether it is open, so in no closed category; None for either.
        assignee_id: Who has it; None for those that nobody has; left out for any.
        created_by: Who created it; left out for anyone. There is none without a creator, so None is refused.
        definition: The name of its definition, or several; None for any.
        overdue_at: Only what is open and was due before this instant (aware); None for all.

    Raises:
        InvalidInputError: A value is of a wrong type, blank or over its limit, or the time is naive.
    """

    kind: ClassVar[Kind]

    status: tuple[str, ...] | None = attrs.field(default=None, converter=_statuses)
    category: tuple[Category, ...] | None = attrs.field(default=None, converter=_categories)
    open: bool | None = attrs.field(default=None, converter=_open)
    assignee_id: str | Unset | None = attrs.field(default=UNSET, converter=_assignee)
    created_by: str | Unset = attrs.field(default=UNSET, converter=_creator)
    definition: tuple[str, ...] | None = attrs.field(default=None, converter=_definitions)
    overdue_at: datetime | None = attrs.field(default=None, converter=_overdue)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that must all match."""
        terms = [
            Term(TermKind.FIELD, name, values)
            for name in ("status", "category", "definition")
            if (values := getattr(self, name)) is not None
        ]
        terms += _holder("created_by", self.created_by)
        terms += _holder("assignee_id", self.assignee_id)
        if self.open is not None:
            terms.append(Term(TermKind.FIELD, "category", _CLOSED, negated=self.open))
        if self.overdue_at is not None:
            terms.append(Term(TermKind.FIELD, "category", _CLOSED, negated=True))
            terms.append(Term(TermKind.BEFORE, "due_at", (instant_text(self.overdue_at),)))
        return tuple(terms)

    def matches(self, item: Item) -> bool:
        """Return whether the item is of the kind and meets every condition."""
        return item.kind == self.kind and all(term.matches(item) for term in self.terms)


_CLOSED: Final = tuple(sorted(CLOSED_CATEGORIES))


def _holder(field: str, value: str | Unset | None) -> list[Term]:
    if isinstance(value, Unset):
        return []
    return [Term(TermKind.PRESENT, field, (), negated=True) if value is None else Term(TermKind.FIELD, field, (value,))]


@attrs.frozen(kw_only=True)
class TaskFilter(ItemFilter[Task]):
    """Which tasks. See `ItemFilter` for the other arguments.

    Args:
        case_id: The case they are in; None for those in none; left out for any.
    """

    kind: ClassVar[Kind] = "task"

    case_id: str | Unset | None = attrs.field(default=UNSET, converter=_case)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that must all match."""
        return (*super().terms, *_holder("case_id", self.case_id))


@attrs.frozen(kw_only=True)
class CaseFilter(ItemFilter[Case]):
    """Which cases. See `ItemFilter` for the arguments."""

    kind: ClassVar[Kind] = "case"


class OrderBy(StrEnum):
    """What a list can be ordered by; where two are equal, their ids decide, by code point."""

    ID = "id"
    CREATED = "created"


def _order_by(value: str) -> OrderBy:
    if isinstance(value, str) and value in _ORDERS:
        return OrderBy(value)
    raise InvalidInputError("order", "is no order of a list", f"use {' or '.join(OrderBy)}")


_ORDERS: Final = frozenset(OrderBy)


def _flag(value: bool) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError("descending", f"must be True or False, not {type(value).__name__}")
    return value


@attrs.frozen
class Order:
    """In which order a list comes.

    Args:
        by: ``id`` or ``created`` (the effective time of creation).
        descending: Whether the last comes first.

    Raises:
        InvalidInputError: There is no such order (S4).
    """

    by: OrderBy = attrs.field(default=OrderBy.ID, converter=_order_by)
    descending: bool = attrs.field(default=False, converter=_flag, kw_only=True)

    def key(self, item: Item) -> tuple[str, ...]:
        """Return what the item is ordered by; texts that compare by code point as the values do."""
        return (item.id,) if self.by is OrderBy.ID else (instant_text(item.created_at), item.id)


@attrs.frozen
class Cursor:
    """Where a page ended, so that the next one begins there, whatever has been added or deleted since.

    Args:
        order: The order of the list.
        key: What the last item was ordered by: `Order.key` of it.

    Raises:
        InvalidInputError: The key is none of that order.
    """

    order: Order
    key: tuple[str, ...]

    def __attrs_post_init__(self) -> None:
        """Check the key."""
        object.__setattr__(self, "key", _key(self.order, self.key))

    @property
    def token(self) -> str:
        """The cursor as text that can stand in an address. It holds the id of the last item seen, and no secret."""
        parts: dict[str, object] = {"by": self.order.by, "descending": self.order.descending, "key": self.key}
        return base64.urlsafe_b64encode(canonical_json(parts).encode()).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Cursor:
        """Return the cursor that the text stands for.

        Raises:
            InvalidInputError: It is no such text.
        """
        if not isinstance(token, str) or len(token) > MAX_TOKEN or not token.isascii():
            raise _no_cursor()
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            parts = parse_json(raw, "cursor")
        except (binascii.Error, InvalidInputError):
            raise _no_cursor() from None
        if not isinstance(parts, FrozenMapping) or set(parts) != {"by", "descending", "key"}:
            raise _no_cursor()
        try:
            order = Order(parts["by"], descending=parts["descending"])  # type: ignore[arg-type] # they are checked
            return cls(order, parts["key"])  # type: ignore[arg-type] # as above
        except InvalidInputError:
            raise _no_cursor() from None


def _key(order: object, parts: object) -> tuple[str, ...]:
    if (
        not isinstance(order, Order)
        or not isinstance(parts, tuple)
        or len(parts) != (1 if order.by is OrderBy.ID else 2)
    ):
        raise _no_cursor()
    moments = tuple(instant_text(as_instant(part, "cursor")) for part in parts[:-1])
    return (*moments, as_item_id(parts[-1]))


def _no_cursor() -> InvalidInputError:
    return InvalidInputError("cursor", "is no cursor of a list", "pass the token of a page, or none for the first page")


@attrs.frozen
class Page(Generic[ItemT]):
    """A part of a list.

    Attributes:
        items: The items, in order.
        next: Where the next page begins; None on the last one.
    """

    items: tuple[ItemT, ...]
    next: Cursor | None = None
