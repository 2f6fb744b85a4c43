"""Rules as plain tuples, and a naive evaluator of them: the oracle that the library's own rules are compared with.

A tree is ``(kind, *arguments)``; the arguments of a combinator are trees. The evaluator is written from the text of the
design alone and shares no code with the library, so that both would have to be wrong in the same way to agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import casewright
from casewright import GRANT, Actor, Case, Category, Rule, Ruling, Task, WorkItem, no, veto
from support.values import a_case, a_task

Tree: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = str
"""``grant``, ``no`` or ``veto``."""

_PEOPLE: Final = ("ann", "bob", "cyd", "dee")
_ROLES: Final = ("admin", "clerk", "judge", "guest")
_STATUSES: Final = ("todo", "doing", "done")
_ACTIONS: Final = ("create", "submit", "approve")
_ATTRIBUTES: Final = ("unit", "grade")
# 1 and True are equal to Python and never to a rule; None, "" and collections are the other traps.
_VALUES: Final = (1, True, 0, False, "1", "north", "", None, ("north",), {"a": 1})


def says_grant(actor: Actor, item: WorkItem) -> Ruling:
    """Grant."""
    return GRANT


def says_no(actor: Actor, item: WorkItem) -> Ruling:
    """Do not grant."""
    return no("not today")


def says_veto(actor: Actor, item: WorkItem) -> Ruling:
    """Forbid."""
    return veto("never again")


def says_true(actor: Actor, item: WorkItem) -> Any:
    """Answer as a plain predicate would, which is no ruling."""
    return True


def raises(actor: Actor, item: WorkItem) -> Ruling:
    """Fail."""
    raise KeyError("planted")


ANSWERS: Final[Mapping[str, tuple[Callable[[Actor, WorkItem], Any], Answer]]] = {
    "says_grant": (says_grant, "grant"),
    "says_no": (says_no, "no"),
    "says_veto": (says_veto, "veto"),
    "says_true": (says_true, "veto"),
    "raises": (raises, "veto"),
}
"""Each function by name, with what it must count as."""


def evaluate(tree: Tree, actor: Actor, item: WorkItem) -> Answer:
    """Return what the rule must answer, worked out the slow way."""
    kind, *arguments = tree
    if kind == "function":
        return ANSWERS[arguments[0]][1]
    if kind in {"any_of", "all_of"}:
        return _of_several(kind, arguments, actor, item)
    if kind == "forbid":
        return "no" if evaluate(arguments[0], actor, item) == "no" else "veto"
    if kind == "not_":
        return {"grant": "no", "no": "grant", "veto": "veto"}[evaluate(arguments[0], actor, item)]
    return "grant" if _LEAVES[kind](actor, item, *arguments) else "no"


def _of_several(kind: str, members: list[Tree], actor: Actor, item: WorkItem) -> Answer:
    answers = [evaluate(member, actor, item) for member in members]
    if "veto" in answers:
        return "veto"
    if kind == "any_of":
        return "grant" if "grant" in answers else "no"
    needed = [answer for member, answer in zip(members, answers, strict=True) if not only_forbids(member)]
    return "grant" if needed and all(answer == "grant" for answer in needed) else "no"


def only_forbids(tree: Tree) -> bool:
    """Return whether the rule is a forbid or made of forbids only."""
    kind, *arguments = tree
    if kind == "forbid":
        return True
    return kind in {"any_of", "all_of"} and all(map(only_forbids, arguments))


def holds_function(tree: Tree) -> bool:
    """Return whether the rule runs a function at any depth."""
    return tree[0] == "function" or any(holds_function(part) for part in tree[1:] if isinstance(part, tuple))


def _did(actor: Actor, item: WorkItem, action: str) -> bool:
    pairs = [item.performers[place : place + 2] for place in range(0, len(item.performers), 2)]
    me = {actor.id} | ({actor.on_behalf_of} if actor.on_behalf_of is not None else set())
    return any(done == action and who in me for done, who in pairs)


def _same(actor: Actor, item: WorkItem, mine: str, its: str) -> bool:
    one, other = actor.attributes.get(mine), item.attributes.get(its)
    return one != "" and type(one) in {str, int, bool} and type(one) is type(other) and one == other


_LEAVES: Final[Mapping[str, Callable[..., bool]]] = {
    "always": lambda actor, item: True,
    "never": lambda actor, item: False,
    "has_role": lambda actor, item, *names: any(name in actor.roles for name in names),
    "is_creator": lambda actor, item: item.created_by == actor.id,
    "is_assignee": lambda actor, item: item.assignee_id is not None and item.assignee_id == actor.id,
    "performed": _did,
    "in_status": lambda actor, item, *names: item.status in names,
    "in_category": lambda actor, item, *categories: item.category in categories,
    "same": _same,
}


def build(tree: Tree) -> Rule:
    """Return the library's rule for the tree."""
    kind, *arguments = tree
    if kind == "function":
        return ANSWERS[arguments[0]][0]
    parts = [build(part) for part in arguments] if kind in _COMBINATORS else arguments
    rule: Rule = getattr(casewright, kind)(*parts)
    return rule


_COMBINATORS: Final = frozenset({"any_of", "all_of", "forbid", "not_"})


def shuffled(tree: Tree, rng: random.Random) -> Tree:
    """Return the same rule with members in another order at every depth, and some of them twice."""
    kind, *arguments = tree
    if kind not in _COMBINATORS:
        return tree
    members = [shuffled(part, rng) for part in arguments]
    if kind in {"any_of", "all_of"}:
        members += [rng.choice(members) for _ in range(rng.randint(0, 2))]
        rng.shuffle(members)
    return (kind, *members)


def planted(tree: Tree, seed: Tree) -> Iterator[Tree]:
    """Yield the tree with the seed in place of one part, once for each position."""
    yield seed
    kind, *arguments = tree
    if kind not in _COMBINATORS:
        return
    for place, part in enumerate(arguments):
        for changed in planted(part, seed):
            yield (kind, *arguments[:place], changed, *arguments[place + 1 :])


def random_rule(rng: random.Random, depth: int = 3, *, functions: bool = True, forbids: bool = True) -> Tree:
    """Return a rule of at most that depth, with functions and forbids in it where they are allowed."""
    if depth == 0 or rng.random() < 0.25:
        return _random_leaf(rng, functions)
    kind = rng.choice(["any_of", "all_of", "any_of", "all_of", "not_", *(["forbid"] * forbids)])
    if kind == "not_":
        return (kind, random_rule(rng, depth - 1, functions=functions, forbids=False))
    count = 1 if kind == "forbid" else rng.randint(1, 3)
    return (kind, *(random_rule(rng, depth - 1, functions=functions, forbids=forbids) for _ in range(count)))


def _random_leaf(rng: random.Random, functions: bool) -> Tree:
    kind = rng.choice([*_LEAVES, *(["function"] * functions)])
    if kind == "function":
        return (kind, rng.choice([*ANSWERS, "says_grant", "says_no", "says_grant"]))
    if kind == "has_role":
        return (kind, *rng.sample(_ROLES, rng.randint(1, 2)))
    if kind == "in_status":
        return (kind, *rng.sample(_STATUSES, rng.randint(1, 2)))
    if kind == "in_category":
        return (kind, *rng.sample(list(Category), rng.randint(1, 3)))
    if kind == "performed":
        return (kind, rng.choice(_ACTIONS))
    if kind == "same":
        return (kind, rng.choice(_ATTRIBUTES), rng.choice(_ATTRIBUTES))
    return (kind,)


def _random_attributes(rng: random.Random) -> dict[str, object]:
    return {name: rng.choice(_VALUES) for name in _ATTRIBUTES if rng.random() < 0.8}


def random_actor(rng: random.Random) -> Actor:
    """Return someone with some roles and attributes, now and then standing in for another."""
    return Actor(
        rng.choice(_PEOPLE),
        roles=rng.sample(_ROLES, rng.randint(0, 2)),
        attributes=_random_attributes(rng),
        on_behalf_of=rng.choice([None, None, *_PEOPLE]),
    )


def random_item(rng: random.Random) -> Task | Case:
    """Return a task or a case with some of its data missing."""
    performers = [part for action in rng.sample(_ACTIONS, rng.randint(0, 3)) for part in (action, rng.choice(_PEOPLE))]
    make: Callable[..., Task | Case] = a_task if rng.random() < 0.5 else a_case
    return make(
        status=rng.choice(_STATUSES),
        category=rng.choice(list(Category)),
        created_by=rng.choice(_PEOPLE),
        assignee_id=rng.choice([None, *_PEOPLE]),
        attributes=_random_attributes(rng),
        performers=performers,
    )
