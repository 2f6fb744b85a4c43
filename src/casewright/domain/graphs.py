"""What follows from a table of transitions: reachability, shortest ways to an end, dead ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import attrs

from casewright.domain.json_values import FrozenMapping
from casewright.domain.values import Category
from casewright.errors import InvalidInputError

__all__ = ["Analysis", "Edge", "Graph"]

Edge = tuple[str, str, str]
"""Source, action, target."""


@attrs.frozen
class Analysis:
    """What follows from a lifecycle's table.

    Attributes:
        reachable: For each status, the statuses that one or more actions lead to.
        ways_to_closed: For each status, the fewest actions that lead to a closed category: empty for a closed one, None
            where there is no way.
        dead_ends: For each category, its statuses that no action leaves.
    """

    reachable: FrozenMapping[frozenset[str]]
    ways_to_closed: FrozenMapping[tuple[str, ...] | None]
    dead_ends: FrozenMapping[tuple[str, ...]]


class Graph:
    """Statuses as nodes, transitions as edges; an edge from or to an unknown status is passed over.

    Args:
        states: Each status with its category.
        edges: Source, action and target of each transition.
    """

    __slots__ = ("_leaving", "_nearer", "_states")

    def __init__(self, states: Mapping[str, Category], edges: Iterable[Edge]) -> None:
        """Index the edges by their source."""
        self._states = states
        leaving: dict[str, list[tuple[str, str]]] = {status: [] for status in states}
        for source, action, target in edges:
            if source in leaving and target in leaving:
                leaving[source].append((action, target))
        self._leaving = {status: tuple(steps) for status, steps in leaving.items()}
        self._nearer = self._ways_to_closed()

    def known(self, status: str) -> str:
        """Return the status if there is such a one.

        Raises:
            InvalidInputError: There is none.
        """
        if not isinstance(status, str) or status not in self._states:
            raise InvalidInputError("status", "is no status of the lifecycle", f"use one of {', '.join(self._states)}")
        return status

    def leaving(self, status: str) -> tuple[tuple[str, str], ...]:
        """Return action and target of each transition that leaves the status."""
        return self._leaving[self.known(status)]

    def reachable_from(self, *sources: str) -> frozenset[str]:
        """Return the statuses that one or more actions lead to from any of these."""
        found: set[str] = set()
        waiting = [self.known(source) for source in sources]
        while waiting:
            for _, target in self._leaving[waiting.pop()]:
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return frozenset(found)

    def way_to_closed(self, status: str) -> tuple[str, ...] | None:
        """Return the fewest actions from the status to a closed category; None where there is no way."""
        if not self.can_close(status):
            return None
        way: list[str] = []
        while (step := self._nearer[status]) is not None:
            way.append(step[0])
            status = step[1]
        return tuple(way)

    def can_close(self, status: str) -> bool:
        """Return whether any way leads from the status to a closed category."""
        return self.known(status) in self._nearer

    def _ways_to_closed(self) -> dict[str, tuple[str, str] | None]:
        """The step from each status that brings it nearer to a closed one: one search backwards from all of these."""
        entering: dict[str, list[tuple[str, str]]] = {status: [] for status in self._states}
        for source, steps in self._leaving.items():
            for action, target in steps:
                entering[target].append((source, action))
        nearer: dict[str, tuple[str, str] | None] = {
            # What is no category may be meant as a closed one: it is reported as what it is, and is no trap.
            status: None
            for status, category in self._states.items()
            if not isinstance(category, Category) or category.closed
        }
        waiting = deque(nearer)
        while waiting:
            target = waiting.popleft()
            for source, action in entering[target]:
                if source not in nearer:
                    nearer[source] = (action, target)
                    waiting.append(source)
        return nearer

    def analysis(self) -> Analysis:
        """Return everything at once."""
        ends = [status for status in self._states if not self._leaving[status]]
        return Analysis(
            FrozenMapping({status: self.reachable_from(status) for status in self._states}),
            FrozenMapping({status: self.way_to_closed(status) for status in self._states}),
            FrozenMapping(
                {str(category): tuple(end for end in ends if self._states[end] is category) for category in Category}
            ),
        )
