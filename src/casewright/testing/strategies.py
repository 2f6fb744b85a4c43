"""Hypothesis strategies: lifecycles, policies and definitions that nobody wrote, and what can be done with them.

Everything drawn is sound by construction, nothing is filtered: a lifecycle has several initial statuses, cycles,
statuses for ``correct`` only, guards (some of which fail), typed inputs and effects. Ids, roles, statuses and actions
come from small pools, so that rules and relations meet often. Needs the extra ``testing``.

Longer than 300 lines, because each strategy is small and they only make sense side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

try:
    from hypothesis import strategies as st
except ImportError as _missing:
    _sentence = 'casewright.testing.strategies needs Hypothesis: pip install "casewright[testing]"'
    raise ImportError(_sentence, name=_missing.name) from _missing

from casewright.domain.actors import Actor
from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.combinators import all_of, any_of, forbid, not_
from casewright.domain.definitions import CaseDefinition, Definition, TaskDefinition
from casewright.domain.effects import Effect, copy_input
from casewright.domain.events import VERBS
from casewright.domain.inputs import Input, InputKind
from casewright.domain.items import Case, ItemT, Task
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.ready_rules import always, has_role
from casewright.domain.rulings import Rule
from casewright.domain.transitions import Transition
from casewright.domain.values import CLOSED_CATEGORIES, Category, Priority
from casewright.domain.verdicts import ActionVerdict
from casewright.testing.pools import (
    ACTIONS,
    CONSTANTS,
    COPIES,
    EPOCH,
    FIELDS,
    GUARDS,
    IDS,
    INPUT_GUARDS,
    INPUTS,
    ROLES,
    SPAN,
    STATUSES,
    TEAMS,
    leaves,
)

__all__ = [
    "actors",
    "case_definitions",
    "definitions",
    "inputs_for",
    "instants",
    "items",
    "lifecycles",
    "policies",
    "rules",
    "task_definitions",
]

_T = TypeVar("_T")
_Edge = tuple[str, str]


def actors(*, tenants: Sequence[str] = ("",)) -> st.SearchStrategy[Actor]:
    """Return a strategy for actors: few ids, few roles, now and then on behalf of another.

    Args:
        tenants: Whose data they may work on.
    """
    return st.builds(
        Actor,
        st.sampled_from(IDS),
        roles=st.sets(st.sampled_from(ROLES)),
        attributes=st.sampled_from([{}, *({"team": team} for team in TEAMS)]),
        tenant=st.sampled_from(tenants),
        on_behalf_of=st.sampled_from((None, None, *IDS)),
    )


def instants() -> st.SearchStrategy[datetime]:
    """Return a strategy for instants within some years (UTC); one drawn later may lie earlier."""
    return st.integers(0, SPAN).map(lambda count: EPOCH + timedelta(microseconds=count))


def rules(
    actions: Iterable[str] = (), statuses: Iterable[str] = (), *, lowerable: bool = False
) -> st.SearchStrategy[Rule]:
    """Return a strategy for rules: ready-made ones, functions, and combinations of them.

    Args:
        actions: What `performed` may speak of, besides ``create``.
        statuses: What `in_status` may speak of.
        lowerable: Whether the rule must lower to terms, as that of ``read`` must.
    """
    return _rules(("create", *actions), tuple(statuses), lowerable)


def policies(actions: Iterable[str], statuses: Iterable[str] = ()) -> st.SearchStrategy[AuthorizationPolicy]:
    """Return a strategy for policies that a definition with these actions accepts.

    Args:
        actions: The actions of its lifecycles; any verb may get a rule too.
        statuses: The statuses of its lifecycles.
    """
    return _policies(tuple(actions), tuple(statuses))


def inputs_for(
    asked: Transition | ActionVerdict | Iterable[Input],
) -> st.SearchStrategy[dict[str, object]]:
    """Return a strategy for inputs that are accepted: all required ones, any of the optional ones.

    Args:
        asked: What is to be given inputs: a transition, a verdict of ``actions``, or the inputs themselves.
    """
    declared = tuple(asked.inputs if isinstance(asked, (Transition, ActionVerdict)) else asked)
    return _inputs_for(declared)


@st.composite
def lifecycles(draw: st.DrawFn, *, version: int = 1, max_states: int = 6) -> Lifecycle:
    """Return a strategy for lifecycles.

    Args:
        draw: Given by Hypothesis.
        version: Their version.
        max_states: The most statuses.
    """
    statuses = draw(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=max_states, unique=True))
    by_correct = statuses[len(statuses) - draw(st.integers(0, min(2, len(statuses) - 1))) :]
    ordinary = statuses[: len(statuses) - len(by_correct)]
    categories = draw(st.lists(st.sampled_from(Category), min_size=len(statuses), max_size=len(statuses)))
    states: dict[str, Category] = dict(zip(statuses, categories, strict=True))
    end = draw(st.sampled_from(ordinary))
    states[end] = draw(st.sampled_from(sorted(CLOSED_CATEGORIES)))
    edges = [(draw(st.sampled_from(ordinary[:place])), ordinary[place]) for place in range(1, len(ordinary))]
    more = st.tuples(st.sampled_from(statuses), st.sampled_from(ordinary))
    edges += draw(st.lists(more, max_size=len(statuses)))
    edges += _ways_out(ordinary, states, edges, end)
    legacy = draw(st.integers(0, len(by_correct)))
    return Lifecycle(
        states=states,
        initial=draw(_initials(ordinary)),
        transitions=draw(_transitions(tuple(dict.fromkeys(edges)))),
        administrative=by_correct[legacy:],
        legacy=by_correct[:legacy],
        version=version,
    )


def task_definitions() -> st.SearchStrategy[TaskDefinition]:
    """Return a strategy for task definitions, some with an earlier lifecycle and with typed attributes."""
    return _parts().map(lambda parts: TaskDefinition("a task", **parts))


def case_definitions() -> st.SearchStrategy[CaseDefinition]:
    """Return a strategy for case definitions, some with an earlier lifecycle and with typed attributes."""
    return _parts().map(lambda parts: CaseDefinition("a case", **parts))


def definitions() -> st.SearchStrategy[TaskDefinition | CaseDefinition]:
    """Return a strategy for definitions of either kind."""
    return st.one_of(task_definitions(), case_definitions())


@st.composite
def items(draw: st.DrawFn, definition: Definition[ItemT], *, tenant: str = "") -> ItemT:
    """Return a strategy for items of a definition as it might meet them: any status, any holder, now and then deleted.

    Args:
        draw: Given by Hypothesis.
        definition: What judges them.
        tenant: Whose they are.
    """
    lifecycle = draw(st.sampled_from((definition.lifecycle, *definition.earlier)))
    status, category = draw(st.sampled_from(sorted(lifecycle.states.items())))
    creator = draw(st.sampled_from(IDS))
    acts = draw(st.lists(st.tuples(st.sampled_from(("create", *lifecycle.actions)), st.sampled_from(IDS)), max_size=3))
    acted = dict.fromkeys([("create", creator), *acts])
    fields: dict[str, Any] = {
        "id": draw(st.sampled_from(("item-1", "item-2"))),
        "tenant": tenant,
        "definition": definition.name,
        "lifecycle_version": lifecycle.version,
        "status": status,
        "category": category,
        "version": draw(st.integers(1, 9)),
        "title": "A title",
        "description": draw(st.sampled_from((None, "", "Some words"))),
        "priority": draw(st.sampled_from((None, *Priority))),
        "created_by": creator,
        "created_at": draw(instants()),
        "assignee_id": draw(st.sampled_from((None, *IDS))),
        "due_at": draw(st.none() | instants()),
        "closed_at": draw(instants()) if category.closed else None,
        "deleted_at": draw(st.sampled_from((None, None, None, datetime(2026, 1, 1, tzinfo=UTC)))),
        "tags": draw(st.sampled_from(((), ("frozen",), ("a", "b")))),
        "attributes": draw(_attributes()),
        "performers": [part for pair in acted for part in pair],
    }
    if definition.kind == "case":
        fields["open_tasks"] = draw(st.integers(0, 2))
    made: Any = Case(**fields) if definition.kind == "case" else Task(**fields)
    item: ItemT = made
    return item


# ---------------------------------------------------------------- rules and policies


@lru_cache(maxsize=256)
def _rules(actions: tuple[str, ...], statuses: tuple[str, ...], lowerable: bool) -> st.SearchStrategy[Rule]:
    leaf = st.sampled_from(leaves(actions, statuses, lowerable=lowerable))
    two = st.lists(leaf, min_size=1, max_size=3)
    plain = st.one_of(
        leaf, two.map(lambda found: any_of(*found)), two.map(lambda found: all_of(*found)), leaf.map(not_)
    )
    several = st.lists(plain, min_size=1, max_size=2)
    return st.one_of(
        leaf,
        plain,
        several.map(lambda found: any_of(*found)),
        st.builds(lambda most, less: all_of(*most, forbid(less)), several, plain),
        plain.map(forbid),
    )


_DEFAULTS: Final = (always(), always(), has_role("admin"), None)


@st.composite
def _policies(draw: st.DrawFn, actions: tuple[str, ...], statuses: tuple[str, ...]) -> AuthorizationPolicy:
    """A few rules, dealt out to all actions: an ``admin`` gets past most of them, so that histories grow."""
    hands: list[Rule] = [always()]
    for found in draw(st.lists(_rules(("create", *actions), statuses, False), min_size=1, max_size=3)):
        hands += [any_of(has_role("admin"), found), found]
    ruled = [*actions, "create", *draw(st.lists(st.sampled_from(sorted(VERBS)), max_size=6, unique=True))]
    dealt = draw(st.lists(st.integers(0, len(hands) - 1), min_size=len(ruled), max_size=len(ruled)))
    found_rules = {action: hands[place] for action, place in zip(ruled, dealt, strict=True)}
    reading = draw(_rules(("create", *actions), statuses, True))
    readers: list[Rule] = [always(), any_of(has_role("admin", "clerk"), reading), reading]
    found_rules["read"] = draw(st.sampled_from(readers))
    return AuthorizationPolicy(found_rules, default=draw(st.sampled_from(_DEFAULTS)))


# ---------------------------------------------------------------- lifecycles and definitions


def _ways_out(ordinary: Sequence[str], states: Mapping[str, Category], edges: Sequence[_Edge], end: str) -> list[_Edge]:
    """An edge to the end from each status that has no way to a closed one yet."""
    safe = {status for status in ordinary if states[status].closed}
    added: list[_Edge] = []
    for status in ordinary:
        grew = True
        while grew:
            found = {source for source, target in edges if target in safe} - safe
            grew = bool(found)
            safe |= found
        if status not in safe:
            added.append((status, end))
            safe.add(status)
    return added


@st.composite
def _initials(draw: st.DrawFn, ordinary: Sequence[str]) -> Any:  # noqa: ANN401 - in each form that Lifecycle takes
    more = draw(st.lists(st.sampled_from(ordinary), max_size=3, unique=True))
    several = tuple(dict.fromkeys((ordinary[0], *more)))
    return draw(st.sampled_from((several, frozenset(several), ordinary[0])))


@st.composite
def _transitions(draw: st.DrawFn, edges: tuple[_Edge, ...]) -> tuple[Transition, ...]:
    """Each edge under a name that is free at its source; edges of one name and target become one transition."""
    sources: dict[tuple[str, str], list[str]] = {}
    used: set[tuple[str, str]] = set()
    for place, (source, target) in enumerate(edges):
        action = draw(st.sampled_from(ACTIONS))
        if (source, action) in used:
            action = f"{action} {place}"
        used.add((source, action))
        sources.setdefault((action, target), []).append(source)
    return tuple(draw(_transition(action, found, target)) for (action, target), found in sources.items())


@st.composite
def _transition(draw: st.DrawFn, action: str, sources: list[str], target: str) -> Transition:
    declared = draw(_few(INPUTS))
    copies = [copy_input(spec.name, to=COPIES[spec.name]) for spec in declared if spec.name in COPIES]
    constants = [effect for effect in CONSTANTS if effect.field not in {copy.field for copy in copies}]
    readers = [INPUT_GUARDS[spec.name] for spec in declared if spec.name in INPUT_GUARDS]
    return Transition(
        action,
        sources,
        target,
        inputs=declared,
        guards=draw(_few((*readers * 4, *GUARDS))),
        effects=draw(_some((*copies * 4, *constants)) if copies else _few(CONSTANTS)),
        event=draw(st.sampled_from((None, f"{action} done"))),
    )


@st.composite
def _parts(draw: st.DrawFn) -> dict[str, Any]:
    """What a definition of either kind is made of."""
    present = draw(st.sampled_from((1, 1, 3)))
    lifecycle = draw(lifecycles(version=present))
    earlier = (draw(lifecycles(version=2, max_states=4)),) if draw(st.booleans()) else ()
    actions = tuple(dict.fromkeys(action for one in (lifecycle, *earlier) for action in one.actions))
    statuses = tuple(dict.fromkeys(status for one in (lifecycle, *earlier) for status in one.states))
    guarded = draw(st.lists(st.sampled_from((*actions, *sorted(VERBS.keys() - {"read"}))), max_size=2, unique=True))
    return {
        "lifecycle": lifecycle,
        "earlier": earlier,
        "authorization": draw(_policies(actions, statuses)),
        "guards": {action: draw(st.sampled_from(GUARDS)) for action in guarded},
        "fields": draw(st.sampled_from((None, None, FIELDS))),
        "published": draw(st.none() | st.frozensets(st.sampled_from((*actions, "create", "edit")))),
    }


@lru_cache(maxsize=256)
def _few(choices: tuple[_T, ...]) -> st.SearchStrategy[list[_T]]:
    """None more often than not, so that most transitions are simple and histories grow."""
    return st.one_of(st.just([]), st.just([]), _some(choices))


@lru_cache(maxsize=256)
def _some(choices: tuple[_T, ...]) -> st.SearchStrategy[list[_T]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique_by=_key)


def _key(part: object) -> str:
    return part.field if isinstance(part, Effect) else repr(part)


# ---------------------------------------------------------------- inputs


@lru_cache(maxsize=256)
def _inputs_for(declared: tuple[Input, ...]) -> st.SearchStrategy[dict[str, object]]:
    required = {spec.name: _values(spec) for spec in declared if not spec.optional}
    optional = {spec.name: _values(spec) for spec in declared if spec.optional}
    return st.fixed_dictionaries(required, optional=optional)


def _values(spec: Input) -> st.SearchStrategy[object]:
    strategy: st.SearchStrategy[object] = _BY_KIND[spec.kind](spec)
    return st.none() | strategy if spec.clearable else strategy


def _texts(spec: Input) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=["C", "Z"])
    return st.sampled_from(("some words", "no")) | st.text(letters, min_size=1, max_size=min(8, spec.max_length))


@lru_cache(maxsize=256)
def _attributes() -> st.SearchStrategy[dict[str, object]]:
    """Values of the attributes that effects, rules and guards here look at; those of `FIELDS` accept them."""
    known = {"team": st.sampled_from(("red", "blue")), "amount": st.integers(-1, 2), "outcome": st.just("good")}
    return st.just({}) | st.fixed_dictionaries({}, optional=known)


_BY_KIND: Final[Mapping[InputKind, Any]] = {
    InputKind.TEXT: _texts,
    InputKind.ACTOR: lambda spec: st.sampled_from(IDS),
    InputKind.CHOICE: lambda spec: st.sampled_from(spec.choices),
    InputKind.INSTANT: lambda spec: instants() | instants().map(datetime.isoformat),
    InputKind.INTEGER: lambda spec: st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    InputKind.BOOLEAN: lambda spec: st.booleans(),
    InputKind.NAMES: lambda spec: st.lists(st.sampled_from(("frozen", "a", "b", "Ö")), max_size=3),
    InputKind.MAPPING: lambda spec: _attributes(),
}
