"""Work taken one bytecode instruction at a time: to interrupt it anywhere, to look in between, to count."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["interrupted", "stepped"]


def stepped(work: Callable[[], object], between: Callable[[], object] = int) -> int:
    """Do the work and return how many instructions it took.

    Args:
        work: What is done.
        between: Called before each instruction; what it raises is raised in the work.
    """
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            between()
        return trace

    before = sys.gettrace()  # that of whatever measures coverage
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def interrupted(work: Callable[[], object], *, at: int) -> bool:
    """Do the work with a KeyboardInterrupt before its instruction of that number; return whether it came so far."""
    left = at

    def interrupt() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    try:
        stepped(work, interrupt)
    except KeyboardInterrupt:
        return True
    return False
