"""Run the command line: ``python -m casewright``."""

from __future__ import annotations

import sys

from casewright.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
