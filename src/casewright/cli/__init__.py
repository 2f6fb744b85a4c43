"""The command line: ``python -m casewright`` or ``casewright``."""

from __future__ import annotations

from casewright.cli.program import main

__all__ = ["main"]
