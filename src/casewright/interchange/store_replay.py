"""`StoreReplay`: a replayed log in a store, each change by a command of its own, so that it can be stopped anywhere.

What is judged, and what is done, was settled by `casewright.interchange.conformance` without a store. Here it is done
once more, by a bus; what the store holds of it already is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from casewright.application.bus import CommandBus
from casewright.application.ports import Store
from casewright.domain.definitions import CaseDefinition, TaskDefinition
from casewright.domain.events import Event
from casewright.errors import ConflictError, InvalidInputError, NotFoundError
from casewright.interchange.conformance import ADMINISTRATOR, CaseReplay
from casewright.interchange.judging import forcing

__all__ = ["StoreReplay"]


class StoreReplay:
    """Puts replayed cases into a store, and proves what it holds of them.

    Args:
        store: The store; cases that are not of the log are left alone.
        definition: The one that judged the log.
    """

    __slots__ = ("_bus", "_forcing", "_store")

    def __init__(self, store: Store, definition: TaskDefinition | CaseDefinition) -> None:
        """Make two buses: one that permits what the definition does, and one for the administrator."""
        self._store = store
        self._bus = CommandBus(store, (definition,))
        self._forcing = CommandBus(store, (forcing(definition),))

    def found(self, cases: Iterable[CaseReplay]) -> dict[str, int]:
        """Return how many events of each case the store holds already; nothing is written.

        An event of the store must be that of the log in all that it tells: definition, action, name, status and
        category, both ids of who did it, when, and its inputs and changes. A payload that was erased is passed over,
        for nobody can know it. Digests, salts and the time of recording are the store's own.

        Args:
            cases: The cases.

        Raises:
            InvalidInputError: The history of one does not begin as that of the log does; ``field`` names the case.
            StorageError: The store could not be read.
        """
        found = {}
        with self._store.begin(tenant=ADMINISTRATOR.tenant, write=False) as uow:
            for case in cases:
                events = uow.history(case.case_id)
                if not _same(events, case.events[: len(events)]):
                    problem = "the store holds another history of it than the log makes"
                    raise InvalidInputError(f"case {case.case_id}", problem, "use an empty store, or the same log")
                found[case.case_id] = len(events)
        return found

    def keep(self, case: CaseReplay, found: int) -> None:
        """Do what the store does not hold yet of a case: each change is one command in its own transaction.

        Args:
            case: The case.
            found: How many of its events the store holds already.

        Raises:
            InvalidInputError: Somebody else changes it at the same time; ``field`` names the case.
            StorageError: The store could not do it. What was done before is kept, and found the next time.
        """
        steps = list(enumerate(case.steps))[found:]
        item = self._forcing.get(case.case_id, by=ADMINISTRATOR) if steps and found else None
        try:
            for version, step in steps:
                bus = self._forcing if step.forced else self._bus
                expected = version or None  # version n is event n; so nothing is done twice, whoever else is at it
                item = bus.execute(step.command, by=step.by, at=step.at, item=item, expected_version=expected)
        except ConflictError:
            problem = "somebody else changes it at the same time"
            raise InvalidInputError(
                f"case {case.case_id}", problem, "run one replay at a time; started again, it goes on"
            ) from None

    def proved(self, case: CaseReplay) -> CaseReplay:
        """Return the case as the store holds it: with its events there, and what does not hold of it there.

        Its events must be those of the log, compared as by `found`.

        Raises:
            StorageError: The store could not be read.
        """
        if not case.events:
            return case
        try:
            findings = self._forcing.verify(case.case_id, by=ADMINISTRATOR)
            events = self._forcing.history(case.case_id, by=ADMINISTRATOR)
        except NotFoundError:
            return attrs.evolve(case, problems=("the store does not hold it any more",))
        other = () if _same(events, case.events) else ("its history is not the one that the log makes",)
        return attrs.evolve(case, events=events, problems=(*case.problems, *map(str, findings), *other))


def _same(stored: Sequence[Event], logged: Sequence[Event]) -> bool:
    return len(stored) == len(logged) and all(map(_tells_the_same, stored, logged))


def _tells_the_same(stored: Event, logged: Event) -> bool:
    return _header(stored) == _header(logged) and (stored.erased or stored.payload == logged.payload)


def _header(event: Event) -> tuple[object, ...]:
    what = (event.kind, event.definition, event.lifecycle_version, event.action, event.name)
    became = (event.to_status, event.category, event.changed)
    return (*what, *became, event.actor_id, event.on_behalf_of, event.occurred_at)
