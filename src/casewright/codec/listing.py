"""The JSON forms of lists: filters, orders, pages, and cursors as their tokens.

A condition that is UNSET is no key of a filter; null for an assignee or a case asks for those that have none, and for a
creator it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from casewright.codec.forms import read_item
from casewright.codec.readers import Reader, checked, each, listed, maybe, of_class
from casewright.domain.filters import CaseFilter, Cursor, Order, Page, TaskFilter

__all__ = ["page_of", "read_case_filter", "read_cursor", "read_order", "read_page", "read_task_filter"]


def _one_or_several(convert: Callable[[Any], Any]) -> Reader[Any]:
    one, several = checked(convert), maybe(listed(convert))
    return lambda value, path: (one if isinstance(value, str) else several)(value, path)


_CHOICES: Final[Mapping[str, Reader[Any]]] = {
    name: _one_or_several(getattr(attrs.fields(TaskFilter), name).converter)
    for name in ("status", "category", "definition")
}

read_task_filter: Final = of_class(TaskFilter, _CHOICES)
read_case_filter: Final = of_class(CaseFilter, _CHOICES)
read_order: Final = of_class(Order)
read_cursor: Final[Reader[Cursor]] = checked(Cursor.from_token)


def page_of(item: Reader[Any]) -> Reader[Page[Any]]:
    """Return the reader of a page of such items."""
    return of_class(Page, {"items": each(item), "next": maybe(read_cursor)})


read_page: Final = page_of(read_item)
