"""Run every benchmark: ``python benchmarks/run.py [--rounds N] [--check]``."""

from __future__ import annotations

import argparse
import platform
import sys

import asynchronous
import authorization
import decisions
import footprint

import relay
import stores

__all__ = ["main"]


def main() -> int:
    """Run them and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}; medians of {options.rounds} interleaved rounds")
    met = [part.run(options.rounds) for part in (decisions, authorization, stores, asynchronous, relay, footprint)]
    return 1 if options.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())
