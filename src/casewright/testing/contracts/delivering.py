"""`DeliveryContract`: what is due, and what is acknowledged. A part of `RelayContract`."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

import attrs

from casewright.application.ports import Store, shard_of
from casewright.application.relaying import Lease, Place, Settlement
from casewright.domain.catalog import TASK
from casewright.domain.folding import states
from casewright.domain.ids import NO_TENANT, ItemId, Tenant
from casewright.errors import InvalidInputError
from casewright.testing.contracts.base import Contract, must_raise, needs
from casewright.testing.contracts.base import told as told_by_contract
from casewright.testing.contracts.driving import created, decided, edited, under_review, write
from casewright.testing.contracts.relay_driving import (
    LONG,
    NOW,
    all_due,
    all_leased,
    histories,
    ids,
    refusal,
    relaying,
    told,
)

__all__ = ["DeliveryContract"]

_NAMES: Final = ("~", "b", "B", "10", "9", "é", "\uffee", "\U0001d49c", "a", "c", "d")


@told_by_contract
class DeliveryContract(Contract):
    """What a store promises of what is due, and of what was delivered."""

    def test_each_published_event_is_due_with_its_item_as_it_left_it(self, store: Store) -> None:
        """A message holds the event as recorded, and the item as this event left it, whatever came since (O1)."""
        changes = [*under_review("complete"), *histories("a", versions=3)]
        deleting = decided(changes[-1].after, "delete")
        write(store, *changes, *deleting)
        due = all_due(store, all_leased(store))
        expected = {change.event.id: change for change in (*changes, *deleting)}
        assert sorted(ids(due)) == sorted(expected)
        for one in due:
            assert one.message is not None, one.problem
            change = expected[one.message.id]
            assert one.message.event == change.event
            own = [other.event for other in expected.values() if other.after.id == change.after.id]
            *_, state = states(own[: change.event.version])
            assert one.message.item == state
            assert (one.message.attempt, one.pointer.attempts, one.problem) == (1, 0, "")

    def test_what_was_not_committed_or_is_not_published_is_never_due(self, store: Store) -> None:
        """Neither what was rolled back nor an event whose change does not say ``published`` is ever delivered (O1)."""
        (opening,) = created(TASK, "a")
        (silent,) = edited(opening.after, "not to be told")
        (last,) = edited(silent.after, "to be told")
        write(store, opening, attrs.evolve(silent, published=False), last)
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "b"))
            uow.rollback()
        assert ids(all_due(store, all_leased(store))) == ["a.1", "a.3"]

    def test_what_is_due_comes_by_place_and_version(self, store: Store) -> None:
        """It is ordered by shard, tenant and item, by code point, and then by version, of all tenants (O2)."""
        for tenant in ("", "north", "East"):
            write(store, *histories(*_NAMES, tenant=tenant), tenant=tenant)
        due = all_due(store, all_leased(store))
        keys = [(Place.of(one.pointer), one.pointer.version) for one in due]
        assert keys == sorted(keys)
        assert len(keys) == len(_NAMES) * 6

    def test_only_what_is_held_is_due(self, store: Store) -> None:
        """Of parts that the lease does not hold nothing is due; a lease of nothing gives nothing."""
        write(store, *histories("a", "b"))
        lease = all_leased(store)
        own = shard_of(NO_TENANT, ItemId("a"))
        assert ids(all_due(store, _only(lease, own))) == ["a.1", "a.2"]
        assert ids(all_due(store, attrs.evolve(lease, tokens=()))) == []

    def test_a_batch_holds_no_more_than_its_limit_and_goes_on_after_a_place(self, store: Store) -> None:
        """Of an item that does not fit the first events come, and after its place comes the next item (O2, O4)."""
        write(store, *histories(*_NAMES, versions=3))
        lease = all_leased(store)
        whole = all_due(store, lease)
        for limit in (1, 2, 3, 4, len(whole)):
            assert relaying(store).due(lease, limit=limit).due == whole[:limit]
        places = list(dict.fromkeys(Place.of(one.pointer) for one in whole))
        for place in places:
            rest = tuple(one for one in whole if Place.of(one.pointer) > place)
            assert relaying(store).due(lease, after=place, limit=100).due == rest
        assert relaying(store).due(lease, after=Place(63, Tenant("~"), ItemId("~~~")), limit=100).due == ()

    def test_a_limit_of_a_batch_that_is_none_is_refused(self, store: Store) -> None:
        """With a limit below 1 or above 1000, `due` raises InvalidInputError."""
        lease = all_leased(store)
        for limit in (0, -1, 1001):
            must_raise(InvalidInputError, partial(relaying(store).due, lease, limit=limit), f"due(limit={limit})")

    def test_what_was_delivered_is_never_due_again(self, store: Store) -> None:
        """Once it is settled as delivered it is no longer due nor pending, and a second time changes nothing (O1)."""
        write(store, *histories("a", "b"))
        lease = all_leased(store)
        due = all_due(store, lease)
        assert list(relaying(store).settle(lease, told(due[:3]))) == [True] * 3
        assert ids(all_due(store, lease)) == ids(due[3:])
        assert list(relaying(store).settle(lease, [refusal(due[0], dead=True)])) == [True]
        assert list(relaying(store).dead_letters()) == []
        assert ids(all_due(store, lease)) == ids(due[3:])

    @needs("interleaving")
    def test_what_is_committed_late_is_due_all_the_same(self, store: Store) -> None:
        """What a slow transaction commits after others were delivered is due, wherever its item stands (O3)."""
        lease = all_leased(store)
        for late in _NAMES:
            with store.begin(tenant=Tenant("t")) as slow:
                slow.record(*created(TASK, late, tenant="t"))
                if self.capabilities.threads:  # else the one that is open keeps the other one from writing
                    slow.items.get(late)
                write(store, *created(TASK, f"quick {late}"))
                settled = told(all_due(store, lease))
                relaying(store).settle(lease, settled)
                slow.commit()
            assert ids(all_due(store, lease)) == [f"{late}.1"]
            relaying(store).settle(lease, told(all_due(store, lease)))

    def test_a_refused_message_parks_its_own_item_only(self, store: Store) -> None:
        """Until its pause is over nothing of its item is due, not even what is recorded later; all others are (O4)."""
        changes = histories("a", "b", "c")
        write(store, *changes)
        lease = all_leased(store)
        (first, *_) = [one for one in all_due(store, lease) if one.pointer.item_id == "b"]
        relaying(store).settle(lease, [refusal(first, pause=timedelta(minutes=30))])
        write(store, *edited(changes[3].after, "later"), *edited(changes[1].after, "later"))
        assert {one.pointer.item_id for one in all_due(store, lease)} == {"a", "c"}
        assert len(all_due(store, lease)) == 5

    def test_after_its_pause_a_message_is_due_again(self, store: Store) -> None:
        """It has one attempt more, tells why the last one failed, and comes before the later ones of its item (O4)."""
        write(store, *histories("a"))
        lease = all_leased(store)
        for attempts in range(1, 4):
            relaying(store).settle(lease, [refusal(all_due(store, lease)[0])])
            first, second = all_due(store, lease)
            assert first.message is not None
            assert (first.pointer.attempts, first.message.attempt, first.pointer.version) == (attempts, attempts + 1, 1)
            assert (first.pointer.error, second.pointer.error) == ("the broker said no", None)
            assert (first.pointer.dead_at, second.pointer.attempts) == (None, 0)

    def test_a_pause_that_no_clock_could_have_set_parks_nothing(self, store: Store) -> None:
        """What is to wait for longer than the longest pause was parked before a clock went back: it is due (O8)."""
        write(store, *histories("a"))
        lease = all_leased(store)
        relaying(store).settle(lease, [refusal(all_due(store, lease)[0], pause=timedelta(hours=2))])
        assert ids(all_due(store, lease)) == ["a.1", "a.2"]

    def test_who_lost_the_lease_acknowledges_nothing(self, store: Store) -> None:
        """Neither a delivery nor a refusal is written once another owner has the part, or it was given back (O6)."""
        write(store, *histories("a", "b"))
        paused = all_leased(store, "paused", period=NOW)
        due = all_due(store, paused)
        settled = [Settlement(pointer=due[0].pointer), refusal(due[2], dead=True)]
        other = all_leased(store, "other")
        assert list(relaying(store).settle(paused, settled)) == [False, False]
        assert list(all_due(store, other)) == list(due)
        relaying(store).release("other")
        assert list(relaying(store).settle(other, settled)) == [False, False]
        anew = all_leased(store, "paused", period=LONG)
        assert list(relaying(store).settle(paused, settled)) == [False, False]
        assert list(all_due(store, anew)) == list(due)

    def test_a_lease_that_nobody_took_still_acknowledges(self, store: Store) -> None:
        """That its time has run out harms nobody: only another token does, so no clock decides (O6, O8)."""
        write(store, *histories("a"))
        lease = all_leased(store, period=NOW)
        due = all_due(store, lease)
        assert list(relaying(store).settle(lease, told(due))) == [True, True]
        assert ids(all_due(store, lease)) == []

    def test_of_a_batch_just_the_part_that_was_lost_is_not_acknowledged(self, store: Store) -> None:
        """For each settlement `settle` tells whether it was written, and what is still held is (O6)."""
        write(store, *histories(*_NAMES, versions=1))
        lease = all_leased(store, "a")
        due = all_due(store, lease)
        relaying(store).lease("b", period=LONG)
        held = set(relaying(store).lease("a", period=LONG).shards)
        written = list(relaying(store).settle(lease, told(due)))
        assert written == [one.pointer.shard in held for one in due]
        assert set(written) == {True, False}
        rest = all_due(store, relaying(store).lease("b", period=LONG))
        assert ids(rest) == [name for name, there in zip(ids(due), written, strict=True) if not there]

    def test_settling_nothing_is_fine(self, store: Store) -> None:
        """An empty batch has nothing to be acknowledged."""
        assert list(relaying(store).settle(all_leased(store), [])) == []


def _only(lease: Lease, shard: int) -> Lease:
    return attrs.evolve(lease, tokens=tuple([pair for pair in lease.tokens if pair[0] == shard]))
