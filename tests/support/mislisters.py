"""Units whose lists are wrong on some page, in one way each; see `support.saboteurs`."""

from __future__ import annotations

from typing import Any

from casewright import Cursor, Order, OutboxPointer, Scope
from casewright.adapters.memory import MemoryStore
from casewright.adapters.memory.store import MemoryUnitOfWork
from casewright.domain.items import Item, Kind
from casewright.domain.terms import EVERYTHING


class _Lists(MemoryUnitOfWork):
    """Lists what it is asked for; what derives from it does so after a change of the question."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """Return the page."""
        return self._find(kind, where, order=order, limit=limit, after=after)

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return super().find(kind, where, **page)


class ForgetsTheScopeOnPageTwo(_Lists):
    """Goes on without the scope."""

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return super()._find(kind, where if page["after"] is None else EVERYTHING, **page)


class ForgetsTheScopeByTime(_Lists):
    """Orders by time of creation without the scope."""

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return super()._find(kind, EVERYTHING if page["order"].by == "created" else where, **page)


class ForgetsTheScopeBackwards(_Lists):
    """Lists the last first, and then without the scope."""

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return super()._find(kind, EVERYTHING if page["order"].descending else where, **page)


class LimitsBeforeTheScope(_Lists):
    """Takes so many, and then those of them that are meant."""

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return tuple(item for item in super()._find(kind, EVERYTHING, **page) if where.matches(item))


class NeverLimitsCases(_Lists):
    """Gives all cases, wherever the page begins."""

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        return super()._find(kind, where, **page | ({"limit": 1000, "after": None} if kind == "case" else {}))


class ForgetsTheTenantOnPageTwo(MemoryStore):
    """Goes on with the items of all tenants."""

    everybody = False

    def all_of(self, tenant: Any) -> Any:
        """Return those of the tenant, or of all."""
        found = {key: kept for key, kept in self._kept.items() if key[1] == "item"}
        return [kept for (owner, _, _), kept in found.items() if self.everybody or owner == tenant]

    def begin(self, *, tenant: str, write: bool = True) -> MemoryUnitOfWork:
        """Return a unit that does so."""
        return _ForgettingTheTenant(self, tenant, write=write)


class _ForgettingTheTenant(_Lists):
    _store: ForgetsTheTenantOnPageTwo

    def _find(self, kind: Kind, where: Scope, **page: Any) -> tuple[Item, ...]:
        self._store.everybody = page["after"] is not None
        try:
            return super()._find(kind, where, **page)
        finally:
            self._store.everybody = False


class _Copied(MemoryUnitOfWork):
    def __init__(self, store: MemoryStore, tenant: str, *, write: bool) -> None:
        """Make the copy."""
        super().__init__(store, tenant, write=write)
        self._copy = MemoryStore()
        self._copy._kept.update(store._kept)


class ListsWhatItBeganWith(_Copied):
    """Lists items as they were when the unit began."""

    def find(
        self, kind: Kind, where: Scope, *, order: Order, limit: int, after: Cursor | None = None
    ) -> tuple[Item, ...]:
        """Return the page of then."""
        with self._copy.begin(tenant=self.tenant) as uow:
            return uow.find(kind, where, order=order, limit=limit, after=after)


class PublishesWhatItBeganWith(_Copied):
    """Gives the pointers of when the unit began."""

    def pending(self, *, limit: int) -> tuple[OutboxPointer, ...]:
        """Return those of then."""
        with self._copy.begin(tenant=self.tenant) as uow:
            return uow.pending(limit=limit)


class TakesAnyLimit(MemoryUnitOfWork):
    """Gives a page of one where none is asked for."""

    def _check_limit(self, limit: int) -> int:
        return super()._check_limit(max(limit, 1))


class TakesAnyPage(TakesAnyLimit):
    """Gives one pointer where none is asked for."""
