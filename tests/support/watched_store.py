"""A store that passes everything on to another one, notes what was asked for, and lets others in between.

Its units have the core contract only: they list nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from casewright import Change, Event, Note, Store, UnitOfWork
from casewright.domain.items import Item


class WatchedStore:
    """A store around another one.

    Args:
        inner: Where everything is kept.
        before_commit: Called with the number of the commit, from 1, before it is passed on; what it raises, the commit
            raises.
        joined: What the store says of itself as `Joining`.

    Attributes:
        before_load: Called with the id of each item before it is loaded.
    """

    def __init__(
        self, inner: Store, before_commit: Callable[[int], object] = lambda number: None, *, joined: bool = False
    ) -> None:
        """Begin with nothing noted."""
        self.inner = inner
        self.before_commit = before_commit
        self.joined = joined
        self.before_load: Callable[[str], object] = lambda id: None
        self.begun: list[bool] = []
        self.loads: list[tuple[str, bool]] = []
        self.recorded: list[tuple[Change[Any], ...]] = []
        self.commits = 0
        self.open = 0

    def begin(self, *, tenant: str, write: bool = True) -> UnitOfWork:
        """Return a unit that notes what it is asked for."""
        self.begun.append(write)
        return _WatchedUnit(self, self.inner.begin(tenant=tenant, write=write))


class _WatchedUnit:
    def __init__(self, store: WatchedStore, inner: UnitOfWork) -> None:
        self._store = store
        self._inner = inner

    @property
    def items(self) -> Self:
        return self

    def get(self, id: str, *, lock: bool = False) -> Item | None:
        self._store.before_load(id)
        self._store.loads.append((id, lock))
        return self._inner.items.get(id, lock=lock)

    def record(self, *changes: Change[Any]) -> None:
        self._store.recorded.append(changes)
        self._inner.record(*changes)

    def history(self, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        return self._inner.history(id, after=after, limit=limit)

    def notes(self, id: str) -> Sequence[Note]:
        return self._inner.notes(id)

    def commit(self) -> None:
        self._store.commits += 1
        self._store.before_commit(self._store.commits)
        self._inner.commit()

    def rollback(self) -> None:
        self._inner.rollback()

    def __enter__(self) -> Self:
        self._store.open += 1
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.open -= 1
        self._inner.__exit__(kind, error, trace)


def on_attempts(*numbers: int, do: Callable[[], object]) -> Callable[[int], None]:
    """Return what does something before the commits of these numbers."""

    def before_commit(number: int) -> None:
        if number in numbers:
            do()

    return before_commit
