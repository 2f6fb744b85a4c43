"""What workers do in races (see `support.racing`): each function is one worker's part, and returns what it saw."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs

from casewright import (
    AddNote,
    Assign,
    CasewrightError,
    CloseCase,
    CommandBus,
    CompleteTask,
    CreateTask,
    Edit,
    OpenCase,
    Report,
    Store,
)
from support.buses import ANN, DEFINITIONS, ROOT

__all__ = ["Seen", "act_or_reassign", "close_or_open_task", "create_schema", "edit", "write_until_killed"]


@attrs.define
class Seen:
    """What a worker saw.

    Attributes:
        links: Of each event that was acknowledged the version, the digest before, and the digest.
        answers: How often each answer came: ``done``, or the code of an error.
        attempts: How often commands that were done were tried.
        longest: How long the slowest command took, in seconds.
    """

    links: list[tuple[int, str, str]] = attrs.Factory(list)
    answers: Counter[str] = attrs.Factory(Counter)
    attempts: list[int] = attrs.Factory(list)
    longest: float = 0.0

    def bus(self, store: Store, max_attempts: int) -> CommandBus:
        """Return a bus whose reports are noted."""
        return CommandBus(store, DEFINITIONS, observers=[self._note], max_attempts=max_attempts)

    def _note(self, report: Report) -> None:
        if report.denial is None:
            self.attempts.append(report.attempts)
            self.links += [(event.version, event.previous, event.digest) for event in report.events[:1]]

    def ask(self, work: Callable[[], object]) -> None:
        """Do one piece of work, and note how it went."""
        began = time.monotonic()
        try:
            work()
        except CasewrightError as error:
            self.answers[error.code] += 1
        else:
            self.answers["done"] += 1
        self.longest = max(self.longest, time.monotonic() - began)


def edit(worker: int, store: Store, meet: Callable[[], object], item_id: str, times: int, max_attempts: int = 5) -> Seen:
    """Edit one item again and again."""
    seen = Seen()
    bus = seen.bus(store, max_attempts)
    meet()
    for number in range(times):
        seen.ask(lambda title=f"{worker}.{number}": bus.execute(Edit(item_id, title=title), by=ROOT))  # type: ignore[misc]
    return seen
