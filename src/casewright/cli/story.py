"""The demo's story: a regulatory case and its two tasks on one day, all of it plain values and fixed instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.combinators import all_of, forbid
from casewright.domain.definitions import CaseDefinition, Definition
from casewright.domain.events import Event
from casewright.domain.history import seal
from casewright.domain.items import Item
from casewright.domain.json_values import EMPTY
from casewright.domain.ready_rules import performed
from casewright.domain.verdicts import Permitted, Refused

__all__ = ["CASE_ID", "DANA", "FOUR_EYES", "RITA", "SCRIPT", "TASK_IDS", "TOM", "Step", "Story", "tell"]

DANA: Final = Actor("dana", roles={"case_writer", "reviewer"})
RITA: Final = Actor("rita", roles={"reviewer"})
TOM: Final = Actor("tom")

FOUR_EYES: Final[CaseDefinition] = REGULATORY_CASE.with_rules(
    {"close": all_of(REGULATORY_CASE.rule("close"), forbid(performed("submit")))}
)
"""The catalog's case, closed only by someone who did not submit it."""

CASE_ID: Final = "R-17"
TASK_IDS: Final = ("T-1", "T-2")

_DEFINITIONS: Final[Mapping[str, Definition[Any]]] = {CASE_ID: FOUR_EYES, **dict.fromkeys(TASK_IDS, TASK)}


@attrs.frozen
class Step:
    """One thing that someone tries.

    Attributes:
        at: When.
        by: Who.
        action: What.
        item_id: With which item.
        inputs: What they give.
    """

    at: datetime
    by: Actor
    action: str
    item_id: str
    inputs: Mapping[str, Any] = EMPTY


def _step(time: str, by: Actor, action: str, item_id: str, **inputs: str) -> Step:
    return Step(datetime.fromisoformat(f"2026-03-02T{time}:00").replace(tzinfo=UTC), by, action, item_id, inputs)


SCRIPT: Final = (
    _step("09:00", DANA, "create", "R-17", title="Prospectus of the Alder Fund"),
    _step("09:10", RITA, "submit", "R-17"),
    _step("09:20", DANA, "submit", "R-17"),
    _step("10:00", RITA, "close", "R-17", reason="looks fine"),
    _step("10:05", RITA, "start_review", "R-17", reviewer_id="rita"),
    _step("10:15", RITA, "create", "T-1", title="Compare the fees with the cap", assignee_id="tom"),
    _step("10:20", RITA, "create", "T-2", title="Ask the custodian", assignee_id="tom"),
    _step("11:00", TOM, "start", "T-1"),
    _step("12:30", TOM, "complete", "T-1"),
    _step("13:00", DANA, "complete", "T-2"),
    _step("13:30", RITA, "close", "R-17"),
    _step("14:00", RITA, "escalate", "R-17", reason="the fees are above the cap"),
    _step("15:00", TOM, "complete", "T-2"),
    _step("15:30", DANA, "close", "R-17", reason="the fees were lowered"),
    _step("16:00", RITA, "close", "R-17", reason="the fees were lowered"),
)


class Story:
    """What has happened so far.

    Attributes:
        items: Each item as it is, by its id.
        histories: The events of each item.
        told: Each step so far, with the answer it got.
    """

    __slots__ = ("histories", "items", "told")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.items: dict[str, Item] = {}
        self.histories: dict[str, list[Event]] = {}
        self.told: list[tuple[Step, Permitted[Any] | Refused]] = []

    @property
    def refusals(self) -> list[tuple[Step, Refused]]:
        """The steps that were refused."""
        return [(step, verdict) for step, verdict in self.told if isinstance(verdict, Refused)]

    def take(self, step: Step) -> None:
        """Ask the definition, and keep what it permits: the whole of what a program does without a store."""
        verdict = self._asked(step)
        for change in verdict.changes if verdict else ():
            sealed = seal(change, recorded_at=step.at, salt=f"{change.event.id} of the demo")
            self.items[sealed.after.id] = sealed.after
            self.histories.setdefault(sealed.after.id, []).append(sealed.event)
        self.told.append((step, verdict))

    def _asked(self, step: Step) -> Permitted[Any] | Refused:
        definition = _DEFINITIONS[step.item_id]
        item: Any = self.items.get(step.item_id)
        parent: Any = self.items.get(CASE_ID) if step.item_id in TASK_IDS else None
        if step.action == "create":
            return definition.create(step.item_id, by=step.by, at=step.at, parent=parent, **step.inputs)
        return definition.decide(item, step.action, step.inputs, by=step.by, at=step.at, parent=parent)


def tell() -> Story:
    """Return the whole story."""
    story = Story()
    for step in SCRIPT:
        story.take(step)
    return story
