"""What a bus tries again, and how long it waits before: the pure rules, for which chance is an argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from casewright.errors import CasewrightError, StaleVersionError, TransientStorageError

__all__ = ["LONGEST_PAUSE", "RETRIED", "Chance", "pause_before"]

Chance: TypeAlias = Callable[[], float]
"""Gives a random number from 0 up to, but not, 1."""

LONGEST_PAUSE: Final = 0.1
"""What no pause between two attempts of a command reaches, in seconds."""

RETRIED: Final = (StaleVersionError, TransientStorageError)
"""After which errors another attempt may help."""

_FIRST: Final = 0.008
_DOUBLINGS: Final = 4  # then the longest pause is reached


def pause_before(attempt: int, *, after: CasewrightError, random: Chance) -> float:
    """Return how many seconds to wait before an attempt: at random, so that rivals do not meet again (L4, T6).

    The second attempt after a conflict comes at once: it loads with a lock where the store has one, so it waits there,
    in the store's own order. Where that was not enough, or the store could not do it, each waits up to twice as long as
    the one before.

    Args:
        attempt: Which one is next, from 2.
        after: What the one before it met.
        random: Chance.
    """
    waits = attempt - 3 if isinstance(after, StaleVersionError) else attempt - 2
    if waits < 0:
        return 0.0
    return random() * min(_FIRST * (1 << min(waits, _DOUBLINGS)), LONGEST_PAUSE)
