"""A team's own rules, and names that do not exist: checked by mypy and pyright, never run."""

# Both checkers report an ignore comment that nothing needs: so each one proves that the line is an error.
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import casewright
from casewright import (
    GRANT,
    TASK,
    Actor,
    AuthorizationPolicy,
    Case,
    Rule,
    Ruling,
    Task,
    WorkItem,
    any_of,
    is_creator,
    no,
    predicate,
    veto,
)


def lonely(actor: Actor, task: Task) -> Ruling:
    """A rule on tasks looks at what only tasks have."""
    return GRANT if task.case_id is None else no("only tasks without a case")


def idle(actor: Actor, case: Case) -> Ruling:
    """A rule on cases looks at what only cases have."""
    return veto("it has open tasks") if case.open_tasks else GRANT


def titled(actor: Actor, item: WorkItem) -> bool:
    """A predicate on either kind."""
    return item.title.isupper()


def of_a_case(actor: Actor, case: Case) -> bool:
    """A predicate on cases."""
    return case.open_tasks == 0


class ByUnit:
    """A rule may be an object with data of its own."""

    def __init__(self, unit: str) -> None:
        """Remember the unit."""
        self.unit = unit

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        """Compare it."""
        return GRANT if actor.attributes.get("unit") == self.unit else no()


rules: dict[str, Rule] = {
    "start": lonely,
    "close": idle,
    "stop": any_of(lonely, is_creator(), ByUnit("north")),
    "rename": predicate(titled, code="shouting", text="write it in capitals"),
    "archive": predicate(of_a_case, code="idle", text="finish the tasks first"),
}
policy = AuthorizationPolicy(rules)
same_policy = AuthorizationPolicy({"start": lonely, "close": idle})
stricter = TASK.with_rules({"start": lonely, "cancel": any_of(is_creator(), lonely)})

# A rule that answers a bool is no rule; the predicate above is how it becomes one.
wrong = AuthorizationPolicy({"start": titled})  # type: ignore[dict-item]  # the point of this line

# The facade is lazy, and a misspelt name is an error all the same.
misspelt = casewright.Taks  # type: ignore[attr-defined]  # the point of this line
