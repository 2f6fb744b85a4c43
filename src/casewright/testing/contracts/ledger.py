"""`LedgerContract`: what a store promises that keeps idempotency keys. Longer than most: one class has all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from casewright.application.ledger import Expecting
from casewright.application.ports import Store, UnitOfWork
from casewright.domain.catalog import TASK
from casewright.domain.ids import NO_TENANT
from casewright.domain.values import MAX_ID
from casewright.errors import AlreadyExistsError, ConflictError, InvalidInputError, MisuseError, StaleVersionError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, must_raise, needs, told
from casewright.testing.contracts.contention import fast_switching
from casewright.testing.contracts.driving import (
    NOTHING_THERE,
    ODD_TIME,
    all_of,
    created,
    edited,
    kept,
    load,
    under_review,
    write,
)
from casewright.testing.contracts.entering import (
    an_entry,
    check_one,
    enter,
    entered,
    exact_entry,
    ledger,
    purging,
    raced,
    refused_key,
)

__all__ = ["LedgerContract"]

_KEYS: Final = 25
_EDITS: Final = 40

_APART: Final = ("k", "K", "k ", " k", "kk", "é", "e\u0301", "\uffee", "\U0001d49c", "%", "_", "k\\", "ann k")
"""Keys that some databases take for the same."""


def _rolled_back(uow: UnitOfWork) -> None:
    uow.rollback()


def _left(uow: UnitOfWork) -> None:
    """Say nothing."""


def _interrupted(uow: UnitOfWork) -> None:
    raise KeyboardInterrupt


_UNDONE: Final[Mapping[str, Callable[[UnitOfWork], None]]] = {
    "rolled back": _rolled_back,
    "left without a commit": _left,
    "left by an exception": _interrupted,
}


@told
class LedgerContract(Contract):
    """What a store promises whose units are a `Ledger` and that is `KeyPurging`. Give the fixture ``store``."""

    def test_an_entry_comes_back_equal(self, store: Store) -> None:
        """It is the one that was entered, field by field, at any time and with values at their limits; else None."""
        assert entered(store) is None
        long = "\U0001d49c" * MAX_ID
        entries = [
            an_entry(),
            an_entry("a no", changed=False, version=2**63 - 1, recorded_at=ODD_TIME),
            an_entry(long, actor_id=long, tenant=long, item_id=long, command="C" * MAX_ID),
        ]
        for entry in entries:
            enter(store, entry)
            found = entered(store, entry.key, actor_id=entry.actor_id, tenant=entry.tenant)
            assert found is not None
            assert exact_entry(found) == exact_entry(entry)

    def test_keys_and_actors_are_told_apart_by_code_point(self, store: Store) -> None:
        """No two keys are taken for one, nor a part of an actor's id for one of the key (I6)."""
        pairs = [("ann", key) for key in _APART] + [(actor, "k") for actor in _APART if actor.strip() == actor]
        for place, (actor_id, key) in enumerate(pairs):
            enter(store, an_entry(key, actor_id=actor_id, version=place + 1))
        for place, (actor_id, key) in enumerate(pairs):
            assert entered(store, key, actor_id=actor_id) == an_entry(key, actor_id=actor_id, version=place + 1)

    def test_a_key_of_another_actor_or_tenant_is_never_seen(self, store: Store) -> None:
        """One key may be used by each actor of each tenant, and each finds their own (I6, A11)."""
        owners = [("ann", ""), ("ben", ""), ("ann", "north")]
        for place, (actor_id, tenant) in enumerate(owners):
            assert entered(store, actor_id=actor_id, tenant=tenant) is None
            enter(store, an_entry(actor_id=actor_id, tenant=tenant, version=place + 1))
        for place, (actor_id, tenant) in enumerate(owners):
            found = entered(store, actor_id=actor_id, tenant=tenant)
            assert found is not None
            assert found.version == place + 1

    @pytest.mark.parametrize("odd", ["", " ", "a\0b", "\ud800", "a\nb", "x" * (MAX_ID + 1)])
    def test_a_text_that_no_store_could_hold_is_the_key_of_no_entry(self, store: Store, odd: str) -> None:
        """Such a key, or actor, is asked for without an error (S2)."""
        assert entered(store, odd) is None
        assert entered(store, actor_id=odd) is None

    def test_a_unit_sees_what_it_has_entered(self, store: Store) -> None:
        """`entry` gives it at once, and nobody else sees it before the commit."""
        with store.begin(tenant=NO_TENANT) as uow:
            ledger(uow).enter(an_entry())
            assert ledger(uow).entry("ann", "k") == an_entry()
            uow.commit()
        assert entered(store) == an_entry()

    @needs("interleaving")
    def test_others_see_an_entry_only_once_it_is_committed(self, store: Store) -> None:
        """Before the commit the key is free for all others, and the first read of a unit sees what is committed."""
        with store.begin(tenant=NO_TENANT) as uow:
            ledger(uow).enter(an_entry())
            assert entered(store) is None
            with store.begin(tenant=NO_TENANT, write=False) as other:
                uow.commit()
                assert ledger(other).entry("ann", "k") == an_entry()

    def test_an_entry_is_written_with_what_is_recorded(self, store: Store) -> None:
        """Item, event and entry are there together, be it one item with a note or several (T1, I4)."""
        changes = under_review()
        enter(store, an_entry("case"), *changes)
        enter(store, an_entry("edit"), *edited(changes[-2].after, "other"))
        new = created(TASK, "n")
        enter(store, an_entry("new"), *new)
        assert all_of(store, "n") == kept(new)
        assert load(store, "t").title == "other"
        assert [entered(store, key) for key in ("case", "edit", "new")] == [
            an_entry(key) for key in ("case", "edit", "new")
        ]

    def test_an_entry_is_written_alone(self, store: Store) -> None:
        """A unit that has recorded nothing else writes it too (I4)."""
        write(store, *created(TASK, "a"))
        enter(store, an_entry(changed=False))
        assert entered(store) == an_entry(changed=False)
        assert load(store, "a").version == 1

    def test_an_entry_is_never_written_over(self, store: Store) -> None:
        """A key that is taken is refused, whatever is entered, and what was entered stays (I1, I4)."""
        enter(store, an_entry(), *created(TASK, "a"))
        for other in (an_entry(), an_entry(version=2, fingerprint="0" * 64), an_entry(item_id="b", changed=False)):
            refused_key(store, other)
        assert entered(store) == an_entry()

    def test_what_is_recorded_with_a_key_that_is_taken_is_not_written(self, store: Store) -> None:
        """Neither a new item nor a change of one, with a note or without, is there (T1, I1)."""
        (opening,) = created(TASK, "a")
        enter(store, an_entry(), opening)
        (change,) = edited(opening.after, "other")
        for changes in ((change,), created(TASK, "b"), under_review(), (change, *edited(change.after, "third"))):
            refused_key(store, an_entry(), *changes)
        assert all_of(store, "a") == kept([opening])
        assert [all_of(store, item_id) for item_id in ("b", "c", "t")] == [NOTHING_THERE] * 3

    def test_an_entry_of_a_conflict_is_not_written(self, store: Store) -> None:
        """Where an item has changed since, or an id is taken, the key stays free (T1, I4)."""
        (opening,) = created(TASK, "a")
        write(store, opening)
        stale = edited(opening.after, "stale")
        write(store, *edited(opening.after, "first"))
        for error, changes in ((StaleVersionError, stale), (AlreadyExistsError, created(TASK, "a"))):
            must_raise(error, partial(enter, store, an_entry(), *changes), "record() or commit()")
            assert entered(store) is None

    @pytest.mark.parametrize("way", _UNDONE)
    def test_nothing_is_left_of_an_entry_that_was_not_committed(self, store: Store, way: str) -> None:
        """However a unit ends without a commit, its key is free, and another unit may enter it at once (I4, I5)."""
        try:
            with store.begin(tenant=NO_TENANT) as uow:
                ledger(uow).enter(an_entry())
                uow.record(*created(TASK, "a"))
                _UNDONE[way](uow)
        except KeyboardInterrupt:
            assert way == "left by an exception"
        assert entered(store) is None
        enter(store, an_entry(version=7))
        assert entered(store) == an_entry(version=7)

    def test_a_key_is_entered_once_in_a_unit(self, store: Store) -> None:
        """The second time is a conflict, after which nothing is legal but to roll back (I1)."""
        with store.begin(tenant=NO_TENANT) as uow:
            own = ledger(uow)
            own.enter(an_entry())
            must_raise(AlreadyExistsError, partial(self._again, uow), "enter() or commit()")
            must_raise(MisuseError, uow.commit, "commit() after a conflict")
        assert entered(store) is None

    def _again(self, uow: UnitOfWork) -> None:
        ledger(uow).enter(an_entry(version=2))
        uow.commit()

    def test_several_keys_may_be_entered_in_a_unit(self, store: Store) -> None:
        """All of them are there, or, where one is taken, none (T1)."""
        with store.begin(tenant=NO_TENANT) as uow:
            for number in range(5):
                ledger(uow).enter(an_entry(f"{number}"))
            uow.record(*created(TASK, "a"))
            uow.commit()
        assert [entered(store, f"{number}") for number in range(5)] == [an_entry(f"{number}") for number in range(5)]
        with store.begin(tenant=NO_TENANT) as uow:
            ledger(uow).enter(an_entry("9"))
            must_raise(AlreadyExistsError, partial(self._taken_too, uow), "enter() or commit()")
        assert entered(store, "9") is None

    def _taken_too(self, uow: UnitOfWork) -> None:
        ledger(uow).enter(an_entry("4"))
        uow.commit()

    def test_what_can_never_be_entered_is_a_misuse(self, store: Store) -> None:
        """No entry, one of another tenant, and any in a unit that only reads or has ended, are a MisuseError."""
        nothing: Any = None
        with store.begin(tenant=NO_TENANT) as uow:
            for wrong in (nothing, an_entry(tenant="north")):
                must_raise(MisuseError, partial(ledger(uow).enter, wrong), "enter() of what cannot be entered")
            ledger(uow).enter(an_entry())
            uow.commit()
            must_raise(MisuseError, partial(ledger(uow).enter, an_entry("2")), "enter() once the unit has ended")
            must_raise(MisuseError, partial(ledger(uow).entry, "ann", "k"), "entry() once the unit has ended")
            must_raise(MisuseError, partial(ledger(uow).entry, "ann", ""), "entry() once the unit has ended")
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            must_raise(MisuseError, partial(ledger(uow).enter, an_entry("2")), "enter() in a unit that only reads")
        assert entered(store, "2") is None

    @needs("interleaving")
    def test_of_two_units_that_enter_one_key_one_commits(self, store: Store) -> None:
        """Whoever commits second meets the conflict, and nothing of that unit is there (I1, T1)."""
        with store.begin(tenant=NO_TENANT) as one, store.begin(tenant=NO_TENANT) as other:
            for uow, item_id in ((one, "a"), (other, "b")):
                ledger(uow).enter(an_entry(item_id=item_id))
                uow.record(*created(TASK, item_id))
            one.commit()
            must_raise(AlreadyExistsError, other.commit, "commit()")
        assert entered(store) == an_entry(item_id="a")
        assert all_of(store, "b") == NOTHING_THERE

    @needs("threads")
    def test_of_threads_that_enter_one_key_exactly_one_commits(self, store: Store) -> None:
        """Whether they meet before or after it is written, one effect is there for each key (I1, T1)."""
        for number in range(_KEYS):
            done = raced(store, f"{number}", lambda worker: True)
            assert sum(done) == 1, "a key was entered more than once, or by nobody"
            check_one(store, f"{number}", done.index(True))

    @needs("threads")
    def test_whoever_waits_for_a_rival_that_rolls_back_commits(self, store: Store) -> None:
        """Where half of the threads roll back, one of the others commits, and none of these is refused by them (I5)."""
        for number in range(_KEYS):
            done = raced(store, f"{number}", lambda worker: worker % 2 == 0)
            assert sum(done) == 1, "a key was entered more than once, or nobody did it"
            assert done.index(True) % 2 == 0
            check_one(store, f"{number}", done.index(True))

    @needs("threads")
    def test_no_item_is_older_than_an_entry_that_was_seen(self, store: Store) -> None:
        """Once a unit has read an entry, it reads its item in that version at least, expected or not (I2, T1)."""
        (change,) = created(TASK, "a")
        write(store, change)
        with ThreadPoolExecutor(1) as pool, fast_switching():
            for number in range(_EDITS):
                (change,) = edited(change.after, f"{number}")
                writing = pool.submit(enter, store, an_entry(f"{number}"), change)
                while not _seen_in(store, f"{number}", change.after.version, expecting=bool(number % 2)):
                    """It is being written."""
                writing.result()

    def test_what_was_read_ahead_is_the_item(self, store: Store) -> None:
        """A unit that expects an item gives it as any other does, also where it is missing or was recorded here."""
        (opening,) = created(TASK, "a")
        write(store, opening)
        for item_id in ("a", "none", ""):
            with store.begin(tenant=NO_TENANT) as uow:
                if isinstance(uow, Expecting):
                    uow.expect(item_id)
                assert ledger(uow).entry("ann", "k") is None
                found = uow.items.get(item_id)
                assert uow.items.get(item_id) == uow.items.get(item_id, lock=True) == found
                assert found == (opening.after if item_id == "a" else None)
                (new,) = created(TASK, "new")
                uow.record(new)
                if isinstance(uow, Expecting):
                    uow.expect("new")
                assert ledger(uow).entry("ann", "k") is None
                assert uow.items.get("new") == new.after

    def test_old_entries_are_purged_and_no_others(self, store: Store) -> None:
        """Those of all tenants that were recorded before the time are gone, their keys are new; all else stays (I7)."""
        times = [SOME_TIME + timedelta(microseconds=number) for number in range(-2, 2)]
        for tenant in ("", "north"):
            for number, moment in enumerate(times):
                enter(store, an_entry(f"{number}", tenant=tenant, recorded_at=moment))
        write(store, *created(TASK, "a"))
        assert purging(store).purge_keys(before=SOME_TIME) == 4
        for tenant in ("", "north"):
            found = [entered(store, f"{number}", tenant=tenant) is not None for number in range(4)]
            assert found == [False, False, True, True]
        assert load(store, "a").version == 1
        enter(store, an_entry("0", version=9))
        assert entered(store, "0") == an_entry("0", version=9)

    def test_keys_are_purged_up_to_the_limit(self, store: Store) -> None:
        """At most so many are removed, how many is told, and less than the limit means that no more are left (I7)."""
        for number in range(7):
            enter(store, an_entry(f"{number}"))
        later = SOME_TIME + timedelta(hours=1)
        assert [purging(store).purge_keys(before=later, limit=3) for _ in range(4)] == [3, 3, 1, 0]
        assert [entered(store, f"{number}") for number in range(7)] == [None] * 7

    def test_bounds_of_a_purge_that_make_no_sense_are_refused(self, store: Store) -> None:
        """A naive time, and a limit below 1, are an InvalidInputError."""
        purge = purging(store).purge_keys
        naive = datetime.fromisoformat("2026-01-01T00:00:00")
        must_raise(InvalidInputError, partial(purge, before=naive), "purge_keys() before a naive time")
        must_raise(InvalidInputError, partial(purge, before=SOME_TIME, limit=0), "purge_keys(limit=0)")

    def test_an_entry_is_stored_once_and_nothing_of_one_that_was_refused(self, store: Store) -> None:
        """Read without the adapter, there is one row for each key that was committed, and none besides (T1, I1, I4)."""
        oracle: Callable[[Store], Any] = getattr(self, "oracle", _no_oracle)
        assert not any(oracle(store).count()), "the oracle sees something before anything is written"
        enter(store, an_entry(), *created(TASK, "a"))
        enter(store, an_entry("alone", actor_id="ben", tenant="north", version=3))
        refused_key(store, an_entry(version=2), *created(TASK, "b"))
        must_raise(ConflictError, partial(enter, store, an_entry("stale"), *created(TASK, "a")), "commit()")
        rows = oracle(store)
        assert rows.entries is not None, "the oracle shows no entries"
        found = [
            (row["tenant"], row["actor_id"], row["key"], row["fingerprint"], row["version"]) for row in rows.entries
        ]
        assert sorted(found) == [("", "ann", "k", "f" * 64, 1), ("north", "ben", "alone", "f" * 64, 3)]
        assert len(rows.items) == len(rows.events) == 1


def _no_oracle(store: Store) -> Any:  # noqa: ANN401 - it never returns
    pytest.skip("oracle: nothing reads what is stored without the adapter")


def _seen_in(store: Store, key: str, version: int, *, expecting: bool) -> bool:
    """Return whether a key is entered, and demand that its item is there then, in this version at least."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        if expecting and isinstance(uow, Expecting):
            uow.expect("a")
        entry = ledger(uow).entry("ann", key)
        item, events = uow.items.get("a"), uow.history("a")
    assert item is not None
    assert entry is None or item.version >= version, "an item is older than the entry"
    assert len(events) >= item.version, "a history is older than the item"
    return entry is not None
