"""`ListingContract`: what a store promises that lists items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice, product
from random import Random
from typing import Final

import pytest

from casewright.application.ports import Store
from casewright.domain.catalog import TASK
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item, Kind
from casewright.domain.json_values import JsonValue
from casewright.domain.terms import EVERYTHING, MAX_ALTERNATIVES, NOTHING, Scope, Term, TermKind
from casewright.errors import InvalidInputError, MisuseError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.base import Contract, listing, must_raise, needs, seen_or_refused, told
from casewright.testing.contracts.driving import MANY, Changes, created, decided, load, many, write
from casewright.testing.contracts.populating import KINDS, half_of, population, scopes

__all__ = ["ListingContract"]

_ORDERS: Final = {
    f"by {by}{', descending' if descending else ''}": Order(by, descending=descending)
    for by, descending in product(OrderBy, (False, True))
}

_MATCHING_A: Final[tuple[tuple[TermKind, str, tuple[JsonValue, ...]], ...]] = (
    (TermKind.FIELD, "status", ("todo",)),
    (TermKind.ATTRIBUTE, "n", (1023,)),
    (TermKind.PERFORMER, "create", ("root",)),
    (TermKind.PRESENT, "title", ()),
)


@told
class ListingContract(Contract):
    """What a store promises whose units of work are a `Listing`. Give the fixture ``store``, as for `StoreContract`."""

    def test_it_says_which_terms_and_orders_it_serves(self, store: Store) -> None:
        """`terms` and `orders` are sets of kinds of terms and of orders, and there is at least one order."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            assert listing(uow).terms <= frozenset(TermKind)
            assert frozenset() < listing(uow).orders <= frozenset(OrderBy)

    def test_just_the_items_that_the_scope_matches_are_found(self, store: Store) -> None:
        """`find` gives what `Scope.matches` says of each living item of the kind, `count` how many they are (A6)."""
        random = Random(6)
        changes = population(random)
        write(store, *changes)
        order = _served(store)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for scope in scopes(random, sorted(listing(uow).terms)):
                for kind in KINDS:
                    matching = _living(changes, kind, scope, order)
                    assert list(listing(uow).find(kind, scope, order=order, limit=1000)) == matching, scope
                    assert listing(uow).count(kind, scope) == len(matching), scope

    def test_a_scope_of_as_many_alternatives_as_there_may_be_is_served(self, store: Store) -> None:
        """1,024 alternatives of several terms each are one question like any other."""
        changes = created(TASK, "a", attributes={"n": 1023}) + created(TASK, "b")
        write(store, *changes)
        own = [Term(kind, name, values) for kind, name, values in _MATCHING_A if kind in _terms(store)]
        never = [[Term(one.kind, one.name, (f"{number}",)) for one in own[:1]] for number in range(1, MAX_ALTERNATIVES)]
        scope = Scope((*((*own, *terms) for terms in never), tuple(own)))
        assert list(_found(store, scope)) == _living(changes, "task", scope, _served(store))

    def test_deleted_items_are_left_out(self, store: Store) -> None:
        """What was deleted is neither found nor counted."""
        (opening,) = created(TASK, "a")
        write(store, opening, *created(TASK, "b"), *decided(opening.after, "delete"))
        assert [item.id for item in _found(store)] == ["b"]
        assert _count(store) == 1

    @pytest.mark.parametrize("order", _ORDERS)
    def test_items_come_in_order_page_by_page(self, store: Store, order: str) -> None:
        """Each page goes on where the last one ended, by id or by time and id, in scope, kind and tenant (A6, A11)."""
        present = _ORDERS[order]
        _needs_order(store, present.by)
        changes = {tenant: population(Random(seed), tenant) for seed, tenant in ((7, ""), (8, "north"))}
        for tenant, made in changes.items():
            write(store, *made, tenant=tenant)
        for tenant, kind, scope in product(changes, KINDS, (EVERYTHING, half_of(_terms(store)))):
            living = _living(changes[tenant], kind, scope, present)
            for limit in (2, 7, 1000):
                pages = [list(page) for page in _pages(store, present, limit, kind=kind, where=scope, tenant=tenant)]
                assert pages == [living[start : start + limit] for start in range(0, len(living), limit)], (kind, scope)

    @pytest.mark.parametrize("order", _ORDERS)
    def test_a_cursor_stays_right_while_items_come_and_go(self, store: Store, order: str) -> None:
        """Added behind the cursor or deleted ahead, an item is left out; added ahead, it comes; nothing comes twice."""
        present, alive = _ORDERS[order], set(range(100, 2100, 100))
        _needs_order(store, present.by)
        sign = -1 if present.descending else 1
        write(store, *(change for number in alive for change in _numbered(number)))
        here = -10_000 * sign
        for page in islice(_pages(store, present, 3), 5):
            ahead = [number for number in sorted(alive, reverse=present.descending) if sign * number > sign * here]
            assert [int(item.id) for item in page] == ahead[:3]
            here = int(page[-1].id)
            write(store, *_numbered(here + 1), *_numbered(here - 1))
            for gone in (here, here + 200 * sign):
                write(store, *decided(load(store, f"{gone:04}"), "delete"))
            alive = (alive | {here + 1, here - 1}) - {here, here + 200 * sign}

    def test_however_many_there_are_all_of_them_are_found(self, store: Store) -> None:
        """Nothing but the limit ends what `find` gives, and nothing what `count` counts."""
        write(store, *many())
        assert [item.id for item in _found(store, limit=2 * MANY)] == [f"{number:04}" for number in range(MANY)]
        assert _count(store) == MANY

    def test_nothing_of_another_tenant_is_found(self, store: Store) -> None:
        """Each tenant finds and counts its own items, whatever the scope (A11)."""
        write(store, *created(TASK, "a", tenant="north"), tenant="north")
        write(store, *created(TASK, "b"))
        for tenant, ids in (("north", ["a"]), ("", ["b"]), ("nort", [])):
            for scope, found in ((EVERYTHING, ids), (Scope(((), ())), ids), (NOTHING, [])):
                assert [item.id for item in _found(store, scope, tenant=tenant)] == found
                assert _count(store, scope, tenant=tenant) == len(found)

    @needs("interleaving")
    def test_what_is_not_committed_is_not_found_by_others(self, store: Store) -> None:
        """Of what others do, a list shows only what they have committed; of what the unit does, all or it refuses."""
        order = _served(store)
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "a"))
            assert seen_or_refused(lambda: listing(uow).count("task", EVERYTHING)) in (1, None)
            assert seen_or_refused(lambda: len(listing(uow).find("task", EVERYTHING, order=order, limit=9))) in (
                1,
                None,
            )
            assert (list(_found(store)), _count(store)) == ([], 0)
            uow.commit()
        assert (len(_found(store)), _count(store)) == (1, 1)

    @needs("interleaving")
    @pytest.mark.parametrize("read_before", [False, True])
    def test_a_list_is_no_older_than_what_was_committed_or_read_before(self, store: Store, read_before: bool) -> None:
        """A list shows all that was committed before the unit's first read, and no less than it has seen since."""
        (opening,) = created(TASK, "a")
        (editing,) = decided(opening.after, "edit", {"title": "second"})
        write(store, opening)
        order = _served(store)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            earlier = uow.items.get("a") if read_before else None
            write(store, editing, *created(TASK, "b"))
            latest = uow.items.get("a") if read_before else editing.after
            found = listing(uow).find("task", EVERYTHING, order=order, limit=9)
            assert listing(uow).count("task", EVERYTHING) >= len(found), "a count is older than the list before it"
        seen = {str(item.id): item for item in found}
        assert seen["a"] in (latest, editing.after), "a list is older than what was committed or read before it"
        assert latest == earlier or "b" in seen, "a list shows half of a unit"

    def test_a_limit_of_items_below_1_is_refused(self, store: Store) -> None:
        """With a limit of 0 or less, `find` raises InvalidInputError."""
        order = _served(store)
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            for limit in (0, -1):
                finding = partial(listing(uow).find, "task", EVERYTHING, order=order, limit=limit)
                must_raise(InvalidInputError, finding, f"find(limit={limit})")

    def test_a_unit_that_has_ended_finds_nothing(self, store: Store) -> None:
        """After the end `find` and `count` raise MisuseError."""
        with store.begin(tenant=NO_TENANT) as uow:
            uow.rollback()
        finding = partial(listing(uow).find, "task", EVERYTHING, order=_served(store), limit=1)
        must_raise(MisuseError, finding, "find() after the end")
        must_raise(MisuseError, partial(listing(uow).count, "task", EVERYTHING), "count() after the end")


# ---------------------------------------------------------------- what is asked


def _needs_order(store: Store, by: OrderBy) -> None:
    """Skip the test where a list cannot be ordered so."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        if by not in listing(uow).orders:
            pytest.skip(f"orders: units of this store serve none by {by}")


def _terms(store: Store) -> frozenset[TermKind]:
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        return listing(uow).terms


def _served(store: Store) -> Order:
    """An order that the store serves: by id where it does."""
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        return Order(max(listing(uow).orders))


def _found(
    store: Store,
    where: Scope = EVERYTHING,
    *,
    kind: Kind = "task",
    order: Order | None = None,
    limit: int = 1000,
    after: Cursor | None = None,
    tenant: str = "",
) -> Sequence[Item]:
    present = order or _served(store)
    with store.begin(tenant=tenant, write=False) as uow:
        return listing(uow).find(kind, where, order=present, limit=limit, after=after)


def _count(store: Store, where: Scope = EVERYTHING, *, tenant: str = "") -> int:
    with store.begin(tenant=tenant, write=False) as uow:
        return listing(uow).count("task", where)


def _pages(
    store: Store, order: Order, limit: int, *, kind: Kind = "task", where: Scope = EVERYTHING, tenant: str = ""
) -> Iterator[Sequence[Item]]:
    """The pages of a list, to the first one that is empty or begins where an earlier one did."""
    find = partial(_found, store, where, kind=kind, order=order, limit=limit, tenant=tenant)
    begun: set[str] = set()
    page = find()
    while page and page[0].id not in begun:
        begun.add(page[0].id)
        yield page
        page = find(after=Cursor(order, order.key(page[-1])))


# ---------------------------------------------------------------- what there is to find


def _living(changes: Changes, kind: Kind, scope: Scope, order: Order) -> list[Item]:
    """The living items of the kind that the scope matches, in order."""
    items = {change.after.id: change.after for change in changes}.values()
    found = [item for item in items if item.kind == kind and item.deleted_at is None and scope.matches(item)]
    found.sort(key=lambda item: item.id, reverse=order.descending)
    if order.by is OrderBy.CREATED:
        found.sort(key=lambda item: item.created_at, reverse=order.descending)
    return found


def _numbered(number: int) -> Changes:
    return created(TASK, f"{number:04}", at=SOME_TIME + timedelta(minutes=number))
