"""The shipped strategies for what is asked: everything drawn is well formed, and nothing that matters is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casewright import (
    COMMANDS,
    REGULATORY_CASE,
    TASK,
    Case,
    CaseDefinition,
    CaseFilter,
    CommandBus,
    CreateTask,
    InvalidInputError,
    Order,
    Perform,
    Scope,
    TaskDefinition,
    TaskFilter,
)
from casewright.adapters.memory import MemoryStore
from casewright.domain.filters import OrderBy
from casewright.domain.terms import TermKind
from casewright.testing.asking import commands, filters, orders, scopes
from casewright.testing.strategies import definitions, items
from support.buses import ROOT
from support.checks import SLOW_IS_FINE
from support.sources import run_python

Definition = TaskDefinition | CaseDefinition


def drawn(strategy: st.SearchStrategy[Any], *, examples: int = 100) -> list[Any]:
    """Return examples, the same ones in every run."""
    found: list[Any] = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_IS_FINE)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


def met(found: list[Any], questions: dict[str, Callable[[Any], object]]) -> set[str]:
    """Return the questions to which some example answers yes."""
    return {name for name, question in questions.items() if any(question(value) for value in found)}


def test_commands_are_of_every_class() -> None:
    """Among 600 commands for the shipped definitions is each class, `Perform`, new ids, cases, and an id that meets."""
    found = drawn(commands(TASK, case_ids=["c"]) | commands(REGULATORY_CASE), examples=600)
    assert {type(one) for one in found} == set(COMMANDS)
    shapes: dict[str, Callable[[Any], object]] = {
        "a new id": lambda one: isinstance(one, CreateTask) and one.id is None,
        "in a case": lambda one: isinstance(one, CreateTask) and one.case_id == "c",
        "in none": lambda one: isinstance(one, CreateTask) and one.case_id is None,
        "with a status": lambda one: isinstance(one, CreateTask) and one.status is not None,
        "an action by name": lambda one: isinstance(one, Perform) and one.action == "start",
        "a verb by name": lambda one: isinstance(one, Perform) and one.action == "tag",
        "one item": lambda one: getattr(one, "item_id", None) == "item-1",
        "another item": lambda one: getattr(one, "item_id", None) == "item-2",
    }
    assert met(found, shapes) == set(shapes)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(definitions(), st.data())
def test_commands_are_well_formed(definition: Definition, data: st.DataObject) -> None:
    """Whatever a definition declares, a bus judges each command and never finds that it is no question at all."""
    bus = CommandBus(MemoryStore(), [definition])
    several = [data.draw(commands(definition)) for _ in range(5)]
    assert not [answer for answer in bus.execute_many(several, by=ROOT) if isinstance(answer, InvalidInputError)]


def test_commands_get_somewhere() -> None:
    """Of 40 commands at a time on one bus some are done and some are refused."""
    told: Counter[str] = Counter()
    for several in drawn(st.lists(commands(TASK), min_size=40, max_size=40), examples=5):
        bus = CommandBus(MemoryStore(), [TASK])
        for answer in bus.execute_many(several, by=ROOT):
            told[getattr(answer, "code", "done")] += 1
    assert told["done"] > 10
    assert told["refused"] > 10


FILTERS: dict[str, Callable[[Any], object]] = {
    "none": lambda one: one in (TaskFilter(), CaseFilter()),
    "one status": lambda one: one.status is not None and len(one.status) == 1,
    "several statuses": lambda one: one.status is not None and len(one.status) > 1,
    "a category": lambda one: one.category,
    "open": lambda one: one.open is True,
    "closed": lambda one: one.open is False,
    "nobody's": lambda one: one.assignee_id is None,
    "somebody's": lambda one: isinstance(one.assignee_id, str),
    "by somebody": lambda one: isinstance(one.created_by, str),
    "of a definition": lambda one: one.definition,
    "overdue": lambda one: one.overdue_at,
    "in a case": lambda one: getattr(one, "case_id", None) == "case-1",
    "in none": lambda one: getattr(one, "case_id", "") is None,
    "several conditions": lambda one: len(one.terms) > 3,
}


def test_filters_have_every_shape() -> None:
    """Among 300 filters is each condition, each in its ways, and no condition at all; of either kind."""
    found = drawn(filters(TASK) | filters(REGULATORY_CASE), examples=300)
    assert met(found, FILTERS) == set(FILTERS)
    assert {type(one) for one in found} == {TaskFilter, CaseFilter}
    statuses = {status for one in found if type(one) is TaskFilter for status in one.status or ()}
    assert statuses == set(TASK.lifecycle.states)


def test_orders_are_all_there_are() -> None:
    """Each order comes, either way."""
    expected = {Order(by, descending=descending) for by in OrderBy for descending in (False, True)}
    assert set(drawn(orders(), examples=50)) == expected


def test_scopes_have_every_shape() -> None:
    """Among 600 scopes is each kind of term, negated and not, and there are wide, narrow and empty ones."""
    found = drawn(scopes(TASK) | scopes(REGULATORY_CASE), examples=600)
    terms = [term for one in found for terms in one.alternatives for term in terms]
    assert {(term.kind, term.negated) for term in terms} == {(kind, no) for kind in TermKind for no in (False, True)}
    assert {min(len(one.alternatives), 2) for one in found} == {0, 1, 2}
    assert any(() in one.alternatives for one in found)


@pytest.mark.parametrize("definition", [TASK, REGULATORY_CASE], ids=["tasks", "cases"])
def test_filters_and_scopes_part_items(definition: Any) -> None:
    """Some items of the definition are in a scope or pass a filter, and some do not: what is drawn tells apart."""
    answers: Counter[tuple[str, bool]] = Counter()
    for item, where, scope in drawn(st.tuples(items(definition), filters(definition), scopes(definition))):
        assert isinstance(item, Case) is (definition is REGULATORY_CASE)
        answers["filter", where.matches(item)] += 1
        answers["scope", scope.matches(item)] += 1
        assert where.matches(item) is Scope((where.terms,)).matches(item)
    assert min(answers.values()) > 5
    assert len(answers) == 4


def test_without_hypothesis_the_install_line_is_given() -> None:
    """Where Hypothesis is missing, the module says what to install."""
    program = """
import sys
sys.modules["hypothesis"] = None
try:
    import casewright.testing.asking
except ImportError as error:
    print(error)
"""
    assert run_python(program).strip() == (
        'casewright.testing.asking needs Hypothesis: pip install "casewright[testing]"'
    )
