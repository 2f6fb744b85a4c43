"""What a bus has given lately: only these very items are believed when they come back as ``item=``.

Version and head prove that an item was not changed in the store, but not that a caller has not changed what rules look
at. So a copy, however equal, is not believed; nor is one that came back from a client.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Item

__all__ = ["MAX_GIVEN", "Given"]

MAX_GIVEN: Final = 1024
"""How many items a bus remembers: those that it gave last."""


class Given:
    """The items that were given last, each in the version that was given last. Any number of threads may share it."""

    __slots__ = ("_items", "_lock")

    def __init__(self) -> None:
        """Begin with none."""
        self._items: dict[tuple[Tenant, ItemId], Item] = {}
        self._lock = Lock()

    def add(self, *items: Item) -> None:
        """Remember items, and forget those that were given longest ago where there are too many."""
        with self._lock:
            for item in items:
                key = (item.tenant, item.id)
                self._items.pop(key, None)
                self._items[key] = item
                if len(self._items) > MAX_GIVEN:
                    del self._items[next(iter(self._items))]

    def has(self, item: Item) -> bool:
        """Return whether it is one of them: the very object, not one that equals it."""
        return self._items.get((item.tenant, item.id)) is item
