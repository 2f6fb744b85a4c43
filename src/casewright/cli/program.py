"""The commands and how they end: 0 fine, 1 findings, 2 bad input."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import casewright
from casewright.cli import check, demo, diagram, replay
from casewright.cli.text import one_line, write
from casewright.errors import InvalidInputError

__all__ = ["main"]

_BAD_INPUT: Final = 2
_INTERRUPTED: Final = 130
"""What a shell expects of a program that Ctrl-C ended."""

_ENDINGS: Final = "exit codes: 0 fine, 1 findings, 2 bad input"


class _UsageError(Exception):
    """The arguments make no sense."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the usage as well."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; those of the process where None.

    Returns:
        0 where all is well (help counts as well), 1 where the command found something, 2 where it was given nothing it
        could work on: then one line on stderr says why, and nothing else is printed.
    """
    try:
        return _run(argv)
    except (_UsageError, InvalidInputError) as error:
        write(f"casewright: {one_line(str(error))}", sys.stderr)
        return _BAD_INPUT
    except OSError as error:
        ...
    except KeyboardInterrupt:
        return _INTERRUPTED
