"""What a list is asked for in the contract, and what there is to find: drawn, and the same each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.definitions import Definition
from casewright.domain.items import Kind
from casewright.domain.json_values import JsonValue
from casewright.domain.terms import EVERYTHING, Scope, Term, TermKind
from casewright.domain.values import instant_text
from casewright.testing.builders import SOME_TIME
from casewright.testing.contracts.driving import Changes, created, decided

__all__ = ["IDS", "KINDS", "half_of", "population", "scopes"]

IDS: Final = ("~", "b", "B", "10", "9", "é", "e\u0301", "a", "aa", "a ", "_", "%", "\uffee", "\U0001d49c")
"""Out of order; the last two come the other way round where UTF-16 is compared."""

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
    *(*IDS, *_PEOPLE, *_SCALARS, 2, 3),
)

KINDS: Final[tuple[Kind, ...]] = ("task", "case")
_ACTIONS: Final = {
    "task": ((), ("start",), ("start", "complete"), ("cancel",), ("delete",)),
    "case": ((), ("submit",), ("delete",)),
}
_HALF: Final = 0.5

_HALVES: Final[Mapping[TermKind, Sequence[Term]]] = {
    TermKind.FIELD: (Term(TermKind.FIELD, "priority", ("urgent",)), Term(TermKind.FIELD, "assignee_id", _PEOPLE[:2])),
    TermKind.PRESENT: (Term(TermKind.PRESENT, "priority", ()), Term(TermKind.PRESENT, "closed_at", ())),
    TermKind.PERFORMER: tuple(Term(TermKind.PERFORMER, name, _PEOPLE[:3]) for name in ("create", "start")),
    TermKind.ATTRIBUTE: tuple(Term(TermKind.ATTRIBUTE, name, _SCALARS) for name in ("n", "é")),
    TermKind.BEFORE: tuple(Term(TermKind.BEFORE, name, (instant_text(SOME_TIME),)) for name in ("due_at", "closed_at")),
}
"""For each kind of term two that match some of the items, and together about half."""


def half_of(terms: frozenset[TermKind]) -> Scope:
    """Return a scope of two alternatives that about half of the items are in; all of them where it takes no terms."""
    kind = next((kind for kind in TermKind if kind in terms), None)
    return EVERYTHING if kind is None else Scope(tuple((term,) for term in _HALVES[kind]))


def population(random: Random, tenant: str = "") -> Changes:
    """Return tasks and cases with all that terms look at, in one case and in none, some of them deleted."""
    (case,) = created(REGULATORY_CASE, "case-1", by=_someone(random, tenant))
    changes = [case]
    for item_id in (*IDS, *(f"item-{number}" for number in range(26))):
        choices: list[tuple[Definition[Any], Any]] = [(TASK, None), (TASK, case.after), (REGULATORY_CASE, None)]
        definition, parent = random.choice(choices)
        made = created(
            definition, item_id, by=_someone(random, tenant), at=random.choice(_WHEN), parent=parent, **_fields(random)
        )
        case = made[-1] if parent else case
        changes += made
        for action in random.choice(_ACTIONS[definition.kind]) if parent is None else ("start",):
            made = decided(made[0].after, action, by=_someone(random, tenant), at=random.choice(_WHEN))
            changes += made
    return tuple(changes)


def _someone(random: Random, tenant: str) -> Actor:
    return Actor(random.choice(_PEOPLE), roles=["admin"], tenant=tenant)


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


def scopes(random: Random, kinds: Sequence[TermKind]) -> Iterator[Scope]:
    """Yield scopes of terms of these kinds: of none, one and several, sound and odd."""
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
