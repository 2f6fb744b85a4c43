"""Measuring in one interleaved run: every round asks each contender in a new random order; ratios are taken by round.

The figures are CPU time of the thread with the garbage collector off, so that a neighbour on the machine is not billed;
of the clock on the wall where contenders wait for a server.
Only ratios are quoted: absolute times say more about the machine than about the code.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping

import attrs

__all__ = ["Bar", "Timings", "measure", "report"]


@attrs.frozen
class Timings:
    """Microseconds a call, by contender and round."""

    rounds: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        """Return the median of a contender."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, peer: str) -> float:
        """Return the median over the rounds of one contender's time by another's of the same round."""
        return statistics.median(a / b for a, b in zip(self.rounds[name], self.rounds[peer], strict=True))


@attrs.frozen
class Bar:
    """One promise about speed: what was measured and the most it may be."""

    what: str
    measured: float
    most: float

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.measured <= self.most


def measure(
    contenders: Mapping[str, Callable[[int], object]],
    *,
    calls: int,
    rounds: int,
    before: Mapping[str, Callable[[int], None]] | None = None,
    clock: Callable[[], int] = time.thread_time_ns,
) -> Timings:
    """Time every contender in every round.

    Args:
        contenders: Names and loops that make the given number of calls.
        calls: How many calls a loop makes.
        rounds: How many rounds.
        before: What is prepared, unmeasured, before a contender's loop.
        clock: Tells nanoseconds; the CPU time of the thread, unless a contender works in several or waits for others.
    """
    order = list(contenders)
    shuffle = random.Random(1).shuffle
    figures: dict[str, list[float]] = {name: [] for name in order}
    for turn in range(rounds + 1):
        shuffle(order)
        for name in order:
            (before or {}).get(name, _nothing)(calls)
            gc.collect()
            gc.disable()
            start = clock()
            contenders[name](calls)
            taken = clock() - start
            gc.enable()
            if turn:  # the first round warms up
                figures[name].append(taken / calls / 1000)
    return Timings({name: tuple(values) for name, values in figures.items()})


def report(title: str, timings: Timings | None, bars: list[Bar]) -> bool:
    """Print a section and return whether every bar is met."""
    print(f"\n{title}")
    if timings is not None:
        for name in timings.rounds:
            print(f"  {name:<58}{timings.median(name):9.2f} us")
    for bar in bars:
        print(f"  {bar.what:<58}{bar.measured:9.2f} (at most {bar.most:g}){'' if bar.met else '  NOT MET'}")
    return all(bar.met for bar in bars)


def _nothing(_: int) -> None:
    """Prepare nothing."""
