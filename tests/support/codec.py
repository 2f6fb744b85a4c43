"""What the codec's tests feed on: values of every type that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from functools import cache
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import strategies as st

from casewright import (
    COMMANDS,
    REGULATORY_CASE,
    TASK,
    ActionVerdict,
    Actor,
    Case,
    CaseFilter,
    Category,
    Change,
    Command,
    Context,
    Cursor,
    Effect,
    Event,
    Finding,
    FrozenMapping,
    Input,
    Lifecycle,
    Note,
    Order,
    Outcome,
    Page,
    Payload,
    Permitted,
    Phase,
    Priority,
    Reason,
    Refused,
    Scope,
    Task,
    TaskFilter,
    Term,
    Transition,
    WorkItem,
    actor,
    boolean,
    choice,
    clear,
    copy_input,
    erase,
    instant,
    integer,
    mapping,
    names,
    seal,
    set_value,
    text,
)
from casewright.domain.filters import OrderBy
from casewright.domain.inputs import InputKind
from casewright.domain.items import Item
from casewright.domain.json_values import freeze_json, freeze_object
from casewright.domain.terms import TermKind
from casewright.domain.values import instant_text
from casewright.domain.verdicts import Verdict
from support import commands, values
from support.histories import random_histories


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


@cache
def changes_of(seed: int) -> tuple[Change[Any], ...]:
    """Return the sealed changes of the random history of that seed."""
    return tuple(change for chain in random_histories(seed).values() for change in chain)


def sealed_changes() -> st.SearchStrategy[Change[Any]]:
    """Return changes of tasks and cases that real decisions made, notes and counters among them."""
    return st.integers(0, 30).flatmap(lambda seed: st.sampled_from(changes_of(seed)))


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
    if kind is TermKind.PRESENT:
        return Term(kind, draw(st.sampled_from(["due_at", "case_id"])), (), draw(st.booleans()))
    if kind is TermKind.BEFORE:
        return Term(kind, "due_at", (instant_text(draw(values.instants()).astimezone(UTC)),), draw(st.booleans()))
    name = draw(st.sampled_from(["status", "created_by", "case_id"]) if kind is TermKind.FIELD else values.names())
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | values.texts(9)
    found = draw(st.lists(scalars | st.just([1, {"a": None}]), max_size=2))
    return Term(kind, name, tuple(freeze_json(part, "value") for part in found), draw(st.booleans()))


@st.composite
def _outcomes(draw: st.DrawFn, result: st.SearchStrategy[Any]) -> Outcome[Any]:
    """What a command came to, with events or without: then nothing changed."""
    change = draw(sealed_changes())
    events = draw(st.sampled_from([(change.event,), ()]))
    return Outcome(draw(result), change.after, events, draw(st.booleans()))


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
_notes: Final = values.note_fields().map(lambda fields: Note(**fields))
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
    "Note": (Note, _notes),
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
    "OrderBy": (OrderBy, st.sampled_from(OrderBy)),
    "Order": (Order, commands.cursors().map(lambda cursor: cursor.order)),
    "Cursor": (Cursor, commands.cursors()),
    "Page": (Page, commands.pages(_tasks)),
    "Page of Task": (Page[Task], commands.pages(_tasks)),
    "TaskFilter": (TaskFilter, commands.filters(TaskFilter)),
    "CaseFilter": (CaseFilter, commands.filters(CaseFilter)),
    "Outcome": (Outcome, _outcomes(_tasks | _cases | _notes)),
    "Outcome of Task": (Outcome[Task], _outcomes(_tasks)),
    "Outcome of Note": (Outcome[Note], _outcomes(_notes)),
    "Command": (Command, commands.commands()),
    "Command of Task": (Command[Task], commands.commands()),
    **{cls.__name__: (cls, commands.commands_of(cls)) for cls in COMMANDS},
    "InputKind": (InputKind, st.sampled_from(InputKind)),
}
"""Every type that the codec knows, by a name for the test's id, with a strategy for its values."""
