"""Long random work on a bus, against a model of plain dicts: what was decided, what was kept, what left no trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from sqlalchemy import URL

from casewright import (
    REGULATORY_CASE,
    TASK,
    Actor,
    AlreadyExistsError,
    Command,
    Correct,
    CreateTask,
    InvalidInputError,
    NotFoundError,
    OpenCase,
    Outcome,
    RefusedError,
    StaleVersionError,
    Store,
    WorkItem,
)
from casewright.domain.ids import as_tenant
from casewright.testing.driver import Answer
from casewright.testing.machine import LifecycleMachine
from casewright.testing.records import Call
from support import naive
from support.backends import Backend, with_postgres
from support.bus_model import Expected, Model
from support.checks import SLOW_IS_FINE


class ModelMachine(LifecycleMachine):
    """The shipped machine, and beside it the model."""

    make_backend: ClassVar[Sequence[Callable[[Path], Backend]]]  # one, in a list lest it become a method
    folder: ClassVar[Path]
    counted: ClassVar[Counter[str]]

    def make_store(self) -> Store:
        """Return a new store."""
        folder = self.folder / str(self.counted["runs"])
        folder.mkdir()
        self.counted["runs"] += 1
        (make_backend,) = self.make_backend
        self.kept = make_backend(folder)
        self.model = Model()
        return self.kept.store

    @rule(which=st.integers(0, 99), by=st.sampled_from(LifecycleMachine.actors[:1]))
    def crowd(self, *, which: int, by: Actor) -> None:
        """Add a task to some case that is closed, or close one: of themselves random steps do so too rarely."""
        cases = [item for item in self.driver.records.items(by.tenant) if item.kind == "case"]
        closed = [case for case in cases if not case.open]
        command: Command[Any] = OpenCase("The first one", definition=REGULATORY_CASE.name)
        if closed and which % 2:
            command = CreateTask("Too late", case_id=closed[which % len(closed)].id, definition=TASK.name)
        elif cases:
            command = Correct(cases[which % len(cases)].id, "CLOSED", reason="as agreed")
        call = Call(command=command, by=by, at=self.driver.now)
        self.judge(call, self.driver.ask(call))

    def judge(self, call: Call, answer: Answer) -> None:
        """Demand what the model says."""
        self.compare(call, answer, self.model.run(call, made_in(answer)))

    def judge_together(self, calls: Sequence[Call], answers: Sequence[Answer]) -> None:
        """Demand what the model says."""
        expected, late = self.model.run_all(calls, [made_in(answer, place) for place, answer in enumerate(answers)])
        if late:
            (place,) = [place for place, answer in enumerate(answers) if isinstance(answer, AlreadyExistsError)]
            assert place in late
            expected[place] = Expected("exists")
        for call, answer, one in zip(calls, answers, expected, strict=True):
            self.compare(call, answer, one)

    def compare(self, call: Call, answer: Answer, expected: Expected) -> None:
        """Demand the same kind of answer, the same reasons, and the same items."""
        assert kind_of(answer) == expected.kind, (call, answer, expected)
        self.counted.update([expected.kind, f"{call.command.ask().action} {expected.kind}"])
        self.counted.update(code for _, code in expected.codes)
        if expected.kind == "refused":
            assert codes_of(answer) == expected.codes, (call, answer, expected)
        if isinstance(answer, Outcome):
            assert [event.item_id for event in answer.events] == self.model.told(expected, call.by)
            assert all(naive.observed(answer.item) == item for item in expected.moved[:1])

    def judge_reading(self, item_id: str, *, by: Actor, found: WorkItem | None) -> None:
        """Demand that just those see it whom the model lets see it."""
        assert (found is not None) is self.model.may_read(item_id, by)
        self.counted["seen" if found else "unseen"] += 1

    def check(self) -> None:
        """Demand that the items are those of the model, and that no closed case has an open task (L2)."""
        super().check()
        for tenant, world in self.model.worlds.items():
            kept = self.driver.records.items(as_tenant(tenant))
            assert {item.id: naive.observed(item) for item in kept} == world.items
            assert sum(item.version for item in kept) == sum(item["version"] for item in world.items.values())
            closed = {item.id for item in kept if item.kind == "case" and not item.open}
            assert not any(item.open and getattr(item, "case_id", None) in closed for item in kept)

    def teardown(self) -> None:
        """Check all of it once more, and give the store back."""
        self.counted["steps"] += self.steps
        try:
            super().teardown()
        finally:
            self.kept.close()


def made_in(answer: Answer, place: int = 0) -> str:
    """Return the id that the bus has made for a new item or note; one of its own where that cannot be seen."""
    if not isinstance(answer, Outcome) or not answer.events:
        return f"nobody knows {place}"
    event = answer.events[0]
    inputs: Any = event.payload and event.payload.inputs
    return str(inputs["note_id"] if event.action == "add_note" else event.item_id)


def kind_of(answer: Answer) -> str:
    """Return what the model calls such an answer."""
    if isinstance(answer, Outcome):
        return "done" if answer.events else "same"
    if isinstance(answer, RefusedError) and answer.reasons[0].code == "not_together":
        return "not_together"
    kinds = {
        RefusedError: "refused",
        NotFoundError: "not_found",
        StaleVersionError: "stale",
        AlreadyExistsError: "exists",
        InvalidInputError: "invalid",
    }
    return kinds[type(answer)]


def codes_of(answer: Any) -> frozenset[tuple[str, str]]:
    """Return phase and code of each reason; of permissions, which the model knows no codes of, the phase."""
    pairs = [(str(reason.phase), reason.code) for reason in answer.reasons]
    return frozenset((phase, "" if phase == "permission" else code) for phase, code in pairs)


def run(make_backend: Callable[[Path], Backend], folder: Path, *, steps: int, until: set[str]) -> Counter[str]:
    """Run the machine for so many steps, or up to twice as many until it has met all of these; return what it met."""
    counted: Counter[str] = Counter()
    machine = type("Machine", (ModelMachine,), {"make_backend": [make_backend], "folder": folder, "counted": counted})
    limits = settings(max_examples=max(6, steps // 200), deadline=None, suppress_health_check=SLOW_IS_FINE)
    limits = settings(limits, stateful_step_count=100)
    while counted["steps"] < steps or (counted["steps"] < 2 * steps and not until <= set(counted)):
        run_state_machine_as_test(machine, settings=limits)
    return counted


# Hypothesis may shrink a failure for five minutes: its report must not be lost to the limit of every other test.
pytestmark = pytest.mark.timeout(900)

KINDS = {"done", "same", "not_found", "refused", "stale", "exists", "invalid", "not_together", "seen", "unseen"}
CODES = {"wrong_state", "deleted", "open_tasks", "case_closed", "input_missing", "input_blank", "input_unknown"}


@pytest.mark.parametrize(("backend", "steps"), [("memory", 1_000), ("sqlite", 300), ("postgresql", 100)])
def test_a_bus_does_what_the_model_says(backend: str, steps: int, tmp_path: Path, postgres_database: URL) -> None:
    """Over many random steps each answer is the model's, and the store holds what was told and no more (E2, E3, H1)."""
    usual = {"done", "same", "not_found", "refused"}
    make = with_postgres(postgres_database)[backend]
    assert set(run(make, tmp_path, steps=steps, until=usual)) >= usual


@pytest.mark.large
@pytest.mark.parametrize(("backend", "steps"), [("memory", 20_000), ("sqlite", 6_000), ("postgresql", 2_400)])
def test_a_bus_does_what_the_model_says_for_long(
    backend: str, steps: int, tmp_path: Path, postgres_database: URL
) -> None:
    """Over 20,000, 6,000 and 2,400 steps no other answer and no trace is left (E2, E3, L2)."""
    usual = KINDS if backend == "postgresql" else KINDS | CODES
    make = with_postgres(postgres_database)[backend]
    assert set(run(make, tmp_path, steps=steps, until=usual)) >= usual
