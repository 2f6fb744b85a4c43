"""Erasing what was written about people, so that each history still proves itself (H8).

Who may erase is the host's matter: no rule is asked, and nothing is told to observers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, runtime_checkable

import attrs

from casewright.domain.events import Event
from casewright.domain.folding import ERASED_TEXT, evolve, fold
from casewright.domain.history import erase
from casewright.domain.ids import ItemId, Tenant, as_item_id, as_tenant
from casewright.domain.items import Item, Note
from casewright.domain.values import as_integer
from casewright.errors import InvalidInputError

__all__ = ["ERASED_FIELDS", "AsyncErasure", "Erased", "Erasing", "Erasure", "as_erasing"]

ERASED_FIELDS: Final = ("title", "description", "tags", "attributes")
"""The fields of a row that hold what people wrote: after an erasure they are what the rest of the history makes."""


@attrs.frozen
class Erased:
    """What an erasure has found to erase: nothing where all was erased before.

    Attributes:
        events: How many events have lost their payload by it.
        notes: How many notes have lost their text by it.
    """

    events: int
    notes: int


@runtime_checkable
class Erasure(Protocol):
    """A store from which what people wrote can be erased."""

    def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item, in a transaction of its own: all of what follows, or nothing (T1).

        Of each event that is named, payload and salt are gone, but not of those by which a case counts its tasks. Of
        each note that such an event has added, the text is ``[erased]``. Title, description, tags and attributes of the
        row become what is left of the history; see `fold`. All else stays: status, version, head, who and when. The
        history still proves itself, and no copy of the words is left in what the store holds. It can be done again.

        What others are about to write may bring back words that they have read before: where that can be, do it again.

        Args:
            item_id: The item, deleted or not.
            tenant: Whose it is.
            versions: Which events, by version; all of them where None. A version that is not there is passed over.

        Returns:
            What it has found to erase.

        Raises:
            NotFoundError: There is no such item.
            HistoryError: The history cannot be folded, so nobody knows what the row should be; nothing was erased.
            InvalidInputError: The id, the tenant or a version is none.
            StorageError: The store could not do it; nothing was erased.
        """
        ...


@runtime_checkable
class AsyncErasure(Protocol):
    """A store to be awaited from which what people wrote can be erased; see `Erasure`."""

    async def erase(self, item_id: str, *, tenant: str = "", versions: Iterable[int] | None = None) -> Erased:
        """Erase payloads of an item. See `Erasure.erase`."""
        ...


@attrs.frozen
class Erasing:
    """What is to be erased, checked: for stores that are an `Erasure`.

    Attributes:
        tenant: Whose item it is.
        item_id: The item.
        versions: Of which events; None for all of them.
    """

    tenant: Tenant
    item_id: ItemId
    versions: frozenset[int] | None

    def names(self, version: int) -> bool:
        """Return whether the event of this version is to be erased."""
        return self.versions is None or version in self.versions

    def left(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events as they are then."""
        return (erase(event) if self.names(event.version) else event for event in events)

    def noted(self, note: Note) -> Note:
        """Return a note as it is then."""
        return attrs.evolve(note, body=ERASED_TEXT) if self.names(note.version) else note

    def row(self, item: Item, events: Iterable[Event]) -> Item:
        """Return the row as it is then.

        Args:
            item: The row.
            events: All events of the item, before.

        Raises:
            HistoryError: The history cannot be folded.
        """
        made = fold(self.left(events))
        return evolve(item, {name: getattr(made, name) for name in ERASED_FIELDS})


def as_erasing(item_id: str, tenant: str, versions: Iterable[int] | None) -> Erasing:
    """Return what is to be erased.

    Raises:
        InvalidInputError: The id, the tenant or a version is none.
    """
    if isinstance(versions, (str, bytes)) or not (versions is None or isinstance(versions, Iterable)):
        raise InvalidInputError("versions", f"must be several numbers, not {type(versions).__name__}", "pass a list")
    chosen = None if versions is None else frozenset(as_integer(one, "versions", least=1) for one in versions)
    return Erasing(as_tenant(tenant), as_item_id(item_id), chosen)
