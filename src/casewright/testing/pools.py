"""Pools: the small sets of values that the strategies draw from, so that what is drawn meets often.

Needs no Hypothesis. The guards and rules with "fails" in their text raise where there is no amount: what judges them
must fail closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from casewright.domain.effects import clear, set_value
from casewright.domain.guards import Guard, guard, no_open_tasks
from casewright.domain.inputs import actor, boolean, choice, instant, integer, mapping, names, text
from casewright.domain.ready_rules import (
    always,
    has_role,
    in_category,
    in_status,
    is_assignee,
    is_creator,
    never,
    performed,
    same,
)
from casewright.domain.rules import predicate
from casewright.domain.rulings import Rule
from casewright.domain.values import Category, Priority

__all__ = [
    "ACTIONS",
    "CONSTANTS",
    "COPIES",
    "EPOCH",
    "FIELDS",
    "GUARDS",
    "IDS",
    "INPUTS",
    "INPUT_GUARDS",
    "ROLES",
    "SPAN",
    "STATUSES",
    "TEAMS",
    "leaves",
]

STATUSES: Final = ("new", "WAITING ROOM", "in-work", "prüfung", "done", 's\'il "vous" plaît', "7", "end", "終", "late")
ACTIONS: Final = ("advance", "send_back", "finish", "hold", "übergeben")
IDS: Final = ("ann", "ben", "cy", "dee")
ROLES: Final = ("admin", "clerk", "reviewer")
TEAMS: Final = ("red", "blue")

EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
SPAN: Final = timedelta(days=700) // timedelta(microseconds=1)
"""From when on, and how many microseconds long, everything happens."""

INPUTS: Final = (
    text("reason"),
    text("subject", optional=True, max_length=80),
    text("remark", optional=True, clearable=True),
    actor("owner_id"),
    choice("urgency", Priority, optional=True, clearable=True),
    choice("outcome", ("good", "bad")),
    instant("until", optional=True, clearable=True),
    integer("amount"),
    boolean("urgent", optional=True),
    names("labels"),
    mapping("data", optional=True),
)
"""What transitions may take: every kind of input."""

COPIES: Final[Mapping[str, str]] = {
    "subject": "title",
    "remark": "description",
    "owner_id": "assignee_id",
    "urgency": "priority",
    "until": "due_at",
    "labels": "tags",
    "outcome": "attributes.outcome",
    "amount": "attributes.amount",
}
"""Where inputs are copied to, by name."""

CONSTANTS: Final = (
    set_value("priority", Priority.HIGH),
    set_value("attributes.team", "red"),
    set_value("tags", ["touched"]),
    clear("due_at"),
    clear("assignee_id"),
    clear("attributes.amount"),
)
"""Effects that need no input."""

FIELDS: Final = (
    choice("outcome", ("good", "bad"), optional=True),
    integer("amount", optional=True),
    text("team", optional=True),
)
"""Typed attributes that all effects here fit."""

_EVENING: Final = 20

GUARDS: Final = (
    guard(lambda item, *_: item.priority is not Priority.URGENT, code="too_urgent", text="not while it is urgent"),
    guard(lambda item, *_: "frozen" not in item.tags, code="frozen", text="take the tag off first"),
    guard(lambda item, inputs, facts, at: at.hour < _EVENING, code="too_late", text="come back in the morning"),
    guard(
        lambda item, inputs, facts, at: facts["quota"] > 0, code="no_quota", text="wait for a quota", facts=["quota"]
    ),
    guard(lambda item, *_: item.attributes["amount"] > 0, code="no_amount", text="needs an amount; fails without one"),
    no_open_tasks(),
)
"""Guards of the item, the facts and the time."""

INPUT_GUARDS: Final[Mapping[str, Guard]] = {
    "amount": guard(
        lambda item, inputs, *_: inputs["amount"] >= 0, code="negative", text="not below zero", inputs=["amount"]
    ),
    "remark": guard(
        lambda item, inputs, *_: "no" not in inputs["remark"],
        code="remark_says_no",
        text="the remark says no; fails without one",
        inputs=["remark"],
    ),
}
"""Guards that read the input of that name."""


def leaves(actions: Iterable[str], statuses: Iterable[str], *, lowerable: bool) -> list[Rule]:
    """Return every ready-made rule, about these actions and statuses.

    Args:
        actions: What `performed` speaks of.
        statuses: What `in_status` speaks of.
        lowerable: Whether rules that run a function are left out.

    Returns:
        The rules.
    """
    functions: list[Rule] = [
        predicate(lambda actor, item: item.version % 2 == 1, code="even", text="only at odd versions"),
        predicate(lambda actor, item: item.attributes["amount"] > 0, code="poor", text="fails without an amount"),
    ]
    return [
        *(has_role(role) for role in ROLES),
        has_role("clerk", "reviewer"),
        is_creator(),
        is_assignee(),
        same("team", "team"),
        always(),
        never(),
        in_category(Category.DRAFT, Category.OPEN, Category.ACTIVE),
        *(performed(action) for action in actions),
        *(in_status(status) for status in statuses),
        *(() if lowerable else functions),
    ]
