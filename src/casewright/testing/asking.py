"""Hypothesis strategies for what is asked of a bus: commands, filters, orders and scopes.

What judges and what is judged is drawn by `casewright.testing.strategies`. Everything drawn is well formed; whether it
is permitted, or finds anything, is for the definition to say. Needs the extra ``testing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

try:
    from hypothesis import strategies as st
except ImportError as _missing:
    _sentence = 'casewright.testing.asking needs Hypothesis: pip install "casewright[testing]"'
    raise ImportError(_sentence, name=_missing.name) from _missing

from casewright.application.commands import values
from casewright.application.commands.base import Command
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.filters import CaseFilter, Order, OrderBy, TaskFilter
from casewright.domain.rules import as_rule
from casewright.domain.terms import EVERYTHING, NOTHING, Scope
from casewright.domain.values import UNSET, Category, Priority
from casewright.testing.pools import IDS
from casewright.testing.requests import command_for, inputs_by_action, new_item
from casewright.testing.strategies import actors, inputs_for, instants, rules

__all__ = ["commands", "filters", "orders", "scopes"]

_ITEMS: Final = ("item-1", "item-2")


@st.composite
def commands(
    draw: st.DrawFn,
    definition: TaskDefinition | CaseDefinition,
    *,
    item_ids: Sequence[str] = _ITEMS,
    case_ids: Sequence[str] = (),
) -> Command[Any]:
    """Return a strategy for commands: to create an item, and all that can be asked of one, with inputs that fit.

    Args:
        draw: Given by Hypothesis.
        definition: Whose actions are asked for; verbs are among them.
        item_ids: The items they are about. Of a few, some meet.
        case_ids: The cases that new tasks may be in.
    """
    asked = inputs_by_action(definition)
    action = draw(st.sampled_from(("create", *asked)))
    item_id = draw(st.sampled_from(item_ids))
    if action == "create":
        return _creating(draw, definition, item_id, case_ids)
    inputs = draw(inputs_for(asked[action]))
    return command_for(item_id, action, inputs=inputs, typed=draw(st.booleans()))


def filters(definition: TaskDefinition | CaseDefinition) -> st.SearchStrategy[TaskFilter | CaseFilter]:
    """Return a strategy for filters: none, one or several conditions, about what items of the definition may be.

    Args:
        definition: The kind of item, its statuses and its name.
    """
    statuses = tuple(dict.fromkeys(status for one in _held(definition) for status in one.states))
    conditions: dict[str, st.SearchStrategy[Any]] = {
        "status": _some(statuses),
        "category": _some(tuple(Category)),
        "open": st.booleans(),
        "assignee_id": st.sampled_from((None, *IDS)),
        "created_by": st.sampled_from(IDS),
        "definition": st.sampled_from((definition.name, "another")),
        "overdue_at": instants(),
    }
    if definition.kind == "case":
        return st.fixed_dictionaries({}, optional=conditions).map(lambda said: CaseFilter(**said))
    conditions["case_id"] = st.sampled_from((None, UNSET, "case-1"))
    return st.fixed_dictionaries({}, optional=conditions).map(lambda said: TaskFilter(**said))


def orders() -> st.SearchStrategy[Order]:
    """Return a strategy for orders of lists."""
    return st.builds(Order, st.sampled_from(OrderBy), descending=st.booleans())


def scopes(definition: TaskDefinition | CaseDefinition) -> st.SearchStrategy[Scope]:
    """Return a strategy for scopes, as filters and rules lower to them, and what is in both, in either, or in neither.

    Args:
        definition: What filters and rules speak of.
    """
    held = _held(definition)
    actions = tuple(dict.fromkeys(action for one in held for action in one.actions))
    statuses = tuple(dict.fromkeys(status for one in held for status in one.states))
    asked = filters(definition).map(lambda where: Scope((where.terms,)))
    granted = st.builds(
        lambda rule, by: as_rule(rule, "rule").granting(by), rules(actions, statuses, lowerable=True), actors()
    )
    plain = st.one_of(asked, granted, st.sampled_from((EVERYTHING, NOTHING)))
    return st.one_of(
        asked,
        granted,
        st.builds(Scope.__or__, plain, plain),
        st.builds(Scope.__and__, plain, plain),
        plain.map(Scope.__invert__),
    )


def _held(definition: TaskDefinition | CaseDefinition) -> tuple[Any, ...]:
    return (definition.lifecycle, *definition.earlier)


def _some(choices: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One by itself, or a list of several."""
    return st.sampled_from(choices) | st.lists(st.sampled_from(choices), min_size=1, max_size=3)


def _creating(
    draw: st.DrawFn, definition: TaskDefinition | CaseDefinition, item_id: str, case_ids: Sequence[str]
) -> Command[Any]:
    said: dict[str, st.SearchStrategy[Any]] = {
        "description": st.sampled_from(("", "Some words")),
        "priority": st.sampled_from(Priority),
        "assignee_id": st.sampled_from(IDS),
        "due_at": instants(),
        "tags": st.lists(st.sampled_from(("frozen", "a", "b", "Ö")), max_size=3),
        "status": st.sampled_from(tuple(definition.lifecycle.states)),
        "reason": st.just("as agreed"),
    }
    fields = draw(st.fixed_dictionaries({"title": st.sampled_from(("A title", " Ärger 終 "))}, optional=said))
    if definition.fields is not None:
        fields["attributes"] = values.inputs(draw(inputs_for(definition.fields)))
    case_id = draw(st.sampled_from((None, *case_ids)))
    return new_item(definition, fields, item_id=draw(st.sampled_from((None, item_id))), case_id=case_id)
