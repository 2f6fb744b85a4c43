"""`KeepingContract`: how an outbox is looked after. A part of `RelayContract`."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from casewright.application.ports import OutboxPointer, Store
from casewright.errors import InvalidInputError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, must_raise
from casewright.testing.contracts.base import told as told_by_contract
from casewright.testing.contracts.driving import all_of, edited, write
from casewright.testing.contracts.relay_driving import (
    all_due,
    all_leased,
    histories,
    ids,
    refusal,
    relaying,
    told,
)

__all__ = ["KeepingContract"]

_AHEAD: Final = timedelta(days=1)


@told_by_contract
class KeepingContract(Contract):
    """What a store promises of dead letters, of purging, and of its backlog."""

    def test_dead_letters_are_listed_in_order(self, store: Store) -> None:
        """All that were given up are there, of all tenants, by tenant, item and version, page by page (O5)."""
        names = ("b", "B", "é", "\uffee", "\U0001d49c", "10", "9")
        expected = []
        for tenant in ("", "north"):
            write(store, *histories(*names, tenant=tenant), tenant=tenant)
            expected += [(tenant, name, 1) for name in sorted(names)]
        _give_up(store)
        letters = list(relaying(store).dead_letters())
        assert [(one.tenant, one.item_id, one.version) for one in letters] == expected
        assert {(one.attempts, one.error, one.next_at) for one in letters} == {(1, "the broker said no", None)}
        assert all(one.dead_at is not None for one in letters)
        pages = list(relaying(store).dead_letters(limit=5))
        while found := relaying(store).dead_letters(limit=5, after=pages[-1]):
            pages += found
        assert pages == letters

    def test_a_dead_letter_parks_its_item_until_somebody_looks(self, store: Store) -> None:
        """Nothing of its item is due, at whatever time, and whatever is recorded later (O4, O5)."""
        changes = histories("a", "b")
        write(store, *changes)
        _give_up(store, "a")
        write(store, *edited(changes[1].after, "later"))
        assert ids(all_due(store, all_leased(store))) == ["b.1", "b.2"]

    def test_a_dead_letter_that_is_replayed_comes_first_again(self, store: Store) -> None:
        """It is due as if never tried, before the later ones of its item, and is no dead letter any more (O5)."""
        write(store, *histories("a", "b"))
        _give_up(store)
        assert relaying(store).replay_dead() == 2
        due = all_due(store, all_leased(store))
        assert sorted(ids(due)) == ["a.1", "a.2", "b.1", "b.2"]
        assert [one.pointer.version for one in due] == [1, 2, 1, 2]
        assert {one.pointer.attempts for one in due} == {0}
        assert list(relaying(store).dead_letters()) == []
        assert relaying(store).replay_dead() == 0

    def test_just_those_that_were_named_are_replayed(self, store: Store) -> None:
        """A tenant, an item, or both say which ones; others stay dead letters (O5)."""
        for tenant in ("", "north"):
            write(store, *histories("a", "b", tenant=tenant), tenant=tenant)
        _give_up(store)
        chosen: list[tuple[dict[str, str], int]] = [
            ({"tenant": "north", "item_id": "a"}, 1),
            ({"item_id": "a"}, 1),
            ({"tenant": "nowhere"}, 0),
            ({"tenant": ""}, 1),
        ]
        for named, count in chosen:
            assert relaying(store).replay_dead(**named) == count, named
        assert [(one.tenant, one.item_id) for one in relaying(store).dead_letters()] == [("north", "b")]

    def test_only_a_dead_letter_that_is_named_is_dropped(self, store: Store) -> None:
        """Once it is dropped its item goes on without it, and the event stays; nothing else can be dropped so (O5)."""
        changes = histories("a", "b", "c")
        write(store, *changes)
        lease = all_leased(store)
        relaying(store).settle(lease, told([one for one in all_due(store, lease) if one.pointer.item_id == "c"]))
        _give_up(store, "a")
        for item_id, version in (("a", 2), ("b", 1), ("c", 1), ("nothing", 1)):
            assert relaying(store).purge_dead(tenant="", item_id=item_id, version=version) == 0
        assert relaying(store).purge_dead(tenant="north", item_id="a", version=1) == 0
        assert relaying(store).purge_dead(tenant="", item_id="a", version=1) == 1
        assert sorted(ids(all_due(store, lease))) == ["a.2", "b.1", "b.2"]
        assert list(relaying(store).dead_letters()) == []
        assert relaying(store).purge_dead(tenant="", item_id="a", version=1) == 0
        assert all_of(store, "a")[1] == [change.event for change in changes[:2]]

    def test_only_what_was_published_before_is_purged(self, store: Store) -> None:
        """Up to the limit the oldest ones go, and nothing that is pending, parked or a dead letter ever does (O5)."""
        write(store, *histories("a", "b", "c", "d", versions=3))
        lease = all_leased(store)
        of = {name: [one for one in all_due(store, lease) if one.pointer.item_id == name] for name in "abcd"}
        began = relaying(store).backlog().now
        relaying(store).settle(lease, told(of["a"]))
        relaying(store).settle(lease, [refusal(of["b"][0], dead=True), refusal(of["c"][0], pause=timedelta(minutes=9))])
        ahead = began + _AHEAD
        assert relaying(store).purge_published(before=began - _AHEAD) == 0
        assert [relaying(store).purge_published(before=ahead, limit=2) for _ in range(3)] == [2, 1, 0]
        assert ids(all_due(store, lease)) == ids(of["d"])
        assert [one.item_id for one in relaying(store).dead_letters()] == ["b"]
        backlog = relaying(store).backlog()
        assert (backlog.pending, backlog.parked, backlog.dead) == (3, 5, 1)

    def test_the_backlog_tells_what_waits_and_why(self, store: Store) -> None:
        """It counts what is free to go, what is parked and what is dead, and tells how old the oldest one is."""
        empty = relaying(store).backlog()
        assert (empty.pending, empty.parked, empty.dead, empty.oldest, empty.lag) == (0, 0, 0, None, timedelta(0))
        write(store, *histories("a", "b", "c"))
        backlog = relaying(store).backlog()
        assert (backlog.pending, backlog.parked, backlog.dead, backlog.oldest) == (6, 0, 0, SOME_TIME)
        assert backlog.lag == max(backlog.now - SOME_TIME, timedelta(0))
        _give_up(store)
        assert relaying(store).backlog().dead == 3
        for letter in relaying(store).dead_letters()[1:]:
            _drop(store, letter)
        lease = all_leased(store)
        relaying(store).settle(lease, told(all_due(store, lease)))
        relaying(store).purge_published(before=relaying(store).backlog().now + _AHEAD)
        last = relaying(store).backlog()
        assert (last.pending, last.parked, last.dead, last.oldest) == (0, 1, 1, SOME_TIME)
        _drop(store, relaying(store).dead_letters()[0])
        assert relaying(store).backlog().pending == 1

    @pytest.mark.parametrize("limit", [0, -1])
    def test_limits_below_1_are_refused(self, store: Store, limit: int) -> None:
        """With a limit of 0 or less, `dead_letters` and `purge_published` raise InvalidInputError."""
        must_raise(
            InvalidInputError, partial(relaying(store).dead_letters, limit=limit), f"dead_letters(limit={limit})"
        )
        purge = partial(relaying(store).purge_published, before=SOME_TIME, limit=limit)
        must_raise(InvalidInputError, purge, f"purge_published(limit={limit})")

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        """`purge_published` before a naive time raises InvalidInputError (S3)."""
        naive: Any = datetime(2026, 1, 1)  # noqa: DTZ001 - that is what is refused
        must_raise(InvalidInputError, partial(relaying(store).purge_published, before=naive), "purge_published()")


def _give_up(store: Store, *item_ids: str) -> None:
    """Make dead letters of the first events of these items, or of all."""
    lease = all_leased(store)
    firsts = [
        one
        for one in all_due(store, lease)
        if one.pointer.version == 1 and (not item_ids or one.pointer.item_id in item_ids)
    ]
    relaying(store).settle(lease, [refusal(one, dead=True) for one in firsts])


def _drop(store: Store, letter: OutboxPointer) -> None:
    relaying(store).purge_dead(tenant=letter.tenant, item_id=letter.item_id, version=letter.version)
