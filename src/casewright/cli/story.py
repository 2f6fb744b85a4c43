"""The demo's story: a regulatory case and its two tasks on one day, told by commands at fixed instants."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast

import attrs

from casewright.application.bus import CommandBus
from casewright.application.commands import (
    CloseCase,
    Command,
    CompleteTask,
    CreateTask,
    EscalateCase,
    OpenCase,
    StartReview,
    StartTask,
    SubmitCase,
)
from casewright.application.ports import Outbox, Store
from casewright.application.reports import Report
from casewright.domain.actors import Actor
from casewright.domain.catalog import REGULATORY_CASE, TASK
from casewright.domain.combinators import all_of, forbid
from casewright.domain.definitions import CaseDefinition
from casewright.domain.events import Event
from casewright.domain.history import Finding
from casewright.domain.items import Item
from casewright.domain.ready_rules import performed
from casewright.errors import InvalidInputError, NotFoundError, RefusedError

__all__ = ["CASE_ID", "DANA", "FOUR_EYES", "ITEM_IDS", "RITA", "SCRIPT", "TASK_IDS", "TOM", "Step", "Story", "tell"]

DANA: Final = Actor("dana", roles={"case_writer", "reviewer"})
RITA: Final = Actor("rita", roles={"reviewer"})
TOM: Final = Actor("tom")

FOUR_EYES: Final[CaseDefinition] = REGULATORY_CASE.with_rules(
    {"close": all_of(REGULATORY_CASE.rule("close"), forbid(performed("submit")))}
)
"""The catalog's case, closed only by someone who did not submit it."""

CASE_ID: Final = "R-17"
TASK_IDS: Final = ("T-1", "T-2")
ITEM_IDS: Final = (CASE_ID, *TASK_IDS)

_ALL: Final = 10**9


@attrs.frozen
class Step:
    """One thing that someone tries.

    Attributes:
        at: When.
        by: Who.
        command: What.
    """

    at: datetime
    by: Actor
    command: Command[Any]


def _step(time: str, by: Actor, command: Command[Any]) -> Step:
    return Step(datetime.fromisoformat(f"2026-03-02T{time}:00").replace(tzinfo=UTC), by, command)


SCRIPT: Final = (
    _step("09:00", DANA, OpenCase("Prospectus of the Alder Fund", id="R-17")),
    _step("09:10", RITA, SubmitCase("R-17")),
    _step("09:20", DANA, SubmitCase("R-17")),
    _step("10:00", RITA, CloseCase("R-17", "looks fine")),
    _step("10:05", RITA, StartReview("R-17", "rita")),
    _step("10:15", RITA, CreateTask("Compare the fees with the cap", id="T-1", case_id="R-17", assignee_id="tom")),
    _step("10:20", RITA, CreateTask("Ask the custodian", id="T-2", case_id="R-17", assignee_id="tom")),
    _step("11:00", TOM, StartTask("T-1")),
    _step("12:30", TOM, CompleteTask("T-1")),
    _step("13:00", DANA, CompleteTask("T-2")),
    _step("13:30", RITA, CloseCase("R-17")),
    _step("14:00", RITA, EscalateCase("R-17", "the fees are above the cap")),
    _step("15:00", TOM, CompleteTask("T-2")),
    _step("15:30", DANA, CloseCase("R-17", "the fees were lowered")),
    _step("16:00", RITA, CloseCase("R-17", "the fees were lowered")),
)


@attrs.frozen(kw_only=True)
class Story:
    """What happened, and what the store holds of it.

    Attributes:
        told: Each step, with what the bus reported of it.
        items: Each item as it is, by its id.
        histories: The events of each item.
        findings: What does not hold of each item; empty where it is sound.
        pending: How many events of these items wait in the outbox.
    """

    told: tuple[tuple[Step, Report], ...]
    items: dict[str, Item]
    histories: dict[str, tuple[Event, ...]]
    findings: dict[str, tuple[Finding, ...]]
    pending: int

    @property
    def refusals(self) -> list[tuple[Step, Report]]:
        """The steps that were refused."""
        return [(step, report) for step, report in self.told if report.denial]


def tell(store: Store) -> Story:
    """Let the whole story happen in a store, one command after the other, and read what the store holds of it.

    Raises:
        InvalidInputError: The store holds an item of these ids already; nothing was written.
        StorageError: The store could not do it.
    """
    _check_free(store)
    reports: list[Report] = []
    # There is one report for each step, so it is always the time of the first step without one.
    bus = CommandBus(store, (FOUR_EYES, TASK), clock=lambda: SCRIPT[len(reports)].at, observers=(reports.append,))
    for step in SCRIPT:
        with suppress(RefusedError, NotFoundError):  # the report says why
            bus.execute(step.command, by=step.by)
    with store.begin(tenant=RITA.tenant, write=False) as uow:
        pointers = cast("Outbox", uow).pending(limit=_ALL)
    return Story(
        told=tuple(zip(SCRIPT, reports, strict=True)),
        items={item_id: bus.get(item_id, by=RITA) for item_id in ITEM_IDS},
        histories={item_id: bus.history(item_id, by=RITA) for item_id in ITEM_IDS},
        findings={item_id: bus.verify(item_id, by=RITA) for item_id in ITEM_IDS},
        pending=sum(pointer.item_id in ITEM_IDS for pointer in pointers),
    )


def _check_free(store: Store) -> None:
    with store.begin(tenant=RITA.tenant, write=False) as uow:
        taken = [item_id for item_id in ITEM_IDS if uow.items.get(item_id)]
    if taken:
        advice = "name one without them, or a new file"
        raise InvalidInputError("the database", f"already holds {', '.join(taken)}", advice)
