"""The commands and how they end: 0 fine, 1 findings, 2 bad input or a store that cannot do it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn, TextIO

import casewright
from casewright.cli import check, demo, diagram, outbox, relay, replay, schema, verify
from casewright.cli.text import say, shows_url
from casewright.errors import CasewrightError

__all__ = ["main"]

_BAD_INPUT: Final = 2
# What a shell expects of a program that Ctrl-C ended, and of one whose reader went away.
_INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141

_COMMANDS: Final = {
    "demo": demo,
    "replay": replay,
    "check": check,
    "diagram": diagram,
    "schema": schema,
    "relay": relay,
    "outbox": outbox,
    "verify": verify,
}
_ENDING: Final = "exit codes: 0 fine, 1 findings, 2 bad input, or a store that cannot do it"


class _UsageError(Exception):
    """The arguments make no sense."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the usage as well."""

    def error(self, message: str) -> NoReturn:
        shown = "the arguments make no sense (not shown: a URL may hold a password)" if shows_url(message) else message
        raise _UsageError(f"{shown}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; without one, print the help.

    Args:
        argv: The arguments; those of the process where None.

    Returns:
        0 where all is well (help included), 1 where the command found something, 2 where it was given nothing that it
        can work on, a store that cannot do it, or no place to answer on: then the last line on stderr says why, and
        stdout stays empty, or ends where there was no room.
    """
    with _somewhere_to_say():
        if sys.stdout is None:  # so Python has it where a shell closed it
            say("there is no stdout to answer on; leave it open")
            return _BAD_INPUT
        try:
            code = _run(argv)
            sys.stdout.flush()
            return code
        except (_UsageError, CasewrightError) as error:
            say(str(error))
            return _BAD_INPUT
        except BrokenPipeError:
            _give_up(sys.stdout)
            return _PIPE_CLOSED
        except OSError as error:
            _give_up(sys.stdout)
            say(f"the answer cannot be written: {error.strerror}")
            return _BAD_INPUT
        except KeyboardInterrupt:
            return _INTERRUPTED


@contextlib.contextmanager
def _somewhere_to_say() -> Iterator[None]:
    """Let stderr go nowhere where a shell closed it."""
    if sys.stderr is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def _give_up(stream: TextIO) -> None:
    """Let what is still to be written go nowhere: Python flushes once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


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
