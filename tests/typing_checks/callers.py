"""What callers may pass: own enums, lists, dicts, plain text for ids. Checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import assert_type

from casewright import (
    Actor,
    ActorId,
    AuthorizationPolicy,
    CaseDefinition,
    Category,
    FrozenMapping,
    JsonValue,
    Lifecycle,
    Rule,
    Scope,
    Task,
    TaskDefinition,
    Transition,
    all_of,
    always,
    any_of,
    choice,
    copy_input,
    forbid,
    guard,
    has_role,
    in_status,
    is_assignee,
    no_open_tasks,
    performed,
    set_value,
    text,
)

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Status(StrEnum):
    """A team's own statuses."""

    NEW = "new"
    OLD = "old"


class Role(StrEnum):
    """A team's own roles."""

    CLERK = "clerk"
    JUDGE = "judge"


class Act(StrEnum):
    """A team's own actions."""

    AGE = "age"


# Kept in variables on purpose: a literal in a call would be given the type that the call asks for.
own_roles = [Role.CLERK, Role.JUDGE]
plain_roles = {"clerk"}
own_attributes = {"unit": "north", "grade": 3}
nested_attributes: dict[str, object] = {"list": [1, None, {"a": True}]}
own_states = {Status.NEW: Category.OPEN, Status.OLD: Category.DONE}
plain_states = {"new": Category.OPEN, "old": Category.DONE}
own_tags = ["blue", "red"]
own_rules = {"read": always(), "create": has_role(Role.CLERK), "age": is_assignee()}
rules_by_act = {Act.AGE: always()}
guards_by_act = {Act.AGE: no_open_tasks()}


def actors() -> None:
    """Ids are plain text, roles come in any collection, attributes in a dict."""
    assert_type(Actor("ann").id, ActorId)
    assert_type(Actor("ann", roles=own_roles).roles, frozenset[str])
    Actor("ann", roles=plain_roles, attributes=own_attributes, tenant="north", on_behalf_of="bob")
    Actor("ann", roles=("clerk", Role.JUDGE), attributes=nested_attributes)
    assert_type(Actor("ann", attributes=own_attributes).attributes, FrozenMapping[JsonValue])


def lifecycles() -> Lifecycle:
    """States and statuses are a team's own enum or plain text, alone or in any collection."""
    age = Transition(
        Act.AGE,
        [Status.NEW],
        Status.OLD,
        inputs=[text("reason"), choice("mood", Status, optional=True)],
        guards=[no_open_tasks()],
        effects=[copy_input("reason", to="description"), set_value("priority", "low")],
    )
    Lifecycle(states=plain_states, initial="new", transitions=[Transition("age", "new", "old")])
    Lifecycle(states=own_states, initial={Status.NEW}, transitions=(age,), legacy=["gone"], administrative=Status.OLD)
    return Lifecycle(states=own_states, initial=Status.NEW, transitions=[age])


def no_rain(task: Task, inputs: object, facts: object, at: datetime) -> bool:
    """A guard on the kind of item it is written for."""
    return task.case_id is None


def definitions() -> None:
    """Rules, guards and transitions are given as dicts and lists, keyed by text or by a team's own enum."""
    policy = AuthorizationPolicy(own_rules, default=any_of(in_status(Status.NEW), has_role(Role.JUDGE)))
    letters = TaskDefinition("letter", lifecycle=lifecycles(), authorization=policy, guards=guards_by_act)
    assert_type(letters.with_rules(rules_by_act), TaskDefinition)
    assert_type(
        letters.with_guards({Act.AGE: [guard(no_rain, code="rain", text="wait", facts=["rain"])]}), TaskDefinition
    )
    files = CaseDefinition("file", lifecycle=lifecycles(), authorization=AuthorizationPolicy(own_rules))
    assert_type(files.with_guards({"age": no_open_tasks()}), CaseDefinition)
    assert_type(files.scope(Actor("ann")), Scope)
    files.with_transitions(Transition("renew", Status.OLD, Status.NEW), rules={"renew": always()}, states=own_states)
    stricter = all_of(files.authorization.rules["age"], forbid(performed(Act.AGE)))
    checked: Rule = stricter
    assert_type(files.with_rules({"age": checked}), CaseDefinition)
