"""Steps: a lifecycle with its definition's guards and verbs, worked out once into what a decision looks up.

A `Step` is everything there is to know about one action; a `Place` is a step as seen from one status; a `StepTable`
holds those of one lifecycle.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.effects import Effect
from casewright.domain.events import VERBS
from casewright.domain.guards import Guard, facts_of
from casewright.domain.inputs import Input
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.reasons import Phase, Reason, alternatives, params
from casewright.domain.transitions import Transition
from casewright.domain.values import Category
from casewright.domain.verbs import VERB_TABLE, Verb
from casewright.domain.verdicts import ActionVerdict

__all__ = ["Needs", "Place", "Step", "StepTable"]

_REMEMBERED = 100  # statuses: a verb is in all, and an action of more would be remembered with a long text for each


@attrs.frozen
class Step:
    """One action as it would be done.

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
        sets_status: Whether it leads to the status that its input ``status`` names.
        deletes: Whether the item is deleted then.
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
    sets_status: bool = False
    deletes: bool = False

    @property
    def conditional(self) -> bool:
        """Whether the item may speak against it although its status does not."""
        blockable = self.verb is not None and self.verb.blocked is not None
        return bool(self.guards) or blockable or self.deletes


@attrs.frozen
class Needs:
    """What a decision must be given beside the item, where the host has it.

    Attributes:
        parent: Whether it may look at the case of a task that has one.
        facts: The names of the facts that its guards need.
    """

    parent: bool = False
    facts: frozenset[str] = frozenset()


_NOTHING = Needs()


@attrs.frozen
class Place:
    """An action as seen from one status.

    Attributes:
        step: What would be done. Where the action is not possible from there: the only step of that name, so that all
            its other needs can be told at once; None where there is none or there are several.
        misplaced: Why it is not possible from there; None where it is.
        verdict: What `actions` answers where nothing else is said for or against it.
        settled: Whether nothing else can be, for an item without a case: no guard, and no verb that may be blocked.
        needs: What the decision must be given.
    """

    step: Step | None
    misplaced: Reason | None
    verdict: ActionVerdict
    settled: bool
    needs: Needs


class StepTable:
    """The steps of one lifecycle under one definition.

    Args:
        lifecycle: The lifecycle.
        guards: The definition's guards by action.
        published: The actions whose events are published; None for all.
        authorization: The definition's policy.
    """

    __slots__ = ("_places", "_rows", "_steps", "actions", "lifecycle", "ruled_by")

    lifecycle: Lifecycle
    actions: tuple[str, ...]
    ruled_by: tuple[tuple[str, object], ...]

    def __init__(
        self,
        lifecycle: Lifecycle,
        guards: Mapping[str, tuple[Guard, ...]],
        published: frozenset[str] | None,
        authorization: AuthorizationPolicy,
    ) -> None:
        """Work every step out."""
        self.lifecycle = lifecycle
        self._steps: dict[str, dict[str, Step]] = {}
        for transition in lifecycle.transitions:
            step = _step_of(transition, lifecycle, guards, published)
            self._steps.setdefault(step.action, {}).update(dict.fromkeys(transition.sources, step))
        for verb in VERB_TABLE.values():
            step = _step_of_verb(verb, lifecycle, guards, published)
            self._steps[verb.name] = dict.fromkeys(lifecycle.states, step)
        self.actions = tuple(self._steps)
        rules = {action: authorization.rule(action) for action in self.actions}
        # Actions with the same key have the same rule, so one ruling serves them all; a missing rule names its action.
        self.ruled_by = tuple((action, action if rule is None else id(rule)) for action, rule in rules.items())
        self._places: dict[tuple[str, str], Place] = {}
        self._rows: dict[str, tuple[Place, ...]] = {}

    def needs(self, status: str, action: str | None) -> Needs:
        """Return what a decision on the action, or on all of them where None, must be given from the status on."""
        if action is not None:
            return self.place(status, action).needs
        row = self.row(status)
        return Needs(True, frozenset(name for place in row for name in place.needs.facts))

    def row(self, status: str) -> tuple[Place, ...]:
        """Return every action as seen from the status, in the order of `actions`."""
        row = self._rows.get(status)
        if row is None:
            row = tuple(self.place(status, action) for action in self.actions)
            if status in self.lifecycle.states:
                self._rows[status] = row
        return row

    def place(self, status: str, action: str) -> Place:
        """Return the action as seen from the status.

        Args:
            status: The item's.
            action: The action or verb.

        Returns:
            What is known of it; worked out on first use, and kept for the statuses and actions that there are.
        """
        place = self._places.get((status, action))
        if place is None:
            place = self._place(status, action)
            # Not what a caller has made up: it would be remembered for ever.
            if status in self.lifecycle.states and 0 < len(self._steps.get(action, ())) <= _REMEMBERED:
                self._places[status, action] = place
        return place

    def _place(self, status: str, action: str) -> Place:
        by_status = self._steps.get(action, {})
        step = by_status.get(status)
        misplaced = None
        if step is None:
            several = len({id(other) for other in by_status.values()}) > 1
            step = None if several else next(iter(by_status.values()), None)
            # A verb is possible from every status, also from one that this lifecycle does not know.
            misplaced = None if action in VERB_TABLE else self._not_from(status, action, tuple(by_status))
        inputs, target = ((), None) if step is None else (step.inputs, step.target)
        reasons = () if misplaced is None else (misplaced,)
        verdict = ActionVerdict(action, misplaced is None, reasons, inputs, target)
        settled = step is None or not step.conditional
        return Place(step, misplaced, verdict, settled, _NOTHING if step is None else self._needs(status, step))

    def _needs(self, status: str, step: Step) -> Needs:
        """A case counts its open tasks: it is looked at where the step may make the task enter or leave openness."""
        before = self.lifecycle.states.get(status)
        if step.category is None:
            moves = step.sets_status or step.deletes
        else:
            moves = before is None or before.closed is not step.category.closed
        return Needs(moves, facts_of(step.guards))

    def _not_from(self, status: str, action: str, sources: tuple[str, ...]) -> Reason:
        if not sources:
            sentence = f"there is no action {action!r}; there are {', '.join(self.actions)}"
            return Reason("unknown_action", Phase.STATE, sentence, params(action=action, known=self.actions))
        possible = () if status not in self.lifecycle.states else self.lifecycle.allowed(status)
        sentence = f"{action} is possible from {alternatives(sources)} only, not from {status}"
        known = params(status=status, sources=sources, possible=possible)
        return Reason("wrong_state", Phase.STATE, sentence, known)


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
    return Step(
        action=verb.name,
        event=VERBS[verb.name],
        inputs=verb.inputs_among(lifecycle.states),
        guards=guards.get(verb.name, ()),
        published=published is None or verb.name in published,
        verb=verb,
        sets_status=verb.sets_status,
        deletes=verb.deletes,
    )
