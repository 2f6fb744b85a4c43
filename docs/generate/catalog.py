"""The page of the catalog: the ready-made definitions, as they print themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from casewright import REGULATORY_CASE, SIMPLE_TASK, TASK, CaseDefinition, Input, TaskDefinition, choice, text
from casewright.domain.events import VERBS
from casewright.domain.verbs import CREATE_INPUTS, VERB_TABLE

from .markdown import code, prose, table

__all__ = ["catalog"]

AnyDefinition = TaskDefinition | CaseDefinition

CATALOG: Final[dict[str, AnyDefinition]] = {
    "TASK": TASK,
    "SIMPLE_TASK": SIMPLE_TASK,
    "REGULATORY_CASE": REGULATORY_CASE,
}

VERB_SENTENCES: Final = {
    "create": "makes the item; its event is the first one",
    "read": "shows it; every other permission needs this one too; never an event",
    "edit": "sets the fields that are given; `attributes` are merged by key, None removes a key",
    "assign": "gives it to someone",
    "claim": "gives it to the asker; refused while someone else has it",
    "release": "leaves it with nobody",
    "set_due": "sets the due date; None takes it away",
    "tag": "adds and removes tags",
    "add_note": "adds a remark; the event carries its id and digest, never its text",
    "correct": "forces a status, for administrators; the reason is a must",
    "delete": "ends it for good; its history stays; refused while a case has open tasks",
}


def catalog() -> str:
    """Return the page."""
    parts = [
        "# Catalog",
        prose(
            "Three definitions come with the package. Take one as it is, or",
            "[derive your own](../how-to/declare-a-lifecycle.md#start-from-a-ready-one).",
        ),
        *(part for name, definition in CATALOG.items() for part in _definition(name, definition)),
        "## The verbs",
        prose(
            "Every definition has these actions besides those of its lifecycle. They lead to no status of their own.",
            "One that changes nothing is permitted without a change.",
        ),
        table(("verb", "what it does", "inputs", "event"), map(_verb, VERBS)),
    ]
    return "\n\n".join(parts)


def _definition(name: str, definition: AnyDefinition) -> Iterable[str]:
    lifecycle = definition.lifecycle
    initial = set(lifecycle.initial)
    yield f"## {name}"
    yield f"A {definition.kind} definition; its name on items is `{definition.name}`, its version {lifecycle.version}."
    yield f"```mermaid\n{format(lifecycle, 'mermaid')}```"
    yield table(
        ("status", "category", ""),
        (
            (f"`{status}`", category.name, "starts here" if status in initial else "closed" if category.closed else "")
            for status, category in lifecycle.states.items()
        ),
    )
    yield table(
        ("action", "from", "to", "inputs", "guards", "effects", "event"),
        (
            (
                f"`{step.action}`",
                code(step.sources),
                f"`{step.target}`",
                _inputs(step.inputs),
                code(step.guards),
                code(step.effects),
                f"`{step.event or step.action}`",
            )
            for step in lifecycle.transitions
        ),
    )
    more = {action: guards for action, guards in definition.guards.items() if guards}
    for action, guards in more.items():
        yield f"`{action}` has the guard {code(guards)} besides."
    yield "Who may do what, as the rules print themselves:"
    actions = (*lifecycle.actions, *VERBS)
    yield table(("action", "rule"), ((f"`{action}`", f"`{definition.rule(action)!r}`") for action in actions))


def _inputs(specs: Iterable[Input]) -> str:
    return ", ".join(f"`{spec.name}` ({spec.kind}{', optional' if spec.optional else ''})" for spec in specs)


def _verb(name: str) -> tuple[str, str, str, str]:
    verb = VERB_TABLE.get(name)
    inputs: tuple[Input, ...] = () if verb is None else verb.inputs_among(["-"])
    if name == "create":
        inputs = (*CREATE_INPUTS, choice("status", ["-"], optional=True), text("reason", optional=True))
    return f"`{name}`", VERB_SENTENCES[name], _inputs(inputs), f"`{VERBS[name]}`" if VERBS[name] else ""
