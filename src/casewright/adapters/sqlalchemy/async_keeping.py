"""What an asynchronous store over tables does beside its units: see `AsyncErasure` and `AsyncDenialLog`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from casewright.adapters.sqlalchemy.keeping import KeepingStore
from casewright.application.denials import Denial
from casewright.application.erasing import Erased

__all__ = ["AsyncKeepingStore"]

T = TypeVar("T")


class AsyncKeepingStore:
    """`KeepingStore`, to be awaited: each call is done by the store behind it, in one hop."""

    if TYPE_CHECKING:

        @property
        def _keeper(self) -> KeepingStore: ...

        async def _run(self, work: Callable[[], T], *, write: bool = False) -> T: ...

    async def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item; see `Erasure.erase` and `SqlAlchemyStore.erase`."""
        return await self._run(partial(self._keeper.erase, item_id, tenant=tenant, versions=versions), write=True)

    async def add_denial(self, denial: Denial) -> None:
        """Keep a denial; see `DenialLog.add_denial`."""
        await self._run(partial(self._keeper.add_denial, denial), write=True)

    async def denials(self, *, tenant: str, after: str = "", limit: int) -> tuple[Denial, ...]:
        """Return denials of a tenant; see `DenialLog.denials`."""
        return await self._run(partial(self._keeper.denials, tenant=tenant, after=after, limit=limit))
