"""Lists against decisions: what a page shows is what the rule of ``read`` grants and the filter asks for (A6)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import URL

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    CaseDefinition,
    CaseFilter,
    Category,
    Change,
    CommandBus,
    Cursor,
    DefinitionError,
    Order,
    Priority,
    Store,
    Task,
    TaskDefinition,
    TaskFilter,
    WorkItem,
    always,
    seal,
)
from casewright.domain.json_values import canonical_json
from support.backends import with_postgres
from support.policies import Tree, build, evaluate, random_rule
from support.values import AT

# What two databases, or a database and Python, may well take for the same, or for a part of their own language.
PEOPLE: Final = ("ann", "Ann", "ann ", "a%", "\u00e9", "e\u0301", "o'hara", 'q"q', "\U0001f642")
STATUSES: Final = ("todo", "Todo", "in progress", "100%", 's\'il "vous" pla\u00eet', "t_do")
ACTIONS: Final = ("create", "submit", "Submit", "sub mit", "s\u00fcb%", "a.b", "ann")
NAMES: Final = ("unit", "Unit", "gr\u00f6\u00dfe", 'a"b', "a.b", "$[0]", "k'ey", "%", "0", "\u65e5\u672c", "a\\b")
VALUES: Final[tuple[object, ...]] = (
    *(1, True, 0, False, "1", "0", "true", "True", "", None, "null", "None"),
    *(2**63 - 1, 2**63 - 2, -(2**63), 2**53, 2**53 + 1, "9007199254740993"),
    *("a", "A", "a ", " a", "\u00c4", "A\u0308", "%", "_", "\u2028", "\U0001f642", "a'b", 'a"b', "\\", "[1]"),
    *(["a"], [1], {"a": 1}, {}, []),
)
ROLES: Final = ("admin", "clerk", "judge", "guest")
IDS: Final = ("a", "B", "\u00e4", "\uff46", "\U0001f4cb", "z-", "_", "%")
OBJECTS: Final = 200


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, postgres_database: URL) -> Iterator[Store]:
    """Return an empty store of each kind."""
    backend = with_postgres(postgres_database)[request.param](tmp_path)
    yield backend.store
    backend.close()


def test_a_list_shows_what_decisions_allow(store: Store) -> None:
    """For 15 random policies, three actors and 200 objects a list is what may be read and was asked for (A6)."""
    assert compared(store, seed=0, policies=15) > 500


@pytest.mark.large
@pytest.mark.parametrize("seed", range(1, 11))
def test_lists_show_what_decisions_allow_for_any_policy(store: Store, seed: int) -> None:
    """For 300 random policies, three actors and 200 objects no list differs from the decisions (A6)."""
    assert compared(store, seed=seed, policies=30) > 1_000


def compared(store: Store, *, seed: int, policies: int) -> int:
    """Compare lists with decisions, and return how many objects were shown."""
    rng = random.Random(seed)
    world = World(rng)
    load(store, world)
    load(store, World(rng, "elsewhere"))
    shown = 0
    for _ in range(policies):
        trees, definitions = random_definitions(rng)
        bus = CommandBus(store, definitions)
        for by in [random_actor(rng) for _ in range(3)]:
            visible = readable(world.items, trees, definitions, by)
            shown += compare(bus, visible, by, rng)
    return shown


def readable(
    items: Sequence[Any], trees: dict[str, Tree], definitions: Sequence[TaskDefinition | CaseDefinition], by: Actor
) -> list[Any]:
    """Return what the actor may read: the oracle and the definitions must say the same."""
    held: dict[str, Any] = {one.name: one for one in definitions}
    granted = [
        item for item in items if item.definition in trees and evaluate(trees[item.definition], by, item) == "grant"
    ]
    assert granted == [
        item for item in items if item.definition in held and held[item.definition].may_read(item, by=by)
    ]
    return granted


def compare(bus: CommandBus, visible: Sequence[Any], by: Actor, rng: random.Random) -> int:
    """Compare one list of each kind, of what a random filter asks for, with what may be read."""
    count = 0
    for make in (TaskFilter, CaseFilter):
        wanted = random_filter(rng, make)
        order = Order(rng.choice(("id", "created")), descending=rng.random() < 0.5)
        expected = [item for item in visible if asked_for(item, wanted, make)]
        expected.sort(key=lambda item: (item.created_at, item.id) if order.by == "created" else (item.id,))
        found = listed(bus, make(**wanted), by, order, limit=rng.choice((7, 40, 1000)))
        assert plain(found) == plain(expected[::-1] if order.descending else expected), (by, wanted)
        assert bus.count(make(**wanted), by=by) == len(expected)
        count += len(expected)
    return count


def plain(items: Sequence[WorkItem]) -> list[tuple[WorkItem, str]]:
    """Return the items beside their attributes as text, in which 1 is not True."""
    return [(item, canonical_json(item.attributes)) for item in items]


def listed(bus: CommandBus, where: Any, by: Actor, order: Order, *, limit: int) -> list[WorkItem]:
    """Return a whole list, read page by page with the tokens of cursors."""
    found: list[WorkItem] = []
    after: Cursor | None = None
    while True:
        page = bus.find(where, by=by, order=order, limit=limit, after=after)
        found += page.items
        if page.next is None:
            return found
        assert len(page.items) == limit
        after = Cursor.from_token(page.next.token)


def random_definitions(rng: random.Random) -> tuple[dict[str, Tree], list[TaskDefinition | CaseDefinition]]:
    """Return two definitions of each kind whose rules of ``read`` nobody wrote; some objects have another one."""
    trees: dict[str, Tree] = {}
    definitions: list[TaskDefinition | CaseDefinition] = []
    for base, name in ((TASK, "task"), (TASK, "t'ask"), (REGULATORY_CASE, "case"), (REGULATORY_CASE, "Case")):
        while name not in trees:
            tree = renamed(random_rule(rng, functions=False), rng)
            policy = AuthorizationPolicy({"read": build(tree)}, default=always())
            try:
                definitions.append(attrs.evolve(base, name=name, authorization=policy))
            except DefinitionError:  # it lowers to more alternatives than a database would answer
                continue
            trees[name] = tree
    return trees, definitions


def renamed(tree: Tree, rng: random.Random) -> Tree:
    """Return the rule with odd names in place of the usual ones."""
    kind, *arguments = tree
    if kind in ("any_of", "all_of", "forbid", "not_"):
        return (kind, *(renamed(part, rng) for part in arguments))
    if kind == "in_status":
        return (kind, *rng.sample(STATUSES, len(arguments)))
    if kind == "performed":
        return (kind, rng.choice(ACTIONS))
    if kind == "same":
        return (kind, rng.choice(NAMES), rng.choice(NAMES))
    return tree


def random_actor(rng: random.Random) -> Actor:
    """Return someone with some roles and many attributes, now and then standing in for another."""
    return Actor(
        rng.choice(PEOPLE),
        roles=rng.sample(ROLES, rng.randint(0, 2)),
        attributes=random_attributes(rng),
        on_behalf_of=rng.choice((None, None, *PEOPLE)),
    )


def random_attributes(rng: random.Random) -> dict[str, object]:
    """Return attributes under odd names, with values that are nearly the same."""
    few = rng.sample(VALUES, 4)  # so that an actor and an item often have the same one
    return {name: rng.choice((*few, *VALUES[:4])) for name in NAMES if rng.random() < 0.8}


def random_filter(rng: random.Random, make: type[TaskFilter | CaseFilter]) -> dict[str, Any]:
    """Return what a filter asks for: nothing, one thing or several."""
    every: dict[str, Any] = {
        "status": rng.choice((rng.choice(STATUSES), rng.sample(STATUSES, 3), [])),
        "category": rng.choice((rng.choice(list(Category)), rng.sample(list(Category), 3))),
        "open": rng.random() < 0.5,
        "assignee_id": rng.choice((None, *PEOPLE)),
        "created_by": rng.choice(PEOPLE),
        "definition": rng.choice(("task", "t'ask", "case", ["Case", "task"], "gone", ["gone", "case"])),
        "overdue_at": AT + timedelta(microseconds=rng.randint(-2, 2)),
    }
    if make is TaskFilter:
        every["case_id"] = rng.choice((None, World.CASE, "no such case"))
    return {name: every[name] for name in rng.sample(sorted(every), rng.choice((0, 0, 0, 1, 2)))}


def asked_for(item: Task | Case, wanted: dict[str, Any], make: type[TaskFilter | CaseFilter]) -> bool:
    """Return whether the filter asks for the item, worked out the slow way."""
    if item.kind != make.kind or item.deleted_at is not None:
        return False
    is_open = item.category not in (Category.DONE, Category.CANCELLED)
    for name, value in wanted.items():
        if name == "open":
            met = is_open is value
        elif name == "overdue_at":
            met = is_open and item.due_at is not None and item.due_at < value
        else:
            held = getattr(item, name)
            met = held in value if isinstance(value, list) else held == value
        if not met:
            return False
    return True


class World:
    """Some 200 objects as no decision would make them, each with the change that brings it into a store."""

    CASE: Final = "the case"

    def __init__(self, rng: random.Random, tenant: str = "") -> None:
        """Make them."""
        self._rng = rng
        self.by = Actor("ann", tenant=tenant)
        self.changes: list[list[Change[Any]]] = []
        case = self._add(self._case(self.CASE, deleted=False))
        for number in range(OBJECTS - 1):
            item_id = f"{IDS[number % len(IDS)]}{number}"  # the same in every world
            make = rng.choice((self._task, self._task, self._case))
            made = make(item_id, deleted=rng.random() < 0.1)
            if isinstance(made, Task) and made.open and rng.random() < 0.2:
                case = self._add_to_case(made, case)
            else:
                self._add(made)
        latest = {change.after.id: change.after for several in self.changes for change in several}
        self.items: list[Any] = list(latest.values())

    def _add(self, item: Any) -> Any:
        verdict = TASK.create(item.id, by=self.by, at=AT, title="t")
        change: Any = verdict and verdict.change
        event = attrs.evolve(change.event, kind=item.kind, definition=item.definition)
        sealed = seal(Change(None, item, event), recorded_at=AT)
        self.changes.append([sealed])
        return sealed.after

    def _add_to_case(self, task: Task, case: Any) -> Any:
        """Let the case count it, as every open task of a case must be counted."""
        parent = attrs.evolve(case, category=Category.OPEN, deleted_at=None)
        verdict = TASK.create(task.id, by=self.by, at=AT, title="t", parent=parent)
        assert verdict
        own, counted = verdict.changes
        own = attrs.evolve(own, after=attrs.evolve(task, case_id=case.id))
        counted = attrs.evolve(counted, before=case, after=attrs.evolve(counted.after, category=case.category))
        self.changes.append([seal(own, recorded_at=AT), seal(counted, recorded_at=AT)])
        return self.changes[-1][1].after

    def _task(self, item_id: str, *, deleted: bool) -> Task:
        return Task(definition=self._rng.choice(("task", "t'ask", "gone")), **self._fields(item_id, deleted))

    def _case(self, item_id: str, *, deleted: bool) -> Case:
        return Case(definition=self._rng.choice(("case", "Case", "gone")), **self._fields(item_id, deleted))

    def _fields(self, item_id: str, deleted: bool) -> dict[str, Any]:
        rng = self._rng
        acted = dict.fromkeys((rng.choice(ACTIONS), rng.choice(PEOPLE)) for _ in range(rng.randint(0, 4)))
        return {
            "id": item_id,
            "tenant": self.by.tenant,
            "title": "t",
            "status": rng.choice(STATUSES),
            "category": rng.choice(list(Category)),
            "priority": rng.choice((None, *Priority)),
            "created_by": rng.choice(PEOPLE),
            "created_at": AT + timedelta(microseconds=rng.randint(-9, 9)),
            "assignee_id": rng.choice((None, *PEOPLE)),
            "due_at": rng.choice((None, AT + timedelta(microseconds=rng.randint(-2, 2)))),
            "deleted_at": AT if deleted else None,
            "attributes": random_attributes(rng),
            "performers": [part for pair in acted for part in pair],
        }


def load(store: Store, world: World) -> None:
    """Record all objects of a world in one unit of work."""
    with store.begin(tenant=world.by.tenant) as uow:
        for several in world.changes:
            uow.record(*several)
        uow.commit()
