"""What the codec's tests feed on: values of every type it knows, and documents that somebody spoilt."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import strategies as st

from casewright import (
    REGULATORY_CASE,
    TASK,
    ActionVerdict,
    Actor,
    Case,
    Category,
    Change,
    Context,
    Effect,
    Event,
    Finding,
    FrozenMapping,
    Guard,
    Input,
    Lifecycle,
    Note,
    Payload,
    Permitted,
    Phase,
    Priority,
    Reason,
    Refused,
    Scope,
    Task,
    Term,
    Transition,
    WorkItem,
    actor,
    boolean,
    choice,
    clear,
    copy_input,
    erase,
    guard,
    instant,
    integer,
    mapping,
    names,
    no_open_tasks,
    seal,
    set_value,
    text,
)
from casewright.codec import from_data, lifecycle_from_data, to_data
from casewright.domain.inputs import InputKind
from casewright.domain.items import Item
from casewright.domain.json_values import freeze_json, freeze_object
from casewright.domain.terms import TermKind
from casewright.domain.verdicts import Verdict
from support import values
from support.histories import random_histories

__all__ = [
    "BY_TYPE",
    "GOOD",
    "GUARDS",
    "WORD",
    "a_change",
    "guarded",
    "hostile_documents",
    "is_plain",
    "read_guarded",
    "sealed_changes",
    "spoilt",
]


def _read(cls: Any, data: object) -> Any:
    return from_data(data, cls)


def a_change() -> Change[Case]:
    """Return one sealed change, always the same."""
    decision = REGULATORY_CASE.create("c1", by=values.ADMIN, at=values.AT, title="A matter", attributes={"amount": 7})
    assert isinstance(decision, Permitted)
    change = decision.change
    assert change is not None
    return seal(change, recorded_at=values.AT, salt="00" * 16)


def is_plain(data: object) -> bool:
    """Return whether the data is made of exact dicts, lists, str, int, bool and None, and nothing else."""
    if type(data) is dict:
        return all(type(key) is str and is_plain(part) for key, part in data.items())
    if type(data) is list:
        return all(map(is_plain, data))
    return data is None or type(data) in (bool, int, str)


AnyVerdict: TypeAlias = Verdict[Any]
TaskVerdict: TypeAlias = Verdict[Task]

# ---------------------------------------------------------------- values of every type


@cache
def _history_of(seed: int) -> tuple[Change[Any], ...]:
    return tuple(change for chain in random_histories(seed).values() for change in chain)


def sealed_changes() -> st.SearchStrategy[Change[Any]]:
    """Return changes of tasks and cases that real decisions made, notes and counters among them."""
    return st.integers(0, 30).flatmap(lambda seed: st.sampled_from(_history_of(seed)))


def _events() -> st.SearchStrategy[Event]:
    sealed = sealed_changes().map(lambda change: change.event)
    unsealed = sealed.map(lambda event: attrs.evolve(event, recorded_at=None, digest="", payload_digest="", salt=None))
    return sealed | sealed.map(erase) | unsealed | sealed.map(lambda event: attrs.evolve(event, schema=2))


@st.composite
def _permitted(draw: st.DrawFn) -> Permitted[Any]:
    """A yes to creating a task, alone or in a case that counts it: two changes then; or a yes that changes nothing."""
    fields: dict[str, Any] = {"tags": draw(st.lists(values.names(), max_size=3)), "by": values.ADMIN, "at": values.AT}
    case = a_change().after if draw(st.booleans()) else None
    decision: Verdict[Any] = TASK.create("t1", title=draw(values.names()), parent=case, **fields)
    assert isinstance(decision, Permitted)
    return draw(st.sampled_from([decision, decision, Permitted()]))


def _reasons() -> st.SearchStrategy[Reason]:
    params = st.dictionaries(values.names(), values.json_inputs(4), max_size=3).map(
        lambda given: freeze_object(given, "p")
    )
    return st.builds(Reason, values.names(), st.sampled_from(Phase), values.texts(), params)


def _refused() -> st.SearchStrategy[Refused]:
    return st.builds(Refused, st.lists(_reasons(), min_size=1, max_size=4).map(tuple))


@st.composite
def _inputs(draw: st.DrawFn) -> Input:
    name, optional, clearable = draw(values.names()), draw(st.booleans()), draw(st.booleans())
    most, several = draw(st.integers(1, 10_000)), draw(st.lists(values.names(), min_size=1, max_size=4))
    made = [make(name, optional=optional, clearable=clearable) for make in (actor, boolean, instant, integer)]
    made += [text(name, optional=optional, clearable=clearable, max_length=most)]
    made += [choice(name, several, optional=optional, clearable=clearable)]
    made += [names(name, optional=optional, max_length=most), mapping(name, optional=optional)]
    return draw(st.sampled_from(made))


def _effects() -> st.SearchStrategy[Effect]:
    own = values.names(20).map(lambda name: f"attributes.{name}")
    constants = [
        set_value("priority", "high"),
        clear("due_at"),
        clear("attributes.a"),
        set_value("attributes.a", [1, {}]),
    ]
    copied = st.builds(lambda name, to: copy_input(name, to=to), values.names(), own | st.just("title"))
    return st.sampled_from(constants) | copied | st.builds(set_value, own, values.json_inputs(4))


def _verdicts_on_actions() -> st.SearchStrategy[ActionVerdict]:
    return st.builds(
        ActionVerdict,
        values.names(),
        st.booleans(),
        st.lists(_reasons(), max_size=2).map(tuple),
        st.lists(_inputs(), max_size=2).map(tuple),
        st.none() | values.names(),
    )


@st.composite
def _terms(draw: st.DrawFn) -> Term:
    kind = draw(st.sampled_from(TermKind))
    name = draw(st.sampled_from(["status", "created_by", "case_id"]) if kind is TermKind.FIELD else values.names())
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | values.texts(9)
    found = draw(st.lists(scalars | st.just([1, {"a": None}]), max_size=2))
    return Term(kind, name, tuple(freeze_json(part, "value") for part in found), draw(st.booleans()))


@st.composite
def _lifecycles(draw: st.DrawFn) -> Lifecycle:
    """Lifecycles without guards; `tests/codec/test_lifecycles.py` has the others."""
    found = draw(st.lists(values.names(), min_size=4, max_size=4, unique=True))
    more = st.lists(_inputs(), max_size=3, unique_by=lambda spec: spec.name)
    return Lifecycle(
        states=dict(zip(found, [Category.OPEN, Category.DONE, Category.DRAFT, Category.ACTIVE], strict=True)),
        initial=draw(st.sampled_from([found[0], found[:2], {found[0], found[1]}])),
        transitions=[_transition(found, draw(more), draw(st.none() | values.names()))],
        administrative=found[2:3],
        legacy=found[3:],
        version=draw(st.integers(1, 9)),
    )


def _transition(statuses: list[str], declared: list[Input], event: str | None) -> Transition:
    effects = [copy_input(spec.name, to=f"attributes.{place}") for place, spec in enumerate(declared)]
    return Transition("advance", statuses[0], statuses[1], inputs=declared, effects=effects, event=event)


_objects: Final = st.dictionaries(values.names(), values.json_inputs(), max_size=4)
_tasks: Final = values.task_fields().map(lambda fields: Task(**fields))
_cases: Final = values.case_fields().map(lambda fields: Case(**fields))
_ids: Final = st.none() | values.names(255)
_scopes: Final = st.lists(st.lists(_terms(), max_size=2).map(tuple), max_size=2).map(lambda found: Scope(tuple(found)))

BY_TYPE: Final[Mapping[str, tuple[Any, st.SearchStrategy[Any]]]] = {
    "Actor": (Actor, values.actor_fields().map(lambda fields: Actor(**fields))),
    "Context": (Context, st.builds(Context, correlation_id=_ids, causation_id=_ids, traceparent=_ids)),
    "Task": (Task, _tasks),
    "Case": (Case, _cases),
    "WorkItem": (WorkItem, _tasks | _cases),
    "Item": (Item, _tasks | _cases),
    "Item or None": (Item | None, _tasks | _cases | st.none()),
    "Note": (Note, values.note_fields().map(lambda fields: Note(**fields))),
    "Event": (Event, _events()),
    "Payload": (Payload, sealed_changes().map(lambda change: change.event.payload)),
    "Change": (Change, sealed_changes()),
    "Change of Task": (Change[Task], sealed_changes().filter(lambda change: isinstance(change.after, Task))),
    "Permitted": (Permitted, _permitted()),
    "Permitted of Task": (Permitted[Task], _permitted()),
    "Refused": (Refused, _refused()),
    "Verdict": (AnyVerdict, _permitted() | _refused()),
    "Verdict, unnamed": (Permitted | Refused, _permitted() | _refused()),
    "Verdict or None": (TaskVerdict | None, _permitted() | _refused() | st.none()),
    "Reason": (Reason, _reasons()),
    "ActionVerdict": (ActionVerdict, _verdicts_on_actions()),
    "Input": (Input, _inputs()),
    "Effect": (Effect, _effects()),
    "Finding": (Finding, st.builds(Finding, st.integers(0, 2**63 - 1), values.names(), values.texts())),
    "FrozenMapping": (FrozenMapping, _objects.map(lambda given: freeze_object(given, "given"))),
    "Term": (Term, _terms()),
    "Scope": (Scope, _scopes | st.just(TASK.scope(Actor("ann")))),
    "Lifecycle": (Lifecycle, _lifecycles()),
    "Category": (Category, st.sampled_from(Category)),
    "Priority": (Priority, st.sampled_from(Priority)),
    "Phase": (Phase, st.sampled_from(Phase)),
    "TermKind": (TermKind, st.sampled_from(TermKind)),
    "InputKind": (InputKind, st.sampled_from(InputKind)),
}
"""Every type that the codec knows, by a name for the test's id, with a strategy for its values."""


# ---------------------------------------------------------------- good documents, one for each decoder


@cache
def guarded() -> Lifecycle:
    """Return a lifecycle with two guards, an input and effects, two initial statuses to choose from, and marks."""
    needs = guard(lambda *_: True, code="paid", text="wait for the fee")
    return Lifecycle(
        states={"new": "open", "ready": "open", "held": "waiting", "over": "done", "gone": "cancelled"},  # type: ignore[dict-item]
        initial={"new", "ready"},
        transitions=[
            Transition("finish", ["new", "ready"], "over", guards=[no_open_tasks(), needs], event="finished"),
            Transition(
                "take",
                "new",
                "ready",
                inputs=[actor("by_id"), choice("how", ["fast", "slow"], optional=True)],
                effects=[copy_input("by_id", to="assignee_id"), clear("due_at"), set_value("attributes.seen", [True])],
                guards=[needs],
            ),
        ],
        administrative=["held"],
        legacy=["gone"],
        version=3,
    )


GUARDS: Final[Mapping[str, Guard]] = {one.code: one for step in guarded().transitions for one in step.guards}
"""The guards of `guarded`, by their codes."""


def read_guarded(data: object) -> Lifecycle:
    """Decode a lifecycle that may need the guards of `guarded`."""
    return lifecycle_from_data(data, guards=GUARDS)


def _samples() -> dict[str, tuple[Any, list[Any]]]:
    """A few values of each type, chosen so that every key of every form holds something at least once."""
    ann = Actor("ann", roles=["b", "a"], attributes={"unit": "north", "n": [1, {"x": None}]}, on_behalf_of="bea")
    filled: dict[str, Any] = {
        "tenant": "t",
        "description": "d",
        "priority": "high",
        "assignee_id": "bea",
        "tags": ["x", "y"],
    }
    filled |= {"due_at": values.AT}
    task = values.a_task(**filled, case_id="c9", attributes={"a": {"b": (True, "c")}}, performers=["create", "ann"])
    case = values.a_case(**filled, open_tasks=2, closed_at=values.AT, deleted_at=values.AT, head="ab")
    changes = _history_of(1)
    noted = next(change for change in changes if change.notes)
    counted: Permitted[Any] = Permitted(tuple(changes[:2]))
    refused = TASK.decide(values.a_task(), "block", {}, by=Actor("ann"), at=values.AT)
    actions = list(TASK.actions(values.a_task(), by=values.ADMIN, at=values.AT))
    inputs = [*guarded().transitions[1].inputs, text("t"), names("n"), instant("i", clearable=True), integer("g")]
    terms = [Term(TermKind.FIELD, "status", ("a", "b")), Term(TermKind.ATTRIBUTE, "a", (1, None), True)]
    return {
        "Actor": (Actor, [ann]),
        "Context": (Context, [Context(correlation_id="c", causation_id="d", traceparent="e")]),
        "Task": (Task, [task]),
        "Case": (Case, [case]),
        "Item": (Item, [task, case]),
        "Note": (Note, [values.a_note()]),
        "Event": (Event, [noted.event, erase(changes[0].event), changes[0].event]),
        "Payload": (Payload, [changes[0].event.payload]),
        "Change": (Change, [noted, changes[0]]),
        "Permitted": (Permitted, [counted]),
        "Refused": (Refused, [refused]),
        "Verdict": (AnyVerdict, [counted, refused]),
        "Reason": (Reason, [Reason("c", Phase.GUARD, "t", {"n": 1, "m": ("a", {})})]),
        "ActionVerdict": (ActionVerdict, actions),
        "Input": (Input, inputs),
        "Effect": (Effect, list(guarded().transitions[1].effects)),
        "Finding": (Finding, [Finding(3, "digest", "its header is not what was sealed")]),
        "FrozenMapping": (FrozenMapping, [ann.attributes]),
        "Term": (Term, terms),
        "Scope": (Scope, [Scope(((terms[0], terms[1]), (terms[1],)))]),
        "Lifecycle": (Lifecycle, [TASK.lifecycle]),
        "guarded": (read_guarded, [guarded()]),
    }


GOOD: Final[Mapping[str, tuple[Callable[[object], Any], list[Any]]]] = {
    name: (cls if cls is read_guarded else partial(_read, cls), [to_data(value) for value in found])
    for name, (cls, found) in _samples().items()
}
"""For each decoder its function and good documents, as plain data."""

# ---------------------------------------------------------------- documents that somebody spoilt

WORD: Final = "zaunkoenig"
"""Stands in the text of hostile values: no error may show it."""

_SCALARS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2**63, -(2**63) - 1, 10**400, 1.5, float("nan"), float("inf"), -0.0),
    *("", " ", "\t", "1", "true", "null", "task", "case", "draft", "2026-01-31T12:00:00", "0001-01-01T00:00:00+23:59"),
    *(f"{WORD}{part}" for part in ("\0", "\ud800", "\n", "\x1b[31m", "\u202e", "\u2028", "; DROP TABLE item")),
    *(
        WORD * 1_000,
        "%s%n{0.__class__}",
        "__class__",
        "../../etc",
        "2026-02-30T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
    ),
)
_KEYS: Final = ("", "kind", "permitted", "__class__", "id", "\0", "\ud800", "a\nb", "k" * 300, "any_of", "tenant", "-")


def _hostile(rng: random.Random, depth: int = 0) -> Any:
    """Return a JSON value, or nearly one, that nobody expects."""
    choice_ = rng.random()
    if choice_ < 0.6 or depth > 3:
        return rng.choice(_SCALARS)
    if choice_ < 0.75:
        return [_hostile(rng, depth + 1) for _ in range(rng.randrange(4))]
    if choice_ < 0.9:
        return {rng.choice(_KEYS): _hostile(rng, depth + 1) for _ in range(rng.randrange(4))}
    return values.nested(rng.choice([5, 17, 500]), rng.choice([lambda part: [part], lambda part: {"a": part}]))


def _places(data: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield every container in the data, down to some depth, with each of its keys."""
    if depth < 20:
        for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
            yield data, key
            yield from _places(data[key], depth + 1)


def spoilt(data: Any, rng: random.Random) -> Any:
    """Return the data with one to three things wrong: replaced, removed, wrapped or added. The data itself is spent."""
    whole = [data]
    for _ in range(rng.choice([1, 1, 2, 3])):
        container, key = rng.choice(list(_places(whole)))
        how = rng.randrange(5)
        if how == 0 and container is not whole:
            del container[key]
        elif how == 1:
            container[key] = [container[key]]
        elif how == 2 and isinstance(container[key], dict):
            container[key][rng.choice(_KEYS)] = _hostile(rng)
        else:
            container[key] = _hostile(rng)
    return whole[0]


def hostile_documents(seeds: list[Any], count: int, seed: int = 0) -> Iterator[Any]:
    """Yield that many documents that are hostile to a decoder.

    Args:
        seeds: Good documents, as plain data: most of what comes out is one of them, spoilt.
        count: How many.
        seed: Makes them the same again.
    """
    rng = random.Random(seed)
    texts = [json.dumps(one) for one in seeds]
    for _ in range(count):
        yield spoilt(json.loads(rng.choice(texts)), rng) if rng.random() < 0.9 else _hostile(rng)
