"""`StoreContract`: what every store promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest

from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.domain.history import verify
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item
from casewright.errors import ConflictError, StaleVersionError, TransientStorageError
from casewright.testing.contracts.driving import (
    Changes,
    all_of,
    created,
    decided,
    load,
    write,
)
from casewright.testing.contracts.ending import EndingContract
from casewright.testing.contracts.reading import ReadingContract
from casewright.testing.contracts.recording import RecordingContract

__all__ = ["StoreContract"]

_THREADS: Final = 8
_INCREMENTS: Final = 50

_RIVALS: Final[Mapping[str, Callable[[Item], Changes]]] = {
    "one version": lambda item: decided(item, "start"),
    "one new item": lambda item: created(TASK, "b"),
    "one new note": lambda item: decided(item, "add_note", {"note_id": "n", "body": "why"}),
}


class StoreContract(ReadingContract, RecordingContract, EndingContract):
    """What every store promises: read committed plus compare-and-set, and all or nothing.

    A class that inherits it gives the fixture ``store``: a `Store`, new and empty for each test, its schema there.
    """

    @pytest.mark.parametrize("rivals", _RIVALS)
    def test_of_two_units_at_once_exactly_one_commits(self, store: Store, rivals: str) -> None:
        """Two units have read the same and record rivals: the second to commit meets a conflict (L1)."""
        self.needs_interleaving()
        (opening,) = created(TASK, "a")
        write(store, opening)
        one, other = _RIVALS[rivals](opening.after), _RIVALS[rivals](opening.after)
        with store.begin(tenant=NO_TENANT) as first, store.begin(tenant=NO_TENANT) as second:
            first.record(*one)
            second.record(*other)
            first.commit()
            with pytest.raises(ConflictError):
                second.commit()
        events = [event for item_id in ("a", "b") for event in all_of(store, item_id)[1]]
        assert events == [opening.event, one[0].event]

    def test_threads_lose_no_update(self, store: Store) -> None:
        """Eight threads count to 400 together, each from what it last read: every version is there, once (L1, H5)."""
        self.needs_threads()
        write(store, *created(TASK, "a", attributes={"count": 0}))
        start = Barrier(_THREADS, timeout=60)
        with ThreadPoolExecutor(_THREADS) as pool:
            for done in [pool.submit(_count, store, start) for _ in range(_THREADS)]:
                done.result()
        item, events, _ = all_of(store, "a")
        assert item is not None
        assert item.attributes["count"] == _THREADS * _INCREMENTS
        assert [event.version for event in events] == list(range(1, item.version + 1))
        assert verify(events) == ()


def _count(store: Store, start: Barrier) -> None:
    """Count, beginning together with the other threads and from the same version."""
    item = load(store, "a")
    start.wait()
    for _ in range(_INCREMENTS):
        while not _counted(store, item):
            item = load(store, "a")


def _counted(store: Store, item: Item) -> bool:
    count = item.attributes["count"]
    assert isinstance(count, int)
    try:
        write(store, *decided(item, "edit", {"attributes": {"count": count + 1}}))
    except (StaleVersionError, TransientStorageError):
        return False
    return True
