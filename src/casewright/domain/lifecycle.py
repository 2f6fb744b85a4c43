"""Lifecycles: states, transitions and what they need, as one value that is proven sound when it is built (E4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from casewright.domain.diagrams import dot, mermaid
from casewright.domain.graphs import Analysis, Edge, Graph
from casewright.domain.json_values import FrozenMapping
from casewright.domain.lifecycle_proof import lifecycle_problems
from casewright.domain.transitions import Transition, as_statuses, plain, several
from casewright.domain.values import Category
from casewright.errors import DefinitionError, InvalidInputError

__all__ = ["Lifecycle"]


def _states(value: Mapping[Any, Category]) -> FrozenMapping[Category]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            "states", f"must be a mapping, not {type(value).__name__}", "map statuses to categories"
        )
    return FrozenMapping({plain(status): _category(category) for status, category in value.items()})


def _category(value: Any) -> Any:  # noqa: ANN401 - the proof names what is no category
    return Category(value) if isinstance(value, str) and value in _CATEGORIES else value


_CATEGORIES: Final = frozenset(Category)


def _transitions(values: Iterable[Transition]) -> tuple[Transition, ...]:
    return several(values)


def _initial(value: str | Iterable[str]) -> tuple[str, ...] | frozenset[str]:
    statuses = as_statuses(value)
    return frozenset(statuses) if isinstance(value, (set, frozenset)) else statuses


@attrs.frozen(kw_only=True)
class Lifecycle:
    """What statuses there are, what each means, and which actions lead from which to which.

    Args:
        states: Each status with its category; any printable text, a team's own StrEnum at best.
        initial: The status, or the statuses, that an item may be created in; of several without an order (a set) the
            creator must name one, else the first one is taken.
        transitions: The actions.
        administrative: Statuses that are entered on purpose, but only by ``correct``.
        legacy: Statuses that only old items have; entered by ``correct`` too.
        version: Items are pinned to it; change it whenever living items should stay as they are.

    Raises:
        DefinitionError: It cannot work: every problem at once, each with what is wrong, where, and what would mend it.
    """

    states: FrozenMapping[Category] = attrs.field(converter=_states)
    initial: tuple[str, ...] | frozenset[str] = attrs.field(converter=_initial)
    transitions: tuple[Transition, ...] = attrs.field(converter=_transitions)
    administrative: tuple[str, ...] = attrs.field(default=(), converter=as_statuses)
    legacy: tuple[str, ...] = attrs.field(default=(), converter=as_statuses)
    version: int = 1
    _graph: Graph = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Prove it sound."""
        problems = lifecycle_problems(
            states=self.states,
            initial=self.initial,
            transitions=self.transitions,
            administrative=self.administrative,
            legacy=self.legacy,
            version=self.version,
        )
        if problems:
            raise DefinitionError(problems)
        object.__setattr__(self, "_graph", Graph(self.states, self._edges()))

    @property
    def closed(self) -> frozenset[str]:
        """The statuses of a closed category."""
        return frozenset(status for status, category in self.states.items() if category.closed)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions, in order of declaration."""
        return tuple(dict.fromkeys(step.action for step in self.transitions))

    def allowed(self, status: str) -> tuple[str, ...]:
        """Return the actions that are possible from the status.

        Raises:
            InvalidInputError: There is no such status.
        """
        return tuple(action for action, _ in self._graph.leaving(status))

    def action_between(self, source: str, target: str) -> str | None:
        """Return the first action that leads from one status directly to another; None if there is none.

        Raises:
            InvalidInputError: There is no such status.
        """
        self._graph.known(target)
        return next((action for action, end in self._graph.leaving(source) if end == target), None)

    def reachable_from(self, status: str) -> frozenset[str]:
        """Return the statuses that one or more actions lead to from the status; itself only if it lies on a cycle.

        Raises:
            InvalidInputError: There is no such status.
        """
        return self._graph.reachable_from(status)

    def analysis(self) -> Analysis:
        """Return what follows from the table: reachable sets, shortest ways to an end, dead ends."""
        return self._graph.analysis()

    def with_transitions(
        self, *transitions: Transition, states: Mapping[Any, Category] | None = None, version: int | None = None
    ) -> Lifecycle:
        """Return a lifecycle with more transitions, and perhaps more statuses.

        Args:
            transitions: What to add.
            states: Statuses to add.
            version: Its version; the same where None.

        Raises:
            DefinitionError: The result cannot work.
        """
        if states is not None and not isinstance(states, Mapping):
            raise InvalidInputError("states", f"must be a mapping, not {type(states).__name__}")
        return attrs.evolve(
            self,
            states=FrozenMapping({**self.states, **(states or {})}),
            transitions=(*self.transitions, *transitions),
            version=self.version if version is None else version,
        )

    def __format__(self, spec: str) -> str:
        """Return a diagram as text: ``format(lifecycle, "mermaid")`` or ``"dot"``.

        Raises:
            InvalidInputError: There is no such form.
        """
        if spec == "":
            return str(self)
        if spec not in _FORMS:
            raise InvalidInputError("format", "is no known form of a diagram", f"use {' or '.join(_FORMS)}")
        return _FORMS[spec](self.states, sorted(self.initial), self._edges())

    def _edges(self) -> list[Edge]:
        return [(source, step.action, step.target) for step in self.transitions for source in step.sources]


_FORMS: Final = {"mermaid": mermaid, "dot": dot}
