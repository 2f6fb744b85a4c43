"""``casewright diagram``: a lifecycle as diagram text."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from casewright.cli.loading import CATALOG, load_part
from casewright.cli.text import write, write_json
from casewright.domain.lifecycle import Lifecycle

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP: Final = "draw a lifecycle"
DESCRIPTION: Final = "Print the lifecycle of a definition as the text of a diagram."
_FORMS: Final = ("mermaid", "dot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    known = ", ".join(CATALOG)
    parser.add_argument("target", metavar="NAME", help=f"FILE.py:NAME, or one of {known}")
    parser.add_argument("--form", choices=_FORMS, default=_FORMS[0], help="mermaid (the default) or dot (Graphviz)")


def run(options: argparse.Namespace) -> int:
    """Print the diagram."""
    part = load_part(options.target)
    lifecycle = part if isinstance(part, Lifecycle) else part.lifecycle
    diagram = format(lifecycle, options.form)
    if options.json:
        write_json({"form": options.form, "diagram": diagram}, sys.stdout)
    else:
        write(diagram.rstrip("\n"), sys.stdout)
    return 0
