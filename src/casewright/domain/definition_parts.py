"""The parts of a definition: each in the one form that it keeps, proven sound together, and replaced to derive another.

`definitions` says what a definition made of them answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from casewright.domain.authorization import AuthorizationPolicy
from casewright.domain.definition_proof import definition_problems
from casewright.domain.guards import Guard
from casewright.domain.inputs import Input
from casewright.domain.json_values import EMPTY, FrozenMapping
from casewright.domain.lifecycle import Lifecycle
from casewright.domain.ready_rules import never
from casewright.domain.rules import ReadyRule
from casewright.domain.rulings import Rule
from casewright.domain.transitions import Transition, plain, several
from casewright.domain.values import Category
from casewright.errors import DefinitionError, InvalidInputError

__all__ = ["DefinitionParts"]


def _lifecycles(values: Iterable[Lifecycle]) -> tuple[Lifecycle, ...]:
    return several(values)


def _guards(value: Mapping[Any, Guard | Iterable[Guard]]) -> FrozenMapping[tuple[Guard, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidInputError("guards", f"must be a mapping, not {type(value).__name__}", "map actions to guards")
    return FrozenMapping({plain(action): several(part) for action, part in value.items()})


def _fields(value: Iterable[Input] | None) -> tuple[Input, ...] | None:
    return None if value is None else several(value)


def _published(value: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(value, str):
        raise InvalidInputError("published", "must be several actions, not one str", "pass a set")
    return None if value is None else frozenset(map(plain, several(value)))


@attrs.frozen
class DefinitionParts:
    """What a definition is made of, and how another one is derived from it. Not made by itself.

    Args:
        name: What items remember it by; unique on a bus.
        lifecycle: The one that new items get.
        earlier: Those that older items still have, each with a version of its own.
        authorization: Who may do what, for items of all these lifecycles.
        guards: More guards, for any action, verbs included.
        fields: The typed attributes of its items; None leaves attributes free.
        published: The actions whose events are published; None means all.

    Raises:
        DefinitionError: It cannot work: every problem at once.
    """

    name: str = attrs.field(converter=plain)
    lifecycle: Lifecycle = attrs.field(kw_only=True)
    earlier: tuple[Lifecycle, ...] = attrs.field(default=(), converter=_lifecycles, kw_only=True)
    authorization: AuthorizationPolicy = attrs.field(kw_only=True)
    guards: FrozenMapping[tuple[Guard, ...]] = attrs.field(default=EMPTY, converter=_guards, kw_only=True)
    fields: tuple[Input, ...] | None = attrs.field(default=None, converter=_fields, kw_only=True)
    published: frozenset[str] | None = attrs.field(default=None, converter=_published, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Prove it sound."""
        problems = definition_problems(
            name=self.name,
            lifecycles=(self.lifecycle, *self.earlier),
            authorization=self.authorization,
            guards=self.guards,
            fields=self.fields,
            published=self.published,
        )
        if problems:
            raise DefinitionError(problems)

    def rule(self, action: str) -> ReadyRule:
        """Return the present rule of the action, to combine it with others; ``never()`` where there is none."""
        return self.authorization.rule(action) or never()

    def with_rules(self, rules: Mapping[Any, Rule]) -> Self:
        """Return a definition with these rules in place of the present ones.

        To add to a rule, combine it: ``D.with_rules({"close": all_of(D.rule("close"), forbid(performed("submit")))})``.

        Raises:
            DefinitionError: The result cannot work.
        """
        return attrs.evolve(self, authorization=self.authorization.with_rules(rules))

    def with_guards(self, guards: Mapping[Any, Guard | Iterable[Guard]]) -> Self:
        """Return a definition with these guards besides the present ones: guards only ever tighten.

        Raises:
            DefinitionError: The result cannot work.
        """
        added = _guards(guards)
        merged = {action: (*self.guards.get(action, ()), *added.get(action, ())) for action in {**self.guards, **added}}
        return attrs.evolve(self, guards=merged)

    def with_transitions(
        self,
        *transitions: Transition,
        rules: Mapping[Any, Rule] | None = None,
        states: Mapping[Any, Category] | None = None,
        version: int | None = None,
    ) -> Self:
        """Return a definition whose lifecycle has more transitions.

        Args:
            transitions: What to add.
            rules: Rules for the new actions, and in place of present ones.
            states: Statuses to add.
            version: The version of the lifecycle; the same where None. With a new one, the present lifecycle is kept
                for the items that are pinned to it.

        Raises:
            DefinitionError: The result cannot work.
        """
        lifecycle = self.lifecycle.with_transitions(*transitions, states=states, version=version)
        kept = () if lifecycle.version == self.lifecycle.version else (self.lifecycle,)
        authorization = self.authorization.with_rules(rules or {})
        return attrs.evolve(self, lifecycle=lifecycle, earlier=(*kept, *self.earlier), authorization=authorization)
