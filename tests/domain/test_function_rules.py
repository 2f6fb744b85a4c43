"""Functions of a team's own as rules: whatever they do, a ruling comes out, and they fail closed."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, cast

import attrs
import pytest

import casewright
from casewright import (
    GRANT,
    Actor,
    AuthorizationPolicy,
    DefinitionError,
    Phase,
    Reason,
    Rule,
    Ruling,
    WorkItem,
    always,
    any_of,
    no,
    predicate,
    veto,
)
from support.values import AT, a_task

ANN = Actor("ann", roles=["clerk"])
TASK = a_task()


def ask(rule: Rule, actor: Actor = ANN, item: WorkItem = TASK) -> Ruling:
    """Return what a policy that holds just this rule answers."""
    return AuthorizationPolicy({"act": rule}).ruling(actor, "act", item)


def named(ruling: Ruling) -> list[tuple[str, object]]:
    """Return the code of each reason, with the rule that it names."""
    return [(reason.code, reason.params["rule"]) for reason in ruling.reasons]


def says_no(actor: Actor, item: WorkItem) -> Ruling:
    """Answer no, without a reason."""
    return no()


async def asynchronous(actor: Any, item: Any, *more: Any) -> Ruling:
    """Answer a coroutine where a ruling is needed."""
    return GRANT


def generator(actor: Any, item: Any) -> Iterator[Ruling]:
    """Answer a generator where a ruling is needed."""
    yield GRANT


class Impostor:
    """Fails whatever it is asked for."""

    def __getattribute__(self, name: str) -> Any:
        """Fail on everything that is looked up, also by `isinstance`."""
        raise ValueError(name)

    def __bool__(self) -> bool:
        """Fail where it is taken as a bool."""
        raise ValueError("no bool")


def garbage(kind: object, reasons: object) -> Ruling:
    """Return a ruling with something wrong in it."""
    return Ruling(cast("Any", kind), cast("Any", reasons))


def odd_reason(code: object, text: object, params: object = None) -> Reason:
    """Return a reason with something wrong in it."""
    return Reason(cast("Any", code), Phase.PERMISSION, cast("Any", text), cast("Any", {} if params is None else params))


NO = no("x").kind
NO_RULINGS: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "1": lambda: 1,
    "text": lambda: "grant",
    "tuple": lambda: (GRANT,),
    "kind": lambda: GRANT.kind,
    "class": lambda: Ruling,
    "reason": lambda: Reason("x", Phase.PERMISSION, "x"),
    "NotImplemented": lambda: NotImplemented,
    "impostor": Impostor,
    "ruling of text": lambda: garbage("grant", ()),
    "ruling of True": lambda: garbage(True, ()),
    "ruling of None": lambda: garbage(None, ()),
    "reasons None": lambda: garbage(NO, None),
    "reasons list": lambda: garbage(NO, []),
    "reasons text": lambda: garbage(NO, "no"),
    "reasons of text": lambda: garbage(NO, ("no",)),
    "reasons of None": lambda: garbage(NO, (None,)),
    "reason of another phase": lambda: garbage(NO, (Reason("x", Phase.GUARD, "x"),)),
    "reason without code": lambda: garbage(NO, (odd_reason(None, "x"),)),
    "reason without text": lambda: garbage(NO, (odd_reason("x", None),)),
    "reason with mutable params": lambda: garbage(NO, (odd_reason("x", "x", {"a": object()}),)),
}
WRAPPERS: dict[str, Callable[[Rule], Rule]] = {
    "alone": lambda rule: rule,
    "any_of": lambda rule: any_of(always(), rule),
    "all_of": lambda rule: casewright.all_of(rule, says_no),
    "not_": casewright.not_,
    "forbid": lambda rule: casewright.all_of(always(), casewright.forbid(rule)),
}


@pytest.mark.parametrize("answer", NO_RULINGS.values(), ids=NO_RULINGS)
def test_what_is_no_ruling_forbids(answer: Callable[[], object]) -> None:
    """A rule that answers anything but a sound ruling is a veto that names the rule, wherever it stands (A1)."""

    def odd(actor: Actor, item: WorkItem) -> Any:
        return answer()

    odd.__qualname__ = "odd"
    for where, wrap in WRAPPERS.items():
        ruling = ask(wrap(odd))
        assert ruling.kind == "veto", where
        assert named(ruling) == [("rule_error", "odd")], where
        assert hash(ruling) == hash(attrs.evolve(ruling)), where


@pytest.mark.parametrize("answer", [None, 0, 1, "", "yes", (), GRANT, no(), [True]], ids=repr)
def test_a_predicate_that_answers_no_bool_forbids(answer: object) -> None:
    """A predicate must answer True or False itself: what is merely true or false is a veto that names it (A1)."""
    rule = predicate(lambda actor, item: cast("bool", answer), code="odd", text="must be odd")
    for where, wrap in WRAPPERS.items():
        ruling = ask(wrap(rule))
        assert ruling.kind == "veto", where
        assert named(ruling) == [("rule_error", repr(rule))], where
        assert ruling.reasons[0].params["failure"] == f"answered {type(answer).__name__}", where


def test_a_predicate_grants_on_true_and_gives_its_reason_on_false() -> None:
    """A predicate's False is a plain no with the code and the sentence it was made with."""
    rule = predicate(lambda actor, item: actor.id == item.created_by, code="odd", text="must be odd")
    assert ask(rule, Actor("ann")) is GRANT
    ruling = ask(rule, Actor("bob"))
    assert ruling == Ruling(NO, (Reason("odd", Phase.PERMISSION, "must be odd", {"rule": repr(rule)}),))


FAILURES = [ValueError, KeyError, AttributeError, AssertionError, RecursionError, MemoryError, StopIteration, Warning]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_rule_that_raises_forbids(failure: type[Exception]) -> None:
    """Whatever a rule or a predicate raises, the answer is a veto that names it, and of the error the type (A5)."""

    def fails(actor: Actor, item: WorkItem) -> Any:
        raise failure("secret-detail")

    fails.__qualname__ = "fails"
    rules: dict[str, Rule] = {"fails": fails, 'predicate(fails, code="x")': predicate(fails, code="x", text="x")}
    for (name, rule), (where, wrap) in product(rules.items(), WRAPPERS.items()):
        ruling = ask(wrap(rule))
        assert ruling.kind == "veto", where
        assert named(ruling) == [("rule_error", name)], where
        assert ruling.reasons[0].params["failure"] == f"raised {failure.__name__}", where
        assert "secret-detail" not in repr(ruling), where


def test_an_endless_recursion_in_a_rule_forbids() -> None:
    """A rule that calls itself for ever ends in a veto that names it, not in a crash (A5)."""

    def endless(actor: Actor, item: WorkItem) -> Ruling:
        return endless(actor, item)

    assert [code for code, _ in named(ask(endless))] == ["rule_error"]
    assert [code for code, _ in named(ask(any_of(always(), endless)))] == ["rule_error"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_an_interrupt_passes_through_a_rule(stop: type[BaseException]) -> None:
    """What is no Exception is no answer: it reaches the caller as the very object that was raised (T4)."""
    raised = stop()

    def interrupted(actor: Actor, item: WorkItem) -> Any:
        raise raised

    for rule in (interrupted, predicate(interrupted, code="x", text="x"), any_of(always(), interrupted)):
        with pytest.raises(stop) as caught:
            ask(rule)
        assert caught.value is raised


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_an_asynchronous_rule_forbids_without_a_warning(wrap: Callable[[Rule], Rule]) -> None:
    """A coroutine is no ruling, and it is closed: nobody reads 'coroutine was never awaited' later (A1)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rulings = [
            ask(wrap(cast("Rule", asynchronous))),
            ask(wrap(cast("Rule", generator))),
            ask(wrap(predicate(cast("Any", asynchronous), code="x", text="x"))),
        ]
        gc.collect(1)  # what was made just now; all that the whole suite has made would take seconds
    assert [[code for code, _ in named(ruling)] for ruling in rulings] == [["rule_error"]] * 3
    assert caught == []


class Nameless:
    """A callable that fails when it is asked for its name."""

    def __call__(self, actor: Actor, item: WorkItem) -> Ruling:
        """Fail."""
        raise ValueError

    def __getattr__(self, name: str) -> Any:
        """Fail, also on what does not exist."""
        raise ValueError(name)


def test_a_rule_that_cannot_be_named_still_forbids() -> None:
    """A rule that fails even when its name is asked for is a veto all the same, named by its class (A5)."""
    assert named(ask(Nameless())) == [("rule_error", "Nameless")]


def test_reasons_of_a_function_name_the_function() -> None:
    """A reason that a function gives keeps code, sentence and params, and carries the rule's name besides (A7)."""

    def limited(actor: Actor, item: WorkItem) -> Ruling:
        return veto(Reason("too_much", Phase.GUARD, "ask for less", {"limit": 5}), "or ask later")

    limited.__qualname__ = "limited"
    assert ask(limited).reasons == (
        Reason("too_much", Phase.PERMISSION, "ask for less", {"limit": 5, "rule": "limited"}),
        Reason("not_granted", Phase.PERMISSION, "or ask later", {"rule": "limited"}),
    )
    assert named(ask(says_no)) == [("not_granted", "says_no")]


@pytest.mark.parametrize("thing", [None, True, "always()", 5, GRANT, Actor, Ruling, [always()], {}], ids=repr)
def test_what_is_no_rule_is_refused_when_the_policy_is_built(thing: Any) -> None:
    """Something that cannot be asked is a DefinitionError that says where it stands (E4)."""
    with pytest.raises(DefinitionError) as caught:
        AuthorizationPolicy({"act": thing, "other": thing})
    assert [problem.code for problem in caught.value.problems] == ["not_a_rule"] * 2
    assert "'act'" in caught.value.problems[0].where
    with pytest.raises(DefinitionError):
        any_of(always(), thing)


def test_a_rule_is_asked_with_nothing_but_actor_and_item() -> None:
    """No input, fact or time reaches a rule: permission depends on who asks and on what alone."""
    seen: list[tuple[object, ...]] = []

    def spy(*arguments: object) -> Ruling:
        seen.append(arguments)
        return GRANT

    verdict = casewright.TASK.with_rules({"start": spy}).decide(TASK, "start", by=ANN, at=AT)
    assert verdict.permitted
    assert seen == [(ANN, TASK)]
