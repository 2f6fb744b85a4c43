"""Proving all that a store holds: each history, the row that it makes, and the notes that it tells of (H2, H6, H7).

A store that is `Proving` is gone through page by page, all tenants, in constant memory. `proved` does so, and compares
what it finds with an anchor that was kept elsewhere: only so a cut tail, a dropped item and a full rewrite are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from casewright.application.verifying import Stored, verify_stored
from casewright.domain.history import Finding, verify
from casewright.domain.ids import ItemId, Tenant
from casewright.domain.items import Item, Note
from casewright.errors import MisuseError

__all__ = ["Mark", "Place", "Proof", "Proving", "as_proving", "prove", "proved"]

Place: TypeAlias = tuple[str, str]
"""A tenant and the id of an item; places are ordered by code point."""

PAGE: Final = 500


@attrs.frozen
class Mark:
    """How far the history of an item had come, and the digest that it had then: a line of an anchor.

    Attributes:
        tenant: Whose item it is.
        item_id: The item.
        version: Its version.
        head: The digest of the event of that version.
    """

    tenant: Tenant
    item_id: ItemId
    version: int
    head: str

    @property
    def place(self) -> Place:
        """Where the item stands."""
        return self.tenant, self.item_id


@attrs.frozen(kw_only=True)
class Proof:
    """What came of going through all that is kept of one item.

    Attributes:
        tenant: Whose item it is.
        item_id: The item.
        version: The version that its row says; 0 where there is no row.
        head: The digest that its row says; empty where there is no row.
        events: How many events there are.
        erased: How many of them were erased, which is no finding (H8).
        findings: What does not hold, at the first bad position; empty where all is sound.
    """

    tenant: Tenant
    item_id: ItemId
    version: int
    head: str
    events: int
    erased: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def place(self) -> Place:
        """Where the item stands."""
        return self.tenant, self.item_id

    @property
    def missing(self) -> int:
        """Versions minus events: how many events are not there, or less than 0 where there are too many (H2)."""
        return self.version - self.events


@runtime_checkable
class Proving(Protocol):
    """A store that can be gone through as a whole, whichever tenants there are. It never changes what it finds."""

    def proofs(self, *, after: Place | None = None, limit: int) -> Sequence[Proof]:
        """Prove the next items: one proof for each item of which there is a row, an event or a note.

        Memory does not grow with the number of items or of events. What others write meanwhile is no finding.

        Args:
            after: Only items that come after this place; from the first one where None.
            limit: At most so many, from 1.

        Returns:
            The proofs by tenant and item id, each by code point; empty where there are no more items.

        Raises:
            InvalidInputError: The limit is less than 1.
            StorageError: The store cannot be reached.
        """
        ...

    def digests(self, marks: Sequence[Mark]) -> Sequence[str | None]:
        """Return the stored digest of the event that each mark names by item and version; None where there is none."""
        ...

    def kept_items(self) -> int:
        """Return how many items there are now, deleted ones too, of all tenants."""
        ...


def as_proving(store: object) -> Proving:
    """Return the store if it can be gone through as a whole.

    Raises:
        MisuseError: It cannot.
    """
    if not isinstance(store, Proving):
        raise MisuseError(f"a {type(store).__name__} is not Proving, so it cannot be gone through as a whole", _ADVICE)
    return store


_ADVICE: Final = "verify its items one by one: bus.verify(item_id, by=...)"


def prove(place: Place, item: Item | None, events: Stored, notes: Sequence[Note]) -> Proof:
    """Return the proof of one item from all that is kept of it: for stores that are `Proving`.

    Args:
        place: Where it stands.
        item: Its row; None where there is none.
        events: All its events by version; gone through several times, so they may be read anew each time.
        notes: All its notes.
    """
    if item is None:
        findings = verify(events) or (
            Finding(len(events), "row_missing", "there is no row, though this is left of it"),
        )
    else:
        findings = verify_stored(item, events, notes)
    return Proof(
        tenant=Tenant(place[0]),
        item_id=ItemId(place[1]),
        version=0 if item is None else item.version,
        head="" if item is None else item.head,
        events=len(events),
        erased=sum(event.erased for event in events),
        findings=findings,
    )


def proved(
    store: Proving, *, after: Place | None = None, marks: Iterable[Mark] = (), page: int = PAGE
) -> Iterator[Proof]:
    """Go through a store, and compare it with an anchor if there is one.

    Args:
        store: The store.
        after: Only items that come after this place.
        marks: The marks of an anchor, by place, each place once; see `casewright.application.anchors`.
        page: How many items the store is asked for at once.

    Yields:
        A proof for each item, by place; also one for each item that has a mark and is not there any more.

    Raises:
        MisuseError: The store is not `Proving`.
        StorageError: The store cannot be reached.
    """
    source = as_proving(store)
    known = (mark for mark in marks if after is None or mark.place > after)
    mark = next(known, None)
    while True:
        proofs = source.proofs(after=after, limit=page)
        grown: list[Mark] = []
        found: list[tuple[Proof, Mark | None]] = []
        for proof in proofs:
            while mark is not None and mark.place < proof.place:
                found.append((_dropped(mark), None))
                mark = next(known, None)
            own = mark if mark is not None and mark.place == proof.place else None
            if own is not None:
                grown += [own] if own.version < proof.version or own.version < proof.events else []
                mark = next(known, None)
            found.append((proof, own))
        digests = dict(zip(grown, source.digests(grown), strict=True)) if grown else {}
        yield from (proof if own is None else _held(proof, own, digests) for proof, own in found)
        if not proofs:
            break
        after = proofs[-1].place
    while mark is not None:
        yield _dropped(mark)
        mark = next(known, None)


def _dropped(mark: Mark) -> Proof:
    finding = Finding(0, "dropped", f"the anchor knows it at version {mark.version}, and nothing is left of it")
    return Proof(tenant=mark.tenant, item_id=mark.item_id, version=0, head="", events=0, findings=(finding,))


def _held(proof: Proof, mark: Mark, digests: dict[Mark, str | None]) -> Proof:
    """The proof, with what the anchor says against it."""
    if proof.events < mark.version:
        known = f"the anchor knows {mark.version} events, and {proof.events} are left"
        finding = Finding(proof.events, "cut", known)
    elif digests.get(mark, proof.head) != mark.head:
        finding = Finding(mark.version - 1, "rewritten", "the anchor knows another event of this version")
    else:
        return proof
    return attrs.evolve(proof, findings=(*proof.findings, finding))
