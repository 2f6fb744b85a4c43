"""The shipped machine: any store and any definitions can be tried with it, and a store with a bug does not pass."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from casewright import REGULATORY_CASE, TASK, Actor, MisuseError, Outcome, Store, choice, guard, instant, integer
from casewright.adapters.memory import MemoryStore
from casewright.testing.driver import Answer
from casewright.testing.machine import LifecycleMachine
from casewright.testing.records import Call
from casewright.testing.strategies import actors, case_definitions, task_definitions
from own_adapter.jsonl_store import JsonLinesStore
from support import misreaders, miswriters
from support.checks import SLOW_IS_FINE
from support.sabotage import sabotaged
from support.watched_store import WatchedStore


def run(make_store: Callable[[], Store], *, examples: int, **more: Any) -> None:
    """Run the machine, the same way each time and without making a failure smaller."""
    machine = type("Machine", (LifecycleMachine,), {"make_store": lambda self: make_store(), **more})
    limits = settings(max_examples=examples, stateful_step_count=100, deadline=None, suppress_health_check=SLOW_IS_FINE)
    limits = settings(limits, phases=[Phase.generate], derandomize=True, database=None)
    run_state_machine_as_test(machine, settings=limits)


def test_a_derived_class_must_say_which_store() -> None:
    """Without `make_store` the machine tells what is missing, and with one that gives no store what is wrong."""
    with pytest.raises(MisuseError, match="LifecycleMachine has no make_store"):
        LifecycleMachine()
    with pytest.raises(MisuseError, match=r"Machine\.make_store gave a NoneType, which is no store"):
        type("Machine", (LifecycleMachine,), {"make_store": lambda self: None})()


WRONG: dict[str, tuple[str, Any, str]] = {
    "one definition": ("definitions", TASK, "no tuple of TaskDefinition or CaseDefinition"),
    "no definition": ("definitions", (), "no tuple of TaskDefinition or CaseDefinition"),
    "a lifecycle": ("definitions", [TASK.lifecycle], "no tuple of TaskDefinition or CaseDefinition"),
    "a generator": ("definitions", (one for one in (TASK,)), "no tuple of TaskDefinition or CaseDefinition"),
    "two of one name": ("definitions", (TASK, TASK), "two of one name"),
    "one actor": ("actors", Actor("ann"), "no tuple of Actor"),
    "no actor": ("actors", [], "no tuple of Actor"),
    "names": ("actors", ("ann", "ben"), "no tuple of Actor"),
    "values in place of functions": ("facts", {"paid": True}, "no mapping of names to functions"),
    "pairs": ("facts", [("paid", lambda uow, item: True)], "no mapping of names to functions"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_class_attribute_that_is_wrong_is_named(what: str) -> None:
    """What a derived class cannot mean is told at once, with the name of the class and of the attribute."""
    name, value, problem = WRONG[what]
    machine = type("MyMachine", (LifecycleMachine,), {"make_store": lambda self: MemoryStore(), name: value})
    with pytest.raises(MisuseError, match=rf"^MyMachine\.{name} .*{problem}"):
        machine()


def test_a_store_is_tried_in_three_lines() -> None:
    """A derived class has a ``TestCase`` that unittest and pytest run."""

    class MyMachine(LifecycleMachine):
        def make_store(self) -> Store:
            return MemoryStore()

    case: Any = MyMachine.TestCase
    case.settings = settings(max_examples=2, deadline=None)
    result = unittest.TestResult()
    case("runTest").run(result)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


def test_a_sound_store_passes() -> None:
    """The machine finds no fault in a store without a bug."""
    run(MemoryStore, examples=8)


def test_definitions_with_typed_attributes_and_facts_are_tried() -> None:
    """Items get the attributes that their definition declares, and guards the facts that the machine is given."""
    fields = [integer("amount"), choice("size", ["small", "large"]), instant("until", optional=True)]
    paid = guard(lambda item, inputs, facts, at: facts["paid"] is True, code="unpaid", text="pay first", facts=["paid"])
    definition = attrs.evolve(TASK, fields=fields).with_guards({"start": paid})
    told: Counter[str] = Counter()

    def judge(machine: LifecycleMachine, call: Call, answer: Answer) -> None:
        if isinstance(answer, Outcome) and answer.events and answer.item.kind == "task":
            told[answer.events[0].action] += 1
            assert answer.item.attributes["size"] in ("small", "large")

    facts = {"paid": lambda uow, item: True}
    run(MemoryStore, examples=12, definitions=(definition, REGULATORY_CASE), facts=facts, judge=judge)
    assert told["create"] > 4
    assert told["start"] > 0


def test_a_store_in_a_file_passes(tmp_path: Path) -> None:
    """Any store can be tried, also one that is not in memory: each run is given a new one (E2, E3, H1)."""
    numbers = count()
    run(lambda: JsonLinesStore(tmp_path / f"{next(numbers)}.jsonl"), examples=2)


def test_a_store_of_the_core_contract_alone_is_tried() -> None:
    """Where units neither list nor show the outbox, the machine tries the rest."""
    run(lambda: WatchedStore(MemoryStore()), examples=5)


def test_what_is_not_published_has_no_pointer() -> None:
    """Of a definition that publishes only creations, nothing else waits in the outbox (O1); if so, it is seen."""
    definitions = (attrs.evolve(TASK, published=["create"]), REGULATORY_CASE)
    run(MemoryStore, examples=2, definitions=definitions)
    with pytest.raises(AssertionError, match="the outbox is not what was told"):
        run(sabotaged(miswriters.PublishesAll), examples=20, definitions=definitions)


def drawn(strategy: st.SearchStrategy[Any], examples: int) -> list[Any]:
    """Return examples, the same ones in every run."""
    found: list[Any] = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_IS_FINE)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@pytest.mark.large
def test_definitions_nobody_wrote_are_tried() -> None:
    """Whatever a definition says, what a bus has told is what the store holds (E2, E3, H1, H2)."""
    several = st.lists(actors(tenants=("", "elsewhere")), min_size=6, max_size=6)
    for task, case, people in drawn(st.tuples(task_definitions(), case_definitions(), several), 30):
        run(MemoryStore, examples=2, definitions=(task, case), actors=people)


QUICKLY_CAUGHT = (miswriters.ForgetsThePointer, miswriters.KeepsHalf)
CAUGHT = (
    *(miswriters.ForgetsTheEvent, miswriters.ForgetsTheNote, miswriters.PublishesFirst, miswriters.WritesAtOnce),
    *(miswriters.NeverCompares, miswriters.CommitsInTheEnd, miswriters.LosesMicroseconds, miswriters.MixesTrueWithOne),
    *(miswriters.ForgetsTheDeleted, misreaders.HidesTheDeleted, misreaders.GoesBack, misreaders.RemembersItems),
    *(misreaders.ShowsOtherTenants, misreaders.FoldsTheCase, misreaders.LimitsFirst),
    *(misreaders.ListsOtherTenants, misreaders.ListsTheDeleted, misreaders.FiltersAfterPaging, misreaders.IgnoresTies),
)


@pytest.mark.parametrize(
    "saboteur",
    [*QUICKLY_CAUGHT, *(pytest.param(one, marks=pytest.mark.large) for one in CAUGHT)],
    ids=lambda saboteur: saboteur.__name__,
)
def test_a_planted_bug_is_caught(saboteur: Any) -> None:
    """The machine goes red on a store that forgets, mixes up, hides or shows too much."""
    with pytest.raises(AssertionError):
        run(sabotaged(saboteur), examples=500)  # rarely that many: the first find ends it


def test_without_hypothesis_the_install_line_is_given() -> None:
    """Where Hypothesis is missing, the machine says what to install, and what it is made of still imports."""
    program = """
import sys
sys.modules["hypothesis"] = None
import casewright.testing.driver, casewright.testing.requests
try:
    import casewright.testing.machine
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'pip install "casewright[testing]"' in done.stdout
