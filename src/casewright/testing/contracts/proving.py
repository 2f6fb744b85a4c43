"""`ProvingContract`: what a store promises that can be gone through as a whole."""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs
import pytest

from casewright.application.ports import Store
from casewright.application.proving import Mark, Proof, Proving, proved
from casewright.domain.catalog import TASK
from casewright.domain.events import Event
from casewright.domain.ids import ItemId, Tenant
from casewright.errors import InvalidInputError
from casewright.testing.contracts.base import Contract, must_raise, told
from casewright.testing.contracts.driving import ODD_TIME, Changes, annotated, created, decided, under_review, write

__all__ = ["ProvingContract", "proving"]

_TENANTS: Final = ("", "B", "b", "é", "\uffee", "\U0001d49c")
_IDS: Final = ("~", "b", "B", "10", "9", "é", "\uffee", "\U0001d49c")
"""Out of order; the last two come the other way round where UTF-16 is compared."""


def _worked_on() -> Changes:
    """A case with its task, and a task with notes that is deleted in the end."""
    changes = (*under_review("complete", "reopen", "complete"), *created(TASK, "a", description="why", due_at=ODD_TIME))
    for number in range(3):
        changes += annotated(changes[-1].after, f"{number}")
        changes += decided(changes[-1].after, "edit", {"attributes": {"n": number, "odd": None}, "priority": "high"})
        changes += decided(changes[-1].after, "tag", {"add": [f"{number}", "x"], "remove": ["0"]})
    return (*changes, *decided(changes[-1].after, "delete", at=ODD_TIME))


@told
class ProvingContract(Contract):
    """What a store promises that is `Proving`. Give the fixture ``store``, as for `StoreContract`."""

    def test_each_item_has_one_sound_proof(self, store: Store) -> None:
        """What was recorded is proven without a finding, deleted items too: no version lacks its event (H2, H6)."""
        changes = _worked_on()
        write(store, *changes)
        last = {change.after.id: change.after for change in changes}
        found = {proof.item_id: proof for proof in proved(proving(store))}
        expected = {
            item.id: Proof(
                tenant=item.tenant, item_id=item.id, version=item.version, head=item.head, events=item.version
            )
            for item in last.values()
        }
        assert found == expected
        assert proving(store).kept_items() == len(last)
        assert [proof.missing for proof in found.values()] == [0] * len(last)

    def test_proofs_come_by_tenant_and_id(self, store: Store) -> None:
        """All tenants are gone through, in pages of any size, by code point and each item once."""
        for tenant in reversed(_TENANTS):
            write(store, *[change for item in _IDS for change in created(TASK, item, tenant=tenant)], tenant=tenant)
        expected = [(tenant, item_id) for tenant in sorted(_TENANTS) for item_id in sorted(_IDS)]
        for page in (1, 7, len(_IDS), 1_000):
            assert [proof.place for proof in proved(proving(store), page=page)] == expected
        for place in (0, 5, len(_IDS), len(expected) - 1):
            proofs = proving(store).proofs(after=expected[place], limit=3)
            assert [proof.place for proof in proofs] == expected[place + 1 : place + 4]

    def test_an_empty_store_has_no_proofs(self, store: Store) -> None:
        """Where nothing is kept, nothing is proven, and a page that no page can be is refused."""
        assert proving(store).proofs(limit=10) == ()
        assert proving(store).kept_items() == 0
        for limit in (0, -1):
            must_raise(InvalidInputError, partial(proving(store).proofs, limit=limit), "proofs()")

    def test_digests_are_those_of_the_events(self, store: Store) -> None:
        """The digest of each event is found by item and version, and none where there is no such event (H6)."""
        changes = _worked_on()
        write(store, *changes)
        marks = [_mark(change.event) for change in changes]
        assert list(proving(store).digests(marks)) == [mark.head for mark in marks]
        strangers = [
            attrs.evolve(marks[0], version=99),
            attrs.evolve(marks[0], tenant=Tenant("north")),
            attrs.evolve(marks[0], item_id=ItemId("nobody")),
        ]
        assert list(proving(store).digests(strangers)) == [None, None, None]
        assert list(proving(store).digests([])) == []

    @pytest.mark.parametrize("since", [0, 1, 3])
    def test_what_an_anchor_knows_is_found_again(self, store: Store, since: int) -> None:
        """However far histories went on, marks of earlier versions hold, and one of another past does not (H6)."""
        changes = _worked_on()
        write(store, *changes)
        last = {change.after.id: change.event for change in changes}
        marks = []
        for item_id in sorted(last):
            events = [change.event for change in changes if change.after.id == item_id]
            marks.append(_mark(events[max(0, len(events) - 1 - since)]))
        assert not any(proof.findings for proof in proved(proving(store), marks=marks))
        false = [attrs.evolve(mark, head="0" * 64) for mark in marks]
        codes = {finding.code for proof in proved(proving(store), marks=false) for finding in proof.findings}
        assert codes == {"rewritten"}


def _mark(event: Event) -> Mark:
    return Mark(event.tenant, event.item_id, event.version, event.digest)


def proving(store: object) -> Proving:
    """Return the store as what it must be."""
    assert isinstance(store, Proving), "a store that is Proving has proofs(), digests() and kept_items()"
    return store
