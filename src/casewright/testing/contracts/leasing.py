"""`LeaseContract`: how parts of the outbox are leased. A part of `RelayContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from functools import partial
from itertools import combinations, pairwise
from typing import Any

import pytest

from casewright.application.ports import SHARDS, Store
from casewright.application.relaying import LONGEST_LEASE, Lease
from casewright.errors import InvalidInputError
from casewright.testing.contracts.base import Contract, must_raise, needs
from casewright.testing.contracts.base import told as told_by_contract
from casewright.testing.contracts.contention import fast_switching
from casewright.testing.contracts.relay_driving import LONG, NOW, relaying

__all__ = ["LeaseContract"]


@told_by_contract
class LeaseContract(Contract):
    """What a store promises of leases."""

    def test_who_is_alone_has_all_of_the_outbox(self, store: Store) -> None:
        """The first one to ask holds all parts, each with a token above 0, for the period by the store's clock."""
        lease = relaying(store).lease("a", period=LONG)
        assert lease.owner == "a"
        assert lease.shards == tuple(range(SHARDS))
        assert all(token > 0 for _, token in lease.tokens)
        assert lease.expires_at - lease.now == LONG
        assert lease.now.tzinfo is UTC

    @pytest.mark.parametrize("period", [LONG, NOW])
    def test_a_lease_is_renewed_with_its_tokens(self, store: Store, period: timedelta) -> None:
        """Who asks again holds the same parts with the same tokens, also where the lease has run out meanwhile (O6)."""
        first = relaying(store).lease("a", period=period)
        again = relaying(store).lease("a", period=LONG)
        assert again.tokens == first.tokens
        assert again.now >= first.now

    def test_what_is_held_is_not_taken(self, store: Store) -> None:
        """Who comes later has nothing while others hold all of it."""
        relaying(store).lease("a", period=LONG)
        assert relaying(store).lease("b", period=LONG).tokens == ()

    def test_what_has_run_out_is_taken_with_a_greater_token(self, store: Store) -> None:
        """A lease that has run out keeps nobody off, and each new owner's token is greater than the one before (O6)."""
        leases = [relaying(store).lease(f"{number}", period=NOW) for number in range(3)]
        assert [len(lease.tokens) for lease in leases] == [SHARDS] * 3
        for before, after in pairwise(leases):
            assert all(old < new for (_, old), (_, new) in zip(before.tokens, after.tokens, strict=True))

    def test_what_was_given_back_is_taken_at_once(self, store: Store) -> None:
        """After `release` another one holds all of it, with greater tokens; who held nothing may release it too."""
        first = relaying(store).lease("a", period=LONG)
        relaying(store).release("nobody")
        relaying(store).release("a")
        second = relaying(store).lease("b", period=LONG)
        assert second.shards == first.shards
        assert all(old < new for (_, old), (_, new) in zip(first.tokens, second.tokens, strict=True))

    def test_who_holds_too_much_makes_room_when_asking_again(self, store: Store) -> None:
        """After each has asked twice all hold a fair share, nothing is held by two, and nothing is left over."""
        owners = ["a", "b", "c", "d", "e"]
        for number in range(1, len(owners) + 1):
            some = owners[:number]
            for owner in some:
                relaying(store).lease(owner, period=LONG)
            held = {owner: relaying(store).lease(owner, period=LONG) for owner in some}
            again = {owner: relaying(store).lease(owner, period=LONG) for owner in some}
            fair = -(-SHARDS // number)
            assert max(len(lease.shards) for lease in again.values()) <= fair
            assert sorted(shard for lease in again.values() for shard in lease.shards) == list(range(SHARDS))
            assert {owner: lease.tokens for owner, lease in held.items()} == {
                owner: lease.tokens for owner, lease in again.items()
            }

    def test_the_share_of_who_is_gone_goes_to_the_others(self, store: Store) -> None:
        """Who has not asked within the period counts no more, and what they held is taken."""
        for owner in ("a", "b"):
            relaying(store).lease(owner, period=NOW)
        assert len(relaying(store).lease("a", period=LONG).shards) == SHARDS

    def test_no_more_is_leased_than_was_asked_for(self, store: Store) -> None:
        """With ``most`` fewer parts are held, and what is more is given back."""
        relaying(store).lease("a", period=LONG)
        assert len(relaying(store).lease("a", period=LONG, most=3).shards) == 3
        assert relaying(store).lease("a", period=LONG, most=0).shards == ()
        assert len(relaying(store).lease("b", period=LONG, most=40).shards) == 32

    @pytest.mark.parametrize(
        "wrong",
        [
            {"owner": ""},
            {"owner": "a\nb"},
            {"period": timedelta(microseconds=-1)},
            {"period": LONGEST_LEASE + timedelta(microseconds=1)},
            {"period": 30},
            {"most": -1},
            {"most": True},
        ],
        ids=["empty", "two lines", "negative", "too long", "no time", "less than none", "no number"],
    )
    def test_a_lease_of_wrong_arguments_is_refused(self, store: Store, wrong: dict[str, Any]) -> None:
        """An owner that is no name, a period below 0 or above the longest, and less than no parts are refused."""
        arguments: dict[str, Any] = {"owner": "a", "period": LONG} | wrong
        must_raise(InvalidInputError, partial(relaying(store).lease, **arguments), f"lease() of {wrong}")

    @needs("threads")
    def test_however_many_ask_at_once_nothing_is_held_by_two(self, store: Store) -> None:
        """Of owners that lease at once, from the very first time on, no two ever hold one part with one token (O6)."""

        def ask(owner: str) -> list[Lease]:
            return [relaying(store).lease(owner, period=LONG) for _ in range(4)]

        with fast_switching(), ThreadPoolExecutor(4) as pool:
            leases = [lease for found in pool.map(ask, "abcd") for lease in found]
        assert leases
        for one, other in combinations(leases, 2):
            assert one.owner == other.owner or not set(one.tokens) & set(other.tokens)
