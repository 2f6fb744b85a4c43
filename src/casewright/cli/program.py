"""The commands and how they end: 0 fine, 1 findings, 2 bad input or a store that cannot do it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NoReturn

import casewright
from casewright.cli import check, demo, diagram, replay
from casewright.cli.text import say
from casewright.errors import CasewrightError

__all__ = ["main"]

_BAD_INPUT: Final = 2
# What a shell expects of a program that Ctrl-C ended, and of one whose reader went away.
_INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141

_COMMANDS: Final = {"demo": demo, "replay": replay, "check": check, "diagram": diagram}
_ENDING: Final = "exit codes: 0 fine, 1 findings, 2 bad input, or a store that cannot do it"


class _UsageError(Exception):
    """The arguments make no sense."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the usage as well."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; without one, print the help.

    Args:
        argv: The arguments; those of the process where None.

    Returns:
        0 where all is well (help included), 1 where the command found something, 2 where it was given nothing that it
        can work on, or a store that cannot do it: then the last line on stderr says why, and stdout stays empty.
    """
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except (_UsageError, CasewrightError) as error:
        say(_without_urls(str(error), sys.argv[1:] if argv is None else argv))
        return _BAD_INPUT
    except BrokenPipeError:
        # Python flushes stdout once more when it ends; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _without_urls(text: str, argv: Iterable[str]) -> str:
    """What is said of arguments, without the URLs among them: they may hold passwords."""
    for argument in argv:
        _, mark, rest = argument.partition("://")
        if mark:
            user, _, _ = rest.rpartition("@")
            text = text.replace(f"://{rest}", "://...").replace(f"://{user}@", "://...@")
    return text


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit:  # how argparse ends --help and --version
        return 0
    if options.run is None:
        parser.print_help()
        return 0
    run: Callable[[argparse.Namespace], int] = options.run
    return run(options)


def _parser() -> _Parser:
    parser = _Parser(
        prog="casewright",
        description="Task and case lifecycles: who may do what, in which state, and a proof that it happened so.",
        epilog=_ENDING,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"casewright {casewright.__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in _COMMANDS.items():
        # Abbreviated options would break scripts on the day that a new option begins like an old one.
        one = commands.add_parser(
            name, help=command.HELP, description=command.DESCRIPTION, epilog=_ENDING, allow_abbrev=False
        )
        command.add_arguments(one)
        one.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        one.set_defaults(run=command.run)
    return parser
