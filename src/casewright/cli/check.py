"""``casewright check``: say that a definition is sound, or everything that is wrong with it."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import attrs

from casewright.cli.loading import AnyDefinition, build_part
from casewright.cli.text import paragraph, write, write_json
from casewright.domain.lifecycle import Lifecycle
from casewright.errors import DefinitionError, Problem

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "prove a definition sound, or show every problem"
DESCRIPTION: Final = """\
Build the definition (or lifecycle) that a file makes, and print "sound", or every problem at once: where it is, what
is wrong, what would mend it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("target", metavar="FILE.py:NAME", help="the definition or lifecycle")


def run(options: argparse.Namespace) -> int:
    """Print what there is to say of the definition; 1 where it is not sound."""
    try:
        part = build_part(options.target)
    except DefinitionError as error:
        _print_problems(error.problems, options.json)
        return 1
    if options.json:
        write_json({"sound": True, "problems": []}, sys.stdout)
    else:
        write(f"sound: {_described(part)}", sys.stdout)
    return 0


def _print_problems(problems: tuple[Problem, ...], as_json: bool) -> None:
    if as_json:
        write_json({"sound": False, "problems": [attrs.asdict(problem) for problem in problems]}, sys.stdout)
        return
    for problem in problems:
        write(paragraph(str(problem), first="- ", indent="  "), sys.stdout)


def _described(part: AnyDefinition | Lifecycle) -> str:
    lifecycle = part if isinstance(part, Lifecycle) else part.lifecycle
    name = "a lifecycle" if isinstance(part, Lifecycle) else f"the {part.kind} definition {part.name!r}"
    return f"{name}, {len(lifecycle.states)} statuses, {len(lifecycle.actions)} actions"
