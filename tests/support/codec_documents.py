"""Documents for the codec's decoders: good ones of every form, and what becomes of them in hostile hands."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Final

from casewright import (
    COMMANDS,
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
    Edit,
    Effect,
    Event,
    Finding,
    FrozenMapping,
    Guard,
    Input,
    Lifecycle,
    Note,
    Order,
    Outcome,
    Page,
    Payload,
    Permitted,
    Phase,
    Reason,
    Refused,
    Scope,
    Task,
    TaskFilter,
    Term,
    Transition,
    actor,
    choice,
    clear,
    copy_input,
    erase,
    guard,
    instant,
    integer,
    names,
    no_open_tasks,
    set_value,
    text,
)
from casewright.codec import from_data, lifecycle_from_data, to_data
from casewright.domain.items import Item
from casewright.domain.terms import TermKind
from support import values
from support.codec import AnyVerdict, changes_of
from support.commands import good


def _read(cls: Any, data: object) -> Any:
    return from_data(data, cls)


@cache
def guarded() -> Lifecycle:
    """Return a lifecycle with two guards, an input and effects, two initial statuses to choose from, and marks."""
    needs = guard(lambda *_: True, code="paid", text="wait for the fee")
    return Lifecycle(
        states={
            "new": Category.OPEN,
            "ready": Category.OPEN,
            "held": Category.WAITING,
            "over": Category.DONE,
            "gone": Category.CANCELLED,
        },
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
    changes = changes_of(1)
    noted = next(change for change in changes if change.notes)
    counted: Permitted[Any] = Permitted(tuple(changes[:2]))
    refused = TASK.decide(values.a_task(), "block", {}, by=Actor("ann"), at=values.AT)
    actions = list(TASK.actions(values.a_task(), by=values.ADMIN, at=values.AT))
    inputs = [*guarded().transitions[1].inputs, text("t"), names("n"), instant("i", clearable=True), integer("g")]
    terms = [Term(TermKind.FIELD, "status", ("a", "b")), Term(TermKind.ATTRIBUTE, "a", (1, None), True)]
    terms += [Term(TermKind.PRESENT, "case_id", ()), Term(TermKind.BEFORE, "due_at", ("2026-01-31T12:00:00.000000Z",))]
    cursor = Cursor(Order("created"), Order("created").key(task))
    choices: dict[str, Any] = {"status": "todo", "category": ["open", "done"], "definition": ["task"], "open": True}
    choices |= {"assignee_id": None, "created_by": "ann", "overdue_at": values.AT}
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
        "Order": (Order, [Order("created", descending=True)]),
        "Page": (Page, [Page((task, case), cursor), Page(())]),
        "TaskFilter": (TaskFilter, [TaskFilter(**choices, case_id="c1")]),
        "CaseFilter": (CaseFilter, [CaseFilter(**choices)]),
        "Command": (Command, [good(cls) for cls in COMMANDS]),
        "Edit": (Edit, [good(Edit)]),
        "Outcome": (Outcome, [Outcome(noted.notes[0], noted.after, (noted.event,)), Outcome(task, task, (), True)]),
        "Scope": (Scope, [Scope(((terms[0], terms[1]), (terms[1],)))]),
        "Lifecycle": (Lifecycle, [TASK.lifecycle]),
        "guarded": (read_guarded, [guarded()]),
    }


GOOD: Final[Mapping[str, tuple[Callable[[object], Any], list[Any]]]] = {
    name: (cls if cls is read_guarded else partial(_read, cls), [to_data(value) for value in found])
    for name, (cls, found) in _samples().items()
}
"""For each decoder its function and good documents, as plain data."""

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
