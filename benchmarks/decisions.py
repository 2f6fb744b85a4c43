"""Decisions against `transitions` on the same lifecycle: the guarded close of a regulatory case."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import attrs
from harness import Bar, measure, report
from transitions import Machine, MachineError

from casewright import REGULATORY_CASE, Actor, Case

__all__ = ["run"]

AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITER = Actor("ann", roles=["case_writer"])
REVIEWER = Actor("bob", roles=["reviewer"])
REASON = {"reason": "everything was checked"}


class Peer:
    """The same case for `transitions`: a bare trigger with its guard and one callback, no actor, no inputs."""

    def __init__(self) -> None:
        """Start without open tasks."""
        self.open_tasks = 0
        self.closed_by: list[str] = []

    def no_open_tasks(self, _: Any) -> bool:  # noqa: ANN401 - an EventData of theirs
        """Answer the guard."""
        return not self.open_tasks

    def on_close(self, event: Any) -> None:  # noqa: ANN401 - the peer's own event
        """Record the transition, as an audit row would."""
        self.closed_by.append(event.transition.dest)


TRIGGER, REFUSED_TRIGGER, TRIGGERS = (
    "transitions: trigger",
    "transitions: trigger refused",
    "transitions: list of triggers",
)
CLOSE, REFUSED, MISPLACED, ACTIONS = (
    "decide: close, with authorization, inputs and changes",
    "decide: refused with all reasons (input and guard)",
    "decide: refused with all reasons (state and input)",
    "actions: 13 actions with all reasons",
)


def run(rounds: int) -> bool:
    """Print the figures and return whether every bar is met."""
    theirs = Theirs()
    timings = measure(
        {
            TRIGGER: theirs.trigger,
            REFUSED_TRIGGER: theirs.trigger_refused,
            TRIGGERS: theirs.triggers,
            **_our_loops(),
        },
        calls=1000,
        rounds=rounds,
        before=dict.fromkeys((TRIGGER, REFUSED_TRIGGER, TRIGGERS), theirs.prepare),
    )
    bars = [
        Bar("decide by a trigger", timings.ratio(CLOSE, TRIGGER), 1.2),
        Bar("refusal (input and guard) by a trigger", timings.ratio(REFUSED, TRIGGER), 0.5),
        Bar("refusal (state and input) by a trigger", timings.ratio(MISPLACED, TRIGGER), 0.5),
        Bar("actions by the list of triggers", timings.ratio(ACTIONS, TRIGGERS), 1.0),
    ]
    return report("Decisions (peer: transitions, shared machine)", timings, bars)


class Theirs:
    """One shared machine of `transitions` and its cases, made anew before each loop."""

    def __init__(self) -> None:
        """Build the machine."""
        self.machine = Machine(
            model=None,
            states=["DRAFT", "SUBMITTED", "UNDER_REVIEW", "ESCALATED", "CLOSED"],
            initial="DRAFT",
            transitions=[
                {"trigger": "submit", "source": "DRAFT", "dest": "SUBMITTED"},
                {"trigger": "start_review", "source": "SUBMITTED", "dest": "UNDER_REVIEW"},
                {"trigger": "escalate", "source": "UNDER_REVIEW", "dest": "ESCALATED"},
                {
                    "trigger": "close",
                    "source": ["UNDER_REVIEW", "ESCALATED"],
                    "dest": "CLOSED",
                    "conditions": "no_open_tasks",
                    "after": "on_close",
                },
            ],
            auto_transitions=False,
            send_event=True,
        )
        self.peers: list[Any] = []

    def prepare(self, calls: int) -> None:
        """Make the cases; the machine forgets the former ones, or it would grow slower."""
        self.machine.models.clear()
        self.peers = [Peer() for _ in range(calls)]
        for peer in self.peers:
            self.machine.add_model(peer, initial="UNDER_REVIEW")

    def trigger(self, _: int) -> None:
        """Close each case."""
        for peer in self.peers:
            peer.close()

    def trigger_refused(self, _: int) -> None:
        """Be refused by the state, once a case."""
        for peer in self.peers:
            with suppress(MachineError):
                peer.submit()

    def triggers(self, _: int) -> None:
        """List what is possible, guards evaluated."""
        for peer in self.peers:
            [name for name in self.machine.get_triggers(peer.state) if peer.may_trigger(name)]


def _our_loops() -> dict[str, Callable[[int], None]]:
    case = _under_review()
    waiting = attrs.evolve(case, open_tasks=2)

    def close(calls: int) -> None:
        for _ in range(calls):
            REGULATORY_CASE.decide(case, "close", REASON, by=REVIEWER, at=AT)

    def refused(calls: int) -> None:
        for _ in range(calls):
            REGULATORY_CASE.decide(waiting, "close", {}, by=REVIEWER, at=AT)

    def misplaced(calls: int) -> None:
        for _ in range(calls):
            REGULATORY_CASE.decide(case, "start_review", {}, by=REVIEWER, at=AT)

    def actions(calls: int) -> None:
        for _ in range(calls):
            REGULATORY_CASE.actions(case, by=REVIEWER, at=AT)

    return {CLOSE: close, REFUSED: refused, MISPLACED: misplaced, ACTIONS: actions}


def _under_review() -> Case:
    case: Case | None = None
    for action, inputs, by in (
        ("create", {}, WRITER),
        ("submit", {}, WRITER),
        ("start_review", {"reviewer_id": "bob"}, REVIEWER),
    ):
        verdict = (
            REGULATORY_CASE.create("case-1", by=by, at=AT, title="A case")
            if case is None
            else REGULATORY_CASE.decide(case, action, inputs, by=by, at=AT)
        )
        assert verdict, verdict.reasons
        assert verdict.change is not None
        case = verdict.change.after
    assert case is not None
    return case
