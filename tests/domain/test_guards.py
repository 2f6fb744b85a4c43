"""Guards: what must hold of the item, the inputs and the facts, whoever asks; they fail closed as rules do."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import pytest

import casewright
from casewright import (
    REGULATORY_CASE,
    TASK,
    ActionVerdict,
    Actor,
    Category,
    Guard,
    InvalidInputError,
    Phase,
    Reason,
    TaskDefinition,
    Transition,
    guard,
    no_open_tasks,
    text,
)
from support.values import AT, a_case, a_task

ANN = Actor("ann", roles=["admin"])
BLOCKING = a_task(status="in_progress", category=Category.ACTIVE)


def guarded(*guards: Guard, action: str = "start") -> TaskDefinition:
    """Return the shipped task with guards on one action."""
    return TASK.with_guards({action: guards})


def start(definition: TaskDefinition, facts: Mapping[str, object] | None = None) -> tuple[Reason, ...]:
    """Return why a todo task cannot be started; nothing if it can."""
    verdict = definition.decide(a_task(), "start", by=ANN, at=AT, facts=facts)
    return () if verdict else verdict.reasons


def listed(
    definition: TaskDefinition, action: str, item: Any, facts: Mapping[str, object] | None = None
) -> ActionVerdict:
    """Return what `actions` says of one action."""
    return next(one for one in definition.actions(item, by=ANN, at=AT, facts=facts) if one.action == action)


class Spy:
    """A guard's function that remembers with what it was called."""

    def __init__(self, answer: object = True) -> None:
        """Answer this every time."""
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, item: Any, inputs: Mapping[str, Any], facts: Mapping[str, Any], at: datetime) -> bool:
        """Remember, and answer."""
        self.calls.append((item, dict(inputs), dict(facts), at))
        return cast("bool", self.answer)


def test_a_guard_that_answers_true_passes_and_false_refuses() -> None:
    """True lets the action through, False refuses with the code and the sentence of the guard."""
    assert start(guarded(guard(Spy(True), code="tired", text="sleep first"))) == ()
    assert start(guarded(guard(Spy(False), code="tired", text="sleep first"))) == (
        Reason("tired", Phase.GUARD, "sleep first"),
    )


class Impostor:
    """Fails whatever it is asked for."""

    def __getattribute__(self, name: str) -> Any:
        """Fail on everything that is looked up, also by `isinstance`."""
        raise ValueError(name)


async def asynchronous(item: Any, inputs: Any, facts: Any, at: Any) -> bool:
    """Answer a coroutine where a bool is needed."""
    return True


def suspended(*arguments: object) -> Any:
    """Answer a coroutine that is half done and fails when it is closed."""

    async def stubborn() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            raise ValueError("not closed")

    coroutine = stubborn()
    coroutine.send(None)
    return coroutine


def generator(*arguments: object) -> Iterator[bool]:
    """Answer a generator where a bool is needed."""
    yield True


def answering(answer: object) -> Callable[..., Any]:
    """Return a function that answers this."""
    return lambda *arguments: answer


def raising(failure: BaseException) -> Callable[..., Any]:
    """Return a function that raises this."""

    def fail(*arguments: object) -> bool:
        raise failure

    return fail


def endless(*arguments: object) -> bool:
    """Call itself for ever."""
    return endless(*arguments)


BAD: dict[str, Callable[..., Any]] = {
    "None": answering(None),
    "1": answering(1),
    "0": answering(0),
    "text": answering("yes"),
    "empty text": answering(""),
    "tuple": answering((True,)),
    "list": answering([]),
    "reason": answering(Reason("x", Phase.GUARD, "x")),
    "ruling": answering(casewright.GRANT),
    "NotImplemented": answering(NotImplemented),
    "impostor": answering(Impostor()),
    "coroutine": asynchronous,
    "half-done coroutine": suspended,
    "generator": generator,
    "endless recursion": endless,
    "too few parameters": lambda item: True,
    "ValueError": raising(ValueError("secret-detail")),
    "KeyError": raising(KeyError("secret-detail")),
    "AssertionError": raising(AssertionError("secret-detail")),
    "RecursionError": raising(RecursionError("secret-detail")),
    "StopIteration": raising(StopIteration("secret-detail")),
    "our own error": raising(InvalidInputError("secret-detail", "secret-detail")),
}


@pytest.mark.parametrize("function", BAD.values(), ids=BAD)
def test_a_guard_that_answers_no_bool_or_raises_refuses(function: Callable[..., Any]) -> None:
    """Anything but True and False is guard_error that names the guard, and tells nothing of what went wrong (A5)."""
    bad = guard(function, code="odd", text="must be odd")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (reason,) = start(guarded(bad))
        created = guarded(bad, action="create").create("new", by=ANN, at=AT, title="x")
        verdict = listed(guarded(bad), "start", a_task())
        gc.collect(1)  # what was made just now; all that the whole suite has made would take seconds
    assert (reason.code, reason.phase, reason.params["guard"]) == ("guard_error", Phase.GUARD, repr(bad))
    assert str(reason.params["failure"]).split()[0] in {"raised", "answered"}
    assert "secret-detail" not in repr(reason)
    assert not created
    assert [one.code for one in created.reasons] == ["guard_error"]
    assert verdict.reasons == (reason,)
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_an_interrupt_passes_through_a_guard(stop: type[BaseException]) -> None:
    """What is no Exception is no answer: it reaches the caller as the very object that was raised (T4)."""
    raised = stop()
    with pytest.raises(stop) as caught:
        start(guarded(guard(raising(raised), code="x", text="x")))
    assert caught.value is raised


def test_every_guard_is_asked_and_every_reason_given() -> None:
    """A person learns of all guards that refuse, in order, also when an earlier one failed (A7)."""
    parts = [
        guard(answering(answer), code=f"g{place}", text="x") for place, answer in enumerate([False, None, True, False])
    ]
    assert [reason.code for reason in start(guarded(*parts))] == ["g0", "guard_error", "g3"]


def test_a_guard_given_twice_refuses_once() -> None:
    """The same reason is told once, however often its guard stands there."""
    twice = guard(Spy(False), code="tired", text="x")
    assert len(start(guarded(twice, twice))) == 1


def test_a_missing_fact_refuses_without_a_call() -> None:
    """What a guard needs and nobody found out is fact_missing, by name, and the function is not run."""
    spy = Spy()
    needy = guard(spy, code="busy", text="x", facts=["load"])
    for facts in (None, {}, {"lode": 1}):
        (reason,) = start(guarded(needy), facts)
        assert (reason.code, reason.phase) == ("fact_missing", Phase.GUARD)
        assert (reason.params["guard"], reason.params["fact"]) == (repr(needy), "load")
    assert spy.calls == []
    assert start(guarded(needy), {"load": None}) == ()
    assert len(spy.calls) == 1


def test_without_permission_no_guard_is_run() -> None:
    """Guards are asked last: not of who may not do or see it, nor of what was deleted (A8)."""
    spy = Spy(False)
    definition = guarded(guard(spy, code="x", text="x"))
    for actor, item in (
        (Actor("eve"), a_task()),
        (Actor("ann", tenant="south"), a_task()),
        (ANN, a_task(deleted_at=AT)),
    ):
        assert not definition.decide(item, "start", by=actor, at=AT)
        definition.actions(item, by=actor, at=AT)
    assert spy.calls == []


def test_a_guard_that_reads_inputs_is_left_out_of_the_list_of_actions() -> None:
    """`actions` knows no inputs yet: it asks only guards that read none, and never counts inputs as missing."""
    reads, plain = Spy(False), Spy(False)
    reading = guard(reads, code="reads", text="x", inputs=["reason"])
    verdict = listed(guarded(reading, action="block"), "block", BLOCKING)
    assert (verdict.permitted, verdict.reasons, reads.calls) == (True, (), [])
    assert [spec.name for spec in verdict.inputs] == ["reason"]
    verdict = listed(guarded(reading, guard(plain, code="plain", text="x"), action="block"), "block", BLOCKING)
    assert (verdict.permitted, [reason.code for reason in verdict.reasons]) == (False, ["plain"])
    assert (reads.calls, [inputs for _, inputs, _, _ in plain.calls]) == ([], [{}])


@pytest.mark.parametrize("inputs", [{}, {"reason": "  "}, {"reason": "rain", "extra": 1}], ids=repr)
def test_a_guard_that_reads_inputs_is_not_run_while_they_are_wrong(inputs: dict[str, object]) -> None:
    """Missing, blank or unknown inputs are told first; a guard that reads none is asked all the same."""
    reads = Spy(False)
    guards = [guard(reads, code="reads", text="x", inputs=["reason"]), guard(Spy(False), code="plain", text="x")]
    verdict = guarded(*guards, action="block").decide(BLOCKING, "block", inputs, by=ANN, at=AT)
    assert not verdict
    assert [reason.phase for reason in verdict.reasons] == [Phase.INPUT, Phase.GUARD]
    assert verdict.reasons[-1].code == "plain"
    assert reads.calls == []


def test_a_guard_of_a_transition_and_of_the_definition_are_both_asked() -> None:
    """guards= of a definition stand beside those of the transition; with_guards only ever adds."""
    early = guard(Spy(False), code="early", text="x")
    step = Transition("skip", "todo", "done", guards=[early], inputs=[text("why")])
    late = guard(Spy(False), code="late", text="x", inputs=["why"])
    definition = TASK.with_transitions(step, rules={"skip": casewright.always()}).with_guards({"skip": late})
    verdict = definition.with_guards({"skip": late}).decide(a_task(), "skip", {"why": "no need"}, by=ANN, at=AT)
    assert not verdict
    assert [reason.code for reason in verdict.reasons] == ["early", "late"]


NONSENSE: dict[str, Callable[[], Guard]] = {
    "no function": lambda: guard(cast("Any", True), code="x", text="x"),
    "empty code": lambda: guard(Spy(), code="", text="x"),
    "code of two lines": lambda: guard(Spy(), code="a\nb", text="x"),
    "text None": lambda: guard(Spy(), code="x", text=cast("str", None)),
    "inputs as one text": lambda: guard(Spy(), code="x", text="x", inputs="reason"),
    "facts as one text": lambda: guard(Spy(), code="x", text="x", facts="load"),
    "fact without a name": lambda: guard(Spy(), code="x", text="x", facts=[" "]),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE)
def test_a_guard_of_nonsense_cannot_be_made(make: Callable[[], Guard]) -> None:
    """A wrong argument is refused where the guard is written, not when somebody asks (E4)."""
    with pytest.raises(InvalidInputError):
        make()


def test_a_guard_is_shown_by_its_code_and_text() -> None:
    """The repr of a guard reads as a sentence, in double quotes."""
    assert repr(guard(Spy(), code="tired", text='say "sleep"')) == r'guard("tired": "say \"sleep\"")'
    assert repr(no_open_tasks()) == "no_open_tasks()"


@pytest.mark.parametrize("open_tasks", [0, 1, 2, 50])
def test_no_case_enters_a_closed_category_with_open_tasks(open_tasks: int) -> None:
    """From every status, by every action, a closed category is entered with no open task only (L2)."""
    states = REGULATORY_CASE.lifecycle.states
    for status, category in states.items():
        case = a_case(status=status, category=category, open_tasks=open_tasks)
        questions: list[tuple[str, Mapping[str, object], str]] = [
            ("correct", {"status": str(target), "reason": "x"}, str(target)) for target in states
        ]
        questions += [
            (step.action, {spec.name: "x" for spec in step.inputs}, step.target)
            for step in REGULATORY_CASE.lifecycle.transitions
            if status in step.sources
        ]
        for action, inputs, target in questions:
            verdict = REGULATORY_CASE.decide(case, action, inputs, by=ANN, at=AT)
            closes = states[target].closed and not category.closed
            assert verdict.permitted is not (closes and open_tasks > 0)
            if not verdict:
                (reason,) = verdict.reasons
                assert (reason.code, reason.phase, dict(reason.params)) == (
                    "open_tasks",
                    Phase.GUARD,
                    {"open_tasks": open_tasks},
                )
                assert str(open_tasks) in reason.text


def test_a_task_passes_the_guard_on_open_tasks() -> None:
    """no_open_tasks() speaks of cases; a task has none and passes."""
    assert start(guarded(no_open_tasks())) == ()
    definition = guarded(no_open_tasks(), action="complete")
    assert definition.decide(a_task(), "complete", by=ANN, at=AT).permitted
