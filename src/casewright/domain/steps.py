"""Steps: a lifecycle and its definition's guards and verbs, worked out once into what a decision looks up.

A `Step` is everything there is to know about one action from one status; a `StepTable` holds those of one lifecycle.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from casewright.domain.effects import Effect
from casewright.domain.guards import Guard
from casewright.domain.inputs import Input, choice
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.reasons import Phase, Reason, alternatives
from casewright.domain.transitions import Transition
from casewright.domain.values import Category
from casewright.domain.verbs import VERB_TABLE, Verb
from casewright.domain.verdicts import ActionVerdict

__all__ = ["Step", "StepTable"]


@attrs.frozen
class Step:
    """One action as it would be done from one status.

    Attributes:
        action: Its name.
        event: Its past-tense name for the outside.
        inputs: What it takes.
        guards: The transition's own and the definition's.
        published: Whether its events are published.
        target: The status it leads to; None for a verb.
        category: The category of the target; None for a verb.
        effects: The fields that a transition sets.
        verb: The verb, where it is one.
        permitted: What `actions` answers where nothing forbids it.
    """

    action: str
    event: str
    inputs: tuple[Input, ...]
    guards: tuple[Guard, ...]
    published: bool
    target: str | None = None
    category: Category | None = None
    effects: tuple[Effect, ...] = ()
    verb: Verb | None = None
    permitted: ActionVerdict = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: ActionVerdict(self.action, True, (), self.inputs, self.target), takes_self=True
        ),
    )


class StepTable:
    """The steps of one lifecycle under one definition.

    Args:
        lifecycle: The lifecycle.
        guards: The definition's guards by action.
        published: The actions whose events are published; None for all.
    """

    __slots__ = ("_by_action", "_by_place", "actions", "lifecycle")

    def __init__(
        self, lifecycle: Lifecycle, guards: Mapping[str, tuple[Guard, ...]], published: frozenset[str] | None
    ) -> None:
        """Work every step out."""
        self.lifecycle = lifecycle
        self._by_place: dict[tuple[str, str], Step] = {}
        self._by_action: dict[str, Step | None] = {}
        for transition in lifecycle.transitions:
            step = _step_of(transition, lifecycle, guards, published)
            self._by_action[step.action] = None if step.action in self._by_action else step
            self._by_place.update(((source, step.action), step) for source in transition.sources)
        for verb in VERB_TABLE.values():
            step = _step_of_verb(verb, lifecycle, guards, published)
            self._by_action[verb.name] = step
            self._by_place.update(((status, verb.name), step) for status in lifecycle.states)
        self.actions = tuple(self._by_action)

    def find(self, status: str, action: str) -> tuple[Step | None, Reason | None]:
        """Return the step of the action from the status.

        Args:
            status: The item's.
            action: The action or verb.

        Returns:
            The step and None; or the reason why it is not possible from there, beside the only transition of that
            name, so that all its other needs can be told at once (None where there is none or there are several).
        """
        step = self._by_place.get((status, action))
        if step is not None:
            return step, None
        return self._by_action.get(action), self._not_from(status, action)

    def refused(self, status: str, action: str, reasons: tuple[Reason, ...]) -> ActionVerdict:
        """Return the verdict on an action of this table that is refused for these reasons."""
        step, _ = self.find(status, action)
        if step is None:
            return ActionVerdict(action, False, reasons, (), None)
        return ActionVerdict(action, False, reasons, step.inputs, step.target)

    def _not_from(self, status: str, action: str) -> Reason | None:
        if action in VERB_TABLE:
            return None  # verbs are possible from every status, also from one that this lifecycle does not know
        sources = [source for source, name in self._by_place if name == action]
        if not sources:
            sentence = f"there is no action {action!r}; there are {', '.join(self.actions)}"
            return Reason("unknown_action", Phase.STATE, sentence, {"action": action, "known": self.actions})
        possible = () if status not in self.lifecycle.states else self.lifecycle.allowed(status)
        sentence = f"{action} is possible from {alternatives(sources)} only, not from {status}"
        params = {"status": status, "sources": tuple(sources), "possible": possible}
        return Reason("wrong_state", Phase.STATE, sentence, params)


def _step_of(
    transition: Transition,
    lifecycle: Lifecycle,
    guards: Mapping[str, tuple[Guard, ...]],
    published: frozenset[str] | None,
) -> Step:
    action = transition.action
    return Step(
        action=action,
        event=transition.event or action,
        inputs=transition.inputs,
        guards=(*transition.guards, *guards.get(action, ())),
        published=published is None or action in published,
        target=transition.target,
        category=lifecycle.states[transition.target],
        effects=transition.effects,
    )


def _step_of_verb(
    verb: Verb, lifecycle: Lifecycle, guards: Mapping[str, tuple[Guard, ...]], published: frozenset[str] | None
) -> Step:
    inputs = verb.inputs
    if verb.name == "correct":
        inputs = (choice("status", lifecycle.states), *inputs[1:])
    return Step(
        action=verb.name,
        event=verb.event,
        inputs=inputs,
        guards=guards.get(verb.name, ()),
        published=published is None or verb.name in published,
        verb=verb,
    )
