"""New ids: UUIDs of version 7, which begin with the time, so that new rows stand together in an index (RFC 9562)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from casewright.domain.values import as_instant

__all__ = ["Clock", "NewId", "system_clock", "uuid7"]

Clock: TypeAlias = Callable[[], datetime]
"""Tells the time: an aware datetime."""

NewId: TypeAlias = Callable[[], str]
"""Makes an id that was never used before."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def system_clock() -> datetime:
    """Return the time of the machine, in UTC."""
    return datetime.now(UTC)


def uuid7(clock: Clock = system_clock, random: Callable[[int], bytes] = os.urandom) -> str:
    """Return a new UUID of version 7 (RFC 9562, 5.7), in its text form of 36 characters.

    Args:
        clock: Gives its first 48 bits, in milliseconds since 1970; none before.
        random: Gives as many random bytes as it is asked for.

    Raises:
        InvalidInputError: The clock gives no aware datetime.
    """
    milliseconds = max(0, (as_instant(clock(), "clock") - _EPOCH) // _MILLISECOND)
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + random(10), "big")
    return str(UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))
