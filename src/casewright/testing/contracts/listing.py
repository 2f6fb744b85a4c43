"""`ListingContract`: what a store promises that lists items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice, product
from random import Random
from typing import Any, Final

import pytest

from casewright.application.ports import Listing, Store
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.definitions import Definition
from casewright.domain.filters import Cursor, Order, OrderBy
from casewright.domain.ids import NO_TENANT
from casewright.domain.items import Item, Kind
from casewright.domain.json_values import JsonValue
from casewright.domain.terms import EVERYTHING, MAX_ALTERNATIVES, NOTHING, Scope, Term, TermKind
from casewright.domain.values import instant_text
from casewright.errors import MisuseError
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.driving import MANY, Changes, Contract, created, decided, load, many, write

__all__ = ["ListingContract"]

_IDS: Final = ("~", "b", "B", "10", "9", "é", "e\u0301", "a", "aa", "a ", "_", "%", "\uffee", "\U0001d49c")
"""Out of order; the last two come the other way round where UTF-16 is compared."""

_BY_ID: Final = Order()
_ORDERS: Final = {
    f"by {by}{', descending' if descending else ''}": Order(by, descending=descending)
    for by, descending in product(OrderBy, (False, True))
}

_KEYS: Final = ("n", "n.m", "q\"uo'te", "$", "[0]", "%", "é", "10")
_SCALARS: Final[tuple[JsonValue, ...]] = (1, True, 0, False, "1", "true", "", "n%", "é", -(2**63), 2**63 - 1, None)
_PEOPLE: Final = ("ann", "an", "ann x", "_nn", "%", "ben", "o'neil|x")
_WHEN: Final = tuple(SOME_TIME + timedelta(hours=hours) for hours in range(-2, 3))

_NAMES: Final = {
    TermKind.FIELD: (
        *("id", "kind", "status", "category", "definition", "title", "description", "priority", "created_by"),
        *("assignee_id", "case_id", "version", "open_tasks", "tags", "due_at", "attributes", "nothing"),
    ),
    TermKind.ATTRIBUTE: (*_KEYS, "nothing"),
    TermKind.PERFORMER: ("create", "start", "complete", "submit", "star", "nothing"),
    TermKind.PRESENT: ("description", "priority", "assignee_id", "due_at", "closed_at", "case_id", "tags", "nothing"),
    TermKind.BEFORE: ("due_at", "created_at", "updated_at", "closed_at", "title", "nothing"),
}
_WORDS: Final[tuple[JsonValue, ...]] = (
    *("todo", "done", "DRAFT", "draft", "open", "task", "case", "regulatory_case", "urgent", "case-1", "a", "A", "t"),
    *(*_IDS, *_PEOPLE, *_SCALARS, 2, 3),
)

_KINDS: Final[tuple[Kind, ...]] = ("task", "case")
_ACTIONS: Final = {
    "task": ((), ("start",), ("start", "complete"), ("cancel",), ("delete",)),
    "case": ((), ("submit",), ("delete",)),
}
_HALF: Final = 0.5

_MATCHING_A: Final[tuple[tuple[TermKind, str, tuple[JsonValue, ...]], ...]] = (
    (TermKind.FIELD, "status", ("todo",)),
    (TermKind.ATTRIBUTE, "n", (1023,)),
    (TermKind.PERFORMER, "create", ("root",)),
)


class ListingContract(Contract):
    """What a store promises whose units of work are a `Listing`. Give the fixture ``store``, as for `StoreContract`."""

    def test_it_says_which_terms_and_orders_it_serves(self, store: Store) -> None:
        """`terms` and `orders` are sets of kinds of terms and of orders, and there is at least one order."""
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            assert isinstance(uow, Listing)
            assert uow.terms <= frozenset(TermKind)
            assert frozenset() < uow.orders <= frozenset(OrderBy)

    def test_just_the_items_that_the_scope_matches_are_found(self, store: Store) -> None:
        """`find` gives what `Scope.matches` says of each living item of the kind, `count` how many they are (A6)."""
        random = Random(6)
        changes = _population(random)
        write(store, *changes)
        items = {change.after.id: change.after for change in changes}.values()
        with store.begin(tenant=NO_TENANT, write=False) as uow:
            assert isinstance(uow, Listing)
            for scope in _scopes(random, sorted(uow.terms)):
                for kind in _KINDS:
                    matching = _living(items, kind, scope)
                    found = uow.find(kind, scope, order=_BY_ID, limit=1000)
                    assert list(found) == sorted(matching, key=lambda item: item.id), scope
                    assert uow.count(kind, scope) == len(matching), scope

    def test_a_scope_of_as_many_alternatives_as_there_may_be_is_served(self, store: Store) -> None:
        """1,024 alternatives of several terms each are one question like any other."""
        write(store, *created(TASK, "a", attributes={"n": 1023}), *created(TASK, "b"))
        own = [Term(kind, name, values) for kind, name, values in _MATCHING_A if kind in _terms(store)]
        many = [(*own, Term(TermKind.FIELD, "title", (f"{number}",))) for number in range(MAX_ALTERNATIVES - 1)]
        assert [item.id for item in _found(store, Scope((*many, tuple(own))))] == ["a"]

    def test_deleted_items_are_left_out(self, store: Store) -> None:
        """What was deleted is neither found nor counted."""
        (opening,) = created(TASK, "a")
        write(store, opening, *created(TASK, "b"), *decided(opening.after, "delete"))
        assert [item.id for item in _found(store)] == ["b"]
        assert _count(store) == 1

    @pytest.mark.parametrize("order", _ORDERS)
    def test_items_come_in_order_page_by_page(self, store: Store, order: str) -> None:
        """By code point of the ids, or by time of creation and then so; each page begins where the last one ended."""
        changes = _population(Random(7))
        write(store, *changes)
        living = _living({change.after.id: change.after for change in changes}.values(), "task", EVERYTHING)
        present = _ORDERS[order]
        living.sort(key=lambda item: item.id, reverse=present.descending)
        if present.by is OrderBy.CREATED:
            living.sort(key=lambda item: item.created_at, reverse=present.descending)
        for limit in (1, 2, 7, len(living), 1000):
            pages = list(_pages(store, present, limit))
            assert [item for page in pages for item in page] == living
            assert {len(page) for page in pages[:-1]} <= {limit}

    @pytest.mark.parametrize("order", _ORDERS)
    def test_a_cursor_stays_right_while_items_come_and_go(self, store: Store, order: str) -> None:
        """Added behind the cursor or deleted ahead, an item is left out; added ahead, it comes; nothing comes twice."""
        present, alive = _ORDERS[order], set(range(100, 2100, 100))
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

    def test_what_is_not_committed_is_not_found_by_others(self, store: Store) -> None:
        """Of what others do, a list shows only what they have committed."""
        self.needs_interleaving()
        with store.begin(tenant=NO_TENANT) as uow:
            uow.record(*created(TASK, "a"))
            assert isinstance(uow, Listing)
            assert uow.count("task", EVERYTHING) in (0, 1)
            assert (list(_found(store)), _count(store)) == ([], 0)
            uow.commit()
        assert (len(_found(store)), _count(store)) == (1, 1)

    def test_a_unit_that_has_ended_finds_nothing(self, store: Store) -> None:
        """After the end `find` and `count` raise MisuseError."""
        with store.begin(tenant=NO_TENANT) as uow:
            uow.rollback()
        assert isinstance(uow, Listing)
        with pytest.raises(MisuseError):
            uow.find("task", EVERYTHING, order=_BY_ID, limit=1)
        with pytest.raises(MisuseError):
            uow.count("task", EVERYTHING)


# ---------------------------------------------------------------- what is asked


def _terms(store: Store) -> frozenset[TermKind]:
    with store.begin(tenant=NO_TENANT, write=False) as uow:
        assert isinstance(uow, Listing)
        return uow.terms


def _found(
    store: Store,
    where: Scope = EVERYTHING,
    *,
    order: Order = _BY_ID,
    limit: int = 1000,
    after: Cursor | None = None,
    tenant: str = "",
) -> Sequence[Item]:
    with store.begin(tenant=tenant, write=False) as uow:
        assert isinstance(uow, Listing)
        return uow.find("task", where, order=order, limit=limit, after=after)


def _count(store: Store, where: Scope = EVERYTHING, *, tenant: str = "") -> int:
    with store.begin(tenant=tenant, write=False) as uow:
        assert isinstance(uow, Listing)
        return uow.count("task", where)


def _pages(store: Store, order: Order, limit: int) -> Iterator[Sequence[Item]]:
    page = _found(store, order=order, limit=limit)
    while page:
        yield page
        page = _found(store, order=order, limit=limit, after=Cursor(order, order.key(page[-1])))


# ---------------------------------------------------------------- what there is to find


def _living(items: Iterable[Item], kind: Kind, scope: Scope) -> list[Item]:
    return [item for item in items if item.kind == kind and item.deleted_at is None and scope.matches(item)]


def _numbered(number: int) -> Changes:
    return created(TASK, f"{number:04}", at=SOME_TIME + timedelta(minutes=number))


def _population(random: Random) -> Changes:
    """Tasks and cases with all that terms look at, in one case and in none, some of them deleted."""
    (case,) = created(REGULATORY_CASE, "case-1", by=_someone(random))
    changes = [case]
    for item_id in (*_IDS, *(f"item-{number}" for number in range(26))):
        choices: list[tuple[Definition[Any], Any]] = [(TASK, None), (TASK, case.after), (REGULATORY_CASE, None)]
        definition, parent = random.choice(choices)
        made = created(
            definition, item_id, by=_someone(random), at=random.choice(_WHEN), parent=parent, **_fields(random)
        )
        case = made[-1] if parent else case
        changes += made
        for action in random.choice(_ACTIONS[definition.kind]) if parent is None else ("start",):
            made = decided(made[0].after, action, by=_someone(random), at=random.choice(_WHEN))
            changes += made
    return tuple(changes)


def _someone(random: Random) -> Actor:
    return Actor(random.choice(_PEOPLE), roles=["admin"])


def _fields(random: Random) -> dict[str, Any]:
    fields = {
        "title": random.choice(("t", "T", "open")),
        "description": random.choice((None, "a")),
        "priority": random.choice((None, "urgent")),
        "assignee_id": random.choice((None, *_PEOPLE)),
        "due_at": random.choice((None, *_WHEN)),
        "tags": random.choice(((), ("a", "b"))),
        "attributes": {key: random.choice((*_SCALARS[:-1], [1], {"n": 1})) for key in random.sample(_KEYS, 3)},
    }
    return {name: value for name, value in fields.items() if value is not None}


def _scopes(random: Random, kinds: Sequence[TermKind]) -> Iterator[Scope]:
    for _ in range(100):
        alternatives = range(random.randrange(4))
        yield Scope(tuple(tuple(_term(random, kinds) for _ in range(random.randrange(4))) for _ in alternatives))


def _term(random: Random, kinds: Sequence[TermKind]) -> Term:
    kind = random.choice(kinds)
    values: Sequence[JsonValue] = random.choices(
        _PEOPLE if kind is TermKind.PERFORMER else _WORDS, k=random.randrange(4)
    )
    if kind is TermKind.PRESENT:
        values = ()
    elif kind is TermKind.BEFORE:
        values = [instant_text(random.choice(_WHEN))]
    return Term(kind, random.choice(_NAMES[kind]), tuple(values), random.random() < _HALF)
