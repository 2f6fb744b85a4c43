"""``casewright replay``: judge a log of what happened by a definition."""

from __future__ import annotations

import argparse
import os
import sys
from time import perf_counter
from typing import BinaryIO, Final

from casewright.cli.loading import AnyDefinition, load_definition
from casewright.cli.progress import Progress
from casewright.cli.text import paragraph, table, write, write_json
from casewright.errors import InvalidInputError
from casewright.interchange.conformance import (
    CaseReplay,
    ConformanceReport,
    Refusal,
    conformance_report,
    input_columns,
    replay_cases,
)
from casewright.interchange.event_log import read_event_log

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "replay_json", "replay_text", "run", "show"]

HELP: Final = "judge an event log by a definition"
DESCRIPTION: Final = """\
Judge an event log by a definition: each change of status at its time, by its actor. What is refused is counted, and
applied all the same, so that each history equals the log; then each history is verified. The log is CSV in UTF-8 with
the columns case:concept:name, concept:name and time:timestamp; optional are org:resource, org:role, event (status or
edit), from_status, and columns named like the definition's inputs. Row 1 is the header."""
_SHOWN: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("log", metavar="LOG.csv", help="the event log")
    parser.add_argument("--definition", required=True, metavar="FILE.py:NAME", help="the definition that judges")


def run(options: argparse.Namespace) -> int:
    """Replay the log and print what came of it; 1 where a history does not verify."""
    definition = load_definition(options.definition)
    progress = Progress(sys.stderr)
    started = perf_counter()
    try:
        report = _replayed(definition, options.log, progress)
    finally:
        progress.clear()
    seconds = perf_counter() - started
    return show(report, seconds, log=options.log, definition=definition.name, as_json=options.json)


def show(report: ConformanceReport, seconds: float, *, log: str, definition: str, as_json: bool) -> int:
    """Print the report, and what does not hold in a history, if anything.

    Args:
        report: What came of the log.
        seconds: How long it took.
        log: The name of the log.
        definition: The name of the definition.
        as_json: Whether it is for programs.

    Returns:
        0 where every history verifies, else 1.
    """
    if as_json:
        write_json(replay_json(report, seconds), sys.stdout)
    else:
        write(replay_text(report, seconds, log=log, definition=definition), sys.stdout)
    for problem in report.problems:
        write(paragraph(problem, first="casewright: ", indent="  "), sys.stderr)
    return 1 if report.problems else 0


def replay_json(report: ConformanceReport, seconds: float) -> dict[str, object]:
    """Return what ``--json`` prints."""
    return {
        "cases": report.cases,
        "rows": report.rows,
        "status_changes": report.status_changes,
        "allowed": report.allowed,
        "refused": report.refused,
        "administrative": report.administrative,
        "refusals": [
            {"from": one.source, "to": one.target, "count": one.count, "reason": one.reason} for one in report.refusals
        ],
        "histories_verified": report.histories_verified,
        "seconds": round(seconds, 3),
    }


def replay_text(report: ConformanceReport, seconds: float, *, log: str, definition: str) -> str:
    """Return what is printed for people."""
    changes = report.status_changes
    counts = [
        ("cases", f"{report.cases:,}", ""),
        ("rows", f"{report.rows:,}", ""),
        ("status changes", f"{changes:,}", ""),
        ("  allowed", f"{report.allowed:,}", _share(report.allowed, changes)),
        ("  refused", f"{report.refused:,}", _share(report.refused, changes)),
        ("  administrative", f"{report.administrative:,}", _share(report.administrative, changes)),
        ("histories verified", f"{report.histories_verified:,}", f"of {report.cases:,}"),
    ]
    parts = [paragraph(f"{os.path.basename(log)}, judged by the definition {definition!r}"), table(counts, right=1)]
    if report.refusals:
        parts += ["Refused most often", _refusals(report.refusals)]
    rate = round(report.rows / max(seconds, 1e-6))
    parts.append(f"{report.rows:,} rows in {seconds:.2f} s: {rate:,} rows a second")
    return "\n\n".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:6.1%}" if whole else ""


def _refusals(refusals: tuple[Refusal, ...]) -> str:
    rows = [
        (f"{one.count:,}", f"{'(new)' if one.source is None else one.source} -> {one.target}", one.reason)
        for one in refusals[:_SHOWN]
    ]
    more = sum(one.count for one in refusals[_SHOWN:])
    rest = f"\n  and {more:,} more, in {len(refusals) - _SHOWN} other ways" if more else ""
    return table(rows, right=0) + rest


def _replayed(definition: AnyDefinition, log: str, progress: Progress) -> ConformanceReport:
    if not os.path.exists(log):
        raise InvalidInputError(log, "there is no such file")
    try:
        with open(log, "rb") as file:
            return _judged(definition, file, progress)
    except InvalidInputError as error:
        raise InvalidInputError(f"{log}, {error.field}", error.problem, error.advice) from None
    except OSError as error:
        raise InvalidInputError(log, f"cannot be read: {error.strerror}") from None


def _judged(definition: AnyDefinition, file: BinaryIO, progress: Progress) -> ConformanceReport:
    log = read_event_log(file, statuses=definition.lifecycle.states, cells=input_columns(definition))
    size = os.fstat(file.fileno()).st_size
    rows = list(progress.follow(log, "reading", size, lambda _: file.tell()))
    replayed = 0

    def done(case: CaseReplay) -> int:
        nonlocal replayed
        replayed += case.rows
        return replayed

    return conformance_report(progress.follow(replay_cases(definition, rows), "judging", len(rows), done))
