"""Work taken one step at a time: to interrupt it anywhere, to look in between, to count.

A step ends where CPython handles signals and lets other threads run: after calls, at the beginning of functions, and
where loops go round. Nowhere else can a KeyboardInterrupt fall, or another thread look.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dis import opname
from types import FrameType
from typing import Any, Final

import pytest

_ENDS_OF_STEPS: Final = ("CALL", "RESUME", "JUMP_BACKWARD")


def stepped(work: Callable[[], object], between: Callable[[], object] = int) -> int:
    """Do the work and return how many steps it took.

    Args:
        work: What is done.
        between: Called after each step; what it raises is raised in the work.
    """
    if sys.version_info >= (3, 12):
        pytest.skip("the steps of Python 3.12 and newer are told otherwise: these tests are for 3.11")
    count = 0

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        code, before = frame.f_code.co_code, ""

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before, count
            if event == "opcode":
                ended, before = before.startswith(_ENDS_OF_STEPS), opname[code[frame.f_lasti]]
                if ended:
                    count += 1
                    between()
            return trace

        return trace

    tracing = sys.gettrace()  # by whatever measures coverage
    gc.disable()  # what the collector calls is no step of the work, and what is raised there is lost
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(tracing)
        gc.enable()
    return count


def interrupted(work: Callable[[], object], *, after: int) -> bool:
    """Do the work with a KeyboardInterrupt after so many steps; return whether it came so far."""
    left = after

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
