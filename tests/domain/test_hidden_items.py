"""What an actor may not read: a denial carries nothing of it (A7, A8)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

import casewright
from casewright import (
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    CaseDefinition,
    Category,
    Lifecycle,
    Priority,
    Task,
    TaskDefinition,
    Transition,
    all_of,
    always,
    any_of,
    has_role,
    in_status,
    is_assignee,
    is_creator,
    performed,
    same,
)
from support.policies import build, random_actor, random_item, random_rule
from support.values import AT, a_case, a_task

CANARY = "kanari"
YEAR = 1987
NUMBER = 918_273_645

# From each status an action of one name leads elsewhere, so that a target or an input would tell the status.
_STATES: Final = {f"{CANARY}-{letter}": Category.ACTIVE for letter in "abc"} | {f"{CANARY}-end": Category.DONE}
_STEPS: Final = [
    *(Transition("touch", status, status) for status in _STATES),
    *(Transition("end", status, f"{CANARY}-end") for status in list(_STATES)[:3]),
    Transition("next", f"{CANARY}-a", f"{CANARY}-b", inputs=[casewright.text("why")]),
    Transition("next", f"{CANARY}-b", f"{CANARY}-c"),
]
_LIFECYCLE: Final = Lifecycle(states=_STATES, initial=f"{CANARY}-a", transitions=_STEPS, version=NUMBER)
_HIDING: Final = AuthorizationPolicy(
    {"read": any_of(is_creator(), is_assignee(), performed("touch"), same("unit", "unit"))}, default=always()
)
TASKS: Final = TaskDefinition("hidden", lifecycle=_LIFECYCLE, authorization=_HIDING)
CASES: Final = CaseDefinition("hidden", lifecycle=_LIFECYCLE, authorization=_HIDING)


def random_canary(rng: random.Random) -> Task | Case:
    """Return an item whose every field holds something that nobody could say by chance."""

    def word(_: object = None) -> str:
        return f"{CANARY}{rng.randrange(10**6)}"

    def moment() -> datetime:
        return datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(500_000))

    status = rng.choice(list(_STATES))
    fields: dict[str, Any] = {
        "id": word(),
        "definition": "hidden",
        "lifecycle_version": NUMBER,
        "status": status,
        "category": _STATES[status],
        "version": NUMBER + rng.randrange(1000),
        "title": word(),
        "description": rng.choice([None, word()]),
        "priority": rng.choice([None, *Priority]),
        "created_by": word(),
        "created_at": moment(),
        "assignee_id": rng.choice([None, word()]),
        "due_at": rng.choice([None, moment()]),
        "closed_at": rng.choice([None, moment()]),
        "deleted_at": rng.choice([None, None, moment()]),
        "tags": [word(), word()],
        "attributes": {word(): word(), "unit": [word(), {word(): NUMBER}]},
        "performers": ["create", word(), "touch", word()],
        "head": word(),
    }
    return (
        a_task(**fields, case_id=rng.choice([None, word()]))
        if rng.random() < 0.5
        else a_case(**fields, open_tasks=NUMBER)
    )


def definition_of(item: Task | Case) -> Any:
    """Return the definition that judges the item."""
    return TASKS if isinstance(item, Task) else CASES


def random_stranger(rng: random.Random) -> Actor:
    """Return somebody who has nothing to do with any item."""
    return Actor("eve", roles=rng.sample(["admin", "clerk", "reviewer"], rng.randint(0, 3)), attributes={"unit": "x"})


ASKED: Final = (
    "touch",
    "next",
    "end",
    "read",
    "edit",
    "assign",
    "claim",
    "release",
    "set_due",
    "tag",
    "correct",
    "delete",
)
GIVEN: Final[tuple[dict[str, object], ...]] = (
    {},
    {"why": " "},
    {"colour": 1},
    {"title": "New"},
    {"status": "x", "reason": "x"},
)


def test_all_that_may_not_be_seen_looks_the_same() -> None:
    """A stranger gets one and the same answer for every action on every item, deleted and foreign ones too (A8)."""
    rng = random.Random(3)
    items = [random_canary(rng) for _ in range(300)]
    items += [attrs.evolve(item, tenant="north") for item in items[:50]]
    answers = {
        definition_of(item).decide(item, action, rng.choice(GIVEN), by=random_stranger(rng), at=AT)
        for item in items
        for action in (*ASKED, "fly")
    }
    (answer,) = answers
    assert [(reason.code, reason.phase) for reason in answer.reasons] == [("not_visible", "permission")]


@pytest.mark.parametrize("kind", [Task, Case])
def test_the_actions_of_what_may_not_be_seen_look_the_same(kind: type[Task] | type[Case]) -> None:
    """`actions` tells a stranger nothing either: no verdict, input or target depends on the hidden item (A7)."""
    rng = random.Random(4)
    items = [item for item in (random_canary(rng) for _ in range(200)) if isinstance(item, kind)]
    listed = {definition_of(item).actions(item, by=random_stranger(rng), at=AT) for item in items}
    assert len(listed) == 1
    for verdict in next(iter(listed)):
        assert (verdict.permitted, [reason.code for reason in verdict.reasons]) == (False, ["not_visible"])


def test_what_may_be_seen_is_not_hidden() -> None:
    """The canaries above are no accident of the questions: whoever may read gets real answers (A7)."""
    rng = random.Random(5)
    for _ in range(100):
        item = random_canary(rng)
        verdict = definition_of(item).decide(item, "touch", {"colour": 1}, by=Actor(item.created_by), at=AT)
        assert not verdict
        assert "not_visible" not in {reason.code for reason in verdict.reasons}


def test_a_refused_creation_repeats_nothing_of_what_was_given() -> None:
    """Whoever may not create gets reasons without a word of the values, which may be another's secret (A7)."""
    closed = TASK.with_rules({"create": all_of(has_role("clerk"), same("unit", "unit"), in_status("done"))})
    verdict = closed.create(
        CANARY, by=Actor("eve"), at=AT, title=CANARY, description=CANARY, tags=[CANARY], attributes={CANARY: CANARY}
    )
    assert not verdict
    assert CANARY not in repr(verdict) + " ".join(map(str, verdict.reasons))


def test_the_reasons_of_any_ready_made_rule_repeat_nothing_of_the_item() -> None:
    """Reasons are made of the rule alone: for one rule they are the same whatever stands in ids and texts (A7)."""
    rng = random.Random(6)
    for _ in range(300):
        policy = AuthorizationPolicy({"act": build(random_rule(rng, functions=False))})
        actor, item = random_actor(rng), random_item(rng)
        other = attrs.evolve(item, id=CANARY, title=CANARY, description=CANARY, tags=[CANARY], head=CANARY)
        assert policy.ruling(actor, "act", item) == policy.ruling(actor, "act", other)
