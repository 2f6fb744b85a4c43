"""From what a store keeps to what is delivered: each event with its item as that event left it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from casewright.application.ports import OutboxPointer
from casewright.application.publishing import Message
from casewright.application.relaying import Due
from casewright.domain.events import Event
from casewright.domain.folding import states
from casewright.domain.items import Item
from casewright.errors import HistoryError

__all__ = ["MISSING", "due", "left_by"]

MISSING: Final = "its event is not in the history of its item"
"""Why a pointer that leads nowhere cannot be delivered."""


def left_by(events: Iterable[Event], versions: Collection[int]) -> tuple[Mapping[int, Item], str]:
    """Return an item as some of its events left it.

    Args:
        events: Its history, from version 1 on, up to the last of these versions at least.
        versions: Of these events.

    Returns:
        The items by version, as far as the history can be read, and why it can be read no further; empty where it can.
    """
    found: dict[int, Item] = {}
    try:
        for item in states(events):
            if item.version in versions:
                found[item.version] = item
    except HistoryError as error:
        return found, error.problem
    return found, ""


def due(pointer: OutboxPointer, event: Event | None, item: Item | None, problem: str) -> Due:
    """Return what is due.

    Args:
        pointer: What says so.
        event: The event, where it could be read.
        item: The item as the event left it, where it could be read.
        problem: Why they could not be read, where that is known.
    """
    if event is None or item is None:
        return Due(pointer=pointer, message=None, problem=problem or MISSING)
    return Due(pointer=pointer, message=Message(event=event, item=item, attempt=pointer.attempts + 1))
